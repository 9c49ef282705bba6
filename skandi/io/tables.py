"""Which program wrote a table, told by its columns, and what is thereby known of its units."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations
from skandi.io.text import read_head
from skandi.io.tidy import read_tidy, read_tidy_frame
from skandi.io.trackmate_csv import looks_like_trackmate, read_trackmate_csv, read_trackmate_frame
from skandi.trajectories import column_names


@dataclass(frozen=True)
class Dialect:
    """A tidy table as one program writes it.

    Attributes
    ----------
    columns : tuple of str
        What it always has.
    signs : tuple of str
        What it has besides and a table of another origin has not.
    y_first : bool
        Whether y comes before x, which is a sign too.
    space_unit, time_unit, frame_interval
        What its definition says about them.
    """

    columns: tuple[str, ...]
    signs: tuple[str, ...] = ()
    y_first: bool = False
    space_unit: str | None = None
    time_unit: str | None = None
    frame_interval: float | None = None

    def fits(self, names: list[str]) -> bool:
        """Whether a table with these columns is one of them beyond doubt."""
        if any(name not in names for name in (*self.columns, *self.signs)):
            return False
        return not self.y_first or names.index("y") < names.index("x")


# The first that fits counts.
DIALECTS = {
    # a table of trackpy that was converted and cut down to x and y has none of the signs
    "trackpy": Dialect(
        ("particle", "frame", "x", "y"), signs=("mass", "size", "ecc"), space_unit="px"
    ),
    "andi2": Dialect(
        ("traj_idx", "frame", "x", "y"), space_unit="px", time_unit="frame", frame_interval=1.0
    ),
    "spot-on": Dialect(("trajectory", "x", "y", "t", "frame"), space_unit="µm", time_unit="s"),
    "saspt": Dialect(("y", "x", "frame", "trajectory"), y_first=True, space_unit="px"),
}
TABLE_FORMATS = ("tidy", *DIALECTS, "trackmate-csv")


def table_format(names: Sequence[Hashable]) -> str:
    """The name of the format whose columns these are; ``"tidy"`` where no program is recognised.

    Examples
    --------
    >>> table_format(["trajectory", "x", "y", "t", "frame"])
    'spot-on'
    >>> table_format(["track", "frame", "x"])
    'tidy'
    """
    if looks_like_trackmate(names):
        return "trackmate-csv"
    lower = _lower(names)
    return next((name for name, dialect in DIALECTS.items() if dialect.fits(lower)), "tidy")


def read_table(
    path: str | os.PathLike[str], format: str, told: Mapping[str, Hashable] | None = None
) -> Localisations:
    """The localisations of a text table in one of `TABLE_FORMATS`.

    Columns of a tidy table can be `told`, see `skandi.io.tidy.find_columns`.

    Raises
    ------
    TracksFileError
        If the table is not one of that format, or is damaged.
    """
    if format == "trackmate-csv":
        return read_trackmate_csv(path)
    if format in DIALECTS:
        _check_columns(read_head(Path(path)).names(), format, str(path))
    return _with_units(read_tidy(path, told), format)


def is_table(value: Any) -> bool:
    """Whether something is a table with named columns, of whatever library.

    Examples
    --------
    >>> import pyarrow as pa
    >>> is_table(pa.table({"frame": [0, 1]})), is_table([[0, 1]])
    (True, False)
    """
    return isinstance(value, pd.DataFrame | pa.Table | pa.RecordBatch) or bool(column_names(value))


def as_frame(table: Any) -> pd.DataFrame:
    """A table of another library, such as Arrow or polars, as a DataFrame.

    Raises
    ------
    TracksFileError
        If it cannot be had as a whole without its author's word.

    Examples
    --------
    >>> import pyarrow as pa
    >>> as_frame(pa.table({"frame": [0, 1]}))["frame"].tolist()
    [0, 1]
    """
    if isinstance(table, pd.DataFrame):
        return table
    if hasattr(table, "to_pandas"):
        return table.to_pandas()
    library = re.split(r"\W|_", type(table).__module__)[0]  # earlier Dask: dask_expr
    name = f"{library}'s {type(table).__name__}"
    if hasattr(table, "compute"):
        raise TracksFileError(
            f"{name} came: pass table.compute() if it fits in memory, or predict it in partitions "
            "with skandi.distributed.predict."
        )
    raise TracksFileError(f"{name} came: turn it into a pandas DataFrame first.")


def read_frame(
    frame: pd.DataFrame,
    source: str = "table",
    format: str = "auto",
    told: Mapping[str, Hashable] | None = None,
) -> Localisations:
    """The localisations of a DataFrame in one of `TABLE_FORMATS`, or in whichever it is.

    With columns that are `told`, see `skandi.io.tidy.find_columns`, it is a tidy table.

    Raises
    ------
    TracksFileError
        If the table is not one of that format, or holds something else than numbers.
    """
    names = [*frame.index.names, *frame.columns]
    if format == "auto":
        format = "tidy" if told else table_format(names)
    if format == "trackmate-csv":
        return read_trackmate_frame(frame, source)
    if format in DIALECTS:
        _check_columns(names, format, source)
    return _with_units(read_tidy_frame(frame, source, told=told), format)


def _lower(names: Sequence[Hashable]) -> list[str]:
    return [str(name).strip().lower() for name in names]


def _check_columns(names: Sequence[Hashable], format: str, source: str) -> None:
    """Refuse a table that lacks what a format always has."""
    missing = [column for column in DIALECTS[format].columns if column not in _lower(names)]
    if missing:
        raise TracksFileError(
            f"{source} is not of the format {format}: it has no column {', '.join(missing)}, and "
            f"{', '.join(DIALECTS[format].columns)} are needed."
        )


def _with_units(table: Localisations, format: str) -> Localisations:
    """Fill in what the definition of a format says of its units, and say so."""
    if format not in DIALECTS:
        return table
    dialect = DIALECTS[format]
    table.format = format
    table.space_unit = dialect.space_unit
    table.time_unit = dialect.time_unit
    if table.frame_interval is None:
        table.frame_interval = dialect.frame_interval
    times = f" and times in {dialect.time_unit}" if dialect.time_unit else ""
    table.note(
        "units_of_format",
        f"positions taken to be in {dialect.space_unit}{times}, as the format {format} has them",
    )
    return table
