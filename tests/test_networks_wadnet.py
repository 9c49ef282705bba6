"""WADNet: the published network to the last parameter, and its economies change nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skandi.networks import WADNet

LENGTHS = [1, 2, 10, 20, 100, 300]


def network(n_dims=2, n_outputs=5, seed=0, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return WADNet(n_dims, n_outputs, **kwargs).double()


def positions(n, d, T, seed=1):
    return torch.randn(n, d, T, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def plain_features(net, x):
    """Eq. 4-8 as printed: all taps, filter and gate apart; weights from the joined convolutions."""
    h = F.conv1d(x, net.stem.weight, net.stem.bias, padding=1)
    total = h
    for k, layer in enumerate(net.gated):
        (w_f, w_g), (b_f, b_g) = layer.weight.chunk(2), layer.bias.chunk(2)
        filtered = torch.tanh(F.conv1d(h, w_f, b_f, dilation=2**k, padding=2**k))
        gate = torch.sigmoid(F.conv1d(h, w_g, b_g, dilation=2**k, padding=2**k))
        h = F.conv1d(filtered * gate, net.mix.weight, net.mix.bias)
        total = total + h
    u = net.dropout(net.norm(total))
    return net.recurrent(u.transpose(1, 2))[0][:, -1]


@pytest.mark.parametrize("n_outputs, expected", [(1, 192_289), (5, 192_549)])
def test_wadnet__defaults__have_the_published_number_of_parameters(n_outputs, expected):
    assert sum(p.numel() for p in WADNet(1, n_outputs).parameters()) == expected


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_wadnet__economies__equal_the_plain_definition(T, training):
    # Without dropout, whose draws would differ, everything else of the training mode is compared.
    net = network(dropout=0.0).train(training)
    x = positions(6, 2, T)
    ours, plain = net(x), net.head(plain_features(net, x))
    assert torch.isfinite(ours).all()
    assert (ours - plain).abs().max() < 1e-10


@pytest.mark.parametrize("T", LENGTHS)
def test_wadnet__economies__have_the_gradients_of_the_plain_definition(T):
    net = network(dropout=0.0)
    x = positions(4, 2, T)
    target = torch.tensor([0, 2, 4, 1])
    gradients = []
    for features in (net.features, lambda x: plain_features(net, x)):
        loss = F.cross_entropy(net.head(features(x)), target)
        gradients.append(torch.autograd.grad(loss, list(net.parameters()), allow_unused=True))
    for ours, plain in zip(*gradients, strict=True):
        assert ours is not None
        assert (ours - plain).abs().max() < 1e-10


@pytest.mark.parametrize("T", [1, 2, 10, 20])
def test_wadnet__dead_taps__have_zero_gradient_and_living_ones_do_not(T):
    net = network(dropout=0.0)
    net(positions(4, 2, T)).square().sum().backward()
    for k, layer in enumerate(net.gated):
        outer = layer.weight.grad[:, :, [0, 2]]
        assert (outer == 0).all() == (2**k >= T)
        assert (layer.weight.grad[:, :, 1] != 0).any()


@pytest.mark.parametrize("T, n_full", [(1, 0), (16, 4), (17, 5), (20, 5), (300, 9)])
def test_wadnet__dead_taps__are_left_out_as_early_as_possible(T, n_full, monkeypatch):
    taps = []
    convolution = F.conv2d
    monkeypatch.setattr(
        F, "conv2d", lambda h, w, *a, **k: taps.append(w.shape[-1]) or convolution(h, w, *a, **k)
    )
    network()(positions(2, 2, T))
    assert taps.count(3) == 1 + n_full  # the first layer is not dilated


def test_wadnet__mixing_convolution__is_one_module_for_all_layers():
    net = network(n_layers=4)
    assert sum(m.kernel_size == (1,) for m in net.modules() if isinstance(m, nn.Conv1d)) == 1


def test_wadnet__eval_mode__has_no_batch_companion_effects():
    net = network().eval()
    x = positions(5, 2, 30)
    alone = torch.cat([net(x[i : i + 1]) for i in range(5)])
    assert (alone - net(x)).abs().max() < 1e-12


def test_wadnet__constructor_parameters__shape_the_network():
    net = network(
        n_dims=3, n_outputs=7, n_layers=4, n_filters=8, hidden_size=5, n_recurrent=2, dropout=0.3
    )
    assert net.features(positions(2, 3, 9)).shape == (2, 5) == (2, net.n_features)
    assert net(positions(2, 3, 9)).shape == (2, 7)
    assert [layer.dilation for layer in net.gated] == [(1,), (2,), (4,), (8,)]
    assert net.recurrent.num_layers == 2
    assert net.dropout.p == 0.3


def test_wadnet__zeros__are_finite():
    assert torch.isfinite(network().eval()(torch.zeros(2, 2, 12, dtype=torch.float64))).all()


@pytest.mark.parametrize("lengths", [[70], [1, 2, 3, 9, 10, 17, 33, 64, 65], [60, 64, 70]])
def test_padded_features__unequal_lengths__are_those_of_each_alone(lengths):
    net = network().eval()
    tracks = [positions(1, 2, T, seed=T)[0] for T in lengths]
    x = torch.full(
        (len(lengths), 2, 70), 7.0, dtype=torch.float64
    )  # what lies beyond a track must not matter
    for row, track in zip(x, tracks, strict=True):
        row[:, : track.shape[1]] = track
    with torch.inference_mode():
        together = net.padded_features(x, torch.tensor(lengths))
        for row, track in zip(together, tracks, strict=True):
            torch.testing.assert_close(row, net.features(track[None])[0], atol=1e-5, rtol=0)


def test_wadnet__bfloat16_on_a_cpu__leaves_the_recurrence_in_float32():
    net = network(1, 1).float().eval()
    x = positions(4, 1, 40).float()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        features = net.features(x)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, net.features(x), atol=2e-2, rtol=0)
