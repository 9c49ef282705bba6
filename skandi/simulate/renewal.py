"""Renewal processes with power-law durations: the clock of ATTM, CTRW and Lévy walks, batched."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SURPLUS = 1.15
"""More durations in the first draw against fewer second draws: measured, and flat around this."""


class Renewals(NamedTuple):
    """The renewals of all trajectories, one after the other, each trajectory in order of time.

    Attributes
    ----------
    row : ndarray of unsigned integers of shape (K,)
        Which trajectory the renewal belongs to.
    log : ndarray of shape (K,)
        E = -log u of the uniform number u behind it: the uncut duration is exp(E / exponent).
    start, end : ndarray of shape (K,)
        Beginning and end; every start lies before the horizon, and the last end of each
        trajectory at or behind it.
    first : ndarray of shape (n,)
        Where each trajectory begins in these arrays.
    horizon : int
        The time that is covered.
    """

    row: NDArray[np.unsignedinteger[Any]]
    log: NDArray[np.float64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    first: NDArray[np.int64]
    horizon: int

    def frames(self) -> NDArray[np.int64]:
        """Return whole durations cut at the horizon; those of one trajectory add up to it."""
        return (np.minimum(self.end, self.horizon) - self.start).astype(np.int64)


def power_law_renewals(
    exponent: NDArray[np.float64], horizon: int, rng: np.random.Generator, *, whole: bool
) -> Renewals:
    """Draw durations u^(-1/exponent), u ~ U(0, 1), until each trajectory has covered the horizon.

    All trajectories draw about as many durations as they should need, at once; those that have
    not covered the horizon draw again. Durations are cut behind the horizon, and rounded down
    if `whole`.
    """
    covered = np.zeros(len(exponent))
    active = np.arange(len(exponent))
    # Sixteen bits are sorted by counting, which takes linear time.
    small = np.uint16 if len(exponent) <= 2**16 else np.uint32
    rounds = []
    while active.size:
        drawn = _draw(exponent[active], covered[active], horizon, rng, whole)
        index, log, start, end, reached = drawn
        keep = start < horizon
        rounds.append((active.astype(small)[index[keep]], log[keep], start[keep], end[keep]))
        covered[active] = reached
        active = active[reached < horizon]
    row, log, start, end = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    if len(rounds) > 1:
        order = np.argsort(row, kind="stable")
        row, log, start, end = row[order], log[order], start[order], end[order]
    first = np.zeros(len(exponent), np.int64)
    np.cumsum(np.bincount(row, minlength=len(exponent))[:-1], out=first[1:])
    return Renewals(row, log, start, end, first, horizon)


def _draw(
    exponent: NDArray[np.float64],
    covered: NDArray[np.float64],
    horizon: int,
    rng: np.random.Generator,
    whole: bool,
) -> tuple[NDArray[Any], ...]:
    count = _expected_count(exponent, horizon - covered)
    index = np.repeat(np.arange(len(exponent)), count)
    log = rng.standard_exponential(index.size)
    # Cutting the exponent, not the duration, keeps exp from overflowing at small exponents.
    duration = np.exp(np.minimum(log * (1.0 / exponent)[index], np.log(horizon + 1.0)))
    if whole:
        np.floor(duration, out=duration)
    end = np.cumsum(duration)
    last = np.cumsum(count) - 1
    shift = covered.copy()
    shift[1:] -= end[last[:-1]]
    end += shift[index]
    return index, log, end - duration, end, end[last]


def _expected_count(
    exponent: NDArray[np.float64], remaining: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Durations that will probably do: the remaining time over a duration's mean, cut there.

    The mean is that of floor(u^(-1/s)), the sum of k^(-s) up to the remaining time.
    """
    log = np.log1p(remaining)
    order = (1.0 - exponent) * log
    # expm1(x) / x, which is 1 at x = 0, that is for exponent 1.
    ratio = np.divide(np.expm1(order), order, out=np.ones_like(order), where=order != 0.0)
    mean = np.maximum(log * ratio, 1.0)
    return np.ceil(_SURPLUS * remaining / mean + 2.0).astype(np.int64)
