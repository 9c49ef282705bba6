"""Displacements of unit standard deviation, and what to do when they do not vary at all.

Displacements are arrays (n, n_dims, time). Those of a Lévy walk in a single flight, and those of a
walker that never jumps, are constant: their standard deviation is zero but for rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skandi.simulate.models import block_rows, displacements


def step_std(
    steps: NDArray[np.float64], count: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Standard deviation (n, n_dims) of the displacements per axis, 1 where they are constant.

    Only the first ``count[i]`` displacements of row i are looked at, or all of them.
    """
    mean, std = _mean_and_std(steps, count)
    std[_constant(mean, std)] = 1.0
    return std


def step_std_of_challenge(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Like `step_std`, but constant displacements get the challenge's rounding errors, in place.

    The challenge takes displacements as differences of positions around their mean. For a Lévy
    walk of a single flight their standard deviation is that of the rounding errors, by which the
    trajectory is then scaled; such tracks are part of the scoring set. All others are, to
    rounding, what they would be without the detour.
    """
    mean, std = _mean_and_std(steps, None)
    constant = _constant(mean, std)
    if constant.any():
        positions = np.zeros((np.count_nonzero(constant), steps.shape[2] + 1))
        np.cumsum(steps[constant], axis=1, out=positions[:, 1:])
        positions -= positions.mean(axis=1, keepdims=True)
        steps[constant] = np.diff(positions, axis=1)
        std[constant] = steps[constant].std(axis=1)
        std[std == 0.0] = 1.0
    return std


def unit_displacements(
    model: str, alpha: NDArray[np.float64], T: int, n_dims: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Displacements (n, n_dims, T-1) of a model, each axis scaled to unit standard deviation."""
    steps = np.empty((len(alpha), n_dims, T - 1))
    rows = block_rows(T, n_dims)
    for first in range(0, len(alpha), rows):
        block = displacements(model, alpha[first : first + rows], T, n_dims, rng)
        np.divide(block, step_std(block)[..., None], out=steps[first : first + rows])
    return steps


def _mean_and_std(
    steps: NDArray[np.float64], count: NDArray[np.int64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    number: Any = steps.shape[2]
    if count is None or count.min() == number:
        mean = steps.sum(axis=2) / number
        centred = steps - mean[..., None]
    else:
        number = count[:, None]
        seen = np.arange(steps.shape[2]) < count[:, None, None]
        mean = np.where(seen, steps, 0.0).sum(axis=2) / number
        centred = np.where(seen, steps - mean[..., None], 0.0)
    return mean, np.sqrt(np.einsum("ijk,ijk->ij", centred, centred) / number)


def _constant(mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.bool_]:
    return std <= 1e-9 * np.abs(mean)
