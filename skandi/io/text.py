"""What can be said of a text file from its first lines: encoding, separator, column names."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from skandi.errors import TracksFileError

_HEAD_BYTES = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = (",", ";", "\t")
# How some files begin that are no tables, and what can be done with each.
_EXCEL = "Save the sheet as CSV if it is a workbook of Excel, unpack it if it is an archive."
_IMAGE = "It seems to be an image: track its particles first, for example with TrackMate."
_REMEDIES = {
    b"PK\x03\x04": _EXCEL,
    b"\xd0\xcf\x11\xe0": _EXCEL,
    **dict.fromkeys(
        (b"\x1f\x8b", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"),
        "Unpack it first: it is compressed.",
    ),
    b"II*\0": _IMAGE,
    b"MM\0*": _IMAGE,
    b"\x89PNG": _IMAGE,
}
# Every byte means something in it, and "µ" means what it does in Windows' encoding.
FALLBACK_ENCODING = "latin-1"


@dataclass(frozen=True)
class TextHead:
    """The beginning of a text file.

    Attributes
    ----------
    encoding : str
        UTF-8 unless the file says otherwise or is not valid UTF-8 (then Latin-1).
    n_skipped : int
        Lines before the first line with content: blank, a comment, or Excel's ``sep=;``.
    lines : list of str
        The complete lines from there on that fit into the head, without line ends.
    comment : str
        The last of the lines before, without the mark of a comment; empty if it is none.
    """

    encoding: str
    n_skipped: int
    lines: list[str]
    comment: str = ""

    def separator(self) -> str:
        """The separator that cuts the first line into most fields, or white space."""
        counts = {sep: len(split_line(self.lines[0], sep)) for sep in _SEPARATORS}
        best = max(_SEPARATORS, key=counts.__getitem__)
        if counts[best] == 1 and len(self.lines[0].split()) > 1:
            return r"\s+"
        return best

    def names(self) -> list[str]:
        """The fields of the first line: of a table, the names of its columns."""
        return split_line(self.lines[0], self.separator())


def split_line(line: str, separator: str, *, strip: bool = True) -> list[str]:
    """The fields of one line, quotes removed, white space around them too, or only before them."""
    if separator == r"\s+":
        return line.split()
    fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [field.strip() for field in fields] if strip else fields


def read_head(path: Path) -> TextHead:
    """Look at the first 64 KiB of a text file.

    Raises
    ------
    TracksFileError
        If the file is empty, or is not text.
    """
    with path.open("rb") as file:
        raw = file.read(_HEAD_BYTES)
        complete = not file.read(1)
    encoding = _encoding(raw, complete)
    text = raw.decode(encoding, errors="replace")
    remedy = next((_REMEDIES[first] for first in _REMEDIES if raw.startswith(first)), "")
    if remedy or "\0" in text:
        raise TracksFileError(
            f"{path} is not a text file, nor Parquet or a numpy array: tables of tracks (CSV, TSV, "
            "Parquet), TrackMate's XML, arrays (.npy) and the text files of the AnDi challenge can "
            f"be read. {remedy}".rstrip()
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not complete and len(lines) > 1:
        lines.pop()  # cut off somewhere in the middle
    n_skipped = 0
    while n_skipped < len(lines) and _says_nothing(lines[n_skipped]):
        n_skipped += 1
    if n_skipped == len(lines):
        raise TracksFileError(f"{path} is empty: a table of tracks is needed.")
    before = lines[n_skipped - 1].strip() if n_skipped else ""
    comment = before.lstrip("# ") if before.startswith("#") else ""
    return TextHead(encoding, n_skipped, lines[n_skipped:], comment)


def _encoding(raw: bytes, complete: bool) -> str:
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=complete)
    except UnicodeDecodeError:
        return FALLBACK_ENCODING
    return "utf-8"


def _says_nothing(line: str) -> bool:
    content = line.strip()
    return not content or content.startswith("#") or content.lower().startswith("sep=")
