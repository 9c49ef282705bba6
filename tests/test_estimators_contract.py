"""What holds for every estimator and every representation of its input."""

import copy
import io
import pickle
import random
import subprocess
import sys
import tempfile

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_estimators import (
    KINDS,
    LABELS,
    TINY_WADNET,
    alphas,
    answers,
    labels,
    ragged,
    small,
    targets,
)

from skandi import AlphaRegressor, ModelClassifier, TrajectoryNormalizer, load_pretrained
from skandi.errors import TrajectoryError
from skandi.networks import TrajectoryNetwork, WADNet

each_kind = pytest.mark.parametrize("kind", KINDS)
EQUAL = ragged(d=1, low=12, high=12)


def as_objects(tracks):
    array = np.empty(len(tracks), dtype=object)
    array[:] = tracks
    return array


@pytest.fixture(scope="module")
def fitted():
    """Each kind of estimator, fitted on ragged two-dimensional tracks. Not to be changed."""
    return {kind: small(kind).fit(ragged(), targets(kind)) for kind in KINDS}


# --- the representation does not matter ---------------------------------------------------------

REPRESENTATIONS = {
    "list": list,
    "tuple": tuple,
    "list of sequences": lambda tracks: [t[:, 0] for t in tracks],
    "object array": as_objects,
    "3-D": np.stack,
    "2-D": lambda tracks: np.stack(tracks)[:, :, 0],
    "2-D in Fortran order": lambda tracks: np.asfortranarray(np.stack(tracks)[:, :, 0]),
    "nested lists": lambda tracks: np.stack(tracks)[:, :, 0].tolist(),
    "frame": lambda tracks: pd.DataFrame(np.stack(tracks)[:, :, 0]),
}


@each_kind
def test_representations__fit_and_predict__give_equal_answers(kind):
    y = targets(kind)
    expected = answers(small(kind).fit(EQUAL, y), EQUAL)
    for name, convert in REPRESENTATIONS.items():
        X = convert(EQUAL)
        assert_array_equal(answers(small(kind).fit(X, y), X), expected, err_msg=name)


@each_kind
@pytest.mark.parametrize("convert", [tuple, as_objects, lambda X: [t.tolist() for t in X]])
def test_representations__of_ragged_tracks__give_equal_answers(kind, convert, fitted):
    X = ragged()
    assert_array_equal(answers(fitted[kind], convert(X)), answers(fitted[kind], X))


@each_kind
def test_representations__float32_and_integers__are_read_as_the_numbers_they_are(kind, fitted):
    whole = [(100 * t).round() for t in ragged()]
    expected = answers(fitted[kind], whole)
    for dtype in (np.float32, np.int64):
        assert_array_equal(answers(fitted[kind], [t.astype(dtype) for t in whole]), expected)


@each_kind
def test_representations__kind_of_input__is_remembered(kind):
    table, y = np.stack(EQUAL)[:, :, 0], targets(kind)
    estimator = small(kind).fit(table, y)
    assert (estimator.n_features_in_, estimator.n_dims_) == (12, 1)
    with pytest.raises(ValueError, match="X has 5 features, but .* is expecting 12 features"):
        estimator.predict(table[:, :5])
    frame = pd.DataFrame(table).add_prefix("t")
    assert list(estimator.fit(frame, y).feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[frame.columns[::-1]])
    estimator.fit(ragged(), y)
    assert estimator.n_dims_ == 2
    assert not hasattr(estimator, "n_features_in_")
    assert not hasattr(estimator, "feature_names_in_")


# --- each trajectory by itself ------------------------------------------------------------------


@each_kind
def test_answers__order__does_not_matter(kind, fitted):
    X = ragged()
    order = np.random.default_rng(1).permutation(len(X))
    assert_allclose(
        answers(fitted[kind], [X[i] for i in order]), answers(fitted[kind], X)[order], atol=1e-6
    )


@each_kind
def test_answers__one_by_one__equal_the_batch(kind, fitted):
    X = ragged()
    alone = np.concatenate([answers(fitted[kind], [t]) for t in X])
    assert_allclose(alone, answers(fitted[kind], X), atol=1e-5)


@each_kind
def test_answers__companions__have_no_effect(kind, fitted):
    t = ragged()[:1]
    wild = [np.full_like(t[0], 3.0), np.cumsum(np.ones_like(t[0]) * 1e12, axis=0), -t[0]]
    estimator = fitted[kind]
    # Somebody may have left the module in training mode, where batch norm mixes companions.
    estimator.net_.module_.train()
    assert_allclose(answers(estimator, t + wild)[:1], answers(estimator, t), atol=1e-5)


@each_kind
def test_answers__shift_and_scale__change_nothing(kind, fitted):
    X = ragged()
    moved = [1e-9 * t + 4e-7 for t in X]
    assert_allclose(answers(fitted[kind], moved), answers(fitted[kind], X), atol=1e-4)


@each_kind
@pytest.mark.parametrize("batch_points", [1, 20])
def test_answers__small_batches__are_the_same(kind, fitted, batch_points, monkeypatch):
    from skandi.training import inference

    X = ragged()
    expected = answers(fitted[kind], X)
    for name in ("network_features", "network_outputs"):
        function = getattr(inference, name)
        changed = {**function.__kwdefaults__, "batch_points": batch_points}
        monkeypatch.setattr(function, "__kwdefaults__", changed)
    assert_allclose(answers(fitted[kind], X), expected, atol=1e-5)


@each_kind
def test_answers__every_track_of_its_own_length__share_few_passes(kind, fitted, monkeypatch):
    from skandi.training import inference

    estimator = fitted[kind]
    rng = np.random.default_rng(3)
    X = [rng.normal(size=(T, estimator.n_dims_)).cumsum(axis=0) for T in range(20, 120)]
    alone = np.concatenate([estimator.transform([t]) for t in X])
    passes = []

    def counted(network, precision, reader=inference._reader):
        read = reader(network, precision)
        return lambda x, n: passes.append((x.shape[2], n)) or read(x, n)

    monkeypatch.setattr(inference, "_reader", counted)
    assert_allclose(estimator.transform(X), alone, atol=1e-5)
    assert len(passes) < 12
    # What is filled up costs less than another pass would.
    for T, n in passes:
        assert n is None or (T - n).sum() <= inference._PASS + inference._PASS_PER_POINT * T


@each_kind
def test_answers__types_and_shapes__are_as_documented(kind, fitted):
    X, estimator = ragged(), fitted[kind]
    features = estimator.transform(X)
    size = 4 if "wadnet" in kind else 16
    assert features.shape == (24, size)
    assert features.dtype == np.float32
    names = estimator.get_feature_names_out()
    assert len(names) == size
    assert names[0] == type(estimator).__name__.lower() + "0"
    if kind.startswith("alpha"):
        assert estimator.predict(X).shape == (24,)
        assert estimator.predict(X).dtype == np.float32
        return
    assert_array_equal(estimator.classes_, LABELS)
    p = estimator.predict_proba(X)
    assert p.shape == (24, 3)
    assert p.dtype == np.float32
    assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert_array_equal(estimator.predict(X), LABELS[p.argmax(axis=1)])


@each_kind
def test_transform__pandas_output__has_names_and_values(kind, fitted):
    estimator = copy.deepcopy(fitted[kind]).set_output(transform="pandas")
    frame = estimator.transform(ragged())
    assert list(frame.columns) == list(estimator.get_feature_names_out())
    assert_array_equal(frame.to_numpy(), fitted[kind].transform(ragged()))


@pytest.mark.parametrize("kind", ["alpha wadnet", "model multiscale"])
def test_transform__features__are_what_the_head_reads(kind, fitted):
    estimator = fitted[kind]
    with torch.inference_mode():
        head = estimator.net_.module_.eval().head(torch.from_numpy(estimator.transform(ragged())))
    if kind.startswith("alpha"):
        assert_allclose(head[:, 0], estimator.predict(ragged()), atol=1e-6)
    else:
        assert_allclose(head.softmax(dim=1), estimator.predict_proba(ragged()), atol=1e-6)


@pytest.mark.parametrize("kind", ["alpha multiscale", "model multiscale"])
def test_read_features__other_number_of_trajectories__is_an_error(kind, fitted):
    features = fitted[kind].transform(ragged())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted[kind].read_features(features, ragged()[:-1])


# --- a network of one's own ---------------------------------------------------------------------


class Smoothed(TrajectoryNetwork):
    """Means of rectified convolutions."""

    n_features = 8

    def __init__(self, n_dims, n_outputs, *, width=3):
        super().__init__()
        self.smooth = torch.nn.Conv1d(n_dims, 8, width)
        self.output = torch.nn.Linear(8, n_outputs)

    def features(self, x):
        return self.smooth(x).abs().mean(dim=2)

    def head(self, features):
        return self.output(features)


class SmoothedDistribution(Smoothed):
    """The same with a distribution over α."""

    gives_distribution = True


@pytest.mark.parametrize("network", [Smoothed, SmoothedDistribution])
def test_own_network__class__is_fitted_cloned_searched_and_pickled(network):
    X, y = ragged(), alphas()
    own = AlphaRegressor(network, network_params={"width": 5}, max_epochs=2, random_state=0)
    fitted = clone(own).fit(X, y)
    assert fitted.net_.module_.smooth.kernel_size == (5,)
    assert fitted.gives_distribution == (network is SmoothedDistribution)
    assert ((fitted.predict(X) > 0) | (network is Smoothed)).all()
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
    search = GridSearchCV(own, {"network": [network, "multiscale"]}, cv=2, error_score="raise")
    search.set_params(estimator__network_params=None).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if network is SmoothedDistribution:
        assert fitted.predict_interval(X).shape == (24, 2)
    assert ModelClassifier(network, max_epochs=1).fit(X, labels()).predict_proba(X).shape == (24, 3)


def test_own_network__class_of_ours__is_saved_by_its_name(tmp_path):
    fitted = AlphaRegressor(WADNet, network_params=TINY_WADNET, max_epochs=1)
    fitted.fit(ragged(), alphas()).save(tmp_path / "own.safetensors")
    loaded = AlphaRegressor.load(tmp_path / "own.safetensors")
    assert loaded.network == "wadnet"
    assert_array_equal(loaded.predict(ragged()), fitted.predict(ragged()))


def test_own_network__file_without_pickle__says_that_it_holds_no_code(tmp_path):
    fitted = AlphaRegressor(Smoothed, max_epochs=1).fit(ragged(), alphas())
    with pytest.raises(ValueError, match="network of your own.*joblib.dump"):
        fitted.save(tmp_path / "own.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("network", ["tr", torch.nn.Linear, torch.nn.Linear(2, 2), Smoothed(2, 1)])
def test_own_network__of_another_kind__is_refused_before_the_training(network):
    with pytest.raises(ValueError, match=r"network is [^\n]*derived from skandi.networks.Traj"):
        AlphaRegressor(network).fit(ragged(), alphas())


# --- fit leaves everything else as it was -------------------------------------------------------


def random_states():
    return (
        random.getstate(),
        [part.copy() if hasattr(part, "copy") else part for part in np.random.get_state()],
        torch.random.get_rng_state(),
    )


@each_kind
@pytest.mark.parametrize("random_state", [0, None])
def test_fit__inputs_parameters_and_global_random_state__are_untouched(kind, random_state):
    X, y = ragged(), targets(kind)
    params = copy.deepcopy(small(kind).get_params()["network_params"])
    estimator = small(kind, network_params=params, random_state=random_state)
    X_before, y_before, set_before = (
        copy.deepcopy(X),
        y.copy(),
        copy.deepcopy(estimator.get_params()),
    )
    python, numpy_state, torch_state = random_states()
    estimator.fit(X, y).predict(X)
    assert random.getstate() == python
    for now, before in zip(np.random.get_state(), numpy_state, strict=True):
        assert_array_equal(now, before)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert_array_equal(y, y_before)
    for now, before in zip(X, X_before, strict=True):
        assert_array_equal(now, before)
    assert estimator.get_params() == set_before
    assert estimator.network_params is params


@each_kind
def test_fit__same_seed__gives_the_same_bits_whatever_the_global_state(kind):
    X, y = ragged(), targets(kind)
    first = answers(small(kind).fit(X, y), X)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        again = small(kind).fit(X, y)
    assert_array_equal(answers(again, X), first)
    assert_array_equal(answers(again.fit(X, y), X), first)
    assert not np.array_equal(answers(small(kind, random_state=1).fit(X, y), X), first)


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_fit__generator_as_random_state__is_drawn_from(make):
    X, y = ragged(), alphas()
    one, other = (
        answers(small("alpha wadnet", random_state=make(seed)).fit(X, y), X) for seed in (3, 3)
    )
    assert_array_equal(one, other)
    shared = small("alpha wadnet", random_state=make(3)).fit(X, y)
    first = answers(shared, X)
    assert_array_equal(first, one)
    assert not np.array_equal(answers(shared.fit(X, y), X), first)


def test_fit__no_random_state__differs_each_time():
    X, y = ragged(), alphas()
    one, other = (answers(small("alpha wadnet", random_state=None).fit(X, y), X) for _ in range(2))
    assert not np.array_equal(one, other)


# --- copies -------------------------------------------------------------------------------------


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def through_file(estimator):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.safetensors"
        estimator.save(path)
        return type(estimator).load(path)


DUPLICATES = [through_pickle, through_joblib, copy.deepcopy, through_file]


@each_kind
@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies__of_a_fitted_estimator__give_the_same_bits(kind, duplicate, fitted):
    twin = duplicate(fitted[kind])
    assert_array_equal(answers(twin, ragged()), answers(fitted[kind], ragged()))
    assert twin.history_ == fitted[kind].history_
    assert twin.get_params() == fitted[kind].get_params()
    assert (twin.n_dims_, twin.min_points_) == (2, 1)
    assert twin.fit(ragged(), targets(kind)) is twin


@each_kind
@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies__of_an_estimator_of_named_columns__hold_to_them(kind, duplicate):
    frame = pd.DataFrame(np.stack(EQUAL)[:, :, 0]).add_prefix("t")
    twin = duplicate(small(kind).fit(frame, targets(kind)))
    assert twin.n_features_in_ == 12
    assert_array_equal(twin.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        twin.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize(
    "classes", [["a", "b"], [3, 7], [False, True], np.array(["x", "yz"], dtype=object)], ids=str
)
@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies__labels_of_any_type__are_kept(classes, duplicate):
    y = np.asarray(classes)[np.arange(24) % 2]
    classifier = small("model wadnet").fit(ragged(), y)
    twin = duplicate(classifier)
    assert twin.classes_.dtype == classifier.classes_.dtype
    assert_array_equal(twin.predict(ragged()), classifier.predict(ragged()))


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies__labels_in_a_type_wider_than_they_are__are_kept(duplicate):
    y = np.array(["a", "b"], dtype="U40")[np.arange(24) % 2]
    classifier = small("model wadnet").fit(ragged(), y)
    twin = duplicate(classifier)
    assert twin.classes_.tolist() == ["a", "b"]
    assert_array_equal(twin.predict(ragged()), classifier.predict(ragged()))


@each_kind
def test_copies__clone__is_unfitted_with_equal_parameters(kind, fitted):
    twin = clone(fitted[kind])
    assert twin.get_params() == fitted[kind].get_params()
    with pytest.raises(NotFittedError):
        twin.predict(ragged())


def test_copies__saved_in_one_process__predict_the_same_bits_in_another(fitted, tmp_path):
    for number, kind in enumerate(KINDS):
        joblib.dump((fitted[kind], ragged()), tmp_path / f"{number}.joblib")
    code = f"""
import joblib, numpy as np, sys, torch
torch.set_num_threads({torch.get_num_threads()})
sys.path.insert(0, {str(__file__)!r}.rpartition("/")[0])
from small_estimators import answers
for number in range({len(KINDS)}):
    estimator, X = joblib.load(f"{tmp_path}/{{number}}.joblib")
    np.save(f"{tmp_path}/{{number}}.npy", answers(estimator, X))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    for number, kind in enumerate(KINDS):
        there = np.load(tmp_path / f"{number}.npy")
        assert_array_equal(there, answers(fitted[kind], ragged()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_copies__saved_on_a_gpu__open_without_one(fitted, tmp_path):
    twin = copy.deepcopy(fitted["alpha wadnet"]).set_params(device="cuda")
    twin.save(tmp_path / "gpu.safetensors")
    for again in (type(twin).load(tmp_path / "gpu.safetensors"), through_pickle(twin)):
        assert again.device == "cuda"
        assert_array_equal(again.predict(ragged()), fitted["alpha wadnet"].predict(ragged()))


def test_load__gpu_of_another_machine__opens_without_it(fitted, tmp_path, monkeypatch):
    twin = copy.deepcopy(fitted["alpha wadnet"]).set_params(device="cuda:7")
    twin.save(tmp_path / "gpu.safetensors")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    again = type(twin).load(tmp_path / "gpu.safetensors")
    assert again.device == "cuda:7"
    assert {each.device.type for each in again.net_.module_.parameters()} == {"cpu"}


def test_copies__pickle__holds_the_weights_once_and_little_else():
    estimator = small("alpha wadnet", network_params=None, max_epochs=1).fit(ragged(), alphas())
    weights = sum(p.numel() * 4 for p in estimator.net_.module_.parameters())
    # The optimiser's moments, or a second copy of the module, would double it at least.
    assert len(pickle.dumps(estimator)) < 1.1 * weights


@each_kind
def test_pipeline__normaliser_in_front__changes_nothing(kind):
    X, y = ragged(), targets(kind)
    bare = small(kind).fit(X, y)
    pipeline = make_pipeline(TrajectoryNormalizer(), small(kind)).fit(X, y)
    assert_allclose(answers(pipeline, X), answers(bare, X), atol=1e-5)


# --- tracks that are odd or wrong ---------------------------------------------------------------


@each_kind
def test_odd_tracks__one_point_constant_straight_and_huge__have_finite_answers(kind, fitted):
    line = np.outer(np.arange(9.0), [1.0, -1.0])
    X = [np.zeros((1, 2)), np.full((8, 2), 5.0), line, line * 1e17, line * 1e300, line * [1.0, 0.0]]
    found = answers(fitted[kind], X)
    assert np.isfinite(found).all()
    assert_allclose(found[3], found[2], atol=1e-5)
    assert_allclose(found[4], found[2], atol=1e-5)


@each_kind
def test_odd_tracks__among_the_training_data__are_learnt_from(kind):
    X = ragged()
    X[0] = np.full((9, 2), 4.0)
    X[1] = X[1] * 1e17
    X[2] = X[2][:2]
    estimator = small(kind).fit(X, targets(kind))
    assert np.isfinite(answers(estimator, X)).all()
    assert np.isfinite([row["train_loss"] for row in estimator.history_]).all()


@each_kind
def test_wrong_tracks__every_problem__is_named_at_fit_and_predict(kind, fitted):
    X = ragged()
    X[3] = np.where(np.arange(len(X[3]))[:, None] == 2, np.nan, X[3])
    X[5] = X[5] * np.inf
    X[7] = X[7][:, :1]
    X[9] = np.empty((0, 2))
    for call in (lambda: small(kind).fit(X, targets(kind)), lambda: fitted[kind].predict(X)):
        with pytest.raises(TrajectoryError) as caught:
            call()
        message = str(caught.value)
        assert "4 of 24 trajectories" in message
        assert "not finite (NaN or inf) at index 3, 5" in message
        assert "1 dimension(s) at index 7" in message
        assert "index 9" in message


@each_kind
def test_wrong_tracks__one_point_at_fit__is_refused(kind):
    X = ragged()
    X[4] = X[4][:1]
    with pytest.raises(TrajectoryError, match="fewer than 2 point.*index 4"):
        small(kind).fit(X, targets(kind))


@each_kind
@pytest.mark.parametrize("method", ["fit", "predict", "transform"])
def test_wrong_input__empty__is_one_clear_error(kind, method, fitted):
    with pytest.raises(TrajectoryError, match="X is empty"):
        getattr(fitted[kind], method)(*([[], []] if method == "fit" else [[]]))


@each_kind
def test_wrong_input__one_track_instead_of_a_list__names_the_remedy(kind, fitted):
    with pytest.raises(TrajectoryError, match=r"pass \[X\]"):
        fitted[kind].predict(ragged()[0])


@each_kind
def test_wrong_input__table_of_points__names_the_reader(kind, fitted):
    points = pd.DataFrame({"particle": [0, 0], "frame": [0, 1], "x": [0.0, 1.0], "y": [0.0, 1.0]})
    with pytest.raises(TrajectoryError, match="skandi.read_tracks"):
        fitted[kind].predict(points)
    with pytest.raises(TrajectoryError, match="skandi.read_tracks"):
        small(kind).fit(points, [1.0, 1.0])


@each_kind
def test_wrong_input__counts_of_X_and_y_differ__is_said_with_both_numbers(kind):
    for n in (23, 25):
        with pytest.raises(ValueError, match=f"24 trajectories and y {n} targets"):
            small(kind).fit(ragged(), targets(kind, n))


@each_kind
def test_failed_fit__estimator__is_as_it_was(kind, fitted):
    estimator = copy.deepcopy(fitted[kind])
    before = answers(estimator, ragged())
    wrong = [np.full((5, 1), np.nan)] * 24
    for X, y in ((wrong, targets(kind)), (EQUAL, targets(kind, 5)), (np.stack(EQUAL), None)):
        with pytest.raises(ValueError):
            estimator.fit(X, y)
    assert_array_equal(answers(estimator, ragged()), before)
    fresh = small(kind)
    with pytest.raises(ValueError):
        fresh.fit(EQUAL, targets(kind, 5))
    assert [name for name in vars(fresh) if name.endswith("_")] == []


@each_kind
@pytest.mark.parametrize(
    "changes, message",
    [
        ({"network": "resnet"}, "network is 'resnet'.*multiscale.*wadnet"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0.*\\[0, 1\\)"),
        ({"validation_fraction": -0.1}, "validation_fraction is -0.1"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"length": 10}, "fewer than 10 points.*`length`"),
        ({"length": 0}, "length is 0; pass a whole number of at least 2.*or None"),
        ({"length": 7.5}, "length is 7.5"),
        ({"batch_size": 0}, "batch_size is 0; pass a whole number of at least 1.*or -1"),
        ({"batch_size": -2}, "batch_size is -2"),
        ({"max_epochs": 0}, "max_epochs is 0.*1 or more"),
        ({"max_epochs": 1.5}, "max_epochs is 1.5"),
        ({"patience": "a"}, "patience is 'a'"),
        ({"patience": -1}, "patience is -1"),
        ({"lr": np.inf}, "lr is inf"),
        ({"lr_factor": 2}, "lr_factor is 2"),
        ({"validation_fraction": None}, "validation_fraction is None"),
        ({"views": "foo"}, "views is 'foo'.*flip"),
        ({"predict_precision": "foo"}, "predict_precision is 'foo'"),
        (
            {"device": "nowhere"},
            "device is 'nowhere', which this torch.*'cpu', or 'auto'",
        ),
        ({"network_params": {"foo": 1}}, "network_params is {'foo': 1}.*It is a dict of"),
        ({"network_params": 3}, "network_params is 3.*It is a dict of"),
        ({"network": "wadnet", "network_params": {"n_layers": 0}}, "n_layers is 0.*1 or more"),
    ],
)
def test_wrong_parameter__fit__says_what_is_allowed(kind, changes, message):
    with pytest.raises(ValueError, match=message):
        small(kind).set_params(**changes).fit(ragged(), targets(kind))


@each_kind
def test_eval_set__not_a_pair__is_refused(kind):
    X, y = ragged(), targets(kind)
    for wrong in ((X,), [(X, y)]):
        with pytest.raises(ValueError, match=r"eval_set must be a tuple \(X, y\)"):
            small(kind).fit(X, y, eval_set=wrong)


@each_kind
@pytest.mark.parametrize("absent", ["masked", "None", "NA"])
def test_targets__without_a_value__are_refused(kind, absent):
    y = targets(kind)
    if absent == "masked":
        y = np.ma.masked_array(y, mask=np.arange(len(y)) == 3)
    else:
        y = np.array(y, dtype=object)
        y[3] = None if absent == "None" else pd.NA
    with pytest.raises(ValueError, match="1 entries without a value"):
        small(kind).fit(ragged(), y)


@each_kind
def test_save__folder_that_is_not_there__is_an_error_of_the_system(kind, tmp_path):
    estimator = small(kind).fit(ragged(), targets(kind))
    with pytest.raises(FileNotFoundError, match="no such directory"):
        estimator.save(tmp_path / "nowhere" / "w.safetensors")


@each_kind
def test_parameters__of_numpy__are_the_numbers_they_are(kind, tmp_path):
    """A search hands over the values of an array as such."""
    sizes = {"batch_size": 8, "length": 5, "random_state": 0}
    numpys = {name: np.int64(value) for name, value in sizes.items()}
    plain, of_numpy = (
        small(kind).set_params(**each).fit(ragged(), targets(kind)) for each in (sizes, numpys)
    )
    of_numpy.save(tmp_path / "w.safetensors")
    loaded = type(of_numpy).load(tmp_path / "w.safetensors")
    for each in (of_numpy, loaded):
        assert_array_equal(answers(each, ragged()), answers(plain, ragged()))


def test_parameters__set_after_the_fit__neither_answer_nor_are_saved(tmp_path):
    regressor = small("alpha wadnet").fit(ragged(), alphas())
    before = regressor.predict(ragged())
    regressor.set_params(network="multiscale", network_params={"n_layers": 3})
    assert_array_equal(regressor.predict(ragged()), before)
    with pytest.raises(ValueError, match="'wadnet' gives one number"):
        regressor.predict_interval(ragged())
    regressor.save(tmp_path / "kept.safetensors")
    loaded = AlphaRegressor.load(tmp_path / "kept.safetensors")
    assert_array_equal(loaded.predict(ragged()), before)
    assert (loaded.network, loaded.network_params) == ("wadnet", TINY_WADNET)


def test_load__global_random_state__is_untouched(tmp_path):
    small("model wadnet").fit(ragged(), labels()).save(tmp_path / "m.safetensors")
    before = torch.get_rng_state()
    ModelClassifier.load(tmp_path / "m.safetensors")
    load_pretrained("alpha")
    assert torch.equal(torch.get_rng_state(), before)


def test_save__labels_that_no_file_can_hold__names_the_remedy(tmp_path):
    days = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]")[np.arange(24) % 2]
    classifier = small("model wadnet").fit(ragged(), days)
    with pytest.raises(ValueError, match=r"Labels of type datetime64\[D\].*joblib\.dump"):
        classifier.save(tmp_path / "days.safetensors")
    assert not list(tmp_path.iterdir())
