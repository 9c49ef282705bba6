"""Which format a file has, told by its content, and the one function that reads them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.assemble import ConstantAxes, Localisations, assemble
from skandi.io.challenge import looks_like_challenge, read_challenge, write_challenge
from skandi.io.gaps import GapPolicy
from skandi.io.parquet import read_parquet, write_parquet
from skandi.io.text import read_head
from skandi.io.tidy import read_tidy, read_tidy_frame, write_tidy
from skandi.io.tracks import Tracks

# Formats whose readers find one row per localisation.
_TABLES: dict[str, Callable[[Path], Localisations]] = {
    "tidy": read_tidy,
    "parquet": read_parquet,
}
FORMATS = ("auto", *_TABLES, "challenge")

_WRITERS: dict[str, Callable[[Tracks, Path], None]] = {
    "tidy": write_tidy,
    "parquet": write_parquet,
    "challenge": write_challenge,
}
_SUFFIXES = {".csv": "tidy", ".tsv": "tidy", ".parquet": "parquet", ".txt": "challenge"}


def read_tracks(
    source: str | os.PathLike[str] | pd.DataFrame,
    format: str = "auto",
    *,
    gaps: GapPolicy = "split",
    constant_axes: ConstantAxes = "drop",
    n_dims: int | None = None,
    frame_interval: float | None = None,
    time_unit: str | None = None,
    space_unit: str | None = None,
) -> Tracks:
    """Read tracks from a file or a DataFrame, whatever its format.

    The rows of a table may stand in any order; tracks come out in the natural order of their names.
    Rows of no track are dropped, rows without a finite position count as missing frames, and an
    axis on which nothing moves is left out; ``tracks.report`` tells all that was done.

    Parameters
    ----------
    source : path or DataFrame
        A tidy table (CSV, TSV, semicolons, Parquet, DataFrame) with the columns
        ``particle|track|trajectory|traj_idx|track_id``, ``frame|t``, ``x``[, ``y``[, ``z``]] and
        perhaps ``group``; or a text file of the AnDi challenge.
    format : {"auto", "tidy", "parquet", "challenge"}
        What the source is; "auto" looks at its content, not at its name.
    gaps : {"split", "error", "interpolate"}
        A track that misses frames is cut into gap-free pieces, refused, or filled on straight
        lines. A gap taken for one step would bias α.
    constant_axes : {"drop", "keep"}
        What to do with an axis that is constant over the whole file, such as the z = 0 of programs
        that always write three. The challenge's files are taken as they are.
    n_dims : {1, 2, 3}, optional
        Which trajectories to take from a challenge file that mixes dimensions.
    frame_interval : float, optional
        Time from one point to the next, in `time_unit`, when the file does not say it right. Where
        the time column holds fractions, its grid.
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
    table (tidy): 6 rows, 2 tracks, 3 read
      1 track with missing frames split into 2 gap-free pieces
    """
    if format not in FORMATS:
        raise TracksFileError(f"format={format!r} is not known: one of {', '.join(FORMATS)}.")
    if frame_interval is not None and not (np.isfinite(frame_interval) and frame_interval > 0):
        raise TracksFileError(f"frame_interval={frame_interval!r}: a positive number is needed.")
    if isinstance(source, pd.DataFrame):
        if format not in ("auto", "tidy"):
            raise TracksFileError(f"A DataFrame is read as a tidy table, not as {format!r}.")
        table = read_tidy_frame(source)
    else:
        path = Path(source)
        chosen = detect_format(path) if format == "auto" else format
        if chosen == "challenge":
            tracks = read_challenge(path, n_dims=n_dims)
            return _say_units(tracks, frame_interval, time_unit, space_unit)
        table = _TABLES[chosen](path)
    if frame_interval is not None:
        table.frame_interval = frame_interval
    tracks = assemble(table, gaps=gaps, constant_axes=constant_axes)
    if n_dims is not None and tracks.n_dims != n_dims:
        raise TracksFileError(f"{table.source} has {tracks.n_dims}-D tracks, not {n_dims}-D.")
    return _say_units(tracks, frame_interval, time_unit, space_unit)


def detect_format(path: str | os.PathLike[str]) -> str:
    """The name of a file's format, from its first bytes.

    Raises
    ------
    TracksFileError
        If it is none of those that can be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    first = read_head(path).lines[0]
    if first.lstrip().startswith(("<", "{", "[")):
        raise TracksFileError(
            f"{path} starts with {first.strip()[:30]!r}: XML and JSON cannot be read. Export a "
            "table with the columns track, frame, x, y."
        )
    return "challenge" if looks_like_challenge(first) else "tidy"


def write_tracks(
    tracks: Tracks | Sequence[NDArray[np.float64]],
    path: str | os.PathLike[str],
    format: str = "auto",
) -> None:
    """Write tracks to a file from which `read_tracks` gives back the same bits.

    A file that was there is exchanged only once the new one is complete.

    Parameters
    ----------
    tracks : Tracks or list of ndarray of shape (T_i, d)
        A list is named ``"0"``, ``"1"``, ….
    path : path
        Where to write.
    format : {"auto", "tidy", "parquet", "challenge"}
        "auto" goes by the suffix. Tidy table (``.csv``, ``.tsv``): without units. Parquet
        (``.parquet``): tidy table with units. Text of the AnDi challenge (``.txt``): without names
        and first frames.

    Raises
    ------
    TracksFileError
        If the format or the suffix is none of these, or an id could not be read back.

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


def _say_units(
    tracks: Tracks,
    frame_interval: float | None,
    time_unit: str | None,
    space_unit: str | None,
) -> Tracks:
    """The caller's word on units counts more than the file's."""
    return replace(
        tracks,
        frame_interval=tracks.frame_interval if frame_interval is None else float(frame_interval),
        time_unit=tracks.time_unit if time_unit is None else time_unit,
        space_unit=tracks.space_unit if space_unit is None else space_unit,
    )
