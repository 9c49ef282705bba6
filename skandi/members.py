"""One member of an ensemble: trained on one fold of one bucket, kept on disk, asked for outputs."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import PicklingError
from types import CodeType, FunctionType, MethodType
from typing import Any

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier

from skandi.errors import TrainingError
from skandi.estimator import TrajectoryEstimator
from skandi.files import replacing
from skandi.lengths import Bucket, crops

Trajectories = Sequence[NDArray[np.float64]]

# The number of threads is the process's own: the threads of a Dask worker take turns.
_THREADS = threading.RLock()


@dataclass(frozen=True)
class Assignment:
    """What one member is trained on.

    Attributes
    ----------
    bucket : Bucket
        The lengths it reads.
    fold : int
        Number of the fold it is judged by.
    train, held : ndarray of int
        Indices of the trajectories it learns from and of those of its own fold.
    seed : int
        Seed of everything random in it.
    """

    bucket: Bucket
    fold: int
    train: NDArray[np.int64]
    held: NDArray[np.int64]
    seed: int

    def __str__(self) -> str:
        high = "and more" if self.bucket.high is None else f"to {self.bucket.high}"
        return f"bucket of {self.bucket.low} {high} points, fold {self.fold}"


def prepare(template: BaseEstimator, task: Assignment) -> BaseEstimator:
    """Clone the template and give the clone its seed and, if it is ours, its length."""
    member = clone(template)
    seeds = {
        name: task.seed
        for name in member.get_params(deep=True)
        if name == "random_state" or name.endswith("__random_state")
    }
    member.set_params(**seeds)
    if is_ours(member) and task.bucket.length is not None:
        member.set_params(length=task.bucket.length)
    return member


def fit_member(
    template: BaseEstimator,
    task: Assignment,
    own: tuple[Trajectories, NDArray],
    fold: tuple[Trajectories, NDArray],
    checkpoint_dir: str | os.PathLike[str] | None,
) -> tuple[BaseEstimator, NDArray]:
    """Train one member, or take it from `checkpoint_dir`, and give its outputs for its own fold.

    Parameters
    ----------
    template : estimator
        What the member is a clone of.
    task : Assignment
        Its bucket, fold and seed.
    own, fold : tuple of (trajectories, targets)
        What it learns from and what it is judged by.
    checkpoint_dir : path-like or None
        Where finished members are kept.

    Raises
    ------
    TrainingError
        If training fails; the message names bucket and fold.
    """
    member = prepare(template, task)
    path = None
    if checkpoint_dir is not None:
        path = Path(checkpoint_dir) / f"member-{_key(member, task, own, fold)}.joblib"
        stored = _read(path)
        if stored is not None:
            return stored
    with one_thread():
        try:
            if is_ours(member):
                member.fit(*own, eval_set=_judged_by(member, own, fold))
            else:
                member.fit(*_cropped(own, task.bucket.length))
            finished = member, outputs_of(member, fold[0], task.bucket.length)
        except Exception as error:
            raise TrainingError(
                f"The member for the {task} could not be trained: {error}"
            ) from error
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            joblib.dump(finished, aside)
    return finished


def outputs_of(
    member: BaseEstimator, trajectories: Trajectories, length: int | None
) -> NDArray[np.float64]:
    """Outputs for whole trajectories: α (n,), logits (n, k), or a foreign member's probabilities.

    Our own members normalise, crop, and average feature vectors; a foreign one gets the crops, and
    its outputs are averaged.
    """
    if is_ours(member):
        ask = member.predict_logits if is_classifier(member) else member.predict
        return np.asarray(ask(list(trajectories)), dtype=np.float64)
    parts = [crops(t, length) for t in trajectories]
    ask = member.predict_proba if is_classifier(member) else member.predict
    outputs = np.asarray(ask([part for several in parts for part in several]), dtype=np.float64)
    starts = np.cumsum([0, *(len(several) for several in parts[:-1])])
    counts = np.array([len(several) for several in parts])
    sums = np.add.reduceat(outputs, starts, axis=0)
    return sums / counts.reshape(-1, *[1] * (sums.ndim - 1))


def is_ours(member: BaseEstimator) -> bool:
    """Tell whether a member crops by itself and takes an ``eval_set``."""
    return isinstance(member, TrajectoryEstimator)


def _judged_by(
    member: BaseEstimator, own: tuple[Trajectories, NDArray], fold: tuple[Trajectories, NDArray]
) -> tuple[Trajectories, NDArray] | None:
    """The part of a fold that can judge epochs: a class that is not learnt cannot be met."""
    if not is_classifier(member):
        return fold
    met = np.isin(fold[1], own[1])
    return (
        ([t for t, m in zip(fold[0], met, strict=True) if m], fold[1][met]) if met.any() else None
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Bind torch to one thread: sums in another order would make results depend on the cores."""
    with _THREADS:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _cropped(data: tuple[Trajectories, NDArray], length: int | None) -> tuple[list, NDArray]:
    parts = [crops(t, length) for t in data[0]]
    return [p for several in parts for p in several], np.repeat(data[1], [len(s) for s in parts])


def _key(
    member: BaseEstimator,
    task: Assignment,
    own: tuple[Trajectories, NDArray],
    fold: tuple[Trajectories, NDArray],
) -> str:
    """Name what decides the result: parameters, data, bucket, fold and seed.

    Parameters are part of it, so clones in a search cannot take each other's members; of functions
    among them, what they are made of, though not the functions and variables that they refer to.
    """

    # Joblib's hash sees how an array lies in memory, which differs between worker processes.
    def values(data: tuple[Trajectories, NDArray]) -> tuple[list[int], NDArray, NDArray]:
        return [len(t) for t in data[0]], np.concatenate(data[0]), np.array(data[1])

    params = member.get_params()
    # A function is pickled as its name, whatever it does.
    code = {name: found for name, value in params.items() if (found := _code_of(value))}
    what = (type(member), params, *[code] * bool(code), task.bucket, task.fold, task.seed)
    try:
        return joblib.hash((*what, values(own), values(fold)), hash_name="sha1")
    except PicklingError as error:
        raise ValueError(
            "checkpoint_dir keeps members as pickles, and a parameter of this one cannot be in one "
            f"({error}). Replace a lambda by a function of a module, or pass checkpoint_dir=None."
        ) from error


def _code_of(value: Any) -> tuple[Any, ...]:
    """What functions in a parameter are made of: the same in every process and every file."""
    if isinstance(value, partial):
        return _code_of((value.func, value.args, value.keywords))
    if isinstance(value, MethodType):
        return _code_of(value.__func__)
    if isinstance(value, FunctionType):
        given = repr(value.__defaults__), repr(value.__kwdefaults__)
        return (*given, *_code_of(value.__code__))
    if isinstance(value, CodeType):
        constants = [
            sorted(map(repr, each)) if isinstance(each, frozenset) else _code_of(each) or repr(each)
            for each in value.co_consts
        ]
        return value.co_code, value.co_names, value.co_varnames, constants
    if isinstance(value, type):
        return tuple(found for each in value.__mro__[:-1] if (found := _code_of_class(each)))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return tuple(found for each in value if (found := _code_of(each)))
    return ()


def _code_of_class(value: type) -> tuple[Any, ...]:
    """What a class adds to those it derives from; of packages that have versions nothing."""
    if value.__module__.partition(".")[0] in ("torch", "skandi", "abc", "typing"):
        return ()
    found: list[Any] = []
    for name, each in vars(value).items():
        if isinstance(each, staticmethod | classmethod):
            each = each.__func__
        if isinstance(each, property):
            each = each.fget
        if isinstance(each, FunctionType):
            found.append((name, _code_of(each)))
        elif not name.startswith("__") and isinstance(each, int | float | str | tuple):
            found.append((name, repr(each)))
    return tuple(found)


def _read(path: Path) -> tuple[BaseEstimator, NDArray] | None:
    if not path.exists():
        return None
    try:
        return joblib.load(path)
    except Exception as error:
        warnings.warn(
            f"{path} cannot be read ({error}); its member is trained again.", stacklevel=2
        )
        return None
