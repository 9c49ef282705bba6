"""Arrays of numbers, as numpy keeps them in a ``.npy`` file: which of three forms one has."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skandi.diffusion import MODELS
from skandi.errors import TracksFileError

MAGIC = b"\x93NUMPY"
_N_MODELS = len(MODELS)
FORMS = (
    "napari's (N, 4 or 5) with ID, T, (Z,) Y, X in a row; (N, T, d) with NaN for missing frames, "
    "as noctiluca has it; or andi_datasets' (N, 2 + T·d) with model, α, positions in a row"
)


def load_array(path: str | os.PathLike[str]) -> NDArray:
    """The array in a ``.npy`` file, unless it holds pickled objects: those can run any program.

    Raises
    ------
    TracksFileError
        If the file is damaged, or holds something else than numbers.
    """
    path = Path(path)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise TracksFileError(f"{path} is not a numpy array: a .npy file is needed.")
    try:
        # mapped, so that a header that promises more than the file has takes no memory
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        # numpy evaluates the header as Python text: a damaged one raises nearly anything.
        if isinstance(error, OSError):
            raise
        raise TracksFileError(
            f"{path} is not a readable array of numbers: {str(error).rstrip('.')}. Save a plain "
            "float array."
        ) from error


def as_numbers(array: NDArray, ndim: int, format: str, source: str) -> NDArray[np.float64]:
    """An array as float64 with the number of axes that a format has.

    Raises
    ------
    TracksFileError
        If it holds no real numbers, or has another number of axes.
    """
    if array.dtype.kind not in "iuf" or array.ndim != ndim:
        raise TracksFileError(
            f"{source} is no array of the format {format}: shape {array.shape} of {array.dtype}, "
            f"where {ndim} axes of real numbers are needed. Arrays can be: {FORMS}."
        )
    if np.ma.is_masked(array):
        raise TracksFileError(
            f"{source} has masked values, which mean nothing: fill them, with NaN where frames are "
            "missing and the format allows it."
        )
    return np.array(array, dtype=np.float64)


def array_format(array: NDArray, source: str) -> str:
    """Which of the forms an array has, by its shape and first columns.

    Raises
    ------
    TracksFileError
        If it has none of them.

    Examples
    --------
    >>> array_format(np.zeros((10, 100, 2)), "the array")
    'noctiluca'
    >>> array_format(np.array([[7, 0, 2.5, 1.5], [7, 1, 2.0, 1.0]]), "the array")
    'napari'
    """
    if array.dtype.kind in "iuf" and array.size:
        if array.ndim == 3 and array.shape[2] in (1, 2, 3):
            return "noctiluca"
        if array.ndim == 2:
            first, second = array[:, 0], array[:, 1:2]
            if array.shape[1] in (4, 5) and _are_whole(first) and _are_whole(second):
                return "napari"
            is_model = np.isin(first, range(_N_MODELS)).all()
            if array.shape[1] > 5 and is_model and ((second > 0) & (second <= 2)).all():
                return "andi-datasets"
    raise TracksFileError(
        f"{source} is an array of shape {array.shape} of {array.dtype}, which is none of those "
        f"that hold tracks: {FORMS}."
    )


def _are_whole(values: NDArray) -> bool:
    return bool((np.isfinite(values) & (np.rint(values) == values)).all())
