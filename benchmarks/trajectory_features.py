"""Standard descriptors of trajectories: what physicists measure on a track without any network.

A classifier's features keep what tells its classes apart and drop the rest, and the rest may be
what is new about a track. These numbers are not learnt. They depend neither on shift, scale and
mirror image nor on the order of the axes; each axis is brought to unit variance by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skandi.lengths import group_by_length
from skandi.normalize import standardize

SHORTEST = 10
"""Points a trajectory needs."""

_LAGS = (2, 3, 4, 6, 8)
_PARTS = (8, 4, 2)
_MEMORY_LAGS = (1, 2, 3, 4, 8)
_SIZE_LAGS = (1, 2, 4, 8)
_STILL = 0.1
_TINY = 1e-9

NAMES = (
    *(f"log MSD({lag})/MSD(1)" for lag in _LAGS),
    *(f"log MSD(T/{part})/MSD(1)" for part in _PARTS),
    *(f"velocity autocorrelation({lag})" for lag in _MEMORY_LAGS),
    *(f"step-size autocorrelation({lag})" for lag in _SIZE_LAGS),
    "step-size autocorrelation(T/8)",
    "log kurtosis of steps",
    "log kurtosis of displacements over 4 frames",
    "mean step size",
    "share of steps near zero",
    "largest step size",
    "drift",
    "log step variance, second half over first",
    "log step variance, largest quarter over smallest",
    "kurtosis of positions",
    "range of positions",
    "crossings of the mean position",
    "correlation with time",
    "share of a parabola beyond a line",
    "largest share of one frequency",
    "share of steps in the direction before",
    "log longest run in one direction",
    "mean cosine of turns",
    "mean cosine of double turns",
    "correlation of step sizes between axes",
    "rotation",
)


def descriptors(trajectories: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Give the descriptors of each trajectory.

    Parameters
    ----------
    trajectories : sequence of ndarray of shape (T_i, d)
        Of at least `SHORTEST` points, in any unit of length.

    Returns
    -------
    ndarray of shape (n, n_descriptors), float64
        Finite numbers in the order of `NAMES`, means over the axes. The last four relate axes to
        each other and are 0 in one dimension.

    Examples
    --------
    >>> import numpy as np
    >>> steps = np.random.default_rng(0).normal(size=(400, 1))
    >>> found = dict(zip(NAMES, descriptors([steps.cumsum(axis=0)])[0]))
    >>> bool(abs(found["log MSD(8)/MSD(1)"] - np.log(8)) < 0.3)
    True
    """
    found = np.zeros((len(trajectories), len(NAMES)))
    for members in group_by_length(trajectories).values():
        z = standardize(np.stack([trajectories[i] for i in members])).transpose(0, 2, 1)
        found[members] = _of_one_length(np.ascontiguousarray(z))
    return found


def _of_one_length(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Descriptors of z-scored positions (n, d, T)."""
    steps = np.diff(z, axis=2)
    rms = np.sqrt(np.square(steps).mean(axis=2, keepdims=True))
    steps = steps / np.maximum(rms, _TINY)
    by_axis = [*_spreading(z), *_memory(steps), *_sizes(steps), *_positions(z), *_runs(steps)]
    return np.column_stack([np.stack(by_axis, axis=1).mean(axis=2), *_between_axes(steps)])


def _spreading(z: NDArray) -> list[NDArray]:
    """How the mean squared displacement grows."""
    T = z.shape[2]
    first = _log_msd(z, 1)
    lags = (*_LAGS, *(max(1, T // part) for part in _PARTS))
    return [_log_msd(z, lag) - first for lag in lags]


def _log_msd(z: NDArray, lag: int) -> NDArray:
    return np.log(np.square(z[..., lag:] - z[..., :-lag]).mean(axis=2) + _TINY)


def _memory(steps: NDArray) -> list[NDArray]:
    """How a step, and how its size, resembles earlier ones."""
    size = np.abs(steps)
    size = size - size.mean(axis=2, keepdims=True)
    lags = (*_SIZE_LAGS, max(1, steps.shape[2] // 8))
    return [_correlation(steps, lag) for lag in _MEMORY_LAGS] + [
        _correlation(size, lag) for lag in lags
    ]


def _correlation(values: NDArray, lag: int) -> NDArray:
    if lag >= values.shape[2]:
        return np.zeros(values.shape[:2])
    variance = np.square(values).mean(axis=2)
    return (values[..., lag:] * values[..., :-lag]).mean(axis=2) / (variance + _TINY)


def _sizes(steps: NDArray) -> list[NDArray]:
    """How step sizes are distributed, and how that changes along the track."""
    size, n = np.abs(steps), steps.shape[2]
    total = steps.cumsum(axis=2)
    longer = total[..., 4:] - total[..., :-4]
    energy = np.square(steps)
    quarters = np.stack([part.mean(axis=2) for part in np.array_split(energy, 4, axis=2)]) + 1e-3
    halves = [part.mean(axis=2) + 1e-3 for part in np.array_split(energy, 2, axis=2)]
    return [
        _log_kurtosis(steps),
        _log_kurtosis(longer),
        size.mean(axis=2),
        (size < _STILL).mean(axis=2),
        size.max(axis=2),
        np.log(np.square(total[..., -1]) / n + 0.01),
        np.log(halves[1] / halves[0]),
        np.log(quarters.max(axis=0) / quarters.min(axis=0)),
    ]


def _log_kurtosis(values: NDArray) -> NDArray:
    square = np.square(values)
    return np.log(np.square(square).mean(axis=2) + _TINY) - 2 * np.log(square.mean(axis=2) + _TINY)


def _positions(z: NDArray) -> list[NDArray]:
    """Where the track stays: in a well, on a line, on an arc, to and fro."""
    T = z.shape[2]
    t = np.linspace(-1, 1, T)
    line = t / np.sqrt(np.square(t).mean())
    arc = np.square(t) - np.square(t).mean()
    arc = arc / np.sqrt(np.square(arc).mean())
    on_line, on_arc = z @ line / T, z @ arc / T
    power = np.square(np.abs(np.fft.rfft(z - on_line[..., None] * line, axis=2)[..., 1:]))
    crossings = (np.diff(np.signbit(z), axis=2)).mean(axis=2) * np.sqrt(T)
    return [
        np.square(np.square(z)).mean(axis=2),
        np.ptp(z, axis=2),
        crossings,
        np.abs(on_line),
        np.square(on_arc),
        power.max(axis=2) / (power.sum(axis=2) + _TINY),
    ]


def _runs(steps: NDArray) -> list[NDArray]:
    """How long the direction along an axis is kept."""
    same = steps[..., 1:] * steps[..., :-1] > 0
    number = np.arange(same.shape[2])
    last_turn = np.maximum.accumulate(np.where(same, -1, number), axis=2)
    longest = (number - last_turn).max(axis=2)
    return [same.mean(axis=2), np.log1p(longest)]


def _between_axes(steps: NDArray) -> list[NDArray]:
    """Turns, and what the axes have in common; zeros in one dimension."""
    n, d, _ = steps.shape
    if d == 1:
        return [np.zeros(n)] * 4
    length = np.sqrt(np.square(steps).sum(axis=1))
    before, after = steps[..., :-1], steps[..., 1:]
    both = length[:, :-1] * length[:, 1:]
    cosine = (before * after).sum(axis=1) / (both + _TINY)
    size = np.abs(steps)
    size = (size - size.mean(axis=2, keepdims=True)) / (size.std(axis=2, keepdims=True) + _TINY)
    pairs = [(i, j) for i in range(d) for j in range(i)]
    shared = np.mean([(size[:, i] * size[:, j]).mean(axis=1) for i, j in pairs], axis=0)
    turned = [
        (before[:, i] * after[:, j] - before[:, j] * after[:, i]).mean(axis=1) for i, j in pairs
    ]
    rotation = np.sqrt(np.square(turned).sum(axis=0))
    return [cosine.mean(axis=1), (2 * np.square(cosine) - 1).mean(axis=1), shared, rotation]
