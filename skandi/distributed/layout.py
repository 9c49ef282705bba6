"""What the columns of a large table are, found once from its head."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations
from skandi.io.parquet import readable_text, units_of
from skandi.io.tables import TABLE_FORMATS, read_frame, table_format
from skandi.io.tidy import AXES, FRAME_COLUMNS, GROUP_COLUMNS, TIME_COLUMNS, TRACK_COLUMNS
from skandi.io.trackmate_csv import FRAME, POSITIONS, TIME, TRACK

_TIDY_NAMES = {*TRACK_COLUMNS, *GROUP_COLUMNS, *FRAME_COLUMNS, *TIME_COLUMNS, *AXES}
_TRACKMATE_NAMES = {TRACK, FRAME, TIME, *POSITIONS.values()}


@dataclass(frozen=True)
class Layout:
    """The parts that the columns of a table play, and its units.

    Attributes
    ----------
    format : str
        One of `skandi.io.tables.TABLE_FORMATS`.
    axes : tuple of str
        The axes that have a column.
    is_frame, has_clock : bool
        Whether frames are counted; whether there is a time besides.
    frame_interval, default_interval : float or None
        What a file of skandi's says about itself; what the definition of the format says.
    time_unit, space_unit : str or None
        Units, where the file or the format has them.
    """

    format: str
    axes: tuple[str, ...]
    is_frame: bool
    has_clock: bool
    frame_interval: float | None = None
    default_interval: float | None = None
    time_unit: str | None = None
    space_unit: str | None = None

    @classmethod
    def of(cls, empty: pd.DataFrame, format: str, units: Any, source: str) -> Layout:
        """Find it from a table without rows.

        Raises
        ------
        TracksFileError
            If the columns are not those of a table of tracks.
        """
        if format in ("auto", "parquet"):
            format = table_format([*empty.index.names, *empty.columns])
        if format not in TABLE_FORMATS:
            raise TracksFileError(
                f"{source}: a table is not read as {format!r}: format can be auto, parquet, "
                f"{', '.join(TABLE_FORMATS)}."
            )
        # of no type at all in an empty table, and then not taken for numbers
        table = read_frame(empty.astype(object), source=source, format=format)
        told = units_of(units, source)
        by_format = (None, table.time_unit, table.space_unit)
        interval, time_unit, space_unit = by_format if told is None else told
        return cls(
            format=format,
            axes=table.axes,
            is_frame=table.is_frame,
            has_clock=table.clock is not None and told is None,
            frame_interval=interval,
            default_interval=table.frame_interval if told is None else None,
            time_unit=time_unit,
            space_unit=space_unit,
        )

    def read(self, frame: pd.DataFrame, source: str) -> Localisations:
        """The localisations of some of the rows, those of no track left out."""
        with readable_text(source):
            table = read_frame(frame, source=source, format=self.format)
        table.keep(table.track >= 0)
        return table


def needed_columns(names: list[Hashable]) -> list[Hashable]:
    """Those of a table's columns that say something about tracks.

    Examples
    --------
    >>> needed_columns(["particle", "frame", "x", "y", "mass", "ecc"])
    ['particle', 'frame', 'x', 'y']
    """
    return [
        name
        for name in names
        if str(name).strip().lower() in _TIDY_NAMES or name in _TRACKMATE_NAMES
    ]
