"""From one row per localisation to one array per track: where every table format meets.

A reader of a format only finds the columns and their units. Everything that can be wrong with the
rows themselves is settled here, once, and told in the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.branches import BRANCH_POLICIES, BranchPolicy, settle_branches
from skandi.io.duplicates import DUPLICATE_POLICIES, DuplicatePolicy, settle_duplicates
from skandi.io.gaps import (
    GAP_POLICIES,
    LARGEST_FRAME,
    GapPolicy,
    counts_time,
    frames_from_times,
    interpolate_gaps,
    split_at_gaps,
    steps_within,
)
from skandi.io.ids import natural_order, track_number
from skandi.io.localisations import Localisations
from skandi.io.tracks import ReadReport, Tracks, counted, filled_note
from skandi.io.whole import Survey, Whole, clock_steps, fewest_tracks, note_other_paces

ConstantAxes = Literal["drop", "keep"]
CONSTANT_AXES: tuple[str, ...] = get_args(ConstantAxes)

# So many points of a track do not miss the same number of frames each time by chance.
_FEWEST_OF_A_RATE = 10


def assemble(
    table: Localisations,
    *,
    gaps: GapPolicy = "split",
    branches: BranchPolicy = "split",
    duplicates: DuplicatePolicy = "error",
    constant_axes: ConstantAxes = "drop",
    whole: Whole | None = None,
) -> Tracks:
    """Sort, check, clean and cut a table of localisations into gap-free trajectories.

    Parameters
    ----------
    table : Localisations
        What the reader of a format found; used up.
    gaps : {"split", "error", "interpolate"}
        What to do with tracks that miss frames.
    branches : {"split", "error", "longest"}
        What to do with tracks that split or merge.
    duplicates : {"error", "first", "mean"}
        What to do with differing rows for one frame of one track.
    constant_axes : {"drop", "keep"}
        What to do with an axis on which nothing in the whole file moves.
    whole : Whole, optional
        Where the table is a part of a larger one: what is true of that. A part may be empty.

    Raises
    ------
    TracksFileError
        If the table holds no localisation that belongs to a track, if frames are not whole numbers
        or times not on a regular grid, or if there is what a policy of ``"error"`` refuses.
    """
    require_policies(gaps=gaps, branches=branches, duplicates=duplicates, axes=constant_axes)
    settle_branches(table, branches)
    _clean(table, duplicates, None if whole is None else whole.filled)
    if not len(table.track):
        return _nothing_left(table, whole)
    frames = _frames(table, whole)
    if whole is not None:
        _keep_axes(table, whole.axes)
    elif constant_axes == "drop":
        _drop_constant_axes(table)
    trajectories, first_frames, ids, notes, filled = _cut(
        table, frames, gaps, whole is None or not whole.has_neighbours
    )
    order = natural_order(ids)
    return Tracks(
        trajectories=[trajectories[i] for i in order],
        ids=[ids[i] for i in order],
        first_frames=[first_frames[i] for i in order],
        notes=[notes[i] for i in order],
        frame_interval=table.frame_interval,
        time_unit=table.time_unit,
        space_unit=table.space_unit,
        report=_report(table, len(ids)),
        filled=None if filled is None else [filled[i] for i in order],
    )


def survey(
    table: Localisations, filled: Sequence[str], *, duplicates: DuplicatePolicy = "error"
) -> Survey:
    """What a part of a larger table says about the whole; the table is used up.

    Parameters
    ----------
    table : Localisations
        The part; a track is in it with all of its rows.
    filled : sequence of str
        The axes that hold a number anywhere in the whole.
    duplicates : {"error", "first", "mean"}
        As for `assemble`.

    Raises
    ------
    TracksFileError
        If rows differ for one frame and `duplicates` is ``"error"``.
    """
    _clean(table, duplicates, filled)
    if not len(table.track):
        return Survey()
    found = Survey(
        low=dict(zip(table.axes, table.positions.min(axis=0).tolist(), strict=True)),
        high=dict(zip(table.axes, table.positions.max(axis=0).tolist(), strict=True)),
        fractional=not np.array_equal(np.rint(table.time), table.time),
    )
    found.stride, found.shortest = _steps(table)
    if table.clock is not None:
        ratio, row = clock_steps(table, np.arange(len(table.track)))
        number = np.array([track_number(name) for name in table.names], dtype=np.float64)
        found.clock = fewest_tracks(np.column_stack([number[table.track[row]], ratio]))
    return found


def _clean(table: Localisations, duplicates: DuplicatePolicy, filled: Sequence[str] | None) -> None:
    """Leave one row with a full position per track and frame, sorted; known axes may be given."""
    _drop_rows_of_no_track(table)
    if filled is None:
        _drop_empty_axes(table)
    else:
        _keep_axes(table, filled)
    _drop_missing(table)
    if len(table.track):
        _sort(table)
        settle_duplicates(table, duplicates)


def _keep_axes(table: Localisations, axes: Sequence[str]) -> None:
    table.keep_axes([i for i, axis in enumerate(table.axes) if axis in axes])


def _nothing_left(table: Localisations, whole: Whole | None) -> Tracks:
    """No tracks at all: an error, but for a part of a table that has others."""
    if whole is None:
        told = "; ".join(step.message for step in table.steps) or "it has no rows"
        raise TracksFileError(f"{table.source}: no track is left to read: {told}.")
    return Tracks(
        [],
        [],
        [],
        [],
        frame_interval=whole.frame_interval,
        time_unit=table.time_unit,
        space_unit=table.space_unit,
        report=_report(table, 0),
    )


def _report(table: Localisations, n_trajectories: int) -> ReadReport:
    return ReadReport(
        source=table.source,
        format=table.format,
        n_rows=table.n_rows,
        n_tracks=table.n_tracks,
        n_trajectories=n_trajectories,
        steps=tuple(table.steps),
    )


def require_policies(
    *, gaps: str, duplicates: str, axes: str, branches: str = BRANCH_POLICIES[0]
) -> None:
    """Raise a `TracksFileError` unless each is one of those there are."""
    for name, value, allowed in (
        ("gaps", gaps, GAP_POLICIES),
        ("branches", branches, BRANCH_POLICIES),
        ("duplicates", duplicates, DUPLICATE_POLICIES),
        ("constant_axes", axes, CONSTANT_AXES),
    ):
        if value not in allowed:
            raise TracksFileError(f"{name}={value!r}: one of {', '.join(allowed)} is needed.")


def _drop_rows_of_no_track(table: Localisations) -> None:
    assigned = table.track >= 0
    n = np.count_nonzero(~assigned)
    if n:
        table.keep(assigned)
        table.note("rows_of_no_track", f"{counted(n, 'row')} of no track dropped", n_rows=n)


def _drop_empty_axes(table: Localisations) -> None:
    filled = np.isfinite(table.positions).any(axis=0)
    if filled.all() or not filled.any():
        return
    empty = ", ".join(table.axes[i] for i in np.flatnonzero(~filled))
    table.keep_axes(list(np.flatnonzero(filled)))
    table.note("axis_empty", f"axis {empty} dropped: it holds no number")


def _drop_missing(table: Localisations) -> None:
    present = np.isfinite(table.positions).all(axis=1) & np.isfinite(table.time)
    if present.all():
        return
    touched = np.unique(table.track[~present])
    n_tracks = len(touched)
    n = np.count_nonzero(~present)
    table.keep(present)
    table.note("rows_missing", n_tracks=n_tracks, n_rows=n)
    n_empty = len(np.setdiff1d(touched, table.track))
    if n_empty:
        table.note("tracks_empty", n_tracks=n_empty)


def _sort(table: Localisations) -> None:
    """By track, then by frame; told only where a track's own rows were out of order."""
    table.keep(np.argsort(table.track, kind="stable"))
    back = np.zeros(len(table.track), dtype=bool)
    back[1:] = (np.diff(table.time) < 0) & (np.diff(table.track) == 0)
    if not back.any():
        return
    n_tracks = len(np.unique(table.track[back]))
    table.keep(np.lexsort((table.time, table.track)))
    table.note(
        "rows_sorted",
        f"{counted(n_tracks, 'track')} sorted, whose rows were not in the order of their frames",
        n_tracks=n_tracks,
    )


def _frames(table: Localisations, of_whole: Whole | None) -> NDArray[np.int64]:
    """Frame numbers in steps of one, with the interval between them where it can be known."""
    starts = table.starts()
    whole = np.rint(table.time)
    fractional = not np.array_equal(whole, table.time)
    if table.is_frame and fractional:
        row = np.flatnonzero(whole != table.time)[0]
        raise TracksFileError(
            f"{table.source}: frame {table.time[row]:g} of track "
            f"{table.names[table.track[row]]} is not a whole number. Frames are counted; name "
            "the column 't' if it holds times."
        )
    if of_whole is not None:
        stride, are_times = of_whole.stride, of_whole.are_times
    else:
        stride, shortest = _steps(table)
        are_times = not table.is_frame and counts_time(
            shortest, stride, fractional, table.frame_interval, table.source
        )
    if are_times:
        given = table.frame_interval
        frames, interval = frames_from_times(table.time, starts, given, table.source)
        if interval is not None:
            table.frame_interval = interval
            table.note("frames_from_times", f"frames counted from times {interval:g} apart")
        if interval is not None and given is None:
            pace = steps_within(table.time, starts) / steps_within(frames, starts)
            if note_other_paces(table, table.track[1:][np.diff(table.track) == 0], pace):
                table.frame_interval = None
        return frames
    if np.abs(whole).max() > LARGEST_FRAME:
        raise TracksFileError(f"{table.source}: frame {np.abs(whole).max():g} is too large.")
    frames = whole.astype(np.int64)
    if stride <= 1:
        return frames
    if table.frame_interval is not None and table.is_frame:
        table.frame_interval *= stride
        if not np.isfinite(table.frame_interval):
            raise TracksFileError(
                f"{table.source}: one frame in {stride} is there, and as many frame intervals are "
                "too long for a number. Give the right frame_interval."
            )
    elif table.frame_interval is None and not table.is_frame:
        table.frame_interval = float(stride)
    apart = "" if table.frame_interval is None else f", {table.frame_interval:g} long"
    table.note("stride", f"only one frame in {stride} is there: taken as one time step{apart}")
    first = frames[starts]
    lengths = np.diff(np.append(starts, len(frames)))
    return np.repeat(first // stride, lengths) + (frames - np.repeat(first, lengths)) // stride


def _steps(table: Localisations) -> tuple[int, float]:
    """The largest number that divides all steps within tracks, and the shortest; 0 if unknown.

    What divides them is 0 where they are no whole numbers, or too large for frames.
    """
    steps = steps_within(table.time, table.starts())
    if not len(steps):
        return 0, 0.0
    whole = np.array_equal(np.rint(table.time), table.time)
    counted = whole and np.abs(table.time).max() <= LARGEST_FRAME
    stride = int(np.gcd.reduce(steps.astype(np.int64))) if counted else 0
    return stride, float(steps.min())


def _drop_constant_axes(table: Localisations) -> None:
    moving = table.positions.max(axis=0) != table.positions.min(axis=0)
    if moving.all() or not moving.any():
        return
    told = ", ".join(
        f"axis {table.axes[i]}, {table.positions[0, i]:g} in the whole file"
        for i in np.flatnonzero(~moving)
    )
    table.keep_axes(list(np.flatnonzero(moving)))
    table.note("axis_constant", f"dropped: {told}; tracks are {len(table.axes)}-D")


def _cut(
    table: Localisations, frames: NDArray[np.int64], gaps: GapPolicy, may_be_all_points: bool
) -> tuple[
    list[NDArray[np.float64]], list[int], list[str], list[str], list[NDArray[np.int64]] | None
]:
    """Trajectories, first frames, ids, notes and, if there are, filled points, track by track."""
    starts = table.starts()
    track_names = [table.names[code] for code in table.track[starts]]
    pieces, owner = split_at_gaps(frames, starts)
    n_pieces = np.bincount(owner, minlength=len(starts))
    gapped = n_pieces > 1
    n_gapped = np.count_nonzero(gapped)
    notes = [table.track_notes.get(name, "") for name in track_names]
    filled = None
    if not gapped.any():
        ids = track_names
    elif gaps == "error":
        shown = ", ".join(track_names[i] for i in np.flatnonzero(gapped)[:5])
        raise TracksFileError(
            f"{table.source}: {n_gapped} of {counted(len(starts), 'track')} with missing frames "
            f"({shown}{', …' if n_gapped > 5 else ''}). Use gaps='split' or gaps='interpolate', or "
            "complete the tracks."
        )
    elif gaps == "interpolate":
        frames, table.positions, starts, is_new = interpolate_gaps(
            frames, table.positions, starts, table.source
        )
        filled = [np.flatnonzero(new) for new in np.split(is_new, starts[1:])]
        added = np.array([len(points) for points in filled])
        ids = track_names
        notes = [_joined(note, filled_note(n)) for note, n in zip(notes, added, strict=True)]
        table.note(
            "gaps_interpolated",
            f"{counted(n_gapped, 'track')} with missing frames filled on straight lines: "
            f"{counted(added.sum(), 'point')} added",
            n_tracks=n_gapped,
            n_rows=added.sum(),
        )
    else:
        _require_one_rate(table, frames, starts)
        if may_be_all_points:
            _require_neighbours(table, frames, starts, pieces)
        ids, of_pieces = _name_pieces(track_names, owner, n_pieces)
        notes = [_joined(notes[i], note) for i, note in zip(owner, of_pieces, strict=True)]
        starts = pieces
        table.note(
            "gaps_split",
            f"{counted(n_gapped, 'track')} with missing frames split into "
            f"{n_pieces[gapped].sum()} gap-free pieces",
            n_tracks=n_gapped,
        )
    trajectories = np.split(table.positions, starts[1:])
    return trajectories, frames[starts].tolist(), ids, notes, filled


def _require_one_rate(
    table: Localisations, frames: NDArray[np.int64], starts: NDArray[np.int64]
) -> None:
    """Refuse tracks that miss the same number of frames after every point: all would be lost."""
    lengths = np.diff(np.append(starts, len(frames)))
    long = np.flatnonzero(lengths >= _FEWEST_OF_A_RATE)
    apart = np.array([frames[starts[i] + 1] - frames[starts[i]] for i in long], dtype=np.int64)
    step = np.ones(len(starts), dtype=np.int64)
    step[long] = apart
    same = np.diff(frames, prepend=0) == np.repeat(step, lengths)
    same[starts] = True
    slow = np.logical_and.reduceat(same, starts) & (step > 1)
    if slow.any():
        first = np.flatnonzero(slow)[0]
        raise TracksFileError(
            f"{table.source}: {np.count_nonzero(slow)} of {counted(len(starts), 'track')} have "
            f"another frame rate than the rest: {table.names[table.track[starts[first]]]}, for "
            f"example, has a point in every {step[first]} frames and none between. Read the "
            "tracks of one rate at a time, or fill the frames between with gaps='interpolate'."
        )


def _require_neighbours(
    table: Localisations,
    frames: NDArray[np.int64],
    starts: NDArray[np.int64],
    pieces: NDArray[np.int64],
) -> None:
    """Refuse tracks of which nothing would be left but single points."""
    lengths = np.diff(np.append(starts, len(frames)))
    if len(pieces) == len(frames) and lengths.max() >= _FEWEST_OF_A_RATE:
        raise TracksFileError(
            f"{table.source}: no two positions of a track are in neighbouring frames, the closest "
            f"are {steps_within(frames, starts).min()} apart. If these are times, give "
            "frame_interval in their unit; if frames are missing, use gaps='interpolate'."
        )


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _name_pieces(
    names: list[str], owner: NDArray[np.int64], n_pieces: NDArray[np.int64]
) -> tuple[list[str], list[str]]:
    """track#1, track#2, … for the pieces of a split track; the others keep their names."""
    number = np.arange(len(owner)) - (np.cumsum(n_pieces) - n_pieces)[owner] + 1
    pairs = list(zip(owner.tolist(), number.tolist(), strict=True))
    taken = {name for name, n in zip(names, n_pieces, strict=True) if n == 1}
    marks: dict[int, str] = {}
    for i in sorted(np.flatnonzero(n_pieces > 1).tolist(), key=lambda i: names[i]):
        marks[i] = "#"
        # a track of the file is called like a piece of another
        while any(f"{names[i]}{marks[i]}{k}" in taken for k in range(1, n_pieces[i] + 1)):
            marks[i] += "#"
        taken.update(f"{names[i]}{marks[i]}{k}" for k in range(1, n_pieces[i] + 1))
    ids = [f"{names[i]}{marks[i]}{k}" if i in marks else names[i] for i, k in pairs]
    notes = [
        "" if n_pieces[i] == 1 else f"piece {k} of {n_pieces[i]} of track {names[i]}, split at gaps"
        for i, k in pairs
    ]
    return ids, notes
