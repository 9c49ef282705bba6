"""Layers over time whose channels lie side by side in memory, several times as fast on a CPU.

Sequences here are images of height one, (n, c, 1, T): torch lays out images by channels if asked
to, but not sequences. Its own normalisation and its sums over time are slow in this layout; the
ones below pass over an array as few times as they can, with derivatives written out.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skandi.networks.padding import Padding

# Added to a variance, because the root of zero has an infinite slope.
MOMENT_EPSILON = 1e-6


def as_image(x: Tensor) -> Tensor:
    """Give a sequence (n, c, T) as (n, c, 1, T) with its channels side by side."""
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


def convolve(layer: nn.Conv1d, h: Tensor) -> Tensor:
    """Apply a convolution over time to (n, c, 1, T)."""
    return convolution(h, layer.weight, layer.bias, stride=layer.stride[0])


def convolution(
    h: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int = 1, dilation: int = 1
) -> Tensor:
    """Convolve (n, c, 1, T) with `weight` (c_out, c, k), k odd, zeros around.

    Zeros are as many as keep the length at stride 1.
    """
    if torch.is_grad_enabled() and not _in_autocast(h.device.type):
        return _Convolution.apply(h, weight, bias, stride, dilation)
    return _convolved(h, weight, bias, stride, dilation)


def _in_autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


class Taps(NamedTuple):
    """Three taps of a dilated convolution, and what its bias has too much at both ends."""

    weight: Tensor
    bias: Tensor
    step: int
    left: Tensor | None = None
    right: Tensor | None = None


def taps_of(layer: nn.Conv1d, rows: Tensor, mix: nn.Conv1d | None = None) -> Taps:
    """Prepare a dilated convolution whose outputs are multiplied by `rows`.

    With `mix`, a convolution of one tap, the result does the work of `mix` and then `layer`: two
    linear layers in a row are one with the product of their weights. Only the bias of `mix` takes
    care, for there is none where a tap sees what lies beyond the trajectory.
    """
    weight = layer.weight * rows[:, None, None]
    bias = layer.get_parameter("bias") * rows
    step = layer.dilation[0]
    if mix is None:
        return Taps(weight, bias, step)
    left, middle, right = torch.einsum("oit,i->to", weight, mix.get_parameter("bias"))
    weight = torch.einsum("oit,ij->ojt", weight, mix.weight[:, :, 0])
    return Taps(weight, bias + left + middle + right, step, left, right)


def dilated(taps: Taps, h: Tensor, padding: Padding | None = None) -> Tensor:
    """Apply a dilated convolution of three taps to (n, c, 1, T).

    Where the dilation reaches T, the outer taps see only padding and are left out.
    """
    weight, bias, step, left, right = taps
    if step < h.shape[-1]:
        y = convolution(h, weight, bias, dilation=step)
        return y if left is None else _LessAtEnds.apply(y, left, right, step, padding)
    if left is not None and right is not None:
        bias = bias - left - right
    return convolution(h, weight[..., 1:2], bias)


def gated(y: Tensor) -> Tensor:
    """Give tanh(f) σ(g) for `y` of shape (n, 2c, 1, T), whose channels are -2f, then g.

    tanh(f) is 1 - 2 σ(-2f), and torch's σ is about ten times as fast as its tanh. Where nothing is
    learnt, `y` is written over.
    """
    if torch.is_grad_enabled():
        return _Gate.apply(y)
    return _gate(_wide(y).sigmoid_()).to(y.dtype)


def group_norm(layer: nn.GroupNorm, h: Tensor, points: Tensor) -> Tensor:
    """Normalise groups of channels of (n, c, 1, T) over the first `points` (n, 1), zeros beyond."""
    return _GroupNorm.apply(h, layer.weight, layer.bias, layer.num_groups, layer.eps, points)


def moments(h: Tensor, points: Tensor) -> Tensor:
    """Mean and standard deviation (n, 2c) over the first `points` (n, 1), zeros beyond."""
    return _Moments.apply(h, points)


def _wide(h: Tensor) -> Tensor:
    """Give `h` in float32 at least: sums and small differences need its digits."""
    return h if h.dtype == torch.float64 else h.float()


def _by_time(h: Tensor) -> Tensor:
    """Give (n, c, 1, T) as (n, T, c), which is how it lies in memory, in float32 at least."""
    return _wide(h[:, :, 0].transpose(1, 2))


def _as_before(rows: Tensor, dtype: torch.dtype) -> Tensor:
    return rows.to(dtype).transpose(1, 2)[:, :, None]


def _convolved(
    h: Tensor, weight: Tensor, bias: Tensor | None, stride: int, dilation: int
) -> Tensor:
    padding = dilation * (weight.shape[2] // 2)
    return F.conv2d(h, weight[:, :, None], bias, (1, stride), (0, padding), (1, dilation))


class _Convolution(torch.autograd.Function):
    """oneDNN's convolution, with the derivative by the weights as products of large matrices.

    In float32 oneDNN computes that derivative at about half the speed of its other convolutions,
    and at a tenth of it for short sequences.
    """

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int, dilation: int
    ) -> Tensor:
        ctx.save_for_backward(h, weight)
        ctx.stride, ctx.dilation, ctx.has_bias = stride, dilation, bias is not None
        return _convolved(h, weight, bias, stride, dilation)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        h, weight = ctx.saved_tensors
        by_input = by_weight = by_bias = None
        if ctx.needs_input_grad[0]:
            padding = ctx.dilation * (weight.shape[2] // 2)
            by_input = torch.ops.aten.convolution_backward(
                gradient, h, weight[:, :, None], None, (1, ctx.stride), (0, padding),
                (1, ctx.dilation), False, (0, 0), 1, (True, False, False),
            )[0]  # fmt: skip
        rows = gradient[:, :, 0].transpose(1, 2).contiguous()
        if ctx.needs_input_grad[1]:
            inputs = h[:, :, 0].transpose(1, 2).contiguous()
            taps = weight.shape[2]
            by_tap = _by_weight(inputs, rows, taps, ctx.stride, ctx.dilation)
            by_weight = by_tap.permute(2, 1, 0)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            by_bias = rows.flatten(0, 1).sum(dim=0)
        return by_input, by_weight, by_bias, None, None


def _by_weight(x: Tensor, g: Tensor, taps: int, stride: int, dilation: int) -> Tensor:
    """Derivative (taps, c, c_out) from inputs (n, T, c) and the gradient (n, T / stride, c_out).

    A tap sees the input shifted by a number of points, which is a shift of all rows of one long
    matrix; what the shift carries over from one trajectory to its neighbour is taken off again.
    """
    n, T, c = x.shape
    if missing := g.shape[1] * stride - T:
        x = F.pad(x, (0, 0, 0, missing))
    # A row holds the `stride` points that one step of the output goes forward.
    rows, by_row = x.reshape(-1, stride * c), g.flatten(0, 1)
    total = x.new_zeros(taps * c, g.shape[2])
    offsets = [divmod((tap - taps // 2) * dilation, stride) for tap in range(taps)]
    for shift, same in groupby(range(taps), key=lambda tap: offsets[tap][0]):
        first, *others = same
        width = (1 + len(others)) * c
        start = offsets[first][1] * c
        seen, part = rows[:, start : start + width], total[first * c : first * c + width]
        _add_shifted(part, seen, by_row, n, shift)
    return total.view(taps, c, -1)


def _add_shifted(total: Tensor, x: Tensor, g: Tensor, n: int, shift: int) -> None:
    """Add to total the sum of x[t + shift] g[t] over t for which both are of one trajectory.

    Rows (n T, c) are those of n trajectories, one after the other.
    """
    T = len(x) // n
    if shift < 0:
        _add_shifted(total.t(), g, x, n, -shift)
    elif shift < T:
        total.addmm_(x[shift:].t(), g[: len(g) - shift])
        if shift and n > 1:
            begins, ends = x.unflatten(0, (n, T))[1:, :shift], g.unflatten(0, (n, T))[:-1, -shift:]
            total.addmm_(begins.flatten(0, 1).t(), ends.flatten(0, 1), alpha=-1)


class _LessAtEnds(torch.autograd.Function):
    """Takes `left` off the first `step` points and `right` off the last ones, in place."""

    @staticmethod
    def forward(
        ctx: Any, y: Tensor, left: Tensor, right: Tensor, step: int, padding: Padding | None
    ) -> Tensor:
        ctx.step = step
        ctx.mark_dirty(y)
        left, right = (end.to(y.dtype)[:, None, None] for end in (left, right))
        y[..., :step].sub_(left)
        if padding is None:
            y[..., -step:].sub_(right)
        else:
            start = max(0, padding.shortest - step)
            ends = padding.reaches_beyond(step)[:, None, None, start:].to(y.dtype)
            y[..., start:].addcmul_(ends, right, value=-1)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients for batches without padding, which is what networks learn from."""
        step = ctx.step
        by_left, by_right = (
            -_wide(end).sum(dim=(0, 2, 3)) for end in (gradient[..., :step], gradient[..., -step:])
        )
        return gradient, by_left, by_right, None, None


def _gate(both: Tensor) -> Tensor:
    """Give (1 - 2f) g of the channels f, then g."""
    filtered, gate = both.chunk(2, dim=1)
    return torch.addcmul(gate, filtered, gate, value=-2)


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        both = torch.sigmoid(_wide(y))
        ctx.save_for_backward(both)
        ctx.dtype = y.dtype
        return _gate(both).to(y.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (both,) = ctx.saved_tensors
        filtered, gate = both.chunk(2, dim=1)
        gradient = _wide(gradient)
        by_both = torch.empty_like(both)
        by_filter, by_gate = by_both.chunk(2, dim=1)
        torch.mul(gate, gradient, out=by_filter).mul_(-2)
        torch.addcmul(gradient, filtered, gradient, value=-2, out=by_gate)
        return torch.ops.aten.sigmoid_backward(by_both, both).to(ctx.dtype)


class _GroupNorm(torch.autograd.Function):
    """Normalisation by sums over time per channel, which are small and then joined by groups."""

    @staticmethod
    def forward(
        ctx: Any,
        h: Tensor,
        weight: Tensor,
        bias: Tensor,
        groups: int,
        eps: float,
        points: Tensor,
    ) -> Tensor:
        rows = _by_time(h)
        n, _, c = rows.shape
        count = points * (c // groups)
        mean = rows.sum(dim=1).view(n, groups, -1).sum(dim=2) / count
        square = (rows * rows).sum(dim=1).view(n, groups, -1).sum(dim=2) / count
        scale = torch.rsqrt((square - mean.square()).clamp_min(0) + eps)
        ctx.save_for_backward(h, weight, mean, scale, count)
        slope = _per_channel(scale, c) * weight
        offset = bias - _per_channel(mean, c) * slope
        return _as_before(torch.addcmul(offset[:, None], rows, slope[:, None]), h.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        h, weight, mean, scale, count = ctx.saved_tensors
        rows, by_output = _by_time(h), _by_time(gradient)
        n, _, c = rows.shape
        groups = mean.shape[1]
        mean_c, scale_c = _per_channel(mean, c), _per_channel(scale, c)
        total = by_output.sum(dim=1)
        # with the normalised input: sum of g (h - mean) / std
        along = ((by_output * rows).sum(dim=1) - mean_c * total) * scale_c
        shift = (total * weight).view(n, groups, -1).sum(dim=2) / count
        stretch = (along * weight).view(n, groups, -1).sum(dim=2) / count
        by_rows = -_per_channel(scale.square() * stretch, c)
        constant = -_per_channel(scale * shift, c) - by_rows * mean_c
        by_input = torch.addcmul(constant[:, None], rows, by_rows[:, None])
        by_input.addcmul_(by_output, (scale_c * weight)[:, None])
        by_weight, by_bias = along.sum(dim=0), total.sum(dim=0)
        return _as_before(by_input, h.dtype), by_weight, by_bias, None, None, None


class _Moments(torch.autograd.Function):
    """Mean and standard deviation; the derivative of the plain expression makes five passes."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, points: Tensor) -> Tensor:
        rows = _by_time(h)
        mean = rows.sum(dim=1) / points
        square = (rows * rows).sum(dim=1) / points
        std = torch.sqrt((square - mean.square()).clamp_min(0) + MOMENT_EPSILON)
        ctx.save_for_backward(h, mean, std, points)
        return torch.cat([mean, std], dim=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Chain rule: d mean/dh = 1/T, d std/dh = (h - mean) / (T std)."""
        h, mean, std, points = ctx.saved_tensors
        by_mean, by_std = gradient.chunk(2, dim=1)
        slope = by_std / (points * std)
        offset = by_mean / points - slope * mean
        rows = _by_time(h)
        return _as_before(torch.addcmul(offset[:, None], rows, slope[:, None]), h.dtype), None


def _per_channel(per_group: Tensor, c: int) -> Tensor:
    return per_group.repeat_interleave(c // per_group.shape[1], dim=1)
