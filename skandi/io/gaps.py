"""Frames: from times to frame numbers, and what to do where frames are missing.

Every estimator of skandi takes positions at equal time steps. A missing frame left unmarked looks
like a jump, and biases α.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError

GapPolicy = Literal["split", "error", "interpolate"]
GAP_POLICIES: tuple[str, ...] = get_args(GapPolicy)

JITTER = 0.25
"""A time further than this from a whole number of intervals is not a clock's jitter."""
# From here on the interval's own rounding (0.033 s for 1/30 s) outweighs the jitter.
_LONG_GAP = 10
_MOST_INVENTED = 10
LARGEST_FRAME = 2**53


def steps_within(values: NDArray, starts: NDArray[np.int64]) -> NDArray:
    """Differences of consecutive rows of the same track, for rows sorted by track and time."""
    inside = np.ones(len(values), dtype=bool)
    inside[starts] = False
    return np.diff(values)[inside[1:]]


def counts_time(
    shortest: float, stride: int, fractional: bool, interval: float | None, source: str
) -> bool:
    """Whether a column that may hold times or frame numbers holds times.

    Parameters
    ----------
    shortest : float
        The shortest step within a track, 0 if there is none.
    stride : int
        What divides all steps, if all are whole numbers.
    fractional : bool
        Whether some are not.
    interval : float or None
        Time between frames, where the caller gives it.
    source : str
        What the error calls the table.

    Raises
    ------
    TracksFileError
        If they are times, and the interval is given in another unit.

    Examples
    --------
    >>> counts_time(33, 1, False, None, "0, 33, 67 ms"), counts_time(1, 1, False, 0.02, "frames")
    (True, False)
    """
    # A clock's steps, rounded to whole numbers, have no common divisor, and are far longer than 1.
    if not shortest or (stride > 1 and not fractional):
        return fractional
    are_times = fractional or shortest >= _LONG_GAP
    if interval is None:
        return are_times
    if abs(shortest / interval - 1) < JITTER and shortest > 1 and not float(interval).is_integer():
        return True
    if are_times and shortest > _LONG_GAP * interval:
        raise TracksFileError(
            f"{source}: no two times of a track are closer than {shortest:g}, and frame_interval "
            f"is {interval:g}. Give it in the unit of the times, or name the column 'frame' if it "
            "holds frame numbers."
        )
    return are_times


def frames_from_times(
    times: NDArray[np.float64],
    starts: NDArray[np.int64],
    interval: float | None,
    source: str,
) -> tuple[NDArray[np.int64], float | None]:
    """Frame numbers of localisations whose times are known, and the interval between frames.

    Parameters
    ----------
    times : ndarray of shape (n,)
        Sorted within each track, no two alike.
    starts : ndarray of int
        Row at which each track starts.
    interval : float or None
        Time between frames; None takes the time that separates most neighbours.
    source : str
        What the error calls the table.

    Raises
    ------
    TracksFileError
        If the times do not lie on one regular grid.
    """
    steps = steps_within(times, starts)
    if interval is None:
        if not len(steps):
            return np.zeros(len(times), dtype=np.int64), None
        interval = float(np.sort(steps)[(len(steps) - 1) // 2])  # one that occurs
        single = steps[np.abs(steps / interval - 1) < JITTER]
        interval = float(single.mean())  # finer than one difference of rounded times
    ratio = steps / interval
    n_frames = np.rint(ratio)
    off = (np.abs(ratio - n_frames) > JITTER) & (n_frames <= _LONG_GAP) | (n_frames < 1)
    if off.any():
        raise TracksFileError(
            f"{source}: {off.sum()} of {len(steps)} time steps are not a whole number of frame "
            f"intervals of {interval:g}, for example {steps[off][0]:g}. Give a column of frame "
            "numbers, or the right frame_interval."
        )
    if max(n_frames.max(initial=0), np.abs(times[starts] / interval).max()) > LARGEST_FRAME:
        raise TracksFileError(
            f"{source}: times up to {np.abs(times).max():g} are too many frame intervals of "
            f"{interval:g}."
        )
    increments = np.zeros(len(times), dtype=np.int64)
    inside = np.ones(len(times), dtype=bool)
    inside[starts] = False
    increments[inside] = n_frames
    total = np.cumsum(increments)
    first = np.rint(times[starts] / interval).astype(np.int64)
    lengths = np.diff(np.append(starts, len(times)))
    return total + np.repeat(first - total[starts], lengths), interval


def split_at_gaps(
    frames: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row at which each gap-free piece starts, and which track it is a piece of."""
    begins = np.ones(len(frames), dtype=bool)
    begins[1:] = np.diff(frames) != 1
    begins[starts] = True
    piece_starts = np.flatnonzero(begins)
    track = np.searchsorted(starts, piece_starts, side="right") - 1
    return piece_starts, track


def interpolate_gaps(
    frames: NDArray[np.int64],
    positions: NDArray[np.float64],
    starts: NDArray[np.int64],
    source: str,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Fill missing frames on the straight line between their neighbours.

    Returns frames, positions and starts of the filled tracks, and which rows are new.

    Raises
    ------
    TracksFileError
        If ten times more points would be invented than were measured.
    """
    missing = np.zeros(len(frames), dtype=np.int64)  # after each row
    missing[:-1] = np.diff(frames) - 1
    missing[starts[1:] - 1] = 0
    missing[-1] = 0
    if missing.sum() > _MOST_INVENTED * len(frames):
        raise TracksFileError(
            f"{source}: filling the gaps would invent {missing.sum()} points between "
            f"{len(frames)} measured ones. Use gaps='split'."
        )
    copies = missing + 1
    row = np.repeat(np.arange(len(frames)), copies)
    new_starts = np.cumsum(copies) - copies
    offset = np.arange(len(row)) - new_starts[row]
    ahead = np.minimum(row + 1, len(frames) - 1)
    share = (offset / copies[row])[:, np.newaxis]
    # a convex combination: the difference of two finite positions may not be finite
    filled = np.where(
        share > 0, positions[row] * (1 - share) + positions[ahead] * share, positions[row]
    )
    return frames[row] + offset, filled, new_starts[starts], offset > 0
