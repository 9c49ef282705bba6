"""Batches of unequal lengths: which points are real, and what leaves the others out.

Zeros after the last point are what a convolution puts there anyway. So a network whose layers see
zeros beyond each trajectory, and whose averages over time run over its real points, gives every
trajectory the features it has by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Padding:
    """The real points of a batch of trajectories that were filled up to one length.

    Parameters
    ----------
    lengths : Tensor of shape (n,), int64
        Real points of each trajectory, at least one.
    T : int
        Points of each row of the batch.

    Examples
    --------
    >>> import torch
    >>> padding = Padding(torch.tensor([1, 3]), 3)
    >>> padding.clear(torch.ones(2, 1, 3)).tolist()
    [[[1.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]]]
    >>> padding.halved().lengths.tolist()
    [1, 2]
    """

    def __init__(self, lengths: Tensor, T: int) -> None:
        self.lengths = lengths
        self.T = T
        self.shortest = int(lengths.min())
        points = torch.arange(T, device=lengths.device)
        self.mask = (points < lengths[:, None])[:, None].to(torch.float32)

    def halved(self) -> Padding:
        """Padding after a convolution of stride two that keeps the first point."""
        return Padding((self.lengths + 1) // 2, (self.T + 1) // 2)

    def clear(self, h: Tensor) -> Tensor:
        """Put zeros beyond each trajectory of `h`, shape (n, c, T) or (n, c, 1, T)."""
        mask = self.mask if h.ndim == 3 else self.mask[:, :, None]
        return h * mask.to(h.dtype)

    def reaches_beyond(self, step: int) -> Tensor:
        """Say of which points (n, T) the point `step` later is none of the trajectory's."""
        points = torch.arange(self.T, device=self.lengths.device)
        return points + step >= self.lengths[:, None]

    def run(self, layer: nn.GRU, sequence: Tensor) -> Tensor:
        """States (n, T, s) of `layer` along the real points of (n, T, c), zeros beyond."""
        packed = nn.utils.rnn.pack_padded_sequence(
            sequence, self.lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = layer(packed)
        return nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=self.T)[0]


def cleared(h: Tensor, padding: Padding | None) -> Tensor:
    """Put zeros beyond the real points, if there are others."""
    return h if padding is None else padding.clear(h)
