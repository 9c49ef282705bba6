"""Several detectors, one per kind of motion."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skandi import AnomalyDetector, DiffusionFingerprint
from skandi.errors import WeightsError
from skandi.simulate import mixture, simulate

MODELS = ("ctrw", "fbm")


def data(n=40, T=12, seed=0):
    X = np.vstack([simulate(m, 0.6, n, T=T, random_state=seed + k) for k, m in enumerate(MODELS)])
    return X, np.repeat(MODELS, n)


def fingerprint(**changes):
    detector = AnomalyDetector(max_epochs=changes.pop("max_epochs", 1), batch_size=32)
    return DiffusionFingerprint(detector, **{"random_state": 0, **changes})


@pytest.fixture(scope="module")
def fitted():
    """Two kinds, two detectors each. Not to be changed."""
    return fingerprint(n_repeats=2).fit(*data())


def test_errors__members__are_scored_one_by_one(fitted):
    X, _ = data(n=7, seed=9)
    each = fitted.member_errors(X)
    assert each.shape == (14, 2, 2)
    for kind in range(2):
        for repeat in range(2):
            own = -fitted.detectors_[kind][repeat].score_samples(list(X))
            assert_array_equal(each[:, kind, repeat], own)
    assert_allclose(fitted.errors(X), each.mean(axis=2))
    assert len({d.random_state for pair in fitted.detectors_ for d in pair}) == 4


def test_answers__best_match_and_maps__follow_from_the_errors(fitted):
    X, kind = data(n=7, seed=9)
    errors = fitted.errors(X)
    best = errors.argmin(axis=1)
    assert_array_equal(fitted.kinds_, ["ctrw", "fbm"])
    assert_array_equal(fitted.predict(X), np.array(MODELS)[best])
    assert_allclose(fitted.share_map(X), [np.mean(best == 0), np.mean(best == 1)])
    assert_allclose(fitted.error_map(X, kind), [errors[:7].mean(axis=0), errors[7:].mean(axis=0)])
    assert_allclose(fitted.error_map(X), errors.mean(axis=0)[None])


def test_learning__two_exponents__are_told_apart():
    def tracks(n, seed):
        X = [simulate("fbm", a, n, T=12, random_state=seed + k) for k, a in enumerate((0.3, 1.7))]
        return np.vstack(X), np.repeat(["low", "high"], n)

    learnt = fingerprint(max_epochs=12).fit(*tracks(600, seed=0))
    X, kind = tracks(300, seed=5)
    high, low = np.log(learnt.errors(X)).T  # kinds in the order of their names
    # How far each detector got in so few epochs depends on the processor's rounding, so that one of
    # them may be the better on both kinds; on its own kind it is still the better by more.
    assert roc_auc_score(kind == "low", high - low) > 0.85


def test_seeds__jobs_and_other_kinds__have_no_effect():
    X, kind = data(20)
    expected = fingerprint().fit(X, kind).errors(X)
    assert_array_equal(fingerprint(n_jobs=2).fit(X, kind).errors(X), expected)
    assert_array_equal(clone(fingerprint().fit(X, kind)).fit(X, kind).errors(X), expected)
    assert not np.array_equal(fingerprint(random_state=1).fit(X, kind).errors(X), expected)


def test_kinds__mixtures__lie_on_a_grid():
    shares = np.array([(g, b) for g in (0.0, 1.0) for b in (0.0, 0.5, 1.0) if (g, b) != (0, 0)])
    models = ("ctrw", "attm", "fbm")
    X = np.vstack([mixture(models, 0.8, g, b, 6, T=12, random_state=0) for g, b in shares])
    y = np.repeat(shares, 6, axis=0)
    found = fingerprint().fit(X, y)
    assert found.kinds_.shape == (5, 2)
    assert found.predict(X).shape == (30, 2)
    gamma, beta, grid = found.on_grid(found.share_map(X))
    assert_array_equal(gamma, [0, 1])
    assert_array_equal(beta, [0, 0.5, 1])
    assert np.isnan(grid[0, 0])
    assert np.nansum(grid) == pytest.approx(1)
    assert_allclose(found.error_map(X, y)[2], found.errors(X[12:18]).mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("given", [list, lambda rows: np.array(list(rows), dtype=object)])
def test_kinds__model_and_exponent__are_rows_of_labels(given, tmp_path):
    X, kind = data(8)
    y = given((model, alpha) for model, alpha in zip(kind, np.tile([2, 10], 8)))
    found = fingerprint().fit(X, y)
    assert found.kinds_.tolist() == [
        ["ctrw", 2],
        ["ctrw", 10],
        ["fbm", 2],
        ["fbm", 10],
    ]
    assert_array_equal(found.on_grid(np.arange(4.0))[1], [2, 10])
    assert_array_equal(found.on_grid(np.arange(4.0))[2], [[0, 1], [2, 3]])
    found.save(tmp_path / "a.safetensors")
    assert DiffusionFingerprint.load(tmp_path / "a.safetensors").kinds_.tolist() == (
        found.kinds_.tolist()
    )


def test_kinds__lists_of_numbers_or_of_names__have_their_type():
    X, kind = data(8)
    points = [(0.0, 1.0) if name == "fbm" else (1.0, 0.5) for name in kind]
    assert fingerprint().fit(X, points).kinds_.dtype == np.float64
    assert fingerprint().fit(X, list(kind)).kinds_.dtype.kind == "U"


def test_kinds__numbers_in_an_array_of_objects__stay_numbers():
    X, _ = data(8)
    y = np.repeat(np.array([2, 10], dtype=object), 8)
    found = fingerprint().fit(X, y)
    assert found.kinds_.tolist() == [2, 10]
    assert set(found.predict(X)) <= {2, 10}


def test_kinds__table_of_pandas__keeps_names_and_numbers():
    X, kind = data(8)
    found = fingerprint().fit(X, pd.DataFrame({"model": kind, "alpha": np.tile([2.0, 10.0], 8)}))
    assert found.kinds_.tolist() == [["ctrw", 2], ["ctrw", 10], ["fbm", 2], ["fbm", 10]]


def test_length__ragged_kinds__is_one_for_all():
    X = [*data(10, T=12)[0], *data(10, T=30)[0]]
    found = fingerprint().fit(X, np.repeat(["a", "b"], 20))
    assert {pair[0].length_ for pair in found.detectors_} == {24}


@pytest.mark.parametrize(
    "y, message",
    [
        (None, "requires y to be passed"),
        (["a"] * 3, "80 trajectories and y 3 kinds"),
        (["a"] * 79 + ["b"], "n_samples=1 of kind b"),
        (np.array(["a", 1] * 40, dtype=object), "mixes names and numbers"),
        (["a", 1] * 40, "mixes names and numbers"),
    ],
)
def test_fit__unusable_kinds__are_told(y, message):
    with pytest.raises(ValueError, match=message):
        fingerprint().fit(data()[0], y)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_repeats": 0}, "n_repeats is 0; it must be a whole number >= 1"),
        ({"n_repeats": 1.5}, "n_repeats is 1.5"),
        ({"detector": AnomalyDetector("foo")}, "architecture is 'foo'"),
        ({"detector": AnomalyDetector(length=2.5)}, "length is 2.5"),
    ],
)
def test_fit__unusable_parameters__are_told(changes, message):
    with pytest.raises(ValueError, match=message):
        fingerprint().set_params(**changes).fit(*data())


def test_fit__threshold_is_not_asked_for__so_nothing_is_held_out(fitted):
    alone = AnomalyDetector(max_epochs=1, batch_size=32, length=12, contamination=0.05)
    one = fitted.detectors_[1][1]
    X, kind = data()
    alone.set_params(random_state=one.random_state).fit(X[kind == "fbm"])
    assert_array_equal(alone.score_samples(X), one.score_samples(X))


def test_grid__another_number_of_values__is_refused():
    X, kind = data(8)
    found = fingerprint().fit(X, [(k, a) for k, a in zip(kind, np.tile(["low", "high"], 8))])
    for values in (1.0, [1.0], np.ones((2, 2))):
        with pytest.raises(ValueError, match="one for each of the 4 kinds"):
            found.on_grid(values)


def test_grid__labels_in_one_column__is_refused(fitted):
    with pytest.raises(ValueError, match="a plane needs two labels per kind"):
        fitted.on_grid([0.5, 0.5])


def test_files__repeats_set_after_the_fit__are_those_fitted(tmp_path, fitted):
    copied = pickle.loads(pickle.dumps(fitted)).set_params(n_repeats=1)
    copied.save(tmp_path / "a.safetensors")
    loaded = DiffusionFingerprint.load(tmp_path / "a.safetensors")
    X, _ = data(n=7, seed=9)
    assert_array_equal(loaded.errors(X), fitted.errors(X))
    assert loaded.n_repeats == 1


def test_files__labels_that_no_file_holds__are_named(tmp_path):
    labels = np.repeat(np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]"), 20)
    X = np.random.default_rng(0).normal(size=(40, 20)).cumsum(axis=1)
    dated = DiffusionFingerprint(AnomalyDetector(max_epochs=1), random_state=0).fit(X, labels)
    with pytest.raises(ValueError, match="joblib.dump"):
        dated.save(tmp_path / "dated.safetensors")


def test_files__labels_of_a_wider_type__are_read(tmp_path):
    X, kind = data(8)
    found = fingerprint().fit(X, kind.astype("U40"))
    found.save(tmp_path / "a.safetensors")
    assert DiffusionFingerprint.load(tmp_path / "a.safetensors").kinds_.tolist() == ["ctrw", "fbm"]


@pytest.mark.parametrize("labels", ["names", "numbers", "rows"])
def test_files__saved_and_loaded__is_the_same_fingerprint(tmp_path, labels):
    X, kind = data(8)
    y = {
        "names": kind,
        "numbers": np.repeat([0.3, 0.6], 8),
        "rows": np.array([(k, str(a)) for k, a in zip(kind, np.tile([0.3, 0.6], 8))]),
    }[labels]
    found = fingerprint(n_repeats=2).fit(X, y)
    found.save(tmp_path / "a.safetensors")
    loaded = DiffusionFingerprint.load(tmp_path / "a.safetensors")
    assert_array_equal(loaded.kinds_, found.kinds_)
    assert loaded.kinds_.dtype == found.kinds_.dtype
    assert_array_equal(loaded.errors(X), found.errors(X))
    assert loaded.detector.get_params() == found.detector.get_params()
    with pytest.raises(WeightsError, match="holds DiffusionFingerprint, not AnomalyDetector"):
        AnomalyDetector.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("fingerprint", "error", "message"),
    [
        (DiffusionFingerprint("x"), TypeError, "detector is a str"),
        (DiffusionFingerprint(random_state=-1), ValueError, "random_state is -1"),
        (DiffusionFingerprint(random_state=np.random.default_rng(0)), ValueError, "random_state"),
        (
            DiffusionFingerprint(AnomalyDetector(checkpoint_dir="kept")),
            ValueError,
            "checkpoint_dir needs",
        ),
    ],
)
def test_fit__unusable_parameters__are_named_before_the_training(fingerprint, error, message):
    X = np.zeros((4, 20, 1))
    with pytest.raises(error, match=message):
        fingerprint.fit(X, ["a", "a", "b", "b"])


def test_fit__kinds_without_a_value__are_refused():
    X = np.zeros((4, 20, 1))
    with pytest.raises(ValueError, match="y has 1 entries without a value"):
        DiffusionFingerprint(random_state=0).fit(X, ["a", "a", None, "b"])


def test_error_map__groups_without_a_value__are_named_as_groups(fitted):
    with pytest.raises(ValueError, match="groups has 1 entries without a value"):
        fitted.error_map(np.zeros((2, 20, 1)).cumsum(axis=1), ["a", None])
