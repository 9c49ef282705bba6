"""Mixtures of three models: their corners are the models, in between they are sums."""

import numpy as np
import pytest

from skandi.errors import RecipeError
from skandi.simulate import mixture

MODELS_MIXED = ("sbm", "fbm", "ctrw")


def steps_of(gamma, beta, n=600, alpha=(1.8, 0.2, 0.9)):
    tracks = mixture(MODELS_MIXED, alpha, gamma, beta, n, 200, random_state=1)
    return np.diff(tracks[..., 0], axis=1)


def growth(steps):
    """Variance of late over early displacements: above 1 for the SBM."""
    return (steps[:, -50:] ** 2).mean() / (steps[:, :50] ** 2).mean()


def lag_one(steps):
    return (steps[:, 1:] * steps[:, :-1]).mean() / (steps**2).mean()


@pytest.mark.parametrize("gamma, beta, model", [(1, 1, "sbm"), (0, 1, "fbm"), (1, 0, "ctrw")])
def test_mixture__corner__is_one_model_of_unit_std(gamma, beta, model):
    steps = steps_of(gamma, beta)
    moved = steps.std(axis=1) > 0
    np.testing.assert_allclose(steps.std(axis=1)[moved], 1, rtol=1e-9)
    assert (growth(steps) > 3) == (model == "sbm")
    assert (lag_one(steps) < -0.3) == (model == "fbm")
    assert ((steps == 0).mean() > 0.5) == (model == "ctrw")


def test_mixture__corner_of_both_zero__is_the_sum_of_models_two_and_three():
    steps = steps_of(0, 0)
    # γ = 0 and β = 0 leave Δ₂ + Δ₃, two independent parts of unit variance.
    assert (steps**2).mean() == pytest.approx(2, rel=0.1)
    assert lag_one(steps) == pytest.approx(0.5 * (2**0.2 - 2) / 2, abs=0.03)


def test_mixture__inside__has_the_variance_of_the_weights():
    gamma, beta = 0.6, 0.5
    weights = np.array([gamma * beta, 1 - gamma, 1 - beta])
    assert (steps_of(gamma, beta, n=2000) ** 2).mean() == pytest.approx(
        (weights**2).sum(), rel=0.05
    )


def test_mixture__arrays_of_shares__apply_row_by_row():
    gamma = np.repeat([1.0, 0.0], 200)
    steps = np.diff(
        mixture(MODELS_MIXED, (1.8, 0.2, 0.9), gamma, 1.0, 400, 100, 2, random_state=0), axis=1
    )
    assert growth(steps[:200, :, 0]) > 2
    assert lag_one(steps[200:, :, 1]) < -0.3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"models": ("fbm", "sbm")}, "three models"),
        ({"models": "fbm"}, "three models"),
        ({"models": ("fbm", "sbm", "brownian")}, "unknown model 'brownian'"),
        ({"alpha": (0.5, 1.2)}, "one per model"),
        ({"alpha": 1.5}, "attm is defined for alpha from"),
        ({"gamma": 1.2}, "gamma must be a number from 0 to 1"),
        ({"beta": [0.1, 0.2]}, "beta must be"),
        ({"T": 1}, "T=1"),
    ],
)
def test_mixture__impossible_request__is_refused(arguments, message):
    request = {"models": ("attm", "fbm", "sbm"), "alpha": 0.8, "gamma": 0.5, "beta": 0.5}
    with pytest.raises(RecipeError, match=message):
        mixture(**{**request, "n_samples": 5, "T": 10, **arguments})
