"""Several networks that answer together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skandi.networks.base import TrajectoryNetwork
from skandi.networks.multiscale import MultiScaleNet


class NetworkEnsemble(TrajectoryNetwork):
    """Multi-scale networks side by side, whose answer is the mean of their distributions.

    Networks trained from different first weights on different trajectories err differently; what
    they have in common is nearer to the truth (Hansen & Salamon, IEEE Trans. Pattern Anal. Mach.
    Intell. 12:993, 1990). The mean is one of probabilities, so where members contradict each other
    the answer is uncertain. The feature vector holds those of all members.

    Parameters
    ----------
    n_dims : int
        Spatial dimensions d.
    n_outputs : int
        Number of outputs of each member: classes, or values of α.
    members : sequence of dict
        Keyword arguments of each `MultiScaleNet`.

    Examples
    --------
    >>> import torch
    >>> network = NetworkEnsemble(n_dims=2, n_outputs=5, members=[{}, {"recurrent_size": 0}])
    >>> network(torch.zeros(7, 2, 30)).exp().sum(dim=1).round().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    gives_distribution = True
    shortest_bfloat16 = MultiScaleNet.shortest_bfloat16
    reads_padded = True
    points_per_pass = MultiScaleNet.points_per_pass

    def __init__(
        self, n_dims: int = 1, n_outputs: int = 1, *, members: Sequence[dict[str, Any]] = ({}, {})
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(MultiScaleNet(n_dims, n_outputs, **m) for m in members)
        self.sizes = [member.n_features for member in self.networks()]
        self.n_features = sum(self.sizes)

    def networks(self) -> list[MultiScaleNet]:
        """Give the members."""
        return [member for member in self.members if isinstance(member, MultiScaleNet)]

    def features(self, x: Tensor) -> Tensor:
        """Give the feature vectors of all members, shape (n, n_features)."""
        return torch.cat([member.features(x) for member in self.networks()], dim=1)

    def padded_features(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Give the feature vectors of the first ``lengths`` points, shape (n, n_features)."""
        each = [member.padded_features(x, lengths) for member in self.networks()]
        return torch.cat(each, dim=1)

    def reader(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Give a function that reads many batches, each with the readers of the members."""
        readers = [member.reader() for member in self.networks()]

        def read(x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return torch.cat([member(x, lengths) for member in readers], dim=1)

        return read

    def head(self, features: Tensor) -> Tensor:
        """Give the logarithms of the mean probabilities, shape (n, n_outputs)."""
        each = [
            member.head(own).log_softmax(dim=1)
            for member, own in zip(self.networks(), features.split(self.sizes, dim=1), strict=True)
        ]
        return torch.stack(each).logsumexp(dim=0) - torch.tensor(float(len(each))).log()
