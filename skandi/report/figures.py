"""The pictures of the page, as images inside it."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TrajectoryError
from skandi.io import Tracks
from skandi.plot import AlphaDisplay, CompositionDisplay, MSDDisplay, TracksDisplay
from skandi.plot.style import new_axes

_TRACKS_DRAWN = 2_000
_SETS_DRAWN = 6


def draw_figures(table: pd.DataFrame, sets: Sequence[Tracks]) -> list[dict[str, str]]:
    """Source, caption and name of each picture that can be drawn of these tracks."""
    figures: list[dict[str, str]] = []

    def add(name: str, caption: str, height: float, draw: Callable[[Any], Any]) -> None:
        ax = new_axes(height)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a name in emoji
            draw(ax)
            source = _as_source(ax.figure)
        figures.append({"name": name, "caption": caption, "source": source})

    together = list(_with_rows(table, sets))
    if table["alpha"].notna().any():
        n_conditions = table["condition"].nunique() if "condition" in table else 1
        add(
            "alpha",
            "Distribution of α. Dot and bar: median with its 95 % interval, over files where there "
            "are several, else over tracks. Thin bar: "
            "how uncertain the α of one track is. Dashed: normal diffusion.",
            0.75,
            lambda ax: AlphaDisplay.from_table(table, ax=ax),
        )
        colours = " Colours as in the picture of tracks." if len(together) == 1 else ""
        add(
            "models",
            f"Share of tracks that each model describes best.{colours}",
            0.28 + 0.11 * n_conditions,
            lambda ax: CompositionDisplay.from_table(table, ax=ax),
        )
    for tracks, rows in together[:_SETS_DRAWN]:
        _draw_tracks(add, tracks, rows, several=len(together) > 1)
    if len(together) > _SETS_DRAWN:
        left = f" Of {len(together)} files the first {_SETS_DRAWN} are drawn."
        figures[-1]["caption"] += left
    pools = _alike(together)
    for name, pool in pools.items():
        _draw_msd(add, pool, f"{name}: " if max(len(together), len(pools)) > 1 else "")
    return figures


def _with_rows(
    table: pd.DataFrame, sets: Sequence[Tracks]
) -> Iterator[tuple[Tracks, pd.DataFrame]]:
    """Each set that holds tracks, with its rows of the table."""
    first = 0
    for tracks in sets:
        if len(tracks):
            yield tracks, table.iloc[first : first + len(tracks)]
        first += len(tracks)


def _draw_tracks(
    add: Callable[..., None], tracks: Tracks, rows: pd.DataFrame, *, several: bool
) -> None:
    """Tracks where they were seen: by α, by model where there is one file, by novelty if known."""
    name = f"{rows['file'].iloc[0]}: " if several and "file" in rows else ""
    tracks, every, part = _thinned(tracks)
    rows = rows.iloc[::every]
    layout: Literal["field", "grid"] = (
        "grid" if _start_at_origin(tracks) and len(tracks) <= 200 else "field"
    )
    colors = {"alpha": "α"} if several else {"alpha": "α", "model": "model"}
    if rows["novelty"].notna().any():
        colors["novelty"] = "novelty"
    for color, what in colors.items():
        add(
            f"tracks {color}",
            f"{name}Tracks by {what}.{part}",
            0.9,
            lambda ax, c=color: TracksDisplay.from_table(
                tracks, rows, color=c, layout=layout, ax=ax
            ),
        )


def _alike(together: Sequence[tuple[Tracks, pd.DataFrame]]) -> dict[str, Tracks]:
    """Tracks of one condition and of the same dimensions and units: their MSD can be pooled."""
    pooled: dict[tuple, list[NDArray[np.float64]]] = {}
    for tracks, rows in together:
        conditions = rows["condition"] if "condition" in rows else ["all tracks"] * len(tracks)
        units = (tracks.frame_interval, tracks.time_unit, tracks.space_unit)
        for condition, x in zip(conditions, tracks.trajectories, strict=True):
            pooled.setdefault((str(condition), tracks.n_dims, *units), []).append(x)
    named: dict[str, Tracks] = {}
    for (condition, _, interval, time, space), trajectories in pooled.items():
        n_before = sum(key[0] == condition for key in list(pooled)[: len(named)])
        name = f"{condition} ({n_before + 1})" if n_before else condition
        named[name] = Tracks.from_trajectories(
            trajectories, frame_interval=interval, time_unit=time, space_unit=space
        )
    return named


def _draw_msd(add: Callable[..., None], tracks: Tracks, name: str) -> None:
    shown, _, part = _thinned(tracks)
    try:
        add(
            "msd",
            f"{name}Time-averaged mean squared displacement, and a fit of the generalised law to "
            f"the mean over tracks: a check that needs no network.{part}",
            0.85,
            lambda ax: MSDDisplay.from_tracks(shown, ax=ax),
        )
    except TrajectoryError:
        return  # too short, or nothing moves: the table says so track by track


def _thinned(tracks: Tracks) -> tuple[Tracks, int, str]:
    """As many tracks as are drawn, every how many these are, and a sentence if not all."""
    n = -(-len(tracks) // _TRACKS_DRAWN)
    if n == 1:
        return tracks, 1, ""
    part = tracks.select(np.arange(0, len(tracks), n))
    return part, n, f" {len(part)} of {len(tracks)} tracks."


def _start_at_origin(tracks: Tracks) -> bool:
    """Whether positions are relative to each track's start, so that a field would be a tangle."""
    return all(not x[0].any() for x in tracks.trajectories)


def _as_source(figure: Any) -> str:
    # An image in a data address runs no script and loads nothing, whatever is written in it.
    file = io.BytesIO()
    figure.savefig(file, format="svg", dpi=200, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
