"""The tidy table: one row per localisation, in CSV and its relatives, or in a DataFrame.

This is what trackpy returns and what most programs can export. The columns are found by name,
whatever their order and case; others are ignored.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.ids import EMPTY_WORDS, canonical_group, canonical_id, encode_ids, in_usual_type
from skandi.io.localisations import Localisations
from skandi.io.text import FALLBACK_ENCODING, TextHead, read_head, split_line
from skandi.io.tracks import Tracks, counted
from skandi.io.whole import (
    clock_interval,
    clock_steps,
    far_from_median,
    is_uneven,
    note_other_paces,
)

TRACK_COLUMNS = ("particle", "track", "trajectory", "traj_idx", "track_id")
GROUP_COLUMNS = ("group",)
FRAME_COLUMNS = ("frame",)
TIME_COLUMNS = ("t", "time")
AXES = ("x", "y", "z")
PARTS = {
    "track": TRACK_COLUMNS,
    "group": GROUP_COLUMNS,
    "frame": FRAME_COLUMNS,
    "time": TIME_COLUMNS,
    **{axis: (axis,) for axis in AXES},
}
"""What a column can be, and the names that say so."""

NEEDED = (
    f"one of {'|'.join(TRACK_COLUMNS)}, one of {'|'.join((*FRAME_COLUMNS, *TIME_COLUMNS))}, x, "
    "then y and z if there are any; 'group' may tell apart tracks that share a number"
)

# In every case that programs write them in; other ones are found later, and more slowly.
_EMPTY_CELLS = sorted(
    {form for w in EMPTY_WORDS for form in (w, w.upper(), w.title())} | {"NaN", "-NaN"}
)
_WITH_MARK = re.compile(r"[-+]?\d*([.,])\d+([eE][-+]?\d+)?")
_READ = re.compile(r"(position_)?[xyzt]|time|frame", re.IGNORECASE)
_OF_FILMS = {"film", "movie", "video", "file", "filename", "fov", "cell", "condition", "experiment"}
# From pandas 3.1 on numbers are read so without being asked, and to ask is to be warned.
TO_THE_LAST_BIT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    else {"float_precision": "round_trip"}
)  # fmt: skip
_HINT = (
    " Columns of other names are told by columns={'x': 'X (µm)'} in Python, and by "
    '--column "x=X (µm)" on the command line.'
)
_ROWS_LOOKED_AT = 1_000
# Of the steps in a clock, so many may be pauses of which nothing is said.
_FEW_JUMPS = 0.01
_JUMP = 1.5


@dataclass(frozen=True)
class Columns:
    """Which column of a tidy table plays which part."""

    track: Hashable
    axes: tuple[tuple[str, Hashable], ...]
    frame: Hashable | None
    time: Hashable | None
    group: Hashable | None

    @property
    def ids(self) -> list[Hashable]:
        """The columns that hold names rather than numbers."""
        return [name for name in (self.group, self.track) if name is not None]

    @property
    def numbers(self) -> list[Hashable]:
        """The columns of positions and times."""
        times = [name for name in (self.frame, self.time) if name is not None]
        return [name for _, name in self.axes] + times


def find_columns(
    names: list[Hashable], source: str, told: Mapping[str, Hashable] | None = None
) -> Columns:
    """Match the names of a table's columns with the parts of a tidy table.

    Parameters
    ----------
    names : list
        The columns of the table.
    source : str
        What errors call the table.
    told : mapping, optional
        Names of columns by part (`PARTS`), where they are not the usual ones; None where a caller
        has no way to tell.

    Raises
    ------
    TracksFileError
        If a part is missing, if two columns could play the same part, or one is told to be two.

    Examples
    --------
    >>> find_columns(["Frame", "Particle", "Y", "X", "mass"], "the table").axes
    (('x', 'X'), ('y', 'Y'))
    """
    by_name: dict[str, list[Hashable]] = {}
    for name in names:
        by_name.setdefault(str(name).strip().lower(), []).append(name)

    known = _told_columns(names, told or {}, source)

    def find(part: str) -> Hashable | None:
        if part in known:
            return known[part]
        free = (name for alias in PARTS[part] for name in by_name.get(alias, []))
        found = [name for name in free if name not in known.values()]
        if len(found) > 1:
            raise TracksFileError(
                f"{source}: columns {' and '.join(repr(str(name)) for name in found)} could each "
                f"be the {PARTS[part][0]} column. Keep one of them, or say which it is."
                + ("" if told is None else _HINT)
            )
        return found[0] if found else None

    track, frame, time = find("track"), find("frame"), find("time")
    axes = tuple((axis, name) for axis in AXES if (name := find(axis)) is not None)
    missing = []
    if track is None:
        missing.append("the track")
    if frame is None and time is None:
        missing.append("the frame")
    if [axis for axis, _ in axes] != list(AXES[: len(axes)]) or not axes:
        missing.append("the positions")
    if missing:
        came = ", ".join(str(name) for name in names) or "none"
        raise TracksFileError(
            f"{source}: no column for {' and '.join(missing)}. Needed: {NEEDED}. Found: {came}."
            + ("" if told is None else _HINT)
        )
    return Columns(track, axes, frame, time, find("group"))


def _told_columns(
    names: list[Hashable], told: Mapping[str, Hashable], source: str
) -> dict[str, Hashable]:
    """The columns of a table that are meant by the names told for their parts."""
    known: dict[str, Hashable] = {}
    for part, name in told.items():
        if part not in PARTS:
            raise TracksFileError(f"columns has {part!r}; a column is one of {', '.join(PARTS)}.")
        fitting = [each for each in names if each == name or str(each).strip() == str(name).strip()]
        if len(fitting) != 1:
            came = ", ".join(str(each) for each in names) or "none"
            raise TracksFileError(
                f"{source} has {len(fitting)} columns {str(name)!r}, told to be {part!r}, where "
                f"one is needed. Found: {came}."
            )
        if fitting[0] in known.values():
            raise TracksFileError(f"columns has {str(name)!r} twice; a column is one thing only.")
        known[part] = fitting[0]
    return known


def read_tidy_frame(
    frame: pd.DataFrame,
    source: str = "table",
    format: str = "tidy",
    told: Mapping[str, Hashable] | None = None,
) -> Localisations:
    """The localisations of a DataFrame whose columns (or index levels) are those of a tidy table.

    Columns of other names are `told`, see `find_columns`.

    Raises
    ------
    TracksFileError
        If columns are missing or ambiguous, or hold something else than numbers.
    """
    # trackpy keeps frame both as the index and as a column: the column then counts
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    columns = find_columns(list(frame.columns), source, told)
    track, names = _tracks(frame, columns, source)
    spread = _tracks_by_column(frame, track, len(names))
    time_column = columns.frame if columns.frame is not None else columns.time
    localisations = Localisations(
        source=source,
        format=format,
        track=track,
        names=names,
        time=numbers_of(frame[time_column], source),
        positions=np.column_stack([numbers_of(frame[name], source) for _, name in columns.axes]),
        axes=tuple(axis for axis, _ in columns.axes),
        is_frame=columns.frame is not None,
    )
    for column, n_tracks in spread.items():
        localisations.note(
            "column_ignored",
            f"{counted(n_tracks, 'track')} with several values of {column!r}, which is not read: "
            "call the column 'group' if each value has tracks of its own",
            n_tracks=n_tracks,
        )
    if columns.frame is not None and columns.time is not None:
        localisations.clock = numbers_of(frame[columns.time], source)
        localisations.frame_interval = interval_of(localisations)
    return localisations


def read_tidy(
    path: str | os.PathLike[str], told: Mapping[str, Hashable] | None = None
) -> Localisations:
    """The localisations of a text table with a line of column names.

    Columns of other names are `told`, see `find_columns`. Comma, semicolon, tab or white space may
    separate; with semicolons a decimal comma is understood. Numbers are read to the last bit.

    Raises
    ------
    TracksFileError
        As `read_tidy_frame`; and if the file is empty, or is no regular table.
    """
    path = Path(path)
    head = read_head(path)
    separator = head.separator()
    names = split_line(head.lines[0], separator)
    if all(map(_is_number, names)):
        hint = f"; '{head.comment}' stands before it behind a '#': take the mark away"
        raise TracksFileError(
            f"{path}: its first line holds numbers, where the names of the columns are needed"
            f"{hint if head.comment else ''}. Needed: {NEEDED}."
        )
    columns = find_columns(list(names), str(path), told)
    frame = read_csv(path, head, separator, columns.ids, numbers=columns.numbers)
    return read_tidy_frame(frame, source=str(path), told=told)


def read_csv(
    path: Path,
    head: TextHead,
    separator: str,
    ids: list[Hashable],
    n_header_rows: int = 1,
    numbers: Collection[Hashable] = (),
) -> pd.DataFrame:
    """A text table, numbers to the last bit; the first of its header rows names the columns.

    A decimal comma is looked for in `numbers` and in columns of the usual names.

    Raises
    ------
    TracksFileError
        If rows differ in their number of fields.
    """
    first = head.n_skipped
    header = {first + i for i in range(1, n_header_rows)}
    # As pandas names columns: what follows a name is a part of it.
    names = split_line(head.lines[0], separator, strip=False)
    are_ids = {name: name.strip() in ids for name in names}

    read_names = {
        name for name in map(str.strip, names) if _READ.fullmatch(name) or name in numbers
    }
    decimal = _decimal_mark(head.lines[n_header_rows:], separator, names, read_names)

    def read(columns: Sequence[int] | None = None, encoding: str = head.encoding) -> pd.DataFrame:
        with warnings.catch_warnings():
            # pandas only warns when it leaves out fields that have no column
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=separator,
                skiprows=[*range(first), *header],
                usecols=columns,
                encoding=encoding,
                compression=None,  # a name says nothing
                decimal=decimal,
                dtype={name: str for name, is_id in are_ids.items() if is_id},
                # a group may be called "null"; what names no track is decided later
                keep_default_na=False,
                na_values={name: _EMPTY_CELLS for name, is_id in are_ids.items() if not is_id},
                **TO_THE_LAST_BIT,
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
            ).rename(columns=str.strip)
        return frame if decimal == "." else _with_points(frame, read_names)

    def decoded(columns: Sequence[int] | None = None) -> pd.DataFrame:
        try:
            return read(columns)
        except UnicodeDecodeError:
            return read(columns, FALLBACK_ENCODING)

    def is_empty_beyond() -> bool:
        """Whether fields without a column are empty, as behind a separator at the end of rows."""
        row = next(filter(str.strip, head.lines[n_header_rows:]), "")
        beyond = range(len(names), len(split_line(row, separator)))
        fields = pd.read_csv(
            path, sep=separator, header=None, skiprows=first + n_header_rows, usecols=beyond,
            encoding=head.encoding, encoding_errors="replace", compression=None,
        )  # fmt: skip
        return bool(fields.isna().to_numpy().all())

    try:
        try:
            return decoded()
        except pd.errors.ParserWarning:
            if not is_empty_beyond():
                raise
            return decoded(range(len(names)))
    except pd.errors.ParserError as error:
        raise TracksFileError(f"{path} is not a regular table: {error}.") from error
    except pd.errors.ParserWarning as warning:
        raise TracksFileError(
            f"{path} is not a regular table: rows have more fields than there are column names."
        ) from warning


def _is_number(text: str) -> bool:
    try:
        return float(text) is not None
    except ValueError:
        return False


def _decimal_mark(
    rows: list[str], separator: str, names: list[str], read_names: Collection[str]
) -> str:
    """A comma where positions or times of the first rows have one, and none has a point."""
    if separator == ",":
        return "."
    read = [k for k, name in enumerate(names) if name.strip() in read_names]
    found = {
        match[1]
        for row in rows[:_ROWS_LOOKED_AT]
        for k, field in enumerate(split_line(row, separator))
        if k in read and (match := _WITH_MARK.fullmatch(field))
    }
    return "," if found == {","} else "."


def _with_points(frame: pd.DataFrame, read_names: Collection[str]) -> pd.DataFrame:
    """Where one odd word made text of a column of positions or times, points for its commas."""
    for name, column in frame.items():
        # beside an empty cell, text is of type object before pandas 3
        if name in read_names and not pd.api.types.is_numeric_dtype(column):
            frame[name] = column.where(
                ~column.str.fullmatch(_WITH_MARK, na=False), column.str.replace(",", ".")
            )
    return frame


def _tracks(
    frame: pd.DataFrame, columns: Columns, source: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Which track each row belongs to; a group makes its tracks different from another's."""
    track, names = encode_ids(frame[columns.track])
    if columns.group is None:
        return track, names
    group, group_names = encode_ids(frame[columns.group], canonical_group)
    # a row without a group keeps the bare name of its track
    pair = np.where(track < 0, -1, (group + 1) * len(names) + track)
    codes, pairs = pd.factorize(np.where(pair < 0, np.nan, pair), use_na_sentinel=True)
    joined = []
    for value in pairs.astype(np.int64).tolist():
        g, k = divmod(value, len(names))
        joined.append(names[k] if g == 0 else f"{group_names[g - 1]}/{names[k]}")
    if len(set(joined)) < len(joined):
        raise TracksFileError(
            f"{source}: two pairs of group and track make the same name 'group/track'. Rename the "
            "groups so that they hold no '/'."
        )
    return codes.astype(np.int64), joined


def _tracks_by_column(
    frame: pd.DataFrame, track: NDArray[np.int64], n_tracks: int
) -> dict[str, int]:
    """Of columns that may tell films apart: in how many tracks they have several values."""
    found = {}
    for place, column in enumerate(frame.columns):
        name, cells = str(column).strip(), frame.iloc[:, place]
        if name.lower() not in _OF_FILMS or not _holds_names(cells):
            continue
        with contextlib.suppress(TypeError):  # lists and the like
            value, _ = pd.factorize(in_usual_type(cells), use_na_sentinel=True)
            known = (track >= 0) & (value >= 0)
            one = np.zeros(n_tracks, dtype=np.int64)
            one[track[known]] = value[known]
            if several := len(np.unique(track[known & (value != one[track])])):
                found[name] = several
    return found


def _holds_names(column: pd.Series) -> bool:
    """Whether a column holds text, categories or whole numbers; a measurement names nothing."""
    types = pd.api.types
    return (
        types.is_integer_dtype(column)
        or types.is_string_dtype(column)
        or types.is_object_dtype(column)
        or isinstance(column.dtype, pd.CategoricalDtype)
    )


def numbers_of(column: pd.Series, source: str) -> NDArray[np.float64]:
    """A column as float64, NaN where a cell is empty.

    Raises
    ------
    TracksFileError
        If a cell holds something else than a number.
    """
    types = pd.api.types
    column = in_usual_type(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    could_be_numbers = types.is_any_real_numeric_dtype(column) or types.is_string_dtype(column)
    if not could_be_numbers and not types.is_object_dtype(column):
        raise TracksFileError(
            f"{source}: column '{column.name}' holds {column.dtype}, where numbers are needed."
        )
    column = column.reset_index(drop=True)
    numbers = pd.to_numeric(column, errors="coerce")
    text = column[numbers.isna() & column.notna()].astype(str).str.strip()
    wrong = text[~text.str.lower().isin(EMPTY_WORDS)]
    if len(wrong):
        raise TracksFileError(
            f"{source}: column '{column.name}' holds {wrong.iloc[0]!r} in data row "
            f"{wrong.index[0] + 1}, where a number is needed."
        )
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def interval_of(table: Localisations, *, are_times: bool = False) -> float | None:
    """Time from one frame to the next, for rows that have both; None where it cannot be known."""
    ratio, row = clock_steps(table, np.lexsort((table.time, table.track)))
    if not len(ratio):
        return None
    if is_uneven(ratio):
        table.note(
            "clock_uneven",
            "the times are not used: they are not in step with the frames, which are read as "
            "equally spaced; if they are not, alpha is wrong",
        )
        return None
    if note_other_paces(table, table.track[row], ratio):
        return None
    jumps = np.count_nonzero(far_from_median(ratio) & (ratio > _JUMP * np.median(ratio)))
    if jumps > _FEW_JUMPS * len(ratio):
        table.note(
            "clock_jumps",
            f"in {jumps} of {len(ratio)} steps the times jump although the frames do not: frames "
            "are read as equally spaced, and if they only number the images, alpha is wrong",
        )
    return clock_interval(ratio, are_times=are_times)


def tidy_frame(tracks: Tracks) -> pd.DataFrame:
    """Tracks as a tidy table with the columns track, frame, x[, y[, z]].

    Raises
    ------
    TracksFileError
        If a reader would take the id of a track for something else, such as "no track".
    """
    unreadable = [name for name in tracks.ids if canonical_id(name) != name]
    if unreadable:
        raise TracksFileError(
            f"Tracks named {unreadable[:5]} would not be read back under these names: empty names, "
            "negative numbers and words like 'nan' or 'None' mean no track. Rename them."
        )
    return tracks.to_frame().rename(columns={"track_id": "track"})


def write_tidy(tracks: Tracks, path: str | os.PathLike[str]) -> None:
    """Write tracks as a text table that `read_tidy` reads back to the same bits.

    Fields are separated by tabs in a ``.tsv``, by commas otherwise. Units have no place in the
    format and are not written. Ids are written as they are, even where a spreadsheet would take
    one for a formula: this file is for programs, and its ids must come back.
    """
    separator = "\t" if Path(path).suffix.lower() == ".tsv" else ","
    table = tidy_frame(tracks)
    with replacing(path) as aside:
        table.to_csv(aside, sep=separator, index=False, lineterminator="\n", encoding="utf-8")
