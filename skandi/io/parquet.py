"""Parquet: tables in columns, for large sets of tracks; skandi's own have their units with them."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
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
_NAMES = ("frame_interval", "time_unit", "space_unit")


def read_parquet(
    path: str | os.PathLike[str], told: Mapping[str, Hashable] | None = None
) -> Localisations:
    """The localisations of a Parquet file with the columns of any format of tables.

    Columns of a tidy table can be `told`, see `skandi.io.tidy.find_columns`.

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
    with readable_text(str(path)):
        table = read_frame(frame, source=str(path), told=told)
    table.format = "parquet"
    units = units_of(frame.attrs.get(_UNITS), str(path))
    if units is not None:
        table.frame_interval, table.time_unit, table.space_unit = units
    return table


@contextmanager
def readable_text(source: str) -> Iterator[None]:
    """Refuse text that is none, which Parquet may hold and pandas finds out late."""
    try:
        yield
    except UnicodeError as error:
        raise TracksFileError(
            f"{source} holds text that is not UTF-8 ({error}): it is damaged. Write it again."
        ) from error


def units_of(told: Any, source: str) -> tuple[float | None, str | None, str | None] | None:
    """Frame interval and both units that a file tells in our words; None if it tells none.

    Raises
    ------
    TracksFileError
        If they are no positive number and words.
    """
    if not isinstance(told, dict):
        return None
    interval, time_unit, space_unit = (told.get(name) for name in _NAMES)
    texts = (time_unit, space_unit)
    is_number = isinstance(interval, int | float) and not isinstance(interval, bool)
    is_interval = interval is None or (is_number and 0 < interval < float("inf"))
    if not is_interval or not all(text is None or isinstance(text, str) for text in texts):
        raise TracksFileError(
            f"{source} says the frame interval is {interval!r} and the units are {texts}: a "
            "positive number and two words are needed. Write it again with write_tracks."
        )
    return (None if interval is None else float(interval)), time_unit, space_unit


def write_parquet(tracks: Tracks, path: str | os.PathLike[str]) -> None:
    """Write tracks as a tidy table in Parquet, with their units, for `read_parquet`."""
    frame = tidy_frame(tracks)
    frame.attrs[_UNITS] = {name: getattr(tracks, name) for name in _NAMES}
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
            'the installed numpy (with numpy 1: pip install "pyarrow<26"), or use CSV.'
        ) from error
    return pyarrow
