"""Trajectories that are three models at once, in adjustable shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import RecipeError
from skandi.simulate.models import as_floats, check_request, cumulate
from skandi.simulate.randomness import RandomState, as_generator
from skandi.simulate.scaling import unit_displacements


def mixture(
    models: Sequence[str],
    alpha: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    random_state: RandomState = None,
) -> NDArray[np.float64]:
    """Mix three diffusion models displacement by displacement.

    One trajectory of each model is scaled to displacements of unit standard deviation per axis,
    then Δ = γβ Δ₁ + (1-γ) Δ₂ + (1-β) Δ₃. The corners are pure: model 1 at γ = β = 1, model 2 at
    γ = 0, β = 1, model 3 at γ = 1, β = 0.

    Parameters
    ----------
    models : sequence of three names of ``skandi.diffusion.MODELS``
    alpha : float or sequence of three floats
        Anomalous exponent, of all or of each model.
    gamma, beta : float or array-like of shape (n_samples,)
        Shares, from 0 to 1.
    n_samples, T, n_dims : int
        Trajectories, points (at least 2), and dimensions (1 to 3).
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)
        Positions from the origin, without noise. The axis of a track that does not move, or moves
        at constant velocity, stays unscaled.

    Raises
    ------
    RecipeError
        For anything but three models, an α that one of them does not allow, or shares outside 0
        to 1.

    References
    ----------
    Muñoz-Gil, Guigó i Corominas & Lewenstein, "Unsupervised learning of anomalous diffusion
    data", J. Phys. A 54:504001 (2021), arXiv:2108.03411, Eq. 3.

    Examples
    --------
    >>> from skandi.simulate import mixture
    >>> tracks = mixture(("ctrw", "attm", "fbm"), 0.8, 0.5, 0.7, n_samples=4, T=100,
    ...                  random_state=0)
    >>> tracks.shape
    (4, 100, 1)
    """
    if isinstance(models, str) or not hasattr(models, "__len__") or len(models) != 3:
        raise RecipeError(f"models={models!r}: a mixture takes the names of three models")
    try:
        exponents = np.broadcast_to(as_floats("alpha", alpha), 3)
    except ValueError:
        raise RecipeError(f"alpha={alpha!r}: give one number, or one per model") from None
    checked = [
        check_request(model, float(value), n_samples, T, n_dims)
        for model, value in zip(models, exponents, strict=True)
    ]
    g, b = _share("gamma", gamma, n_samples), _share("beta", beta, n_samples)
    rng = as_generator(random_state)
    steps = np.zeros((n_samples, n_dims, T - 1))
    for model, value, weight in zip(models, checked, (g * b, 1 - g, 1 - b), strict=True):
        steps += weight[:, None, None] * unit_displacements(model, value, T, n_dims, rng)
    positions = np.empty((n_samples, T, n_dims))
    cumulate(steps, out=positions)
    return positions


def _share(name: str, value: ArrayLike, n: int) -> NDArray[np.float64]:
    shares = as_floats(name, value)
    if shares.shape not in ((), (n,)) or not ((shares >= 0) & (shares <= 1)).all():
        raise RecipeError(
            f"{name} must be a number from 0 to 1, or one for each of the n_samples={n} "
            f"trajectories; got {value!r}"
        )
    return np.broadcast_to(shares, n)
