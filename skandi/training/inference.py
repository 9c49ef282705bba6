"""From trajectories to a network's outputs: normalise, group by length, batch, average crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skandi.lengths import crops, group_by_length
from skandi.networks.base import TrajectoryNetwork
from skandi.normalize import standardize

BATCH_POINTS = 100_000
"""Points per forward pass: enough to keep a core busy, few enough to stay in its cache."""


def network_features(
    network: TrajectoryNetwork,
    trajectories: Sequence[NDArray[np.float64]],
    *,
    length: int | None = None,
    batch_points: int = BATCH_POINTS,
) -> NDArray[np.float32]:
    """Feature vector of each trajectory, averaged over its crops if the network has one length.

    Parameters
    ----------
    network : Module
        In evaluation mode, with ``features`` and ``n_features``.
    trajectories : sequence of ndarray of shape (T_i, d)
        Raw positions.
    length : int, optional
        The network's length: the whole trajectory is normalised, then its `crops` are read (Li,
        Yao & Huang 2021, Sec. 2). None reads everything.
    batch_points : int
        Largest number of points in one forward pass.

    Returns
    -------
    ndarray of shape (n, n_features), float32
    """
    features = np.zeros((len(trajectories), network.n_features), dtype=np.float32)
    n_crops = np.zeros(len(trajectories), dtype=np.int64)
    with torch.inference_mode():
        for which, x in _batches(trajectories, length, batch_points):
            v = network.features(x.to(_device(network))).float().cpu().numpy()
            np.add.at(features, which, v)
            np.add.at(n_crops, which, 1)
    return features / n_crops[:, None].astype(np.float32)


def network_outputs(
    network: TrajectoryNetwork,
    trajectories: Sequence[NDArray[np.float64]],
    *,
    length: int | None = None,
    batch_points: int = BATCH_POINTS,
) -> NDArray[np.float32]:
    """Outputs of the head for each trajectory; parameters as in `network_features`."""
    features = network_features(network, trajectories, length=length, batch_points=batch_points)
    with torch.inference_mode():
        outputs = network.head(torch.from_numpy(features).to(_device(network)))
    return outputs.float().cpu().numpy()


def _device(network: TrajectoryNetwork) -> torch.device:
    """Where the network is: a model trained on a GPU and opened without one is on the CPU."""
    return next(network.parameters()).device


def _batches(
    trajectories: Sequence[NDArray[np.float64]], length: int | None, batch_points: int
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield indices of trajectories and their z-scored points (n, d, T), one length at a time."""
    for T, members in group_by_length(trajectories).items():
        size = max(1, batch_points // T)
        for start in range(0, len(members), size):
            which = members[start : start + size]
            z = standardize(np.stack([trajectories[i] for i in which])).astype(np.float32)
            for part in crops(z, length):
                yield which, torch.from_numpy(np.ascontiguousarray(part.transpose(0, 2, 1)))
