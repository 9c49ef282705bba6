"""The optimiser of weight matrices: orthogonal steps, gate by gate, no parameter left out."""

import pytest
import torch
from numpy.testing import assert_allclose

from skandi.networks import MultiScaleNet
from skandi.training.muon import Muon, make_optimizers, orthogonalized


@pytest.mark.parametrize("shape", [(30, 70), (70, 30), (3, 24, 40)])
def test_orthogonalized__any_matrix__has_singular_values_near_one_and_its_directions(shape):
    matrices = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    u, s, v = torch.linalg.svd(matrices, full_matrices=False)
    assert s.max() / s.min() > 1.4
    found = orthogonalized(matrices)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.3
    # the nearest matrix with equal singular values has the same singular vectors
    cosine = (found * (u @ v)).sum() / (found.norm() * (u @ v).norm())
    assert cosine > 0.98


def test_step__first__moves_against_the_gradient_by_the_rate():
    weight = torch.nn.Parameter(torch.zeros(8, 4, 5))
    gradient = torch.randn(8, 4, 5, generator=torch.Generator().manual_seed(1))
    optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
    weight.grad = gradient.clone()
    optimizer.step()
    expected = -0.1 * 0.2 * 20**0.5 * orthogonalized(gradient.reshape(8, 20)).reshape(8, 4, 5)
    assert_allclose(weight.detach(), expected, atol=1e-3)
    # an AdamW step is as large as this: 0.2 times the rate, root mean square
    rms = weight.detach().square().mean().sqrt()
    assert float(rms) == pytest.approx(0.1 * 0.2, rel=0.15)


def test_step__stacked_gates__is_that_of_each_gate_alone():
    gradient = torch.randn(12, 6, generator=torch.Generator().manual_seed(2))
    together = torch.nn.Parameter(torch.zeros(12, 6))
    together.grad = gradient.clone()
    Muon([{"params": [together], "stacked": 3}], lr=0.1).step()
    for k in range(3):
        alone = torch.nn.Parameter(torch.zeros(4, 6))
        alone.grad = gradient[4 * k : 4 * k + 4].clone()
        Muon([alone], lr=0.1).step()
        assert_allclose(together.detach()[4 * k : 4 * k + 4], alone.detach(), atol=1e-5)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_make_optimizers__network__has_every_parameter_once(name):
    network = MultiScaleNet(2, 45)
    optimizers = make_optimizers(network, name, lr=1e-3, weight_decay=1e-4, dtype=torch.float32)
    held = [id(p) for o in optimizers for g in o.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    if name == "muon":
        matrices = [p for g in optimizers[0].param_groups for p in g["params"]]
        assert all(p.ndim >= 2 for p in matrices)
        stacked = [p for g in optimizers[0].param_groups if g["stacked"] == 3 for p in g["params"]]
        assert {id(p) for p in stacked} == {
            id(p) for p in network.recurrent.parameters() if p.ndim == 2
        }
        assert id(network.output.weight) not in {id(p) for p in matrices}


def test_make_optimizers__unknown_name__is_refused():
    with pytest.raises(ValueError, match="'muon' or 'adamw'"):
        make_optimizers(MultiScaleNet(1, 45), "sgd", lr=1e-3, weight_decay=0.0, dtype=torch.float32)
