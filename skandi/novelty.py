"""Is a track like those a network was trained on? Its feature vector tells, in the same pass.

Two scores are taken from the feature vectors of a trained trunk and combined. They are made on
simulated tracks by `skandi.pretrained.fitting_novelty` and belong to one file of weights.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from skandi.calibration import LARGEST_NOVELTY, LENGTH_KNOTS, length_weights
from skandi.errors import WeightsError
from skandi.weights import load_weights, refusing, save_weights

if TYPE_CHECKING:
    from typing_extensions import Self

LEVELS = np.array(
    [*(k / 50 for k in range(45)), *(0.9 + k / 200 for k in range(20)), 0.9975, LARGEST_NOVELTY]
)
"""Shares of tracks of the training kind at which scores are kept, interpolated in between."""

_KIND = "novelty statistics"
_CLIP = 6.0
_DISTANCE_WEIGHT = 0.25
_HALF_LEVEL = 0.0005
FEW = 1e-9
"""Weight of every track at every length: where no other is, all speak for it."""


@dataclass(frozen=True)
class NoveltyStatistics:
    """What tracks of the training kind look like to a trunk, by length.

    A feature vector is first brought to mean 0 and variance 1 among tracks of its length. Then

    - its *distance* is that of Mahalanobis from the mean of the training kind;
    - its *odds* are those of being one of many other motions (`skandi.simulate.exposure`) rather
      than of the training kind, by small networks that saw both (outlier exposure: Hendrycks,
      Mazeika & Dietterich, ICLR 2019).

    Each is ranked among tracks of the training kind of that length and read as a normal quantile,
    and the score is the odds' quantile plus a quarter of the distance's. Its rank is the novelty.

    Attributes
    ----------
    mean, std : ndarray of shape (n_lengths, n_features)
        Of the features, at `skandi.calibration.LENGTH_KNOTS`.
    whitening : ndarray of shape (n_features, n_axes)
        Directions in which the standardised features of the training kind have variance 1.
    layer_1, layer_2, layer_3 : ndarray of shape (n_networks, n_in + 1, n_out)
        Weights of the networks, with the biases as the last row. The first reads the standardised
        features and the logarithm of the length.
    odds_levels, distance_levels, levels : ndarray of shape (n_lengths, n_levels)
        Odds, distance and score at which `LEVELS` of the tracks of the training kind lie below.
    trunk : str
        Digest of the trunk whose features these are.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    whitening: NDArray[np.float32]
    layer_1: NDArray[np.float32]
    layer_2: NDArray[np.float32]
    layer_3: NDArray[np.float32]
    odds_levels: NDArray[np.float32]
    distance_levels: NDArray[np.float32]
    levels: NDArray[np.float32]
    trunk: str

    def novelty(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Give the share of tracks of the training kind, of the same length, that are less novel.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)
            Feature vectors of the trunk.
        lengths : ndarray of shape (n,)
            Points of each track.

        Returns
        -------
        ndarray of shape (n,), float64
            From 0 to `skandi.calibration.LARGEST_NOVELTY`; uniform for tracks of the training kind,
            so the share of them above 0.95 is 0.05.
        """
        return rank(self.score(features, lengths), lengths, self.levels)

    def score(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Give the score (n,), larger for what is less like the training kind."""
        return combined(*self.ranks(features, lengths))

    def ranks(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], ...]:
        """Give the ranks (n,) of odds and distance among tracks of the training kind."""
        levels = (self.odds_levels, self.distance_levels)
        parts = self.parts(features, lengths)
        return tuple(rank(part, lengths, row) for part, row in zip(parts, levels, strict=True))

    def parts(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], ...]:
        """Give odds and distance (n,)."""
        z = standardized(features, lengths, self.mean, self.std)
        return self.odds(z, lengths), self.distance(z)

    def odds(self, z: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the mean of the networks' logarithmic odds (n,) for standardised features."""
        h = np.column_stack([z, length_channel(lengths)])[np.newaxis]
        for layer in (self.layer_1, self.layer_2):
            h = np.maximum(h @ layer[:, :-1] + layer[:, -1:], 0)
        last = self.layer_3
        return (h @ last[:, :-1] + last[:, -1:])[..., 0].mean(axis=0).astype(np.float64)

    def distance(self, z: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the logarithm of the squared Mahalanobis distance (n,)."""
        return np.log(np.square(z @ self.whitening).sum(axis=1, dtype=np.float64) + 1e-9)

    def save(self, path: str | os.PathLike[str], about: dict[str, Any]) -> None:
        """Write the statistics, and how they were made, to a file without pickle."""
        arrays = {name: torch.from_numpy(getattr(self, name)) for name in _ARRAYS}
        save_weights(path, arrays, {"kind": _KIND, "trunk": self.trunk, **about}, dtype=_ON_DISK)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote, or raise a `WeightsError`."""
        config, state = load_weights(path)
        if config.get("kind") != _KIND:
            raise WeightsError(f"{path} holds no {_KIND}. Make them by fit_novelty.")
        with refusing(path):
            statistics = cls(**{k: state[k].numpy() for k in _ARRAYS}, trunk=str(config["trunk"]))
            statistics._require_shapes()
        return statistics

    def _require_shapes(self) -> None:
        k, f = len(LENGTH_KNOTS), self.mean.shape[1]
        m, _, h = self.layer_1.shape
        needed = {
            "mean": (k, f),
            "std": (k, f),
            "whitening": (f, self.whitening.shape[1]),
            "layer_1": (m, f + 2, h),
            "layer_2": (m, h + 1, self.layer_3.shape[1] - 1),
            "layer_3": (m, self.layer_2.shape[2] + 1, 1),
            **dict.fromkeys(
                [name for name in _ARRAYS if name.endswith("levels")], (k, len(LEVELS))
            ),
        }
        for name, shape in needed.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} of shape {array.shape}, where {shape} is needed")


_ARRAYS = tuple(field.name for field in fields(NoveltyStatistics) if field.name != "trunk")
_ON_DISK = torch.float16


def on_disk(array: NDArray) -> NDArray[np.float32]:
    """Round to what a file keeps, so that what is measured next is measured on that."""
    return np.asarray(array, dtype=np.float16).astype(np.float32)


def standardized(
    features: NDArray[np.float32],
    lengths: NDArray[np.int64],
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Bring features to mean 0 and variance 1 among tracks of their length."""
    at = length_weights(lengths).astype(np.float32)
    return np.clip((features - at @ mean) / (at @ std), -_CLIP, _CLIP)


def length_channel(lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logarithm of the length, of order 1; beyond the last knot as there."""
    clipped = np.clip(lengths, LENGTH_KNOTS[0], LENGTH_KNOTS[-1])
    return ((np.log(clipped) - 4.6) / 1.3).astype(np.float32)


def rank(
    values: NDArray[np.float64], lengths: NDArray[np.int64], levels: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Give the share (n,) of tracks of the training kind of that length with a smaller value."""
    # Each length lies between two knots at most; shares, not values, are interpolated.
    at = length_weights(lengths)
    shares = np.zeros(len(values))
    for k, row in enumerate(levels):
        mine = at[:, k] > 0
        shares[mine] += at[mine, k] * np.interp(values[mine], row, LEVELS)
    return np.minimum(shares, LEVELS[-1])  # two weights may sum to a last place more than 1


def levels_of(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Measure the table that `rank` reads, on tracks of the training kind."""
    at = length_weights(lengths) + FEW
    order = np.argsort(values, kind="stable")
    found = []
    for weight in at[order].T:
        share = (np.cumsum(weight) - weight / 2) / weight.sum()
        found.append(np.interp(LEVELS, share, values[order]))
    return on_disk(np.array(found))


def combined(odds: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Combine two ranks to one score.

    What rank a score has is in the statistics of each network, measured with this formula: after a
    change of it, fit them anew (`skandi.pretrained.fitting_novelty`).
    """
    return normal_quantile(odds) + _DISTANCE_WEIGHT * normal_quantile(distance)


def normal_quantile(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the value below which that share of a standard normal law lies."""
    inside = torch.from_numpy(np.clip(share, _HALF_LEVEL, 1 - _HALF_LEVEL))
    return torch.special.ndtri(inside).numpy()
