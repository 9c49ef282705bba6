"""Stated uncertainty made true: corrections per length and noise, measured on fresh trajectories.

A network's distribution over α is a little too wide or too narrow, and differently so for short and
long, quiet and noisy tracks. The corrections here are measured on trajectories that trained and
chose nothing, and are interpolated in the logarithm of the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skandi.lengths import group_by_length
from skandi.normalize import standardize

if TYPE_CHECKING:
    from typing_extensions import Self

COVERAGES = np.array([*(k / 20 for k in range(20)), 0.975, 0.99, 1.0])
"""Coverages at which the correction of intervals is kept; in between it is interpolated."""
LARGEST_NOVELTY = 0.999
"""Largest novelty: what is more novel than that share of tracks is told as this."""
LENGTH_KNOTS = np.array([10, 14, 20, 30, 45, 70, 110, 170, 270, 420, 650, 1000])
NOISE_EDGES = np.array([0.08, 0.30])
SIZE_KNOTS = np.array(
    [0.025, 0.04, 0.055, 0.07, 0.085, 0.1, 0.12, 0.14, 0.16, 0.19, 0.23, 0.28, 0.34, 0.42, 0.52]
)
SIZE_LENGTH_KNOTS = np.array([10, 30, 110, 420, 1000])
TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(2.0), 141))


@dataclass(frozen=True)
class AlphaCalibration:
    """Corrections of a distribution over α.

    Attributes
    ----------
    levels : ndarray of shape (n_noise, n_lengths, n_coverages)
        The mass around the median that an interval must have in the network's distribution to cover
        the truth with each of `COVERAGES` (split conformal prediction, Vovk et al., *Algorithmic
        Learning in a Random World*, 2005, with the cells of length and noise as categories).
    error_scale, spread_scale : ndarray of shape (n_noise, n_lengths)
        Measured mean absolute, and root mean square, deviation from the median over what the
        network's distribution says it is.
    error_by_size, spread_by_size : ndarray of shape (n_size_lengths, n_sizes)
        What is then left of it, by length and by the size of the corrected deviation itself: a
        network is often a little too modest where it is nearly certain.
    """

    levels: NDArray[np.float64]
    error_scale: NDArray[np.float64]
    spread_scale: NDArray[np.float64]
    error_by_size: NDArray[np.float64]
    spread_by_size: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        lengths: NDArray[np.int64],
        noise: NDArray[np.float64],
        *,
        central_mass: NDArray[np.float64],
        error: NDArray[np.float64],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
    ) -> Self:
        """Measure the corrections.

        Parameters
        ----------
        lengths, noise : ndarray of shape (n,)
            Points of each track and its `noise_share`.
        central_mass : ndarray of shape (n,)
            Mass of the smallest interval around the median that holds the truth, |2 F(α) - 1|.
        error, expected, spread : ndarray of shape (n,)
            Deviation of the truth from the median, and the mean absolute and root mean square
            deviation that the network's distribution expects.
        """
        weights = length_weights(lengths)
        category = np.digitize(noise, NOISE_EDGES)
        shape = (len(NOISE_EDGES) + 1, len(LENGTH_KNOTS))
        levels = np.empty((*shape, len(COVERAGES)))
        error_scale, spread_scale = np.empty(shape), np.empty(shape)
        for b in range(shape[0]):
            for k in range(shape[1]):
                # Too few tracks of this kind: what holds for every noise, or every length too.
                choices = (weights[:, k] * (category == b), weights[:, k], np.ones(len(lengths)))
                w = next((w for w in choices if w.sum() >= _FEWEST), choices[-1])
                used = w > 0
                levels[b, k] = _conformal_levels(central_mass[used], w[used])
                error_scale[b, k] = w @ np.abs(error) / (w @ expected)
                spread_scale[b, k] = np.sqrt(w @ error**2 / (w @ spread**2))
        expected = expected * _look_up(error_scale, lengths, noise)
        spread = spread * _look_up(spread_scale, lengths, noise)
        return cls(
            levels,
            error_scale,
            spread_scale,
            error_by_size=_factors_by_size(lengths, expected, np.abs(error)),
            spread_by_size=np.sqrt(_factors_by_size(lengths, spread, error**2, power=2)),
        )

    def raw_level(
        self, lengths: NDArray[np.int64], noise: NDArray[np.float64], coverage: float
    ) -> NDArray[np.float64]:
        """Give the mass the network's central interval must have to cover with `coverage`."""
        at = np.apply_along_axis(lambda row: np.interp(coverage, COVERAGES, row), -1, self.levels)
        return _look_up(at, lengths, noise)

    def correct(
        self,
        lengths: NDArray[np.int64],
        noise: NDArray[np.float64],
        *,
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the deviations to expect, mean absolute and root mean square, as `fit` met them."""
        expected = expected * _look_up(self.error_scale, lengths, noise)
        spread = spread * _look_up(self.spread_scale, lengths, noise)
        return (
            expected * _look_up_size(self.error_by_size, lengths, expected),
            spread * _look_up_size(self.spread_by_size, lengths, spread),
        )

    def to_config(self) -> dict[str, Any]:
        """Give the corrections as JSON can hold them."""
        return {name: value.tolist() for name, value in asdict(self).items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Read what `to_config` gave, or raise a ValueError."""
        shape = (len(NOISE_EDGES) + 1, len(LENGTH_KNOTS))
        by_size = (len(SIZE_LENGTH_KNOTS), len(SIZE_KNOTS))
        return cls(
            levels=_numbers(config["levels"], (*shape, len(COVERAGES))),
            error_scale=_numbers(config["error_scale"], shape),
            spread_scale=_numbers(config["spread_scale"], shape),
            error_by_size=_numbers(config["error_by_size"], by_size),
            spread_by_size=_numbers(config["spread_by_size"], by_size),
        )


@dataclass(frozen=True)
class ModelCalibration:
    """Temperature of the class probabilities by length (Guo et al., ICML 2017, Sec. 4.2).

    Attributes
    ----------
    temperature : ndarray of shape (n_lengths,)
        What the logits are divided by.
    """

    temperature: NDArray[np.float64]

    @classmethod
    def fit(
        cls, lengths: NDArray[np.int64], logits: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> Self:
        """Choose the temperatures with the smallest cross-entropy.

        Parameters
        ----------
        lengths : ndarray of shape (n,)
        logits : ndarray of shape (n, n_classes)
        labels : ndarray of shape (n,)
            Index of the true class.
        """
        weights = length_weights(lengths)
        # Too few tracks near this length: what holds for every length.
        weights[:, weights.sum(axis=0) < _FEWEST] = 1.0
        losses = np.stack([_cross_entropies(logits / t, labels) for t in TEMPERATURES])
        return cls(TEMPERATURES[(losses @ weights).argmin(axis=0)])

    def at(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the temperature for each length."""
        return length_weights(lengths) @ self.temperature

    def to_config(self) -> dict[str, Any]:
        """Give the temperatures as JSON can hold them."""
        return {"temperature": self.temperature.tolist()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Read what `to_config` gave, or raise a ValueError."""
        return cls(_numbers(config["temperature"], (len(LENGTH_KNOTS),)))


def noise_share(trajectories: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Localisation noise of each track as a share of its displacements' variance.

    The covariance of neighbouring displacements is minus the variance of the noise, for motion with
    independent steps (Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89:022726, 2014, Eq. 14).
    Antipersistent motion looks noisy by this measure too; it serves to sort tracks, not to report.

    Parameters
    ----------
    trajectories : sequence of ndarray of shape (T_i, d)

    Returns
    -------
    ndarray of shape (n,), float64
        From -1 to 1, the mean over the axes; 1/2 for pure noise, 0 for Brownian motion without
        noise or a track that does not move.
    """
    share = np.zeros(len(trajectories))
    for T, same in group_by_length(trajectories).items():
        parts = min(len(same), -(-len(same) * T // _POINTS_AT_A_TIME))
        for which in np.array_split(same, parts):
            share[which] = _noise_share(np.stack([trajectories[i] for i in which]))
    return share


def length_weights(lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights (n, n_lengths) of linear interpolation between `LENGTH_KNOTS` in log T."""
    return _log_weights(lengths, LENGTH_KNOTS)


_FEWEST = 300
_POINTS_AT_A_TIME = 50_000


def _numbers(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Finite numbers of one shape from a file, which may hold anything."""
    numbers = np.array(value, dtype=np.float64)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError(f"a correction of shape {numbers.shape}, where {shape} is needed")
    return numbers


def _look_up(
    table: NDArray[np.float64], lengths: NDArray[np.int64], noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    rows = table[np.digitize(noise, NOISE_EDGES)]
    return (rows * length_weights(lengths)).sum(axis=1)


def _size_weights(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (n, n_sizes) of linear interpolation between `SIZE_KNOTS` in the logarithm."""
    return _log_weights(np.maximum(deviation, SIZE_KNOTS[0]), SIZE_KNOTS)


def _log_weights(values: NDArray, knots: NDArray) -> NDArray[np.float64]:
    position = np.interp(np.log(values), np.log(knots), np.arange(len(knots)))
    return np.clip(1 - np.abs(position[:, None] - np.arange(len(knots))), 0, None)


def _look_up_size(
    table: NDArray[np.float64], lengths: NDArray[np.int64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    rows = _log_weights(lengths, SIZE_LENGTH_KNOTS) @ table
    return (rows * _size_weights(deviation)).sum(axis=1)


def _factors_by_size(
    lengths: NDArray[np.int64],
    claimed: NDArray[np.float64],
    measured: NDArray[np.float64],
    *,
    power: int = 1,
) -> NDArray[np.float64]:
    """Mean of `measured` over that of ``claimed ** power`` at each length and size claimed.

    Where too few tracks are of this length and size, that of all lengths; where still too few, 1.
    """
    by_size = _size_weights(claimed)
    cells = _log_weights(lengths, SIZE_LENGTH_KNOTS)[:, :, None] * by_size[:, None, :]
    factors = np.ones(cells.shape[1:])
    for weights in (np.broadcast_to(by_size[:, None, :], cells.shape), cells):
        found = np.tensordot(measured, weights, 1)
        found /= np.maximum(np.tensordot(claimed**power, weights, 1), 1e-12)
        factors = np.where(weights.sum(axis=0) >= _FEWEST, found, factors)
    return factors


def _conformal_levels(
    scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quantiles of the scores at `COVERAGES`, with the test trajectory counted at infinity."""
    order = np.argsort(scores)
    scores, mass = scores[order], np.cumsum(weights[order])
    # The test trajectory weighs as much as one of these, so the last level may be out of reach.
    mass = mass / (mass[-1] + weights.max())
    found = np.searchsorted(mass, COVERAGES)
    levels = np.append(scores, 1.0)[found]
    levels[0], levels[-1] = 0.0, 1.0
    return levels


def _cross_entropies(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def _noise_share(tracks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for tracks of one length, (n, T, d) to (n,)."""
    steps = np.diff(standardize(tracks), axis=1)
    if steps.shape[1] < 2:
        return np.zeros(len(tracks))
    steps = steps - steps.mean(axis=1, keepdims=True)
    variance = (steps**2).mean(axis=1)
    covariance = (steps[:, 1:] * steps[:, :-1]).mean(axis=1)
    share = np.divide(-covariance, variance, out=np.zeros_like(variance), where=variance > 0)
    return share.mean(axis=1)
