"""Weight files that lie, are swapped or damaged anywhere; pickles of another version."""

import copy
import json
import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small_estimators import alphas, labels, ragged, small
from spread_estimators import tiny_alpha, tracks

import skandi
from skandi import (
    AlphaRegressor,
    LengthBaggingClassifier,
    LengthBaggingRegressor,
    ModelClassifier,
    TrajectoryNormalizer,
    load_pretrained,
)
from skandi.calibration import COVERAGES, LENGTH_KNOTS, NOISE_EDGES, SIZE_KNOTS, SIZE_LENGTH_KNOTS
from skandi.errors import VersionWarning, WeightsError
from skandi.pretrained import shipped_weights
from skandi.weights import digest, load_weights, save_weights

SMALL_JOINT = {
    "channels": [8, 8],
    "recurrent_block": 1,
    "recurrent_size": 4,
    "hidden_size": 8,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A good file of every kind, and what opens it."""
    folder = tmp_path_factory.mktemp("files")
    X, y = tracks(60, high=12)
    fitted = {
        "regressor": small("alpha multiscale", max_epochs=1).fit(ragged(), alphas()),
        "classifier": small("model wadnet", max_epochs=1).fit(ragged(), labels()),
        "bag": LengthBaggingRegressor(tiny_alpha(), lengths=[10], cv=2, random_state=0).fit(X, y),
    }
    for name, estimator in fitted.items():
        estimator.save(folder / name)
    network = skandi.estimator.NETWORKS["multiscale"](2, 45, **SMALL_JOINT)
    shape = (len(NOISE_EDGES) + 1, len(LENGTH_KNOTS))
    sizes = (len(SIZE_LENGTH_KNOTS), len(SIZE_KNOTS))
    corrections = {
        "alpha": {
            "levels": np.full((*shape, len(COVERAGES)), 0.5).tolist(),
            "error_scale": np.ones(shape).tolist(),
            "spread_scale": np.ones(shape).tolist(),
            "error_by_size": np.ones(sizes).tolist(),
            "spread_by_size": np.ones(sizes).tolist(),
        },
        "model": {"temperature": np.ones(len(LENGTH_KNOTS)).tolist()},
    }
    config = {
        "network": "multiscale",
        "network_params": SMALL_JOINT,
        "n_dims": 2,
        "min_points": 10,
        "calibration": {"fast": corrections},
    }
    save_weights(folder / "joint", network.state_dict(), config)
    return folder


OPENERS = {
    "regressor": AlphaRegressor.load,
    "classifier": ModelClassifier.load,
    "bag": LengthBaggingRegressor.load,
    "joint": lambda path: [load_pretrained(t, n_dims=2, path=path) for t in ("alpha", "model")],
}


def forged(source, path, change):
    """Write a file whose configuration is changed and whose hash is right all the same."""
    config, state = load_weights(source)
    config = change(copy.deepcopy(config))
    written = config if isinstance(config, str) else json.dumps(config)
    metadata = {"format": "skandi-weights", "format_version": "1", "config": written}
    save_file(state, path, {**metadata, "sha256": digest(state, written)})
    return path


def places(tree, above=()):
    """The path to everything in a tree of JSON; of a long list the first and the last."""
    if above:
        yield above
    keys = list(tree) if isinstance(tree, dict) else []
    if isinstance(tree, list):
        keys = sorted({0, len(tree) - 1} & set(range(len(tree))))
    for key in keys:
        yield from places(tree[key], (*above, key))


def put(tree, place, value):
    *above, last = place
    inner = tree
    for key in above:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return tree


HOSTILE = [..., None, "x", -1, 0, 1.5, 10**12, 10**400, True, [], [[]], {}, {"x": None}]


@pytest.mark.parametrize("kind", OPENERS)
def test_load__any_value_replaced_by_nonsense__opens_or_is_a_weights_error(files, tmp_path, kind):
    config, _ = load_weights(files / kind)
    refused = []
    for n, place in enumerate(places(config)):
        for value in HOSTILE[n % 2 :: 2]:
            path = forged(files / kind, tmp_path / "f", lambda c: put(c, place, value))  # noqa: B023
            try:
                OPENERS[kind](path)
            except WeightsError as error:
                refused.append(str(error))
    assert len(refused) > 50
    remedies = ("again", "Load it with", "Pass the n_dims", "Open it by")
    assert not [told for told in refused if not any(words in told for words in remedies)]
    assert max(map(len, refused)) < 1000


ESSENTIAL = {
    "regressor": [
        ("params", "network"), ("params", "views"), ("params", "length"),
        ("params", "network_params", "channels", 0), ("fitted", "n_dims_"),
        ("fitted", "min_points_"), ("fitted", "n_outputs"), ("estimator",),
    ],
    "classifier": [("classes",), ("classes", 0), ("classes", 1)],
    "bag": [("members",), ("buckets",), ("template",), ("members", 0), ("fitted", "n_dims_")],
    "joint": [
        ("network",), ("network_params",), ("n_dims",), ("min_points",),
        ("calibration", "fast", "alpha", "levels"), ("calibration", "fast", "model", "temperature"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", OPENERS)
def test_load__what_decides_predictions__is_refused_with_any_other_type(files, tmp_path, kind):
    for place in ESSENTIAL[kind]:
        for value in ("x", -1, 1.5, [[]], {"x": None}, 10**400):
            path = forged(files / kind, tmp_path / "f", lambda c: put(c, place, value))  # noqa: B023
            with pytest.raises(WeightsError):
                OPENERS[kind](path)


@pytest.mark.parametrize(
    "config", ["", "{", "null", "[]", "1e999", '"x"', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"]
)
def test_load__configuration_that_is_none__is_a_weights_error(files, tmp_path, config):
    path = forged(files / "regressor", tmp_path / "f", lambda _: config)
    with pytest.raises(WeightsError, match="again|Load it with"):
        AlphaRegressor.load(path)


@pytest.mark.parametrize("name", ["n_layers", "n_filters", "hidden_size", "n_recurrent"])
def test_load__sizes_beyond_the_file__are_refused_before_memory_is_taken(files, tmp_path, name):
    def change(config):
        return put(config, ("params", "network_params", name), 10**9)

    path = forged(files / "classifier", tmp_path / "f", change)
    with pytest.raises(WeightsError, match="sizes of"):
        ModelClassifier.load(path)


@pytest.mark.parametrize("version", ["", "x", "-1", "0", "1.5", "²", "9" * 5000])
def test_load__version_that_is_none__is_a_weights_error(tmp_path, version):
    state = {"w": torch.zeros(2)}
    metadata = {"format": "skandi-weights", "format_version": version, "config": "{}"}
    save_file(state, tmp_path / "f", {**metadata, "sha256": digest(state, "{}")})
    with pytest.raises(WeightsError, match="no readable version"):
        load_weights(tmp_path / "f")


def test_load__one_flipped_byte_anywhere__is_found(tmp_path):
    path = tmp_path / "f"
    save_weights(path, {"w": torch.ones(3), "b": torch.ones(1)}, {"n_dims": 2})
    content = path.read_bytes()
    for place in range(len(content)):
        for flip in (0x01, 0x80):
            damaged = bytearray(content)
            damaged[place] ^= flip
            path.write_bytes(damaged)
            with pytest.raises(WeightsError, match="again|Upgrade|expected a file by"):
                load_weights(path)


def test_load__cut_at_any_byte__is_found(tmp_path):
    path = tmp_path / "f"
    save_weights(path, {"w": torch.ones(3)}, {"n_dims": 2})
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(WeightsError, match="again"):
            load_weights(path)


def test_load__swapped_files__are_refused_and_say_what_they_are(files, tmp_path):
    with pytest.raises(WeightsError, match="holds AlphaRegressor, not ModelClassifier. Load it"):
        ModelClassifier.load(files / "regressor")
    with pytest.raises(WeightsError, match="holds no estimator, not AlphaRegressor"):
        AlphaRegressor.load(files / "joint")
    with pytest.raises(WeightsError, match="LengthBaggingRegressor, not LengthBaggingClassifier"):
        LengthBaggingClassifier.load(files / "bag")
    with pytest.raises(WeightsError, match="holds AlphaRegressor, saved by itself.*load"):
        load_pretrained("alpha", n_dims=2, path=files / "regressor")
    with pytest.raises(WeightsError, match="weights for 2 dimension.s., and n_dims is 3"):
        load_pretrained("alpha", n_dims=3, path=files / "joint")
    # the configuration of one around the tensors of another
    config, _ = load_weights(shipped_weights(2))
    _, state = load_weights(files / "joint")
    save_weights(tmp_path / "f", state, config)
    with pytest.raises(WeightsError, match="tensors of other names or shapes"):
        load_pretrained("alpha", n_dims=2, path=tmp_path / "f")


def test_load_pretrained__weights_of_another_dimension_under_this_name__are_refused(
    files, monkeypatch
):
    monkeypatch.setattr("skandi.pretrained.shipped_weights", lambda n_dims: files / "joint")
    with pytest.raises(WeightsError, match="joint holds weights for 2 dimension"):
        load_pretrained("model", n_dims=1)


# Pickles ------------------------------------------------------------------------------------------

ESTIMATORS = {
    "AlphaRegressor": AlphaRegressor,
    "ModelClassifier": ModelClassifier,
    "LengthBaggingRegressor": lambda: LengthBaggingRegressor(AlphaRegressor()),
    "AnomalyDetector": skandi.AnomalyDetector,
    "DiffusionFingerprint": skandi.DiffusionFingerprint,
    "TrajectoryNormalizer": TrajectoryNormalizer,
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("module", [joblib, pickle])
def test_pickle__of_another_version__warns_and_says_what_to_do(name, module, tmp_path, monkeypatch):
    path = tmp_path / "estimator"
    for version in ("0.0.7", skandi.__version__):
        with monkeypatch.context() as patched:
            patched.setattr("skandi.versioned.__version__", version)
            with path.open("wb") as file:
                module.dump(ESTIMATORS[name](), file)
        with warnings.catch_warnings(record=True) as caught, path.open("rb") as file:
            warnings.simplefilter("always")
            again = module.load(file)
        told = [str(w.message) for w in caught if issubclass(w.category, VersionWarning)]
        if version == skandi.__version__:
            assert not told
        else:
            assert f"This {name} was pickled by skandi 0.0.7, and this is skandi" in told[-1]
            assert "`save`" in told[0]
        assert "_skandi_version" not in vars(again)
        assert type(again).__name__ == name


def test_pickle__before_versions_were_kept__warns_too():
    with pytest.warns(VersionWarning, match="pickled by skandi unknown"):
        AlphaRegressor().__setstate__({"network": "wadnet"})
