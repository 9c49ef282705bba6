"""One long track in overlapping windows: how α and the model change along it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from skandi.analyse import analyse, as_tracks
from skandi.errors import TrajectoryError
from skandi.io import Tracks
from skandi.io.tables import is_table
from skandi.io.tracks import filled_note


def analyse_windows(
    track: Any,
    window: int = 100,
    step: int = 10,
    *,
    alpha_model: Any = None,
    model_classifier: Any = None,
    false_alarm: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Anomalous exponent and diffusion model along one track, window after window.

    Each window is read as a track of its own. A change within the track appears spread over one
    window's length; shorter windows place it better and know α less well. Neighbouring windows
    share points, so their answers are not independent.

    Parameters
    ----------
    track : ndarray of shape (T, d), path, table, or Tracks with one trajectory
        Positions at regular times; a path or a table is for `read_tracks`.
    window : int, default=100
        Points in a window; pretrained models need 10.
    step : int, default=10
        Points from the start of one window to the start of the next. Points after the last whole
        window are not read.
    alpha_model, model_classifier, false_alarm, progress
        As in `analyse`.

    Returns
    -------
    DataFrame
        One row per window, with ``start`` and ``stop`` (points, `stop` excluded), ``time`` (middle
        of the window from the beginning of the track, in ``attrs["time_unit"]``: frames where the
        frame interval is unknown), then the columns of `analyse` from ``n_points`` on.

    Raises
    ------
    TrajectoryError
        If `track` is not one trajectory, or `window` or `step` do not suit it.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi import analyse_windows
    >>> walk = np.random.default_rng(0).normal(size=(120, 2)).cumsum(axis=0)
    >>> along = analyse_windows(walk, window=60, step=30)
    >>> along[["start", "stop", "time"]].to_numpy().tolist()
    [[0.0, 60.0, 29.5], [30.0, 90.0, 59.5], [60.0, 120.0, 89.5]]
    """
    for name, value in (("window", window), ("step", step)):
        if not isinstance(value, Integral):
            raise TrajectoryError(f"{name} is {value!r}; a whole number of points is needed.")
    is_one = not isinstance(track, Tracks | str | os.PathLike) and not is_table(track)
    whole = Tracks.from_trajectories([track]) if is_one else as_tracks(track)
    if len(whole) != 1:
        raise TrajectoryError(
            f"analyse_windows reads one track, and {len(whole)} came. Pass one of them, for "
            "example tracks.select([0]); a track split at gaps has one per piece."
        )
    (x,) = whole.trajectories
    if not 2 <= window <= len(x):
        raise TrajectoryError(
            f"window is {window}; it must be from 2 to the {len(x)} points of the track."
        )
    if step < 1:
        raise TrajectoryError(f"step is {step}; it must be 1 or more points.")
    starts = range(0, len(x) - window + 1, step)
    windows = replace(
        whole,
        trajectories=[x[start : start + window] for start in starts],
        ids=[str(start) for start in starts],
        first_frames=[whole.first_frames[0] + start for start in starts],
        notes=[_note(whole, start, start + window) for start in starts],
        filled=None,
    )
    table = analyse(
        windows,
        alpha_model=alpha_model,
        model_classifier=model_classifier,
        false_alarm=false_alarm,
        progress=progress,
    ).drop(columns="track_id")
    per_frame = whole.frame_interval or 1.0
    table.insert(0, "start", list(starts))
    table.insert(1, "stop", [start + window for start in starts])
    table.insert(2, "time", [(start + (window - 1) / 2) * per_frame for start in starts])
    return table


def _note(whole: Tracks, start: int, stop: int) -> str:
    """What a window's note says of its own interpolated points, and of the whole track."""
    (told,), own = whole.notes, ""
    if whole.filled is not None:
        (points,) = whole.filled
        own = filled_note(np.count_nonzero((points >= start) & (points < stop)))
        told = "; ".join(part for part in told.split("; ") if part != filled_note(len(points)))
    return "; ".join(filter(None, (own, f"of the whole track: {told}" if told else "")))
