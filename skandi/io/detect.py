"""Which format a file has, told by its content and never by its name."""

from __future__ import annotations

import os
from pathlib import Path

from skandi.errors import TracksFileError
from skandi.io import trackmate_simple_xml, trackmate_xml
from skandi.io.arrays import MAGIC, array_format, load_array
from skandi.io.challenge import looks_like_challenge
from skandi.io.tables import table_format
from skandi.io.text import read_head
from skandi.io.xml_stream import root_of

_XML = {
    trackmate_simple_xml.ROOT: "trackmate-simple-xml",
    trackmate_xml.ROOT: "trackmate-xml",
}


def detect_format(path: str | os.PathLike[str]) -> str:
    """The name of a file's format: from its first bytes, or the shape of its array.

    Parameters
    ----------
    path : str or path
        A file of tracks.

    Returns
    -------
    str
        One of ``skandi.io.FORMATS``.

    Raises
    ------
    TracksFileError
        If it is none of those that can be read.

    Examples
    --------
    >>> from skandi.io import detect_format, sample_tracks_path
    >>> detect_format(sample_tracks_path())
    'tidy'
    """
    path = Path(path)
    with path.open("rb") as file:
        first_bytes = file.read(len(MAGIC))
    if first_bytes.startswith(b"PAR1"):
        return "parquet"
    if first_bytes == MAGIC:
        return array_format(load_array(path), str(path))
    head = read_head(path)
    first = head.lines[0].lstrip()
    if first.startswith("<"):
        return _xml_format(path)
    if first.startswith(("{", "[")):
        raise TracksFileError(
            f"{path} starts with {first.strip()[:30]!r}: JSON cannot be read. Export a table with "
            "the columns track, frame, x, y."
        )
    return "challenge" if looks_like_challenge(first) else table_format(head.names())


def _xml_format(path: Path) -> str:
    root = root_of(path)
    if root not in _XML:
        raise TracksFileError(
            f"{path} is XML of the kind <{root}>: of XML, TrackMate's own file (<TrackMate>) and "
            "its export of tracks (<Tracks>) can be read."
        )
    return _XML[root]
