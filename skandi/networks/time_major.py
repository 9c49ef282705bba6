"""Convolution, pooling and unpooling of many short series at once, with time as the first axis.

A batch is an array (T, n, channels). A shift in time then is a shift by whole rows of one matrix of
T n rows, so that each tap of a convolution is a single large matrix product without copies. For
short series with few channels this is faster on a CPU than torch's own convolutions, which bring
every series into another order and back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class TimeConv(nn.Module):
    """Convolution over time of series (T, n, n_in), zero-padded to the same length.

    Equal to ``nn.Conv1d(n_in, n_out, kernel, padding=kernel // 2)`` on (n, n_in, T), with the
    weight laid out as (kernel, n_in, n_out).

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel : int
        Taps, an odd number.
    relu : bool, default=False
        Apply the rectifier to the result, in place.
    transposed : bool, default=False
        Draw the initial weights as ``nn.ConvTranspose1d`` does. With stride 1 it is the same
        operation with the taps in reverse order.
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: int, *, relu: bool = False, transposed: bool = False
    ) -> None:
        super().__init__()
        self.relu = relu
        bound = (kernel * (n_out if transposed else n_in)) ** -0.5
        self.weight = nn.Parameter(torch.empty(kernel, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map (T, n, n_in) to (T, n, n_out)."""
        return _Convolution.apply(x, self.weight, self.bias, self.relu)


class _Convolution(torch.autograd.Function):
    """One matrix product per tap, on the rows for which the tap sees a point and not padding."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
        T, n, n_in = x.shape
        rows = x.reshape(T * n, n_in)
        y = torch.addmm(bias, rows, weight[len(weight) // 2])
        for tap, seen, reached in _shifts(len(weight), T, n):
            y[reached].addmm_(rows[seen], weight[tap])
        if relu:
            y.relu_()
        ctx.shape, ctx.relu = x.shape, relu
        ctx.save_for_backward(rows, weight, *[y] * relu)
        return y.view(T, n, -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        rows, weight, *rectified = ctx.saved_tensors
        T, n, _ = ctx.shape
        middle = len(weight) // 2
        g = gradient.reshape(T * n, -1)
        if ctx.relu:
            g = torch.ops.aten.threshold_backward(g, rectified[0], 0)
        by_weight = torch.zeros_like(weight)
        torch.mm(rows.t(), g, out=by_weight[middle])
        by_x = g @ weight[middle].t() if ctx.needs_input_grad[0] else None
        for tap, seen, reached in _shifts(len(weight), T, n):
            torch.mm(rows[seen].t(), g[reached], out=by_weight[tap])
            if by_x is not None:
                by_x[seen].addmm_(g[reached], weight[tap].t())
        by_bias = g.sum(dim=0)
        return by_x if by_x is None else by_x.view(ctx.shape), by_weight, by_bias, None


def _shifts(kernel: int, T: int, n: int) -> list[tuple[int, slice, slice]]:
    """For each tap but the middle one: tap, rows it reads, rows it adds to."""
    found = []
    for tap in range(kernel):
        shift = tap - kernel // 2
        if shift and abs(shift) < T:
            early, late = slice(None, (T - abs(shift)) * n), slice(abs(shift) * n, None)
            found.append((tap, early, late) if shift < 0 else (tap, late, early))
    return found


class _PairMaximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        T, n, channels = x.shape
        first, second = x.view(T // 2, 2, n, channels).unbind(1)
        # As numbers: products with a boolean array are several times slower.
        later = (second > first).to(x.dtype)
        ctx.save_for_backward(later)
        ctx.mark_non_differentiable(later)
        return torch.maximum(first, second), later

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tensor:
        return _spread(gradient, ctx.saved_tensors[0])


class _Unpool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, later: Tensor) -> Tensor:
        ctx.save_for_backward(later)
        return _spread(h, later)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        T, n, channels = gradient.shape
        first, second = gradient.view(T // 2, 2, n, channels).unbind(1)
        return torch.lerp(first, second, ctx.saved_tensors[0]), None


def _spread(h: Tensor, later: Tensor) -> Tensor:
    T, n, channels = h.shape
    pairs = h.new_empty(T, 2, n, channels)
    torch.mul(h, later, out=pairs[:, 1])
    torch.sub(h, pairs[:, 1], out=pairs[:, 0])
    return pairs.view(2 * T, n, channels)


def max_pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Larger of each two neighbours in time: (T/2, n, channels), and 1 where it is the later."""
    return _PairMaximum.apply(x)


def unpool(h: Tensor, later: Tensor | None) -> Tensor:
    """Put each value at the place its pair's maximum had, and 0 at the other: (2T, n, channels).

    Without places (None) each value goes to the earlier one.
    """
    return _Unpool.apply(h, torch.zeros_like(h) if later is None else later)
