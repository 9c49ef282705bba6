"""Tracks in, one table out: what each track is, how sure that is, and why some have no answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from skandi.calibration import LARGEST_NOVELTY
from skandi.diffusion import MODELS
from skandi.errors import SkandiError, TracksFileError, TrajectoryError
from skandi.io import Tracks, read_tracks
from skandi.io.arrays import array_format
from skandi.io.tables import is_table
from skandi.lengths import group_by_length
from skandi.msd import MAX_LAG, generalised_diffusion, max_lag_of
from skandi.normalize import standardize

COLUMNS = {
    "track_id": "string",
    "n_points": "int64",
    "n_dims": "int64",
    "duration": "float64",
    "alpha": "float64",
    "alpha_lower": "float64",
    "alpha_upper": "float64",
    "expected_error": "float64",
    "model": "string",
    **{f"p_{model}": "float64" for model in MODELS},
    "novelty": "float64",
    "is_novel": "boolean",
    "D_alpha": "float64",
    "note": "string",
}
"""Columns of the table and their types, the same for every input."""

# Points at a time: the network works in smaller batches, this is how often progress is told.
_BLOCK_POINTS = 500_000
_SHORTEST = 2
_MOST_DIMS = 3
_LONGEST_TRAINED = 999


def analyse(
    tracks: Any,
    *,
    alpha_model: Any = None,
    model_classifier: Any = None,
    coverage: float = 0.9,
    false_alarm: float = 0.05,
    preset: str = "fast",
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Anomalous exponent and diffusion model of each track.

    A track spreads as MSD ~ t^α. Both answers come from networks that were trained on simulated
    tracks of the five models of the AnDi challenge, unless estimators of your own are given.

    Parameters
    ----------
    tracks : Tracks, path, table, or list of ndarray of shape (T_i, d)
        What `read_tracks` returns or can read, or trajectories at regular times without gaps.
    alpha_model : fitted estimator, optional
        Its ``predict`` gives α; ``load_pretrained("alpha", n_dims=d)`` when left out.
    model_classifier : fitted estimator, optional
        Its ``predict_proba`` gives the probability of each of its ``classes_``, which must be among
        the five; ``load_pretrained("model", n_dims=d)`` when left out.
    coverage : float, default=0.9
        Probability with which ``alpha_lower`` to ``alpha_upper`` holds the true α; it is kept in
        ``table.attrs["coverage"]``.
    false_alarm : float, default=0.05
        Share of tracks of the training kind that ``is_novel`` may be wrong about, at every length.
    preset : {"fast", "best"}, default="fast"
        For the pretrained estimators, see `load_pretrained`.
    progress : callable, optional
        Called with the number of tracks done and the number of tracks, from time to time.

    Returns
    -------
    DataFrame
        One row per track, in the order of `tracks`, always with the columns

        - ``track_id``, ``n_points``, ``n_dims``, ``duration``
        - ``alpha``, ``alpha_lower``, ``alpha_upper``, ``expected_error``
        - ``model`` (the most probable), ``p_attm``, ``p_ctrw``, ``p_fbm``, ``p_lw``, ``p_sbm``
        - ``novelty``, ``is_novel``, ``D_alpha``
        - ``note``: empty, or why there is no answer or what to bear in mind.

        ``duration`` is the time from the first to the last point, in ``table.attrs["time_unit"]``:
        frames where the frame interval is unknown.
        A track that is too short for the estimators, or does not move at all, has missing values.
        An estimator of your own that gives no distribution over α leaves ``alpha_lower``,
        ``alpha_upper`` and ``expected_error`` empty.
        ``D_alpha`` is the generalised diffusion coefficient of MSD = 2 d D_α t^α + offset with α as
        predicted and the offset (localisation noise, exposure blur) fitted, from the time-averaged
        MSD at lags of 1 to 10 frames and at most a third of the track. It needs the frame interval
        and both units; ``table.attrs["D_alpha"]`` says in which unit it is, or what is unknown.
        ``novelty`` is the share of simulated tracks of the training kind, of the same length, that
        are less unlike that kind than this track; ``is_novel`` is true above 1 - `false_alarm`, and
        then the answers should not be relied on. Only pretrained estimators know it;
        ``table.attrs["novelty"]`` says what was done. False is no proof that a track is of the
        training kind: much that is new cannot be told from it in a short, noisy track.

    Raises
    ------
    ValueError
        If `coverage` or `false_alarm` is not a share.
    SkandiError
        If an estimator is of the wrong kind, or a classifier knows other classes.
    TrajectoryError
        If a list holds something else than finite (T, d) arrays of one d, or a single track came
        that is in no list.
    TracksFileError, OSError
        If a file or DataFrame cannot be read as tracks.

    Examples
    --------
    >>> from skandi import analyse
    >>> from skandi.io import sample_tracks_path
    >>> table = analyse(sample_tracks_path())
    >>> short = table[table.n_points < 10]
    >>> bool(short.alpha.isna().all()), short.note.iloc[0]
    (True, 'too short: 6 points, at least 10 needed')
    """
    require_shares(coverage, false_alarm)
    tracks = as_tracks(tracks)
    if not len(tracks):
        empty = np.empty((0, 4)), np.empty((0, len(MODELS))), np.empty(0), np.empty(0)
        table = _table(tracks, *empty, false_alarm, [], coverage)
        table.attrs["novelty"] = "not computed: there are no tracks"
        return table
    alpha_model, model_classifier = ready_estimators(
        tracks.n_dims, alpha_model, model_classifier, preset
    )
    columns = _model_columns(model_classifier)
    usable, notes = _judge(tracks, alpha_model, model_classifier)

    alpha = np.full((len(tracks), 4), np.nan)
    probability = np.full((len(tracks), len(MODELS)), np.nan)
    novelty = np.full(len(tracks), np.nan)
    done = len(tracks) - len(usable)
    for rows in _blocks(usable, tracks.n_points):
        if progress is not None:
            progress(done, len(tracks))
        X = [tracks.trajectories[row] for row in rows]
        alpha[rows], probability[np.ix_(rows, columns)], novelty[rows] = _ask(
            alpha_model, model_classifier, X, coverage
        )
        done += len(rows)
    if progress is not None:
        progress(len(tracks), len(tracks))
    D_alpha = _diffusion_coefficients(tracks, alpha[:, 0], notes)
    table = _table(tracks, alpha, probability, novelty, D_alpha, false_alarm, notes, coverage)
    table.attrs["novelty"] = _about_novelty(alpha_model, model_classifier, false_alarm)
    return table


def require_shares(coverage: float, false_alarm: float) -> None:
    """Raise a ValueError unless both are shares."""
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage!r}; it must lie between 0 and 1, such as 0.9.")
    if not 1 - LARGEST_NOVELTY < false_alarm < 1:
        raise ValueError(
            f"false_alarm is {false_alarm!r}; it must be a share between "
            f"{1 - LARGEST_NOVELTY:.3g} and 1, such as 0.05."
        )


def as_tracks(tracks: Any) -> Tracks:
    """Read what `analyse` takes for tracks."""
    if isinstance(tracks, Tracks):
        return tracks
    if isinstance(tracks, str | os.PathLike) or is_table(tracks):
        return read_tracks(tracks)
    shape: tuple[int, ...] = getattr(tracks, "shape", ())
    if isinstance(tracks, list | tuple):
        shape = _shape_of_rows(tracks)
    if len(shape) == 2 and 1 <= shape[1] <= _MOST_DIMS < shape[0]:
        # as a table it would be many one-dimensional tracks, each too short
        raise TrajectoryError(
            f"A table of {shape[0]} rows of {shape[1]} came, which is one track of {shape[0]} "
            "points: pass [track]. A list of tracks is needed, or an array (n_tracks, T, d)."
        )
    if isinstance(tracks, np.ndarray):
        return _tracks_of_array(tracks)
    return Tracks.from_trajectories(tracks)


def _shape_of_rows(rows: Sequence[Any]) -> tuple[int, ...]:
    """Shape of the table that a list of short rows of numbers is; () for anything else."""
    width = len(rows[0]) if len(rows) and _is_flat(rows[0]) else 0
    if not 2 <= width <= _MOST_DIMS or any(not _is_flat(r) or len(r) != width for r in rows):
        return ()
    return len(rows), width


def _is_flat(row: Any) -> bool:
    if isinstance(row, np.ndarray):
        return row.ndim == 1
    return isinstance(row, list | tuple) and all(isinstance(value, Real) for value in row)


def _tracks_of_array(array: NDArray) -> Tracks:
    """Take an array for a table of tracks, or for what napari, noctiluca or andi_datasets make."""
    try:
        form = array_format(array, "the array")
    except TracksFileError:
        form = None
    if form == "napari":
        return read_tracks(array)
    if form == "noctiluca" and np.isnan(array).any():
        # One missing point must not change what the axes of all others are.
        return read_tracks(array, constant_axes="keep")
    # Tracks that start at the origin look like those of model 0.
    if form == "andi-datasets" and array[:, 0].any():
        raise TrajectoryError(
            f"An array of shape {array.shape} came, with a model and an exponent in each row as "
            "andi_datasets writes them: pass read_tracks(array, 'andi-datasets', n_dims=d), or "
            "list(array) if its rows are one-dimensional tracks."
        )
    return Tracks.from_trajectories(array)


def _ask(
    alpha_model: Any, model_classifier: Any, X: list[NDArray[np.float64]], coverage: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Give α, both ends of its interval and its expected error (n, 4), probabilities, novelty."""
    answers = np.full((len(X), 4), np.nan)
    features = None
    if not hasattr(alpha_model, "shares_trunk") or not alpha_model.gives_distribution:
        answers[:, 0] = alpha_model.predict(X)
        probability = model_classifier.predict_proba(X)
    else:
        features = alpha_model.transform(X)
        reading = alpha_model.read_features(features, X, coverage=coverage)
        answers[:, 0], answers[:, 1] = reading.median, reading.lower
        answers[:, 2], answers[:, 3] = reading.upper, reading.expected_error
        if alpha_model.shares_trunk(model_classifier):
            probability = model_classifier.read_features(features, X)
        else:
            probability = model_classifier.predict_proba(X)
    knows = _knows_novelty(alpha_model, model_classifier)
    if knows is None:
        return answers, probability, np.full(len(X), np.nan)
    return answers, probability, knows.read_novelty(features if knows is alpha_model else None, X)


def _knows_novelty(*estimators: Any) -> Any:
    """Give the first of the estimators that can tell novelty, or None."""
    able = (e for e in estimators if hasattr(e, "lacks_novelty") and not e.lacks_novelty())
    return next(able, None)


def ready_estimators(
    n_dims: int, alpha_model: Any, model_classifier: Any, preset: str
) -> tuple[Any, Any]:
    """Give the estimators that were given, and pretrained ones in place of those that were not."""
    if alpha_model is None or model_classifier is None:
        from skandi.pretrained import load_pretrained  # torch, which own estimators may not need

        if alpha_model is None:
            alpha_model = load_pretrained("alpha", n_dims=n_dims, preset=preset)
        if model_classifier is None:
            model_classifier = load_pretrained("model", n_dims=n_dims, preset=preset)
    told_apart = alpha_model is not model_classifier  # one object may answer both
    if told_apart and _tells_classes(alpha_model):
        raise SkandiError(
            f"alpha_model is a {type(alpha_model).__name__}, which tells classes and not α: pass "
            "it as model_classifier."
        )
    if not hasattr(model_classifier, "predict_proba"):
        raise SkandiError(
            f"model_classifier is a {type(model_classifier).__name__}, which has no predict_proba: "
            "pass a classifier of models."
        )
    return alpha_model, model_classifier


def _model_columns(model_classifier: Any) -> NDArray[np.int64]:
    """Where each class of the classifier stands among the five models."""
    classes = [str(label) for label in model_classifier.classes_]
    unknown = [label for label in classes if label not in MODELS]
    if unknown:
        raise SkandiError(
            f"The classifier knows the classes {unknown}, and the table has columns for "
            f"{', '.join(MODELS)} only. Train it on these labels, or call its predict_proba."
        )
    return np.array([MODELS.index(label) for label in classes], dtype=np.int64)


def _judge(tracks: Tracks, *estimators: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Which tracks can be asked about, and the note of each."""
    answering = [inner for e in estimators for inner in _answering(e)]
    shortest = max((int(e.min_points_) for e in answering), default=_SHORTEST)
    usable = tracks.n_points >= shortest
    notes: list[list[str]] = [[] for _ in tracks.ids]
    for row in np.flatnonzero(~usable):
        n = len(tracks.trajectories[row])
        points = "1 point" if n == 1 else f"{n} points"
        notes[row].append(f"too short: {points}, at least {shortest} needed")
    from_file = any(hasattr(e, "trunk_") for e in answering)
    for row in np.flatnonzero(from_file & (tracks.n_points > _LONGEST_TRAINED)):
        notes[row].append(f"longer than the {_LONGEST_TRAINED} points seen in training")
    moves = _moving_axes(tracks)
    for row in np.flatnonzero(usable & ~moves.all(axis=1)):
        if moves[row].any():
            still = ", ".join("xyz"[axis] for axis in np.flatnonzero(~moves[row]))
            notes[row].append(f"does not move along {still}")
        else:
            usable[row] = False
            notes[row].insert(0, "does not move: all positions are the same")
    # what keeps a track from an answer stands first, what its reader did to it last
    told = [
        [*ours, theirs] if theirs else ours
        for ours, theirs in zip(notes, tracks.notes, strict=True)
    ]
    return np.flatnonzero(usable), ["; ".join(note) for note in told]


def _tells_classes(estimator: Any) -> bool:
    own = isinstance(estimator, BaseEstimator) and is_classifier(estimator)
    return own or hasattr(estimator, "classes_")


def _answering(estimator: Any) -> Iterator[Any]:
    """Give the estimators that know what they read, inside those that only pass tracks on."""
    if hasattr(estimator, "min_points_"):
        yield estimator
    elif isinstance(estimator, Pipeline):
        yield from _answering(estimator.steps[-1][1])
    else:
        inside = [getattr(estimator, n, None) for n in ("best_estimator_", "regressor_")]
        inside += list(getattr(estimator, "estimators_", []))
        inside += [c.estimator for c in getattr(estimator, "calibrated_classifiers_", [])]
        for each in inside:
            if each is not None:
                yield from _answering(each)


def _moving_axes(tracks: Tracks) -> NDArray[np.bool_]:
    """Whether each track moves along each axis, by the measure the networks' input is made with."""
    moves = np.zeros((len(tracks), tracks.n_dims), dtype=bool)
    for members in group_by_length(tracks.trajectories).values():
        stacked = np.stack([tracks.trajectories[i] for i in members])
        moves[members] = standardize(stacked).any(axis=1)
    return moves


def _blocks(rows: NDArray[np.int64], n_points: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut rows into blocks of about equally many points, each of similar lengths."""
    rows = rows[np.argsort(n_points[rows], kind="stable")]
    block = np.cumsum(n_points[rows]) // _BLOCK_POINTS
    if len(rows):
        yield from np.split(rows, np.flatnonzero(np.diff(block)) + 1)


def _unknown_units(tracks: Tracks) -> str:
    """What D_α has to do without, in words; empty if nothing."""
    names = ("frame_interval", "time_unit", "space_unit")
    unknown = [name.replace("_", " ") for name in names if getattr(tracks, name) is None]
    return ", ".join(unknown)


def _diffusion_coefficients(
    tracks: Tracks, alpha: NDArray[np.float64], notes: list[str]
) -> NDArray[np.float64]:
    """D_α of each track; `notes` gets a word where a track with an α has none."""
    if _unknown_units(tracks):
        return np.full(len(tracks), np.nan)
    assert tracks.frame_interval is not None
    D_alpha = generalised_diffusion(tracks.trajectories, alpha, tracks.frame_interval)
    for row in np.flatnonzero(np.isnan(D_alpha) & np.isfinite(alpha)):
        few = max_lag_of(len(tracks.trajectories[row])) < 2
        told = f"no D_alpha: {'too few points' if few else 'the MSD does not grow with the lag'}"
        notes[row] = f"{notes[row]}; {told}" if notes[row] else told
    return D_alpha


def _about_diffusion_coefficients(tracks: Tracks) -> str:
    """The unit of D_α and how it was found, or why there is none."""
    unknown = _unknown_units(tracks)
    if unknown:
        return f"not computed, unknown: {unknown}"
    return (
        f"in {tracks.space_unit}²/{tracks.time_unit}^α, from the TA-MSD at lags of 1 to {MAX_LAG} "
        "frames and at most a third of the track, with α as predicted and the noise offset fitted"
    )


def _about_novelty(alpha_model: Any, model_classifier: Any, false_alarm: float) -> str:
    """What the novelty is and where its threshold lies, or why there is none."""
    estimators = alpha_model, model_classifier
    if _knows_novelty(*estimators) is None:
        told = [e.lacks_novelty() for e in estimators if hasattr(e, "lacks_novelty")]
        return f"not computed: {told[0] if told else 'the estimators cannot tell it'}"
    return (
        "share of simulated tracks of the training kind and of the same length that are less "
        f"novel; is_novel above {1 - false_alarm:g}"
    )


def _table(
    tracks: Tracks,
    alpha: NDArray,
    probability: NDArray,
    novelty: NDArray,
    D_alpha: NDArray,
    false_alarm: float,
    notes: list[str],
    coverage: float,
) -> pd.DataFrame:
    known = np.isfinite(probability).any(axis=1)
    best = np.where(np.isfinite(probability), probability, -1).argmax(axis=1)
    filled: dict[str, Any] = {
        "track_id": tracks.ids,
        "n_points": tracks.n_points,
        "n_dims": np.full(len(tracks), tracks.n_dims),
        "duration": np.maximum(tracks.n_points - 1, 0) * (tracks.frame_interval or 1.0),
        "alpha": alpha[:, 0],
        "alpha_lower": alpha[:, 1],
        "alpha_upper": alpha[:, 2],
        "expected_error": alpha[:, 3],
        "model": [MODELS[k] if ok else None for k, ok in zip(best, known, strict=True)],
        "novelty": novelty,
        "is_novel": [
            bool(value > 1 - false_alarm) if np.isfinite(value) else None for value in novelty
        ],
        "D_alpha": D_alpha,
        "note": notes,
    }
    filled.update({f"p_{model}": probability[:, k] for k, model in enumerate(MODELS)})
    table = pd.DataFrame({name: pd.Series(filled[name], dtype=t) for name, t in COLUMNS.items()})
    table.attrs["D_alpha"] = _about_diffusion_coefficients(tracks)
    table.attrs["time_unit"] = time_unit(tracks)
    table.attrs["coverage"] = coverage
    return table


def time_unit(tracks: Tracks) -> str:
    """Give the unit in which times of these tracks are told."""
    if tracks.frame_interval is None:
        return "frames"
    return tracks.time_unit or "unit of the frame interval"
