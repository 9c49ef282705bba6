"""The multi-scale network: finite for every length and every odd track, each track by itself."""

import math

import numpy as np
import pytest
import torch

from skandi.networks import MultiScaleNet
from skandi.networks.multiscale import describe
from skandi.normalize import standardize

SMALL = {"channels": (16, 16, 24), "recurrent_block": 1, "recurrent_size": 8, "hidden_size": 16}


def network(n_dims=2, n_outputs=5, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MultiScaleNet(n_dims, n_outputs, **kwargs)


def positions(n, d, T, seed=0):
    """Z-scored Brownian motion, (n, d, T)."""
    x = np.random.default_rng(seed).normal(size=(n, T, d)).cumsum(axis=1)
    return torch.from_numpy(standardize(x).astype(np.float32).transpose(0, 2, 1).copy())


def gradients_are_finite(net):
    return all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.fixture(scope="module")
def full_size():
    return network()


@pytest.mark.parametrize("T", [*range(1, 41), 999])
def test_multiscale__every_length__has_finite_outputs_and_gradients(T, full_size):
    full_size.zero_grad()
    outputs = full_size(positions(3, 2, T))
    assert outputs.shape == (3, 5)
    assert torch.isfinite(outputs).all()
    outputs.square().sum().backward()
    assert gradients_are_finite(full_size)


@pytest.mark.parametrize("T", [2, 11, 150])
@pytest.mark.parametrize("kind", ["straight line", "constant", "one constant axis", "one step"])
def test_multiscale__odd_tracks__have_finite_outputs_and_gradients(kind, T, full_size):
    x = np.random.default_rng(1).normal(size=(T, 2)).cumsum(axis=0)
    if kind == "straight line":
        x = np.outer(np.arange(T), [1.0, -2.0])
    elif kind == "constant":
        x = np.full((T, 2), 3.0)
    elif kind == "one constant axis":
        x[:, 1] = 3.0
    else:
        x = np.zeros((T, 2))
        x[-1] = 1.0
    z = torch.from_numpy(standardize(x).astype(np.float32).T[None].copy())
    full_size.zero_grad()
    outputs = full_size(z)
    assert torch.isfinite(outputs).all()
    assert outputs.abs().max() < 1e3
    outputs.square().sum().backward()
    assert gradients_are_finite(full_size)


@pytest.mark.parametrize("T", [1, 2, 17, 200])
@pytest.mark.parametrize("training", [False, True])
def test_multiscale__a_track_alone__has_the_output_it_has_in_a_batch(T, training, full_size):
    full_size.train(training)
    x = positions(6, 2, T)
    with torch.no_grad():
        together = full_size(x)
        alone = torch.cat([full_size(x[i : i + 1]) for i in range(6)])
    assert (alone - together).abs().max() < 1e-5


def test_multiscale__constructor_parameters__shape_the_network():
    net = network(3, 7, **SMALL)
    x = positions(4, 3, 25)
    assert net.features(x).shape == (4, 16) == (4, net.n_features)
    assert torch.equal(net(x), net.head(net.features(x)))
    assert net(x).shape == (4, 7)


def test_multiscale__time_order__matters():
    net = network(**SMALL)
    x = positions(4, 2, 64)
    assert (net(x) - net(x.flip(2))).abs().max() > 1e-4


@pytest.mark.parametrize("T", [32, 100])
def test_multiscale__bfloat16__is_near_float32_from_its_shortest_length(T, full_size):
    assert full_size.shortest_bfloat16 <= 32
    full_size.zero_grad()
    x = positions(8, 2, T)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = full_size(x)
    outputs.float().square().sum().backward()
    assert gradients_are_finite(full_size)
    assert (outputs.float() - full_size(x)).abs().max() < 0.05


# --- the input channels -------------------------------------------------------------------------


def test_describe__channels_and_summary__are_what_the_docstring_says():
    T = 50
    x = positions(3, 2, T).double()
    channels, summary = describe(x)
    steps = torch.diff(x, dim=2)
    # The first displacement is zero; the root mean square counts it.
    spread = (steps.square().sum(dim=2) / T).sqrt()
    assert channels.shape == (3, 6, T)
    assert torch.equal(channels[:, :2], x)
    assert (channels[:, 2:4, 1:] - steps / spread[:, :, None]).abs().max() < 1e-12
    assert (channels[:, 2:4, 0] == 0).all()
    t = torch.arange(T, dtype=torch.float64)
    assert (channels[:, 4] - (2 * t / (T - 1) - 1)).abs().max() < 1e-12
    assert (channels[:, 5] - (torch.log(1 + t) / 3 - 1)).abs().max() < 1e-12
    # The positions have standard deviation 1.
    assert (summary[:, :2] + torch.log(spread)).abs().max() < 1e-12
    expected = torch.tensor([math.log(T) / 3 - 1, 10 / T], dtype=torch.float64)
    assert (summary[:, 2:] - expected).abs().max() < 1e-12


def test_describe__axis_that_never_moves__is_zero():
    channels, summary = describe(torch.zeros(2, 1, 9))
    assert (channels[:, :2] == 0).all()
    assert (summary[:, 0] == 0).all()


def test_describe__straight_line__has_unit_steps():
    line = torch.from_numpy(standardize(np.arange(400.0)[:, None]).T[None].copy()).float()
    channels, _ = describe(line)
    assert (channels[0, 1, 1:] - (400 / 399) ** 0.5).abs().max() < 1e-3


def test_network__no_recurrent_units__has_no_gru_and_reads_every_length():
    network = MultiScaleNet(1, 45, recurrent_size=0)
    assert not any("recurrent" in name for name, _ in network.named_parameters())
    for T in (10, 11, 200):
        assert network(torch.randn(3, 1, T)).shape == (3, 45)


def test_padded_features__unequal_lengths__are_those_of_each_alone(full_size):
    lengths = [1, 2, 3, 9, 10, 17, 33, 64, 65]
    tracks = [positions(1, 2, T, seed=T)[0] for T in lengths]
    x = torch.full((len(lengths), 2, 70), 7.0)  # what lies beyond a track must not matter
    for row, track in zip(x, tracks, strict=True):
        row[:, : track.shape[1]] = track
    with torch.inference_mode():
        together = full_size.padded_features(x, torch.tensor(lengths))
        for row, track in zip(together, tracks, strict=True):
            torch.testing.assert_close(row, full_size.features(track[None])[0], atol=1e-5, rtol=0)


def test_padded_features__gradients__are_those_of_each_alone():
    net = network(**SMALL)
    tracks = [positions(1, 2, T, seed=T) for T in (5, 8, 13)]
    x = torch.zeros(3, 2, 13)
    for row, track in zip(x, tracks, strict=True):
        row[:, : track.shape[2]] = track[0]
    net.padded_features(x, torch.tensor([5, 8, 13])).square().sum().backward()
    together = [p.grad.clone() for p in net.reduce.parameters()]
    together.append(net.stem.weight.grad.clone())
    net.zero_grad()
    for track in tracks:
        net.features(track).square().sum().backward()
    alone = [*(p.grad for p in net.reduce.parameters()), net.stem.weight.grad]
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


# --- without derivatives ------------------------------------------------------------------------


@pytest.mark.parametrize("n_dims, options", [(1, {}), (2, SMALL), (3, {"recurrent_size": 0})])
@pytest.mark.parametrize("T", [1, 2, 3, 10, 33, 200])
def test_reader__one_length__gives_the_features(n_dims, options, T):
    net = network(n_dims, **options).eval()
    x = positions(5, n_dims, T)
    with torch.inference_mode():
        torch.testing.assert_close(net.reader()(x, None), net.features(x), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("n_dims, options", [(1, {}), (2, SMALL), (3, {"recurrent_size": 0})])
@pytest.mark.parametrize("lengths", [[70], [1, 70], [1, 2, 3, 9, 10, 17, 33, 64, 65], [60, 64, 70]])
def test_reader__unequal_lengths__gives_the_features_of_each_alone(n_dims, options, lengths):
    net = network(n_dims, **options).eval()
    tracks = [positions(1, n_dims, T, seed=T)[0] for T in lengths]
    x = torch.full((len(lengths), n_dims, 70), 7.0)  # what lies beyond a track must not matter
    for row, track in zip(x, tracks, strict=True):
        row[:, : track.shape[1]] = track
    with torch.inference_mode():
        together = net.reader()(x, torch.tensor(lengths))
        for row, track in zip(together, tracks, strict=True):
            expected = net.features(track[None])[0]
            torch.testing.assert_close(row, expected, atol=2e-5, rtol=1e-5)


def test_reader__input__is_left_as_it_was(full_size):
    x = positions(4, 2, 40)
    before, weights = x.clone(), [p.clone() for p in full_size.parameters()]
    with torch.inference_mode():
        read = full_size.reader()
        first = read(x, torch.tensor([30, 40, 40, 40]))
        torch.testing.assert_close(read(x, torch.tensor([30, 40, 40, 40])), first, atol=0, rtol=0)
    assert torch.equal(x, before)
    assert all(map(torch.equal, weights, full_size.parameters()))
