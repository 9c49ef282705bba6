"""The two autoencoders of Muñoz-Gil, Guigó i Corominas & Lewenstein (2021), generalised in T and d.

They read trajectories rebuilt from displacements of unit standard deviation
(`skandi.normalize.scale_displacements`), shape (n, d, T), and give their reconstruction. Inside,
time is the first axis (`skandi.networks.time_major`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from skandi.networks.time_major import TimeConv, max_pool, unpool

_CHANNELS = (16, 32, 64)


class TrajectoryAutoencoder(nn.Module):
    """Base of the two autoencoders; `SmallAutoencoder` describes the parameters.

    Attributes
    ----------
    divisor : int
        The length must be a multiple of it.
    points_per_latent : int
        Coordinates per number of the latent vector, by default.
    """

    divisor: int
    points_per_latent: int
    _n_pooled: int
    _width: int

    def __init__(
        self,
        n_dims: int,
        length: int,
        *,
        n_latent: int | None = None,
        shared_batch_norm: bool = False,
        pooling_indices: bool = True,
    ) -> None:
        super().__init__()
        if length < self.divisor or length % self.divisor:
            raise ValueError(
                f"length is {length}; {type(self).__name__} needs a multiple of {self.divisor}."
            )
        if n_latent is None:
            # A rectifier may silence some of them for good, so no fewer than the paper's four.
            n_latent = max(4, round(n_dims * length / self.points_per_latent))
        self.n_dims = n_dims
        self.length = length
        self.n_latent = n_latent
        self.shared_batch_norm = shared_batch_norm
        self.pooling_indices = pooling_indices
        self.norms_in = nn.ModuleList(nn.BatchNorm1d(c) for c in _CHANNELS)
        self.norms_out = nn.ModuleList(nn.BatchNorm1d(c) for c in reversed(_CHANNELS))
        if shared_batch_norm:
            self._share_batch_norm()
        self.squeeze = nn.Sequential(
            nn.Linear(self._n_pooled, self._width),
            nn.ReLU(),
            nn.Linear(self._width, n_latent),
            nn.ReLU(),
        )
        self.expand = nn.Sequential(
            nn.Linear(n_latent, self._width),
            nn.Linear(self._width, _CHANNELS[-1] * (length // self.divisor)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct normalised trajectories of shape (n, d, T)."""
        return self.decode(*self.encode(x))

    @abstractmethod
    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the latent vectors (n, n_latent) and, of each pooling, where the maxima were.

        The latter, arrays (T', n, channels) of zeros and ones, reach the decoder beside the
        latent vector.
        """

    @abstractmethod
    def decode(self, latent: Tensor, places: Sequence[Tensor]) -> Tensor:
        """Give the trajectories (n, d, T) of latent vectors and places of maxima."""

    def _share_batch_norm(self) -> None:
        """Let encoder and decoder learn one scale and shift per level, as the authors' do.

        The running statistics stay apart: a mixture of those of two places describes neither. In
        training, where statistics of the batch are used, this is the authors' network exactly.
        """
        for norm_in, norm_out in zip(self.norms_in, reversed(self.norms_out), strict=True):
            norm_out.weight, norm_out.bias = norm_in.weight, norm_in.bias

    def _expanded(self, latent: Tensor) -> Tensor:
        h = self.expand(latent).view(len(latent), _CHANNELS[-1], -1)
        return h.permute(2, 0, 1).contiguous()

    def _unpooled(self, h: Tensor, places: Tensor) -> Tensor:
        return unpool(h, places if self.pooling_indices else None)


class SmallAutoencoder(TrajectoryAutoencoder):
    """The autoencoder for short trajectories (T = 20 in the paper).

    With the defaults it has 63 589 parameters, or 63 365 if encoder and decoder share the scales
    and shifts of their batch normalisation.

    Parameters
    ----------
    n_dims : int, default=1
        Spatial dimensions d.
    length : int, default=20
        Points T of a trajectory, a multiple of 4.
    n_latent : int, optional
        Size of the latent vector; by default T d / 5, and 4 at least.
    shared_batch_norm : bool, default=False
        Share the scale and shift of batch normalisation between encoder and decoder.
    pooling_indices : bool, default=True
        Let the decoder put values back where the encoder's maxima were. Without, they go to the
        earlier point of each pair, and all that the decoder knows is in the latent vector.

    Examples
    --------
    >>> import torch
    >>> network = SmallAutoencoder()
    >>> network(torch.zeros(7, 1, 20)).shape, sum(p.numel() for p in network.parameters())
    (torch.Size([7, 1, 20]), 63589)
    """

    divisor = 4
    points_per_latent = 5
    _n_pooled = 64
    _width = 32

    def __init__(self, n_dims: int = 1, length: int = 20, **options: int | bool | None) -> None:
        super().__init__(n_dims, length, **options)  # type: ignore[arg-type]
        self.down = nn.ModuleList(
            nn.Sequential(
                TimeConv(n_in, n_out, kernel, relu=True), TimeConv(n_out, n_out, 3, relu=True)
            )
            for n_in, n_out, kernel in ((n_dims, 16, 5), (16, 32, 5), (32, 64, 3))
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                TimeConv(n_in, n_in, 3, transposed=True),
                TimeConv(n_in, n_out, kernel, transposed=True),
            )
            for n_in, n_out, kernel in ((64, 32, 3), (32, 16, 5), (16, n_dims, 5))
        )

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the latent vectors (n, n_latent) and the places of the maxima of two poolings."""
        h = _time_first(x)
        h, fine = max_pool(_normalize(self.norms_in[0], self.down[0](h)))
        h, coarse = max_pool(_normalize(self.norms_in[1], self.down[1](h)))
        h = _normalize(self.norms_in[2], self.down[2](h))
        return self.squeeze(h.mean(dim=0)), [fine, coarse]

    def decode(self, latent: Tensor, places: Sequence[Tensor]) -> Tensor:
        """Give the trajectories (n, d, T) of latent vectors and places of maxima."""
        fine, coarse = places
        h = self.up[0](_normalize(self.norms_out[0], self._expanded(latent)))
        h = self.up[1](_normalize(self.norms_out[1], self._unpooled(h, coarse)))
        h = self.up[2](_normalize(self.norms_out[2], self._unpooled(h, fine)))
        return h.permute(1, 2, 0)


class LargeAutoencoder(TrajectoryAutoencoder):
    """The autoencoder for long trajectories (T = 200 in the paper), with residual convolutions.

    At one dimension and 200 points it has 275 157 parameters, or 274 933 with shared batch
    normalisation. Parameters as of `SmallAutoencoder`; `length` is a multiple of 8, and the latent
    vector has T d / 10 numbers by default.

    Parameters
    ----------
    n_dims : int, default=1
        Spatial dimensions d.
    length : int, default=200
        Points T of a trajectory, a multiple of 8.
    **options : dict
        ``n_latent``, ``shared_batch_norm``, ``pooling_indices``.

    Examples
    --------
    >>> import torch
    >>> network = LargeAutoencoder(n_dims=2, length=80)
    >>> network(torch.zeros(7, 2, 80)).shape
    torch.Size([7, 2, 80])
    """

    divisor = 8
    points_per_latent = 10
    _n_pooled = 4 * 64
    _width = 96

    def __init__(self, n_dims: int = 1, length: int = 200, **options: int | bool | None) -> None:
        super().__init__(n_dims, length, **options)  # type: ignore[arg-type]
        self.down = nn.ModuleList(
            ResidualLevel(n_in, n_out) for n_in, n_out in ((n_dims, 16), (16, 32), (32, 64))
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                TimeConv(n_in, n_in, 3, transposed=True),
                TimeConv(n_in, n_in, 3, transposed=True),
                TimeConv(n_in, n_out, 5, transposed=True),
            )
            for n_in, n_out in ((64, 32), (32, 16), (16, n_dims))
        )

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the latent vectors (n, n_latent) and the places of the maxima of three poolings."""
        h = _time_first(x)
        places = []
        for level, norm in zip(self.down, self.norms_in, strict=True):
            h, later = max_pool(_normalize(norm, level(h)))
            places.append(later)
        pooled = F.adaptive_avg_pool1d(h.permute(1, 2, 0), 4).flatten(1)
        return self.squeeze(pooled), places

    def decode(self, latent: Tensor, places: Sequence[Tensor]) -> Tensor:
        """Give the trajectories (n, d, T) of latent vectors and places of maxima."""
        h = self._expanded(latent)
        for level, norm, later in zip(self.up, self.norms_out, reversed(places), strict=True):
            h = level(self._unpooled(_normalize(norm, h), later))
        return h.permute(1, 2, 0)


class ResidualLevel(nn.Module):
    """A convolution, and two more beside a shortcut from its result."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = TimeConv(n_in, n_out, 5, relu=True)
        self.inner = nn.Sequential(TimeConv(n_out, n_out, 3, relu=True), TimeConv(n_out, n_out, 3))

    def forward(self, h: Tensor) -> Tensor:
        """Map (T, n, n_in) to (T, n, n_out)."""
        r = self.first(h)
        return F.relu(self.inner(r) + r)


def _time_first(x: Tensor) -> Tensor:
    return x.permute(2, 0, 1).contiguous()


def _normalize(norm: nn.Module, h: Tensor) -> Tensor:
    T, n, channels = h.shape
    return norm(h.reshape(T * n, channels)).view(T, n, channels)
