"""From trajectories to a network's outputs: normalise, group by length, batch, average crops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skandi.lengths import crops, group_by_length, lengths_of, similar_lengths
from skandi.networks.base import TrajectoryNetwork
from skandi.normalize import standardize
from skandi.training.arithmetic import arithmetic

# What another pass costs beside its points, in points: calls, and steps of the recurrence.
_PASS = 1_000
_PASS_PER_POINT = 1.5


VIEWS = ("none", "flip", "all")
"""Sets of copies of a trajectory that the physics cannot tell apart, see `symmetric_views`."""


def network_features(
    network: TrajectoryNetwork,
    trajectories: Sequence[NDArray[np.float64]],
    *,
    length: int | None = None,
    views: str = "none",
    precision: str = "float32",
    batch_points: int | None = None,
) -> NDArray[np.float32]:
    """Feature vector of each trajectory, averaged over its crops and symmetric views.

    Parameters
    ----------
    network : Module
        In evaluation mode, with ``features`` and ``n_features``.
    trajectories : sequence of ndarray of shape (T_i, d)
        Raw positions.
    length : int, optional
        The network's length: the whole trajectory is normalised, then its `crops` are read (Li,
        Yao & Huang 2021, Sec. 2). None reads everything.
    views : {"none", "flip", "all"}
        Symmetric copies to average over.
    precision : {"float32", "bfloat16"}
        The network's arithmetic, where it is sound (`skandi.training.arithmetic`).
    batch_points : int, optional
        Largest number of points in one forward pass; the network's own when left out.

    Returns
    -------
    ndarray of shape (n, n_features), float32
    """
    if views not in VIEWS:
        raise ValueError(f"views is {views!r}; it must be one of {list(VIEWS)}.")
    features = np.zeros((len(trajectories), network.n_features), dtype=np.float32)
    n_read = np.zeros(len(trajectories), dtype=np.int64)
    device = _device(network)
    with torch.inference_mode():
        read = _reader(network, precision)
        size = network.points_per_pass if batch_points is None else batch_points
        for which, x, lengths in _batches(trajectories, length, size, network.reads_padded):
            lengths = None if lengths is None else lengths.to(device)
            for view in symmetric_views(x.to(device), views):
                features[which] += read(view, lengths).float().cpu().numpy()
                n_read[which] += 1
    return features / n_read[:, None].astype(np.float32)


def _reader(
    network: TrajectoryNetwork, precision: str
) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Features of a batch as a function; sums in bfloat16 need the care that training takes."""
    exact = network.reader()
    if precision == "float32":
        return exact

    def read(x: Tensor, lengths: Tensor | None) -> Tensor:
        if x.shape[-1] < network.shortest_bfloat16:
            return exact(x, lengths)
        with arithmetic(precision, network, x):
            return network.features(x) if lengths is None else network.padded_features(x, lengths)

    return read


def network_outputs(
    network: TrajectoryNetwork,
    trajectories: Sequence[NDArray[np.float64]],
    *,
    length: int | None = None,
    views: str = "none",
    batch_points: int | None = None,
) -> NDArray[np.float32]:
    """Outputs of the head for each trajectory; parameters as in `network_features`."""
    return head_outputs(
        network,
        network_features(
            network, trajectories, length=length, views=views, batch_points=batch_points
        ),
    )


def head_outputs(network: TrajectoryNetwork, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs of the head for feature vectors of shape (n, n_features)."""
    with torch.inference_mode():
        outputs = network.head(torch.from_numpy(features).to(_device(network)))
    return outputs.float().cpu().numpy()


def symmetric_views(x: Tensor, views: str) -> Iterator[Tensor]:
    """Yield `x` of shape (n, d, T) and copies of it that are equally probable under every model.

    Diffusion in free space has no preferred direction and its axes no order: "flip" adds the mirror
    image, "all" every mirror image and order of the axes, 2, 8 or 48 in 1, 2 or 3 dimensions.
    """
    yield x
    if views == "flip":
        yield -x
    elif views == "all":
        d = x.shape[1]
        for order in permutations(range(d)):
            for signs in product((1.0, -1.0), repeat=d):
                if order != tuple(range(d)) or -1.0 in signs:
                    yield x[:, order] * x.new_tensor(signs)[:, None]


def _device(network: TrajectoryNetwork) -> torch.device:
    """Where the network is: a model trained on a GPU and opened without one is on the CPU."""
    return next(network.parameters()).device


def _most_padding(T: int) -> float:
    """Points of padding that cost as much as another pass."""
    return _PASS + _PASS_PER_POINT * T


def _batches(
    trajectories: Sequence[NDArray[np.float64]],
    length: int | None,
    batch_points: int,
    padded: bool,
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor | None]]:
    """Yield indices of trajectories, their z-scored points (n, d, T), and lengths if they differ.

    Trajectories of nearly one length share a batch if the network can tell where each one ends: a
    batch of few trajectories leaves a core idle, and every new shape makes torch generate code.
    """
    n_points = lengths_of(trajectories)
    joined = padded and length is None
    for which in similar_lengths(n_points, batch_points, _most_padding if joined else None):
        batch = [trajectories[i] for i in which]
        if n_points[which[0]] == n_points[which[-1]]:
            z = standardize(np.stack(batch)).astype(np.float32)
            for part in crops(z, length):
                yield which, torch.from_numpy(np.ascontiguousarray(part.transpose(0, 2, 1))), None
            continue
        x = np.zeros((len(which), batch[0].shape[1], n_points[which[-1]]), dtype=np.float32)
        for T, same in group_by_length(batch).items():
            x[same, :, :T] = standardize(np.stack([batch[i] for i in same])).transpose(0, 2, 1)
        yield which, torch.from_numpy(x), torch.from_numpy(n_points[which])
