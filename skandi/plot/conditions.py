"""Conditions side by side: how α is distributed, and which models the tracks follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.compare import (
    grouped_median_interval,
    median_interval,
    model_shares,
    require_all_named,
)
from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.plot.style import (
    ACCENT,
    MODEL_COLORS,
    MUTED,
    alpha_limits,
    characters,
    drawing,
    require_columns,
    wrapped,
)

_BIN_WIDTH = 0.1
_LABELLED_SHARE = 0.08
_FEWEST_CHARACTERS = 7


class AlphaDisplay:
    """Distribution of α in each condition, with the median and its interval.

    The shape is a histogram on both sides of a line. The dot is the median over tracks, the thick
    bar its 95 % interval: between order statistics, or, where the table tells two files or more
    apart or has pieces of one track, by a bootstrap over files or tracks
    (`skandi.compare.grouped_median_interval`). The thin bar on the left, "one track", where
    intervals of single tracks are known, is their median half-width up and down: how uncertain the
    α of one track is.

    Parameters
    ----------
    alpha : dict of str to ndarray of shape (n_k,)
        Values of each condition, without NaN.
    track_uncertainty : dict of str to float, optional
        Half-width of the interval of a typical track.
    medians : dict of str to (median, lower, upper), optional
        With its interval; from order statistics of independent tracks when left out.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.
    medians_ : DataFrame
        ``median``, ``lower``, ``upper`` and ``n_tracks`` of each condition.
    counts_ : dict of str to ndarray
        Tracks in each of the bins ``bin_edges_``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skandi.plot import AlphaDisplay
    >>> table = pd.DataFrame({"condition": list("aabbb"), "alpha": [0.5, 0.6, 1.1, 1.2, 1.0]})
    >>> AlphaDisplay.from_table(table).medians_["median"].tolist()
    [0.55, 1.1]
    """

    def __init__(
        self,
        alpha: dict[str, NDArray[np.float64]],
        *,
        track_uncertainty: dict[str, float] | None = None,
        medians: dict[str, tuple[float, float, float]] | None = None,
    ) -> None:
        self.alpha = alpha
        self.track_uncertainty = track_uncertainty
        self.medians = medians

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, *, condition: str = "condition", ax: Any = None
    ) -> AlphaDisplay:
        """Draw the α of a table of `analyse`, or of several, one condition each.

        Parameters
        ----------
        table : DataFrame
            Rows of `analyse`.
        condition : str
            Column of the condition; without it all tracks are one.
        ax : Axes, optional

        Returns
        -------
        AlphaDisplay

        Raises
        ------
        SkandiError
            If no track has an α, some of those that have one lack a condition, or there is no such
            column.
        """
        groups = _groups(table, condition)
        alpha = {name: rows["alpha"].to_numpy(np.float64) for name, rows in groups.items()}
        uncertainty = {}
        for name, rows in groups.items():
            if {"alpha_lower", "alpha_upper"} <= set(rows):
                width = (rows["alpha_upper"] - rows["alpha_lower"]).to_numpy(np.float64)
                if np.isfinite(width).any():
                    uncertainty[name] = float(np.nanmedian(width) / 2)
        medians = {name: grouped_median_interval(rows) for name, rows in groups.items()}
        return cls(alpha, track_uncertainty=uncertainty, medians=medians).plot(ax)

    def plot(self, ax: Any = None) -> AlphaDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        intervals = self.medians or {
            name: median_interval(values) for name, values in self.alpha.items()
        }
        self.medians_ = pd.DataFrame.from_dict(
            intervals, orient="index", columns=["median", "lower", "upper"]
        )
        self.medians_["n_tracks"] = [len(values) for values in self.alpha.values()]
        low, high = alpha_limits(np.concatenate(list(self.alpha.values())))
        first = np.floor(low / _BIN_WIDTH)
        self.bin_edges_ = _BIN_WIDTH * np.arange(first, np.ceil(high / _BIN_WIDTH) + 1)
        self.counts_ = {
            name: np.histogram(values, self.bin_edges_)[0] for name, values in self.alpha.items()
        }
        with drawing(ax, height=0.7) as ax:
            ax.axhline(1, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
            for place, name in enumerate(self.alpha):
                self._draw(ax, place, name)
            self._name_conditions(ax)
            ax.set_ylim(low, high)
            ax.set_ylabel("anomalous exponent α")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _name_conditions(self, ax: Any) -> None:
        """Names below their distributions: on several lines, or aslant where they are many."""
        ticks = range(len(self.alpha))
        room = characters(ax) // len(self.alpha) - 1
        if room >= _FEWEST_CHARACTERS:
            names = [f"{wrapped(k, room, 3)}\nn = {len(v)}" for k, v in self.alpha.items()]
            ax.set_xticks(ticks, names)
        else:
            names = [f"{wrapped(k, 20)} ({len(v)})" for k, v in self.alpha.items()]
            ax.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor")
        # room for "one track", however many conditions there are
        ax.set_xlim(-0.6 - 0.08 * len(self.alpha), len(self.alpha) - 0.4)

    def _draw(self, ax: Any, place: int, name: str) -> None:
        counts = self.counts_[name] / max(self.counts_[name].max(), 1) * 0.38
        wide = np.repeat(counts, 2)
        edges = np.repeat(self.bin_edges_, 2)[1:-1]
        ax.fill_betweenx(edges, place - wide, place + wide, color=ACCENT, alpha=0.35, linewidth=0)
        median, lower, upper, _ = self.medians_.loc[name]
        ax.plot([place, place], [lower, upper], color="black", linewidth=2.2)
        ax.plot(place, median, "o", color="white", markeredgecolor="black", markersize=4)
        half = (self.track_uncertainty or {}).get(name)
        if half is not None:
            ax.errorbar(
                place - 0.46, median, yerr=half, color=MUTED, linewidth=0.8, capsize=2, capthick=0.8
            )
            if place == 0:
                ax.text(
                    place - 0.5, median, "one track", color=MUTED, fontsize=6.5, rotation=90,
                    ha="right", va="center", bbox={"facecolor": "white", "linewidth": 0, "pad": 1},
                )  # fmt: skip


class CompositionDisplay:
    """Share of tracks that each model describes best, one bar per condition.

    Parameters
    ----------
    shares : DataFrame of shape (n_conditions, 5)
        Columns are the models, rows add up to 1.
    n_tracks : dict of str to int
        Tracks of each condition that have an answer.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skandi.plot import CompositionDisplay
    >>> table = pd.DataFrame({"alpha": [1.0, 1.0], "model": ["fbm", "lw"]})
    >>> CompositionDisplay.from_table(table).shares.loc["all tracks", "fbm"].item()
    0.5
    """

    def __init__(self, shares: pd.DataFrame, n_tracks: dict[str, int]) -> None:
        self.shares = shares
        self.n_tracks = n_tracks

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, *, condition: str = "condition", ax: Any = None
    ) -> CompositionDisplay:
        """Draw the models of a table of `analyse`, or of several, one condition each.

        Parameters
        ----------
        table : DataFrame
            Rows of `analyse`.
        condition : str
            Column of the condition; without it all tracks are one.
        ax : Axes, optional

        Returns
        -------
        CompositionDisplay

        Raises
        ------
        SkandiError
            If no track has an answer, some of those that have one lack a condition, there is no
            such column, or a model that is none of the five.
        """
        groups = _groups(table, condition, "model")
        for rows in groups.values():
            _require_models(rows["model"])
        shares = {name: model_shares(rows["model"]) for name, rows in groups.items()}
        display = cls(
            pd.DataFrame.from_dict(shares, orient="index", columns=list(MODELS)),
            {name: len(rows) for name, rows in groups.items()},
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> CompositionDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        names = list(self.shares.index)
        with drawing(ax, height=0.28 + 0.11 * len(names)) as ax:
            for row, name in enumerate(names):
                left = 0.0
                for model, share in self.shares.loc[name].items():
                    ax.barh(
                        row, share, left=left, height=0.7, color=MODEL_COLORS[str(model)],
                        edgecolor="white", linewidth=0.6,
                        label="_" if row else str(model).upper(),  # one legend for all rows
                    )  # fmt: skip
                    if share >= _LABELLED_SHARE:
                        ax.text(
                            left + share / 2, row, f"{share:.0%}", ha="center", va="center",
                            fontsize=6.5,
                        )  # fmt: skip
                    left += share
            labels = [f"{wrapped(name, 18, 2)}\nn = {self.n_tracks[name]}" for name in names]
            ax.set_yticks(range(len(names)), labels)
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.set_xlim(0, 1)
            ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
            ax.set_xlabel("share of tracks")
            ax.spines["left"].set_visible(False)
            ax.tick_params(axis="y", length=0)
            ax.legend(
                loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(MODELS),
                columnspacing=0.9, handlelength=0.9, borderaxespad=0.2,
            )  # fmt: skip
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _groups(table: pd.DataFrame, condition: str, *others: str) -> dict[str, pd.DataFrame]:
    """Rows with an answer by condition, in the order of the table."""
    require_columns(table, ("alpha", *others, *([condition] if condition != "condition" else [])))
    read = table[table["alpha"].notna()]
    require_all_named(read, condition)
    if read.empty:
        raise SkandiError("No track of the table has an α, so there is nothing to draw.")
    if condition not in read:
        return {"all tracks": read}
    names = read[condition].astype(str)
    return {name: read[names == name] for name in dict.fromkeys(names)}


def _require_models(models: pd.Series) -> None:
    strangers = sorted(set(models.dropna().astype(str)) - set(MODELS))
    if strangers:
        raise SkandiError(
            f"The table has the models {', '.join(strangers)}; each is one of {', '.join(MODELS)}."
        )
