"""XML as a stream of start tags, without document types.

Files of tracks may have gigabytes: elements are handed on as they come and never kept. A document
type is refused before it is read, and with it every entity: none can be expanded into gigabytes or
fetched from a disk or a network. Programs that track particles write none.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar
from xml.parsers import expat

from skandi.errors import TracksFileError

_CHUNK = 1 << 20
_INVALID_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]

Attributes = dict[str, str]


class Collector(ABC):
    """What picks, from the start tags of a file, what it needs."""

    @abstractmethod
    def handlers(self) -> dict[str, Callable[[Attributes], None]]:
        """What to do at the start of an element, by its name; all other elements are skipped."""


C = TypeVar("C", bound=Collector)


class _RootSeenError(Exception):
    """Ends the parsing of a file of which only the first tag was wanted."""


def root_of(path: str | os.PathLike[str]) -> str:
    """The name of the outermost element.

    Raises
    ------
    TracksFileError
        If the file is not XML, or has a document type.
    """
    found: list[str] = []

    def start(name: str, attributes: Attributes) -> None:
        found.append(name)
        raise _RootSeenError

    try:
        _parse(Path(path), start)
    except _RootSeenError:
        pass
    except expat.ExpatError as error:
        raise _malformed(path, error) from error
    return found[0]


def collect(path: str | os.PathLike[str], make: Callable[[], C]) -> C:
    """Lead every start tag of a file past a collector.

    Some Windows programs declare UTF-8 and write Latin-1: a file that is not UTF-8 is read as such.

    Raises
    ------
    TracksFileError
        If the file is not well-formed, has a document type, or a collector found an attribute
        missing or not a number.
    """
    path = Path(path)
    try:
        return _collect(path, make(), None)
    except expat.ExpatError as error:
        if error.code != _INVALID_TOKEN:
            raise _malformed(path, error) from error
        try:
            return _collect(path, make(), "iso-8859-1")
        except expat.ExpatError:
            raise _malformed(path, error) from error


def _collect(path: Path, collector: C, encoding: str | None) -> C:
    handlers = collector.handlers()

    def start(name: str, attributes: Attributes) -> None:
        handler = handlers.get(name)
        if handler is None:
            return
        try:
            handler(attributes)
        except KeyError as error:
            raise TracksFileError(
                f"{path}, line {parser.CurrentLineNumber}: <{name}> has no attribute {error}."
            ) from error
        except (ValueError, OverflowError) as error:
            raise TracksFileError(
                f"{path}, line {parser.CurrentLineNumber}, <{name}>: {error}."
            ) from error

    parser = _parser(path, start, encoding)
    with path.open("rb") as file:
        _feed(parser, file)
    return collector


def _parse(path: Path, start: Callable[[str, Attributes], None]) -> None:
    with path.open("rb") as file:
        _feed(_parser(path, start, None), file)


def _parser(
    path: Path, start: Callable[[str, Attributes], None], encoding: str | None
) -> expat.XMLParserType:
    def refuse(name: str, *ids: object) -> None:
        raise TracksFileError(
            f"{path} declares a document type ({name!r}), which can hold harmful entities and is "
            "not in any file of tracks: it is not read."
        )

    parser = expat.ParserCreate(encoding)
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, file: BinaryIO) -> None:
    while chunk := file.read(_CHUNK):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _malformed(path: str | os.PathLike[str], error: expat.ExpatError) -> TracksFileError:
    return TracksFileError(
        f"{path} is not well-formed XML, where a file of TrackMate is needed: {error}. If it is "
        "one, it may be cut off: save it again."
    )
