"""Buckets, folds, averaging, rescaling: each against a reference written out here."""

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    BaseCrossValidator,
    GridSearchCV,
    GroupKFold,
    PredefinedSplit,
    check_cv,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from small_estimators import SMALL_MULTISCALE, TINY_WADNET
from spread_estimators import SpreadClassifier, SpreadRegressor, spread, tiny_alpha, tracks

from skandi import (
    AlphaRegressor,
    LengthBaggingClassifier,
    LengthBaggingRegressor,
    ModelClassifier,
    TrajectoryNormalizer,
)
from skandi.bagging_regressor import mae_scale
from skandi.errors import LongTrackWarning, ShortTrackWarning, TrajectoryError
from skandi.lengths import Bucket, bucket_of, make_buckets, merge_scarce
from skandi.normalize import standardize
from skandi.simulate import make_andi

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


def test_fit__few_long_trajectories__merge_into_the_bucket_below_and_say_so():
    X, y = tracks(80, high=25)
    longest, exponents = tracks(4, low=30, high=40)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10, 20, 30], cv=2, min_bucket=9)
    bag.set_params(random_state=0).fit([*X, *longest], np.append(y, exponents))
    assert bag.buckets_ == [Bucket(10, 10, 19), Bucket(20, 20, None, (30,))]
    assert [len(members) for members in bag.members_] == [2, 2]
    assert np.isfinite(bag.oof_prediction_).all()


# Members ------------------------------------------------------------------------------------------


def test_members__of_any_fit__are_clones_with_a_seed_each():
    X, y = tracks(60, high=30)
    template = make_pipeline(TrajectoryNormalizer(), SpreadRegressor(power=0.5))
    bag = LengthBaggingRegressor(template, lengths=[10, 20], cv=2, min_bucket=9, random_state=0)
    seeds = [member[-1].random_state for members in bag.fit(X, y).members_ for member in members]
    assert len(set(seeds)) == 4
    assert all(type(seed) is int for seed in seeds)
    assert bag.members_[0][0][-1].power == 0.5
    assert template[-1].random_state is None


def test_members__number_of_folds_from_an_array__shuffles_as_a_number_does():
    X, y = tracks(60, high=19)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], min_bucket=9, random_state=0)
    folds = [clone(bag).set_params(cv=cv).fit(X, y).oof_prediction_ for cv in (3, np.int64(3))]
    np.testing.assert_array_equal(*folds)


def test_members__of_ours__are_judged_by_their_own_fold(monkeypatch):
    X, y = tracks(40, high=19)
    original, calls = AlphaRegressor.fit, []

    def recorded(self, X, y, eval_set=None):
        calls.append([{t.tobytes() for t in part} for part in (X, eval_set[0])])
        return original(self, X, y, eval_set)

    monkeypatch.setattr(AlphaRegressor, "fit", recorded)
    LengthBaggingRegressor(tiny_alpha(), lengths=[10], cv=4, min_bucket=9).fit(X, y)
    everything = {t.tobytes() for t in X}
    assert [own | held for own, held in calls] == [everything] * 4
    assert [len(held) for _, held in calls] == [10] * 4
    assert set.union(*(held for _, held in calls)) == everything


def test_regressor__ranges__networks_read_every_length_whole():
    X, y = tracks(80)
    member = AlphaRegressor("multiscale", network_params=SMALL_MULTISCALE, max_epochs=1)
    bag = LengthBaggingRegressor(member, lengths=[(10, 19), (20, 40)], cv=2, min_bucket=9)
    bag.set_params(rescale=False, clip=None, random_state=0).fit(X, y)
    assert bag.buckets_ == [Bucket(None, 10, 19), Bucket(None, 20, None)]
    assert [member.length for members in bag.members_ for member in members] == [None] * 4
    several = [*X[:8], tracks(1, low=90, high=90)[0][0]]
    assert {len(t) >= 20 for t in several} == {True, False}
    expected = [
        np.mean([member.predict([t])[0] for member in bag.members_[int(len(t) >= 20)]])
        for t in several
    ]
    with pytest.warns(LongTrackWarning, match=r"1 of 9 .* more points than the last range \(40\)"):
        assert_allclose(bag.predict(several), expected, rtol=1e-5)


# Folds that are given -----------------------------------------------------------------------------


def test_members__folds_given_as_indices__are_of_all_trajectories():
    X, y = tracks(60, high=30)
    fold = np.arange(60) % 3
    by_index = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10, 20], min_bucket=5, rescale=False, clip=None
    )
    as_masks = [(fold != k, fold == k) for k in range(3)]
    for cv in (by_index, as_masks, check_cv(by_index), PredefinedSplit(fold)):
        fitted = clone(bag).set_params(cv=cv).fit(X, y)
        for k, (train, held) in enumerate(by_index):
            for b, members in enumerate(fitted.members_):
                where = bucket_of([len(t) for t in X], fitted.buckets_) == b
                own = [i for i in train if where[i]]
                alone = SpreadRegressor().fit(*cropped([X[i] for i in own], y[own], b))
                assert members[k].slope_ == pytest.approx(alone.slope_)
            assert np.isfinite(fitted.oof_prediction_[held]).all()
    twice = [(np.tile(train, 2), held) for train, held in by_index]
    own = clone(bag).set_params(cv=twice).fit(X, y).members_[0][0]
    assert own.n_seen_ == 2 * clone(bag).set_params(cv=by_index).fit(X, y).members_[0][0].n_seen_
    part = clone(bag).set_params(cv=[(np.arange(30), np.arange(30, 60))]).fit(X, y)
    assert np.isfinite(part.oof_prediction_).tolist() == [False] * 30 + [True] * 30


def cropped(X, y, bucket):
    parts = [two_crops(t, length=(10, 20)[bucket]) for t in X]
    return [p for several in parts for p in several], np.repeat(y, [len(s) for s in parts])


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (PredefinedSplit(np.arange(120) % 3), "fold of 120 trajectories and X holds 60"),
        ([(np.arange(30), np.arange(30, 90))], "indices from 30 to 89; X holds 60"),
        ([(np.arange(60), np.arange(0))], "fold 0 of cv has none of them"),
        ([(np.arange(60), [])], "fold 0 of cv has none of them"),
        ([(np.arange(60), [0.0, 1.0])], "cv holds float64 of shape .*whole numbers"),
        ([(np.arange(60), np.full(50, True))], "cv holds bool of shape .* mask of the 60"),
        ([], "list of pairs"),
        ((part for part in [(np.arange(30), np.arange(30))]), r"pass list\(cv\)"),
    ],
)
def test_members__folds_of_other_trajectories__are_refused(cv, message):
    X, y = tracks(60, high=30)
    with pytest.raises(ValueError, match=message):
        LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=cv).fit(X, y)


def test_members__not_scikit_learns_own__are_taken_if_they_can_be_fitted():
    class Plain:
        def get_params(self, deep=True):
            return {}

        def set_params(self, **params):
            return self

        def fit(self, X, y):
            self.mean = np.mean(y)
            return self

        def predict(self, X):
            return np.full(len(X), self.mean)

        def __sklearn_tags__(self):
            return SpreadRegressor().__sklearn_tags__()

    X, y = tracks(60)
    assert len(LengthBaggingRegressor(Plain(), lengths=[10], cv=2).fit(X, y).predict(X)) == 60


def test_members__no_folds_named__are_the_default():
    X, _ = tracks(60, high=19)
    y = np.repeat(["a", "b", "c"], 20)
    bag = LengthBaggingClassifier(SpreadClassifier(), lengths=[10], min_bucket=9, random_state=0)
    probabilities = [clone(bag).set_params(cv=cv).fit(X, y).predict_proba(X) for cv in (None, 5)]
    np.testing.assert_array_equal(*probabilities)


@pytest.mark.parametrize(
    ("bag", "wanted"),
    [
        (LengthBaggingClassifier(AlphaRegressor()), r"needs a classifier, such as ModelClassifier"),
        (LengthBaggingRegressor(ModelClassifier()), r"needs a regressor, such as AlphaRegressor"),
        (LengthBaggingRegressor(AlphaRegressor), r"needs a regressor"),
        (LengthBaggingRegressor("wadnet"), r"estimator is 'wadnet'.*needs a regressor"),
    ],
)
def test_members__of_another_kind__are_refused_before_the_training(bag, wanted):
    X, y = tracks(60)
    with pytest.raises(ValueError, match=wanted):
        bag.fit(X, y > 1)


# Groups and other metadata ------------------------------------------------------------------------


class DaySplit(BaseCrossValidator):
    """The tracks of each day are one fold; remembers what days it was given."""

    __metadata_request__split: ClassVar = {"day": True}
    given: ClassVar = []

    def split(self, X, y=None, groups=None, day=None):
        DaySplit.given.append(day.tolist())
        for each in np.unique(day):
            yield np.flatnonzero(day != each), np.flatnonzero(day == each)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2


def test_metadata__of_a_splitter__reaches_it_with_the_rows_of_each_bucket():
    X, y = tracks(60, high=30)
    day = np.arange(60) % 3
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10, 20], cv=DaySplit(), min_bucket=9, random_state=0
    )
    DaySplit.given.clear()
    bag.fit(X, y, day=day)
    long = np.array([len(t) for t in X]) >= 20
    assert DaySplit.given == [day[~long].tolist(), day[long].tolist()]
    assert [len(members) for members in bag.members_] == [3, 3]


def test_groups__through_a_search_over_a_pipeline__stay_in_one_fold():
    X, y = tracks(80, high=19)
    cells = np.repeat(np.arange(8), 10)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=GroupKFold(2), min_bucket=9)
    pipeline = Pipeline([("normalise", TrajectoryNormalizer()), ("bag", bag)])
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(pipeline, {"bag__estimator__power": [0.5, 1.0]}, cv=GroupKFold(4))
        search.fit(X, y, groups=cells)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    fitted = search.best_estimator_
    normalised = fitted["normalise"].transform(X)
    power = fitted["bag"].estimator.power
    slopes = []
    for train, _ in GroupKFold(2).split(X, y, cells):
        which = np.isin(np.arange(80), train)
        slopes.append(own_slope(normalised, y, which, power))
    assert_allclose([member.slope_ for member in fitted["bag"].members_[0]], slopes)


def test_groups__of_another_number_or_unwanted__are_refused():
    X, y = tracks(60, high=12)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=GroupKFold(2))
    with pytest.raises(ValueError, match="X holds 60 trajectories and groups 61 values"):
        bag.fit(X, y, groups=np.arange(61))
    with pytest.raises(TypeError, match="unexpected argument.*day"):
        bag.fit(X, y, groups=np.arange(60), day=np.arange(60))


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
    member = ModelClassifier(network_params=TINY_WADNET, max_epochs=1)
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


def test_classifier__class_that_a_member_never_saw__has_no_share_from_it():
    X, y = make_andi(100, task="model", length=(10, 19), random_state=0)
    seen = np.flatnonzero(y != "lw")
    for member, averaging in (
        (SpreadClassifier(), "probabilities"),
        (ModelClassifier(network_params=TINY_WADNET, max_epochs=1), "logits"),
    ):
        folds = [(seen[::2], seen[1::2])]
        bag = LengthBaggingClassifier(member, lengths=[10], cv=folds, averaging=averaging)
        bag.set_params(min_bucket=9, random_state=0).fit(X, y)
        assert bag.classes_.tolist() == ["attm", "ctrw", "fbm", "lw", "sbm"]
        probability = bag.predict_proba(X[:5])
        assert (probability[:, 3] < 1e-9).all()
        assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)


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


def own_slope(X, y, which, power=1.0):
    crops = [(c, a) for t, a, w in zip(X, y, which) if w for c in two_crops(t)]
    return np.mean([a for _, a in crops]) / np.mean(spread([c for c, _ in crops]) ** power)


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
    X, y = tracks(40, high=20)
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
    right = classifier.score(X, labels)
    assert right == np.mean(classifier.predict(X) == labels)
    with pytest.warns(ShortTrackWarning):
        assert classifier.score([*X, short], np.append(labels, "a")) == pytest.approx(
            right * 40 / 41
        )
    weights = np.append(np.zeros(40), 1.0)
    with pytest.warns(ShortTrackWarning):
        assert classifier.score([*X, short], np.append(labels, "a"), weights) == 0
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.score(X, labels[1:])


def test_min_length__nan__score_is_that_of_the_rest_and_nothing_left_is_refused():
    X, y = tracks(40, high=20)
    short = np.arange(9.0)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2, min_length="nan").fit(X, y)
    with pytest.warns(ShortTrackWarning):
        assert bag.score([*X, short], np.append(y, 1.0)) == pytest.approx(bag.score(X, y))
    assert bag.score(X, y) == pytest.approx(r2_score(y, bag.predict(X)))
    with pytest.warns(ShortTrackWarning), pytest.raises(TrajectoryError, match="nothing to score"):
        bag.score([short], [1.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bag.calibrate(X, y[1:])
    with (
        pytest.warns(ShortTrackWarning),
        pytest.raises(TrajectoryError, match="longest trajectory has 19 points"),
    ):
        bag.set_params(lengths=[100]).fit(X, y)


@pytest.mark.parametrize(
    "changes",
    [{"rescale": r} for r in (True, np.nan, None, "off")] + [{"clip": c} for c in (2.0, (2, 1))],
    ids=str,
)
def test_rescale_and_clip__senseless__are_refused_before_anything_is_trained(changes):
    X, y = tracks(40)
    bag = LengthBaggingRegressor(None, lengths=[10], cv=2, **changes)  # None cannot be trained
    with pytest.raises(ValueError, match=f"{next(iter(changes))} is .*; pass"):
        bag.fit(X, y)


def test_rescale__numpys_false__is_false():
    X, y = tracks(40)
    bag = LengthBaggingRegressor(SpreadRegressor(), lengths=[10], cv=2, rescale=np.False_)
    assert bag.fit(X, y).alpha_scale_ == 1
    assert bag.set_params(clip=(None, 0.3)).fit(X, y).predict(X).max() == pytest.approx(0.3)


def test_groups__fewer_than_folds_in_a_bucket__name_it_and_the_remedy():
    X, y = tracks(60, high=30)
    cells = np.where([len(t) >= 20 for t in X], 0, np.arange(60) % 6)
    bag = LengthBaggingRegressor(
        SpreadRegressor(), lengths=[10, 20], cv=GroupKFold(3), min_bucket=4
    )
    with pytest.raises(ValueError, match=r"with 20 and more points cannot be split: .*fewer folds"):
        bag.fit(X, y, groups=cells)
    with pytest.raises(ValueError, match="^The 'groups' parameter should not be None.$"):
        bag.fit(X, y)


def test_classifier__class_of_one_group_alone__is_unknown_to_the_member_that_is_judged_by_it():
    X, _ = tracks(60, high=19)
    cells = np.arange(60) % 3
    y = np.where(cells == 2, "b", np.resize(["a", "c"], 60))
    member = ModelClassifier(network_params=TINY_WADNET, max_epochs=1)
    bag = LengthBaggingClassifier(
        member, lengths=[10], cv=GroupKFold(3), min_bucket=9, random_state=0
    ).fit(X, y, groups=cells)
    (members,) = bag.members_
    assert sorted(m.classes_.tolist() for m in members) == [["a", "b", "c"]] * 2 + [["a", "c"]]


# scikit-learn -------------------------------------------------------------------------------------


def test_grid_search__over_estimator_and_lengths_in_a_pipeline__picks_the_better():
    X, y = tracks(60, high=20)
    bag = LengthBaggingRegressor(SpreadRegressor(), cv=2, min_bucket=10, random_state=0)
    pipeline = Pipeline([("normalise", TrajectoryNormalizer()), ("bag", bag)])
    grid = {"bag__lengths": [[10], [10, 15]], "bag__estimator__power": [0.0, 40.0]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_mean_absolute_error").fit(X, y)
    assert search.best_params_["bag__estimator__power"] == 0.0
    assert search.predict(X).shape == (60,)


ENSEMBLES = [
    LengthBaggingRegressor(tiny_alpha(), lengths=None, cv=2, min_bucket=4, random_state=0),
    LengthBaggingClassifier(
        ModelClassifier(network_params=TINY_WADNET, max_epochs=1),
        lengths=None,
        cv=2,
        min_bucket=4,
        random_state=0,
    ),
]


# No check is excepted. The warning is scikit-learn's own: are infinite labels whole numbers?
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(ENSEMBLES)
def test_scikit_learn__its_own_checks__pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ENSEMBLES, ids=lambda e: type(e).__name__)
def test_scikit_learn__its_own_checks__are_many(estimator):
    names = Counter(
        getattr(check, "func", check).__name__
        for _, check in estimator_checks_generator(clone(estimator))
    )
    assert names.total() >= 40
    kind = "regressors" if estimator is ENSEMBLES[0] else "classifiers"
    assert {f"check_{kind}_train", "check_n_features_in", "check_estimators_pickle"} <= set(names)


def test_get_params__through_the_nesting__sets_what_members_are_clones_of():
    bag = LengthBaggingRegressor(tiny_alpha(), lengths=[10], cv=2, random_state=0)
    assert bag.get_params()["estimator__lr"] == 1e-3
    X, y = tracks(40, high=12)
    bag.set_params(estimator__lr=2e-3, min_bucket=9).fit(X, y)
    assert [member.lr for member in bag.members_[0]] == [2e-3, 2e-3]


def test_html__of_an_ensemble__shows_the_member():
    assert "AlphaRegressor" in LengthBaggingRegressor(tiny_alpha())._repr_html_()
