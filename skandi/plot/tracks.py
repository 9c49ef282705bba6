"""Tracks where they were seen, in the colours of what was read from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.analyse import time_unit
from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.io import Tracks
from skandi.io.tracks import first_other
from skandi.plot.style import (
    ALPHA_LIMITS,
    ALPHA_MAP,
    MODEL_COLORS,
    MUTED,
    SCORE_MAP,
    drawing,
    require_columns,
    with_unit,
)

Color = Literal["alpha", "model", "novelty"]
Layout = Literal["field", "grid"]
_COLORS: tuple[str, ...] = get_args(Color)
_LAYOUTS: tuple[str, ...] = get_args(Layout)
_GRID_GAP = 1.15


class TracksDisplay:
    """Tracks as lines, coloured by α, by model or by novelty.

    Tracks without an answer are grey and lie below the others. Two-dimensional tracks are drawn in
    their plane, three-dimensional ones in projection along z, one-dimensional ones over time.

    Parameters
    ----------
    trajectories : list of ndarray of shape (T_i, d)
        Positions.
    values : ndarray of shape (n,)
        α or novelty of each, or the index of its model; NaN for no answer.
    color : {"alpha", "model", "novelty"}
        What the values are.
    own_scales : bool, default=False
        Whether each track has a scale of its own, so that the axes can have none.
    space_unit, time_unit : str, optional
        For the axes.
    frame_interval : float, optional
        In `time_unit`. Without it times are counted in frames.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.
    lines_ : LineCollection
        One line per track that has an answer.

    Examples
    --------
    >>> from skandi import analyse, read_tracks
    >>> from skandi.io import sample_tracks_path
    >>> from skandi.plot import TracksDisplay
    >>> tracks = read_tracks(sample_tracks_path())
    >>> display = TracksDisplay.from_table(tracks, analyse(tracks), layout="grid")
    >>> display.ax_.get_xlabel()
    'each track on its own scale'
    """

    def __init__(
        self,
        trajectories: Sequence[NDArray[np.float64]],
        values: NDArray[np.float64],
        *,
        color: Color = "alpha",
        own_scales: bool = False,
        space_unit: str | None = None,
        time_unit: str | None = None,
        frame_interval: float | None = None,
    ) -> None:
        self.trajectories = trajectories
        self.values = values
        self.color = color
        self.own_scales = own_scales
        self.space_unit = space_unit
        self.time_unit = time_unit
        self.frame_interval = frame_interval

    @classmethod
    def from_table(
        cls,
        tracks: Tracks,
        table: pd.DataFrame,
        *,
        color: Color = "alpha",
        layout: Layout = "field",
        ax: Any = None,
    ) -> TracksDisplay:
        """Draw tracks with what `analyse` said of them.

        Parameters
        ----------
        tracks : Tracks
            As given to `analyse`.
        table : DataFrame
            What it returned.
        color : {"alpha", "model", "novelty"}
            Which column decides the colour.
        layout : {"field", "grid"}
            As measured, or side by side with each track on a scale of its own, which suits tracks
            that all start at the origin. One-dimensional tracks are always drawn over time.
        ax : Axes, optional

        Returns
        -------
        TracksDisplay

        Raises
        ------
        SkandiError
            If the table is not that of the tracks, or has no novelty to show, or if `color` or
            `layout` is none of those there are.
        """
        for name, value, allowed in (("color", color, _COLORS), ("layout", layout, _LAYOUTS)):
            if value not in allowed:
                raise SkandiError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
        require_columns(table, [color])
        if len(table) != len(tracks):
            raise SkandiError(
                f"The table has {len(table)} rows and there are {len(tracks)} tracks: pass the "
                "table that analyse made of them."
            )
        other = None if "track_id" not in table else first_other(table["track_id"], tracks.ids)
        if other is not None:
            raise SkandiError(
                f"Row {other} of the table is of track {table['track_id'].iloc[other]}, and the "
                f"track in that place is {tracks.ids[other]}: pass the table that analyse made of "
                "these tracks, in its order."
            )
        if color == "model":
            codes = {model: float(k) for k, model in enumerate(MODELS)}
            values = table["model"].astype(object).map(codes).to_numpy(np.float64)
        else:
            values = table[color].to_numpy(np.float64)
        if color == "novelty" and not np.isfinite(values).any():
            raise SkandiError("No track of the table has a novelty, so there is nothing to show.")
        on_grid = layout == "grid" and tracks.n_dims > 1
        display = cls(
            _on_grid(tracks.trajectories) if on_grid else tracks.trajectories,
            values,
            color=color,
            own_scales=on_grid,
            space_unit=tracks.space_unit,
            time_unit=time_unit(tracks),
            frame_interval=tracks.frame_interval,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None, *, linewidth: float | None = None) -> TracksDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional
        linewidth : float, optional
            In points; thinner the more tracks there are when left out.

        Returns
        -------
        self
        """
        from matplotlib.collections import LineCollection

        width = linewidth or float(np.clip(3 / max(len(self.trajectories), 1) ** 0.3, 0.3, 1.0))
        lines = [self._drawn(x) for x in self.trajectories]
        known = np.isfinite(self.values)
        with drawing(ax, height=0.9) as ax:
            grey = [line for line, ok in zip(lines, known, strict=True) if not ok]
            rest = LineCollection(grey, colors=MUTED, linewidths=width, alpha=0.6, zorder=1)
            ax.add_collection(rest)
            self.lines_ = LineCollection(
                [line for line, ok in zip(lines, known, strict=True) if ok],
                linewidths=width,
                zorder=2,
            )
            ax.add_collection(self.lines_)
            # many lines are pictures of lines: a file of vectors would open slowly
            for collection in (rest, self.lines_):
                collection.set_rasterized(len(lines) > 200)
            self._paint(ax, self.values[known], bool(grey))
            ax.autoscale_view()
            self._label(ax)
            # Equal scales change the limits when the layout is known, and longer numbers at the
            # ticks then ask for another layout: without the first one, labels would be cut off.
            ax.figure.canvas.figure.draw_without_rendering()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _drawn(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        if x.shape[1] > 1:
            return x[:, :2]
        time = np.arange(len(x)) * (self.frame_interval or 1.0)
        return np.column_stack([time, x[:, 0]])

    def _paint(self, ax: Any, values: NDArray[np.float64], has_grey: bool) -> None:
        from matplotlib.lines import Line2D

        handles = []
        if self.color == "model":
            self.lines_.set_colors([MODEL_COLORS[MODELS[int(k)]] for k in values])
            handles = [
                Line2D([], [], color=MODEL_COLORS[model], label=model.upper())
                for k, model in enumerate(MODELS)
                if (values == k).any()
            ]
        else:
            self.lines_.set_array(values)
            self.lines_.set_cmap(ALPHA_MAP if self.color == "alpha" else SCORE_MAP)
            if self.color == "alpha":
                self.lines_.set_clim(*ALPHA_LIMITS)
            label = "anomalous exponent α" if self.color == "alpha" else "novelty"
            ax.figure.colorbar(self.lines_, ax=ax, label=label, fraction=0.05, pad=0.02)
        if has_grey:
            handles.append(Line2D([], [], color=MUTED, alpha=0.6, label="no answer"))
        if handles:
            ax.legend(
                handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(handles),
                columnspacing=1.0, borderaxespad=0.2,
            )  # fmt: skip

    def _label(self, ax: Any) -> None:
        if self.trajectories and self.trajectories[0].shape[1] == 1:
            timed = self.frame_interval is not None
            otherwise = "unit of the frame interval" if timed else "frames"
            ax.set_xlabel(with_unit("time", self.time_unit, otherwise))
            ax.set_ylabel(with_unit("x", self.space_unit, "unit of the input"))
            return
        ax.set_aspect("equal", adjustable="datalim")
        if self.own_scales:
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            ax.set_xlabel("each track on its own scale")
            return
        x = with_unit("x", self.space_unit, "unit of the input")
        is_3d = bool(self.trajectories) and self.trajectories[0].shape[1] == 3
        ax.set_xlabel(f"{x}, seen along z" if is_3d else x)
        ax.set_ylabel(with_unit("y", self.space_unit, "unit of the input"))


def _on_grid(trajectories: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Tracks side by side, each in a cell of its own and as large as the cell."""
    columns = int(np.ceil(np.sqrt(len(trajectories))))
    placed = []
    for k, x in enumerate(trajectories):
        row, column = divmod(k, columns)
        low, high = x[:, :2].min(axis=0), x[:, :2].max(axis=0)
        size = float((high - low).max()) or 1.0
        placed.append((x[:, :2] - (low + high) / 2) / (size * _GRID_GAP) + [column, -row])
    return placed
