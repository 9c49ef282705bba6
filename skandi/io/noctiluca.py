"""noctiluca's arrays: (N, T, d), one particle a row, NaN where a frame has no position."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.arrays import FORMS, as_numbers
from skandi.io.localisations import Localisations


def read_noctiluca(array: NDArray, source: str = "array") -> Localisations:
    """The localisations of an (N, T, d) array; particles are named by their place, from 0.

    Raises
    ------
    TracksFileError
        If d is not 1, 2 or 3.
    """
    positions = as_numbers(array, 3, "noctiluca", source)
    n, n_frames, n_dims = positions.shape
    if n_dims not in (1, 2, 3):
        raise TracksFileError(
            f"{source} has shape {positions.shape}, whose last axis is not x, y, z. "
            f"Arrays can be: {FORMS}."
        )
    return Localisations(
        source=source,
        format="noctiluca",
        track=np.repeat(np.arange(n), n_frames),
        names=[str(i) for i in range(n)],
        time=np.tile(np.arange(n_frames, dtype=np.float64), n),
        positions=positions.reshape(-1, n_dims),
        axes=("x", "y", "z")[:n_dims],
    )
