"""skandi's simulators against those of andi-datasets, which the whole field has used.

The slow reference was run once; ``tests/data/andi_reference.npz`` holds what its trajectories look
like, and ``benchmarks/reference_simulators`` how it was made. All tests of this file against the
reference share one family-wise level, by Bonferroni, and every seed is fixed.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, stats

from skandi.diffusion import ALPHA_RANGE, MODELS
from skandi.simulate import models, simulate

ROOT = Path(__file__).parents[1]


def _load(name):
    """Import a file of benchmarks/reference_simulators, which is no package."""
    path = ROOT / "benchmarks" / "reference_simulators" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"reference_simulators_{name}", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


summaries = _load("summaries")

FAMILY_LEVEL = 1e-3
ERROR = 1.03
N = {"attm": 30_000, "ctrw": 20_000, "fbm": 10_000, "lw": 10_000, "sbm": 10_000}
CHUNK = 5_000
CASES = [(model, n_dims) for model in MODELS for n_dims in (1, 2, 3)]


@pytest.fixture(scope="module")
def reference():
    return summaries.Reference(ROOT / "tests" / "data" / "andi_reference.npz")


def summarise_samples(model, alpha, n, n_dims, seed):
    """Summaries of n trajectories of each α, made in one batch of mixed α."""
    rng = np.random.default_rng(seed)
    mixed = np.tile(alpha, min(n, CHUNK))
    parts = []
    for _ in range(n // min(n, CHUNK)):
        positions = simulate(model, mixed, mixed.size, summaries.T, n_dims, random_state=rng)
        parts.append(
            [summaries.summarise(model, positions[i :: len(alpha)]) for i in range(len(alpha))]
        )
    return [
        {name: np.concatenate([part[i][name] for part in parts]) for name in parts[0][i]}
        for i in range(len(alpha))
    ]


def rejected(reference, comparisons):
    """Comparisons that fail at the family-wise level, worst first."""
    level = FAMILY_LEVEL / reference.n_tests
    return sorted((c for c in comparisons if c.p_value < level), key=lambda c: c.p_value)


def wrong_by_3_percent(model, alpha):
    """An α that is 3 % too large, or too small where the model allows no larger one."""
    return alpha * ERROR if alpha * ERROR <= ALPHA_RANGE[model][1] else alpha / ERROR


# -- against the reference -------------------------------------------------------------------------


def test_reference__every_case__is_there(reference):
    assert reference.about["T"] == summaries.T
    assert reference.about["andi-datasets"].startswith("2.1.")
    assert reference.n_tests > 45 * 2 * 12


@pytest.mark.parametrize("model, n_dims", CASES)
def test_simulate__each_model__follows_the_law_of_the_reference(reference, model, n_dims):
    alphas = summaries.CASES[model]
    samples = summarise_samples(model, alphas, N[model], n_dims, seed=[7, n_dims])
    for alpha, values in zip(alphas, samples):
        assert not rejected(reference, reference.compare(model, alpha, n_dims, values))


@pytest.mark.parametrize("model, n_dims", CASES)
def test_simulate__exponent_wrong_by_3_percent__is_caught(reference, model, n_dims):
    alphas = summaries.CASES[model]
    wrong = [wrong_by_3_percent(model, alpha) for alpha in alphas]
    samples = summarise_samples(model, wrong, N[model], n_dims, seed=[8, n_dims])
    for alpha, values in zip(alphas, samples):
        assert rejected(reference, reference.compare(model, alpha, n_dims, values)), alpha


@pytest.fixture
def bare_clock(monkeypatch):
    """Let every Gaussian number be one: the steps of ATTM are sqrt(2D), its clock is visible."""
    monkeypatch.setattr(models, "normals", lambda rng, shape, dtype: np.ones(shape, dtype))

    def summarise_clock(alpha):
        positions = simulate("attm", alpha, 20_000, summaries.T, random_state=9)
        return summaries.summarise(summaries.ATTM_CLOCK, positions)

    return summarise_clock


@pytest.mark.parametrize("alpha", summaries.CASES["attm"])
def test_attm__dwell_times_and_diffusivities__follow_the_law_of_the_reference(
    reference, bare_clock, alpha
):
    clock = summaries.ATTM_CLOCK
    right = reference.compare(clock, alpha, 1, bare_clock(alpha))
    wrong = reference.compare(clock, alpha, 1, bare_clock(wrong_by_3_percent("attm", alpha)))
    assert not rejected(reference, right)
    assert {c.statistic for c in rejected(reference, wrong)} & {"dwell, mean log", "dwell, number"}


# -- against theory --------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0, 1.7, 1.95])
def test_fbm__covariance__is_exact(alpha):
    n, T, n_dims = 20_000, 49, 2
    steps = np.diff(simulate("fbm", alpha, n, T, n_dims, random_state=10), axis=1)
    lag = np.abs(np.arange(-1, T, dtype=float)) ** alpha
    covariance = linalg.toeplitz((lag[2:] - 2 * lag[1:-1] + lag[:-2]) / 2)
    factor = linalg.cholesky(covariance, lower=True)
    # Whitened, all displacements of all axes are independent standard normal numbers.
    white = linalg.solve_triangular(
        factor, steps.transpose(2, 1, 0).swapaxes(0, 1).reshape(T - 1, -1), lower=True
    )
    white = white.reshape(T - 1, n_dims, n).reshape(-1, n)
    found = white @ white.T / n
    z = (found - np.eye(len(white))) * np.sqrt(n / (1 + np.eye(len(white))))
    assert np.abs(z).max() < stats.norm.isf(FAMILY_LEVEL / z.size)
    assert stats.kstest(white[::7, ::11].ravel(), "norm").pvalue > FAMILY_LEVEL


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0, 1.7, 1.95])
@pytest.mark.parametrize("model", ["fbm", "sbm"])
def test_variance__gaussian_models__grows_as_the_power_of_time(model, alpha):
    n, T = 40_000, 257
    positions = simulate(model, alpha, n, T, random_state=11)[:, :, 0]
    t = 2 ** np.arange(9)
    # The reference counts time from the step that leads to the first point of SBM.
    expected = t**alpha if model == "fbm" else (t + 1.0) ** alpha - 1
    z = ((positions[:, t] ** 2).mean(axis=0) / expected - 1) * np.sqrt(n / 2)
    assert np.abs(z).max() < stats.norm.isf(FAMILY_LEVEL / (2 * t.size))


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.7, 1.0])
def test_ctrw__first_waiting_time__has_the_power_law(alpha):
    n, T = 40_000, 200
    steps = np.diff(simulate("ctrw", alpha, n, T, random_state=12)[:, :, 0], axis=1)
    first = np.where((steps != 0).any(axis=1), (steps != 0).argmax(axis=1) + 1, T)
    k = np.r_[1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, T]
    survival = k.astype(float) ** -alpha
    expected = n * -np.diff(np.r_[survival, 0.0])
    found = np.histogram(first, np.r_[k, T + 1])[0]
    assert stats.chisquare(found, expected).pvalue > FAMILY_LEVEL


# -- independence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_simulate__neighbouring_trajectories__are_independent(model):
    alpha = summaries.CASES[model][1]
    (values,) = summarise_samples(model, [alpha], 5_000, 2, seed=13)
    p_values = [
        stats.spearmanr(sample[:-lag], sample[lag:]).pvalue
        for sample in values.values()
        if np.ptp(sample) > 0
        for lag in (1, 2, 3)
    ]
    assert min(p_values) > FAMILY_LEVEL / len(p_values)
    moved = values["signed displacement"][values["signed displacement"] != 0]
    assert np.unique(moved).size == moved.size


# -- the tests themselves --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rank_sum", "kolmogorov_smirnov"])
def test_two_sample_tests__same_law_with_ties__hold_their_level(name):
    test = getattr(summaries, name)
    rng = np.random.default_rng(14)
    p_values = []
    for _ in range(1_000):
        a, b = rng.geometric(0.2, 300).astype(float), rng.geometric(0.2, 500).astype(float)
        edges = summaries.quantile_edges(a)
        p_values.append(test(summaries.histogram(a, edges), summaries.histogram(b, edges)))
    assert (np.array(p_values) < 0.05).mean() < 0.08


def test_compare__statistics_that_the_reference_lacks__is_an_error(reference):
    with pytest.raises(ValueError, match=r"write the reference anew with make_reference\.py"):
        reference.compare("fbm", 1.0, 1, {"first step": np.zeros(3)})
