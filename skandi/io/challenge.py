"""The text files of the AnDi challenge (Muñoz-Gil et al., Nat. Commun. 12:6253, 2021).

``task1.txt`` and ``task2.txt`` hold one trajectory per line, ``dim;x1;…;xT[;y1;…;yT[;z1;…;zT]]``;
``ref1.txt`` and ``ref2.txt`` hold its exponent or its model, ``dim;alpha`` or ``dim;model`` with
the models counted in the order of `skandi.diffusion.MODELS`. There is no header. Trajectories have
no names: they are called by their place in the file, from 0.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.diffusion import MODELS
from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.tracks import ReadReport, ReadStep, Tracks

Task = Literal["alpha", "model"]
TASK_FILES = {"alpha": ("task1.txt", "ref1.txt"), "model": ("task2.txt", "ref2.txt")}
_DIMS = ("1", "2", "3")


def looks_like_challenge(line: str) -> bool:
    """Whether a first line is a trajectory of the challenge and not a row of column names.

    Examples
    --------
    >>> looks_like_challenge("1;0.0;0.5;1.5"), looks_like_challenge("track;frame;x;y")
    (True, False)
    """
    fields = line.strip().rstrip(";").split(";")
    try:
        return len(fields) > 1 and float(fields[0]) in (1, 2, 3) and math.isfinite(float(fields[1]))
    except ValueError:
        return False


def read_challenge(path: str | os.PathLike[str], *, n_dims: int | None = None) -> Tracks:
    r"""Trajectories of a task file, bit for bit; nothing is dropped.

    A trailing ``;``, Windows line ends and blank lines are tolerated.

    Parameters
    ----------
    path : path
        A ``task1.txt`` or ``task2.txt``.
    n_dims : {1, 2, 3}, optional
        Which trajectories to read; the challenge's own files mix all three. Can be left out where
        all have the same.

    Returns
    -------
    Tracks
        Named by their place in the file, from 0.

    Raises
    ------
    TracksFileError
        If a line holds something else than finite numbers, if its number of fields is not a
        multiple of its dimension, or if dimensions are mixed and `n_dims` is not given.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "task1.txt"
    >>> _ = path.write_text("2;0.0;0.5;1.5;0.0;0.1;0.2\n")  # the x of all points, then the y
    >>> read_challenge(path).trajectories[0].tolist()
    [[0.0, 0.0], [0.5, 0.1], [1.5, 0.2]]
    """
    path = Path(path)
    trajectories: list[NDArray[np.float64]] = []
    ids: list[str] = []
    found: dict[int, int] = {}
    for index, (number, d, fields) in enumerate(_lines(path)):
        found[d] = found.get(d, 0) + 1
        if n_dims is not None and d != n_dims:
            continue
        if len(fields) % d or not fields:
            raise TracksFileError(
                f"{path}, line {number}: {len(fields)} positions of a {d}-D trajectory, which is "
                f"not a multiple of {d}: the line is cut off or corrupt."
            )
        values = _floats(fields, path, number)
        trajectories.append(np.ascontiguousarray(values.reshape(d, -1).T))
        ids.append(str(index))
    _refuse_mixed(found, n_dims, path)
    left_out = sum(found.values()) - len(ids)
    steps: tuple[ReadStep, ...] = ()
    if left_out:
        noun = "trajectory" if left_out == 1 else "trajectories"
        told = f"{left_out} {noun} of other dimensions left out"
        steps = (ReadStep("other_dimensions", told, n_tracks=left_out),)
    report = ReadReport(
        source=str(path),
        format="challenge",
        n_rows=sum(len(x) for x in trajectories),
        n_tracks=sum(found.values()),
        n_trajectories=len(ids),
        steps=steps,
    )
    return Tracks(trajectories, ids, [0] * len(ids), [""] * len(ids), report=report)


def read_challenge_labels(
    path: str | os.PathLike[str], task: Task, *, n_dims: int | None = None
) -> NDArray:
    """What the trajectories of a task file are: exponents (float64), or names of models.

    Parameters
    ----------
    path : path
        A ``ref1.txt`` or ``ref2.txt``.
    task : {"alpha", "model"}
        Which of the two.
    n_dims : {1, 2, 3}, optional
        As in `read_challenge`.

    Returns
    -------
    ndarray of shape (n,), float64 or str
        α, or names of models.

    Raises
    ------
    TracksFileError
        If a line is not ``dim;value``, or the model is not one of 0 … 4.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ref2.txt"
    >>> write_challenge_labels(["fbm", "lw"], path, task="model", n_dims=2)
    >>> read_challenge_labels(path, "model").tolist()
    ['fbm', 'lw']
    """
    path = Path(path)
    values: list[float] = []
    found: dict[int, int] = {}
    for number, d, fields in _lines(path):
        found[d] = found.get(d, 0) + 1
        if n_dims is not None and d != n_dims:
            continue
        if len(fields) != 1:
            raise TracksFileError(
                f"{path}, line {number}: {len(fields) + 1} fields, where 'dim;value' is needed."
            )
        value = float(_floats(fields, path, number)[0])
        if task == "model" and value not in range(len(MODELS)):
            raise TracksFileError(
                f"{path}, line {number}: model {value:g}, where one of 0 … {len(MODELS) - 1} "
                f"({', '.join(MODELS)}) is needed."
            )
        values.append(value)
    _refuse_mixed(found, n_dims, path)
    if task == "model":
        return np.array(MODELS)[np.array(values, dtype=np.int64)]
    return np.array(values)


def write_challenge(
    tracks: Tracks | Sequence[NDArray[np.float64]], path: str | os.PathLike[str]
) -> None:
    r"""Write trajectories as a task file, in their order and to the last bit.

    Names, units and first frames have no place in the format and are not written.

    Parameters
    ----------
    tracks : Tracks, or sequence of ndarray of shape (T_i, d)
        Positions.
    path : path
        File to write, such as ``task1.txt``.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "task1.txt"
    >>> write_challenge([np.array([[0.0, 0.0], [0.5, 0.1]])], path)
    >>> path.read_text()
    '2;0.0;0.5;0.0;0.1\n'
    """
    trajectories = tracks.trajectories if isinstance(tracks, Tracks) else tracks
    with replacing(path) as aside, aside.open("w", encoding="ascii", newline="\n") as file:
        for x in trajectories:
            values = np.asarray(x, dtype=np.float64).T.ravel().tolist()
            file.write(";".join([str(x.shape[1]), *map(repr, values)]))
            file.write("\n")


def write_challenge_labels(
    labels: ArrayLike, path: str | os.PathLike[str], *, task: Task, n_dims: int
) -> None:
    r"""Write exponents or names of models as a reference file, one per trajectory.

    Parameters
    ----------
    labels : array-like of shape (n,)
        α, or names of models.
    path : path
        File to write, such as ``ref1.txt``.
    task : {"alpha", "model"}
        Which of the two.
    n_dims : {1, 2, 3}
        Dimension of all trajectories.

    Raises
    ------
    TracksFileError
        If a label is not the name of one of the five models.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ref1.txt"
    >>> write_challenge_labels([0.5, 1.0], path, task="alpha", n_dims=2)
    >>> path.read_text()
    '2;0.5\n2;1.0\n'
    """
    values = np.asarray(labels)
    if task == "model":
        unknown = sorted(set(values.tolist()) - set(MODELS))
        if unknown:
            raise TracksFileError(
                f"Models {unknown} have no number in the challenge: it knows {', '.join(MODELS)}."
            )
        lines = [f"{n_dims};{MODELS.index(model)}\n" for model in values.tolist()]
    else:
        lines = [f"{n_dims};{float(alpha)!r}\n" for alpha in values.tolist()]
    with replacing(path) as aside:
        aside.write_text("".join(lines), encoding="ascii", newline="\n")


def _lines(path: Path) -> Iterator[tuple[int, int, list[str]]]:
    """Line number, dimension and the other fields of each line with content."""
    n = 0
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            content = line.strip().removesuffix(";")
            if not content:
                continue
            n += 1
            first, *fields = content.split(";")
            dim = first.strip().removesuffix(".0")
            if dim not in _DIMS:
                raise TracksFileError(
                    f"{path}, line {number}: starts with {first[:20]!r}, where the dimension 1, 2 "
                    "or 3 is needed."
                )
            yield number, int(dim), fields
    if not n:
        raise TracksFileError(f"{path} is empty: lines 'dim;…' are needed.")


def _floats(fields: list[str], path: Path, number: int) -> NDArray[np.float64]:
    try:
        values = np.array(list(map(float, fields)))
    except ValueError as error:
        raise TracksFileError(f"{path}, line {number}: {error}.") from error
    if not np.isfinite(values).all():
        raise TracksFileError(f"{path}, line {number}: a value is NaN or infinite.")
    return values


def _refuse_mixed(found: dict[int, int], n_dims: int | None, path: Path) -> None:
    told = ", ".join(f"{n} {d}-D" for d, n in sorted(found.items()))
    if n_dims is None and len(found) > 1:
        raise TracksFileError(
            f"{path} mixes {told} trajectories: choose with n_dims (--dims on the command line)."
        )
    if n_dims is not None and n_dims not in found:
        raise TracksFileError(f"{path} has no {n_dims}-D trajectory, only {told}.")
