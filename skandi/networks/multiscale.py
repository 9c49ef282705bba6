"""A network for trajectories of every length: a learned, multi-scale mean squared displacement."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skandi.networks.base import TrajectoryNetwork
from skandi.networks.channels_last import as_image, convolve, group_norm, moments
from skandi.networks.multiscale_inference import MultiScaleReader
from skandi.networks.padding import Padding, cleared

# Standard deviations below this count as "never moved"; z-scored positions are of order one.
STILL = 1e-6


class MultiScaleNet(TrajectoryNetwork):
    """Residual convolutions on ever coarser time scales, each summarised by mean and spread.

    The mean squared displacement at lag τ is an average over time of a simple function of the
    trajectory seen at scale τ. This network learns the functions: each block halves the time
    resolution, and after *every* block the mean and the standard deviation over time of each
    channel go to the head. On the scale T/8 a bidirectional GRU reads the channels in time order,
    which tells aging (ATTM, SBM) from stationary motion. Group normalisation treats every
    trajectory by itself, so that neither batch companions nor the mix of lengths matter.

    Input channels per axis are positions, displacements in units of their root mean square, and,
    for all axes together, two clocks: t/T in [-1, 1] and log(1 + t). The head also sees the
    logarithm of the ratio of the two spreads per axis and two functions of T.

    Parameters
    ----------
    n_dims : int
        Spatial dimensions d.
    n_outputs : int
        Number of outputs of the head.
    channels : sequence of int
        Channels of the blocks; the first keeps the time resolution, each later one halves it.
    recurrent_block : int, default=3
        Index of the block whose output the GRU reads (3: the scale T/8).
    recurrent_size : int, default=96
        Size of the GRU's state in each direction; 0 for a network without one.
    hidden_size : int, default=256
        Width of the head's two hidden layers; the second one is the feature vector.

    Examples
    --------
    >>> import torch
    >>> network = MultiScaleNet(n_dims=2, n_outputs=45)
    >>> network(torch.zeros(7, 2, 30)).shape
    torch.Size([7, 45])
    """

    # Convolutions whose input is one or two points long give NaN weight gradients in bfloat16 now
    # and then (their taps see only padding); coarse scales of shorter trajectories are that short.
    shortest_bfloat16 = 32
    gives_distribution = True
    reads_padded = True
    points_per_pass = 50_000

    def __init__(
        self,
        n_dims: int = 1,
        n_outputs: int = 1,
        *,
        channels: Sequence[int] = (32, 64, 96, 128, 128, 160),
        recurrent_block: int = 3,
        recurrent_size: int = 96,
        hidden_size: int = 256,
    ) -> None:
        super().__init__()
        if recurrent_size and not 0 <= recurrent_block < len(channels):
            raise ValueError(
                f"recurrent_block is {recurrent_block!r}; it must be the index of one of the "
                f"{len(channels)} blocks, from 0."
            )
        self.n_features = hidden_size
        self.recurrent_block = recurrent_block
        self.stem = nn.Conv1d(2 * n_dims + 2, channels[0], 7, padding=3)
        widths = (channels[0], *channels)
        self.blocks = nn.ModuleList(
            ResidualBlock(widths[k], widths[k + 1], kernel=3 if k else 5, stride=2 if k else 1)
            for k in range(len(channels))
        )
        self.recurrent = (
            nn.GRU(channels[recurrent_block], recurrent_size, batch_first=True, bidirectional=True)
            if recurrent_size
            else None
        )
        n_pooled = 2 * (sum(channels) + 2 * recurrent_size) + n_dims + 2
        self.reduce = nn.Sequential(
            nn.Linear(n_pooled, hidden_size),
            nn.GELU(),
            nn.Linear(hidden_size, hidden_size),
            nn.GELU(),
        )
        self.output = nn.Linear(hidden_size, n_outputs)

    def features(self, x: Tensor) -> Tensor:
        """Give the feature vectors, shape (n, hidden_size)."""
        return self._features(x, None)

    def padded_features(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Give the feature vectors of the first ``lengths`` points, shape (n, hidden_size)."""
        return self._features(x, Padding(lengths, x.shape[2]))

    def reader(self) -> MultiScaleReader:
        """Give a function of x and lengths (or None) with the feature vectors, for answers."""
        return MultiScaleReader(self, describe)

    def _features(self, x: Tensor, padding: Padding | None) -> Tensor:
        channels, summary = describe(x, padding)
        h = cleared(convolve(self.stem, as_image(channels)), padding)
        pooled = [summary]
        for k, block in enumerate(self.blocks):
            h, padding = block(h, padding)
            pooled.append(moments(h, points_of(h, padding)))
            if k == self.recurrent_block and self.recurrent is not None:
                states = run_recurrent(self.recurrent, h, padding)
                pooled.append(moments(states, points_of(states, padding)))
        return self.reduce(torch.cat(pooled, dim=1))

    def head(self, features: Tensor) -> Tensor:
        """Map feature vectors to outputs."""
        return self.output(features)


class ResidualBlock(nn.Module):
    """Two convolutions with group normalisation beside a linear shortcut."""

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int) -> None:
        super().__init__()
        padding = kernel // 2
        self.first = nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False)
        self.norm_first = nn.GroupNorm(8, n_out)
        self.second = nn.Conv1d(n_out, n_out, kernel, padding=padding, bias=False)
        self.norm_second = nn.GroupNorm(8, n_out)
        self.shortcut = (
            nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=padding)
            if (n_in, stride) != (n_out, 1)
            else nn.Identity()
        )
        self.activation = nn.GELU()

    def forward(self, h: Tensor, padding: Padding | None = None) -> tuple[Tensor, Padding | None]:
        """Map (n, n_in, 1, T) to (n, n_out, 1, ceil(T / stride)), and the padding along."""
        if padding is not None and self.first.stride == (2,):
            padding = padding.halved()
        inner = cleared(convolve(self.first, h), padding)
        points = points_of(inner, padding)
        inner = self.activation(group_norm(self.norm_first, inner, points))
        inner = cleared(convolve(self.second, cleared(inner, padding)), padding)
        inner = group_norm(self.norm_second, inner, points)
        if isinstance(self.shortcut, nn.Conv1d):
            h = convolve(self.shortcut, h)
        return cleared(self.activation(inner + h), padding), padding


def points_of(h: Tensor, padding: Padding | None) -> Tensor:
    """Number of real points of each trajectory, (n, 1)."""
    if padding is None:
        return torch.full((len(h), 1), h.shape[-1], dtype=torch.float32, device=h.device)
    return padding.lengths[:, None].to(torch.float32)


def describe(x: Tensor, padding: Padding | None = None) -> tuple[Tensor, Tensor]:
    """Give the input channels (n, 2d+2, T) and the summary (n, d+2) of z-scored positions."""
    n, _, T = x.shape
    points = points_of(x, padding).to(x.dtype)
    steps = torch.diff(x, dim=2, prepend=x[:, :, :1])
    if padding is not None:
        x, steps = padding.clear(x), padding.clear(steps)
    # The root mean square, not the standard deviation: on a straight line the latter is rounding.
    spread = (steps.square().sum(dim=2) / points).sqrt()[:, :, None]
    moves = spread > STILL
    steps = torch.where(moves, steps / spread.clamp_min(STILL), steps)
    ratio = torch.where(moves, -torch.log(spread.clamp_min(STILL)), 0.0)[:, :, 0]
    t = torch.arange(T, dtype=x.dtype, device=x.device).expand(n, T)
    clock = torch.stack([2 * t / (points - 1).clamp_min(1) - 1, torch.log1p(t) / 3 - 1], dim=1)
    if padding is not None:
        clock = padding.clear(clock)
    channels = torch.cat([x, steps, clock], dim=1)
    return channels, torch.cat([ratio, torch.log(points) / 3 - 1, 10 / points], dim=1)


def run_recurrent(layer: nn.GRU, h: Tensor, padding: Padding | None) -> Tensor:
    """States of `layer` along the real points, (n, c, 1, T) to (n, 2 * state, 1, T)."""
    sequence = h[:, :, 0].transpose(1, 2)
    states = layer(sequence)[0] if padding is None else padding.run(layer, sequence)
    return states.transpose(1, 2)[:, :, None]
