"""The contract of `simulate`: shapes, seeds, limits, and what each model must be exactly.

Whether the laws are those of the challenge's own simulators is the matter of the equivalence tests.
"""

import numpy as np
import pytest

from skandi.diffusion import ALPHA_GRID, ALPHA_RANGE, MODELS
from skandi.errors import RecipeError
from skandi.plot.style import MODEL_COLORS
from skandi.simulate import (
    TrajectoryStream,
    andi_tracks,
    as_generator,
    make_andi,
    mixture,
    ornstein_uhlenbeck,
    simulate,
)
from skandi.simulate.models import displacements, fgn_amplitude
from skandi.simulate.randomness import directions, normals
from skandi.simulate.renewal import power_law_renewals

each_model = pytest.mark.parametrize("model", MODELS)
each_dimension = pytest.mark.parametrize("n_dims", [1, 2, 3])


def allowed(model):
    low, high = ALPHA_RANGE[model]
    return ALPHA_GRID[np.abs(ALPHA_GRID - (low + high) / 2) < (high - low) / 2 + 1e-9]


@each_model
@each_dimension
@pytest.mark.parametrize("T", [2, 3, 20, 257])
def test_simulate__every_size__has_shape_and_starts_at_origin(model, n_dims, T):
    alpha = np.resize(allowed(model), 45)
    tracks = simulate(model, alpha, 45, T, n_dims, random_state=0)
    assert tracks.shape == (45, T, n_dims)
    assert tracks.dtype == np.float64
    assert tracks.flags["C_CONTIGUOUS"]
    assert np.isfinite(tracks).all()
    assert (tracks[:, 0] == 0).all()


def test_models__tables_of_them__have_the_same_ones_in_the_same_order():
    for table in (ALPHA_RANGE, MODEL_COLORS):
        assert tuple(table) == MODELS


@each_model
def test_simulate__same_seed__gives_same_bytes(model):
    first, again, other = (
        simulate(model, 1.0, 300, 90, 2, random_state=seed).tobytes() for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


@each_model
def test_simulate__scalar_alpha__equals_array_of_it(model):
    scalar = simulate(model, 1.0, 40, 30, random_state=1)
    array = simulate(model, np.full(40, 1.0), 40, 30, random_state=1)
    assert (scalar == array).all()


@each_model
def test_simulate__float32__is_float32_and_similar_in_spread(model):
    alpha = np.resize(allowed(model), 4000)
    single = simulate(model, alpha, 4000, 50, random_state=2, dtype=np.float32)
    double = simulate(model, alpha, 4000, 50, random_state=3)
    assert single.dtype == np.float32
    spread = [np.log(np.abs(tracks[:, -1]) + 1.0).mean() for tracks in (single, double)]
    assert spread[0] == pytest.approx(spread[1], rel=0.1)


@each_model
def test_simulate__generator__is_advanced(model):
    rng = np.random.default_rng(0)
    first = simulate(model, 1.0, 5, 20, random_state=rng)
    second = simulate(model, 1.0, 5, 20, random_state=rng)
    assert (first != second).any()


@each_model
def test_simulate__alpha_between_grid_values__is_allowed(model):
    low, high = ALPHA_RANGE[model]
    alpha = np.linspace(low, high, 2000)
    tracks = simulate(model, alpha, 2000, 64, random_state=0)
    assert np.isfinite(tracks).all()


@each_model
def test_simulate__grid_value_with_rounding_error__is_allowed(model):
    _, high = ALPHA_RANGE[model]
    tracks = simulate(model, high + 1e-13, 2, 10, random_state=0)
    assert np.isfinite(tracks).all()
    assert np.ptp(simulate(model, high + 1e-13, 50, 10, random_state=0)) > 0


@pytest.mark.parametrize(
    "model, alpha", [("attm", 1.05), ("ctrw", 1.5), ("fbm", 2.0), ("lw", 0.9), ("sbm", np.nan)]
)
def test_simulate__alpha_outside__is_refused_naming_it(model, alpha):
    with pytest.raises(RecipeError, match=f"{model} is defined for alpha from .* not for {alpha}"):
        simulate(model, [1.0, alpha], 2, 10)


@pytest.mark.parametrize(
    "request_, message",
    [
        (("FBM", 1.0, 2, 10), "unknown model 'FBM'.*attm, ctrw, fbm, lw, sbm"),
        (("fbm", 1.0, 0, 10), "n_samples=0"),
        (("fbm", 1.0, 2, 1), "T=1"),
        (("fbm", 1.0, 2, 10.0), "T=10.0"),
        (("fbm", 1.0, 2, 10, 4), "n_dims=4.*from 1 to 3"),
        (("fbm", [1.0, 1.0], 3, 10), r"alpha has shape \(2,\)"),
    ],
)
def test_simulate__impossible_request__is_refused(request_, message):
    with pytest.raises(RecipeError, match=message):
        simulate(*request_)


def test_simulate__integer_dtype__is_refused():
    with pytest.raises(RecipeError, match="float64 or float32"):
        simulate("fbm", 1.0, 2, 10, dtype=np.int64)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, np.random.RandomState(0)])
def test_as_generator__what_is_no_seed__is_refused(seed):
    with pytest.raises(RecipeError, match="random_state=.*give an integer"):
        as_generator(seed)


def test_as_generator__generator__is_returned_itself():
    rng = np.random.default_rng(0)
    assert as_generator(rng) is rng


def test_fbm__covariance_from_its_amplitudes__is_exact():
    n_steps = 77
    alpha = np.array([0.05, 0.6, 1.0, 1.95])
    amplitude = fgn_amplitude(alpha, n_steps)
    half = amplitude.shape[1] - 1
    # Each coefficient has variance 2 amplitude²; their cosines sum up to the covariance.
    covariance = np.fft.irfft(2.0 * amplitude**2, axis=1)[:, :n_steps] / (2 * half)
    lag = np.arange(n_steps)[None]
    power = alpha[:, None]
    exact = (np.abs(lag + 1) ** power - 2.0 * lag**power + np.abs(lag - 1) ** power) / 2
    np.testing.assert_allclose(covariance, exact, atol=1e-12)


def test_fbm__sample_covariance__is_that_of_theory():
    n = 60_000
    steps = displacements("fbm", np.full(n, 0.4), 5, 1, np.random.default_rng(0))[:, 0]
    lag = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    exact = ((lag + 1) ** 0.4 - 2.0 * lag**0.4 + np.abs(lag - 1) ** 0.4) / 2
    np.testing.assert_allclose(steps.T @ steps / n, exact, atol=5 / np.sqrt(n))


def test_sbm__variance_of_each_step__is_that_of_theory():
    n = 40_000
    steps = displacements("sbm", np.full(n, 1.6), 30, 1, np.random.default_rng(0))[:, 0]
    time = np.arange(1, 30)
    ratio = (steps**2).mean(axis=0) / ((time + 1) ** 1.6 - time**1.6)
    np.testing.assert_allclose(ratio, 1.0, atol=5 * np.sqrt(2 / n))


@each_dimension
def test_lw__every_step__has_the_speed_of_its_track(n_dims):
    tracks = simulate("lw", 1.4, 300, 60, n_dims, random_state=0)
    length = np.linalg.norm(np.diff(tracks, axis=1), axis=2)
    np.testing.assert_allclose(length, np.repeat(length[:, :1], 59, axis=1), rtol=1e-9)
    assert 0 < length.min() < 0.1
    assert 9.9 < length.max() < 10


def test_lw__alpha_two__often_is_one_flight():
    n, T = 4000, 1000
    tracks = simulate("lw", 2.0, n, T, 2, random_state=0)
    one_flight = (np.abs(np.diff(tracks, n=2, axis=1)) < 1e-9).all(axis=(1, 2)).mean()
    # A flight outlasts T with probability T^(-s), which s ~ U(0, 1) makes (1 - 1/T) / ln T; or it
    # is the second one, after a first flight of the single step that is not part of the track.
    expected = 2 * (1 - 1 / T) / np.log(T) - (1 - 1 / (2 * T)) / np.log(2 * T)
    assert one_flight == pytest.approx(expected, abs=5 * np.sqrt(expected / n))


def test_ctrw__no_jump_within_track__has_the_probability_of_the_first_wait():
    tracks = simulate("ctrw", 0.2, 6000, 100, random_state=0)
    still = (tracks == 0).all(axis=(1, 2)).mean()
    expected = 100**-0.2
    assert still == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / 6000))


@each_dimension
def test_attm__steps__are_not_bounded_by_a_cut_tail_of_dwell_times(n_dims):
    # At α = 1 dwell times of more than 100 frames carry a good part of the time.
    dwells = power_law_renewals(np.ones(2000), 1000, np.random.default_rng(0), whole=True)
    assert dwells.frames().max() == 1000
    tracks = simulate("attm", 0.5, 500, 400, n_dims, random_state=0)
    # Steps inside a dwell add up: the MSD grows with the lag.
    early, late = ((tracks[:, t] ** 2).sum(axis=1).mean() for t in (20, 200))
    assert late > 2 * early


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("horizon", [1, 7, 500])
def test_renewals__any_exponent__tile_the_horizon(whole, horizon):
    exponent = np.resize([0.001, 0.05, 0.5, 1.0, 1.5, 2.0], 600)
    renewals = power_law_renewals(exponent, horizon, np.random.default_rng(0), whole=whole)
    assert (np.diff(renewals.row.astype(int)) >= 0).all()
    assert set(np.unique(renewals.row)) == set(range(600))
    inner = np.ones(len(renewals.row), bool)
    inner[renewals.first] = False
    np.testing.assert_allclose(renewals.start[renewals.first], 0, atol=1e-6)
    np.testing.assert_allclose(renewals.start[inner], renewals.end[:-1][inner[1:]], atol=1e-6)
    last = np.append(renewals.first[1:], len(renewals.row)) - 1
    assert (renewals.end[last] >= horizon - 1e-6).all()
    assert (renewals.start < horizon).all()
    if whole:
        frames = np.bincount(renewals.row, weights=renewals.frames())
        assert (frames == horizon).all()


def test_renewals__tail_of_durations__is_the_power_law():
    renewals = power_law_renewals(np.full(20_000, 0.7), 300, np.random.default_rng(0), whole=False)
    first = (renewals.end - renewals.start)[renewals.first]
    for duration in (2, 10, 100):
        expected = duration**-0.7
        margin = 5 * np.sqrt(expected * (1 - expected) / 20_000)
        assert (first > duration).mean() == pytest.approx(expected, abs=margin)


def test_normals__moments_and_tail__are_those_of_the_normal_law():
    draws = normals(np.random.default_rng(0), (1001, 999))
    assert draws.shape == (1001, 999)
    n = draws.size
    assert draws.mean() == pytest.approx(0, abs=5 / np.sqrt(n))
    assert (draws**2).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / n))
    assert (draws**4).mean() == pytest.approx(3, abs=5 * np.sqrt(96 / n))
    assert (np.abs(draws) > 4).mean() == pytest.approx(6.334e-5, abs=5 * np.sqrt(6.334e-5 / n))
    half = n // 2
    pairs = draws.reshape(-1)[:half] * draws.reshape(-1)[half : 2 * half]
    assert pairs.mean() == pytest.approx(0, abs=5 / np.sqrt(half))


@each_dimension
def test_directions__many__are_unit_vectors_without_preference(n_dims):
    n = 40_000
    towards = directions(np.random.default_rng(0), n, n_dims)
    np.testing.assert_allclose(np.linalg.norm(towards, axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(towards.mean(axis=1), 0, atol=5 / np.sqrt(n))
    np.testing.assert_allclose(
        towards @ towards.T / n, np.eye(n_dims) / n_dims, atol=5 / np.sqrt(n)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: simulate("fbm", "half", 2, 5), "alpha='half'"),
        (lambda: simulate("fbm", [[0.5], [0.5, 1]], 2, 5), "alpha="),
        (lambda: simulate("fbm", 0.5, 2, 5, dtype="foo"), "dtype='foo'"),
        (lambda: mixture(None, 0.5, 0.5, 0.5, 2, 5), "three models"),
        (lambda: mixture(("fbm", "ctrw", "sbm"), 0.5, "a", 0.5, 2, 5), "gamma='a'"),
        (lambda: ornstein_uhlenbeck(2, 5, relaxation_time="a"), "relaxation_time='a'"),
        (lambda: make_andi(2, snr="high", length=5), "snr='high'"),
        (lambda: make_andi(2, snr=1e-320, length=5), "above 0"),
        (lambda: andi_tracks([1], [0.5], [30], [[np.inf]]), "sigma: noise"),
        (lambda: andi_tracks([[1, 2]], [0.5], [30], [[1.0]]), "model has shape"),
        (lambda: TrajectoryStream(1, snr=np.ones((48, 1)), min_batch=48), "snr has shape"),
        (lambda: TrajectoryStream(1, min_batch=50, max_batch=10), "min_batch=50"),
    ],
)
def test_simulation__what_is_no_number_or_does_not_fit__is_an_error_of_ours(make, message):
    with pytest.raises(RecipeError, match=message):
        make()


def test_simulation__small_types_of_numpy__are_the_numbers_they_are():
    one, other = (simulate("fbm", 0.5, 2, T, random_state=0) for T in (200, np.uint8(200)))
    np.testing.assert_array_equal(one, other)


def test_stream__noise_given_as_an_array__is_its_own_copy():
    snr = np.array([[2.0]])
    one = TrajectoryStream(1, random_state=0, workers=0, snr=snr)
    snr[:] = 100
    other = TrajectoryStream(1, random_state=0, workers=0, snr=2.0)
    np.testing.assert_array_equal(next(one).positions, next(other).positions)


def test_stream__closed_one__cannot_be_sought_in():
    stream = TrajectoryStream(1, workers=0)
    stream.close()
    with pytest.raises(RecipeError, match="the stream is closed"):
        stream.seek(5)
