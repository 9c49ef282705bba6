"""Mean squared displacements, and the generalised diffusion coefficient when α is known.

The generalised law is MSD(t) = 2 d D_α t^α + c. The offset c is 2 d σ² for localisation noise of
standard deviation σ per axis, and exposure blur lowers it, below 0 where it outweighs the noise
(Michalet, Phys. Rev. E 82:041914, 2010). D_α has the unit length²/time^α: values at different α
cannot be compared as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from skandi.errors import TrajectoryError
from skandi.lengths import group_by_length

MAX_LAG = 10
"""Largest lag of a fit in frames: beyond it a single track adds more spread than knowledge."""
_LARGEST_PART = 3
ALPHA_BOUNDS = (0.01, 2.5)


def max_lag_of(n_points: int) -> int:
    """The largest lag a track of this length is fitted at: 10 frames, at most a third of it.

    Examples
    --------
    >>> [max_lag_of(n) for n in (10, 25, 400)]
    [3, 8, 10]
    """
    return min(MAX_LAG, n_points // _LARGEST_PART)


def time_averaged_msd(positions: ArrayLike, max_lag: int) -> NDArray[np.float64]:
    """Mean squared displacement of one track, averaged along it.

    Parameters
    ----------
    positions : array-like of shape (..., T, d)
        One trajectory, or several of one length.
    max_lag : int
        Largest lag in frames.

    Returns
    -------
    ndarray of shape (..., max_lag)
        At lags 1, 2, …, `max_lag`, in squared units of the positions; NaN at lags of T and more.

    Examples
    --------
    >>> time_averaged_msd([[0.0], [1.0], [2.0]], max_lag=3)
    array([ 1.,  4., nan])
    """
    x = np.asarray(positions, dtype=np.float64)
    msd = np.full((*x.shape[:-2], max_lag), np.nan)
    with np.errstate(over="ignore"):  # squares of a track as large as 1e200 are infinite
        for lag in range(1, min(max_lag, x.shape[-2] - 1) + 1):
            moved = x[..., lag:, :] - x[..., :-lag, :]
            msd[..., lag - 1] = (moved**2).sum(axis=-1).mean(axis=-1)
    return msd


def generalised_diffusion(
    trajectories: Sequence[NDArray[np.float64]], alpha: ArrayLike, frame_interval: float
) -> NDArray[np.float64]:
    """D_α of each track, with α fixed and the offset fitted.

    A straight line is fitted to the time-averaged MSD over t^α, at lags from 1 to 10 frames and at
    most a third of the track. The weights 1/(lag t^2α) go by the law and not by the data, so that
    the estimate is linear in the MSD and unbiased where α is right, before what is not positive is
    left out: a mean over short or slow tracks is too high.

    Parameters
    ----------
    trajectories : list of ndarray of shape (T_i, d)
        Positions.
    alpha : array-like of shape (n,)
        Anomalous exponent of each, taken as it is.
    frame_interval : float
        Time from one point to the next.

    Returns
    -------
    ndarray of shape (n,)
        In squared units of the positions over time^α. NaN where α is missing, where there are fewer
        than two lags, and where the MSD does not grow with the lag, so that there is no positive
        D_α.

    Raises
    ------
    TrajectoryError
        If there is not one exponent per trajectory.

    Examples
    --------
    >>> from skandi.simulate import simulate
    >>> tracks = list(simulate("fbm", 0.6, n_samples=200, T=200, n_dims=2, random_state=0))
    >>> D = generalised_diffusion(tracks, [0.6] * 200, frame_interval=1.0)
    >>> float(D.mean().round(2))  # unit variance per axis: 2 D = 1
    0.5
    """
    exponents = np.asarray(alpha, dtype=np.float64)
    if exponents.shape != (len(trajectories),):
        raise TrajectoryError(
            f"{len(trajectories)} trajectories need as many exponents, and alpha has the shape "
            f"{exponents.shape}."
        )
    result = np.full(len(trajectories), np.nan)
    for n_points, members in group_by_length(trajectories).items():
        n_lags = max_lag_of(n_points)
        if n_lags < 2:
            continue
        stacked = np.stack([trajectories[i] for i in members])
        times = frame_interval * np.arange(1, n_lags + 1)
        x = times ** exponents[members, None]
        slope, _ = _line(x, time_averaged_msd(stacked, n_lags), 1 / (times * x**2))
        result[members] = slope / (2 * stacked.shape[2])
    result[~(np.isfinite(result) & (result > 0))] = np.nan
    return result


@dataclass(frozen=True)
class MSDFit:
    """The generalised law MSD(t) = 2 d D_α t^α + offset, as fitted.

    Attributes
    ----------
    D_alpha : float
        Squared length over time^α.
    alpha : float
        Fitted, or as given.
    offset : float
        Squared length; negative where exposure blur outweighs localisation noise.
    n_dims : int
        The d of the law.
    """

    D_alpha: float
    alpha: float
    offset: float
    n_dims: int

    def __call__(self, times: ArrayLike) -> NDArray[np.float64]:
        """The law's MSD at some times."""
        t = np.asarray(times, dtype=np.float64)
        return 2 * self.n_dims * self.D_alpha * t**self.alpha + self.offset


def fit_msd(times: ArrayLike, msd: ArrayLike, n_dims: int, *, alpha: float | None = None) -> MSDFit:
    """Fit the generalised law to an MSD curve, most usefully to the mean over many tracks.

    Deviations count relative to the measured MSD, and less at long lags: weights 1/(t MSD²).

    Parameters
    ----------
    times : array-like of shape (n,)
        Lag times, growing.
    msd : array-like of shape (n,)
        MSD at these times.
    n_dims : int
        The d of the law.
    alpha : float, optional
        To be kept as it is; fitted between 0.01 and 2.5 when left out, which needs four lags.

    Returns
    -------
    MSDFit

    Raises
    ------
    TrajectoryError
        If there are too few lags, or a time or MSD is missing or not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> times = 0.1 * np.arange(1, 11)
    >>> law = fit_msd(times, 0.02 + 4 * 0.3 * times**0.7, n_dims=2)
    >>> round(law.D_alpha, 3), round(law.alpha, 3), round(law.offset, 3)
    (0.3, 0.7, 0.02)
    """
    t, values = np.asarray(times, dtype=np.float64), np.asarray(msd, dtype=np.float64)
    needed = 4 if alpha is None else 2
    if len(t) < needed:
        raise TrajectoryError(
            f"A fit of the MSD needs {needed} lags or more, and there are {len(t)}. Take more "
            "lags, which may need longer tracks."
        )
    useless = ~(np.isfinite(values) & (values > 0) & np.isfinite(t) & (t > 0))
    if useless.any():
        first = int(np.argmax(useless))
        raise TrajectoryError(
            f"A fit of the MSD needs times and values above 0, and {int(useless.sum())} of "
            f"{len(t)} lags have others, the first at time {t[first]:g} an MSD of "
            f"{values[first]:g}. Leave these lags out."
        )
    weight = 1 / (t * values**2)

    def law(exponent: float) -> MSDFit:
        slope, offset = _line(t**exponent, values, weight)
        return MSDFit(float(slope) / (2 * n_dims), exponent, float(offset), n_dims)

    if alpha is None:
        # The other two parameters follow from α in closed form, so the search is in one dimension.
        found = minimize_scalar(
            lambda a: float((weight * (values - law(a)(t)) ** 2).sum()),
            bounds=ALPHA_BOUNDS,
            method="bounded",
        )
        alpha = float(found.x)
    return law(alpha)


def _line(
    x: NDArray[np.float64], msd: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept of MSD over x = t^α by weighted least squares, along the last axis."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        weight = weight / weight.sum(axis=-1, keepdims=True)
        mean_x = (weight * x).sum(axis=-1, keepdims=True)
        mean_msd = (weight * msd).sum(axis=-1, keepdims=True)
        covariance = (weight * (x - mean_x) * (msd - mean_msd)).sum(axis=-1)
        slope = covariance / (weight * (x - mean_x) ** 2).sum(axis=-1)
        return slope, mean_msd[..., 0] - slope * mean_x[..., 0]
