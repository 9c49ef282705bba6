"""Chance: tracks drawn again, together with what belongs to them, and intervals from that.

Tracks of one file resemble each other, and the pieces of one track are one. What is drawn is a file
or a track, never a part of it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from skandi.diffusion import MODELS

# Tracks drawn at a time, for the sake of memory.
_BLOCK_TRACKS = 500_000
# What a note of `read_tracks` says of the pieces and branches that it cut a track into.
_PIECE = r"(?:piece|branch) \d+ of \d+ of track (.*?)(?:, split at gaps|, which splits or merges)"


class Sample(NamedTuple):
    """The tracks of one condition: α and index of the model (n, 2), and what they are parts of."""

    values: NDArray[np.float64]
    file: NDArray[np.int64]
    particle: NDArray[np.int64]
    median_length: float

    @property
    def n_files(self) -> int:
        """Files with a track."""
        return int(self.file.max()) + 1

    @property
    def n_particles(self) -> int:
        """Tracks, of which some may be in pieces."""
        return int(self.particle.max()) + 1

    def quantities(self) -> NDArray[np.float64]:
        """Median α and the share of each model, (1 + 5)."""
        return _quantities(self.values)


def sample_of(rows: pd.DataFrame, file: str) -> Sample:
    """Rows of `analyse` that have an α; `file` is the column of files, if there is one."""
    code: Any = np.nan
    if "model" in rows:
        code = rows["model"].map({model: k for k, model in enumerate(MODELS)})
    values = np.empty((len(rows), 2))
    values[:, 0], values[:, 1] = rows["alpha"], code
    which = np.zeros(len(rows), dtype=np.int64)
    if file in rows:
        which = pd.factorize(rows[file].astype(str))[0]
    length = float(rows["n_points"].median()) if "n_points" in rows else np.nan
    return Sample(values, which, _particles(rows, which), length)


def _particles(rows: pd.DataFrame, file: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which tracks are pieces or branches of one, by their notes."""
    if "note" not in rows:
        return np.arange(len(rows))
    parents = rows["note"].astype("string").str.extract(_PIECE, expand=False)
    code, names = pd.factorize(parents)
    whole = -1 - np.arange(len(rows))
    return pd.factorize(np.where(code < 0, whole, file * max(len(names), 1) + code))[0]


def _quantities(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median α and the share of each model of samples (..., m, 2)."""
    medians = np.median(values[..., 0], axis=-1)
    shares = [(values[..., 1] == k).mean(axis=-1) for k in range(len(MODELS))]
    return np.stack([medians, *shares], axis=-1)


def deviations(
    sample: Sample, by_file: bool, n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How far the quantities of n resamples are from those of the sample, (n, 1 + 5)."""
    which = sample.file if by_file else sample.particle
    sizes = np.bincount(which)
    if len(sizes) == 1:
        return np.zeros((n, 1 + len(MODELS)))
    grouped = sample.values[np.argsort(which, kind="stable")]
    starts = np.cumsum(sizes) - sizes
    alike = (sizes == sizes[0]).all()
    at_once = max(1, _BLOCK_TRACKS // len(grouped)) if alike else 1
    drawn = []
    for first in range(0, n, at_once):
        rows = min(at_once, n - first)
        groups = rng.integers(len(sizes), size=(rows, len(sizes)))
        members = _ranges(starts[groups.ravel()], sizes[groups.ravel()]).reshape(rows, -1)
        drawn.append(_quantities(grouped[members]))
    widened = math.sqrt(len(sizes) / (len(sizes) - 1))
    return widened * (np.concatenate(drawn) - sample.quantities())


def _ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each start on, as many as its size, one after another."""
    before = np.cumsum(sizes) - sizes
    within: NDArray[np.int64] = np.arange(int(sizes.sum()), dtype=np.int64)
    within += np.repeat(starts - before, sizes)
    return within


def interval_of_difference(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    n_drawn: list[int],
    confidence: float,
) -> NDArray[np.float64]:
    """Ends (2, 1 + 5) of intervals around differences, from deviations of resamples."""
    tail = (1 - confidence) / 2
    ends = np.quantile(ours - theirs, [tail, 1 - tail], axis=0)
    variances = [away.var(axis=0) for away in (ours, theirs)]
    freedom = _welch(variances, n_drawn)
    return ends * student.ppf(1 - tail, freedom) / norm.ppf(1 - tail)


def _welch(variances: list[NDArray[np.float64]], n: list[int]) -> NDArray[np.float64]:
    """Welch's degrees of freedom of a difference of two, whose squared errors are given."""
    total = sum(variances)
    parts = sum(v**2 / max(k - 1, 1) for v, k in zip(variances, n, strict=True))
    with np.errstate(invalid="ignore"):
        freedom = np.asarray(total) ** 2 / parts
    return np.where(np.isfinite(freedom), freedom, max(sum(n) - 2, 1))
