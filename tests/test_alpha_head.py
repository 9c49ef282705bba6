"""α as a distribution over the grid: quantiles and losses against brute force."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn import functional as F

from skandi.diffusion import ALPHA_GRID
from skandi.networks.alpha_head import N_ALPHA_OUTPUTS, alpha_distribution_loss, alpha_quantiles


def random_logits(n=50, seed=0, sharpness=2.0):
    return torch.randn(n, 40, generator=torch.Generator().manual_seed(seed)) * sharpness


def masses(logits):
    p = np.exp(np.asarray(logits, dtype=np.float64))
    return p / p.sum(axis=1, keepdims=True)


def one_hot(k, height=80.0):
    logits = torch.zeros(1, 40)
    logits[0, k] = height
    return logits


def test_grid__outputs__are_the_forty_exponents():
    assert N_ALPHA_OUTPUTS == len(ALPHA_GRID) == 40


@pytest.mark.parametrize("level", [0.001, 0.05, 0.25, 0.5, 0.9, 0.999])
def test_quantiles__random_distributions__invert_the_brute_force_cdf(level):
    logits = random_logits()
    ours = alpha_quantiles(logits, (level,))[:, 0].numpy()
    edges = np.concatenate([ALPHA_GRID - 0.025, [2.025]])
    for q, p in zip(ours, masses(logits), strict=True):
        cdf = np.concatenate([[0], np.cumsum(p)])
        assert_allclose(np.interp(q, edges, cdf), level, atol=1e-6)


def test_quantiles__several_levels__are_ordered_and_float64():
    q = alpha_quantiles(random_logits(), (0.05, 0.5, 0.95))
    assert q.shape == (50, 3)
    assert q.dtype == torch.float64
    assert (q.diff(dim=1) >= 0).all()
    assert q.min() >= 0.025
    assert q.max() <= 2.025


@pytest.mark.parametrize("k", [0, 1, 19, 38, 39])
def test_quantiles__one_hot__have_the_grid_value_as_median(k):
    assert_allclose(alpha_quantiles(one_hot(k), (0.5,)).item(), ALPHA_GRID[k], atol=1e-6)


def test_quantiles__two_equal_neighbours__have_the_median_between_them():
    logits = torch.full((1, 40), -80.0)
    logits[0, [9, 10]] = 0.0
    median = alpha_quantiles(logits, (0.5,)).item()
    assert_allclose(median, (ALPHA_GRID[9] + ALPHA_GRID[10]) / 2, atol=1e-6)


def test_quantiles__extreme_logits__are_finite():
    logits = torch.cat([random_logits(4) * 1e4, torch.full((1, 40), -1e4), torch.zeros(1, 40)])
    assert torch.isfinite(alpha_quantiles(logits, (1e-9, 0.5, 1 - 1e-9))).all()


def crps(p, alpha, n=400_001):
    """Integral of (F(a) - [a ≥ α])² over a, on a fine mesh, masses at the grid values."""
    a = np.linspace(0, 2.1, n)
    cdf = np.concatenate([[0], np.cumsum(p)])[np.searchsorted(ALPHA_GRID, a, side="right")]
    return np.mean((cdf - (a >= alpha)) ** 2) * 2.1


@pytest.mark.parametrize("k", [0, 7, 20, 39])
def test_loss__on_the_grid__is_half_cross_entropy_and_twice_the_integrated_crps(k):
    logits = random_logits(3)
    alpha = torch.full((3,), float(ALPHA_GRID[k]))
    integrated = np.mean([crps(p, ALPHA_GRID[k]) for p in masses(logits)])
    entropy = F.cross_entropy(logits, torch.full((3,), k)).item()
    ours = alpha_distribution_loss(logits, alpha).item()
    assert_allclose(ours, 0.5 * entropy + 2 * integrated, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.06, 0.51, 1.0, 1.33, 1.97, 2.0, 2.02])
def test_loss__any_truth__is_smallest_for_all_mass_on_its_nearest_grid_value(alpha):
    truth = torch.tensor([alpha])
    losses = [alpha_distribution_loss(one_hot(k), truth).item() for k in range(40)]
    assert np.argmin(losses) == np.abs(ALPHA_GRID - alpha).argmin()
    assert min(losses) == pytest.approx(0, abs=1e-6)


def test_loss__further_misses__cost_more():
    truth = torch.tensor([0.5])
    losses = [alpha_distribution_loss(one_hot(k), truth).item() for k in range(9, 40)]
    assert np.all(np.diff(losses) > 0)


def test_loss__is_proper__smallest_for_the_distribution_the_truth_is_drawn_from():
    p = torch.tensor(masses(random_logits(1, seed=3)))[0]
    alpha = torch.from_numpy(ALPHA_GRID.copy())

    def expected(q):
        each = [alpha_distribution_loss(q.log()[None], a[None]) for a in alpha]
        return float((torch.stack(each) * p).sum())

    at_truth = expected(p)
    for seed in range(5):
        other = torch.tensor(masses(random_logits(1, seed=10 + seed, sharpness=0.3)))[0]
        mixed = 0.9 * p + 0.1 * other
        assert at_truth < expected(mixed) < expected(other)


def test_loss__gradient_descent__finds_the_truth():
    logits = torch.zeros(1, 40, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        alpha_distribution_loss(logits, torch.tensor([1.4])).backward()
        optimizer.step()
    assert alpha_quantiles(logits.detach(), (0.5,)).item() == pytest.approx(1.4, abs=0.01)
