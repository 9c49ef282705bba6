"""The one function that reads every format, and the one that writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.andi_datasets import read_andi_datasets
from skandi.io.arrays import array_format, load_array
from skandi.io.assemble import ConstantAxes, assemble
from skandi.io.branches import BranchPolicy
from skandi.io.challenge import read_challenge, write_challenge
from skandi.io.detect import detect_format
from skandi.io.duplicates import DuplicatePolicy
from skandi.io.gaps import GapPolicy
from skandi.io.localisations import Localisations
from skandi.io.napari import read_napari, write_napari
from skandi.io.noctiluca import read_noctiluca
from skandi.io.parquet import read_parquet, write_parquet
from skandi.io.tables import TABLE_FORMATS, as_frame, is_table, read_frame, read_table
from skandi.io.tidy import write_tidy
from skandi.io.trackmate_simple_xml import read_trackmate_simple_xml
from skandi.io.trackmate_xml import read_trackmate_xml
from skandi.io.tracks import Tracks

# Readers that find one row per localisation, of files that are no tables and of arrays.
_FILES: dict[str, Callable[[Path], Localisations]] = {
    "trackmate-xml": read_trackmate_xml,
    "trackmate-simple-xml": read_trackmate_simple_xml,
}
_ARRAYS: dict[str, Callable[[NDArray, str], Localisations]] = {
    "napari": read_napari,
    "noctiluca": read_noctiluca,
}
ARRAY_FORMATS = (*_ARRAYS, "andi-datasets")
FORMATS = ("auto", *TABLE_FORMATS, "parquet", *_FILES, *ARRAY_FORMATS, "challenge")

_WRITERS: dict[str, Callable[[Tracks, Path], None]] = {
    "tidy": write_tidy,
    "parquet": write_parquet,
    "challenge": write_challenge,
    "napari": write_napari,
}
WRITE_FORMATS = ("auto", *_WRITERS)
_SUFFIXES = {
    ".csv": "tidy",
    ".tsv": "tidy",
    ".parquet": "parquet",
    ".txt": "challenge",
    ".npy": "napari",
}


def read_tracks(
    source: str | os.PathLike[str] | pd.DataFrame | NDArray | Any,
    format: str = "auto",
    *,
    columns: Mapping[str, Hashable] | None = None,
    gaps: GapPolicy = "split",
    branches: BranchPolicy = "split",
    duplicates: DuplicatePolicy = "error",
    constant_axes: ConstantAxes = "drop",
    n_dims: int | None = None,
    frame_interval: float | None = None,
    time_unit: str | None = None,
    space_unit: str | None = None,
) -> Tracks:
    """Read tracks from a file, a DataFrame or an array, whatever its format.

    The rows of a table may stand in any order; tracks come out in the natural order of their names.
    Rows of no track are dropped, rows without a finite position count as missing frames, and an
    axis on which nothing moves is left out; ``tracks.report`` tells all that was done.

    Parameters
    ----------
    source : path, table or ndarray
        The tracks. A table is a DataFrame of pandas or polars, or a table of Arrow.
    format : str, default "auto"
        What the source is; "auto" looks at its content, not at its name.

        - ``"tidy"``: a table (CSV, TSV, semicolons, white space, DataFrame) with the columns
          ``particle|track|trajectory|traj_idx|track_id``, ``frame|t``, ``x``[, ``y``[, ``z``]] and
          perhaps ``group``. With the units of the program: ``"trackpy"``, ``"andi2"`` (second AnDi
          challenge), ``"spot-on"``, ``"saspt"``.
        - ``"trackmate-csv"``: TrackMate's table of spots, of any version.
        - ``"trackmate-xml"``: TrackMate's own file; only the tracks that pass its filters.
        - ``"trackmate-simple-xml"``: TrackMate's export of tracks.
        - ``"parquet"``: any of these tables.
        - ``"challenge"``: a text file of the first AnDi challenge.
        - ``"andi-datasets"``, ``"napari"``, ``"noctiluca"``: an array or its ``.npy`` file, see
          `skandi.io.andi_datasets`, `skandi.io.napari` and `skandi.io.noctiluca`.
    columns : mapping of str to str, optional
        Of a tidy table or Parquet: names of columns that are not called as above, by what they
        are: ``track``, ``frame``, ``time``, ``x``, ``y``, ``z``, ``group``.
    gaps : {"split", "error", "interpolate"}
        A track that misses frames is cut into gap-free pieces, refused, or filled on straight
        lines. A gap taken for one step would bias α.
    branches : {"split", "error", "longest"}
        A track that splits or merges is cut there, refused, or reduced to its branch of most
        points. Only TrackMate's own file says which spot follows which.
    duplicates : {"error", "first", "mean"}
        Rows for the same frame of a track that differ are refused, reduced to the first in the
        file, or averaged. Exact repetitions of a row are always dropped.
    constant_axes : {"drop", "keep"}
        What to do with an axis that is constant over the whole file, such as the z = 0 of programs
        that always write three. Files of the challenge and arrays of andi_datasets are taken as
        they are.
    n_dims : {1, 2, 3}, optional
        Which trajectories to take from a challenge file that mixes dimensions, and how many
        dimensions an array of andi_datasets has.
    frame_interval : float, optional
        Time from one frame to the next, in `time_unit`, when the file does not say it right: where
        only each n-th frame is there, points are n times as far apart. Where there is a column of
        times and none of frames, the time from one point to the next.
    time_unit, space_unit : str, optional
        Units, when the file does not say them right. Positions are never converted.

    Returns
    -------
    Tracks
        Trajectories, ids, units and the report.

    Raises
    ------
    TracksFileError
        If the source cannot be read as tracks: the message says what was expected and what came.
    OSError
        If there is no such file, or it cannot be opened.

    Examples
    --------
    >>> import pandas as pd
    >>> from skandi import read_tracks
    >>> table = pd.DataFrame(
    ...     {
    ...         "particle": [7, 7, 7, 7, 12, 12],
    ...         "frame": [0, 1, 2, 5, 0, 1],
    ...         "x": [0.0, 0.1, 0.3, 0.2, 5.0, 5.1],
    ...         "y": [0.0, 0.2, 0.1, 0.4, 6.0, 6.2],
    ...     }
    ... )
    >>> tracks = read_tracks(table, frame_interval=0.02, time_unit="s", space_unit="µm")
    >>> tracks.ids
    ['7#1', '7#2', '12']
    >>> print(tracks.report)
    table (tidy): 6 rows, 2 tracks, read as 3 pieces
      1 track with missing frames split into 2 gap-free pieces

    Columns of other names:

    >>> table.columns = ["TrackID", "Time", "Position X", "Position Y"]
    >>> names = {"track": "TrackID", "frame": "Time", "x": "Position X", "y": "Position Y"}
    >>> read_tracks(table, columns=names).ids
    ['7#1', '7#2', '12']
    """
    if format not in FORMATS:
        raise TracksFileError(f"format={format!r} is not known: one of {', '.join(FORMATS)}.")
    if frame_interval is not None and not (np.isfinite(frame_interval) and frame_interval > 0):
        raise TracksFileError(f"frame_interval={frame_interval!r}: a positive number is needed.")
    table = _read(source, format, n_dims, columns or {})
    if isinstance(table, Tracks):
        return say_units(table, frame_interval, time_unit, space_unit)
    if frame_interval is not None:
        table.frame_interval = float(frame_interval)
    tracks = assemble(
        table, gaps=gaps, branches=branches, duplicates=duplicates, constant_axes=constant_axes
    )
    if n_dims is not None and tracks.n_dims != n_dims:
        raise TracksFileError(f"{table.source} has {tracks.n_dims}-D tracks, not {n_dims}-D.")
    # The interval is in the tracks already, perhaps many frames long.
    return say_units(tracks, None, time_unit, space_unit)


def _read(
    source: str | os.PathLike[str] | pd.DataFrame | NDArray,
    format: str,
    n_dims: int | None,
    columns: Mapping[str, Hashable],
) -> Localisations | Tracks:
    """What the reader of a format finds; tracks where there is nothing left to settle."""
    if columns and format not in ("auto", "tidy", "parquet"):
        raise TracksFileError(f"columns are told of tidy tables and Parquet, not of {format!r}.")
    if is_table(source):
        if format not in ("auto", *TABLE_FORMATS):
            raise TracksFileError(
                f"A DataFrame is read as a tidy table, not as {format!r}: format can be auto, "
                f"{', '.join(TABLE_FORMATS)}."
            )
        return read_frame(as_frame(source), format=format, told=columns)
    if isinstance(source, np.ndarray):
        if columns:
            raise TracksFileError("columns are told of tables; an array has none.")
        if format not in ("auto", *ARRAY_FORMATS):
            raise TracksFileError(
                f"An array is not read as {format!r}: format can be auto, "
                f"{', '.join(ARRAY_FORMATS)}."
            )
        return _read_array(source, "array", format, n_dims)
    if not isinstance(source, str | os.PathLike):
        raise TracksFileError(
            f"A {type(source).__name__} came: read_tracks reads a path, a table or an array. "
            "Trajectories go to analyse as they are, or to Tracks.from_trajectories."
        )
    path = Path(source)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise TracksFileError(
            f"{path} is a pipe or a device, and a file is read in several goes: write the tracks "
            "to a file first."
        )
    if format == "auto":
        format = detect_format(path)
        if columns and format in TABLE_FORMATS:
            format = "tidy"  # whatever else its columns look like
    if format == "parquet":
        return read_parquet(path, columns)
    if format in TABLE_FORMATS:
        return read_table(path, format, columns)
    if columns:
        raise TracksFileError(f"{path} is {format}; columns are told of tables.")
    if format in ARRAY_FORMATS:
        return _read_array(load_array(path), str(path), format, n_dims)
    return read_challenge(path, n_dims=n_dims) if format == "challenge" else _FILES[format](path)


def _read_array(
    array: NDArray, source: str, format: str, n_dims: int | None
) -> Localisations | Tracks:
    if format == "auto":
        format = array_format(array, source)
    if format == "andi-datasets":
        return read_andi_datasets(array, source, n_dims=n_dims)
    return _ARRAYS[format](array, source)


def write_tracks(
    tracks: Tracks | Sequence[NDArray[np.float64]],
    path: str | os.PathLike[str],
    format: str = "auto",
) -> None:
    """Write tracks to a file from which `read_tracks` gives back the same positions, bit for bit.

    A file that was there is exchanged only once the new one is complete.

    Parameters
    ----------
    tracks : Tracks or list of ndarray of shape (T_i, d)
        A list is named ``"0"``, ``"1"``, ….
    path : path
        Where to write.
    format : {"auto", "tidy", "parquet", "challenge", "napari"}
        "auto" goes by the suffix. Tidy table (``.csv``, ``.tsv``): without units. Parquet
        (``.parquet``): tidy table with units. Text of the AnDi challenge (``.txt``): without names
        and first frames. Array of napari (``.npy``): without units, and with names only where all
        are whole numbers.

    Raises
    ------
    TracksFileError
        If the format or the suffix is none of these, an id could not be read back, or napari could
        not show the tracks.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skandi.io import read_tracks, write_tracks
    >>> path = Path(tempfile.mkdtemp()) / "tracks.csv"
    >>> write_tracks([np.array([[0.1], [0.2]]), np.array([[1e15], [-3.0]])], path)
    >>> [x.ravel().tolist() for x in read_tracks(path).trajectories]
    [[0.1, 0.2], [1000000000000000.0, -3.0]]
    """
    path = Path(path)
    if format == "auto":
        if path.suffix.lower() not in _SUFFIXES:
            raise TracksFileError(
                f"{path}: the suffix says the format of tracks, and one of "
                f"{', '.join(_SUFFIXES)} is needed. Or give format=."
            )
        format = _SUFFIXES[path.suffix.lower()]
    if format not in _WRITERS:
        raise TracksFileError(f"format={format!r} is not known: one of {', '.join(_WRITERS)}.")
    if not isinstance(tracks, Tracks):
        tracks = Tracks.from_trajectories(tracks)
    _WRITERS[format](tracks, path)


def sample_tracks_path() -> Path:
    """The simulated 2-D tracks that come with skandi, as a tidy CSV file.

    Examples
    --------
    >>> from skandi.io import read_tracks, sample_tracks_path
    >>> read_tracks(sample_tracks_path()).n_dims
    2
    """
    return Path(str(resources.files("skandi") / "data" / "sample_tracks.csv"))


def say_units(
    tracks: Tracks,
    frame_interval: float | None,
    time_unit: str | None,
    space_unit: str | None,
) -> Tracks:
    """Tracks with the caller's word on units, which counts more than the file's."""
    return replace(
        tracks,
        frame_interval=tracks.frame_interval if frame_interval is None else float(frame_interval),
        time_unit=tracks.time_unit if time_unit is None else time_unit,
        space_unit=tracks.space_unit if space_unit is None else space_unit,
    )
