"""Batches of unequal lengths: which points are real, and what leaves the others out.

Zeros after the last point are what a convolution puts there anyway. So a network whose layers see
zeros beyond each trajectory, and whose averages over time run over its real points, gives every
trajectory the features it has by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Added to a variance, because the root of zero has an infinite slope.
MOMENT_EPSILON = 1e-6


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
        points = torch.arange(T, device=lengths.device)
        self.mask = (points < lengths[:, None])[:, None].to(torch.float32)

    def halved(self) -> Padding:
        """Padding after a convolution of stride two that keeps the first point."""
        return Padding((self.lengths + 1) // 2, (self.T + 1) // 2)

    def clear(self, h: Tensor) -> Tensor:
        """Put zeros beyond each trajectory of `h`, shape (n, c, T)."""
        return h * self.mask.to(h.dtype)

    def per_point(self, sums: Tensor) -> Tensor:
        """Divide sums over time, shape (n, c), by the number of real points."""
        return sums / self.lengths[:, None]

    def group_norm(self, norm: nn.GroupNorm, h: Tensor) -> Tensor:
        """Normalise groups of channels over the real points of `h`, zeros beyond, (n, c, T)."""
        wide = h.float()
        n, c, _ = wide.shape
        groups = norm.num_groups
        mean = self.per_point(wide.sum(dim=2)).view(n, groups, -1).mean(dim=2)
        square = torch.linalg.vector_norm(wide, dim=2).square()
        square = self.per_point(square).view(n, groups, -1).mean(dim=2)
        scale = torch.rsqrt((square - mean.square()).clamp_min(0) + norm.eps)
        weight = scale.repeat_interleave(c // groups, dim=1) * norm.weight
        bias = norm.bias - mean.repeat_interleave(c // groups, dim=1) * weight
        return torch.addcmul(bias[:, :, None], wide, weight[:, :, None]).to(h.dtype)

    def moments(self, h: Tensor) -> Tensor:
        """Mean and standard deviation over the real points of `h`, zeros beyond, as `Moments`."""
        wide = h.float()
        mean = self.per_point(wide.sum(dim=2))
        square = self.per_point(torch.linalg.vector_norm(wide, dim=2).square())
        variance = (square - mean.square()).clamp_min(0)
        return torch.cat([mean, torch.sqrt(variance + MOMENT_EPSILON)], dim=1)

    def recurrent(self, layer: nn.GRU, h: Tensor) -> Tensor:
        """Run `layer` over the real points of `h`, (n, c, T); its states, zeros beyond."""
        packed = nn.utils.rnn.pack_padded_sequence(
            h.transpose(1, 2), self.lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = layer(packed)
        padded, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=self.T)
        return padded.transpose(1, 2)
