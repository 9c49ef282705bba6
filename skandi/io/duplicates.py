"""Two rows for one frame of a track: a row that is there twice, or two tracks under one number."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations

DuplicatePolicy = Literal["error", "first", "mean"]
DUPLICATE_POLICIES: tuple[str, ...] = get_args(DuplicatePolicy)


def settle_duplicates(table: Localisations, duplicates: DuplicatePolicy) -> None:
    """Leave one row per track and frame, for rows sorted by track and frame.

    A row that repeats another to the last bit says nothing new and is dropped under every policy.

    Raises
    ------
    TracksFileError
        If rows for the same frame differ and `duplicates` is ``"error"``.
    """
    same = _same_as_before(table)
    if not same.any():
        return
    repeated = same.copy()
    repeated[1:] &= (table.positions[1:] == table.positions[:-1]).all(axis=1)
    if repeated.any():
        n_tracks, n_rows = len(np.unique(table.track[repeated])), np.count_nonzero(repeated)
        table.keep(~repeated)
        table.note("rows_repeated", n_tracks=n_tracks, n_rows=n_rows)
        same = _same_as_before(table)
    if same.any():
        _settle_differing(table, same, duplicates)


def _same_as_before(table: Localisations) -> np.ndarray:
    """Whether each row has the track and the frame of the row before it."""
    same = np.zeros(len(table.track), dtype=bool)
    same[1:] = (np.diff(table.time) == 0) & (np.diff(table.track) == 0)
    return same


def _settle_differing(table: Localisations, same: np.ndarray, duplicates: DuplicatePolicy) -> None:
    n_tracks, n_rows = len(np.unique(table.track[same])), np.count_nonzero(same)
    if duplicates == "error":
        row = np.flatnonzero(same)[0]
        raise TracksFileError(
            f"{table.source}: track {table.names[table.track[row]]} has two rows for frame "
            f"{table.time[row]:g}, and {n_rows} such pairs are in {n_tracks} tracks. A particle is "
            "at one place at a time: give the column that tells the tracks apart (for example "
            "'group'), or use duplicates='first' or duplicates='mean'."
            f"{' ' if table.advice else ''}{table.advice}"
        )
    if duplicates == "mean":
        starts = np.flatnonzero(~same)
        n_alike = np.diff(np.append(starts, len(same)))
        # divided before they are summed: the sum of two finite positions may not be finite
        shares = table.positions / np.repeat(n_alike, n_alike)[:, np.newaxis]
        means = np.add.reduceat(shares, starts, axis=0)
    table.keep(~same)
    if duplicates == "mean":
        table.positions = means
    table.note(f"duplicates_{duplicates}", n_tracks=n_tracks, n_rows=n_rows)
