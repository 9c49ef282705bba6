"""ONNX files give the answers of the estimators they were made from."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from small_estimators import small, targets

from skandi import AlphaRegressor, ModelClassifier, export_onnx, load_pretrained
from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.simulate import make_andi

LENGTHS = [10, 11, 12, 13, 16, 17, 25, 31, 32, 33, 64, 100, 257, 500, 998, 999]


def run(path, tracks):
    """α and probabilities, one track at a time as the contract has it."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    answers = [session.run(["alpha", "model"], {given.name: t[None]}) for t in tracks]
    return tuple(np.concatenate(values) for values in zip(*answers, strict=True))


def tracks_of(n_dims, lengths=LENGTHS):
    """Tracks of all models as a camera would give them: float32, off the origin."""
    X = [make_andi(1, n_dims=n_dims, length=T, random_state=k)[0][0] for k, T in enumerate(lengths)]
    return [(0.1 * t + 37.0).astype(np.float32) for t in X]


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_export__every_length__gives_the_answers_of_the_estimators(n_dims, tmp_path):
    path = tmp_path / "andi.onnx"
    export_onnx(path, n_dims=n_dims)
    tracks = tracks_of(n_dims)
    alpha, model = run(path, tracks)
    regressor, classifier = (load_pretrained(t, n_dims=n_dims) for t in ("alpha", "model"))
    assert_allclose(alpha[:, 0], regressor.predict(tracks), atol=1e-4)
    assert_allclose(model, classifier.predict_proba(tracks), atol=1e-4)


def test_export__contract__has_its_names_shapes_and_types(tmp_path):
    path = tmp_path / "andi.onnx"
    export_onnx(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert given.type == "tensor(float)"
    assert given.shape[2] == 2
    assert isinstance(given.shape[1], str)  # any number of points
    shapes = {o.name: (o.type, o.shape[1]) for o in session.get_outputs()}
    assert shapes == {"alpha": ("tensor(float)", 1), "model": ("tensor(float)", 5)}


def test_export__odd_tracks__are_read_as_the_estimators_read_them(tmp_path):
    path = tmp_path / "andi.onnx"
    export_onnx(path)
    walk = np.random.default_rng(0).normal(size=(40, 2)).cumsum(axis=0)
    tracks = [
        np.outer(np.arange(30), [1.0, -2.0]),  # straight on
        walk * [1.0, 0.0],  # one axis without motion
        np.repeat(walk[:4], 10, axis=0),  # mostly still
        1e6 + walk.round(),  # far from the origin
    ]
    tracks = [t.astype(np.float32) for t in tracks]
    alpha, model = run(path, tracks)
    assert_allclose(alpha[:, 0], load_pretrained("alpha", n_dims=2).predict(tracks), atol=1e-4)
    expected = load_pretrained("model", n_dims=2).predict_proba(tracks)
    assert_allclose(model, expected, atol=1e-4)


def test_export__estimators_of_ones_own__with_two_trunks(tmp_path):
    X, y = make_andi(40, n_dims=1, length=(10, 20), random_state=0)
    labels = np.resize(MODELS, 40)
    tiny = {"channels": (8, 16), "recurrent_block": 0, "recurrent_size": 0, "hidden_size": 8}
    common = {"network_params": tiny, "max_epochs": 1, "random_state": 0}
    regressor = AlphaRegressor("multiscale", **common).fit(X, y)
    classifier = ModelClassifier("multiscale", **common).fit(X, labels)
    path = tmp_path / "own.onnx"
    export_onnx(path, n_dims=1, alpha_model=regressor, model_classifier=classifier)
    tracks = tracks_of(1, [10, 15, 20])
    alpha, model = run(path, tracks)
    assert_allclose(alpha[:, 0], regressor.predict(tracks), atol=1e-4)
    assert_allclose(model, classifier.predict_proba(tracks), atol=1e-4)


def test_export__several_tracks_of_one_length__are_read_together(tmp_path):
    path = tmp_path / "andi.onnx"
    export_onnx(path)
    tracks = tracks_of(2, [30] * 4)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    alpha, model = session.run(["alpha", "model"], {"positions": np.stack(tracks)})
    assert_allclose(alpha, run(path, tracks)[0], atol=1e-5)
    assert_allclose(model, run(path, tracks)[1], atol=1e-5)


@pytest.mark.parametrize(
    "own, said",
    [
        ({"alpha_model": lambda: small("alpha wadnet")}, "only 'multiscale'"),
        ({"model_classifier": lambda: small("model multiscale")}, "in this order"),
        ({"alpha_model": lambda: small("alpha multiscale").set_params(views="flip")}, "views"),
    ],
)
def test_export__what_the_contract_has_no_place_for__is_refused(own, said, tmp_path):
    X = [np.random.default_rng(k).normal(size=(10, 2)).cumsum(axis=0) for k in range(12)]
    kind = "alpha multiscale" if "alpha_model" in own else "model multiscale"
    fitted = {name: make().fit(X, targets(kind)[:12]) for name, make in own.items()}
    with pytest.raises(SkandiError, match=said):
        export_onnx(tmp_path / "no.onnx", **fitted)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "own, said",
    [
        ({"alpha_model": "model"}, "a fitted AlphaRegressor can"),
        ({"model_classifier": "alpha"}, "a fitted ModelClassifier can"),
    ],
)
def test_export__estimator_in_the_others_place__is_refused(own, said, tmp_path):
    loaded = {name: load_pretrained(target, n_dims=2) for name, target in own.items()}
    with pytest.raises(SkandiError, match=said):
        export_onnx(tmp_path / "no.onnx", **loaded)


def test_export__not_fitted__is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        export_onnx(tmp_path / "no.onnx", alpha_model=small("alpha multiscale"))


def test_export__other_dimension__is_refused(tmp_path):
    with pytest.raises(SkandiError, match="n_dims=1"):
        export_onnx(tmp_path / "no.onnx", alpha_model=load_pretrained("alpha", n_dims=1))


def test_export__file__is_sound_for_the_checker(tmp_path):
    path = tmp_path / "andi.onnx"
    export_onnx(path, n_dims=3)
    onnx.checker.check_model(onnx.load(path), full_check=True)
