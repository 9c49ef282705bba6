"""What the page's script needs, small enough for tens of thousands of tracks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.analyse import time_unit
from skandi.diffusion import MODELS
from skandi.io import Tracks

# Points drawn of one track, and of all together: what a browser draws and loads at once.
_POINTS_OF_ONE = 1_000
_POINTS_OF_ALL = 3_000_000
_LEVELS = 65_535

_COLUMNS = {
    "condition": "condition",
    "file": "file",
    "space_unit": "unit of length",
    "time_unit": "unit of time",
    "track_id": "track",
    "n_points": "points",
    "duration": "duration",
    "alpha": "α",
    "alpha_lower": "α lower",
    "alpha_upper": "α upper",
    "expected_error": "expected error",
    "model": "model",
    "p_model": "p(model)",
    "novelty": "novelty",
    "is_novel": "novel",
    "D_alpha": "D_α",
    "note": "note",
}
# Digits behind the point that a person reads; what sorts and filters has four significant ones.
_DIGITS = {"alpha": 2, "alpha_lower": 2, "alpha_upper": 2, "expected_error": 2, "p_model": 2}
_TEXT = frozenset(
    {"condition", "file", "space_unit", "time_unit", "track_id", "model", "note", "is_novel"}
)
_ALWAYS = frozenset({"track_id", "n_points", "alpha", "model", "p_model", "note"})


def table_data(table: pd.DataFrame) -> dict[str, Any]:
    """The columns that have anything in them, as lists; missing numbers are None.

    Examples
    --------
    >>> table = pd.DataFrame({"track_id": ["a"], "n_points": [9], "alpha": [np.nan]})
    >>> table_data(table.assign(model=None, note="too short"))["columns"][2]
    {'name': 'alpha', 'title': 'α', 'text': False, 'digits': 2, 'values': [None]}
    """
    probability = table.reindex(columns=[f"p_{model}" for model in MODELS]).to_numpy(np.float64)
    best = np.where(np.isnan(probability), -np.inf, probability).max(axis=1)
    shown = table.assign(p_model=np.where(np.isfinite(best), best, np.nan))
    columns = []
    for name, title in _COLUMNS.items():
        if name not in shown or (name not in _ALWAYS and shown[name].isna().all()):
            continue
        values = _texts(name, shown[name]) if name in _TEXT else _numbers(shown[name])
        unit = _unit(name, table)
        title = f"{title} ({unit})" if unit else title
        kind = {"text": name in _TEXT, "digits": _DIGITS.get(name)}
        columns.append({"name": name, "title": title, **kind, "values": values})
    return {"columns": columns, "n_rows": len(table)}


def track_data(sets: Sequence[Tracks]) -> dict[str, Any]:
    """Positions as 16-bit numbers within the box of each track, and which points were kept."""
    n_tracks = sum(map(len, sets))
    at_most = max(20, min(_POINTS_OF_ONE, _POINTS_OF_ALL // max(n_tracks, 1)))
    drawn = [
        {**_packed(x, at_most), "set": k}
        for k, tracks in enumerate(sets)
        for x in tracks.trajectories
    ]
    units = [
        {
            "space": tracks.space_unit,
            "time": time_unit(tracks),
            "interval": tracks.frame_interval or 1.0,
        }
        for tracks in sets
    ]
    return {"tracks": drawn, "sets": units}


def _packed(x: NDArray[np.float64], at_most: int) -> dict[str, Any]:
    every = int(np.ceil(len(x) / at_most))
    kept = x[::every]
    low = kept.min(axis=0)
    size = kept.max(axis=0) / 2 - low / 2  # halves: the difference of two numbers stays finite
    scaled = (kept / 2 - low / 2) / np.where(size > 0, size, 1.0)
    levels = np.round(scaled * _LEVELS).astype("<u2")
    return {
        "every": every,
        "low": low.tolist(),
        "half": size.tolist(),
        "points": base64.b64encode(levels.tobytes()).decode("ascii"),
    }


def _unit(name: str, table: pd.DataFrame) -> str:
    """The unit of a whole column; empty for none, or where each row has its own beside it."""
    if name == "duration" and "time_unit" not in table:
        return str(table.attrs.get("time_unit", ""))
    about = str(table.attrs.get("D_alpha", ""))
    if name == "D_alpha" and "space_unit" not in table and about.startswith("in "):
        return about.removeprefix("in ").partition(", from ")[0]
    return ""


def _texts(name: str, column: pd.Series) -> list[str]:
    shown = ["" if missing else str(v) for v, missing in zip(column, column.isna(), strict=True)]
    if name == "model":  # as in the pictures
        return [model.upper() for model in shown]
    if name == "is_novel":
        return [{"True": "yes", "False": ""}.get(flag, flag) for flag in shown]
    return shown


def _numbers(column: pd.Series) -> list[float | int | None]:
    if pd.api.types.is_integer_dtype(column):
        return [int(v) for v in column]
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in column.to_numpy(np.float64)]
