"""Parquet: tables in columns, for large sets of tracks; skandi's own have their units with them."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.localisations import Localisations
from skandi.io.tables import read_frame
from skandi.io.tidy import tidy_frame
from skandi.io.tracks import Tracks

_UNITS = "skandi"


def read_parquet(path: str | os.PathLike[str]) -> Localisations:
    """The localisations of a Parquet file with the columns of any format of tables.

    Raises
    ------
    TracksFileError
        If the file is damaged, or its columns are not those of a table of tracks.
    """
    path = Path(path)
    _pyarrow()
    try:
        frame = pd.read_parquet(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError, MemoryError):
        raise
    except Exception as error:
        # Arrow's own errors, and whatever pandas makes of damaged metadata.
        raise TracksFileError(f"{path} is not a readable Parquet file: {error}.") from error
    table = read_frame(frame, source=str(path))
    table.format = "parquet"
    units: Any = frame.attrs.get(_UNITS)
    if isinstance(units, dict):
        table.frame_interval = units.get("frame_interval")
        table.time_unit = units.get("time_unit")
        table.space_unit = units.get("space_unit")
        texts = (table.time_unit, table.space_unit)
        interval = table.frame_interval
        if not (interval is None or isinstance(interval, int | float)) or not all(
            text is None or isinstance(text, str) for text in texts
        ):
            raise TracksFileError(
                f"{path} says the frame interval is {interval!r} and the units are {texts}: a "
                "number and two words are needed. Write it again, or pass them as arguments."
            )
    return table


def write_parquet(tracks: Tracks, path: str | os.PathLike[str]) -> None:
    """Write tracks as a tidy table in Parquet, with their units, for `read_parquet`."""
    frame = tidy_frame(tracks)
    frame.attrs[_UNITS] = {
        "frame_interval": tracks.frame_interval,
        "time_unit": tracks.time_unit,
        "space_unit": tracks.space_unit,
    }
    save_parquet(frame, path)


def save_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a DataFrame without its index, replacing the file in one step."""
    _pyarrow()
    with replacing(path) as aside:
        frame.to_parquet(aside, index=False)


def _pyarrow() -> ModuleType:
    # pip happily installs a pyarrow that refuses the numpy it finds (26 needs numpy 2)
    try:
        import pyarrow
    except ImportError as error:
        raise TracksFileError(
            f"Parquet needs pyarrow, which cannot be imported here: {error}. Install one that fits "
            "the installed numpy (with numpy 1: pip install 'pyarrow<26'), or use CSV."
        ) from error
    return pyarrow
