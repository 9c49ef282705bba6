"""XML as a stream of start tags, without document types.

Files of tracks may have gigabytes: elements are handed on as they come and never kept. A document
type is refused before it is read, and with it every entity: none can be expanded into gigabytes or
fetched from a disk or a network. Programs that track particles write none.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
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
T = TypeVar("T")


class _RootSeenError(Exception):
    """Ends the parsing of a file of which only the first tag was wanted."""


def root_of(path: str | os.PathLike[str]) -> str:
    """The name of the outermost element.

    Raises
    ------
    TracksFileError
        If the file is not XML, or has a document type.
    """
    path = Path(path)

    def first_name(encoding: str | None) -> str:
        found: list[str] = []

        def start(name: str, attributes: Attributes) -> None:
            found.append(name)
            raise _RootSeenError

        with suppress(_RootSeenError):
            _scan(path, start, encoding)
        return found[0]

    return _in_its_encoding(path, first_name)


def collect(path: str | os.PathLike[str], make: Callable[[], C]) -> C:
    """Lead every start tag of a file past a collector.

    Raises
    ------
    TracksFileError
        If the file is not well-formed, has a document type, or a collector found an attribute
        missing or not a number.
    """
    path = Path(path)

    def filled(encoding: str | None) -> C:
        collector = make()
        handlers = collector.handlers()

        def start(name: str, attributes: Attributes) -> None:
            handler = handlers.get(name)
            if handler is not None:
                handler(attributes)

        _scan(path, start, encoding)
        return collector

    return _in_its_encoding(path, filled)


def _in_its_encoding(path: Path, run: Callable[[str | None], T]) -> T:
    """Some Windows programs declare UTF-8 and write Latin-1: what is not UTF-8 is read as such."""
    try:
        return run(None)
    except expat.ExpatError as error:
        if error.code != _INVALID_TOKEN:
            raise _malformed(path, error) from error
        try:
            return run("iso-8859-1")
        except expat.ExpatError:
            raise _malformed(path, error) from error


def _scan(path: Path, handler: Callable[[str, Attributes], None], encoding: str | None) -> None:
    """Call a handler at every start tag, a part of the file at a time."""

    def start(name: str, attributes: Attributes) -> None:
        try:
            handler(name, attributes)
        except KeyError as error:
            raise TracksFileError(
                f"{path}, line {parser.CurrentLineNumber}: <{name}> has no attribute {error}."
            ) from error
        except (ValueError, OverflowError) as error:
            raise TracksFileError(
                f"{path}, line {parser.CurrentLineNumber}, <{name}>: {error}."
            ) from error

    def refuse(name: str, *ids: object) -> None:
        raise TracksFileError(
            f"{path} declares a document type ({name!r}), which can hold harmful entities and is "
            "not in any file of tracks: it is not read."
        )

    parser = expat.ParserCreate(encoding)
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except LookupError as error:  # KeyError of a handler is a TracksFileError by now
        raise TracksFileError(
            f"{path} declares an encoding that does not exist ({error}). Save it as UTF-8."
        ) from error


def _malformed(path: Path, error: expat.ExpatError) -> TracksFileError:
    return TracksFileError(
        f"{path} is not well-formed XML, where a file of TrackMate is needed: {error}. If it is "
        "one, it may be cut off: save it again."
    )
