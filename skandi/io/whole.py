"""What only the whole of a table can say, so that it can be read part by part.

Whether an axis stands still, whether all frames are even, how far apart they are: a part by itself
would answer differently from the whole. So each part is surveyed first, the surveys are merged, and
each part is then read in the light of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.gaps import JITTER, counts_time
from skandi.io.localisations import Localisations
from skandi.io.tracks import counted

# Enough for a median to seven digits, few enough to travel between processes.
_CLOCK_STEPS = 100_000
# Of the times per frame, so many may be off before they are no clock.
_UNEVEN = 0.25
# A track's time per frame further than this from the others' is another frame interval.
_OTHER_PACE = 0.05
_FEWEST_STEPS = 9


@dataclass(frozen=True)
class Whole:
    """What is true of a whole table.

    Attributes
    ----------
    filled : tuple of str
        The axes that hold a number anywhere.
    axes : tuple of str
        Those of them that are read: an axis on which nothing moves is left out.
    stride : int
        Largest number that divides all steps from frame to frame.
    are_times : bool
        Whether times are to be put on a grid, because no frames are counted.
    frame_interval : float or None
        Time from one frame to the next as far as the source says it, before `stride`.
    has_neighbours : bool
        Whether any two positions of a track are in neighbouring frames.
    """

    filled: tuple[str, ...]
    axes: tuple[str, ...]
    stride: int = 1
    are_times: bool = False
    frame_interval: float | None = None
    has_neighbours: bool = True


def _no_steps() -> NDArray[np.float64]:
    return np.empty((0, 2))


@dataclass
class Survey:
    """What one part of a table contributes to `Whole`.

    Attributes
    ----------
    low, high : dict of str to float
        Smallest and largest position on each axis.
    stride : int
        Largest number that divides all steps between frames; 0 if there are none.
    shortest : float
        The shortest step within a track; 0 if there is none.
    fractional : bool
        Whether any time is not a whole number.
    clock : ndarray of shape (n, 2)
        Where the table has both frames and times: a number drawn from the name of the track, and
        the time per frame of a step. Of more than 100 000 steps the tracks with the smallest
        numbers are kept, so that the choice does not depend on the parts.
    """

    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    stride: int = 0
    shortest: float = 0.0
    fractional: bool = False
    clock: NDArray[np.float64] = field(default_factory=_no_steps)


def merged(surveys: Sequence[Survey]) -> Survey:
    """The survey of all parts together.

    Examples
    --------
    >>> parts = [Survey({"x": 0}, {"x": 1}, stride=4), Survey({"x": -1}, {"x": 0}, stride=6)]
    >>> both = merged(parts)
    >>> both.low, both.high, both.stride
    ({'x': -1}, {'x': 1}, 2)
    """
    total = Survey()
    for survey in surveys:
        for axis, low in survey.low.items():
            total.low[axis] = min(low, total.low.get(axis, low))
            total.high[axis] = max(survey.high[axis], total.high.get(axis, survey.high[axis]))
        total.stride = int(np.gcd(total.stride, survey.stride))
        total.shortest = min(filter(None, (total.shortest, survey.shortest)), default=0.0)
        total.fractional |= survey.fractional
    total.clock = fewest_tracks(np.concatenate([_no_steps(), *(s.clock for s in surveys)]))
    return total


def whole_of(
    survey: Survey,
    filled: Sequence[str],
    *,
    drop_constant: bool,
    is_frame: bool,
    frame_interval: float | None,
    default_interval: float | None,
    source: str,
) -> Whole:
    """What the merged survey of all parts says of the whole.

    Parameters
    ----------
    survey : Survey
        Of all parts.
    filled : sequence of str
        The axes that hold a number anywhere.
    drop_constant : bool
        Whether to leave out an axis on which nothing moves.
    is_frame : bool
        Whether frames are counted.
    frame_interval, default_interval : float or None
        What counts more than times in the table, and what counts less.
    source : str
        What errors call the table.

    Raises
    ------
    TracksFileError
        If no localisation is left, or there are times and their grid is not given: the median step
        of a part is not that of the whole.
    """
    if not survey.low:
        raise TracksFileError(
            f"{source}: no track is left to read: no row has a track, a frame and a position."
        )
    moving = [axis for axis in filled if survey.low[axis] != survey.high[axis]]
    are_times = not is_frame and counts_time(
        survey.shortest, survey.stride, survey.fractional, frame_interval, source
    )
    if are_times and frame_interval is None:
        raise TracksFileError(
            f"{source} has times and no frame numbers. A table that is read in parts needs "
            "frame_interval, the grid of its times."
        )
    stride = max(survey.stride, 1)
    single_step = frame_interval if are_times and frame_interval else stride
    if frame_interval is None:
        if len(survey.clock) and is_uneven(survey.clock[:, 1]):
            raise TracksFileError(
                f"{source}: the times are not in step with the frames. If frames are equally "
                "spaced, pass frame_interval; else alpha cannot be known."
            )
        if len(other := tracks_of_other_pace(survey.clock)):
            raise TracksFileError(
                f"{source}: from frame to frame the times go forward by another amount in "
                f"{counted(len(other), 'track')} than in most. Read the films of one interval "
                "at a time, or pass frame_interval."
            )
        interval = clock_interval(survey.clock[:, 1])
        frame_interval = default_interval if interval is None else interval
    return Whole(
        filled=tuple(filled),
        axes=tuple(moving if drop_constant and moving else filled),
        stride=stride,
        are_times=are_times,
        frame_interval=frame_interval,
        has_neighbours=survey.shortest < 1.5 * single_step,
    )


def clock_steps(
    table: Localisations, order: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Time per frame of each step that has one, and the row it starts from, in an order of rows."""
    assert table.clock is not None
    track = table.track[order]
    same = (np.diff(track) == 0) & (track[1:] >= 0)
    n_frames = np.diff(table.time[order])
    duration = np.diff(table.clock[order])
    usable = np.flatnonzero(same & np.isfinite(duration) & (n_frames > 0))
    return duration[usable] / n_frames[usable], order[usable]


def clock_interval(ratio: NDArray[np.float64], *, are_times: bool = False) -> float | None:
    """Time from one frame to the next, from the times per frame of steps; None if unknown.

    Unless it is certain that they are times, those that count frames say nothing about the clock.

    Examples
    --------
    >>> import numpy as np
    >>> clock_interval(np.array([0.1, 0.1, 0.2])), clock_interval(np.array([1.0, 1.0]))
    (0.1, None)
    """
    if not len(ratio):
        return None
    interval = float(np.median(ratio))
    if (
        interval <= 0
        or is_uneven(ratio)
        or (interval == 1 and np.ptp(ratio) == 0 and not are_times)
    ):
        return None
    return interval


def is_uneven(ratio: NDArray[np.float64]) -> bool:
    """Whether many times per frame are far from the median, further than by jitter or rounding.

    Examples
    --------
    >>> is_uneven(np.array([1.0, 1.1, 0.9, 7.0, 1.0])), is_uneven(np.array([0.1, 1.0, 5.0]))
    (False, True)
    >>> is_uneven(np.diff(np.round(np.arange(40) / 30, 2)))
    False
    """
    return bool(far_from_median(ratio).mean() > _UNEVEN)


def far_from_median(ratio: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which times per frame are further from the median than by jitter or rounding.

    Examples
    --------
    >>> far_from_median(np.array([1.0, 1.1, 4.0, 0.9])).tolist()
    [False, False, True, False]
    """
    median = np.median(ratio)
    tolerance = JITTER + _resolution(ratio) + 1e-6
    return np.asarray(np.abs(ratio - median) > tolerance * abs(median))


def _resolution(ratio: NDArray[np.float64]) -> float:
    """What times are rounded to, if they are, in units of the median step; 1 at most."""
    median = np.median(ratio)
    differing = np.unique(np.round(ratio / abs(median), 6)) if median else np.zeros(1)
    return float(np.diff(differing).min(initial=1.0)) if len(differing) > 1 else 0.0


def tracks_of_other_pace(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The tracks in which a frame takes another time than in most, as in a film of another rate.

    Parameters
    ----------
    steps : ndarray of shape (n, 2)
        Track and time per frame of each step. In such a track three quarters of the steps are off,
        and the mean is by more than jitter and rounding: pauses make no other pace.
        Tracks of fewer than ten points say nothing.

    Examples
    --------
    >>> track, pace = np.repeat([1, 2, 3], 20), np.repeat([0.02, 0.02, 0.1], 20)
    >>> tracks_of_other_pace(np.column_stack([track, pace])).tolist()
    [3.0]
    """
    ratio = steps[:, 1]
    if not len(ratio) or (usual := np.median(ratio)) <= 0:
        return np.empty(0)
    if np.abs(ratio - usual).max() <= _OTHER_PACE * usual:
        return np.empty(0)  # an exact clock, as most are
    near = ratio[~far_from_median(ratio)]
    pace, spread = near.mean(), near.std()
    track, ratio = steps[np.lexsort((ratio, steps[:, 0]))].T
    starts = np.flatnonzero(np.diff(track, prepend=np.nan) != 0)
    n = np.diff(np.append(starts, len(track)))
    quarter, three = ratio[starts + n // 4], ratio[starts + (3 * n) // 4]
    most = (quarter > (1 + _OTHER_PACE) * usual) | (three < (1 - _OTHER_PACE) * usual)
    means = np.add.reduceat(ratio, starts) / n
    tolerance = _OTHER_PACE + (2 * JITTER + _resolution(ratio)) / n
    tolerance = tolerance * pace + 4 * spread / np.sqrt(n)
    return track[starts][most & (np.abs(means - pace) > tolerance) & (n >= _FEWEST_STEPS)]


def note_other_paces(
    table: Localisations, track: NDArray[np.int64], ratio: NDArray[np.float64]
) -> bool:
    """Tell whether times per frame, step by step, are of several frame intervals, and note it."""
    other = tracks_of_other_pace(np.column_stack([track, ratio]))
    if len(other):
        table.note(
            "intervals_differ",
            f"no frame interval is taken from the times: it is another in "
            f"{counted(len(other), 'track')}, such as {table.names[int(other[0])]}, than in most; "
            "read the films of one interval at a time",
            n_tracks=len(other),
        )
    return len(other) > 0


def fewest_tracks(clock: NDArray[np.float64]) -> NDArray[np.float64]:
    """The steps of the tracks with the smallest numbers, as many as are kept."""
    clock = clock[np.lexsort((clock[:, 1], clock[:, 0]))]
    if len(clock) <= _CLOCK_STEPS:
        return clock
    return clock[clock[:, 0] < clock[_CLOCK_STEPS, 0]]  # a track is kept as a whole or not at all
