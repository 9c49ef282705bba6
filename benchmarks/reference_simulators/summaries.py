"""What a set of trajectories looks like: one number per trajectory and statistic, then histograms.

Two simulators follow the same law if no statistic of their trajectories tells them apart. Points
of one trajectory depend on each other, trajectories do not: every statistic here is one number per
trajectory, so that two-sample tests hold without further assumption. Tests work on ranks because
waiting times, flights and diffusivities have no mean, let alone a variance.

``make_reference.py`` writes the histograms of andi-datasets' simulators with this file, and
``tests/test_simulate_equivalence.py`` compares skandi's with them through it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, kolmogorov

N_BINS = 64
T = 200
CASES: dict[str, tuple[float, ...]] = {
    "attm": (0.4, 0.6, 1.0),
    "ctrw": (0.4, 0.7, 1.0),
    "fbm": (0.3, 1.0, 1.7),
    "lw": (1.2, 1.6, 2.0),
    "sbm": (0.3, 1.0, 1.7),
}
"""Exponents compared: both ends of what 3 % can be seen at, and the special cases 1 and 2."""

ATTM_CLOCK = "attm clock"
"""ATTM whose Gaussian numbers are all one, in 1D: the steps sqrt(2D) show diffusivity and dwell."""

SMALLEST_STEP = 1e-9
"""Lengths below this are taken as this: there, positions of order one are mere rounding."""

Values = dict[str, NDArray[np.float64]]


# -- one number per trajectory ---------------------------------------------------------------------


def summarise(model: str, positions: NDArray[np.float64]) -> Values:
    """Compute every statistic of one model's trajectories.

    Parameters
    ----------
    model : {"attm", "ctrw", "fbm", "lw", "sbm", "attm clock"}
    positions : array of shape (n, T, d)

    Returns
    -------
    dict of str to array of shape (n,)
        What all models share (displacements, autocorrelation, time-averaged MSD, growth with
        time, isotropy), then what is the model's own.
    """
    steps = np.diff(positions, axis=1)
    if model == ATTM_CLOCK:
        return _attm_clock(steps[:, :, 0])
    values = _displacements(positions, steps)
    values |= _time_averages(positions, steps)
    if positions.shape[2] > 1:
        values |= _axes(steps)
    return values | _OWN[model](steps)


def _log_length(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(np.abs(x), SMALLEST_STEP))


def _log_square(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(x, SMALLEST_STEP**2))


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, and call 0/0 (a trajectory that never moved) zero."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _displacements(positions: NDArray[np.float64], steps: NDArray[np.float64]) -> Values:
    """Single displacements, and how far the walk is from its start as time goes on."""
    away = positions[:, :, 0] - positions[:, :1, 0]
    last = positions.shape[1] - 1
    return {
        "first step": _log_length(steps[:, 0, 0]),
        "middle step": _log_length(steps[:, last // 2, -1]),
        "last step": _log_length(steps[:, -1, 0]),
        "displacement at T/16": _log_length(away[:, last // 16]),
        "displacement at T/4": _log_length(away[:, last // 4]),
        "displacement at T": _log_length(away[:, last]),
        "signed displacement": away[:, last],
    }


def _time_averages(positions: NDArray[np.float64], steps: NDArray[np.float64]) -> Values:
    """Lag-1 autocorrelation of the steps, time-averaged MSD, and energy late against early."""
    x = steps[:, :, 0]
    squares = np.einsum("ntd,ntd->nt", steps, steps)
    half = squares.shape[1] // 2
    values = {
        "autocorrelation": _ratio(
            np.einsum("nt,nt->n", x[:, 1:], x[:, :-1]), np.einsum("nt,nt->n", x, x)
        ),
        "late against early": _log_square(squares[:, half:].mean(axis=1))
        - _log_square(squares[:, :half].mean(axis=1)),
    }
    for lag in (1, 4, 16, 64):
        gap = positions[:, lag:] - positions[:, :-lag]
        values[f"TA-MSD at {lag}"] = _log_square(np.einsum("ntd,ntd->n", gap, gap) / gap.shape[1])
    return values


def _axes(steps: NDArray[np.float64]) -> Values:
    """How the axes share the motion: direction, correlation, and common rests or diffusivities."""
    x, y = steps[:, :, 0], steps[:, :, 1]
    xx, yy = x * x, y * y
    total = np.einsum("ntd,ntd->n", steps, steps)
    centred_x = xx - xx.mean(axis=1, keepdims=True)
    centred_y = yy - yy.mean(axis=1, keepdims=True)
    return {
        "share of x": _ratio(xx.sum(axis=1), total),
        "correlation of x and y": _ratio(
            np.einsum("nt,nt->n", x, y), np.sqrt(xx.sum(axis=1) * yy.sum(axis=1))
        ),
        "correlation of x² and y²": _ratio(
            np.einsum("nt,nt->n", centred_x, centred_y),
            np.sqrt((centred_x**2).sum(axis=1) * (centred_y**2).sum(axis=1)),
        ),
        "last axis at T": _log_length(steps[:, :, -1].sum(axis=1)),
    }


# -- the laws of each model ------------------------------------------------------------------------


def _spells(event: NDArray[np.bool_]) -> Values:
    """First, longest, mean logarithmic and number of spells that `event` (n, m) ends.

    A spell still running at the end is no spell; trajectories without any have zeros, and a first
    spell of m + 1.
    """
    n, m = event.shape
    row, column = np.nonzero(event)
    new_row = np.r_[True, row[1:] != row[:-1]] if row.size else np.empty(0, bool)
    previous = np.where(new_row, -1, np.r_[-1, column[:-1]]) if row.size else column
    length = (column - previous).astype(float)
    number = np.bincount(row, minlength=n).astype(float)
    longest = np.zeros(n)
    np.maximum.at(longest, row, length)
    return {
        "first": np.where(number > 0, event.argmax(axis=1) + 1.0, m + 1.0),
        "longest": longest,
        "mean log": _ratio(np.bincount(row, np.log(length), minlength=n), number),
        "number": number,
    }


def _ctrw(steps: NDArray[np.float64]) -> Values:
    """Waiting times between jumps, number of jumps, length of the first jump."""
    moved = (steps != 0).any(axis=2)
    waits = {f"wait, {name}": value for name, value in _spells(moved).items()}
    jump = np.take_along_axis(steps, moved.argmax(axis=1)[:, None, None], axis=1)[:, 0]
    return waits | {"first jump": _log_length(np.sqrt((jump**2).sum(axis=1)))}


def _lw(steps: NDArray[np.float64]) -> Values:
    """Flight times between turns, number of turns, and the speed, one per trajectory.

    In one dimension half the flights go on in the direction of the one before: what is seen there
    is the time between reversals.
    """
    speed = np.sqrt((steps[:, 0] ** 2).sum(axis=1))
    change = np.sqrt((np.diff(steps, axis=1) ** 2).sum(axis=2))
    flights = _spells(change > 1e-7 * speed[:, None])
    times = {f"flight, {name}": value for name, value in flights.items()}
    last_speed = np.sqrt((steps[:, -1] ** 2).sum(axis=1))
    return times | {"speed": speed, "change of speed": last_speed / speed - 1.0}


def _attm(steps: NDArray[np.float64]) -> Values:
    """Dwell times and diffusivities, as far as they can be seen in the size of the steps.

    Both are hidden; where the mean square of eight steps changes more than e²-fold to the next
    eight, a dwell has ended visibly.
    """
    squares = np.einsum("ntd,ntd->nt", steps, steps)
    total = np.cumsum(np.pad(squares, ((0, 0), (1, 0))), axis=1)
    local = _log_square((total[:, 8:] - total[:, :-8]) / 8)
    change = np.abs(local[:, 8:] - local[:, :-8])
    ended = change > 2
    log_squares = _log_square(squares)
    return {
        "dwell seen, first": np.where(ended.any(axis=1), ended.argmax(axis=1) + 1.0, 1e3),
        "changes of D, share": (change > 1).mean(axis=1),
        "changes of D, size": change.mean(axis=1),
        "log D, mean": log_squares.mean(axis=1),
        "log D, largest": log_squares.max(axis=1),
        "log D, range": local.max(axis=1) - local.min(axis=1),
    }


def _attm_clock(steps: NDArray[np.float64]) -> Values:
    """Dwell times, diffusivities, and the law that binds them, dwell = D^(-γ), for the first."""
    size = np.maximum(np.abs(steps), 1e-7)  # what the rounding of positions leaves of a step
    dwells = _spells(np.abs(np.diff(size, axis=1)) > 1e-5 * size[:, 1:])
    values = {f"dwell, {name}": value for name, value in dwells.items()}
    log_d = 2 * np.log(size[:, [0, 50, -1]]) - np.log(2.0)
    return values | {
        "log D, first": log_d[:, 0],
        "log D, at T/4": log_d[:, 1],
        "log D, last": log_d[:, 2],
        "γ of the first": _ratio(np.log(values["dwell, first"]), -log_d[:, 0]),
    }


def _sbm(steps: NDArray[np.float64]) -> Values:
    """Growth of the variance of a step with time, from its ends."""
    squares = np.einsum("ntd,ntd->nt", steps, steps)
    quarter = squares.shape[1] // 4
    last = _log_square(squares[:, -quarter:].mean(axis=1))
    return {
        "last quarter against first 8": last - _log_square(squares[:, :8].mean(axis=1)),
        "step size, mean log": _log_square(squares).mean(axis=1),
    }


def _fbm(steps: NDArray[np.float64]) -> Values:
    """Autocorrelation of the steps at longer lags."""
    energy = np.einsum("ntd,ntd->n", steps, steps)
    return {
        f"autocorrelation at {lag}": np.einsum("ntd,ntd->n", steps[:, lag:], steps[:, :-lag])
        / energy
        for lag in (2, 8, 32)
    }


_OWN = {"attm": _attm, "ctrw": _ctrw, "fbm": _fbm, "lw": _lw, "sbm": _sbm}


# -- histograms and two-sample tests ---------------------------------------------------------------


def quantile_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return upper bin edges that hold a 64th of `values` each; a repeated edge is an empty bin."""
    quantiles = np.arange(1, N_BINS) / N_BINS
    return np.quantile(_rounded(values), quantiles, method="inverted_cdf")


def histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count `values` in the bins (-inf, e₁], (e₁, e₂], …, (e₆₃, inf)."""
    return np.bincount(np.searchsorted(edges, _rounded(values)), minlength=len(edges) + 1)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # An atom (no jump, one straight flight) must fall into one bin whatever its last bits are.
    return np.round(values, 8)


def kolmogorov_smirnov(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Two-sample Kolmogorov–Smirnov p-value from binned counts: ties only lower D."""
    n, m = a.sum(), b.sum()
    distance = np.abs(np.cumsum(a) / n - np.cumsum(b) / m).max()
    return float(kolmogorov(distance * np.sqrt(n * m / (n + m))))


def rank_sum(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Two-sided Wilcoxon rank-sum p-value from binned counts, corrected for ties."""
    n, m = a.sum(), b.sum()
    both = a + b
    ranks = np.cumsum(both) - (both - 1) / 2
    mean = (both @ ranks) / (n + m)
    variance = both @ (ranks - mean) ** 2 / (n + m - 1) * (1 / n + 1 / m)
    if variance == 0:
        return 1.0
    z = (a @ ranks / n - b @ ranks / m) / np.sqrt(variance)
    return float(erfc(abs(z) / np.sqrt(2)))


@dataclass(frozen=True)
class Comparison:
    """One two-sample test of one statistic of one case."""

    model: str
    alpha: float
    n_dims: int
    statistic: str
    test: str
    p_value: float


class Reference:
    """Histograms of the reference simulators: one row per model, α, dimension and statistic.

    Parameters
    ----------
    path : Path
        The file that ``make_reference.py`` wrote.

    Attributes
    ----------
    about : dict
        How it was made: package and version, seed, length, number of trajectories per model.
    """

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            self.about = json.loads(str(archive["about"]))
            self._rows = {
                (str(model), float(alpha), int(n_dims), str(statistic)): (edges, counts)
                for model, alpha, n_dims, statistic, edges, counts in zip(
                    *(archive[name] for name in ("model", "alpha", "n_dims", "statistic")),
                    archive["edges"],
                    archive["counts"].astype(np.int64),
                )
            }

    def __len__(self) -> int:
        return len(self._rows)

    def compare(self, model: str, alpha: float, n_dims: int, values: Values) -> list[Comparison]:
        """Test every statistic of one case against the reference, by two tests each."""
        wanted = {key[3] for key in self._rows if key[:3] == (model, alpha, n_dims)}
        if wanted != values.keys():
            raise ValueError(
                f"{model}, α = {alpha}, {n_dims}D: the reference holds {sorted(wanted)}, "
                f"the sample {sorted(values)}; write the reference anew with make_reference.py."
            )
        comparisons = []
        for statistic, sample in values.items():
            edges, counts = self._rows[model, alpha, n_dims, statistic]
            sampled = histogram(sample, edges)
            for test in (kolmogorov_smirnov, rank_sum):
                p_value = test(counts, sampled)
                comparisons.append(
                    Comparison(model, alpha, n_dims, statistic, test.__name__, p_value)
                )
        return comparisons

    @property
    def n_tests(self) -> int:
        """Number of tests when every case is compared: what a correction must divide by."""
        return 2 * len(self._rows)


def write_reference(path: Path, about: dict[str, object], cases: dict[tuple, Values]) -> None:
    """Write the histograms of `cases`, keyed by (model, α, n_dims), for `Reference` to read."""
    rows = [
        (*case, statistic, edges := quantile_edges(sample), histogram(sample, edges))
        for case, values in cases.items()
        for statistic, sample in values.items()
    ]
    names = ("model", "alpha", "n_dims", "statistic", "edges", "counts")
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows))}
    columns["counts"] = columns["counts"].astype(np.int32)
    np.savez_compressed(path, about=np.array(json.dumps(about)), **columns)
