"""What every network of skandi is: features of z-scored positions, and a head that reads them."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

# A forked process has none of its parent's OpenMP threads and would wait for them without end.
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class TrajectoryNetwork(nn.Module):
    """Base of the networks.

    Attributes
    ----------
    n_features : int
        Size of the feature vector.
    shortest_bfloat16 : int
        Length from which training in bfloat16 is sound.
    reads_padded : bool
        Whether there are ``padded_features`` for batches of unequal lengths.
    points_per_pass : int
        Points in one pass of prediction: enough to keep a core busy, few enough to stay in its
        cache.
    """

    n_features: int
    shortest_bfloat16: int = 1
    reads_padded: bool = False
    points_per_pass: int = 25_000

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored positions of shape (n, d, T) to outputs of shape (n, n_outputs)."""
        return self.head(self.features(x))

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Map z-scored positions of shape (n, d, T) to features of shape (n, n_features)."""

    def padded_features(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Give row i the features of its first ``lengths[i]`` points alone, to rounding.

        For networks that have ``reads_padded``; what `x` holds beyond these points is ignored.
        """
        raise NotImplementedError(f"{type(self).__name__} reads trajectories of one length")

    def reader(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Give a function of x and lengths (or None) with the features to rounding, for answers.

        Where nothing is learnt, a network may do with fewer passes over its data.
        """
        return lambda x, lengths: (
            self.features(x) if lengths is None else self.padded_features(x, lengths)
        )

    @abstractmethod
    def head(self, features: Tensor) -> Tensor:
        """Map features of shape (n, n_features) to outputs of shape (n, n_outputs)."""
