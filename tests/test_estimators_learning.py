"""What the estimators learn, from which labels and sizes, and inside scikit-learn's tools."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from small_estimators import KINDS, alphas, answers, labels, ragged, small, targets, two_motions

from skandi import AlphaRegressor, TrajectoryNormalizer
from skandi.errors import TrajectoryError
from skandi.normalize import standardize
from skandi.regressor import _median_absolute_errors

each_kind = pytest.mark.parametrize("kind", KINDS)
QUICK = {"lr": 1e-2, "max_epochs": 4, "batch_size": 16}


# --- inside scikit-learn's tools, on ragged lists -----------------------------------------------


def test_grid_search__two_processes_over_a_pipeline__picks_the_better_rate():
    X, y = two_motions()
    pipeline = make_pipeline(TrajectoryNormalizer(), small("model multiscale", **QUICK))
    search = GridSearchCV(pipeline, {"modelclassifier__lr": [1e-7, 1e-2]}, cv=2, n_jobs=2)
    search.fit(X, y)
    bad, good = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"modelclassifier__lr": 1e-2}
    assert good > 0.85
    assert bad < good - 0.15
    assert search.best_estimator_.score(*two_motions(seed=1)) > 0.85


def test_grid_search__over_epochs_of_a_regressor__picks_more():
    X, y = two_motions(80)
    alpha = np.where(y == "lw", 1.8, 0.6)
    search = GridSearchCV(
        small("alpha multiscale", lr=1e-2, batch_size=16, validation_fraction=0),
        {"max_epochs": [1, 12]},
        cv=2,
        scoring="neg_mean_absolute_error",
    ).fit(X, alpha)
    bad, good = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"max_epochs": 12}
    assert good > bad + 0.05
    assert good > -0.45


def test_cross_val_predict__ragged__gives_each_track_an_answer_by_others():
    X, y = two_motions(60)
    classifier = small("model multiscale", **QUICK)
    p = cross_val_predict(classifier, X, y, cv=3, method="predict_proba")
    assert p.shape == (60, 2)
    assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert set(cross_val_predict(classifier, X, y, cv=3)) <= {"fbm", "lw"}
    assert len(cross_val_score(small("alpha wadnet"), ragged(), alphas(), cv=3)) == 3


def test_calibrated_classifier__ragged__has_probabilities_and_learns():
    X, y = two_motions(90)
    calibrated = CalibratedClassifierCV(small("model multiscale", **QUICK), cv=2).fit(X, y)
    X_test, y_test = two_motions(60, seed=3)
    p = calibrated.predict_proba(X_test)
    assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert np.mean(calibrated.predict(X_test) == y_test) > 0.85


def test_train_test_split__ragged__keeps_tracks_and_targets_together():
    X, y = two_motions(40)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert [id(t) for t in (*X_train, *X_test)] != [id(t) for t in X]
    index = {id(t): i for i, t in enumerate(X)}
    for tracks, found in ((X_train, y_train), (X_test, y_test)):
        assert_array_equal(found, y[[index[id(t)] for t in tracks]])


def test_meta_estimators__of_scikit_learn__take_ragged_lists():
    X, y = ragged(), alphas()
    voting = VotingRegressor([("a", small("alpha wadnet")), ("b", small("alpha multiscale"))])
    assert voting.fit(X, y).predict(X).shape == (24,)
    logged = TransformedTargetRegressor(small("alpha wadnet"), func=np.log, inverse_func=np.exp)
    assert (logged.fit(X, y).predict(X) > 0).all()
    stack = StackingClassifier([("a", small("model wadnet"))], LogisticRegression(), cv=2)
    assert set(stack.fit(X, labels()).predict(X)) <= set(labels())


def test_features__in_front_of_another_classifier__serve_as_transformer():
    X, y = two_motions(80)
    model = make_pipeline(small("model multiscale", **QUICK), LogisticRegression())
    assert model.fit(X, y).score(*two_motions(60, seed=4)) > 0.85


# --- labels, sizes, targets ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "classes",
    [
        ["a", "b"],
        [3, 7],
        [-1, 1],
        [False, True],
        [0.0, 1.0],
        np.array(["lévy walk", "x"], dtype=object),
        np.array(["attm", "ctrw"], dtype="U20"),
        np.array([3, 7], dtype=np.uint8),
    ],
    ids=str,
)
def test_labels__any_type__come_back_as_they_were(classes):
    classes = np.asarray(classes)
    y = classes[np.arange(24) % 2]
    for given in (y, y.tolist()):
        classifier = small("model wadnet").fit(ragged(), given)
        assert_array_equal(classifier.classes_, np.unique(given))
        predicted = classifier.predict(ragged())
        assert set(predicted.tolist()) <= set(np.unique(given).tolist())
        assert predicted.dtype == classifier.classes_.dtype


def test_labels__names_in_any_order__are_sorted_with_their_probabilities():
    X, y = two_motions(80)
    straight = make_pipeline(small("model multiscale", **QUICK)).fit(X, y)
    renamed = np.where(y == "lw", "a straight line", "wiggles")
    other = make_pipeline(small("model multiscale", **QUICK)).fit(X, renamed)
    X_test, y_test = two_motions(60, seed=5)
    assert np.mean((straight.predict_proba(X_test)[:, 1] > 0.5) == (y_test == "lw")) > 0.85
    assert np.mean((other.predict_proba(X_test)[:, 0] > 0.5) == (y_test == "lw")) > 0.85


def test_labels__one_class__is_always_predicted():
    classifier = small("model wadnet").fit(ragged(), ["fbm"] * 24)
    assert set(classifier.predict(ragged())) == {"fbm"}
    assert_array_equal(classifier.predict_proba(ragged()), np.ones((24, 1)))


def test_labels__continuous__are_refused():
    with pytest.raises(ValueError, match="continuous"):
        small("model wadnet").fit(ragged(), alphas())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets__not_finite__are_refused(bad):
    y = alphas()
    y[3] = bad
    with pytest.raises(ValueError, match="y contains"):
        small("alpha wadnet").fit(ragged(), y)


@pytest.mark.parametrize("bad", [-0.3, 0.0, 2.2])
def test_targets__outside_the_grid__are_refused_by_the_distribution_and_not_by_wadnet(bad):
    y = alphas()
    y[3] = bad
    with pytest.raises(ValueError, match="distribution over α in.*wadnet"):
        small("alpha multiscale").fit(ragged(), y)
    small("alpha wadnet").fit(ragged(), y)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, object, list])
def test_targets__of_any_numeric_type__are_learnt_in_float32(dtype):
    y = np.arange(24) % 2 + 0.0
    expected = small("alpha wadnet").fit(ragged(), y).predict(ragged())
    given = y.tolist() if dtype is list else y.astype(dtype)
    assert_array_equal(small("alpha wadnet").fit(ragged(), given).predict(ragged()), expected)


@each_kind
@pytest.mark.parametrize("n", [2, 3, 5])
def test_sizes__fewer_tracks_than_a_batch__train(kind, n):
    estimator = small(kind).fit(ragged(n), targets(kind, n))
    assert np.isfinite(answers(estimator, ragged())).all()


@each_kind
def test_sizes__one_track__needs_no_validation(kind):
    X, y = ragged(1), targets(kind, 1)
    with pytest.raises(ValueError, match="n_samples=1.*validation_fraction=0"):
        small(kind).fit(X, y)
    assert np.isfinite(answers(small(kind, validation_fraction=0).fit(X, y), X)).all()


@each_kind
@pytest.mark.parametrize("batch_size", [1, 7, -1])
def test_sizes__any_batch_size__trains(kind, batch_size):
    estimator = small(kind, batch_size=batch_size).fit(ragged(), targets(kind))
    assert np.isfinite(answers(estimator, ragged())).all()


@each_kind
@pytest.mark.parametrize("d", [1, 3])
def test_sizes__other_dimensions__train_and_are_held_to(kind, d):
    estimator = small(kind).fit(ragged(d=d), targets(kind))
    assert estimator.n_dims_ == d
    with pytest.raises(TrajectoryError, match=f"fitted on {d}"):
        estimator.predict(ragged(d=2))


@each_kind
def test_precision__bfloat16__trains_and_predicts_float32(kind):
    X = ragged(low=32, high=40)
    estimator = small(kind, precision="bfloat16").fit(X, targets(kind))
    found = answers(estimator, X)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert not np.array_equal(found, answers(small(kind).fit(X, targets(kind)), X))


def test_device__auto__is_what_there_is():
    regressor = small("alpha wadnet", device="auto").fit(ragged(), alphas())
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert next(regressor.net_.module_.parameters()).device.type == expected


# --- the history, the validation data -----------------------------------------------------------


@each_kind
def test_history__each_epoch__has_losses_metric_and_rate(kind):
    estimator = small(kind, max_epochs=3).fit(ragged(), targets(kind))
    assert [row["epoch"] for row in estimator.history_] == [1, 2, 3]
    metric = "valid_mae" if kind.startswith("alpha") else "valid_error"
    for row in estimator.history_:
        assert row.keys() >= {"train_loss", "valid_loss", "lr", metric}
        assert "batches" not in row


@each_kind
def test_history__metric__is_the_best_epochs_score_on_the_eval_set(kind):
    X_val, y_val = ragged(20, seed=9), targets(kind, 20)
    estimator = small(kind, max_epochs=5, lr=3e-3).fit(
        ragged(), targets(kind), eval_set=(X_val, y_val)
    )
    predicted = estimator.predict(X_val)
    if kind.startswith("alpha"):
        best = min(row["valid_mae"] for row in estimator.history_)
        assert np.abs(predicted - y_val).mean() == pytest.approx(best, abs=1e-5)
    else:
        best = min(row["valid_error"] for row in estimator.history_)
        assert np.mean(predicted != y_val) == pytest.approx(best)


@each_kind
def test_eval_set__given__leaves_all_of_X_for_training(kind):
    counts = []
    for eval_set in (None, (ragged(5, seed=9), targets(kind, 5))):
        estimator = small(kind, batch_size=1, max_epochs=1)
        estimator.fit(ragged(low=8, high=8), targets(kind), eval_set=eval_set)
        counts.append(estimator.history_[0]["train_batch_count"])
    # The lone last example joins the batch before it.
    assert counts == [18, 23]


@each_kind
def test_eval_set__unusable__is_refused(kind):
    X, y = ragged(), targets(kind)
    for X_val, y_val, message in (
        (ragged(5), targets(kind, 6), "5 trajectories and y 6 targets"),
        (ragged(5, d=1), targets(kind, 5), "fitted on 2"),
        ([], [], "X is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            small(kind).fit(X, y, eval_set=(X_val, y_val))
    if kind.startswith("model"):
        with pytest.raises(ValueError, match="labels that were not seen in fit.*brown"):
            small(kind).fit(X, y, eval_set=(ragged(2), ["fbm", "brown"]))


@each_kind
def test_validation__none__runs_all_epochs(kind):
    estimator = small(kind, validation_fraction=0, max_epochs=9).fit(ragged(), targets(kind))
    assert len(estimator.history_) == 9
    assert "valid_loss" not in estimator.history_[-1]


# --- warm start ---------------------------------------------------------------------------------


@each_kind
def test_warm_start__second_fit__goes_on_from_the_first(kind):
    X, y = two_motions(80)
    y = np.where(y == "lw", 1.8, 0.6) if kind.startswith("alpha") else y
    settings = {"lr": 1e-2, "batch_size": 16, "max_epochs": 8, "warm_start": True}
    estimator = small(kind, **settings).fit(X, y)
    fresh = estimator.history_[0]["train_loss"]
    estimator.fit(X, y)
    # With the same seed, a start from anew would give the same loss.
    assert estimator.history_[0]["train_loss"] < 0.9 * fresh
    # The schedule and the history start anew.
    assert estimator.history_[0]["lr"] == 1e-2
    assert estimator.history_[0]["epoch"] == 1
    cold = estimator.set_params(warm_start=False).fit(X, y)
    assert cold.history_[0]["train_loss"] == pytest.approx(fresh)


@each_kind
def test_warm_start__no_steps__keeps_the_weights(kind):
    estimator = small(kind, warm_start=True).fit(ragged(), targets(kind))
    before = estimator.transform(ragged())
    estimator.set_params(max_epochs=0).fit(ragged(), targets(kind))
    assert_array_equal(estimator.transform(ragged()), before)


def test_warm_start__other_classes__are_refused_and_nothing_changes():
    classifier = small("model wadnet", warm_start=True).fit(ragged(), labels())
    before = classifier.predict_proba(ragged())
    for other in (np.where(labels() == "lw", "sbm", labels()), np.repeat(["fbm", "lw"], 12)):
        with pytest.raises(ValueError, match="warm_start=True needs the classes of the last fit"):
            classifier.fit(ragged(), other)
    assert_array_equal(classifier.predict_proba(ragged()), before)


@each_kind
def test_warm_start__other_dimensions_or_network__are_refused(kind):
    estimator = small(kind, warm_start=True).fit(ragged(), targets(kind))
    with pytest.raises(ValueError, match="warm_start=True continues.*dimensions"):
        estimator.fit(ragged(d=3), targets(kind))
    assert estimator.n_dims_ == 2


# --- a network of one length --------------------------------------------------------------------

LENGTH = 6


@pytest.fixture(scope="module", params=KINDS)
def of_one_length(request):
    kind = request.param
    return small(kind, length=LENGTH).fit(ragged(), targets(kind))


def crop_rule(estimator, t):
    """Li, Yao & Huang, Sec. 2: normalise the whole, read first and last points, average v."""
    z = standardize(t)
    parts = [z] if len(z) == LENGTH else [z[:LENGTH], z[-LENGTH:]]
    x = torch.from_numpy(np.stack(parts).astype(np.float32).transpose(0, 2, 1).copy())
    module = estimator.net_.module_.eval()
    with torch.inference_mode():
        v = module.features(x).mean(dim=0, keepdim=True)
        return v.numpy(), module.head(v).numpy()


def test_length__up_to_twice_the_length__follows_the_papers_crop_rule(of_one_length):
    X = ragged(low=LENGTH, high=2 * LENGTH)
    assert {LENGTH, 2 * LENGTH} <= {len(t) for t in X}
    features = of_one_length.transform(X)
    for t, v in zip(X, features, strict=True):
        assert_allclose(v[None], crop_rule(of_one_length, t)[0], atol=1e-5)
    heads = np.concatenate([crop_rule(of_one_length, t)[1] for t in X])
    if hasattr(of_one_length, "predict_logits"):
        assert_allclose(of_one_length.predict_logits(X), heads, atol=1e-5)
    elif heads.shape[1] == 1:
        assert_allclose(of_one_length.predict(X), heads[:, 0], atol=1e-5)


def test_length__much_longer_track__is_read_whole(of_one_length):
    t = ragged(1, low=40, high=40)[0]
    dented = t.copy()
    dented[20] += 30.0
    assert not np.allclose(of_one_length.transform([t]), of_one_length.transform([dented]))


def test_length__shorter_tracks__are_named(of_one_length):
    assert of_one_length.min_points_ == LENGTH
    X = ragged()
    X[2], X[11] = X[2][: LENGTH - 1], X[11][:1]
    for method in (of_one_length.predict, of_one_length.transform):
        with pytest.raises(TrajectoryError, match="fewer than 6 points.*index 2, 11"):
            method(X)


def test_length__both_crops_of_a_track__are_trained_on_and_stay_on_one_side_of_the_split():
    X = ragged(20, low=9, high=9)
    counts = {}
    for length in (None, 9, 6):
        regressor = small("alpha wadnet", length=length, batch_size=2, max_epochs=1)
        counts[length] = regressor.fit(X, alphas(20)).history_[0]["train_batch_count"]
    assert counts == {None: 8, 9: 8, 6: 16}


def test_length__equal_tracks__train_as_without_it():
    X = ragged(low=8, high=8)
    with_length = small("alpha wadnet", length=8).fit(X, alphas())
    assert_array_equal(answers(with_length, X), answers(small("alpha wadnet").fit(X, alphas()), X))


def test_min_points__of_a_ready_made_model__are_enforced_with_names():
    regressor = small("alpha wadnet").fit(ragged(), alphas())
    assert regressor.min_points_ == 1
    regressor.min_points_ = 10
    X = [np.zeros((T, 2)) for T in (10, 9, 12, 1)]
    with pytest.raises(TrajectoryError) as caught:
        regressor.predict(X)
    assert "2 of 4 trajectories have fewer than 10 points" in str(caught.value)
    assert "index 1, 3" in str(caught.value)
    assert "skandi.analyse" in str(caught.value)


def test_validation__device_without_float64__is_judged_on_the_processor():
    class NoDouble(torch.Tensor):
        def double(self):
            raise TypeError("this device has no float64")

        def cpu(self):
            return self.as_subclass(torch.Tensor)

    logits, alpha = torch.zeros(3, 40), torch.ones(3)
    expected = _median_absolute_errors(logits, alpha)
    assert _median_absolute_errors(logits.as_subclass(NoDouble), alpha) == expected


def test_defaults__of_the_estimators__are_the_papers_protocol():
    params = AlphaRegressor().get_params()
    wanted = {
        "network": "wadnet",
        "lr": 1e-3,
        "batch_size": 512,
        "max_epochs": 100,
        "patience": 2,
        "lr_factor": 0.2,
        "validation_fraction": 0.2,
        "warm_start": False,
    }
    assert {name: params[name] for name in wanted} == wanted
