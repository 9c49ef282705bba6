"""Lengths: the grid of the paper, which crops a trajectory is read in, grouping by length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# fmt: off
WADNET_LENGTHS: tuple[int, ...] = (
    10, 15, 20, 25, 30, 40, 45, 50, 55, 60, 70, 80, 90, 100, 105, 110, 115, 120, 125, 150, 175,
    200, 225, 250, 275, 300, 325, 350, 375, 400, 425, 450, 475, 500, 550, 600, 650, 700, 750,
    800, 850, 900, 950,
)
# fmt: on
"""The 43 lengths for which Li, Yao & Huang (2021) trained one network each."""


def crops(z: NDArray, length: int | None) -> list[NDArray]:
    """Give the parts of a normalised trajectory that a network of one length reads.

    Parameters
    ----------
    z : ndarray of shape (..., T, d)
        Trajectories of one length, normalised over all their points.
    length : int or None
        Points the network reads, at most T; None stands for T.

    Returns
    -------
    list of ndarray of shape (..., length, d)
        The first and the last `length` points, or all points once if there are no more.
    """
    T = z.shape[-2]
    if length is None or length == T:
        return [z]
    if length > T:
        raise ValueError(f"cannot crop {T} points to {length}")
    return [z[..., :length, :], z[..., T - length :, :]]


def group_by_length(trajectories: Sequence[NDArray]) -> dict[int, NDArray[np.int64]]:
    """Give, for each length that occurs, the indices of its trajectories in their order."""
    lengths = np.array([len(t) for t in trajectories], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order], prepend=-1))
    return {int(lengths[group[0]]): group for group in np.split(order, starts[1:]) if len(group)}
