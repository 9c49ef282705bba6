"""What a trajectory is: every input a user may hold becomes a list of (T, d) arrays, or an error.

Two kinds of input are told apart, because scikit-learn gives the number of columns a meaning:

- *ragged*: a list of (T_i, d) arrays or of 1-D sequences, an (n, T, d) array, a 1-D object array;
- *table*: a 2-D array, DataFrame or nested list, n one-dimensional trajectories of equal length,
  whose width is a contract between ``fit`` and ``predict`` as everywhere in scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skandi.errors import ShortTrackWarning, TrajectoryError

MAX_DIMS = 3
_INDICES_SHOWN = 20
_TRACKS = frozenset({"particle", "track", "trajectory", "traj_idx", "track_id"})
_NO_COORDINATES = _TRACKS | {"frame", "t", "time", "position_t", "spot_id"}


def require_targets(y: Any, who: str, name: str = "y") -> None:
    """Refuse targets that are not there, as a whole or in part.

    Parameters
    ----------
    y : array-like
        Numbers or labels.
    who : str
        Name of the estimator, for the error.
    name : str, default="y"
        Name of the argument, for the error.

    Raises
    ------
    ValueError
        If `y` is None, or has masked entries or labels that are None or NA.
    """
    if y is None:
        raise ValueError(f"{who} requires {name} to be passed, but the target {name} is None.")
    if np.ma.is_masked(y):
        absent = np.ma.getmaskarray(y)
    else:
        values = np.array(y, dtype=object) if isinstance(y, (list, tuple)) else np.asarray(y)
        if values.dtype != object:
            return
        absent = np.array([each is None or type(each).__name__ == "NAType" for each in values.flat])
    if absent.any():
        raise ValueError(
            f"{name} has {np.count_nonzero(absent)} entries without a value (masked, None or NA): "
            "drop them and their trajectories."
        )


def as_trajectories(X: Any, *, min_points: int = 1) -> list[NDArray[np.float64]]:
    """Read `X` as trajectories.

    Parameters
    ----------
    X : list of array-like of shape (T_i, d) or (T_i,), or array-like of shape (n, T) or (n, T, d)
        Positions in any unit of length, d from 1 to 3. A 2-D table is n one-dimensional
        trajectories of equal length.
    min_points : int, default=1
        Fewest points a trajectory may have.

    Returns
    -------
    list of ndarray of shape (T_i, d), float64
        Copies are made only where the type demands it.

    Raises
    ------
    TrajectoryError
        If anything cannot be read; the message lists every problem with the indices concerned.

    Examples
    --------
    >>> [t.shape for t in as_trajectories([[0.0, 1.0, 0.5], [2.0, 2.5]])]
    [(3, 1), (2, 1)]
    >>> as_trajectories([[0.0, float("nan")], [1.0, 2.0]])
    Traceback (most recent call last):
    ...
    skandi.errors.TrajectoryError: 1 of 2 trajectories cannot be used:
    - not finite (NaN or inf) at index 0: drop these points or split the trajectory there
    """
    if _is_ragged(X):
        return _read_ragged(X, min_points=min_points)
    _refuse_table(X)
    table = np.asarray(X)
    if table.ndim != 2:
        raise TrajectoryError(_wrong_container(X, table.ndim))
    return _read_ragged(list(table), min_points=min_points)


def warn_of_one_trajectory(estimator: BaseEstimator, n: int) -> None:
    """Warn, after `learn_input`, where an array looks like one trajectory and was read as many."""
    T = getattr(estimator, "n_features_in_", None)
    if T in (1, 2, 3) and n > T:
        warnings.warn(
            f"X of shape {(n, T)} is read as {n} trajectories of {T} points. If it is one "
            "trajectory, pass [X].",
            ShortTrackWarning,
            stacklevel=3,
        )


def learn_input(
    estimator: BaseEstimator, X: Any, *, min_points: int = 2
) -> list[NDArray[np.float64]]:
    """Read the `X` of ``fit`` and note on the estimator what kind of input it was.

    Sets ``n_dims_``; for a table also ``n_features_in_`` and, if it has names,
    ``feature_names_in_``, through scikit-learn's own validation and with its messages.
    """
    for name in ("n_features_in_", "feature_names_in_", "n_dims_"):
        if hasattr(estimator, name):
            delattr(estimator, name)
    if _is_ragged(X):
        trajectories = _read_ragged(X, min_points=min_points)
    else:
        _refuse_table(X)
        trajectories = _rows(validate_data(estimator, X, dtype=np.float64))
    estimator.n_dims_ = trajectories[0].shape[1]
    return trajectories


def match_input(estimator: BaseEstimator, X: Any) -> list[NDArray[np.float64]]:
    """Read an `X` after ``fit`` and hold it to what ``fit`` saw."""
    table_fitted = hasattr(estimator, "n_features_in_")
    if _is_ragged(X, nested_is_table=table_fitted):
        return _read_ragged(X, n_dims=estimator.n_dims_)
    _refuse_table(X)
    if not table_fitted:
        shape = np.shape(X)
        if len(shape) == 2:
            raise TrajectoryError(
                f"{type(estimator).__name__} was fitted on trajectories of {estimator.n_dims_} "
                f"dimension(s), and a 2-D input of shape {shape} can be read in two ways. For one "
                "trajectory pass [X]; for n one-dimensional trajectories of equal length pass "
                "list(X)."
            )
        raise TrajectoryError(_wrong_container(X, len(shape)))
    return _rows(validate_data(estimator, X, reset=False, dtype=np.float64))


def like_input(estimator: BaseEstimator, X: Any, trajectories: list[NDArray[np.float64]]) -> Any:
    """Give trajectories back as `match_input` read `X`: as a table, a 3-D array, or a list."""
    if not _is_ragged(X, nested_is_table=hasattr(estimator, "n_features_in_")):
        return np.stack([t[:, 0] for t in trajectories])
    return np.stack(trajectories) if getattr(X, "ndim", None) == 3 else trajectories


def require_points(trajectories: Sequence[NDArray], min_points: int, *, why: str) -> None:
    """Raise an error that names every trajectory with fewer than `min_points` points."""
    short = [i for i, t in enumerate(trajectories) if len(t) < min_points]
    if short:
        raise TrajectoryError(
            f"{len(short)} of {len(trajectories)} trajectories have fewer than {min_points} points "
            f"({why}): index {_listed(short)}. Leave them out, or use skandi.analyse, which "
            "reports them without a value."
        )


def _is_ragged(X: Any, *, nested_is_table: bool = True) -> bool:
    """Tell ragged input from a table; scikit-learn's validation handles whatever is neither."""
    n_dims = getattr(X, "ndim", None)
    if n_dims == 1 and str(getattr(X, "dtype", "")) == "object":
        return len(X) > 0 and not _is_scalar(next(iter(X)))
    if n_dims is not None:
        return n_dims == 3 and hasattr(X, "dtype")
    if not isinstance(X, (list, tuple)):
        return False
    if len(X) == 0:
        return True
    if all(_is_scalar(t) for t in X):
        return False
    # Nested plain lists of equal length are what scikit-learn calls a 2-D array-like.
    nested = all(isinstance(t, (list, tuple)) and all(_is_scalar(v) for v in t) for t in X)
    return not (nested and nested_is_table and len({len(t) for t in X}) == 1)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (Number, str, bytes, dict)) or value is None


def _read_ragged(
    X: Iterable[Any], *, min_points: int = 1, n_dims: int | None = None
) -> list[NDArray[np.float64]]:
    readable: dict[int, NDArray[np.float64]] = {}
    problems: dict[str, list[int]] = {}
    n_read = 0
    for index, item in enumerate(X):
        n_read += 1
        array, problem = _read_one(item, min_points)
        if array is None:
            problems.setdefault(str(problem), []).append(index)
        else:
            readable[index] = array
    if n_read == 0:
        raise TrajectoryError(
            "There are no trajectories: X is empty. Pass a list of (T, d) arrays."
        )
    _check_dims(readable, n_dims, problems)
    if problems:
        n_bad = sum(map(len, problems.values()))
        lines = [p.replace("@", _listed(where), 1) for p, where in problems.items()]
        raise TrajectoryError(
            f"{n_bad} of {n_read} trajectories cannot be used:\n- " + "\n- ".join(lines)
        )
    return list(readable.values())


def _read_one(item: Any, min_points: int) -> tuple[NDArray[np.float64] | None, str | None]:
    """Give the (T, d) array, or None and what is wrong, with @ where the indices go."""
    if np.ma.is_masked(item):
        return None, "masked points at index @: drop them, their numbers mean nothing"
    if {name.lower() for name in column_names(item)} & _NO_COORDINATES:
        return None, (
            "a table with a column of frames, times or tracks at index @: pass its positions only, "
            "e.g. table[['x', 'y']], or one table of all tracks to skandi.read_tracks"
        )
    try:
        array = np.asarray(item)
        if array.dtype.kind in "mM":
            return None, "times at index @: pass positions only"
        if np.iscomplexobj(array):
            return None, "complex numbers at index @: pass real and imaginary part as two axes"
        array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        kind = type(item).__name__
        return None, f"not numbers ({kind}) at index @: pass (T, d) arrays of floats"
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        return None, f"{array.ndim}-D at index @: a trajectory has shape (T, d) or (T,)"
    T, d = array.shape
    if not 1 <= d <= MAX_DIMS:
        hint = "; is it transposed?" if 1 <= T <= MAX_DIMS else ""
        return None, f"shape (T, {d}) at index @: d must be 1, 2 or 3{hint}"
    if min_points > T:
        return None, f"fewer than {min_points} point(s) at index @: leave these trajectories out"
    if not np.isfinite(array).all():
        return None, (
            "not finite (NaN or inf) at index @: drop these points or split the trajectory there"
        )
    return array, None


def _check_dims(
    readable: dict[int, NDArray[np.float64]], n_dims: int | None, problems: dict[str, list[int]]
) -> None:
    if not readable:
        return
    wanted = next(iter(readable.values())).shape[1] if n_dims is None else n_dims
    source = "the first readable one has" if n_dims is None else "the model was fitted on"
    for index, t in readable.items():
        if t.shape[1] != wanted:
            problem = (
                f"{t.shape[1]} dimension(s) at index @, but {source} {wanted}: use one number of "
                "dimensions at a time"
            )
            problems.setdefault(problem, []).append(index)


def _rows(table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [row[:, np.newaxis] for row in table]


def _listed(indices: list[int]) -> str:
    shown = ", ".join(map(str, indices[:_INDICES_SHOWN]))
    more = len(indices) - _INDICES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _refuse_table(X: Any) -> None:
    if hasattr(X, "trajectories") or isinstance(X, Iterator):
        raise TrajectoryError(_wrong_container(X, 0))
    if np.ma.is_masked(X):
        raise TrajectoryError(
            "X is a table with masked points, whose numbers mean nothing. Pass a list of (T, d) "
            "arrays without them, e.g. [row.compressed() for row in X]."
        )
    columns = {name.strip().lower() for name in column_names(X)}
    if columns & _TRACKS and columns & (_NO_COORDINATES - _TRACKS):
        raise TrajectoryError(
            "X is a table of tracks, one row per point, not one row per trajectory. Read it with "
            "skandi.read_tracks(X).trajectories."
        )


def column_names(table: Any) -> list[str]:
    """The names of a table's columns, of whatever library; none for what is no table.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column_names(pa.table({"frame": [0, 1]})), column_names([[0, 1]])
    (['frame'], [])
    """
    # Arrow's `columns` are the values; a DataFrame may have a column called `column_names`
    is_arrows = hasattr(table, "schema") and hasattr(table, "column_names")
    names: Any = getattr(table, "column_names" if is_arrows else "columns", None)
    is_several = isinstance(names, Iterable) and not isinstance(names, str)
    return [str(name) for name in names] if is_several else []


def _wrong_container(X: Any, ndim: int) -> str:
    if hasattr(X, "trajectories"):
        return f"X is a {type(X).__name__}. Pass its arrays, as in X.trajectories."
    return (
        f"X is a {type(X).__name__} with {ndim} dimension(s). Pass a list of (T, d) arrays, an "
        "(n, T, d) array, or an (n, T) table of one-dimensional trajectories; for one trajectory "
        "pass [trajectory]."
    )
