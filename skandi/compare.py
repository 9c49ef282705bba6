"""Conditions side by side: differences of α and of the models, with intervals."""

from __future__ import annotations

import math
from functools import cache
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, binomtest

from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.io.tracks import counted

# With n files a percentile interval is too narrow by sqrt(1 - 1/n) z / t(n - 1): a third at five.
_FEW_FILES = 10
_FEW_TRACKS = 6
# Tracks drawn at a time, for the sake of memory.
_BLOCK_TRACKS = 500_000


def compare_conditions(
    table: pd.DataFrame,
    *,
    condition: str = "condition",
    file: str = "file",
    reference: str | None = None,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    random_state: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Differences between conditions in median α and in the share of each model.

    The intervals are percentile bootstrap intervals over tracks, grouped by file. Tracks of one
    film resemble each other, so where both conditions have two files or more, files are drawn first
    and tracks within them second. Beside a condition with one file only tracks are left to chance,
    and the interval then says nothing about how films differ. Intervals of shares are at least as
    wide as Newcombe's for independent tracks (Stat. Med. 17:873, 1998, method 10), which has a
    width also where all tracks are of one model. A median of one track has no interval.

    Parameters
    ----------
    table : DataFrame
        Rows of `analyse`, with a column for the condition and perhaps one for the file. Tracks
        without an α are left out.
    condition, file : str
        Names of these columns. Without a column ``"file"`` each condition counts as one file.
    reference : str, optional
        Condition the others are compared with; the first in the table when left out.
    confidence : float, default=0.95
        Of the intervals, each by itself: with five models, look twice at a single one that just
        excludes 0.
    n_resamples : int, default=2000
        Bootstrap samples; enough for the ends of the interval, 2 / (1 - `confidence`) at least.
    random_state : int, Generator or None, default=0
        The same seed gives the same intervals.

    Returns
    -------
    DataFrame
        A row per condition other than the reference and per quantity (``"median alpha"``,
        ``"share of attm"``, …), with the columns ``reference``, ``condition``, ``quantity``,
        ``value_reference``, ``value``, ``difference`` (`value` less `value_reference`), ``lower``,
        ``upper``, ``n_tracks_reference``, ``n_tracks``, ``n_files_reference``, ``n_files`` and
        ``note``, which says where the interval is too narrow.

    Raises
    ------
    SkandiError
        If there is no such column, fewer than two conditions, a condition without an α, or a row
        without a condition or a file.
    ValueError
        If `confidence` is no share, or `n_resamples` too few.

    Examples
    --------
    >>> import pandas as pd
    >>> from skandi import analyse, compare_conditions
    >>> from skandi.simulate import simulate
    >>> tables = [
    ...     analyse(list(simulate("fbm", alpha, 40, 60, 2, random_state=1))).assign(condition=name)
    ...     for name, alpha in (("control", 1.0), ("drug", 0.5))
    ... ]
    >>> compared = compare_conditions(pd.concat(tables))
    >>> compared.quantity[0], bool(compared.upper[0] < 0)
    ('median alpha', True)
    """
    _require_columns(table, condition, file)
    _require_bootstrap(confidence, n_resamples)
    read = table[table["alpha"].notna()]
    names = list(dict.fromkeys(table[condition].astype(str)))
    first = names[0] if reference is None and names else str(reference)
    if first not in names or len(names) < 2:
        raise SkandiError(
            f"The conditions are {names}: two or more are needed, and the reference "
            f"({first!r}) must be one of them."
        )
    # A generator of its own for each sample: an interval does not depend on other conditions.
    seeds = np.random.default_rng(random_state).integers(2**63, size=(len(names), 2))
    films = {}
    for name in names:
        rows = read[read[condition].astype(str) == name]
        if rows.empty:
            raise SkandiError(f"No track of condition {name!r} has an α: leave it out.")
        films[name] = _films(rows, file)

    @cache
    def drawn(name: str, by_file: bool) -> NDArray[np.float64]:
        rng = np.random.default_rng(seeds[names.index(name), int(by_file)])
        return _bootstrap(films[name], by_file, n_resamples, rng)

    tail = (1 - confidence) / 2
    rows = []
    for name in names:
        if name == first:
            continue
        ours, theirs = (_quantities(np.concatenate(films[n])) for n in (name, first))
        by_file = min(len(films[name]), len(films[first])) > 1
        apart = drawn(name, by_file) - drawn(first, by_file)
        lower, upper = np.quantile(apart, [tail, 1 - tail], axis=0)
        n_ours, n_theirs = (sum(map(len, films[n])) for n in (name, first))
        if min(n_ours, n_theirs) == 1:
            lower[0] = upper[0] = np.nan
        low, high = _newcombe(ours[1:], n_ours, theirs[1:], n_theirs, confidence)
        lower[1:], upper[1:] = np.fmin(lower[1:], low), np.fmax(upper[1:], high)
        for k, quantity in enumerate(("median alpha", *(f"share of {m}" for m in MODELS))):
            rows.append(
                {
                    "reference": first,
                    "condition": name,
                    "quantity": quantity,
                    "value_reference": theirs[k],
                    "value": ours[k],
                    "difference": ours[k] - theirs[k],
                    "lower": lower[k],
                    "upper": upper[k],
                    "n_tracks_reference": n_theirs,
                    "n_tracks": n_ours,
                    "n_files_reference": len(films[first]),
                    "n_files": len(films[name]),
                    "note": _caution(films[first], films[name], by_file),
                }
            )
    return pd.DataFrame(rows)


def without_answer(table: pd.DataFrame) -> str:
    """Say that the first condition of rows of `analyse` has no answer; else nothing.

    Without an answer it is left out, and the next one becomes what the others are compared with.
    """
    first = str(table["condition"].iloc[0])
    answered = table["alpha"].notna() & (table["condition"].astype(str) == first)
    if answered.any():
        return ""
    return f"no track of {first} has an answer: compared with the next condition"


def median_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Median with an interval that needs no assumption on the distribution.

    The interval runs between two order statistics, whose ranks follow from the binomial law
    (Conover, Practical Nonparametric Statistics, 1999, Sec. 3.2). Values are taken as independent.

    Parameters
    ----------
    values : array-like of shape (n,)
        NaN are left out.
    confidence : float, default=0.95
        At least this; below six values the interval is the whole range and covers less.

    Returns
    -------
    median, lower, upper : float
        NaN when there is no value.

    Examples
    --------
    >>> median_interval(range(1, 101))
    (50.5, 40.0, 61.0)
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    x = x[np.isfinite(x)]
    if not len(x):
        return np.nan, np.nan, np.nan
    rank = int(binom.ppf((1 - confidence) / 2, len(x), 0.5))
    rank = min(max(rank, 1), (len(x) + 1) // 2)
    return float(np.median(x)), float(x[rank - 1]), float(x[len(x) - rank])


def model_shares(models: pd.Series) -> NDArray[np.float64]:
    """Share of each of the five models among the tracks that have one, NaN if none has.

    Examples
    --------
    >>> import pandas as pd
    >>> model_shares(pd.Series(["fbm", "fbm", "lw", None])).round(2).tolist()
    [0.0, 0.0, 0.67, 0.33, 0.0]
    """
    counts = np.array([int((models == model).sum()) for model in MODELS])
    return counts / counts.sum() if counts.sum() else np.full(len(MODELS), np.nan)


def _require_columns(table: pd.DataFrame, condition: str, file: str) -> None:
    needed = [condition, "alpha", "model"]
    if file not in ("file", None):
        needed.append(file)
    missing = [name for name in needed if name not in table]
    if missing:
        raise SkandiError(
            f"The table has no column {', '.join(map(str, missing))}. Pass rows of skandi.analyse, "
            "each with its condition: table.assign(condition=...)."
        )
    require_all_named(table, condition)
    require_all_named(table, file)


def _require_bootstrap(confidence: float, n_resamples: int) -> None:
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}; it must be a share, such as 0.95.")
    fewest = math.ceil(round(2 / (1 - confidence), 6))
    if not isinstance(n_resamples, Integral) or n_resamples < fewest:
        raise ValueError(
            f"n_resamples is {n_resamples!r}; an interval of {confidence:g} needs a whole number, "
            f"{fewest} at least."
        )


def require_all_named(table: pd.DataFrame, column: str) -> None:
    """Refuse a table with a column of names, such as conditions, that lacks some of them."""
    if column in table and (n := int(table[column].isna().sum())):
        raise SkandiError(
            f"{n} of {len(table)} rows have no {column}: give them one, or leave them out by "
            f"table.dropna(subset={column!r})."
        )


def _films(rows: pd.DataFrame, file: str) -> list[NDArray[np.float64]]:
    """One array (n, 2) per file: α and the index of the model."""
    code = rows["model"].map({model: k for k, model in enumerate(MODELS)})
    values = np.column_stack([rows["alpha"], code]).astype(np.float64)
    if file not in rows:
        return [values]
    which = pd.factorize(rows[file].astype(str))[0]
    return [values[which == k] for k in range(which.max() + 1)]


def _quantities(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median α and the share of each model of samples (..., m, 2)."""
    medians = np.median(values[..., 0], axis=-1)
    shares = [(values[..., 1] == k).mean(axis=-1) for k in range(len(MODELS))]
    return np.stack([medians, *shares], axis=-1)


def _bootstrap(
    films: list[NDArray[np.float64]], by_file: bool, n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The quantities of n samples, (n, 1 + 5)."""
    every = np.arange(len(films))
    at_once = 1 if by_file else max(1, _BLOCK_TRACKS // sum(map(len, films)))
    drawn = []
    for first in range(0, n, at_once):
        rows = min(at_once, n - first)
        which = rng.choice(every, size=len(every)) if by_file else every
        sample = [films[k][rng.integers(len(films[k]), size=(rows, len(films[k])))] for k in which]
        drawn.append(_quantities(np.concatenate(sample, axis=1)))
    return np.concatenate(drawn)


def _caution(
    reference: list[NDArray[np.float64]], other: list[NDArray[np.float64]], by_file: bool
) -> str:
    cautions = []
    fewest = min(len(reference), len(other))
    fewest_tracks = min(sum(map(len, reference)), sum(map(len, other)))
    if fewest_tracks < _FEW_TRACKS:
        cautions.append(
            f"interval of the median too narrow: {counted(fewest_tracks, 'track')} are too few"
            if fewest_tracks > 1
            else "no interval of the median: a condition has one track"
        )
    if not by_file:
        cautions.append(
            "interval over tracks only: a condition with one file cannot tell how files differ"
        )
    elif fewest < _FEW_FILES:
        cautions.append(f"interval too narrow: {fewest} files are few to tell how files differ")
    return "; ".join(cautions)


def _newcombe(
    ours: NDArray[np.float64],
    n_ours: int,
    theirs: NDArray[np.float64],
    n_theirs: int,
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of differences of shares of independent tracks, from two Wilson intervals."""
    difference = ours - theirs
    (low, high), (low_other, high_other) = (
        np.transpose([_wilson(p, n, confidence) for p in shares])
        for shares, n in ((ours, n_ours), (theirs, n_theirs))
    )
    return (
        difference - np.hypot(ours - low, high_other - theirs),
        difference + np.hypot(high - ours, theirs - low_other),
    )


def _wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    interval = binomtest(round(share * n), n).proportion_ci(confidence, method="wilson")
    return interval.low, interval.high
