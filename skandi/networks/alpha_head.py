"""α as a distribution over a grid: the loss that teaches it and the numbers read from it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from skandi.diffusion import ALPHA_GRID

N_ALPHA_OUTPUTS = len(ALPHA_GRID)
_SPACING = float(ALPHA_GRID[1] - ALPHA_GRID[0])


def alpha_distribution_loss(logits: Tensor, alpha: Tensor, weight: Tensor | None = None) -> Tensor:
    """Half the cross-entropy on the nearest grid value plus twice the ranked probability score.

    The continuous ranked probability score of a distribution with cumulative F at truth α is
    ∫ (F(a) - [a ≥ α])² da; it is proper and, unlike the cross-entropy, knows that 0.55 is nearer to
    0.5 than 1.5 is (Gneiting & Raftery, J. Am. Stat. Assoc. 102:359, 2007, Sec. 4.2).

    Parameters
    ----------
    logits : Tensor of shape (n, 40)
        Unnormalised log-probabilities of the grid values 0.05, 0.10, …, 2.00.
    alpha : Tensor of shape (n,) or (n, 40)
        True exponents, or what is known of each as a distribution over the grid.
    weight : Tensor of shape (n,), optional
        Weights of the trajectories, 1 on average.

    Returns
    -------
    Tensor
        The mean loss, a scalar.
    """
    target = alpha if alpha.ndim == 2 else on_grid(alpha)
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    ranked = (cumulative - target.cumsum(dim=1)).square().sum(dim=1) * _SPACING
    each = 0.5 * F.cross_entropy(logits, target, reduction="none") + 2.0 * ranked
    return each.mean() if weight is None else (each * weight).mean()


def on_grid(alpha: Tensor) -> Tensor:
    """Turn exponents (n,) into distributions (n, 40), all of it on the nearest grid value."""
    nearest = (alpha[:, None] - _grid(alpha)).abs().argmin(dim=1)
    return F.one_hot(nearest, N_ALPHA_OUTPUTS).to(alpha.dtype)


def alpha_quantiles(logits: Tensor, levels: tuple[float, ...] | Tensor) -> Tensor:
    """Read quantiles of α, each grid value's mass spread evenly over its cell.

    Parameters
    ----------
    logits : Tensor of shape (n, 40)
        Unnormalised log-probabilities of the grid values.
    levels : tuple of float, or Tensor of shape (n, n_levels)
        Quantile levels in (0, 1); 0.5 is the median, which minimises the mean absolute error.

    Returns
    -------
    Tensor of shape (n, n_levels), float64
        Quantiles, not snapped to the grid.
    """
    mass = logits.double().softmax(dim=1)
    cumulative = mass.cumsum(dim=1)
    wanted = torch.as_tensor(levels, dtype=torch.float64, device=logits.device)
    wanted = wanted.expand(len(logits), -1).contiguous()
    cell = torch.searchsorted(cumulative, wanted).clamp_max(N_ALPHA_OUTPUTS - 1)
    within = mass.gather(1, cell)
    below = cumulative.gather(1, cell) - within
    # A cell that a quantile falls into has mass; the guard is for rounding at the very ends.
    fraction = ((wanted - below) / within.clamp_min(1e-12)).clamp(0.0, 1.0)
    return _grid(mass)[cell] + (fraction - 0.5) * _SPACING


def alpha_cdf(logits: Tensor, alpha: Tensor) -> Tensor:
    """Give the mass (n,) below `alpha` (n,), the inverse of `alpha_quantiles`."""
    mass = logits.double().softmax(dim=1)
    position = (alpha.double() - _grid(mass)[0]) / _SPACING + 0.5
    cell = position.floor().long().clamp(0, N_ALPHA_OUTPUTS - 1)[:, None]
    within = mass.gather(1, cell)[:, 0]
    below = mass.cumsum(dim=1).gather(1, cell)[:, 0] - within
    return below + within * (position - cell[:, 0]).clamp(0.0, 1.0)


def alpha_deviations(logits: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Give the mean absolute and the root mean square deviation (n,) from `centre` (n,)."""
    mass = logits.double().softmax(dim=1)
    away = _grid(mass) - centre.double()[:, None]
    return (mass * away.abs()).sum(dim=1), (mass * away.square()).sum(dim=1).sqrt()


def _grid(like: Tensor) -> Tensor:
    return torch.from_numpy(np.array(ALPHA_GRID)).to(like)
