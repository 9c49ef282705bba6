"""Motions that no classifier of the five models knows: what a novelty score should notice.

All take parameters as one number or one per trajectory, count time in frames, and return
positions (n_samples, T, n_dims), float64, from the origin, without noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import RecipeError
from skandi.simulate.models import as_floats, check_request, check_sizes, cumulate
from skandi.simulate.randomness import (
    RandomState,
    as_generator,
    directions,
    normals,
)
from skandi.simulate.scaling import unit_displacements

_Item = TypeVar("_Item")
_TURNS_AT_A_TIME = 1_000_000


def ornstein_uhlenbeck(
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    relaxation_time: ArrayLike = 10.0,
    size: ArrayLike = 1.0,
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Simulate confinement: diffusion in a harmonic trap, in equilibrium from the start.

    The position around the trap's centre is Gaussian with standard deviation `size` and
    correlation exp(-t / τ) per axis, so the MSD per axis is 2 size² (1 - exp(-t / τ)): it
    rises linearly and then stays. The discretisation is exact (Uhlenbeck & Ornstein, Phys. Rev.
    36:823, 1930).

    Parameters
    ----------
    n_samples, T, n_dims : int
    relaxation_time : float or array-like of shape (n_samples,)
        In frames, above 0.
    size : float or array-like of shape (n_samples,)
        Standard deviation of the position per axis.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)

    Raises
    ------
    RecipeError
        For impossible sizes or parameters.

    Examples
    --------
    >>> tracks = ornstein_uhlenbeck(500, 80, relaxation_time=3.0, random_state=0)
    >>> float((tracks[:, -1] ** 2).mean()).__round__(), tracks.shape
    (2, (500, 80, 1))
    """
    check_sizes(n_samples, T, n_dims)
    rate = 1.0 / _positive("relaxation_time", relaxation_time, n_samples)[:, None]
    memory = np.exp(-rate)
    width = _positive("size", size, n_samples)
    rng = as_generator(random_state)
    # One frame after the other, all trajectories at once: each frame needs the one before.
    positions = normals(rng, (T, n_samples, n_dims))
    positions[1:] *= np.sqrt(-np.expm1(-2.0 * rate))
    for frame in range(1, T):
        positions[frame] += memory * positions[frame - 1]
    positions -= positions[0].copy()
    positions *= width[:, None]
    return np.ascontiguousarray(positions.transpose(1, 0, 2))


def directed(
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    speed: ArrayLike = 0.5,
    diffusivity: ArrayLike = 0.5,
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Simulate directed motion with diffusion: constant velocity plus Brownian motion.

    MSD = 2 n_dims D t + v² t², the velocity in a uniform direction per trajectory (Qian, Sheetz
    & Elson, Biophys. J. 60:910, 1991, Eq. 7).

    Parameters
    ----------
    n_samples, T, n_dims : int
    speed : float or array-like of shape (n_samples,)
        v, length per frame, above 0.
    diffusivity : float or array-like of shape (n_samples,)
        D, length² per frame, above 0.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)

    Raises
    ------
    RecipeError
        For impossible sizes or parameters.

    Examples
    --------
    >>> tracks = directed(500, 51, 2, speed=2.0, random_state=0)
    >>> float((tracks[:, -1] ** 2).sum(axis=1).mean() / (100 * 100 + 100)).__round__(1)
    1.0
    """
    check_sizes(n_samples, T, n_dims)
    v, D = _positive("speed", speed, n_samples), _positive("diffusivity", diffusivity, n_samples)
    rng = as_generator(random_state)
    steps = normals(rng, (n_samples, n_dims, T - 1))
    steps *= np.sqrt(2.0 * D)[:, None, None]
    steps += (v * directions(rng, n_samples, n_dims)).T[..., None]
    return _positions(steps)


def run_and_tumble(
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    run_time: ArrayLike = 10.0,
    speed: ArrayLike = 1.0,
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Simulate run and tumble: straight runs of exponential duration, each in a new direction.

    Tumbles are instantaneous and happen in continuous time, not on frames: ballistic below the
    run time, diffusive above it; the MSD is 2 v² τ² (t/τ - 1 + exp(-t/τ)) (Berg, Random Walks in
    Biology, 1993, Ch. 6).

    Parameters
    ----------
    n_samples, T, n_dims : int
    run_time : float or array-like of shape (n_samples,)
        Mean duration of a run τ in frames, at least 0.01.
    speed : float or array-like of shape (n_samples,)
        v, length per frame, above 0.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)

    Raises
    ------
    RecipeError
        For impossible sizes or parameters.

    Examples
    --------
    >>> tracks = run_and_tumble(2, 100, 3, random_state=0)
    >>> tracks.shape
    (2, 100, 3)
    """
    check_sizes(n_samples, T, n_dims)
    mean_run = _positive("run_time", run_time, n_samples, at_least=0.01)
    v = _positive("speed", speed, n_samples)
    rng = as_generator(random_state)
    mean_stay = np.stack([mean_run, mean_run], axis=1)
    positions = np.empty((n_samples, T, n_dims))
    for rows in _blocks(mean_stay, T):
        turns = _switching_times(mean_stay[rows], T - 1, rng)
        heading = directions(rng, turns[:, 1:].size, n_dims)
        for axis in range(n_dims):
            rate = v[rows, None] * heading[axis].reshape(len(turns), -1)
            positions[rows, :, axis] = _integrate(rate, turns, T)
    return positions


def switching_diffusivity(
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    diffusivity: tuple[ArrayLike, ArrayLike] = (0.05, 0.5),
    residence_time: tuple[ArrayLike, ArrayLike] = (20.0, 20.0),
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Simulate Brownian motion that switches between two diffusivities.

    The state is a Markov process in continuous time, in equilibrium from the start; a
    displacement has the variance that the diffusivities add up to during its frame. α is 1, but
    displacements are not Gaussian (Grebenkov, Phys. Rev. E 99:032133, 2019).

    Parameters
    ----------
    n_samples, T, n_dims : int
    diffusivity : pair of floats or of arrays of shape (n_samples,)
        D of the two states, length² per frame, above 0.
    residence_time : pair of floats or of arrays of shape (n_samples,)
        Mean time spent in each state in frames, at least 0.01.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)

    Raises
    ------
    RecipeError
        For impossible sizes or parameters.

    Examples
    --------
    >>> tracks = switching_diffusivity(1000, 50, diffusivity=(0.1, 0.9), random_state=0)
    >>> float((tracks[:, -1] ** 2).mean() / 49).__round__(1)
    1.0
    """
    check_sizes(n_samples, T, n_dims)
    slow, fast = (_positive("diffusivity", D, n_samples) for D in _pair("diffusivity", diffusivity))
    mean_stay = _residence(residence_time, n_samples)
    rng = as_generator(random_state)
    share = _share_of_second_state(mean_stay, T, rng)
    steps = normals(rng, (n_samples, n_dims, T - 1))
    variance = 2.0 * (slow[:, None] * (1.0 - share) + fast[:, None] * share)
    steps *= np.sqrt(variance)[:, None]
    return _positions(steps)


def switching_models(
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    models: Sequence[str] = ("fbm", "lw"),
    alpha: tuple[float, float] = (0.5, 1.5),
    residence_time: tuple[ArrayLike, ArrayLike] = (20.0, 20.0),
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Simulate switching between two of the five models in continuous time.

    One trajectory of each model runs along, scaled to displacements of unit standard deviation
    per axis; the state is a Markov process in equilibrium from the start, and a displacement is
    that of the two models in the shares of the frame spent in each.

    Parameters
    ----------
    n_samples, T, n_dims : int
    models : pair of names of ``skandi.diffusion.MODELS``
    alpha : pair of floats
        Anomalous exponent of each model.
    residence_time : pair of floats or of arrays of shape (n_samples,)
        Mean time spent in each model in frames, at least 0.01.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)

    Raises
    ------
    RecipeError
        For impossible sizes or parameters, or an α that its model does not allow.

    Examples
    --------
    >>> switching_models(3, 60, 2, models=("ctrw", "sbm"), alpha=(0.6, 1.2),
    ...                  random_state=0).shape
    (3, 60, 2)
    """
    exponents = [
        check_request(model, value, n_samples, T, n_dims)
        for model, value in zip(_pair("models", models), _pair("alpha", alpha), strict=True)
    ]
    mean_stay = _residence(residence_time, n_samples)
    rng = as_generator(random_state)
    share = _share_of_second_state(mean_stay, T, rng)[:, None]
    first, second = (
        unit_displacements(model, value, T, n_dims, rng)
        for model, value in zip(models, exponents, strict=True)
    )
    return _positions((1.0 - share) * first + share * second)


HELDOUT: MappingProxyType[str, Callable[..., NDArray[np.float64]]] = MappingProxyType(
    {
        "ornstein_uhlenbeck": ornstein_uhlenbeck,
        "directed": directed,
        "run_and_tumble": run_and_tumble,
        "switching_diffusivity": switching_diffusivity,
        "switching_models": switching_models,
    }
)
"""The held-out motions by name."""


def _share_of_second_state(
    mean_stay: NDArray[np.float64], T: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Fraction of each frame (n, T-1) spent in the second of two states, from equilibrium."""
    share = np.empty((len(mean_stay), T - 1))
    for rows in _blocks(mean_stay, T):
        stay = mean_stay[rows]
        in_second = rng.random(len(stay)) < stay[:, 1] / stay.sum(axis=1)
        ordered = np.where(in_second[:, None], stay[:, ::-1], stay)
        times = _switching_times(ordered, T - 1, rng)
        state = in_second[:, None] ^ (np.arange(times.shape[1] - 1) % 2 == 1)
        share[rows] = np.diff(_integrate(state.astype(np.float64), times, T), axis=1)
    # Differences of an integral may leave the unit interval by a rounding error.
    return np.clip(share, 0.0, 1.0)


def _blocks(mean_stay: NDArray[np.float64], T: int) -> Iterator[slice]:
    """Rows that are simulated at a time: all of a block have as many turns as the busiest."""
    most_turns = 4.0 + 2.0 * (T - 1) / mean_stay.sum(axis=1).min()
    rows = max(1, int(_TURNS_AT_A_TIME / most_turns))
    for first in range(0, len(mean_stay), rows):
        yield slice(first, first + rows)


def _switching_times(
    mean_stay: NDArray[np.float64], end: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Times (n, m+1) from 0 to `end` with exponential stays whose means alternate (n, 2).

    Once a row has reached the end it stays there.
    """
    times = np.zeros((len(mean_stay), 1))
    expected = 2.0 * end / mean_stay.sum(axis=1).min()
    pairs = int(expected / 2.0 + 2.0 * np.sqrt(expected) + 2.0)
    while times[:, -1].min() < end:
        stays = rng.standard_exponential((len(mean_stay), pairs, 2)) * mean_stay[:, None]
        more = times[:, -1:] + np.cumsum(stays.reshape(len(mean_stay), -1), axis=1)
        times = np.concatenate((times, np.minimum(more, end)), axis=1)
    return times


def _integrate(
    rate: NDArray[np.float64], times: NDArray[np.float64], T: int
) -> NDArray[np.float64]:
    """Integral from 0 to each frame (n, T) of a rate that is constant between `times`."""
    values = np.zeros(times.shape)
    np.cumsum(rate * np.diff(times, axis=1), axis=1, out=values[:, 1:])
    # One interpolation serves all rows, laid out one after the other on a common axis.
    offset = (T + 1.0) * np.arange(len(times))[:, None]
    frames = (offset + np.arange(T)).reshape(-1)
    integral = np.interp(frames, (offset + times).reshape(-1), values.reshape(-1))
    return integral.reshape(len(times), T)


def _positions(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    n, n_dims, n_steps = steps.shape
    positions = np.empty((n, n_steps + 1, n_dims))
    cumulate(steps, out=positions)
    return positions


def _positive(name: str, value: ArrayLike, n: int, at_least: float = 0.0) -> NDArray[np.float64]:
    values = as_floats(name, value)
    fits = np.isfinite(values) & (values > 0.0) & (values >= at_least)
    if values.shape not in ((), (n,)) or not fits.all():
        limit = f"at least {at_least}" if at_least else "above 0"
        raise RecipeError(
            f"{name} must be a number {limit}, or one for each of the n_samples={n} "
            f"trajectories; got {value!r}"
        )
    return np.broadcast_to(values, n)


def _residence(residence_time: tuple[ArrayLike, ArrayLike], n: int) -> NDArray[np.float64]:
    pair = _pair("residence_time", residence_time)
    return np.stack([_positive("residence_time", t, n, at_least=0.01) for t in pair], axis=1)


def _pair(name: str, value: Sequence[_Item]) -> Sequence[_Item]:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise RecipeError(f"{name} takes a pair, one for each state; got {value!r}")
    return value
