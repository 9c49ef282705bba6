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

# Without oneDNN, as on Apple silicon, torch gives convolutions to NNPACK, which is several times
# as slow as torch's own in shapes like ours.
if not torch.backends.mkldnn.is_available():
    torch.backends.nnpack.set_flags(False)


class TrajectoryNetwork(nn.Module):
    """Base of the networks, those of a user's own among them.

    A class is built as ``Network(n_dims, n_outputs, **network_params)``: with 1 output for α (40,
    the logits of `ALPHA_GRID`, if it ``gives_distribution``), or one logit per class. It says
    ``n_features``, ``features`` and ``head``, and estimators take it as ``network=Network``.

    Attributes
    ----------
    n_features : int
        Size of the feature vector.
    gives_distribution : bool
        Whether α comes as a distribution, which intervals need, and not as one number.
    shortest_bfloat16 : int
        Length from which training in bfloat16 is sound.
    reads_padded : bool
        Whether there are ``padded_features`` for batches of unequal lengths.
    points_per_pass : int
        Points in one pass of prediction: enough to keep a core busy, few enough to stay in its
        cache.

    Examples
    --------
    >>> from torch import nn
    >>> from skandi import AlphaRegressor
    >>> from skandi.networks import TrajectoryNetwork
    >>> from skandi.simulate import make_andi
    >>> class Smoothed(TrajectoryNetwork):
    ...     n_features = 16
    ...     def __init__(self, n_dims, n_outputs, *, width=5):
    ...         super().__init__()
    ...         self.smooth = nn.Conv1d(n_dims, 16, width)
    ...         self.output = nn.Linear(16, n_outputs)
    ...     def features(self, x):
    ...         return self.smooth(x).abs().mean(dim=2)
    ...     def head(self, features):
    ...         return self.output(features)
    >>> X, alpha = make_andi(40, n_dims=2, length=(10, 30), random_state=0)
    >>> own = AlphaRegressor(Smoothed, network_params={"width": 3}, max_epochs=2, random_state=0)
    >>> own.fit(X, alpha).predict(X[:3]).shape
    (3,)
    """

    n_features: int
    gives_distribution: bool = False
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
