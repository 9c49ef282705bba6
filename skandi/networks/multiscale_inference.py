"""The multi-scale network where nothing is learnt: the same sums in fewer passes.

No derivative has to be remembered, so results are written over what they came from; weights are
laid out once for many batches; both directions of the GRU go through time together; and of padded
batches only the columns that hold padding are cleared. Sequences are rows over time, (n, T, c).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skandi.networks.channels_last import MOMENT_EPSILON, as_image
from skandi.networks.padding import Padding

if TYPE_CHECKING:
    from skandi.networks.multiscale import MultiScaleNet, ResidualBlock

_KINDS = ("ih", "hh")


class MultiScaleReader:
    """Gives the features of a network as it is now; made for some batches, then thrown away.

    Parameters
    ----------
    network : MultiScaleNet
        In evaluation mode. Later changes of its weights are not seen.
    describe : callable
        Its input channels and summary, ``describe(x, padding)``.
    """

    def __init__(
        self,
        network: MultiScaleNet,
        describe: Callable[[Tensor, Padding | None], tuple[Tensor, Tensor]],
    ) -> None:
        self.describe = describe
        self.stem = _Convolution([network.stem])
        self.sums = _Sums()
        self.blocks = [_Block(block, self.sums) for block in network.blocks]  # type: ignore[arg-type]
        self.recurrent = None if network.recurrent is None else _Recurrence(network.recurrent)
        self.recurrent_block = network.recurrent_block
        self.reduce = network.reduce

    def __call__(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map z-scored positions (n, d, T) to features, of ``lengths`` points if given."""
        padding = None if lengths is None else Padding(lengths, x.shape[2])
        channels, summary = self.describe(x, padding)
        rows = self.stem(_rows(as_image(channels)))
        real = _Real(rows, padding)
        real.clear(rows)
        pooled = [summary]
        for k, block in enumerate(self.blocks):
            rows, real = block(rows, real)
            pooled.append(real.moments(*self.sums(rows)))
            if k == self.recurrent_block and self.recurrent is not None:
                pooled.append(real.moments(*self.recurrent(rows, real)))
        return self.reduce(torch.cat(pooled, dim=1))


class _Real:
    """The real points of a batch of rows, all of them without a `Padding`."""

    def __init__(self, rows: Tensor, padding: Padding | None) -> None:
        self.padding = padding
        self.T = rows.shape[1]
        self.shortest = self.T if padding is None else padding.shortest
        self.points: Tensor | float = self.T
        if padding is not None:
            self.points = padding.lengths[:, None].to(rows.dtype)
            self.tail = padding.mask[:, 0, self.shortest :, None].to(rows.dtype)

    def halved(self, rows: Tensor) -> _Real:
        """Say the same of `rows` that a convolution of stride two made."""
        return _Real(rows, None if self.padding is None else self.padding.halved())

    def clear(self, rows: Tensor) -> None:
        """Put zeros beyond the real points, in place."""
        if self.shortest < self.T:
            rows[:, self.shortest :].mul_(self.tail)

    def moments(self, sums: Tensor, squares: Tensor) -> Tensor:
        """Mean and standard deviation (n, 2c) from sums over time."""
        mean = sums / self.points
        std = torch.sqrt((squares / self.points - mean.square()).clamp_min_(0) + MOMENT_EPSILON)
        return torch.cat([mean, std], dim=1)


class _Convolution:
    """One convolution that does the work of several layers of one shape, side by side."""

    def __init__(self, layers: Sequence[nn.Conv1d]) -> None:
        weight = torch.cat([layer.weight for layer in layers])[:, :, None]
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = None
        if any(layer.bias is not None for layer in layers):
            zero = weight.new_zeros
            biases = [zero(len(y.weight)) if y.bias is None else y.bias for y in layers]
            self.bias = torch.cat(biases)
        self.stride = (1, layers[0].stride[0])
        self.padding = (0, int(layers[0].padding[0]))

    def __call__(self, rows: Tensor) -> Tensor:
        image = rows.transpose(1, 2)[:, :, None]
        return _rows(F.conv2d(image, self.weight, self.bias, self.stride, self.padding))


class _Block:
    """A residual block; its shortcut and its first convolution are one."""

    def __init__(self, block: ResidualBlock, sums: _Sums) -> None:
        self.halves = block.first.stride == (2,)
        first = [block.first]
        if isinstance(block.shortcut, nn.Conv1d):
            first.append(block.shortcut)
        self.first, self.second = _Convolution(first), _Convolution([block.second])
        self.channels = block.first.out_channels
        self.norms = [_GroupNorm(each, sums) for each in (block.norm_first, block.norm_second)]

    def __call__(self, rows: Tensor, real: _Real) -> tuple[Tensor, _Real]:
        both = self.first(rows)
        shortcut = both[..., self.channels :] if both.shape[2] > self.channels else rows
        inner = both[..., : self.channels]
        if self.halves:
            real = real.halved(inner)
        real.clear(inner)
        slope, offset = self.norms[0](inner, real)
        inner = torch.ops.aten.gelu_(torch.addcmul(offset, inner, slope))
        real.clear(inner)
        inner = self.second(inner)
        real.clear(inner)
        slope, offset = self.norms[1](inner, real)
        torch.addcmul(shortcut, inner, slope, out=inner)
        inner = torch.ops.aten.gelu_(inner.add_(offset))
        real.clear(inner)
        return inner, real


class _GroupNorm:
    """Slope and offset (n, 1, c) that normalise groups of channels over the real points."""

    def __init__(self, layer: nn.GroupNorm, sums: _Sums) -> None:
        self.sums = sums
        self.weight = layer.weight.view(layer.num_groups, -1)
        self.bias = layer.bias.view(layer.num_groups, -1)
        self.eps = layer.eps

    def __call__(self, rows: Tensor, real: _Real) -> tuple[Tensor, Tensor]:
        groups, each = self.weight.shape
        n, _, c = rows.shape
        count = real.points * each
        sums, squares = (s.view(n, groups, each).sum(dim=2) / count for s in self.sums(rows))
        scale = torch.rsqrt((squares - sums.square()).clamp_min_(0) + self.eps)
        slope = scale[..., None] * self.weight
        offset = self.bias - sums[..., None] * slope
        return slope.view(n, 1, c), offset.view(n, 1, c)


class _Recurrence:
    """Both directions of a GRU at once; gives sums of the states and of their squares.

    tanh(x) is 2σ(2x) - 1, and torch's σ is about ten times as fast as its tanh. So what goes
    through time is u = (state + 1) / 2, which starts at 1/2, and the weights are changed
    accordingly.
    """

    def __init__(self, layer: nn.GRU) -> None:
        self.size = size = layer.hidden_size
        twice = torch.ones_like(layer.get_parameter("bias_ih_l0"))
        twice[2 * size :] = 2
        parts = []
        for end in ("l0", "l0_reverse"):
            weights = (getattr(layer, f"weight_{k}_{end}") * twice[:, None] for k in _KINDS)
            biases = (getattr(layer, f"bias_{k}_{end}") * twice for k in _KINDS)
            (of_inputs, of_states), (from_inputs, from_states) = weights, biases
            bias = from_states - of_states.sum(dim=1)
            # the reset gate stands between the candidate's two biases
            bias[: 2 * size] += from_inputs[: 2 * size]
            parts.append(
                (of_inputs.t(), 2 * of_states.t(), bias[None], from_inputs[None, None, 2 * size :])
            )
        stacked = (torch.stack(each) for each in zip(*parts, strict=True))
        self.of_inputs, self.of_states, self.bias, self.of_candidate = stacked

    def __call__(self, rows: Tensor, real: _Real) -> tuple[Tensor, Tensor]:
        n, T, _ = rows.shape
        size = self.size
        ahead = rows.transpose(0, 1)
        x = torch.stack([ahead, ahead.flip(0)]).view(2, T * n, -1)
        gates = torch.bmm(x, self.of_inputs).view(2, T, n, -1)
        gates[..., 2 * size :] += self.of_candidate
        states = rows.new_empty(2, T, n, size)
        u = rows.new_full((2, n, size), 0.5)
        half = u[0].clone()
        for t in range(T):
            now = gates[:, t]
            inner = torch.baddbmm(self.bias, u, self.of_states)
            reset_update = (now[..., : 2 * size] + inner[..., : 2 * size]).sigmoid_()
            reset, update = reset_update.chunk(2, dim=2)
            candidate = torch.addcmul(now[..., 2 * size :], reset, inner[..., 2 * size :])
            u = torch.lerp(candidate.sigmoid_(), u, update, out=states[:, t])
            back = T - 1 - t
            if back >= real.shortest:
                # backwards, a trajectory begins where it ends
                torch.lerp(half, u[1], real.tail[:, back - real.shortest], out=u[1])
        states.mul_(2).sub_(1)
        if real.shortest < T:
            states[0, real.shortest :].mul_(real.tail.transpose(0, 1))
        sums = (states.sum(dim=1), (states * states).sum(dim=1))
        first, second = (each.transpose(0, 1).reshape(n, -1) for each in sums)
        return first, second


class _Sums:
    """Sums over time of values and of their squares, (n, c) each, for rows of any shape.

    The squares are always put into the same place: new memory costs more than they do.
    """

    def __init__(self) -> None:
        self.place: Tensor | None = None

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        if self.place is None or self.place.numel() < rows.numel():
            self.place = rows.new_empty(rows.numel())
        squares = self.place[: rows.numel()].view(rows.shape)
        return rows.sum(dim=1), torch.mul(rows, rows, out=squares).sum(dim=1)


def _rows(image: Tensor) -> Tensor:
    return image[:, :, 0].transpose(1, 2)
