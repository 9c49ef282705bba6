"""Intervals, expected errors and probabilities that keep what they say, per length and noise."""

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from small_estimators import alphas, labels, ragged, small, targets

from skandi import AlphaRegressor
from skandi.calibration import (
    COVERAGES,
    LENGTH_KNOTS,
    AlphaCalibration,
    ModelCalibration,
    length_weights,
    noise_share,
)
from skandi.networks.alpha_head import alpha_cdf, alpha_deviations, alpha_quantiles
from skandi.simulate import make_andi


def forecasts(n, seed):
    """Gaussian truths, and a forecaster whose overconfidence depends on length and noise."""
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(np.log(10), np.log(1000), n)).astype(int)
    noise = rng.uniform(-0.2, 0.5, n)
    sigma = 0.1 + 0.4 * (10 / lengths) ** 0.5
    claimed = sigma * np.where(noise > 0.3, 0.5, 1.4) * (lengths / 100) ** 0.1
    error = rng.normal(size=n) * sigma
    mass = np.abs(2 * _normal_cdf(error / claimed) - 1)
    fitting = {
        "central_mass": mass,
        "error": error,
        "expected": claimed * (2 / np.pi) ** 0.5,
        "spread": claimed,
    }
    return lengths, noise, fitting, sigma


def _normal_cdf(z):
    return torch.special.ndtr(torch.from_numpy(z)).numpy()


@pytest.fixture(scope="module")
def calibration():
    lengths, noise, fitting, _ = forecasts(200_000, seed=0)
    return AlphaCalibration.fit(lengths, noise, **fitting)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_raw_level__fresh_forecasts__cover_as_asked_in_every_cell(calibration, coverage):
    lengths, noise, fitting, _ = forecasts(200_000, seed=1)
    covered = fitting["central_mass"] <= calibration.raw_level(lengths, noise, coverage)
    uncorrected = fitting["central_mass"] <= coverage
    cells = [(noise > 0.3) & (lengths < 40), (noise < 0) & (lengths > 300), lengths > 0]
    for cell in cells:
        assert covered[cell].mean() == pytest.approx(coverage, abs=0.015)
    assert abs(uncorrected[cells[0]].mean() - coverage) > 0.1


def corrected(calibration, lengths, noise, fitting):
    sizes = {name: fitting[name] for name in ("expected", "spread")}
    return calibration.correct(lengths, noise, **sizes)


def test_correct__fresh_forecasts__expect_the_error_that_comes(calibration):
    lengths, noise, fitting, _ = forecasts(200_000, seed=2)
    expected, spread = corrected(calibration, lengths, noise, fitting)
    for cell in ((noise > 0.3) & (lengths < 40), (noise < 0) & (lengths > 300)):
        error = np.abs(fitting["error"])[cell].mean()
        assert expected[cell].mean() == pytest.approx(error, rel=0.04)
        root = np.sqrt((fitting["error"][cell] ** 2).mean())
        assert np.sqrt((spread[cell] ** 2).mean()) == pytest.approx(root, rel=0.04)


@pytest.mark.parametrize("longest", [60, 1000], ids=["short tracks only", "every length"])
def test_correct__modest_where_nearly_certain__is_mended_by_size_and_length(longest):
    """Some forecasts are sharp, and those of tracks up to one length claim a fifth too much."""
    rng = np.random.default_rng(0)
    lengths, noise, fitting, _ = forecasts(120_000, seed=4)
    sigma = np.exp(rng.uniform(np.log(0.03), np.log(0.5), len(lengths)))
    claimed = sigma * np.where((sigma < 0.1) & (lengths <= longest), 1.25, 1.0)
    fitting |= {"error": rng.normal(size=len(sigma)) * sigma, "spread": claimed}
    fitting["expected"] = claimed * (2 / np.pi) ** 0.5
    half = len(lengths) // 2
    first = {name: values[:half] for name, values in fitting.items()}
    rest = {name: values[half:] for name, values in fitting.items()}
    fitted = AlphaCalibration.fit(lengths[:half], noise[:half], **first)
    expected, spread = corrected(fitted, lengths[half:], noise[half:], rest)
    for size in (sigma[half:] < 0.08, sigma[half:] > 0.2):
        for length in (lengths[half:] < 30, lengths[half:] > 200):
            some = size & length
            assert spread[some].mean() == pytest.approx(sigma[half:][some].mean(), rel=0.05)
            error = np.abs(rest["error"])[some].mean()
            assert expected[some].mean() == pytest.approx(error, rel=0.05)


def test_levels__growing_coverage__grow(calibration):
    assert (np.diff(calibration.levels, axis=-1) >= 0).all()
    assert (calibration.levels[..., 0] == 0).all()
    assert (calibration.levels[..., -1] == 1).all()
    assert calibration.levels.shape[-1] == len(COVERAGES)


def test_fit__noise_that_never_occurs__takes_what_holds_for_the_length():
    lengths, _, fitting, _ = forecasts(20_000, seed=3)
    quiet = AlphaCalibration.fit(lengths, np.zeros(len(lengths)), **fitting)
    assert_allclose(quiet.levels[2], quiet.levels[0])


def test_conformal_level__nine_scores__is_the_hand_computed_order_statistic():
    """With 9 calibration scores, 90 % coverage needs the largest: ceil(10 x 0.9) = 9."""
    n = 9
    at_knot = np.full(n, LENGTH_KNOTS[3])
    scores = np.linspace(0.1, 0.9, n)
    ones = np.ones(n)
    fitted = AlphaCalibration.fit(
        at_knot, np.zeros(n), central_mass=scores, error=ones, expected=ones, spread=ones
    )
    assert fitted.raw_level(at_knot[:1], np.zeros(1), 0.9)[0] == pytest.approx(0.9)
    assert fitted.raw_level(at_knot[:1], np.zeros(1), 0.5)[0] == pytest.approx(0.5)


def test_temperature__logits_scaled_by_length__is_found():
    rng = np.random.default_rng(0)
    n = 60_000
    lengths = np.exp(rng.uniform(np.log(10), np.log(1000), n)).astype(int)
    true_logits = rng.normal(size=(n, 5)) * 2
    gumbel = -np.log(-np.log(rng.uniform(size=(n, 5))))
    codes = (true_logits + gumbel).argmax(axis=1)
    factor = np.where(lengths < 100, 1.6, 0.8)
    fitted = ModelCalibration.fit(lengths, true_logits * factor[:, None], codes)
    assert fitted.at(np.array([15, 30]))[0] == pytest.approx(1.6, rel=0.05)
    assert fitted.at(np.array([500]))[0] == pytest.approx(0.8, rel=0.05)


def test_length_weights__any_length__sum_to_one_and_are_one_at_a_knot():
    weights = length_weights(np.array([2, 10, 12, 45, 999, 5000]))
    assert_allclose(weights.sum(axis=1), 1)
    assert weights[3, list(LENGTH_KNOTS).index(45)] == 1
    assert weights[5, -1] == 1


def test_noise_share__known_noise__is_its_share_of_the_steps():
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(20_000, 2)).cumsum(axis=0)
    noise = rng.normal(size=walk.shape)
    still = np.zeros((30, 2))
    # a Brownian step has variance 1, the noise adds 2 to it and -1 to the neighbours' covariance
    share = noise_share([walk, walk + noise, noise, still, walk[:2], walk * 1e17])
    assert_allclose(share[:4], [0, 1 / 3, 1 / 2, 0], atol=0.02)
    assert share[4] == 0
    assert share[5] == pytest.approx(share[0])


def test_alpha_cdf__quantiles__are_its_inverse():
    logits = torch.randn(40, 40, generator=torch.Generator().manual_seed(0)) * 2
    levels = torch.linspace(0.02, 0.98, 40, dtype=torch.float64)[:, None]
    quantiles = alpha_quantiles(logits, levels)[:, 0]
    assert_allclose(alpha_cdf(logits, quantiles), levels[:, 0], atol=1e-9)
    assert_allclose(alpha_cdf(logits, torch.full((40,), -1.0)), 0)
    assert_allclose(alpha_cdf(logits, torch.full((40,), 3.0)), 1)


def test_alpha_deviations__two_spikes__are_by_hand():
    logits = torch.full((1, 40), -80.0)
    logits[0, 9] = logits[0, 19] = 0.0  # 0.50 and 1.00, half the mass each
    absolute, root = alpha_deviations(logits, torch.tensor([0.6], dtype=torch.float64))
    assert float(absolute) == pytest.approx(0.25)
    assert float(root) == pytest.approx(np.sqrt((0.1**2 + 0.4**2) / 2))


@pytest.fixture(scope="module")
def regressor():
    return small("alpha multiscale").fit(ragged(), alphas())


def moderate_tracks(n, seed):
    """Exponents nearer to one than the network has reason to believe."""
    X, y = make_andi(n, n_dims=2, length=(6, 14), recipe="andi-2020-fixed", random_state=seed)
    kept = np.flatnonzero(np.abs(y - 1) < 0.5)
    return [X[i] for i in kept], y[kept]


@pytest.fixture(scope="module")
def calibrated():
    X, y = moderate_tracks(1_800, seed=1)
    return small("alpha multiscale").fit(ragged(), alphas()).calibrate(X, y)


def test_predict_interval__coverages__are_nested_around_the_median(regressor, calibrated):
    X = ragged(seed=3)
    for estimator in (regressor, calibrated):
        median = estimator.predict(X)
        inner = None
        for coverage in (0.3, 0.6, 0.9, 0.99):
            lower, upper = estimator.predict_interval(X, coverage).T
            assert (lower <= median).all()
            assert (median <= upper).all()
            assert (lower >= 0).all()
            assert (upper <= 2.0).all()
            if inner is not None:
                assert (lower <= inner[0]).all()
                assert (inner[1] <= upper).all()
            inner = lower, upper
        assert len(np.unique(np.round(lower / 0.025 % 1, 3))) > 5, "ends snapped to the grid"


def test_calibrate__fresh_tracks__are_covered_as_asked(calibrated, regressor):
    X, y = moderate_tracks(4_000, seed=2)
    lower, upper = calibrated.predict_interval(X, 0.8).T
    assert np.mean((lower <= y) & (y <= upper)) == pytest.approx(0.8, abs=0.04)
    error = np.abs(calibrated.predict(X) - y).mean()
    assert calibrated.expected_error(X).mean() == pytest.approx(error, rel=0.08)
    lower, upper = regressor.predict_interval(X, 0.8).T
    assert abs(np.mean((lower <= y) & (y <= upper)) - 0.8) > 0.05, "nothing to correct"


def test_calibrated__saved_pickled_or_refitted__keeps_or_loses_the_correction(calibrated, tmp_path):
    X = ragged(seed=4)
    expected = calibrated.predict_interval(X)
    calibrated.save(tmp_path / "regressor.safetensors")
    joblib.dump(calibrated, tmp_path / "regressor.joblib")
    saved = AlphaRegressor.load(tmp_path / "regressor.safetensors").predict_interval(X)
    assert_allclose(saved, expected, atol=2e-4)  # the table is kept to four decimals
    pickled = joblib.load(tmp_path / "regressor.joblib")
    assert_array_equal(pickled.predict_interval(X), expected)
    pickled.fit(ragged(), alphas())
    assert not hasattr(pickled, "calibration_")


def test_predict_interval__no_distribution_or_no_coverage__says_what_to_do(regressor):
    wadnet = small("alpha wadnet").fit(ragged(), alphas())
    with pytest.raises(ValueError, match="gives one number .* Use network='multiscale'"):
        wadnet.predict_interval(ragged())
    for coverage in (0, 1, 90, -0.1, "0.9", [0.5, 0.9]):
        with pytest.raises(ValueError, match="must be between 0 and 1"):
            regressor.predict_interval(ragged(), coverage)
    with pytest.raises(ValueError, match="24 trajectories and y 3"):
        regressor.calibrate(ragged(), alphas()[:3])


def test_model_calibrate__any_labels__change_probabilities_and_no_prediction(tmp_path):
    classifier = small("model multiscale").fit(ragged(), labels())
    X = ragged(seed=5)
    before, chosen = classifier.predict_proba(X), classifier.predict(X)
    classifier.calibrate(ragged(400, seed=6), labels(400))
    after = classifier.predict_proba(X)
    assert np.abs(after - before).max() > 1e-3
    assert_array_equal(classifier.predict(X), chosen)
    assert_array_equal(classifier.classes_[after.argmax(axis=1)], chosen)
    classifier.save(tmp_path / "classifier.safetensors")
    loaded = type(classifier).load(tmp_path / "classifier.safetensors")
    assert_allclose(loaded.predict_proba(X), after, atol=1e-4)
    with pytest.raises(ValueError, match="not seen in fit: \\['other'\\]"):
        classifier.calibrate(X, ["other"] * len(X))


def test_temperature__lengths_that_were_not_met__take_what_holds_for_all():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2_000, 5)) * 2
    codes = np.array([rng.choice(5, p=p) for p in torch.softmax(torch.from_numpy(logits), 1)])
    one_length = ModelCalibration.fit(np.full(2_000, 30), logits, codes)
    assert_allclose(one_length.temperature, one_length.at(np.array([30]))[0])
    assert one_length.temperature[0] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("kind", ["alpha multiscale", "model multiscale"])
def test_calibrate__saved_and_loaded__answers_to_the_last_bit(kind, tmp_path):
    estimator = small(kind).fit(ragged(), targets(kind))
    estimator.calibrate(ragged(200, seed=1), targets(kind, 200))
    estimator.save(tmp_path / "calibrated.safetensors")
    loaded = type(estimator).load(tmp_path / "calibrated.safetensors")
    ask = "predict_proba" if kind.startswith("model") else "predict_interval"
    assert_array_equal(getattr(loaded, ask)(ragged()), getattr(estimator, ask)(ragged()))
    if kind.startswith("alpha"):
        assert_array_equal(loaded.expected_error(ragged()), estimator.expected_error(ragged()))
