"""Lengths: the grid of the paper, buckets, which crops a trajectory is read in, grouping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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

    Up to twice the length these are the first and the last points (Li, Yao & Huang 2021, Sec. 2).
    A longer trajectory is read in as many evenly spaced parts as it takes to leave none out.

    Parameters
    ----------
    z : ndarray of shape (..., T, d)
        Trajectories of one length, normalised over all their points.
    length : int or None
        Points the network reads, at most T; None stands for T.

    Returns
    -------
    list of ndarray of shape (..., length, d)
        In order of time; the first begins at the first point, the last ends at the last.

    Examples
    --------
    >>> track = np.arange(10.0)[:, None]
    >>> [part.ravel().astype(int).tolist() for part in crops(track, 4)]
    [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    """
    T = z.shape[-2]
    if length is None or length == T:
        return [z]
    if length > T:
        raise ValueError(f"cannot crop {T} points to {length}")
    starts = np.linspace(0, T - length, max(2, -(-T // length))).round().astype(int)
    return [z[..., start : start + length, :] for start in starts]


def lengths_of(trajectories: Sequence[NDArray]) -> NDArray[np.int64]:
    """Give the number of points of each trajectory."""
    return np.array([len(t) for t in trajectories], dtype=np.int64)


def group_by_length(trajectories: Sequence[NDArray]) -> dict[int, NDArray[np.int64]]:
    """Give, for each length that occurs, the indices of its trajectories in their order."""
    lengths = lengths_of(trajectories)
    order = np.argsort(lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order], prepend=-1))
    return {int(lengths[group[0]]): group for group in np.split(order, starts[1:]) if len(group)}


def similar_lengths(
    n_points: NDArray[np.int64],
    batch_points: int,
    most_padding: Callable[[int], float] | None,
) -> Iterator[NDArray[np.int64]]:
    """Yield batches of trajectories of similar length, the longest first.

    Parameters
    ----------
    n_points : ndarray of shape (n,)
        Points of each trajectory.
    batch_points : int
        Largest number of points in a batch, were all as long as its longest; one trajectory may be
        longer than that.
    most_padding : callable, or None
        Gives, from the length of the longest of a batch, how many points the others may lack in
        all; None for batches of one length.

    Yields
    ------
    ndarray of int
        Indices of trajectories, by growing length.

    Examples
    --------
    >>> n_points = np.array([20, 100, 19, 95, 20])
    >>> [batch.tolist() for batch in similar_lengths(n_points, 1000, lambda T: T / 10)]
    [[3, 1], [2, 0, 4]]
    >>> [batch.tolist() for batch in similar_lengths(n_points, 1000, None)]
    [[1], [3], [0, 4], [2]]
    """
    order = np.argsort(n_points, kind="stable")
    ordered = n_points[order]
    stop = len(order)
    while stop:
        T = int(ordered[stop - 1])
        lowest = max(0, stop - max(1, batch_points // max(T, 1)))
        lacking = np.cumsum(T - ordered[lowest:stop][::-1])
        allowed = 0 if most_padding is None else most_padding(T)
        start = stop - int(np.searchsorted(lacking, allowed, side="right"))
        yield order[start:stop]
        stop = start


@dataclass(frozen=True)
class Bucket:
    """Trajectories that are read by the same networks.

    Attributes
    ----------
    length : int or None
        Points the networks read of each trajectory; None if they read all of it.
    low : int
        Points of the shortest trajectory.
    high : int or None
        Points of the longest; None if there is no limit.
    merged : tuple of int
        ``low`` of the buckets that had too few trajectories to train on and were joined to it.
    """

    length: int | None
    low: int
    high: int | None
    merged: tuple[int, ...] = ()


def make_buckets(lengths: str | ArrayLike | None) -> list[Bucket]:
    """Make the buckets a user asks for.

    Parameters
    ----------
    lengths : "wadnet", array-like of int, list of (low, high), or None
        The paper's grid; any grid, of which a trajectory belongs to the nearest smaller length;
        ranges with both ends included, inside which every length is read as it is; or one bucket
        for all.

    Returns
    -------
    list of Bucket
        By growing length; the last one has no upper limit.

    Raises
    ------
    ValueError
        If the lengths are not whole, growing, and without gaps between ranges.

    Examples
    --------
    >>> make_buckets([10, 50])
    [Bucket(length=10, low=10, high=49, merged=()), Bucket(length=50, low=50, high=None, merged=())]
    """
    if lengths is None:
        return [Bucket(None, 1, None)]
    if isinstance(lengths, str):
        if lengths != "wadnet":
            raise ValueError(f"lengths is {lengths!r}; the only grid with a name is 'wadnet'.")
        lengths = WADNET_LENGTHS
    table = np.asarray(lengths)
    fewest = 1 if table.ndim == 2 else 2  # a network of one length reads displacements
    whole = table.size > 0 and np.issubdtype(table.dtype, np.integer) and table.min() >= fewest
    if not whole or table.ndim > 2 or (table.ndim == 2 and table.shape[1] != 2):
        raise ValueError(
            f"lengths is {lengths!r}; pass 'wadnet', whole numbers of at least 2, pairs "
            "(low, high) of at least 1, or None."
        )
    low = table[:, 0] if table.ndim == 2 else np.atleast_1d(table)
    if (np.diff(low) <= 0).any():
        raise ValueError(f"lengths is {lengths!r}; they must grow.")
    if table.ndim == 2 and (table[1:, 0] != table[:-1, 1] + 1).any():
        raise ValueError(
            f"lengths is {lengths!r}; each range must begin one above the end of the one before."
        )
    high = [*(int(v) - 1 for v in low[1:]), None]
    return [
        Bucket(None if table.ndim == 2 else int(v), int(v), h)
        for v, h in zip(low, high, strict=True)
    ]


def end_of_ranges(lengths: str | ArrayLike | None) -> int | None:
    """Give the upper end of the last range, beyond which its bucket goes on; None if no ranges."""
    if lengths is None or isinstance(lengths, str) or np.ndim(lengths) != 2:
        return None
    return int(np.asarray(lengths)[-1, 1])


def bucket_of(n_points: ArrayLike, buckets: Sequence[Bucket]) -> NDArray[np.int64]:
    """Give the bucket of each number of points; -1 if it is less than the shortest."""
    return np.searchsorted([b.low for b in buckets], n_points, side="right") - 1


def merge_scarce(
    buckets: Sequence[Bucket], n_points: ArrayLike, enough: Callable[[NDArray[np.int64]], bool]
) -> list[Bucket]:
    """Join buckets with too few trajectories to the next smaller one, the first to the second.

    The next smaller one, because its networks can read the longer trajectories.

    Parameters
    ----------
    buckets : sequence of Bucket
        As asked for.
    n_points : array-like of shape (n,)
        Points of each training trajectory.
    enough : callable
        Tells from the indices of the trajectories of a bucket whether they will do.

    Returns
    -------
    list of Bucket
        At least one.
    """
    merged = list(buckets)
    while len(merged) > 1:
        where = bucket_of(n_points, merged)
        scarce = [k for k in range(len(merged)) if not enough(np.flatnonzero(where == k))]
        if not scarce:
            break
        k = max(scarce[-1], 1)
        small, large = merged[k - 1 : k + 1]
        joined = (*small.merged, large.low, *large.merged)
        merged[k - 1 : k + 1] = [Bucket(small.length, small.low, large.high, joined)]
    return merged
