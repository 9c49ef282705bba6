"""Names of tracks: which cells of an id column mean "no track", and in which order tracks stand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TracksFileError

# What programs write where there is nothing: TrackMate 6 the word None for a spot of no track.
EMPTY_WORDS = frozenset(
    {"", "none", "nan", "-nan", "na", "n/a", "#na", "#n/a", "null", "<na>"}
    | {"#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
)
_WHOLE_FLOAT = re.compile(r"[0-9]+\.0*")
# saSPT's localisations of no track carry a negative number.
_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]*)?")
_DIGITS = re.compile(r"([0-9]+)")


def canonical_id(value: Hashable) -> str | None:
    """The name of a track as text, or None for a localisation that belongs to no track.

    Whole numbers are written as such, whatever a table made of them: 7, 7.0 and "7.0" are "7".
    Empty cells, ``None``, ``NaN`` and negative numbers mean no track.

    Examples
    --------
    >>> [canonical_id(value) for value in (7, 7.0, "7.0", " 007 ", "cell 7", -1, "None")]
    ['7', '7', '7', '007', 'cell 7', None, None]
    """
    if isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
        return str(int(value)) if value >= 0 else None  # a float has no more than 53 bits
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
        if not np.isfinite(number) or number < 0:
            return None
        return str(int(value)) if number == int(value) else repr(number)
    text = str(value).strip()
    if text.lower() in EMPTY_WORDS or _NEGATIVE.fullmatch(text):
        return None
    return text.partition(".")[0] if _WHOLE_FLOAT.fullmatch(text) else text


def track_number(name: str) -> int:
    """A number below 2^53 that scatters tracks evenly, the same on every machine.

    Only what stands before the first ``#`` counts: the pieces of a split track, and any track
    that is called like one of them, have the same number as the track.

    Examples
    --------
    >>> track_number("7#2") == track_number("7") != track_number("8")
    True
    """
    digest = hashlib.blake2b(name.partition("#")[0].encode(errors="surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 11


def canonical_group(value: Hashable) -> str | None:
    """The name of a group of tracks as text, or None for an empty cell.

    Groups are often voltages, offsets or mutants: negative numbers and words like "null" are names.

    Examples
    --------
    >>> [canonical_group(value) for value in (-60, "2.0", "null", " wt ", "", "NaN")]
    ['-60', '2', 'null', 'wt', None, None]
    """
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
        if np.isnan(number):
            return None
        return str(int(value)) if number.is_integer() else repr(number)
    text = str(value).strip()
    if text.lower() in ("", "nan", "<na>"):
        return None
    return text.partition(".")[0] if _WHOLE_FLOAT.fullmatch(text.removeprefix("-")) else text


def in_usual_type(column: pd.Series) -> pd.Series:
    """The column in a type that all of pandas takes: bytes in this machine's order, no decimals."""
    if isinstance(column.dtype, np.dtype) and not column.dtype.isnative:
        return column.astype(column.dtype.newbyteorder("="))
    is_decimal = str(column.dtype).startswith("decimal")
    return column.astype(object) if is_decimal else column


def encode_ids(
    column: pd.Series, name_of: Callable[[Hashable], str | None] = canonical_id
) -> tuple[NDArray[np.int64], list[str]]:
    """A column of names as codes into a list of them; -1 where there is none.

    Raises
    ------
    TracksFileError
        If ids are lists or the like.
    """
    try:
        raw_codes, values = pd.factorize(in_usual_type(column), use_na_sentinel=True)
    except TypeError as error:
        raise TracksFileError(
            f"The column {column.name!r} holds values that cannot name a track "
            f"({error}). Numbers and text can."
        ) from error
    names: dict[str, int] = {}
    code_of = np.full(len(values) + 1, -1, dtype=np.int64)  # the last one answers raw code -1
    for i, value in enumerate(values):
        name = name_of(value)
        if name is not None:
            code_of[i] = names.setdefault(name, len(names))
    return code_of[raw_codes], list(names)


def natural_order(names: Sequence[str]) -> list[int]:
    """Indices that put names in the order people count in: 2 before 10, cell2/9 before cell2/10.

    The order of the rows of a table thus never decides the order of the tracks.
    """
    return sorted(range(len(names)), key=lambda index: natural_key(names[index]))


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """What `natural_order` compares.

    Examples
    --------
    >>> natural_key("cell2") < natural_key("cell10")
    True
    """
    parts = _DIGITS.split(name)  # text, digits, text, …, text
    # by length, then by digit: as numbers of any size compare
    numbers = [(len(digits), digits) for digits in (d.lstrip("0") for d in parts[1::2])]
    compared = [(0, text) for text in parts]
    compared[1::2] = numbers
    return compared, name  # 7 and 007 differ in nothing else
