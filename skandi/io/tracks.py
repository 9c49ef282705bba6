"""What a reader returns: trajectories with their names, units, and what was done to get them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skandi.errors import TrajectoryError
from skandi.trajectories import as_trajectories

Integer: TypeAlias = int | np.integer


def counted(n: Integer, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "track"), counted(3, "track")
    ('1 track', '3 tracks')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def filled_note(n: Integer) -> str:
    """What the note of a track says of n frames that were missing; nothing for none.

    Examples
    --------
    >>> filled_note(2), filled_note(0)
    ('2 missing frames interpolated', '')
    """
    return f"{counted(n, 'missing frame')} interpolated" if n else ""


STEP_MESSAGES = {
    "rows_missing": "{rows} in {tracks} without a frame or a finite position taken as missing "
    "frames",
    "tracks_empty": "{tracks} left out: no frame with a position on every axis",
    "rows_repeated": "{rows} in {tracks} dropped: exact repetitions",
    "duplicates_first": "{rows} in {tracks} dropped: the first of their frame is kept",
    "duplicates_mean": "{rows} in {tracks} averaged with the others of their frame",
}
"""Of steps whose message holds nothing but the two numbers, so that parts can be summed."""


def step_message(name: str, n_tracks: int, n_rows: int) -> str:
    """The message of a step of `STEP_MESSAGES`.

    Examples
    --------
    >>> step_message("tracks_empty", 2, 0)
    '2 tracks left out: no frame with a position on every axis'
    """
    return STEP_MESSAGES[name].format(
        tracks=counted(n_tracks, "track"), rows=counted(n_rows, "row")
    )


def first_other(names: Iterable[Any], ids: Sequence[str]) -> int | None:
    """Place of the first name in a table of results that is not the id in its place, or None.

    Read from a file again, an id may have an apostrophe in front, or be a number: 7 for 007.

    Examples
    --------
    >>> first_other(["a", "'=b", "c"], ["a", "=b", "d"]), first_other([7, 9], ["007", "008"])
    (2, 1)
    """
    for place, (name, known) in enumerate(zip(names, ids, strict=True)):
        if str(name) not in (known, f"'{known}") and not _same_number(name, known):
            return place
    return None


def _same_number(name: Any, known: str) -> bool:
    try:
        return isinstance(name, Real) and float(known) == name
    except ValueError:
        return False


@dataclass(frozen=True)
class ReadStep:
    """One thing a reader did between the file and the trajectories.

    Attributes
    ----------
    name : str
        What kind of step, for programs: ``"gaps_split"``, ``"rows_missing"``, …
    message : str
        The same for people, with the numbers.
    n_tracks, n_rows : int
        How many tracks and how many rows it touched.

    Examples
    --------
    >>> from skandi.io import read_tracks
    >>> table = {"track": [7, 7, 7, 7], "frame": [0, 1, 4, 5], "x": [0.0, 0.3, 0.1, 0.2]}
    >>> [(step.name, step.n_tracks) for step in read_tracks(pd.DataFrame(table)).report.steps]
    [('gaps_split', 1)]
    """

    name: str
    message: str
    n_tracks: int = 0
    n_rows: int = 0


@dataclass(frozen=True)
class ReadReport:
    """What was read, and what was done to it. ``str(report)`` is for people.

    Attributes
    ----------
    source : str
        The file, or ``"table"`` for a DataFrame.
    format : str
        Name of the format it was read as.
    n_rows, n_tracks : int
        Localisations and tracks in the source, before anything was done.
    n_trajectories : int
        Trajectories handed over.
    steps : tuple of ReadStep
        In the order they were taken; empty when the source was taken as it is.

    Examples
    --------
    >>> from skandi.io import read_tracks, sample_tracks_path
    >>> report = read_tracks(sample_tracks_path()).report
    >>> report.format, report.n_tracks <= report.n_trajectories
    ('tidy', True)
    """

    source: str
    format: str
    n_rows: int
    n_tracks: int
    n_trajectories: int
    steps: tuple[ReadStep, ...] = ()

    def __str__(self) -> str:
        head = (
            f"{self.source} ({self.format}): {counted(self.n_rows, 'row')}, "
            f"{counted(self.n_tracks, 'track')}"
        )
        if self.n_trajectories > self.n_tracks:
            head += f", read as {self.n_trajectories} pieces"
        elif self.n_trajectories < self.n_tracks:
            head += f", {self.n_trajectories} read"
        return "\n".join([head, *(f"  {step.message}" for step in self.steps)])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain numbers and strings, ready for JSON."""
        return {
            "source": self.source,
            "format": self.format,
            "n_rows": self.n_rows,
            "n_tracks": self.n_tracks,
            "n_trajectories": self.n_trajectories,
            "steps": [vars(step).copy() for step in self.steps],
        }


@dataclass(frozen=True, eq=False, repr=False)
class Tracks:
    """Trajectories of one experiment: positions at regular times, without gaps.

    Attributes
    ----------
    trajectories : list of ndarray of shape (T_i, d), float64
        Positions, one row per frame; what every estimator of skandi takes. All have the same d.
    ids : list of str
        One name per trajectory, no two alike. A table with groups gives ``group/track``; a track
        split at its gaps gives ``track#1``, ``track#2``, ….
    first_frames : list of int
        The frame each trajectory starts at.
    notes : list of str
        What was done to this one trajectory; empty when nothing was.
    frame_interval : float or None
        Time from one point to the next, in `time_unit`; None when the source does not say.
    time_unit, space_unit : str or None
        Units of time and of the positions; None when the source does not say, or says an empty
        text.
    report : ReadReport or None
        What the reader did; None for trajectories that were never in a file.
    filled : list of ndarray of int, or None
        Which points of each trajectory were put on a straight line where frames were missing; None
        where none were, or nothing is known of it.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.io import Tracks
    >>> tracks = Tracks.from_trajectories([np.zeros((5, 2)), np.ones((7, 2))], ids=["a", "b"])
    >>> tracks
    Tracks(2 of 5 to 7 points, 2-D)
    >>> len(tracks), tracks.n_dims, tracks.n_points.tolist()
    (2, 2, [5, 7])
    """

    trajectories: list[NDArray[np.float64]]
    ids: list[str]
    first_frames: list[int]
    notes: list[str]
    frame_interval: float | None = None
    time_unit: str | None = None
    space_unit: str | None = None
    report: ReadReport | None = None
    filled: list[NDArray[np.int64]] | None = None

    def __post_init__(self) -> None:
        n = len(self.trajectories)
        for name in ("ids", "first_frames", "notes", "filled"):
            each = getattr(self, name)
            if each is not None and len(each) != n:
                raise TrajectoryError(f"{n} trajectories need {n} {name}, not {len(each)}.")
        if len(set(self.ids)) != n:
            twice = [name for name, count in Counter(self.ids).most_common(5) if count > 1]
            raise TrajectoryError(f"Each trajectory needs an id of its own; used twice: {twice}.")
        interval = self.frame_interval
        if interval is not None and not (isinstance(interval, Real) and 0 < interval < np.inf):
            raise TrajectoryError(
                f"frame_interval is {interval!r}: pass a time above 0, or None if it is unknown."
            )
        for name in ("time_unit", "space_unit"):
            if isinstance(unit := getattr(self, name), str) and not unit.strip():
                object.__setattr__(self, name, None)
        widths = {x.shape[1] for x in self.trajectories}
        if len(widths) > 1:
            raise TrajectoryError(
                f"Trajectories of {sorted(widths)} dimensions in one set: keep one set per number "
                "of dimensions."
            )

    @classmethod
    def from_trajectories(
        cls,
        trajectories: Any,
        *,
        ids: Sequence[str] | None = None,
        frame_interval: float | None = None,
        time_unit: str | None = None,
        space_unit: str | None = None,
    ) -> Tracks:
        """Name trajectories that come from a program and not from a file.

        Parameters
        ----------
        trajectories : list of array-like of shape (T_i, d), or whatever `as_trajectories` reads
            Positions.
        ids : sequence of str, optional
            Their names; ``"0"``, ``"1"``, … when left out.
        frame_interval : float, optional
            Time from one point to the next, in `time_unit`.
        time_unit, space_unit : str, optional
            Units of time and of the positions.

        Raises
        ------
        TrajectoryError
            If there are none, if any cannot be used, or if ids are too few, too many, or used
            twice.
        """
        arrays = as_trajectories(trajectories)
        names = [str(i) for i in range(len(arrays))] if ids is None else [str(i) for i in ids]
        return cls(
            trajectories=arrays,
            ids=names,
            first_frames=[0] * len(arrays),
            notes=[""] * len(arrays),
            frame_interval=frame_interval,
            time_unit=time_unit,
            space_unit=space_unit,
        )

    def __repr__(self) -> str:
        if not len(self):
            return "Tracks(none)"
        n = self.n_points
        points = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
        told = [f"{len(self)} of {points} points", f"{self.n_dims}-D"]
        for name in ("frame_interval", "time_unit", "space_unit"):
            if getattr(self, name) is not None:
                told.append(f"{name}={getattr(self, name)!r}")
        return f"Tracks({', '.join(told)})"

    @property
    def n_dims(self) -> int:
        """Number of spatial dimensions, 0 when there is no trajectory."""
        return self.trajectories[0].shape[1] if self.trajectories else 0

    @property
    def n_points(self) -> NDArray[np.int64]:
        """Number of points of each trajectory."""
        return np.array([len(x) for x in self.trajectories], dtype=np.int64)

    def select(self, which: ArrayLike) -> Tracks:
        """Give some of the tracks, with all that is known of them.

        Parameters
        ----------
        which : array-like of bool of shape (n,), of int, or of str
            One yes or no per track, places from 0, or ids.

        Returns
        -------
        Tracks
            In the order asked for; `report` is that of the whole.

        Raises
        ------
        TrajectoryError
            If there is no such track, or one is asked for twice.

        Examples
        --------
        >>> import numpy as np
        >>> from skandi.io import Tracks
        >>> tracks = Tracks.from_trajectories([np.zeros((T, 2)) for T in (5, 30, 40)])
        >>> tracks.select(tracks.n_points >= 20).ids, tracks.select(["2"]).n_points.tolist()
        (['1', '2'], [40])
        """
        places = _places(which, self.ids)
        return replace(
            self,
            trajectories=[self.trajectories[k] for k in places],
            ids=[self.ids[k] for k in places],
            first_frames=[self.first_frames[k] for k in places],
            notes=[self.notes[k] for k in places],
            filled=None if self.filled is None else [self.filled[k] for k in places],
        )

    def to_frame(self) -> pd.DataFrame:
        """Give a table with a row per position, for a merge with the table of `skandi.analyse`.

        Returns
        -------
        DataFrame
            Columns ``track_id``, ``frame`` and ``x``, ``y``, ``z`` as far as there are, in
            `space_unit`.

        Examples
        --------
        >>> import numpy as np
        >>> from skandi.io import Tracks
        >>> Tracks.from_trajectories([np.zeros((2, 2))], ids=["7"]).to_frame()
          track_id  frame    x    y
        0        7      0  0.0  0.0
        1        7      1  0.0  0.0
        """
        lengths = self.n_points
        ends = np.cumsum(lengths)
        within = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
        positions = np.concatenate(self.trajectories) if len(self) else np.empty((0, 1))
        ids = np.repeat(np.array(self.ids, dtype=object), lengths)
        return pd.DataFrame(
            {
                "track_id": pd.Series(ids, dtype="string"),
                "frame": np.repeat(np.array(self.first_frames, dtype=np.int64), lengths) + within,
                **dict(zip("xyz", positions.T, strict=False)),
            }
        )

    def __len__(self) -> int:
        return len(self.trajectories)

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        return iter(zip(self.ids, self.trajectories, strict=True))


def _places(which: ArrayLike, ids: list[str]) -> list[int]:
    """Places of the tracks that are asked for by yes and no, by place, or by id."""
    asked = np.atleast_1d(np.asarray(which))
    kind = pd.api.types.infer_dtype(asked.ravel(), skipna=False)
    if kind == "boolean" and asked.shape == (len(ids),):
        return np.flatnonzero(asked.astype(bool)).tolist()
    if kind == "string":
        known = {name: place for place, name in enumerate(ids)}
        missing = [name for name in asked.tolist() if name not in known]
        if missing:
            raise TrajectoryError(f"There is no track named {missing[:5]}.")
        return [known[name] for name in asked.tolist()]
    if not asked.size and kind != "boolean":
        return []
    if kind != "integer" or asked.ndim > 1:
        raise TrajectoryError(
            f"which holds {kind} values in shape {asked.shape}: pass a bool for each of the "
            f"{len(ids)} tracks, places, or ids."
        )
    beyond = [place for place in asked.tolist() if not -len(ids) <= place < len(ids)]
    if beyond:
        raise TrajectoryError(f"There is no track {beyond[:5]} among {len(ids)}.")
    return [place % len(ids) for place in asked.tolist()]
