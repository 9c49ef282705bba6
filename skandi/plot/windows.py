"""α and the models along one long track."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.plot.style import (
    ACCENT,
    MODEL_COLORS,
    MUTED,
    alpha_limits,
    drawing,
    require_columns,
    with_unit,
)

_NEEDED = (
    *("start", "stop", "time", "alpha", "alpha_lower", "alpha_upper", "novelty"),
    *(f"p_{model}" for model in MODELS),
)


class WindowsDisplay:
    """α(t), the probability of each model and, where it is known, novelty(t) along one track.

    The bar above the upper axes is one window long: nothing shorter can be told apart.

    Parameters
    ----------
    table : DataFrame
        What `analyse_windows` returned.

    Attributes
    ----------
    axes_ : list of two or three Axes
        Of the last ``plot``: α, probabilities, and novelty if the table has it.
    ax_, figure_ : Axes, Figure
        The upper axes and their figure.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi import analyse_windows
    >>> from skandi.plot import WindowsDisplay
    >>> walk = np.random.default_rng(0).normal(size=(120, 2)).cumsum(axis=0)
    >>> display = WindowsDisplay.from_table(analyse_windows(walk, window=60, step=30))
    >>> display.axes_[-1].get_xlabel()
    'middle of the window (frames)'
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_table(cls, table: pd.DataFrame, *, axes: Any = None) -> WindowsDisplay:
        """Draw a table of `analyse_windows`.

        Parameters
        ----------
        table : DataFrame
        axes : sequence of Axes, optional
            Two, or three if the table has novelty.

        Returns
        -------
        WindowsDisplay

        Raises
        ------
        SkandiError
            If columns are missing, or the table has no row.
        """
        return cls(table).plot(axes)

    def plot(self, axes: Any = None) -> WindowsDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        axes : sequence of Axes, optional
            Two, or three if the table has novelty.

        Returns
        -------
        self

        Raises
        ------
        SkandiError
            If columns are missing, or the table has no row.
        """
        require_columns(self.table, _NEEDED, maker="analyse_windows")
        if self.table.empty:
            raise SkandiError(
                "The table has no row: a picture along a track needs one window or more. Pass the "
                "table that analyse_windows returned."
            )
        table, time = self.table, self.table["time"].to_numpy(np.float64)
        has_novelty = bool(table["novelty"].notna().any())
        with drawing(axes, height=0.95 + 0.4 * has_novelty, rows=2 + has_novelty) as axes:
            upper, lower = axes[:2]
            if table["alpha_lower"].notna().any():
                ends = table[["alpha_lower", "alpha_upper"]].to_numpy(np.float64).T
                upper.fill_between(time, *ends, color=ACCENT, alpha=0.2, linewidth=0)
            upper.axhline(1, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
            upper.plot(time, table["alpha"], color=ACCENT, marker=".", markersize=3)
            upper.set_ylim(*alpha_limits(table["alpha"].to_numpy(np.float64)))
            upper.set_ylabel("α")
            self._draw_window(upper, time)
            # a classifier may know some of the models only
            models = [m for m in MODELS if table[f"p_{m}"].notna().any()] or list(MODELS)
            lower.stackplot(
                time, *(table[f"p_{m}"].to_numpy(np.float64) for m in models),
                colors=[MODEL_COLORS[m] for m in models],
                labels=[m.upper() for m in models], linewidth=0,
            )  # fmt: skip
            lower.set_ylim(0, 1)
            for each in axes:
                each.set_xlim(time[0], time[-1] if len(time) > 1 else time[0] + 1)
            lower.set_ylabel("probability")
            if has_novelty:
                axes[2].plot(time, table["novelty"], color=ACCENT, marker=".", markersize=3)
                axes[2].set_ylabel("novelty")
            axes[-1].set_xlabel(with_unit("middle of the window", *self._time_unit()))
            lower.legend(
                loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(MODELS),
                columnspacing=0.9, handlelength=0.9, borderaxespad=0.2,
            )  # fmt: skip
        self.axes_ = list(axes)
        self.ax_, self.figure_ = upper, upper.figure
        return self

    def _time_unit(self) -> tuple[str | None, str]:
        """Unit of the times, and what to say without; files other than Parquet lose it."""
        unit = self.table.attrs.get("time_unit")
        middle = (self.table["start"] + self.table["stop"] - 1) / 2
        in_frames = np.allclose(self.table["time"], middle)
        return unit, "frames" if in_frames else "unit of the column time"

    def _draw_window(self, ax: Any, time: np.ndarray) -> None:
        if len(time) < 2:
            return
        per_point = (time[1] - time[0]) / (
            self.table["start"].iloc[1] - self.table["start"].iloc[0]
        )
        window = (self.table["stop"].iloc[0] - self.table["start"].iloc[0]) * per_point
        if window < time[-1] - time[0]:
            above = ax.get_xaxis_transform()  # x in time, y in heights of the axes
            ax.plot(
                [time[0], time[0] + window], [1.04, 1.04], color="black", linewidth=1.5,
                transform=above, clip_on=False, solid_capstyle="butt",
            )  # fmt: skip
            ax.annotate(
                "one window", (time[0] + window, 1.04), (3, 0), xycoords=above,
                textcoords="offset points", va="center", fontsize=6.5, annotation_clip=False,
            )  # fmt: skip
