"""Writing a table of results where people will open it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from skandi.errors import TracksFileError
from skandi.files import replacing, require_replaceable
from skandi.io.parquet import save_parquet

RESULT_SUFFIXES = (".csv", ".parquet")
# What a spreadsheet takes for the beginning of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def check_results_path(path: str | os.PathLike[str]) -> None:
    """Refuse, before any work is done, a place where results cannot be written.

    Parameters
    ----------
    path : str or path
        File to write later.

    Raises
    ------
    TracksFileError
        If the suffix is neither ``.csv`` nor ``.parquet``.
    OSError
        If the folder does not exist, `path` is a folder, or Windows has the file open elsewhere.

    Examples
    --------
    >>> check_results_path("results.csv")
    >>> check_results_path("results.xlsx")
    Traceback (most recent call last):
    skandi.errors.TracksFileError: results.xlsx: results are written as CSV or Parquet, ...
    """
    path = Path(path)
    if path.suffix.lower() not in RESULT_SUFFIXES:
        raise TracksFileError(
            f"{path}: results are written as CSV or Parquet, so the name must end in .csv or "
            ".parquet."
        )
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory, a file name is needed", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(2, "no such directory", str(path.parent))
    require_replaceable(path)


def write_results(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table of results as CSV or Parquet, by suffix, replacing the file in one step.

    In CSV, numbers have six significant digits, and text that a spreadsheet would run as a formula
    (a track called ``=HYPERLINK(…)``) gets an apostrophe in front, in headings too. Parquet holds
    everything exactly as it is, units in `table.attrs` among it.

    Parameters
    ----------
    table : pandas.DataFrame
        What `skandi.analyse` or `skandi.compare_conditions` gave, or any other table.
    path : str or path
        A name ending in ``.csv`` or ``.parquet``.

    Raises
    ------
    TracksFileError
        If the suffix is another.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "results.csv"
    >>> write_results(pd.DataFrame({"track_id": ["7", "=1+1"], "alpha": [0.512, 1 / 3]}), path)
    >>> print(path.read_text())
    track_id,alpha
    7,0.512
    '=1+1,0.333333
    <BLANKLINE>
    """
    check_results_path(path)
    if Path(path).suffix.lower() == ".parquet":
        save_parquet(table, path)
        return
    safe = _without_formulas(table)
    with replacing(path) as aside:
        safe.to_csv(aside, index=False, float_format="%.6g", lineterminator="\n", encoding="utf-8")


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text, in cells and headings, that could be run."""
    safe = table.rename(columns=_no_formula)
    for place, (_, column) in enumerate(table.items()):
        # Text is in columns of every other kind: categories, or objects beside missing values.
        if not pd.api.types.is_numeric_dtype(column) and any(map(_is_formula, column)):
            cells = [_no_formula(cell) for cell in column]
            safe.isetitem(place, pd.Series(cells, table.index, dtype=object))
    return safe


def _is_formula(cell: Any) -> bool:
    return isinstance(cell, str) and cell.startswith(_FORMULA_STARTS)


def _no_formula(cell: Any) -> Any:
    return f"'{cell}" if _is_formula(cell) else cell
