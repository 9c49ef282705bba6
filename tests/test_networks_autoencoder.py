"""The autoencoders: their size, and equality with torch's own layers in float64."""

import pytest
import torch
from torch.nn import functional as F

from skandi.networks.autoencoder import LargeAutoencoder, SmallAutoencoder
from skandi.networks.time_major import TimeConv, max_pool, unpool

BOTH = [(SmallAutoencoder, 20), (LargeAutoencoder, 40)]


@pytest.fixture(autouse=True)
def fixed_weights():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    "network, separate, shared",
    [(SmallAutoencoder, 63_589, 63_365), (LargeAutoencoder, 275_157, 274_933)],
)
def test_parameters__at_the_papers_length__are_as_many_as_published(network, separate, shared):
    assert count(network()) == separate
    assert count(network(shared_batch_norm=True)) == shared
    assert network().n_latent == {20: 4, 200: 20}[network().length]


@pytest.mark.parametrize("network, length", BOTH)
@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"n_latent": 3}, {"pooling_indices": False}])
def test_shapes__every_dimension_and_option__are_kept(network, length, n_dims, options):
    autoencoder = network(n_dims, length + 16, **options)
    x = torch.randn(5, n_dims, length + 16)
    latent, _ = autoencoder.encode(x)
    assert autoencoder(x).shape == x.shape
    assert latent.shape == (5, options.get("n_latent", max(4, autoencoder.n_latent)))


@pytest.mark.parametrize("network", [SmallAutoencoder, LargeAutoencoder])
def test_shapes__shortest_length__works(network):
    assert network(1, network.divisor)(torch.randn(3, 1, network.divisor)).shape[2]


@pytest.mark.parametrize("network, length", BOTH)
@pytest.mark.parametrize("wrong", [2, 21])
def test_length__not_a_multiple__is_refused(network, length, wrong):
    with pytest.raises(ValueError, match=f"length is {wrong}.*needs a multiple of"):
        network(1, wrong)


# --- the same operations with torch's own layers, time last ------------------------------------


def conv(layer, h):
    weight = layer.weight.permute(2, 1, 0)
    y = F.conv1d(h, weight, layer.bias, padding=weight.shape[2] // 2)
    return F.relu(y) if layer.relu else y


def norm(layer, h):
    return F.batch_norm(
        h, layer.running_mean, layer.running_var, layer.weight, layer.bias, False, 0.0, layer.eps
    )


def pool(h):
    return F.max_pool1d(h, 2, return_indices=True)


def coarse(net, latent):
    return net.expand(latent).view(len(latent), 64, -1)


def small_reference(net, x):
    h, places = x, []
    for k in range(3):
        h = norm(net.norms_in[k], conv(net.down[k][1], conv(net.down[k][0], h)))
        if k < 2:
            h, where = pool(h)
            places.append(where)
    h = coarse(net, net.squeeze(h.mean(dim=2)))
    for k in range(3):
        if k > 0:
            h = F.max_unpool1d(h, places.pop(), 2)
        h = conv(net.up[k][1], conv(net.up[k][0], norm(net.norms_out[k], h)))
    return h


def large_reference(net, x):
    h, places = x, []
    for k in range(3):
        level = net.down[k]
        r = conv(level.first, h)
        h = F.relu(conv(level.inner[1], conv(level.inner[0], r)) + r)
        h, where = pool(norm(net.norms_in[k], h))
        places.append(where)
    h = coarse(net, net.squeeze(F.adaptive_avg_pool1d(h, 4).flatten(1)))
    for k in range(3):
        h = F.max_unpool1d(norm(net.norms_out[k], h), places.pop(), 2)
        for layer in net.up[k]:
            h = conv(layer, h)
    return h


REFERENCES = {SmallAutoencoder: small_reference, LargeAutoencoder: large_reference}


def with_random_statistics(net):
    for layer in (*net.norms_in, *net.norms_out):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2.0)
        layer.weight.data.uniform_(0.5, 2.0)
        layer.bias.data.normal_()
    return net.double().eval()


@pytest.mark.parametrize("network, length", BOTH)
@pytest.mark.parametrize("n_dims", [1, 2])
def test_network__torchs_own_layers__give_the_same(network, length, n_dims):
    net = with_random_statistics(network(n_dims, length))
    x = torch.randn(6, n_dims, length, dtype=torch.float64).cumsum(2)
    expected = REFERENCES[network](net, x)
    assert torch.allclose(net(x), expected, rtol=1e-10, atol=1e-10)
    wanted = torch.autograd.grad(expected.square().sum(), list(net.parameters()))
    found = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    for a, b in zip(found, wanted):
        assert torch.allclose(a, b, rtol=1e-8, atol=1e-8 * float(b.abs().max()))


@pytest.mark.parametrize("kernel, T", [(3, 6), (5, 6), (5, 2), (3, 1)])
@pytest.mark.parametrize("relu", [False, True])
def test_convolution__finite_differences__agree_with_the_derivative(kernel, T, relu):
    layer = TimeConv(2, 3, kernel, relu=relu).double()
    x = torch.randn(T, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    by_weight = torch.autograd.functional.jacobian(
        lambda w: torch.func.functional_call(layer, {"weight": w}, (x,)).sum(), layer.weight
    )
    expected = torch.autograd.grad(conv(layer, x.permute(1, 2, 0)).sum(), layer.weight)[0]
    assert torch.allclose(by_weight, expected)


def test_pooling__ties_and_derivatives__follow_torch():
    h = torch.randint(0, 3, (6, 4, 5)).double().requires_grad_()
    pooled, later = max_pool(h)
    expected, where = pool(h.permute(1, 2, 0))
    assert torch.equal(pooled.permute(1, 2, 0), expected)
    restored = F.max_unpool1d(expected, where, 2)
    assert torch.equal(unpool(pooled, later).permute(1, 2, 0), restored)
    weight = torch.randn(4, 5, 6, dtype=torch.float64)
    wanted = torch.autograd.grad((restored * weight).sum(), h)[0]
    pooled, later = max_pool(h)
    found = torch.autograd.grad((unpool(pooled, later).permute(1, 2, 0) * weight).sum(), h)[0]
    assert torch.equal(found, wanted)


def test_unpooling__without_places__puts_values_first():
    h = torch.arange(1.0, 4.0).view(3, 1, 1)
    assert unpool(h, None).flatten().tolist() == [1, 0, 2, 0, 3, 0]


@pytest.mark.parametrize("network, length", BOTH)
def test_pooling_indices__without__only_the_latent_vector_counts(network, length):
    x = torch.randn(4, 1, length)
    for indices in (True, False):
        net = network(1, length, pooling_indices=indices).eval()
        latent, places = net.encode(x)
        _, others = net.encode(x.flip(2))
        same = torch.equal(net.decode(latent, places), net.decode(latent, others))
        assert same is not indices


@pytest.mark.parametrize("network, length", BOTH)
def test_shared_batch_norm__training_step__changes_both_alike_but_not_the_statistics(
    network, length
):
    net = network(1, length, shared_batch_norm=True).train()
    for norm_in, norm_out in zip(net.norms_in, reversed(net.norms_out)):
        assert norm_in.weight is norm_out.weight
        assert norm_in.bias is norm_out.bias
    net(torch.randn(8, 1, length)).square().mean().backward()
    torch.optim.SGD(net.parameters(), lr=1.0).step()
    for norm_in, norm_out in zip(net.norms_in, reversed(net.norms_out)):
        assert torch.equal(norm_in.weight, norm_out.weight)
        assert not torch.equal(norm_in.running_mean, norm_out.running_mean)
