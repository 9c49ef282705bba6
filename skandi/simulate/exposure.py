"""Motions of many kinds that are none of the five models: what a novelty score learns from.

They are wide families with random parameters, and what arises of two of them, or of one of them and
one of the models, at once or by turns, made to surround the five models on all sides. None is among
the held-out motions (`skandi.simulate.HELDOUT`), but two contain some of `directed`: a `resetting`
track that by chance is not reset (8 % of its kind at 20 points, 3 % at 200), and a `stop_and_go`
track that keeps going. All return positions (n, T, d) from the origin, without noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from skandi.diffusion import ALPHA_RANGE, MODELS
from skandi.simulate.models import simulate
from skandi.simulate.noise import with_noise
from skandi.simulate.randomness import RandomState, as_generator
from skandi.simulate.scaling import step_std

Maker = Callable[[int, int, int, np.random.Generator], NDArray[np.float64]]

_BLOCK_POINTS = 400_000
_MOST_CUT = 0.5
"""Smallest share of the points made that is kept of a track."""


def exposure_tracks(
    lengths: NDArray[np.int64],
    n_dims: int = 1,
    *,
    models: Sequence[str] = MODELS,
    snr_range: Sequence[float] | None = None,
    random_state: RandomState = None,
) -> list[NDArray[np.float64]]:
    """Make one track of each length, with the noise of the AnDi challenge or of a range.

    A third is of one kind each, a third of two, and a third of a kind and a model
    (`exposure_kinds`).

    Parameters
    ----------
    lengths : ndarray of int of shape (n,)
    n_dims : {1, 2, 3}
    models : sequence of str
        Models that take part.
    snr_range : tuple (low, high), optional
        See `skandi.simulate.with_noise`.
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    list of ndarray of shape (length_i, n_dims)

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.simulate.exposure import exposure_tracks
    >>> [track.shape for track in exposure_tracks(np.array([20, 50]), 2, random_state=0)]
    [(20, 2), (50, 2)]
    """
    rng = as_generator(random_state)
    tracks: list[NDArray[np.float64]] = [np.empty(0)] * len(lengths)
    makers = [*EXPOSURE.values(), *(_of_model(model) for model in models)]
    kinds = exposure_kinds(len(lengths), len(models))
    for first, second in np.unique(kinds, axis=0):
        make = makers[first] if first == second else composed(makers[first], makers[second])
        rows = np.flatnonzero((kinds == (first, second)).all(axis=1))
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        while rows.size:
            # A kind's times go with the number of points it is asked for.
            longest = int(lengths[rows[-1]])
            similar = np.searchsorted(lengths[rows], _MOST_CUT * longest)
            start = max(similar, len(rows) - max(1, _BLOCK_POINTS // (longest * n_dims)))
            rows, block = rows[:start], rows[start:]
            positions = make(len(block), longest, n_dims, rng)
            for row, track in zip(block, positions, strict=True):
                tracks[row] = track[: lengths[row]]
    return with_noise(tracks, snr_range=snr_range, random_state=rng)


def exposure_kinds(n: int, n_models: int = len(MODELS)) -> NDArray[np.int64]:
    """Tell which kinds `exposure_tracks` makes: (n, 2) positions in `EXPOSURE`.

    The two are the same for a track of one kind. A model is the second of two, and its position
    that in the models, after all kinds.

    Examples
    --------
    >>> from skandi.simulate.exposure import exposure_kinds
    >>> exposure_kinds(6).tolist()
    [[0, 0], [0, 1], [0, 12], [1, 1], [0, 2], [0, 13]]
    """
    n_kinds = len(EXPOSURE)
    of_one = [(k, k) for k in range(n_kinds)]
    of_two = list(combinations(range(n_kinds), 2))
    with_model = list(product(range(n_kinds), range(n_kinds, n_kinds + n_models)))
    kinds = np.empty((n, 2), dtype=np.int64)
    for start, some in enumerate((of_one, of_two, with_model)):
        rows = kinds[start::3]
        rows[:] = np.array(some)[np.arange(len(rows)) % len(some)]
    return kinds


def composed(first: Maker, second: Maker) -> Maker:
    """Make tracks of two motions: half of them of both at once, half of one and the other by turns.

    Displacements of both have unit standard deviation along each axis before. At once, each has a
    share between a quarter and three quarters; by turns, the second has one to three times the size
    of the first or the other way round, and there is one turn at least in the first half.
    """

    def make(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        one, two = (_unit_steps(motion(n, T, d, rng)) for motion in (first, second))
        share = rng.uniform(0.25, 0.75, (n, 1, 1))
        change = rng.random((n, T - 1)) < 1 / _times(rng, n, 5.0, T)[:, np.newaxis]
        change[np.arange(n), rng.integers(T // 8, T // 2, n)] = True
        is_first = (np.cumsum(change, axis=1) + rng.integers(0, 2, (n, 1))) % 2 == 1
        size = _times(rng, n, 1 / 3, 3.0)[:, np.newaxis, np.newaxis]
        by_turns = rng.random((n, 1, 1)) < 0.5
        steps = np.where(
            by_turns,
            np.where(is_first[..., np.newaxis], one, size * two),
            share * one + (1 - share) * two,
        )
        return np.concatenate([np.zeros((n, 1, d)), np.cumsum(steps, axis=1)], axis=1)

    return make


def coloured_steps(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian steps of short memory: an autoregression of second order with random poles."""
    size, angle = rng.uniform(0.3, 0.97, n), rng.uniform(0, np.pi, n)
    real = rng.random(n) < 0.5
    other = rng.uniform(-0.97, 0.97, n)
    first = np.where(real, size * np.sign(np.cos(angle)) + other, 2 * size * np.cos(angle))
    second = np.where(real, -size * np.sign(np.cos(angle)) * other, -np.square(size))
    steps = rng.standard_normal((T + 100, n, d))
    for t in range(2, len(steps)):
        steps[t] += first[:, None] * steps[t - 1] + second[:, None] * steps[t - 2]
    return _walk(steps[100:])


def oscillation(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """To and fro at a fixed frequency along each axis, and diffusion."""
    period = _times(rng, n, 3.0, 1.5 * T)
    t = np.arange(T)[:, None, None]
    phase = rng.uniform(0, 2 * np.pi, (n, d))
    wave = np.sin(2 * np.pi * t / period[:, None] + phase)
    speed = 2 * np.pi / period * _times(rng, n, 0.2, 1.0) ** -1
    return _walk(rng.standard_normal((T, n, d)), wave / speed[:, None] * 3)


def resetting(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Drift and diffusion, put back to the origin at random moments."""
    rate = 1 / _times(rng, n, 5.0, T)
    drift = rng.normal(size=(n, d)) * rng.choice([0.0, 1.0], size=(n, 1))
    back = rng.random((T, n)) < rate
    positions = np.zeros((T, n, d))
    steps = rng.standard_normal((T, n, d)) + drift
    for t in range(1, T):
        positions[t] = np.where(back[t][:, None], 0.0, positions[t - 1] + steps[t])
    return np.ascontiguousarray(positions.transpose(1, 0, 2))


def varying_size(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian steps whose size wanders: the logarithm of their variance is autoregressive."""
    memory = np.exp(-1 / _times(rng, n, 2.0, T))
    strength = rng.uniform(0.7, 2.0, n)
    level = rng.standard_normal((T, n))
    for t in range(1, T):
        level[t] = memory * level[t - 1] + np.sqrt(1 - memory**2) * level[t]
    return _walk(rng.standard_normal((T, n, d)) * np.exp(strength * level)[..., None] ** 0.5)


def subordinated(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brownian motion in a random time of gamma increments: tempered rests and bursts."""
    shape = _times(rng, n, 0.1, 2.0)
    clock = rng.gamma(np.broadcast_to(shape, (T, n)))
    return _walk(rng.standard_normal((T, n, d)) * np.sqrt(clock)[..., None])


def heavy_steps(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Independent steps with a power-law tail: Student's law in a random direction."""
    freedom = rng.uniform(1.2, 4.0, n)
    tail = np.sqrt(freedom / rng.chisquare(np.broadcast_to(freedom, (T, n))))
    return _walk(rng.standard_normal((T, n, d)) * tail[..., None])


def hopping(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rattling around sites, and hops from one to the next."""
    rate = 1 / _times(rng, n, 4.0, T)
    hop = rng.standard_normal((T, n, d)) * (rng.random((T, n)) < rate)[..., None]
    width = _times(rng, n, 0.1, 1.0)
    return _walk(hop, width[:, None] * rng.standard_normal((T, n, d)))


def accelerated(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Diffusion on a curved course: a velocity that grows, falls or turns back."""
    t = np.linspace(0, 1, T)[:, None, None]
    course = rng.normal(size=(n, d)) * t**2 - rng.uniform(-1, 1, (n, d)) * t
    size = _times(rng, n, 1.0, 10.0)[:, None] * np.sqrt(T)
    return _walk(rng.standard_normal((T, n, d)), size * course)


def misread(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brownian motion with a few positions far off, as linking errors make them."""
    share = rng.uniform(0.02, 0.15, n)
    off = (rng.random((T, n)) < share)[..., None] * rng.standard_normal((T, n, d))
    return _walk(rng.standard_normal((T, n, d)), off * _times(rng, n, 3.0, 20.0)[:, None])


def patrolling(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """To and fro at constant speed between two ends, and a little diffusion."""
    period = _times(rng, n, 4.0, 2.0 * T)[:, None]
    phase = np.arange(T)[:, None, None] / period + rng.random((n, d))
    course = np.abs(phase % 1 - 0.5) * period * rng.normal(size=(n, d))
    return _walk(_times(rng, n, 0.03, 1.0)[:, None] * rng.standard_normal((T, n, d)), course)


def stop_and_go(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Transport in one direction, at another speed in every run, with diffusion in the rests."""
    change = rng.random((T, n)) < 1 / _times(rng, n, 2.0, T / 2)
    speed = np.abs(rng.standard_normal((T, n))) * (rng.random((T, n)) < 0.5)
    for t in range(1, T):
        speed[t] = np.where(change[t], speed[t], speed[t - 1])
    heading = rng.normal(size=(n, d))
    steps = speed[..., None] * heading
    return _walk(steps + _times(rng, n, 0.03, 0.5)[:, None] * rng.standard_normal((T, n, d)))


def wobbling(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A course whose velocity is drawn back to a mean, itself not zero: a persistent drift."""
    memory = np.exp(-1 / _times(rng, n, 2.0, T))[:, None]
    velocity = rng.standard_normal((T, n, d))
    velocity[1:] *= np.sqrt(1 - memory**2)
    for t in range(1, T):
        velocity[t] += memory * velocity[t - 1]
    return _walk(velocity + rng.normal(size=(n, d)) * _times(rng, n, 0.2, 2.0)[:, None])


EXPOSURE: MappingProxyType[str, Maker] = MappingProxyType(
    {
        make.__name__: make
        for make in (
            coloured_steps,
            oscillation,
            resetting,
            varying_size,
            subordinated,
            heavy_steps,
            hopping,
            accelerated,
            misread,
            patrolling,
            stop_and_go,
            wobbling,
        )
    }
)
"""The kinds by name."""


def _of_model(model: str) -> Maker:
    def make(n: int, T: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        alpha = rng.uniform(*ALPHA_RANGE[model], n)
        return simulate(model, alpha, n, T, d, random_state=rng)

    return make


def _times(rng: np.random.Generator, n: int, low: float, high: float) -> NDArray[np.float64]:
    """Positive numbers, uniform in their logarithm."""
    return np.exp(rng.uniform(np.log(low), np.log(max(high, 1.5 * low)), n))


def _unit_steps(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Displacements (n, T - 1, d), of unit standard deviation along each axis that moves."""
    steps = np.diff(positions, axis=1)
    return steps / step_std(steps.transpose(0, 2, 1))[:, np.newaxis]


def _walk(steps: NDArray[np.float64], added: NDArray | float = 0.0) -> NDArray[np.float64]:
    """Positions (n, T, d) from the origin of steps (T, n, d), plus a course of their own."""
    positions = np.cumsum(steps, axis=0) + added
    return np.ascontiguousarray((positions - positions[0]).transpose(1, 0, 2))
