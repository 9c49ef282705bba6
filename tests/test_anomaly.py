"""The detector: its score against a reference in float64, its rules of length, resuming, files."""

import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skandi import AnomalyDetector, load_detector
from skandi.errors import ShortTrackWarning, TrainingError, TrajectoryError, WeightsError
from skandi.pretrained import making_detectors
from skandi.pretrained.detectors import KINDS, SIZES
from skandi.pretrained.making_detectors import is_curved, make_detector, tracks_of
from skandi.simulate import simulate
from skandi.training import reconstruction
from skandi.weights import load_weights, save_weights


def tracks(n=60, T=20, d=1, seed=0):
    return np.random.default_rng(seed).normal(size=(n, T, d)).cumsum(axis=1) * 3 + 7


def small(**changes):
    return AnomalyDetector(**{"max_epochs": 2, "random_state": 0, **changes})


def weights(detector):
    return np.concatenate([v.numpy().ravel() for v in detector.network_.state_dict().values()])


@pytest.fixture(scope="module")
def fitted():
    """Both architectures, fitted on two-dimensional tracks. Not to be changed."""
    return {
        "small": small(architecture="small").fit(tracks(d=2)),
        "large": small(architecture="large", length=24).fit(tracks(d=2)),
    }


each = pytest.mark.parametrize("name", ["small", "large"])


# --- the score ----------------------------------------------------------------------------------


def normalised(track):
    """Displacements over their standard deviation, cumulated from 0; (T, d) -> (d, T)."""
    steps = np.diff(track, axis=0)
    return np.vstack([np.zeros((1, track.shape[1])), np.cumsum(steps / steps.std(axis=0), 0)]).T


def reference_score(detector, track):
    """The documented rule, one trajectory at a time, without any of the package's own code."""
    net = detector.network_.eval().double()
    length, T, errors = detector.length_, len(track), []
    n_windows = 1 if length >= T else max(2, -(-T // length))
    for start in np.linspace(0, max(T - length, 0), n_windows).round().astype(int):
        x = normalised(track[start : start + length])
        real = x.shape[1]
        padded = np.concatenate([x, np.repeat(x[:, -1:], length - real, axis=1)], axis=1)
        with torch.no_grad():
            decoded = net(torch.from_numpy(padded)[None])[0].numpy()
        errors.append(((decoded - padded) ** 2)[:, :real].mean())
    net.float()
    return -np.mean(errors)


@each
@pytest.mark.parametrize("T", [2, 5, 20, 22, 24, 25, 47, 48, 49, 130])
def test_score__every_length__equals_a_reference_in_float64(name, T, fitted):
    X = tracks(3, T=T, d=2, seed=T)
    if T == 2:
        X = X[:, [0, 0, 1]]  # a single displacement has no variance
    scores = fitted[name].score_samples(X)
    assert scores.dtype == np.float64
    assert_allclose(scores, [reference_score(fitted[name], t) for t in X], rtol=1e-9)


@each
def test_score__companions_and_order__have_no_effect(name, fitted):
    X = [t for T in (7, 20, 31) for t in tracks(5, T=T, d=2)]
    wild = [np.zeros((20, 2)), 1e12 * tracks(1, d=2)[0], np.ones((7, 2))]
    detector = fitted[name]
    expected = detector.score_samples(X)
    # Somebody may have left the network in training mode, where batch norm mixes companions.
    detector.network_.train()
    assert_allclose([detector.score_samples([t])[0] for t in X], expected, rtol=1e-9)
    assert_allclose(detector.score_samples(wild + X[::-1])[3:][::-1], expected, rtol=1e-9)


def test_score__small_batches__are_the_same(fitted, monkeypatch):
    X = tracks(30, d=2)
    expected = fitted["small"].score_samples(X), fitted["small"].encode(X)
    monkeypatch.setattr(reconstruction, "BATCH_POINTS", 70)
    assert_allclose(fitted["small"].score_samples(X), expected[0], rtol=1e-9)
    assert_allclose(fitted["small"].encode(X), expected[1], rtol=1e-9, atol=1e-12)


@each
def test_score__unit_and_origin__change_nothing(name, fitted):
    X = [t for T in (9, 20, 50) for t in tracks(4, T=T, d=2)]
    moved = [1e-9 * t + 4e-7 for t in X]
    assert_allclose(fitted[name].score_samples(moved), fitted[name].score_samples(X), rtol=1e-5)


def test_score__straight_still_and_huge_tracks__are_finite(fitted):
    line = np.linspace(0, 5, 20)[:, None] * [1.0, 2.0]
    odd = [np.zeros((20, 2)), line, 1e300 * line, np.ones((1, 2)), 1e17 * tracks(1, d=2)[0]]
    with np.errstate(over="ignore"):
        scores = fitted["small"].score_samples(odd)
    assert np.isfinite(scores[[0, 1, 3, 4]]).all()
    assert scores[2] < -1e300  # a line of unit 1e-300 is as abnormal as can be, and no NaN


# --- what detectors do --------------------------------------------------------------------------


def test_decision__share_of_the_training_data__is_called_outliers():
    X = tracks(200)
    detector = small(contamination=0.2)
    labels = detector.fit_predict(X)
    assert (labels == -1).sum() == 40
    scores = detector.score_samples(X)
    ordered = np.sort(scores)
    assert detector.offset_ == pytest.approx(ordered[39:41].mean(), rel=1e-6)
    assert_array_equal(detector.decision_function(X), scores - detector.offset_)
    assert_array_equal(detector.predict(X), np.where(scores >= detector.offset_, 1, -1))


def test_decision__learnt_by_heart__keeps_the_rate_of_false_alarms_on_fresh_tracks():
    X, fresh = (simulate("fbm", 0.7, n, T=20, random_state=n) for n in (400, 2000))
    settings = {"max_epochs": 60, "batch_size": 64}
    detector = small(**settings, false_alarm=0.25).fit(X)
    # The threshold is set on 80 tracks: three standard deviations.
    flagged = (detector.predict(fresh) == -1).mean()
    assert flagged == pytest.approx(0.25, abs=3 * (0.25 * 0.75 / 80) ** 0.5)
    by_training_scores = small(**settings, contamination=0.25).fit(X)
    assert (by_training_scores.predict(fresh) == -1).mean() > flagged + 0.05


@pytest.mark.parametrize("false_alarm", [0.05, 0.25])
def test_decision__auto__is_a_quantile_of_tracks_not_learnt_from(monkeypatch, false_alarm):
    X, learnt = tracks(200), []

    def recorded(network, protocol, trajectories, **options):
        learnt.extend(trajectories)
        return reconstruction.train_autoencoder(network, protocol, trajectories, **options)

    monkeypatch.setattr("skandi.anomaly.train_autoencoder", recorded)
    detector = small(false_alarm=false_alarm).fit(X)
    held = [k for k, x in enumerate(X) if not any(np.array_equal(x, seen) for seen in learnt)]
    assert len(held) == 40
    ordered = np.sort(detector.score_samples(X[held]))
    n = round(40 * false_alarm)
    assert detector.offset_ == pytest.approx(ordered[n - 1 : n + 1].mean(), rel=1e-6)


def test_decision__few_tracks__are_all_learnt_from():
    X = tracks(4)
    assert_array_equal(weights(small().fit(X)), weights(small(contamination=0.5).fit(X)))
    detector = small().fit(X)
    assert detector.offset_ == pytest.approx(detector.score_samples(X).min(), rel=1e-6)
    assert (detector.predict(X) == 1).all()


def test_decision__alone_or_with_others__is_the_same():
    X = tracks(21)
    detector = small(contamination=0.05).fit(X)
    alone = [detector.predict(x[None])[0] for x in X]
    assert_array_equal(detector.predict(X), alone)
    assert alone.count(-1) == 1


def test_detection__motion_unlike_the_training_data__is_found():
    detector = AnomalyDetector(max_epochs=8, batch_size=64, random_state=0)
    detector.fit(simulate("fbm", 0.4, n_samples=1200, T=20, random_state=0))
    same = detector.predict(simulate("fbm", 0.4, n_samples=500, T=20, random_state=1))
    other = detector.predict(simulate("fbm", 1.6, n_samples=500, T=20, random_state=2))
    assert (same == -1).mean() < 0.12
    assert (other == -1).mean() > 0.8
    losses = [row["train_loss"] for row in detector.history_]
    assert losses[-1] < 0.5 * losses[0]


def test_reconstruction__any_input__has_its_shape_and_unit(fitted):
    detector = fitted["small"]
    X = [t for T in (5, 20, 53) for t in tracks(2, T=T, d=2)]
    found = detector.reconstruct(X)
    assert [t.shape for t in found] == [t.shape for t in X]
    assert_allclose(
        np.vstack(detector.reconstruct([1e3 * t + 50 for t in X])),
        1e3 * np.vstack(found) + 50,
        rtol=1e-6,
        atol=1e-6,
    )
    steps = np.diff(X[2], axis=0).std(axis=0)
    error = np.square((found[2] - X[2]) / steps).mean()
    assert_allclose(-error, detector.score_samples(X)[2], rtol=1e-9)
    assert detector.reconstruct(np.stack(X[2:4])).shape == (2, 20, 2)
    table = tracks()[:, :, 0]
    assert small().fit(table).reconstruct(table).shape == table.shape


def test_latent_vectors__by_default__are_a_fifth_of_the_numbers(fitted):
    latent = fitted["small"].encode(tracks(7, d=2))
    assert latent.shape == (7, 8)
    assert (latent >= 0).all()
    assert small(n_latent=3).fit(tracks()).encode(tracks(7, T=90)).shape == (7, 3)


@pytest.mark.parametrize(
    "lengths, architecture, length, expected",
    [
        ((20, 20), "auto", None, ("small", 20)),
        ((22, 22), "auto", None, ("small", 24)),
        ((10, 20, 300), "auto", None, ("small", 20)),
        ((200, 200), "auto", None, ("large", 200)),
        ((20, 20), "large", None, ("large", 24)),
        ((200, 200), "auto", 20, ("small", 20)),
    ],
)
def test_size__data_and_parameters__decide_architecture_and_length(
    lengths, architecture, length, expected
):
    X = [tracks(1, T=T)[0] for T in lengths]
    detector = small(max_epochs=1, architecture=architecture, length=length).fit(X)
    assert (detector.architecture_, detector.length_) == expected


def test_training__ragged_tracks__count_real_points_only():
    X = [t for T in (9, 20, 45) for t in tracks(8, T=T)]
    inputs, weight = reconstruction._examples(X, 20)
    assert inputs.shape == (8 + 8 + 3 * 8, 1, 20)
    assert_allclose(weight.sum(dim=(1, 2)), 1, rtol=1e-6)
    assert (weight[:8, :, 9:] == 0).all()
    assert np.isfinite(small(length=20).fit(X).score_samples(X)).all()


@pytest.mark.parametrize("option", [{"shared_batch_norm": True}, {"pooling_indices": False}])
def test_options__research_modes__train_and_score_one_by_one(option):
    detector = small(**option).fit(tracks())
    assert_allclose(
        [detector.score_samples([t])[0] for t in tracks(3)],
        detector.score_samples(list(tracks(3))),
        rtol=1e-9,
    )


# --- equal again --------------------------------------------------------------------------------


def test_fit__same_seed__gives_the_same_weights_and_leaves_global_states_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, second, other = (small(random_state=s).fit(tracks()) for s in (3, 3, 4))
    assert_array_equal(weights(first), weights(second))
    assert not np.array_equal(weights(first), weights(other))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert_array_equal(numpy_state, np.random.get_state()[1])


def test_representations__lists_tables_and_frames__give_equal_scores():
    X = tracks()
    expected = small().fit(X).score_samples(X)
    for same in (list(X), X[:, :, 0], pd.DataFrame(X[:, :, 0]), [t.tolist() for t in X]):
        assert_array_equal(small().fit(same).score_samples(same), expected)


KILLED = """
import os, sys
import numpy as np
from skandi import AnomalyDetector
from skandi.training import reconstruction
import torch
torch.set_num_threads(1)
save = reconstruction._save
def save_and_die(checkpoint, network, optimizer, history):
    save(checkpoint, network, optimizer, history)
    if len(history) == 2:
        os._exit(9)
reconstruction._save = save_and_die
X = np.random.default_rng(0).normal(size=(60, 20, 1)).cumsum(axis=1) * 3 + 7
AnomalyDetector(max_epochs=5, random_state=0, batch_size=16, checkpoint_dir=sys.argv[1]).fit(X)
"""


def test_resume__killed_process__ends_with_the_same_weights(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True)
    assert done.returncode == 9, done.stderr.decode()
    settings = {"max_epochs": 5, "batch_size": 16}
    whole = small(**settings).fit(tracks())
    resumed = small(**settings, checkpoint_dir=tmp_path).fit(tracks())
    assert_array_equal(weights(resumed), weights(whole))
    assert resumed.history_ == whole.history_
    assert resumed.offset_ == whole.offset_
    assert len(list(tmp_path.iterdir())) == 1


def test_resume__finished_training__is_taken_and_prolonged(tmp_path, monkeypatch):
    small(max_epochs=2, checkpoint_dir=tmp_path).fit(tracks())
    longer = small(max_epochs=3, checkpoint_dir=tmp_path).fit(tracks())
    assert_array_equal(weights(longer), weights(small(max_epochs=3).fit(tracks())))
    monkeypatch.setattr(reconstruction, "train_step", None)  # nothing is left to train
    again = small(max_epochs=3, checkpoint_dir=tmp_path).fit(tracks())
    assert_array_equal(weights(again), weights(longer))


def test_resume__other_data_parameters_or_fewer_epochs__start_anew(tmp_path):
    small(max_epochs=3, checkpoint_dir=tmp_path).fit(tracks())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for changes, X in (
        ({"max_epochs": 1}, tracks()),
        ({"lr": 1e-2}, tracks()),
        ({}, tracks(seed=1)),
        ({"pooling_indices": False}, tracks()),
    ):
        found = small(**changes, checkpoint_dir=tmp_path).fit(X)
        assert_array_equal(weights(found), weights(small(**changes).fit(X)))
    assert all(path.read_bytes() == content for path, content in before.items())


def test_resume__same_tracks_laid_out_otherwise__are_the_same_data(tmp_path):
    X = tracks(d=2)
    small(checkpoint_dir=tmp_path).fit(X)
    small(checkpoint_dir=tmp_path).fit(np.asfortranarray(X))
    small(checkpoint_dir=tmp_path).fit([np.asfortranarray(x) for x in X])
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "keys", "list", "shapes", "moments"])
def test_resume__damaged_checkpoint__is_told_and_trained_again(tmp_path, damage):
    small(checkpoint_dir=tmp_path).fit(tracks())
    (path,) = tmp_path.iterdir()
    state = torch.load(path, weights_only=True)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "shapes":
        other = {name: torch.zeros(3, 3) for name in state["network"]}
        torch.save({**state, "network": other}, path)
    else:
        wrong = {"keys": {"a": 1}, "list": [1], "moments": {**state, "optimizer": {"state": {}}}}
        torch.save(wrong[damage], path)
    with pytest.warns(UserWarning, match="cannot be read.*starts anew"):
        again = small(checkpoint_dir=tmp_path).fit(tracks())
    assert_array_equal(weights(again), weights(small().fit(tracks())))


@pytest.mark.parametrize("option", [{}, {"shared_batch_norm": True}])
def test_files__joblib_in_another_process__scores_are_equal(tmp_path, option):
    detector = small(**option).fit(tracks())
    path = tmp_path / "detector.joblib"
    joblib.dump(detector, path)
    code = (
        "import sys, joblib, numpy as np, torch; torch.set_num_threads(1);"
        "X = np.random.default_rng(5).normal(size=(9, 20, 1)).cumsum(axis=1);"
        "np.save(sys.argv[1] + '.npy', joblib.load(sys.argv[1]).score_samples(X))"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    X = np.random.default_rng(5).normal(size=(9, 20, 1)).cumsum(axis=1)
    assert_array_equal(np.load(f"{path}.npy"), detector.score_samples(X))
    network = joblib.load(path).network_
    shared = network.norms_in[0].weight is network.norms_out[2].weight
    assert shared is bool(option)


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["two points", "float64", "float32"])
def test_fit__tracks_of_constant_velocity__are_counted_in_a_warning(line):
    straight = tracks(40, T=2)
    if line != "two points":
        straight = [(0.3 * np.arange(20) + k).astype(line)[:, None] for k in range(40)]
    with pytest.warns(UserWarning, match="40 of 100 windows move at constant velocity"):
        small(length=20, contamination=0.1).fit([*tracks(60), *straight])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(length=20, contamination=0.1).fit([*tracks(60), np.zeros((20, 1))])


def test_fit__one_trajectory_as_an_array__is_told():
    walk = np.random.default_rng(0).normal(size=(50, 2)).cumsum(axis=0)
    with pytest.warns(ShortTrackWarning, match=r"pass \[X\]"):
        small().fit(walk)


def test_fit__weights_that_are_not_finite__are_no_fit():
    detector = small(lr=1e300, max_epochs=1)
    with pytest.raises(TrainingError, match="Lower lr"):
        detector.fit(tracks())
    assert not hasattr(detector, "offset_")


def test_score__straight_track_once_in_float32__is_scored_like_the_exact_one():
    detector = small().fit(tracks())
    line = (0.1 * np.arange(20) + 3)[:, None]
    exact, rounded = detector.score_samples([line, line.astype(np.float32)])
    assert rounded == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"architecture": "huge"}, "architecture is 'huge'; it must be 'auto', 'small' or"),
        ({"contamination": 0.7}, "contamination is 0.7; it must be 'auto' or in"),
        ({"contamination": "half"}, "contamination is 'half'"),
        ({"false_alarm": 0}, "false_alarm is 0; it must be in"),
        ({"length": 1}, "length is 1; it must be a whole number >= 2"),
        ({"max_epochs": 0, "batch_size": 1.5}, "max_epochs is 0.*batch_size is 1.5"),
        ({"n_latent": True}, "n_latent is True"),
        ({"lr": np.inf}, "lr is inf; it must be a finite number > 0"),
        ({"lr": 0}, "lr is 0"),
        ({"lr": "fast"}, "lr is 'fast'"),
        ({"weight_decay": None}, "weight_decay is None; it must be a finite number >= 0"),
        ({"weight_decay": -1e-5}, "weight_decay is -1e-05"),
        ({"pooling_indices": "no"}, "pooling_indices is 'no'; it must be True or False"),
        ({"shared_batch_norm": "false"}, "shared_batch_norm is 'false'"),
    ],
)
def test_parameters__unusable__are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        AnomalyDetector(**parameters).fit(tracks())


@pytest.mark.parametrize(
    "X, message",
    [
        ([], "X is empty"),
        (tracks(1), "n_samples=1 is not enough"),
        ([np.zeros((1, 1)), np.zeros((20, 1))], "fewer than 2 point.*at index 0"),
        ([np.full((20, 1), np.nan), np.zeros((20, 1))], "not finite.*at index 0"),
        ([np.zeros((20, 4)), np.zeros((20, 4))], "d must be 1, 2 or 3"),
    ],
)
def test_fit__unreadable_tracks__are_told(X, message):
    with pytest.raises(ValueError, match=message):
        small().fit(X)


def test_scores__other_dimension_or_not_fitted__are_refused(fitted):
    with pytest.raises(TrajectoryError, match="1 dimension.*fitted on 2"):
        fitted["small"].score_samples(tracks())
    for method in ("score_samples", "predict", "reconstruct", "encode"):
        with pytest.raises(NotFittedError):
            getattr(small(), method)(tracks())


def test_fit__interrupted__leaves_the_detector_as_it_was(monkeypatch):
    detector = small().fit(tracks())
    before = weights(detector)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(reconstruction, "train_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(tracks(seed=1))
    assert_array_equal(weights(detector), before)
    fresh = clone(detector)
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(tracks())
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_fit__loss_overflows__says_what_to_do():
    with pytest.raises(TrainingError, match="loss of epoch 1 is not finite. Lower lr"):
        small().fit(1e30 * np.linspace(0, 1, 20)[None, :, None] * np.ones((4, 1, 1)))


# --- files without pickle -----------------------------------------------------------------------


@pytest.mark.parametrize("option", [{}, {"shared_batch_norm": True}, {"n_latent": 3}])
def test_files__saved_and_loaded__is_the_same_detector(tmp_path, option):
    detector = small(contamination=0.1, **option).fit(tracks()[:, :, 0])
    detector.save(tmp_path / "a.safetensors")
    loaded = AnomalyDetector.load(tmp_path / "a.safetensors")
    X = tracks(9, seed=5)[:, :, 0]
    assert_array_equal(loaded.score_samples(X), detector.score_samples(X))
    assert_array_equal(loaded.predict(X), detector.predict(X))
    assert loaded.get_params() == detector.get_params()
    assert loaded.n_features_in_ == 20
    assert loaded.history_ == detector.history_
    shared = loaded.network_.norms_in[0].weight is loaded.network_.norms_out[2].weight
    assert shared is ("shared_batch_norm" in option)


def altered(tmp_path, change):
    detector = small().fit(tracks())
    config = detector._describe()
    change(config)
    save_weights(tmp_path / "a.safetensors", detector._state(), config)
    return tmp_path / "a.safetensors"


def test_files__parameters_set_after_the_fit__do_not_change_what_was_fitted(tmp_path):
    detector = small().fit(tracks())
    scores = detector.score_samples(tracks(seed=1))
    detector.set_params(pooling_indices=False, n_latent=7, shared_batch_norm=True)
    detector.save(tmp_path / "a.safetensors")
    loaded = AnomalyDetector.load(tmp_path / "a.safetensors")
    assert_array_equal(loaded.score_samples(tracks(seed=1)), scores)
    assert loaded.n_latent == 7
    detector.set_params(max_epochs=0)
    with pytest.raises(ValueError, match="max_epochs is 0"):
        detector.save(tmp_path / "b.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_files__from_before_the_network_was_described__are_read(tmp_path):
    path = altered(tmp_path, lambda config: config.pop("network"))
    scores = AnomalyDetector.load(path).score_samples(tracks())
    assert_array_equal(scores, small().fit(tracks()).score_samples(tracks()))


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config["fitted"].update(length_=40_000_000),
        lambda config: config["fitted"].update(architecture_="os"),
        lambda config: config["fitted"].update(offset_=float("nan")),
        lambda config: config["network"].update(n_latent=10**9),
        lambda config: config["network"].update(n_latent="many"),
        lambda config: config["network"].update(depth=3),
        lambda config: config.update(network=[1]),
        lambda config: config["params"].update(max_epochs="many"),
        lambda config: config.pop("fitted"),
    ],
)
def test_files__altered_description__is_a_weights_error(tmp_path, change):
    with pytest.raises(WeightsError, match="describes nothing"):
        AnomalyDetector.load(altered(tmp_path, change))


def test_files__of_another_class__are_refused(tmp_path):
    path = altered(tmp_path, lambda config: config.update(estimator="AlphaRegressor"))
    with pytest.raises(WeightsError, match="holds AlphaRegressor, not AnomalyDetector"):
        AnomalyDetector.load(path)


# --- detectors that come with skandi ------------------------------------------------------------


@pytest.mark.parametrize("length", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_shipped__detectors__keep_their_false_alarm_rate(kind, length):
    detector = load_detector(kind, length=length)
    assert detector.length_ == length
    fresh = tracks_of(kind, length, 1500, use=2)
    assert (detector.predict(fresh) == -1).mean() == pytest.approx(0.05, abs=0.02)


def test_tracks__straight_lines__train_no_detector():
    assert not is_curved(np.arange(20.0)[:, None] * 1e17)
    assert not is_curved(np.zeros((20, 1)))
    assert all(is_curved(track) for track in tracks())


def test_shipped__unknown_names__are_refused():
    with pytest.raises(ValueError, match="kind is 'levy'; it must be one of"):
        load_detector("levy")
    with pytest.raises(ValueError, match="length is 25; it must be one of"):
        load_detector("fbm", length=25)
    for wrong in (20.0, [20]):
        with pytest.raises(ValueError, match="length is"):
            load_detector("fbm", length=wrong)


def test_shipped__missing_file__says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "skandi.pretrained.detectors.detector_path", lambda kind, length: tmp_path / "none"
    )
    with pytest.raises(WeightsError, match="making_detectors --folder CHECKPOINTS --lengths 200"):
        load_detector("fbm", length=200)


def test_making__detector__is_resumed_and_written_in_half_precision(tmp_path):
    for path in (tmp_path / "a.safetensors", tmp_path / "b.safetensors"):
        make_detector("fbm", 20, tmp_path / "checkpoints", n=60, epochs=1, out=path)
    config, state = load_weights(path)
    assert config["card"]["tracks"] == 60
    again, state_again = load_weights(tmp_path / "a.safetensors")
    assert again == config
    assert all(torch.equal(state[name], state_again[name]) for name in state)
    assert path.stat().st_size < 200_000


def test_making__other_folder__gets_the_files_and_says_what_is_there(tmp_path, monkeypatch, capsys):
    made = ["--folder", str(tmp_path / "c"), "--kinds", "fbm", "--tracks", "60", "--epochs", "1"]
    monkeypatch.setattr("sys.argv", ["making_detectors", *made, "--out", str(tmp_path / "out")])
    making_detectors.main()
    (path,) = (tmp_path / "out").iterdir()
    assert AnomalyDetector.load(path).max_epochs == 1
    making_detectors.main()
    assert capsys.readouterr().out == f"made {path}\n{path} is there already\n"


@pytest.mark.parametrize("seed", [None, np.random.default_rng(0)])
def test_checkpoints__no_seed_to_find_them_by__are_refused(tmp_path, seed):
    with pytest.raises(ValueError, match="checkpoint_dir needs a whole number as random_state"):
        small(random_state=seed, checkpoint_dir=tmp_path).fit(tracks())
    assert not list(tmp_path.iterdir())
