"""Layers with channels side by side: the values and derivatives of what they stand for."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skandi.networks import channels_last
from skandi.networks.channels_last import (
    as_image,
    convolution,
    convolve,
    dilated,
    gated,
    group_norm,
    moments,
    taps_of,
)
from skandi.networks.padding import Padding

SHAPES = [(3, 4, 1), (3, 4, 2), (5, 8, 50), (2, 4, 999)]


def sequence(shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) + 0.5


def test_convolution__precision_of_another_device__is_asked_of_that_device(monkeypatch):
    def used(*args):
        raise AssertionError("derivatives by hand are for float32")

    h, weight = torch.ones(2, 4, 1, 9, device="meta"), torch.ones(4, 4, 3, device="meta")
    assert convolution(h, weight, None).shape == h.shape  # a device that has no autocast
    monkeypatch.setattr(channels_last._Convolution, "apply", used)
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda device: True)
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: device == "meta")
    assert convolution(h, weight, None).shape == h.shape
    with pytest.raises(AssertionError):
        convolution(torch.ones(2, 4, 1, 9), torch.ones(4, 4, 3), None)


def test_networks__torch_without_onednn__keep_convolutions_from_nnpack():
    code = """
import torch
torch.backends.mkldnn.is_available = lambda: {}
import skandi.networks
print(*torch.backends.nnpack.set_flags(True))
"""
    there, not_there = (
        subprocess.run([sys.executable, "-c", code.format(on)], capture_output=True, text=True)
        for on in (True, False)
    )
    assert (there.stdout.strip(), not_there.stdout.strip()) == ("True", "False")


def points_of(x):
    return torch.full((len(x), 1), x.shape[-1], dtype=x.dtype)


def plain_moments(x):
    """The definition."""
    mean = x.mean(dim=2)
    std = torch.sqrt((x.square().mean(dim=2) - mean.square()).clamp_min(0) + 1e-6)
    return torch.cat([mean, std], dim=1)


def norm_layer(channels, groups=2):
    layer = nn.GroupNorm(groups, channels).double()
    with torch.no_grad():
        layer.weight.copy_(sequence(channels, seed=1))
        layer.bias.copy_(sequence(channels, seed=2))
    return layer


@pytest.mark.parametrize("shape", SHAPES)
def test_moments__values__equal_the_definition(shape):
    x = sequence(shape)
    torch.testing.assert_close(moments(as_image(x), points_of(x)), plain_moments(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_group_norm__values__equal_torch(shape):
    x, layer = sequence(shape), norm_layer(shape[1])
    ours = group_norm(layer, as_image(x), points_of(x))
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours[:, :, 0], layer(x), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("function", ["moments", "group_norm", "gated"])
def test_derivatives__of_every_layer__pass_gradcheck(function):
    x = as_image(sequence((2, 4, 6))).requires_grad_()
    layer = norm_layer(4)
    points = points_of(x)
    functions = {
        "moments": (lambda x: moments(x, points), (x,)),
        "gated": (gated, (x,)),
        "group_norm": (
            lambda x, w, b: torch.func.functional_call(
                _Norm(layer), {"layer.weight": w, "layer.bias": b}, (x, points)
            ),
            (x, layer.weight, layer.bias),
        ),
    }
    called, inputs = functions[function]
    assert torch.autograd.gradcheck(called, inputs)


class _Norm(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, points):
        return group_norm(self.layer, x, points)


@pytest.mark.parametrize("function", ["moments", "group_norm"])
def test_rows_filled_up_with_zeros__have_the_values_of_their_real_points(function):
    x = sequence((3, 4, 9))
    real = [9, 5, 1]
    for row, n in zip(x, real, strict=True):
        row[:, n:] = 0
    points = torch.tensor(real, dtype=torch.float64)[:, None]
    layer = norm_layer(4)
    for k, n in enumerate(real):
        alone = x[k : k + 1, :, :n]
        if function == "moments":
            together = moments(as_image(x), points)[k]
            torch.testing.assert_close(together, plain_moments(alone)[0])
        else:
            together = group_norm(layer, as_image(x), points)[k, :, 0, :n]
            torch.testing.assert_close(together, layer(alone)[0], atol=1e-9, rtol=1e-9)


def test_gated__values__equal_tanh_times_sigmoid():
    x = sequence((2, 6, 40))
    f, g = x.chunk(2, dim=1)
    expected = torch.tanh(f) * torch.sigmoid(g)
    prepared = as_image(torch.cat([-2 * f, g], dim=1))
    torch.testing.assert_close(gated(prepared)[:, :, 0], expected)
    with torch.no_grad():
        torch.testing.assert_close(gated(prepared)[:, :, 0], expected)


def test_gated__small_numbers_in_bfloat16__keep_their_digits():
    f = torch.full((1, 1, 8), 1e-3)
    g = torch.zeros(1, 1, 8)
    small = gated(as_image(torch.cat([-2 * f, g], dim=1).bfloat16())).float()
    assert (small / 0.5e-3 - 1).abs().max() < 0.02


@pytest.mark.parametrize("stride", [1, 2])
def test_convolve__values__equal_torch(stride):
    x, layer = sequence((3, 4, 11)), nn.Conv1d(4, 6, 5, stride=stride, padding=2).double()
    torch.testing.assert_close(convolve(layer, as_image(x))[:, :, 0], layer(x))


@pytest.mark.parametrize("taps", [1, 3, 5, 7])
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2), (1, 4)])
@pytest.mark.parametrize("n", [1, 3])
def test_convolution__derivatives_at_short_and_odd_lengths__equal_torch(n, stride, dilation, taps):
    for T in (1, 2, 3, 4, 7, 8, 9):
        x = as_image(sequence((n, 2, T))).requires_grad_()
        weight = sequence((3, 2, taps), seed=1).requires_grad_()
        bias = sequence(3, seed=2).requires_grad_()
        ours = convolution(x, weight, bias, stride=stride, dilation=dilation)
        padding = dilation * (taps // 2)
        torchs = F.conv1d(x[:, :, 0], weight, bias, stride, padding, dilation)[:, :, None]
        torch.testing.assert_close(ours, torchs)
        by_output = sequence(ours.shape, seed=3)
        mine, theirs = (
            torch.autograd.grad(y, (x, weight, bias), by_output) for y in (ours, torchs)
        )
        torch.testing.assert_close(mine, theirs)


def dilated_layer(dilation):
    return nn.Conv1d(4, 6, 3, dilation=dilation, padding=dilation).double()


ROWS = torch.arange(1.0, 7.0, dtype=torch.float64)


@pytest.mark.parametrize("dilation", [1, 4, 16])
def test_dilated__rows__multiply_the_outputs(dilation):
    x, layer = sequence((3, 4, 11)), dilated_layer(dilation)
    expected = layer(x) * ROWS[:, None]
    ours = dilated(taps_of(layer, ROWS), as_image(x))
    torch.testing.assert_close(ours[:, :, 0], expected)


@pytest.mark.parametrize("dilation", [1, 4, 7, 10, 11, 16])
def test_dilated__with_a_layer_before__equals_both_in_turn(dilation):
    x, layer, mix = sequence((3, 5, 11)), dilated_layer(dilation), nn.Conv1d(5, 4, 1).double()
    inputs = [x.requires_grad_(), *layer.parameters(), *mix.parameters()]
    expected = layer(mix(x)) * ROWS[:, None]
    ours = dilated(taps_of(layer, ROWS, mix), as_image(x))[:, :, 0]
    torch.testing.assert_close(ours, expected)
    by_output = sequence(expected.shape, seed=3)
    mine, theirs = (torch.autograd.grad(y, inputs, by_output) for y in (ours, expected))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("dilation", [1, 4, 16])
def test_dilated__with_a_layer_before__reads_nothing_beyond_a_trajectory(dilation):
    x, layer, mix = sequence((4, 5, 11)), dilated_layer(dilation), nn.Conv1d(5, 4, 1).double()
    lengths = [11, 8, 4, 1]
    padding = Padding(torch.tensor(lengths), 11)
    with torch.no_grad():
        ours = dilated(taps_of(layer, ROWS, mix), as_image(padding.clear(x)), padding)
        for row, own, T in zip(ours, x, lengths, strict=True):
            expected = layer(mix(own[None, :, :T]))[0] * ROWS[:, None]
            torch.testing.assert_close(row[:, 0, :T], expected)


@pytest.mark.parametrize("function", [moments, "group_norm"])
def test_bfloat16__sums__are_made_in_float32(function):
    x = sequence((4, 8, 500)).bfloat16()
    if function == "group_norm":
        layer = nn.GroupNorm(2, 8)
        ours = group_norm(layer, as_image(x), points_of(x.float()))
        assert ours.dtype == torch.bfloat16
        expected = F.group_norm(x.double(), 2)
        assert (ours[:, :, 0].double() - expected).abs().max() < 0.01
    else:
        ours = moments(as_image(x), points_of(x.float()))
        assert ours.dtype == torch.float32
        assert (ours - plain_moments(x.double())).abs().max() < 1e-4
        leaf = as_image(x).requires_grad_()
        moments(leaf, points_of(x.float())).sum().backward()
        assert leaf.grad.dtype == torch.bfloat16


def test_moments__constant_channel__has_finite_slope():
    h = as_image(torch.full((1, 2, 30), 1.7)).requires_grad_()
    moments(h, points_of(h)).sum().backward()
    assert torch.isfinite(h.grad).all()
