"""TrackMate's table of spots: one header row up to version 6, four from version 7 on.

The first row has keys (``TRACK_ID``, ``POSITION_X``, …); the three that version 7 adds have names,
short names and units. An empty ``TRACK_ID``, or the word None in version 6, is a spot of no track.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from skandi.errors import TracksFileError
from skandi.io.ids import encode_ids
from skandi.io.localisations import Localisations
from skandi.io.text import read_head, split_line
from skandi.io.tidy import interval_of, numbers_of, read_csv
from skandi.io.units import calibrate

TRACK, FRAME, TIME = "TRACK_ID", "FRAME", "POSITION_T"
POSITIONS = {"x": "POSITION_X", "y": "POSITION_Y", "z": "POSITION_Z"}
NEEDED = (TRACK, "POSITION_X", "POSITION_Y", FRAME)
# What TrackMate's other two tables have and that of the spots has not.
_OTHER_TABLES = {
    "NUMBER_SPOTS": "tracks",
    "TRACK_DURATION": "tracks",
    "SPOT_SOURCE_ID": "edges",
    "EDGE_TIME": "edges",
}
_N_EXTRA_ROWS = 3
_UNITS_ROW = 2
_ADVICE = (
    "TrackMate's table does not say which spot follows which: if tracks split or merge, read "
    "TrackMate's own XML file with branches='split' or branches='longest'."
)


def looks_like_trackmate(names: Sequence[Hashable]) -> bool:
    """Whether the names of a table's columns are keys of one of TrackMate's tables.

    Examples
    --------
    >>> looks_like_trackmate(["LABEL", "TRACK_ID", "POSITION_X"])
    True
    >>> looks_like_trackmate(["track_id", "frame", "x"])
    False
    """
    return TRACK in names and any(name in names for name in (*NEEDED[1:3], *_OTHER_TABLES))


def read_trackmate_csv(path: str | os.PathLike[str]) -> Localisations:
    """The localisations of TrackMate's table of spots, of any version.

    Raises
    ------
    TracksFileError
        If columns are missing, as they are from TrackMate's other tables, or rows differ in their
        number of fields.
    """
    path = Path(path)
    head = read_head(path)
    separator = head.separator()
    rows = [split_line(line, separator) for line in head.lines[: 1 + _N_EXTRA_ROWS]]
    names = rows[0]
    check_columns(names, str(path))
    n_header_rows, units = 1, {}
    if len(rows) > _N_EXTRA_ROWS and _has_words(rows[1], names):
        n_header_rows += _N_EXTRA_ROWS
        units = dict(zip(names, rows[1 + _UNITS_ROW], strict=False))
    frame = read_csv(path, head, separator, [TRACK], n_header_rows)
    return read_trackmate_frame(frame, str(path), units=units)


def read_trackmate_frame(
    frame: pd.DataFrame,
    source: str = "table",
    *,
    units: dict[str, str] | None = None,
) -> Localisations:
    """The localisations of a DataFrame with the columns of TrackMate's table of spots.

    Its first three rows may be the header rows that version 7 adds.

    Raises
    ------
    TracksFileError
        If columns are missing, or hold something else than numbers.
    """
    check_columns(list(frame.columns), source)
    if units is None:
        units = {}
        if len(frame) >= _N_EXTRA_ROWS and _has_words(list(frame.iloc[0]), list(frame.columns)):
            units = {str(k): v for k, v in frame.iloc[_UNITS_ROW].items() if isinstance(v, str)}
            frame = frame.iloc[_N_EXTRA_ROWS:]
    track, names = encode_ids(frame[TRACK])
    axes = [axis for axis, column in POSITIONS.items() if column in frame.columns]
    table = Localisations(
        source=source,
        format="trackmate-csv",
        track=track,
        names=names,
        time=numbers_of(frame[FRAME], source),
        positions=np.column_stack([numbers_of(frame[POSITIONS[axis]], source) for axis in axes]),
        axes=tuple(axes),
        advice=_ADVICE,
    )
    interval = None
    if TIME in frame.columns:
        table.clock = numbers_of(frame[TIME], source)
        interval = interval_of(table, are_times=True)
    calibrate(table, interval, units.get(TIME), units.get(POSITIONS["x"]))
    return table


def check_columns(names: Sequence[Hashable], source: str) -> None:
    """Refuse a table that is not TrackMate's table of spots.

    Raises
    ------
    TracksFileError
        If a column is missing, or there twice.
    """
    wrong = [name for name in NEEDED if list(names).count(name) != 1]
    if not wrong:
        return
    other = next((table for name, table in _OTHER_TABLES.items() if name in names), None)
    what = f"is TrackMate's table of {other}" if other else "is not TrackMate's table of spots"
    raise TracksFileError(
        f"{source} {what}: the columns {', '.join(NEEDED)} are needed, and {', '.join(wrong)} "
        f"{'is' if len(wrong) == 1 else 'are'} missing or there twice. Export the table of spots, "
        "or save TrackMate's own XML file."
    )


def _has_words(row: list, names: Sequence[Hashable]) -> bool:
    """Whether a row has a word where the position of a spot would be."""
    place = list(names).index(POSITIONS["x"])
    x = "" if place >= len(row) or pd.isna(row[place]) else str(row[place])
    try:
        float(x.replace(",", ".") or "nan")
    except ValueError:
        return True
    return False
