"""One row per localisation: what the reader of a format finds, before anything is done to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skandi.io.tracks import Integer, ReadStep, step_message


@dataclass
class Localisations:
    """One row per localisation, in whatever order the file had.

    Attributes
    ----------
    source, format : str
        What messages and the report call the file, and its format.
    track : ndarray of shape (n,), int64
        Index into `names`; -1 where the localisation belongs to no track.
    names : list of str
        The tracks.
    time : ndarray of shape (n,), float64
        Frame number or time; NaN where it is missing.
    positions : ndarray of shape (n, d), float64
        NaN where a coordinate is missing.
    axes : tuple of str
        Names of the d axes.
    is_frame : bool
        Whether `time` counts frames (so that a fraction is an error) or may be a time.
    clock : ndarray of shape (n,), float64, or None
        Time of each row, where the table has it besides the frame.
    frame_interval, time_unit, space_unit
        What the file says about them, None where it is silent.
    links : ndarray of shape (m, 2), int64, or None
        Rows that follow each other in a track, where the file says so: a track may then branch.
    track_notes : dict
        What was done to one track, by name.
    advice : str
        A sentence on two rows for one frame that is true of this format only.
    n_rows, n_tracks : int
        What the file holds; what is in the table, unless a reader left some out.
    """

    source: str
    format: str
    track: NDArray[np.int64]
    names: list[str]
    time: NDArray[np.float64]
    positions: NDArray[np.float64]
    axes: tuple[str, ...]
    is_frame: bool = True
    clock: NDArray[np.float64] | None = None
    frame_interval: float | None = None
    time_unit: str | None = None
    space_unit: str | None = None
    links: NDArray[np.int64] | None = None
    track_notes: dict[str, str] = field(default_factory=dict)
    advice: str = ""
    n_rows: int = -1
    n_tracks: int = -1
    steps: list[ReadStep] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.n_rows = len(self.track) if self.n_rows < 0 else self.n_rows
        self.n_tracks = len(self.names) if self.n_tracks < 0 else self.n_tracks

    def keep(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> None:
        """Keep some rows, or put all in a new order."""
        self.track = self.track[rows]
        self.time = self.time[rows]
        self.positions = self.positions[rows]
        if self.clock is not None:
            self.clock = self.clock[rows]

    def keep_axes(self, axes: list[int]) -> None:
        """Keep some of the axes."""
        self.positions = self.positions[:, axes]
        self.axes = tuple(self.axes[axis] for axis in axes)

    def note(
        self, name: str, message: str = "", n_tracks: Integer = 0, n_rows: Integer = 0
    ) -> None:
        """Add a line to the report; of a step of `STEP_MESSAGES` the message is known."""
        n_tracks, n_rows = int(n_tracks), int(n_rows)
        message = message or step_message(name, n_tracks, n_rows)
        self.steps.append(ReadStep(name, message, n_tracks=n_tracks, n_rows=n_rows))

    def starts(self) -> NDArray[np.int64]:
        """Row at which each track starts, once the rows are sorted by track."""
        begins = np.ones(len(self.track), dtype=bool)
        begins[1:] = np.diff(self.track) != 0
        return np.flatnonzero(begins)
