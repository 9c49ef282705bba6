"""Buckets, folds, averaging, rescaling: each against a reference written out here."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skandi import (
    AlphaRegressor,
    LengthBaggingClassifier,
    LengthBaggingRegressor,
    ModelClassifier,
    TrajectoryNormalizer,
)
from skandi.ensemble import mae_scale
from skandi.errors import (
    LongTrackWarning,
    ShortTrackWarning,
    TrainingError,
    TrajectoryError,
    WeightsError,
)
from skandi.lengths import Bucket, bucket_of, make_buckets, merge_scarce
from skandi.normalize import standardize
from skandi.simulate import make_andi

TINY = {"n_layers": 2, "n_filters": 4, "hidden_size": 4, "n_recurrent": 1}


class SpreadRegressor(RegressorMixin, BaseEstimator):
    """A foreign member: α is its slope times the spread of the crop it is given."""

    fits = 0
    lock = threading.Lock()

    def __init__(self, power=1.0, random_state=None, fail_at=None):
        self.power = power
        self.random_state = random_state
        self.fail_at = fail_at

    def fit(self, X, y):
        with SpreadRegressor.lock:
            SpreadRegressor.fits += 1
        if self.fail_at is not None and len(X[0]) == self.fail_at:
            raise RuntimeError("no convergence")
        self.slope_ = float(np.mean(y) / np.mean(spread(X) ** self.power))
        return self

    def predict(self, X):
        return self.slope_ * spread(X) ** self.power


class SpreadClassifier(ClassifierMixin, BaseEstimator):
    """A foreign member: probabilities from the spread alone."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        weights = spread(X)[:, None] ** np.arange(len(self.classes_))
        return weights / weights.sum(axis=1, keepdims=True)


def spread(X):
    return np.array([np.std(np.asarray(t)) for t in X])


def tracks(n, low=10, high=40, seed=0):
    return make_andi(n, length=(low, high), random_state=seed)


def tiny_alpha(**params):
    return AlphaRegressor(network_params=TINY, max_epochs=1, **params)


# Buckets ------------------------------------------------------------------------------------------


def test_make_buckets__wadnet__are_the_papers_43():
    buckets = make_buckets("wadnet")
    assert len(buckets) == 43
    assert buckets[0] == Bucket(10, 10, 14)
    assert buckets[-1] == Bucket(950, 950, None)


def test_make_buckets__ranges__read_every_length_as_it_is():
    assert make_buckets([(10, 49), (50, 199)]) == [Bucket(None, 10, 49), Bucket(None, 50, None)]
    assert make_buckets(None) == [Bucket(None, 1, None)]


@pytest.mark.parametrize("lengths", [[], [20, 10], [0, 5], [1.5], "all", [(10, 20), (30, 40)]])
def test_make_buckets__senseless__is_refused(lengths):
    with pytest.raises(ValueError, match="lengths is"):
        make_buckets(lengths)


def test_bucket_of__any_length__is_the_nearest_smaller():
    buckets = make_buckets([10, 25, 50])
    assert bucket_of([9, 10, 24, 25, 49, 50, 9999], buckets).tolist() == [-1, 0, 0, 1, 1, 2, 2]


def test_merge_scarce__few_trajectories__join_the_next_smaller():
    n_points = np.array([12] * 9 + [30] * 2 + [60] * 9 + [200])
    merged = merge_scarce(make_buckets([10, 25, 50, 100]), n_points, lambda w: len(w) >= 5)
    assert merged == [Bucket(10, 10, 49, (25,)), Bucket(50, 50, None, (100,))]


def test_merge_scarce__first_is_scarce__takes_the_second_in():
    merged = merge_scarce(make_buckets([10, 25]), np.array([12, 30, 31]), lambda w: len(w) >= 2)
    assert merged == [Bucket(10, 10, None, (25,))]


# Averaging, rescaling, clipping -------------------------------------------------------------------


def test_regressor__foreign_members__average_crops_then_folds_then_scale_and_clip():
    X, y = tracks(80)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10, 25], cv=3, min_bucket=9)
    bag.set_params(rescale=1.3, clip=(0.2, 1.5), random_state=0).fit(X, y)
    for track, predicted in zip(X, bag.predict(X)):
        k, length = (0, 10) if len(track) < 25 else (1, 25)
        crops = [track] if len(track) == length else [track[:length], track[-length:]]
        if len(track) > 2 * length:
            continue
        mean = np.mean([[m.predict([c])[0] for c in crops] for m in bag.members_[k]])
        assert predicted == pytest.approx(np.clip(1.3 * mean, 0.2, 1.5), rel=1e-6)


def test_regressor__members_of_ours__crop_after_normalising_and_average_features():
    torch = pytest.importorskip("torch")
    X, y = tracks(60, high=19)
    bag = LengthBaggingRegressor(tiny_alpha(), lengths=[10], cv=2, rescale=False, clip=None)
    bag.set_params(random_state=0).fit(X, y)
    track = next(t for t in X if 10 < len(t) < 20)
    z = torch.from_numpy(standardize(track).astype(np.float32).T[None])
    by_hand = []
    for member in bag.members_[0]:
        assert member.length == 10
        net = member.net_.module_.eval()
        with torch.no_grad():
            v = (net.features(z[..., :10]) + net.features(z[..., -10:])) / 2
            by_hand.append(float(net.head(v)[0, 0]))
    assert bag.predict([track])[0] == pytest.approx(np.mean(by_hand), abs=1e-5)


@pytest.mark.parametrize("averaging", ["logits", "probabilities"])
def test_classifier__members_of_ours__average_as_asked_and_take_one_softmax(averaging):
    X, y = make_andi(100, task="model", length=(10, 19), random_state=0)
    member = ModelClassifier(network_params=TINY, max_epochs=1)
    bag = LengthBaggingClassifier(member, lengths=[10], cv=2, averaging=averaging, random_state=0)
    bag.fit(X, y)
    logits = np.array([m.predict_logits(X[:7]) for m in bag.members_[0]], dtype=float)
    if averaging == "logits":
        expected = np.exp(logits.mean(axis=0))
        expected /= expected.sum(axis=1, keepdims=True)
    else:
        each = np.exp(logits)
        expected = (each / each.sum(axis=2, keepdims=True)).mean(axis=0)
    assert_allclose(bag.predict_proba(X[:7]), expected, rtol=1e-4, atol=1e-6)
    assert bag.classes_.tolist() == ["attm", "ctrw", "fbm", "lw", "sbm"]


def test_classifier__foreign_members__average_probabilities_over_crops():
    X, _ = tracks(60, high=19)
    y = np.resize(["a", "b"], 60)
    bag = LengthBaggingClassifier(SpreadClassifier(), lengths=[10], cv=2, random_state=0).fit(X, y)
    track = next(t for t in X if 10 < len(t) < 20)
    crops = [track[:10], track[-10:]]
    expected = bag.members_[0][0].predict_proba(crops).mean(axis=0)
    assert_allclose(bag.predict_proba([track])[0], expected, rtol=1e-6)


def test_mae_scale__random_pairs__is_the_best_of_all_kinks():
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0.1, 2, 40), rng.uniform(0.05, 2, 40)
    best = min(y / p, key=lambda w: np.abs(y - w * p).mean())
    assert mae_scale(p, y) == pytest.approx(best)


def test_rescale__paper_constants__reproduce_the_papers_post_processing():
    X, y = tracks(40, high=12)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2, rescale=1.0110)
    raw = clone(bag).set_params(rescale=False, clip=None, random_state=0).fit(X, y).predict(X)
    ours = bag.set_params(random_state=0).fit(X, y).predict(X)
    assert bag.alpha_scale_ == 1.0110
    assert_allclose(ours, np.clip(1.0110 * raw, 0.05, 2.0), rtol=1e-6)


def test_rescale__oof_and_calibrate__minimise_the_error_on_their_data():
    X, y = tracks(80, high=12)
    bag = LengthBaggingRegressor(SpreadRegressor(power=0.1), lengths=[10], cv=2, random_state=0)
    bag.fit(X, y)
    assert bag.alpha_scale_ == mae_scale(bag.oof_prediction_, y)
    fresh, truth = tracks(50, high=12, seed=5)
    raw = bag._predict_mean(fresh)
    assert bag.calibrate(fresh, truth).alpha_scale_ == mae_scale(raw, truth)


def test_oof_prediction__each_trajectory__comes_from_the_member_that_did_not_learn_it():
    X, y = tracks(40, high=12)
    groups = np.repeat(np.arange(4), 10)
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10], cv=GroupKFold(4), min_bucket=8, random_state=0
    ).fit(X, y, groups=groups)
    for member in bag.members_[0]:
        held = [g for g in range(4) if np.isclose(own_slope(X, y, groups != g), member.slope_)]
        assert len(held) == 1
        which = groups == held[0]
        expected = [crop_mean(member, t) for t, w in zip(X, which) if w]
        assert_allclose(bag.oof_prediction_[which], expected)


def own_slope(X, y, which):
    crops = [(c, a) for t, a, w in zip(X, y, which) if w for c in two_crops(t)]
    return np.mean([a for _, a in crops]) / np.mean(spread([c for c, _ in crops]))


def crop_mean(member, track):
    return np.mean(member.predict(two_crops(track)))


def two_crops(track, length=10):
    return [track] if len(track) == length else [track[:length], track[-length:]]


# Lengths beyond the grid --------------------------------------------------------------------------


def test_predict__track_beyond_the_grid__is_read_to_its_middle_and_says_so():
    X, y = tracks(40, high=19)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2, rescale=False, clip=None)
    bag.fit(X, y)
    track = np.zeros((30, 1))
    track[10:20] = np.random.default_rng(0).normal(size=(10, 1))
    with pytest.warns(LongTrackWarning, match="1 of 1 trajectories"):
        assert bag.predict([track])[0] > 0


def test_min_length__error__names_the_short_ones():
    X, y = tracks(40)
    with pytest.raises(TrajectoryError, match="index 40"):
        LengthBaggingRegressor(SpreadRegressor(), lengths=[10]).fit(
            [*X, np.arange(9.0)], np.append(y, 1.0)
        )


def test_min_length__nan__leaves_out_in_fit_and_gives_nan_or_none():
    X, y = tracks(40)
    short = np.arange(9.0)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2, min_length="nan")
    with pytest.warns(ShortTrackWarning, match="1 of 41 trajectories"):
        bag.fit([*X, short], np.append(y, 1.0))
    assert np.isnan(bag.oof_prediction_).tolist() == [False] * 40 + [True]
    with pytest.warns(ShortTrackWarning):
        assert np.isnan(bag.predict([short, X[0]])).tolist() == [True, False]
    with pytest.warns(ShortTrackWarning):
        assert np.isnan(bag.predict([short])).all()
    labels = np.resize(["a", "b"], 40)
    classifier = LengthBaggingClassifier(SpreadClassifier(), lengths=[10], cv=2, min_length="nan")
    with pytest.warns(ShortTrackWarning):
        assert classifier.fit(X, labels).predict([short, X[0]])[0] is None


# Parallel work, failures, interruption ------------------------------------------------------------


def test_fit__two_jobs__equals_one():
    X, y = tracks(60, high=14)
    bag = LengthBaggingRegressor(tiny_alpha(), lengths=[10], cv=2, random_state=3)
    one = clone(bag).fit(X, y).predict(X)
    two = clone(bag).set_params(n_jobs=2).fit(X, y).predict(X)
    assert_array_equal(one, two)


def test_fit__failing_member__names_bucket_and_fold_and_leaves_nothing_fitted():
    X, y = tracks(120)
    bag = LengthBaggingRegressor(SpreadRegressor(fail_at=25), lengths=[10, 25], cv=2, min_bucket=9)
    with pytest.raises(TrainingError, match="bucket of 25 and more points, fold 0.*no convergence"):
        bag.fit(X, y)
    assert not [name for name in vars(bag) if name.endswith("_")]


def test_checkpoint_dir__second_fit__trains_nothing_again(tmp_path):
    X, y = tracks(60, high=12)
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10], cv=3, checkpoint_dir=tmp_path, random_state=0
    )
    SpreadRegressor.fits = 0
    first = clone(bag).fit(X, y).predict(X)
    assert SpreadRegressor.fits == 3
    second = clone(bag).fit(X, y).predict(X)
    assert SpreadRegressor.fits == 3
    assert_array_equal(first, second)
    clone(bag).set_params(estimator__power=0.5).fit(X, y)
    assert SpreadRegressor.fits == 6
    clone(bag).fit(X, y + 0.1)
    assert SpreadRegressor.fits == 9


def test_checkpoint_dir__damaged_file__is_trained_again_with_a_warning(tmp_path):
    X, y = tracks(60, high=12)
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10], cv=2, checkpoint_dir=tmp_path, random_state=0
    )
    first = bag.fit(X, y).predict(X)
    next(tmp_path.glob("member-*")).write_bytes(b"half")
    with pytest.warns(UserWarning, match="trained again"):
        assert_array_equal(clone(bag).fit(X, y).predict(X), first)


# scikit-learn -------------------------------------------------------------------------------------


def test_grid_search__over_estimator_and_lengths_in_a_pipeline__picks_the_better():
    X, y = tracks(60, high=30)
    bag = LengthBaggingRegressor(SpreadRegressor(), cv=2, min_bucket=10, random_state=0)
    pipeline = Pipeline([("normalise", TrajectoryNormalizer()), ("bag", bag)])
    grid = {"bag__lengths": [[10], [10, 20]], "bag__estimator__power": [0.0, 40.0]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_mean_absolute_error").fit(X, y)
    assert search.best_params_["bag__estimator__power"] == 0.0
    assert search.predict(X).shape == (60,)


@parametrize_with_checks(
    [
        LengthBaggingRegressor(tiny_alpha(), lengths=None, cv=2, min_bucket=4, random_state=0),
        LengthBaggingClassifier(
            ModelClassifier(network_params=TINY, max_epochs=1),
            lengths=None,
            cv=2,
            min_bucket=4,
            random_state=0,
        ),
    ]
)
def test_scikit_learn__its_own_checks__pass(estimator, check):
    check(estimator)


def test_html__of_an_ensemble__shows_the_member():
    assert "AlphaRegressor" in LengthBaggingRegressor(tiny_alpha())._repr_html_()


# Sharing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["alpha", "model"])
def test_save__then_load__predicts_the_same_bits(task, tmp_path):
    X, y = make_andi(60, task=task, length=(10, 30), random_state=0)
    member = (AlphaRegressor if task == "alpha" else ModelClassifier)(
        network_params=TINY, max_epochs=1
    )
    kind = LengthBaggingRegressor if task == "alpha" else LengthBaggingClassifier
    bag = kind(member, lengths=[10, 20], cv=2, min_bucket=10, random_state=0).fit(X, y)
    bag.save(tmp_path / "bag.safetensors")
    again = kind.load(tmp_path / "bag.safetensors")
    assert again.buckets_ == bag.buckets_
    assert_array_equal(again.predict(X), bag.predict(X))
    if task == "model":
        assert_array_equal(again.predict_proba(X), bag.predict_proba(X))
    assert clone(again).get_params()["lengths"] == [10, 20]


def test_save__single_estimator__predicts_the_same_bits(tmp_path):
    X, y = tracks(30)
    regressor = tiny_alpha(random_state=0).fit(X, y)
    regressor.save(tmp_path / "alpha.safetensors")
    again = AlphaRegressor.load(tmp_path / "alpha.safetensors")
    assert_array_equal(again.predict(X), regressor.predict(X))
    assert_array_equal(again.transform(X), regressor.transform(X))
    assert again.history_ == regressor.history_


def test_load__file_of_another_class__says_which(tmp_path):
    X, y = tracks(30)
    tiny_alpha(random_state=0).fit(X, y).save(tmp_path / "alpha.safetensors")
    with pytest.raises(WeightsError, match="holds AlphaRegressor, not ModelClassifier"):
        ModelClassifier.load(tmp_path / "alpha.safetensors")
    with pytest.raises(WeightsError, match="holds no ensemble, not LengthBaggingRegressor"):
        LengthBaggingRegressor.load(tmp_path / "alpha.safetensors")


def test_save__foreign_members__is_refused_with_a_remedy(tmp_path):
    X, y = tracks(40, high=12)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2).fit(X, y)
    with pytest.raises(ValueError, match=r"joblib\.dump"):
        bag.save(tmp_path / "bag.safetensors")
    assert not list(tmp_path.iterdir())
