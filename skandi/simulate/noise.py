"""Localisation noise: how large relative to displacements, and adding it to trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import RecipeError, TrajectoryError
from skandi.lengths import group_by_length
from skandi.normalize import displacement_scale
from skandi.simulate.models import as_floats
from skandi.simulate.randomness import RandomState, as_generator
from skandi.trajectories import as_trajectories

SIGMAS = (0.1, 0.5, 1.0)
"""Standard deviations of the challenge's localisation noise, SNR 10, 2 and 1."""
LARGEST_SIGMA = 1e100  # the square of more is no number


def with_noise(
    trajectories: Any,
    *,
    snr: ArrayLike | None = None,
    snr_range: Sequence[float] | None = None,
    random_state: RandomState = None,
) -> list[NDArray[np.float64]]:
    """Add localisation noise to trajectories of one's own, as the recipes do to theirs.

    Every position gets independent Gaussian noise, whose standard deviation along an axis is
    that of the trajectory's displacements along it, divided by the signal-to-noise ratio. Where
    the displacements of an axis are all the same it is one, divided by the ratio. Without `snr`
    and `snr_range`, each axis of each trajectory draws 10, 2 or 1, as in the AnDi challenge.

    ``make_andi(recipe="andi-2020")`` refers the noise to 1000 points and keeps the first of them:
    simulate long trajectories, add noise, then cut, for noise of that kind.

    Parameters
    ----------
    trajectories : list of array-like of shape (T_i, n_dims), or array-like of shape (n, T, n_dims)
        Positions without noise, in any unit; two points at least.
    snr : float or array-like, optional
        A number, or anything that broadcasts to (n, n_dims), such as one value per axis.
    snr_range : tuple (low, high), optional
        In place of `snr`: each trajectory has a ratio of its own, the same along all axes,
        uniform in its logarithm.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    list of ndarray of shape (T_i, n_dims)
        In the unit of `trajectories`, float64.

    Raises
    ------
    TrajectoryError
        For what cannot be read as trajectories, or an array (n, 2) or (n, 3), which looks like one.
    RecipeError
        For ratios that are not above 0, or that do not fit.

    References
    ----------
    Muñoz-Gil et al., "Objective comparison of methods to decode anomalous diffusion",
    Nat. Commun. 12:6253 (2021), Methods.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.simulate import simulate, with_noise
    >>> exact = simulate("fbm", 0.5, 4, 1000, 2, random_state=0)
    >>> noisy = with_noise(exact, snr_range=(2, 8), random_state=0)
    >>> len(noisy), noisy[0].shape
    (4, (1000, 2))
    >>> noise = np.array(with_noise(exact, snr=2, random_state=0)) - exact
    >>> (noise.std(axis=1) / np.diff(exact, axis=1).std(axis=1)).round(1)[0].tolist()
    [0.5, 0.5]
    """
    shape: tuple[int, ...] = getattr(trajectories, "shape", ())
    if len(shape) == 2 and shape[1] in (2, 3) and shape[0] > 3:
        raise TrajectoryError(
            f"An array of shape {tuple(shape)} came, one track of {shape[0]} points: pass [track]."
        )
    tracks = as_trajectories(trajectories, min_points=2)
    rng = as_generator(random_state)
    sigma = resolve_sigma(snr, len(tracks), tracks[0].shape[1], rng, snr_range)
    std = np.empty_like(sigma)
    for members in group_by_length(tracks).values():
        std[members] = displacement_scale(np.stack([tracks[i] for i in members]))[:, 0]
    return [
        track + level * rng.standard_normal(track.shape)
        for track, level in zip(tracks, sigma * std, strict=True)
    ]


def resolve_sigma(
    snr: ArrayLike | None,
    n: int,
    n_dims: int,
    rng: np.random.Generator,
    snr_range: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Turn ``snr`` and ``snr_range`` of a user into the noise of every axis, (n, n_dims)."""
    if snr_range is not None:
        if snr is not None:
            raise RecipeError("snr and snr_range are two ways to say how noisy: give one of them")
        low, high = require_snr_range(snr_range)
        if low == high:
            return np.full((n, n_dims), 1 / low)
        sigma = np.exp(-rng.uniform(np.log(low), np.log(high), (n, 1)))
        return np.repeat(sigma, n_dims, axis=1)
    if snr is None:
        return np.array(SIGMAS)[rng.integers(len(SIGMAS), size=(n, n_dims))]
    ratio = as_floats("snr", snr)
    if not (ratio >= 1 / LARGEST_SIGMA).all():
        raise RecipeError(f"snr={snr!r}: signal-to-noise ratios must be above 0 (inf: no noise)")
    try:
        return np.array(np.broadcast_to(1.0 / ratio, (n, n_dims)))
    except ValueError:
        raise RecipeError(
            f"snr has shape {ratio.shape}: give a number, {n_dims} value(s), one per axis, or "
            f"an array that broadcasts to (n_samples, n_dims) = {(n, n_dims)}"
        ) from None


def require_snr_range(snr_range: Sequence[float]) -> tuple[float, float]:
    """Check a range of signal-to-noise ratios (low, high); both may be the same, and only then inf.

    Raises
    ------
    RecipeError
        If it is none.
    """
    ends = as_floats("snr_range", snr_range)
    if ends.shape != (2,) or not 1 / LARGEST_SIGMA <= ends[0] <= ends[1]:
        raise RecipeError(f"snr_range={snr_range!r}: a range is (low, high) with 0 < low <= high")
    if np.isinf(ends[1]) and ends[0] < ends[1]:
        raise RecipeError(f"snr_range={snr_range!r}: a range without end; give its upper end")
    return float(ends[0]), float(ends[1])
