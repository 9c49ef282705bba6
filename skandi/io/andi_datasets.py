"""The arrays of the package andi_datasets: model, α, x…, y…, z… in a row, all of one length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.arrays import as_numbers
from skandi.io.tracks import ReadReport, ReadStep, Tracks

N_LABELS = 2


def read_andi_datasets(
    array: NDArray, source: str = "array", *, n_dims: int | None = None
) -> Tracks:
    """Trajectories of such an array, bit for bit; they are named by their place, from 0.

    The labels are left out: they are ``array[:, 0]`` (the model's number in
    `skandi.diffusion.MODELS`) and ``array[:, 1]`` (α).

    Parameters
    ----------
    array : ndarray of shape (N, 2 + T·n_dims)
        What ``create_dataset`` returns.
    source : str
        What messages call it.
    n_dims : {1, 2, 3}, optional
        The array does not say it. Can be left out where only 1 is possible.

    Raises
    ------
    TracksFileError
        If the width does not fit `n_dims`, or fits several and `n_dims` is not given, or a position
        is not finite.
    """
    positions = as_numbers(array, 2, "andi-datasets", source)[:, N_LABELS:]
    width = positions.shape[1]
    possible = [d for d in (1, 2, 3) if width and width % d == 0]
    if n_dims is None and len(possible) != 1:
        told = ", ".join(f"{width // d} points in {d}-D" for d in possible) or "no position at all"
        raise TracksFileError(
            f"{source}: {width} numbers in a row can be {told}: choose with n_dims (--dims on the "
            "command line)."
        )
    d = possible[0] if n_dims is None else n_dims
    if d not in possible:
        raise TracksFileError(
            f"{source}: {width} numbers in a row after model and α are not {d}-D positions."
        )
    wrong = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(wrong):
        raise TracksFileError(f"{source}: a position in row {wrong[0]} is NaN or infinite.")
    n = len(positions)
    trajectories = [np.ascontiguousarray(row.reshape(d, -1).T) for row in positions]
    report = ReadReport(
        source=source,
        format="andi-datasets",
        n_rows=n * (width // d),
        n_tracks=n,
        n_trajectories=n,
        steps=(ReadStep("labels", "model and α, the first two columns, left out", n_tracks=n),),
    )
    return Tracks(trajectories, [str(i) for i in range(n)], [0] * n, [""] * n, report=report)
