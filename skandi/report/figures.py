"""The pictures of the page, as images inside it."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd

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

    if table["alpha"].notna().any():
        n_conditions = table["condition"].nunique() if "condition" in table else 1
        add(
            "alpha",
            "Distribution of α. Dot and bar: median over tracks with its 95 % interval. "
            "Dashed: normal diffusion.",
            0.75,
            lambda ax: AlphaDisplay.from_table(table, ax=ax),
        )
        add(
            "models",
            "Share of tracks that each model describes best. Colours as in the picture of tracks.",
            0.28 + 0.11 * n_conditions,
            lambda ax: CompositionDisplay.from_table(table, ax=ax),
        )
    first = 0
    for k, tracks in enumerate(sets):
        rows = table.iloc[first : first + len(tracks)]
        first += len(tracks)
        if not len(tracks) or k >= _SETS_DRAWN:
            continue
        name = rows["file"].iloc[0] if "file" in rows and len(sets) > 1 else ""
        _add_set(add, f"{name}: " if name else "", rows, tracks)
    return figures


def _add_set(add: Callable[..., None], name: str, rows: pd.DataFrame, tracks: Tracks) -> None:
    shown, part = tracks, ""
    if len(tracks) > _TRACKS_DRAWN:
        shown, rows = _every_nth(tracks, rows, -(-len(tracks) // _TRACKS_DRAWN))
        part = f" {len(shown)} of {len(tracks)} tracks."
    layout: Literal["field", "grid"] = (
        "grid" if _start_at_origin(shown) and len(shown) <= 200 else "field"
    )
    for color, what in (("alpha", "α"), ("model", "model")):
        add(
            f"tracks {color}",
            f"{name}Tracks by {what}.{part}",
            0.9,
            lambda ax, c=color: TracksDisplay.from_table(
                shown, rows, color=c, layout=layout, ax=ax
            ),
        )
    try:
        add(
            "msd",
            f"{name}Time-averaged mean squared displacement, and a fit of the generalised law to "
            "the mean over tracks: a check that needs no network.",
            0.8,
            lambda ax: MSDDisplay.from_tracks(shown, ax=ax),
        )
    except TrajectoryError:
        return  # too short, or nothing moves: the table says so track by track


def _every_nth(tracks: Tracks, rows: pd.DataFrame, n: int) -> tuple[Tracks, pd.DataFrame]:
    part = Tracks(
        tracks.trajectories[::n],
        tracks.ids[::n],
        tracks.first_frames[::n],
        tracks.notes[::n],
        tracks.frame_interval,
        tracks.time_unit,
        tracks.space_unit,
    )
    return part, rows.iloc[::n]


def _start_at_origin(tracks: Tracks) -> bool:
    """Whether positions are relative to each track's start, so that a field would be a tangle."""
    return all(not x[0].any() for x in tracks.trajectories)


def _as_source(figure: Any) -> str:
    # An image in a data address runs no script and loads nothing, whatever is written in it.
    file = io.BytesIO()
    figure.savefig(file, format="svg", dpi=200, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
