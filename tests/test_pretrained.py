"""Shipped weights: presets, symmetric views, one trunk for both answers, corrections."""

import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from small_estimators import TINY_STREAM, alphas, ragged, small, trained

from skandi import analyse, load_pretrained
from skandi.diffusion import MODELS
from skandi.errors import WeightsError
from skandi.networks.alpha_head import alpha_quantiles
from skandi.pretrained import PRESETS, novelty_path, shipped_weights
from skandi.pretrained.calibrating import calibrate_weights, calibration_set
from skandi.pretrained.fitting_novelty import fit_novelty
from skandi.pretrained.joining import join_weights
from skandi.pretrained.teaching import teacher_of
from skandi.training.inference import VIEWS, symmetric_views
from skandi.training.joint import N_OUTPUTS, network_input
from skandi.weights import load_weights, save_weights


def walks(d, n=12, seed=0):
    return ragged(n, low=12, high=40, d=d, seed=seed)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_views__all__are_every_sign_and_order_once(d):
    x = torch.randn(2, d, 7)
    seen = [tuple(view.flatten().tolist()) for view in symmetric_views(x, "all")]
    assert len(seen) == len(set(seen)) == {1: 2, 2: 8, 3: 48}[d]
    assert torch.equal(next(iter(symmetric_views(x, "all"))), x)
    for view in symmetric_views(x, "all"):
        assert_allclose(view.square().sum(dim=1).numpy(), x.square().sum(dim=1).numpy(), rtol=1e-5)


@pytest.mark.parametrize("kind", ["alpha wadnet", "alpha multiscale", "model multiscale"])
def test_views__predictions__do_not_depend_on_the_directions_of_space(kind):
    X = walks(2)
    y = alphas(12) if kind.startswith("alpha") else np.resize(["fbm", "lw"], 12)
    estimator = small(kind).fit(X, y)
    plain = estimator.transform(X)
    mirrored, turned = [-x for x in X], [x[:, ::-1] * [1, -1] for x in X]
    assert np.abs(estimator.transform(mirrored) - plain).max() > 1e-3
    flip = estimator.set_params(views="flip").transform(X)
    by_hand = (plain + estimator.set_params(views="none").transform(mirrored)) / 2
    assert_allclose(flip, by_hand, atol=1e-5)
    estimator.set_params(views="all")
    assert_allclose(estimator.transform(turned), estimator.transform(X), atol=1e-5)
    with pytest.raises(ValueError, match="views is 'some'; it must be one of"):
        estimator.set_params(views="some").predict(X)


def test_presets__views__are_known_and_only_best_costs_more():
    assert set(PRESETS) == {"fast", "best"}
    assert set(PRESETS.values()) <= set(VIEWS)
    assert PRESETS["fast"] == "none" != PRESETS["best"]
    X = walks(1)
    best = load_pretrained("alpha", preset="best")
    assert_array_equal(best.predict(X), best.predict([-x for x in X]))
    with pytest.raises(ValueError, match="preset is 'better'; it must be one of"):
        load_pretrained("alpha", preset="better")


@pytest.mark.parametrize("d", [1, 2, 3])
def test_shipped__weights__hold_recipe_cost_scores_and_corrections(d):
    config, _ = load_weights(shipped_weights(d))
    assert config["n_dims"] == d
    assert config["scores"]["recipe"] == "andi-2020"
    assert config["training"]["core_hours"] > 0
    for preset in PRESETS:
        regressor = load_pretrained("alpha", n_dims=d, preset=preset)
        lower, upper = regressor.predict_interval(walks(d), 0.9).T
        assert (lower < upper).all()
        assert regressor.calibration_.levels.shape[0] == 3
        assert load_pretrained("model", n_dims=d, preset=preset).calibration_ is not None


def test_analyse__pretrained__runs_the_trunk_once_and_fills_the_interval(monkeypatch):
    X = walks(2)
    alpha, model = (load_pretrained(target, n_dims=2) for target in ("alpha", "model"))
    assert alpha.shares_trunk(model)
    assert not alpha.shares_trunk(load_pretrained("model", n_dims=2, preset="best"))
    expected = alpha.predict_interval(X, 0.8), alpha.expected_error(X), model.predict_proba(X)
    calls = []
    features = type(alpha)._features

    def counted(self, tracks):
        calls.append(len(tracks))
        return features(self, tracks)

    monkeypatch.setattr("skandi.estimator.TrajectoryEstimator._features", counted)
    table = analyse(X, coverage=0.8)
    assert calls == [len(X)]
    assert_allclose(table[["alpha_lower", "alpha_upper"]], expected[0], atol=1e-5)
    assert_allclose(table["expected_error"], expected[1], atol=1e-5)
    assert_allclose(table[[f"p_{m}" for m in MODELS]], expected[2], atol=1e-5)


def test_analyse__point_estimator_of_ones_own__leaves_the_interval_empty():
    X = walks(2)
    own = small("alpha wadnet").fit(X, alphas(12))
    table = analyse(X, alpha_model=own)
    assert_allclose(table.alpha, own.predict(X), atol=1e-6)
    assert table[["alpha_lower", "alpha_upper", "expected_error"]].isna().all(axis=None)
    assert table.p_fbm.notna().all()


def test_calibrate_weights__file__gains_corrections_and_keeps_its_weights(tiny_weights):
    before = load_weights(tiny_weights)
    plain = load_pretrained("alpha", n_dims=2, path=tiny_weights)
    assert not hasattr(plain, "calibration_")
    calibrate_weights(tiny_weights, 150)
    config, state = load_weights(tiny_weights)
    for name, value in before[1].items():
        assert torch.equal(state[name], value)
    assert {k: v for k, v in config.items() if k != "calibration"} == before[0]
    assert config["calibration"]["size"] == 150
    X = walks(2)
    corrected = load_pretrained("alpha", n_dims=2, path=tiny_weights)
    assert_array_equal(corrected.predict(X), plain.predict(X))
    assert np.abs(corrected.predict_interval(X) - plain.predict_interval(X)).max() > 1e-3
    with pytest.raises(WeightsError, match="n_dims they were trained for"):
        load_pretrained("alpha", n_dims=1, path=tiny_weights)


@pytest.mark.parametrize("models", [[*MODELS, "rt"], MODELS[::-1]])
def test_load__weights_of_other_models__are_refused(tiny_weights, models):
    config, state = load_weights(tiny_weights)
    save_weights(tiny_weights, state, {**config, "outputs": [*models, config["outputs"][-1]]})
    for target in ("alpha", "model"):
        with pytest.raises(WeightsError, match="weights for the models .*, and this skandi knows"):
            load_pretrained(target, n_dims=2, path=tiny_weights)


def test_join_weights__two_networks__fast_asks_the_first_and_best_the_mean_of_both(tmp_path):
    wider = {**TINY_STREAM, "recurrent_size": 6, "hidden_size": 24}
    paths = [trained(tmp_path, "a"), trained(tmp_path, "b", seed=1, network=wider)]
    joined = tmp_path / "joined.safetensors"
    config = join_weights(paths, joined)
    assert config["others"][0]["training"]["seed"] == 1
    X = walks(2)

    alone = [load_pretrained("model", n_dims=2, path=path) for path in paths]
    fast = load_pretrained("model", n_dims=2, path=joined)
    assert_array_equal(fast.predict_proba(X), alone[0].predict_proba(X))
    assert fast.shares_trunk(load_pretrained("alpha", n_dims=2, path=joined))
    assert fast.trunk_ == alone[0].trunk_
    best = load_pretrained("model", n_dims=2, path=joined, preset="best").set_params(views="none")
    mean = (alone[0].predict_proba(X) + alone[1].predict_proba(X)) / 2
    assert_allclose(best.predict_proba(X), mean, atol=1e-6)
    assert np.abs(mean - alone[0].predict_proba(X)).max() > 1e-3
    assert best.transform(X).shape == (len(X), 16 + 24)
    assert best.trunk_ not in (alone[0].trunk_, alone[1].trunk_)

    calibrate_weights(joined, 150)
    fit_novelty(joined, 60)
    novelty = load_pretrained("model", n_dims=2, path=joined).novelty(X)
    of_both = load_pretrained("model", n_dims=2, path=joined, preset="best")
    assert_allclose(of_both.novelty(X), novelty, atol=1e-6)
    table = analyse(
        X,
        alpha_model=load_pretrained("alpha", n_dims=2, path=joined, preset="best"),
        model_classifier=load_pretrained("model", n_dims=2, path=joined, preset="best"),
    )
    assert (table.alpha_lower <= table.alpha_upper).all()


def test_teacher__file_of_two_networks__says_what_best_says(tmp_path):
    joined = tmp_path / "joined.safetensors"
    join_weights([trained(tmp_path, "a"), trained(tmp_path, "b", seed=1)], joined)
    X = np.random.default_rng(0).normal(size=(6, 25, 2)).cumsum(axis=1)
    answer = teacher_of(joined, 2)(network_input(X))
    assert answer.shape == (6, N_OUTPUTS)
    assert not answer.requires_grad
    with pytest.raises(WeightsError, match="describes nothing"):
        teacher_of(novelty_path(shipped_weights(1)), 1)
    best = load_pretrained("model", n_dims=2, path=joined, preset="best")
    assert_allclose(answer[:, : len(MODELS)], best.predict_proba(list(X)), atol=1e-5)
    best = load_pretrained("alpha", n_dims=2, path=joined, preset="best")
    assert_allclose(answer[:, len(MODELS) :].sum(dim=1), 1, atol=1e-5)
    median = alpha_quantiles(answer[:, len(MODELS) :].log(), (0.5,))[:, 0]
    assert_allclose(median, best.predict(list(X)), atol=1e-4)


@pytest.mark.parametrize(
    "other, message",
    [({"n_dims": 1}, "n_dims = 1"), ({"recipe": "andi-2020-fixed"}, "one recipe")],
)
def test_join_weights__networks_of_two_kinds__are_refused(tmp_path, other, message):
    paths = [trained(tmp_path, "a"), trained(tmp_path, "b", **other)]
    with pytest.raises(WeightsError, match=message):
        join_weights(paths, tmp_path / "joined.safetensors")
    assert not (tmp_path / "joined.safetensors").exists()


def test_join_weights__one_file_or_a_joined_one__are_refused(tmp_path, tiny_weights):
    with pytest.raises(WeightsError, match="two or more"):
        join_weights([tiny_weights], tmp_path / "joined.safetensors")
    with pytest.raises(WeightsError, match="named twice"):
        join_weights([tiny_weights, tiny_weights], tmp_path / "joined.safetensors")
    another = shutil.copy(tiny_weights, tmp_path / "another.safetensors")
    join_weights([tiny_weights, another], tmp_path / "joined.safetensors")
    with pytest.raises(WeightsError, match="no single network"):
        join_weights([tiny_weights, tmp_path / "joined.safetensors"], tmp_path / "more.safetensors")


def test_calibration_set__task__has_its_mix_and_half_its_lengths_spread_in_their_logarithm():
    X, y = calibration_set("model", 1, "andi-2020", 300)
    lengths = np.array([len(x) for x in X])
    assert lengths.min() >= 10
    assert lengths.max() <= 999
    assert np.median(lengths[::2]) == pytest.approx(100, rel=0.4)
    assert np.median(lengths[1::2]) == pytest.approx(500, rel=0.2)
    assert set(y) == set(MODELS)
    again, _ = calibration_set("model", 1, "andi-2020", 300)
    assert all(np.array_equal(a, b) for a, b in zip(X, again, strict=True))
    other, alpha = calibration_set("alpha", 1, "andi-2020", 30)
    assert alpha.dtype == float
    assert not np.array_equal(other[0], X[0])


@pytest.mark.parametrize("target", ["alpha", "model"])
def test_precision__bfloat16__is_near_float32_and_not_it(target):
    X = walks(2)
    answers = []
    for precision in ("float32", "bfloat16"):
        estimator = load_pretrained(target, n_dims=2, precision=precision)
        answers.append(estimator.predict(X) if target == "alpha" else estimator.predict_proba(X))
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.1
    short = [x[:20] for x in X]  # where bfloat16 is not sound it is not used
    exact = load_pretrained(target, n_dims=2)
    assert_array_equal(estimator.predict(short), exact.predict(short))


@pytest.mark.parametrize("n_dims", [0, 4, 2.0, True, "2"])
def test_load_pretrained__no_number_of_dimensions__is_refused(n_dims):
    with pytest.raises(ValueError, match=f"n_dims is {n_dims!r}; it must be 1, 2 or 3"):
        load_pretrained("alpha", n_dims=n_dims)


def test_precision__unknown__is_refused():
    with pytest.raises(ValueError, match="float16"):
        load_pretrained("alpha", precision="float16")
