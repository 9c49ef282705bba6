"""WADNet: a WaveNet encoder and an LSTM (Li, Yao & Huang 2021), network by network as published."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from skandi.networks.base import TrajectoryNetwork
from skandi.networks.channels_last import (
    Taps,
    as_image,
    convolution,
    convolve,
    dilated,
    gated,
    taps_of,
)
from skandi.networks.padding import Padding, cleared


class WADNet(TrajectoryNetwork):
    """The network of Li, Yao & Huang, J. Phys. A 54:404003 (2021), Sec. 3.

    Sixteen gated convolutions of growing dilation see the trajectory at all time scales at once;
    three stacked LSTMs read their sum in time order, and the last hidden state is the feature
    vector v. With the defaults it has 192 289 parameters for one dimension and one output, and
    192 549 for five.

    Four exact economies are built in. A layer whose dilation reaches the length of the trajectory
    sees only zero padding through its outer taps, so it is computed as a 1×1 convolution with the
    middle tap. Filter and gate are one convolution with twice the channels. The 1×1 convolution
    between two layers is multiplied into the weights of the later one, and applied once to the sum
    of all. The hyperbolic tangent is computed as a logistic function.

    Parameters
    ----------
    n_dims : int
        Spatial dimensions d, the input channels.
    n_outputs : int
        1 for α; the number of classes for the diffusion model (logits).
    n_layers : int, default=16
        Gated layers; layer k has dilation 2^(k-1).
    n_filters : int, default=32
        Channels of every convolution.
    hidden_size : int, default=64
        Size of the LSTMs' state and of v.
    n_recurrent : int, default=3
        Stacked LSTMs.
    dropout : float, default=0.1
        Before the LSTMs and before the head.

    Examples
    --------
    >>> import torch
    >>> network = WADNet(n_dims=2, n_outputs=5)
    >>> network(torch.zeros(7, 2, 30)).shape
    torch.Size([7, 5])
    """

    reads_padded = True

    def __init__(
        self,
        n_dims: int = 1,
        n_outputs: int = 1,
        *,
        n_layers: int = 16,
        n_filters: int = 32,
        hidden_size: int = 64,
        n_recurrent: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if n_layers < 1:
            raise ValueError(f"n_layers is {n_layers}; it must be 1 or more.")
        self.n_features = hidden_size
        self.stem = nn.Conv1d(n_dims, n_filters, 3, padding=1)
        self.gated = nn.ModuleList(
            nn.Conv1d(n_filters, 2 * n_filters, 3, dilation=2**k, padding=2**k)
            for k in range(n_layers)
        )
        # Eq. 7 writes W₁ without a layer index: one 1×1 convolution shared by all layers.
        self.mix = nn.Conv1d(n_filters, n_filters, 1)
        self.norm = nn.BatchNorm1d(n_filters)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = nn.LSTM(n_filters, hidden_size, n_recurrent, batch_first=True)
        self.output = nn.Linear(hidden_size, n_outputs)

    def features(self, x: Tensor) -> Tensor:
        """Give the feature vectors v, shape (n, hidden_size)."""
        return self._states(x, None, self._layers())[:, -1]

    def padded_features(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Give the feature vectors v of the first ``lengths`` points, shape (n, hidden_size)."""
        return self._padded_features(x, lengths, self._layers())

    def reader(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Give a function that reads many batches and prepares the layers once."""
        layers = self._layers()

        def read(x: Tensor, lengths: Tensor | None = None) -> Tensor:
            if lengths is None:
                return self._states(x, None, layers)[:, -1]
            return self._padded_features(x, lengths, layers)

        return read

    def _padded_features(self, x: Tensor, lengths: Tensor, layers: list[Taps]) -> Tensor:
        states = self._states(x, Padding(lengths, x.shape[2]), layers)
        return states[torch.arange(len(x), device=x.device), lengths - 1]

    def _layers(self) -> list[Taps]:
        """Prepare the gated layers; all but the first begin with the 1×1 convolution W₁."""
        earliest, *later = (layer for layer in self.gated if isinstance(layer, nn.Conv1d))
        # The filter's half is multiplied for `gated`.
        rows = torch.ones_like(earliest.get_parameter("bias"))
        rows[: len(rows) // 2] = -2
        return [taps_of(earliest, rows), *(taps_of(layer, rows, self.mix) for layer in later)]

    def _states(self, x: Tensor, padding: Padding | None, layers: list[Taps]) -> Tensor:
        """States of the last LSTM, (n, T, hidden_size); it reads no padding before the end."""
        first = cleared(convolve(self.stem, as_image(cleared(x, padding))), padding)
        h = total = cleared(gated(dilated(layers[0], first)), padding)
        for taps in layers[1:]:
            h = cleared(gated(dilated(taps, h, padding)), padding)
            total = total + h
        # Every x_k but the first is W₁ z + b₁, and so is what they add up to.
        biases = len(layers) * self.mix.get_parameter("bias")
        total = first + convolution(total, self.mix.weight, biases)
        sequence = self.dropout(self.norm(total[:, :, 0])).transpose(1, 2)
        if sequence.is_cpu and torch.is_autocast_enabled("cpu"):
            # oneDNN's LSTM takes longer in bfloat16 than in float32.
            with torch.autocast("cpu", enabled=False):
                return self.recurrent(sequence.float())[0]
        return self.recurrent(sequence)[0]

    def head(self, features: Tensor) -> Tensor:
        """Map feature vectors to outputs."""
        return self.output(self.dropout(features))
