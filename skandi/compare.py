"""Conditions side by side: differences of α and of the models, with intervals."""

from __future__ import annotations

import math
from functools import cache
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, binomtest, norm
from scipy.stats import t as student

from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.io.tracks import counted
from skandi.resampling import Sample, deviations, interval_of_difference, sample_of

_RESAMPLES = 2000
_FEW_FILES = 4
_FEW_TRACKS = 6
# Median lengths further apart than this bias α differently.
_OTHER_LENGTH = 1.25


def compare_conditions(
    table: pd.DataFrame,
    *,
    condition: str = "condition",
    file: str = "file",
    reference: str | None = None,
    confidence: float = 0.95,
    n_resamples: int = _RESAMPLES,
    random_state: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Differences between conditions in median α and in the share of each model.

    The intervals are percentile bootstrap intervals. Tracks of one film resemble each other, so
    where both conditions have two files or more, files are drawn, each with all of its tracks
    (Davison & Hinkley, Bootstrap Methods, 1997, Sec. 3.8). Beside a condition with one file tracks
    are drawn, and the interval then says nothing about how films differ; pieces that a track was
    cut into at gaps or branchings are drawn together. Bootstrapped from n of them, a standard error
    is too small by sqrt(1 - 1/n) and its distribution not normal: intervals are widened by both,
    the latter by Student's t with Welch's degrees of freedom. Intervals of shares are at least as
    wide as Newcombe's for independent tracks (Stat. Med. 17:873, 1998, method 10), which has a
    width also where all tracks are of one model. A median of one track has no interval.

    An interval knows of chance and of nothing else. The α of a short or noisy track is drawn
    towards what is probable without it, so a difference comes out smaller than it is, and unequal
    lengths or noise alone make a difference of equal α. Simulate both conditions to see how much.

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
        ``note``, which says what to bear in mind of the interval.

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
    samples = {}
    for name in names:
        rows = read[read[condition].astype(str) == name]
        if rows.empty:
            raise SkandiError(f"No track of condition {name!r} has an α: leave it out.")
        samples[name] = sample_of(rows, file)

    @cache
    def drawn(name: str, by_file: bool) -> NDArray[np.float64]:
        rng = np.random.default_rng(seeds[names.index(name), int(by_file)])
        return deviations(samples[name], by_file, n_resamples, rng)

    rows = []
    for name in names:
        if name == first:
            continue
        us, them = samples[name], samples[first]
        ours, theirs = us.quantities(), them.quantities()
        by_file = min(us.n_files, them.n_files) > 1
        n_drawn = [s.n_files if by_file else s.n_particles for s in (us, them)]
        apart = interval_of_difference(
            drawn(name, by_file), drawn(first, by_file), n_drawn, confidence
        )
        lower, upper = ours - theirs + apart
        if min(us.n_particles, them.n_particles) == 1:
            lower[0] = upper[0] = np.nan
        low, high = _newcombe(ours[1:], us.n_particles, theirs[1:], them.n_particles, confidence)
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
                    "n_tracks_reference": len(them.values),
                    "n_tracks": len(us.values),
                    "n_files_reference": them.n_files,
                    "n_files": us.n_files,
                    "note": _caution(them, us, by_file),
                }
            )
    return pd.DataFrame(rows)


def comparison_notes(compared: pd.DataFrame) -> list[str]:
    """Each note of `compare_conditions` once; of several comparisons, with those that it is of.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"condition": list("bbcd"), "note": ["few", "few", "", "few"]})
    >>> comparison_notes(table)
    ['b, d: few']
    """
    notes = {
        note: ", ".join(dict.fromkeys(rows["condition"].astype(str)))
        for note, rows in compared.groupby("note", sort=False)
        if note
    }
    several = compared["condition"].nunique() > 1
    return [f"{names}: {note}" if several else str(note) for note, names in notes.items()]


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


def grouped_median_interval(
    rows: pd.DataFrame, *, file: str = "file", confidence: float = 0.95
) -> tuple[float, float, float]:
    """Median α of rows of `analyse`, with an interval that counts what belongs together as one.

    Where tracks are of two files or more, or some are pieces of one track, the interval is that of
    `compare_conditions` for one condition, cut at the smallest and the largest α. Else it is
    `median_interval`.

    Parameters
    ----------
    rows : DataFrame
        Rows of `analyse`; those without an α are left out.
    file : str, default="file"
        Name of the column of files; without it they are of one.
    confidence : float, default=0.95

    Returns
    -------
    median, lower, upper : float
        NaN when there is no α.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> alpha = np.repeat([0.7, 0.8, 0.9, 1.0], 50) + np.tile(np.linspace(-0.1, 0.1, 50), 4)
    >>> table = pd.DataFrame({"alpha": alpha, "model": "fbm", "file": np.repeat(list("abcd"), 50)})
    >>> tracks = median_interval(table.alpha)
    >>> files = grouped_median_interval(table)
    >>> bool(files[2] - files[1] > 3 * (tracks[2] - tracks[1]))
    True
    """
    read = rows[rows["alpha"].notna()]
    if read.empty:
        return median_interval([])
    sample = sample_of(read, file)
    by_file = sample.n_files > 1
    n = sample.n_files if by_file else sample.n_particles
    if n == len(read) or n == 1:
        return median_interval(read["alpha"], confidence)
    tail = (1 - confidence) / 2
    away = deviations(sample, by_file, _RESAMPLES, np.random.default_rng(0))[:, 0]
    widened = student.ppf(1 - tail, n - 1) / norm.ppf(1 - tail)
    median, alpha = float(read["alpha"].median()), read["alpha"]
    low, high = median + widened * np.quantile(away, [tail, 1 - tail])
    return median, float(max(low, alpha.min())), float(min(high, alpha.max()))


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


def _caution(reference: Sample, other: Sample, by_file: bool) -> str:
    cautions = []
    both = (reference, other)
    fewest = min(each.n_files for each in both)
    fewest_tracks = min(each.n_particles for each in both)
    if fewest_tracks < _FEW_TRACKS:
        cautions.append(
            f"interval of the median is rough: {counted(fewest_tracks, 'track')} are few"
            if fewest_tracks > 1
            else "no interval of the median: a condition has one track"
        )
    if not by_file:
        cautions.append(
            "interval over tracks only: a condition with one file cannot tell how files differ"
        )
    elif fewest < _FEW_FILES:
        cautions.append(f"interval is rough: {fewest} files are few to tell how files differ")
    n_pieces = sum(len(each.values) for each in both)
    n_particles = sum(each.n_particles for each in both)
    if n_particles < n_pieces:
        cautions.append(
            f"{n_pieces} rows are of {counted(n_particles, 'track')}, pieces among them"
        )
    shorter, longer = sorted(each.median_length for each in both)
    if longer > _OTHER_LENGTH * shorter:
        cautions.append(
            f"tracks of {shorter:g} and {longer:g} points in the median: shorter ones have their α "
            "drawn more to the middle, so cut all to one length"
        )
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
