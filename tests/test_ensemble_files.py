"""Files of ensembles, by joblib and without pickle, and what opens from them elsewhere."""

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from small_estimators import TINY_WADNET
from spread_estimators import SpreadRegressor, tiny_alpha, tracks

from skandi import (
    AlphaRegressor,
    LengthBaggingClassifier,
    LengthBaggingRegressor,
    ModelClassifier,
    TrajectoryNormalizer,
)
from skandi.errors import WeightsError
from skandi.simulate import make_andi


def small_bag(task="alpha", **params):
    kinds = {
        "alpha": (LengthBaggingRegressor, AlphaRegressor),
        "model": (LengthBaggingClassifier, ModelClassifier),
    }
    ensemble, member = kinds[task]
    settings = {"lengths": [10, 15], "cv": 2, "min_bucket": 10, "random_state": 0, **params}
    return ensemble(member(network_params=TINY_WADNET, max_epochs=1), **settings)


IN_A_FRESH_PROCESS = """
import joblib, numpy as np, torch
torch.set_num_threads(1)
search, X = joblib.load("search.joblib")
from skandi import LengthBaggingClassifier, LengthBaggingRegressor
np.savez(
    "there.npz",
    search=search.predict(X),
    alpha=LengthBaggingRegressor.load("alpha.safetensors").predict(X),
    model=LengthBaggingClassifier.load("model.safetensors").predict_proba(X),
)
"""


def test_search_and_ensembles__in_a_fresh_process__predict_the_same_bits(tmp_path):
    X, y = tracks(60, high=20)
    pipeline = Pipeline([("normalise", TrajectoryNormalizer()), ("bag", small_bag())])
    grid = {"bag__lengths": [[10], [10, 15]], "bag__estimator__lr": [1e-3, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_mean_absolute_error").fit(X, y)
    regressor = small_bag().fit(X, y)
    classifier = small_bag("model").fit(X, np.resize(["fbm", "lw"], 60))
    joblib.dump((search, X), tmp_path / "search.joblib")
    regressor.save(tmp_path / "alpha.safetensors")
    classifier.save(tmp_path / "model.safetensors")
    subprocess.run([sys.executable, "-c", IN_A_FRESH_PROCESS], check=True, cwd=tmp_path)
    there = np.load(tmp_path / "there.npz")
    assert_array_equal(there["search"], search.predict(X))
    assert_array_equal(there["alpha"], regressor.predict(X))
    assert_array_equal(there["model"], classifier.predict_proba(X))


@pytest.mark.parametrize("task", ["alpha", "model"])
def test_save__then_load__predicts_the_same_bits(task, tmp_path):
    X, y = make_andi(60, task=task, length=(10, 20), random_state=0)
    bag = small_bag(task).fit(X, y)
    kind = type(bag)
    bag.save(tmp_path / "bag.safetensors")
    again = kind.load(tmp_path / "bag.safetensors")
    assert again.buckets_ == bag.buckets_
    assert_array_equal(again.predict(X), bag.predict(X))
    if task == "model":
        assert_array_equal(again.predict_proba(X), bag.predict_proba(X))
    assert clone(again).get_params()["lengths"] == [10, 15]


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


def test_save__parameters_and_labels_of_any_type__come_back(tmp_path):
    X, _ = tracks(60, low=20, high=20)
    table = pd.DataFrame(np.stack(X)[:, :, 0], columns=[f"t{k}" for k in range(20)])
    labels = np.resize(np.array([3, 7], dtype=np.int32), 60)
    bag = small_bag("model", lengths=np.array([10, 20])).fit(table, labels)
    bag.save(tmp_path / "bag.safetensors")
    again = LengthBaggingClassifier.load(tmp_path / "bag.safetensors")
    assert again.lengths == [10, 20]
    assert again.classes_.dtype == np.int32
    assert_array_equal(again.feature_names_in_, bag.feature_names_in_)
    assert_array_equal(again.predict(table), bag.predict(table))


def test_save__parameters_that_a_file_cannot_keep__are_the_default_and_are_named(tmp_path):
    X, y = tracks(60, high=20)
    kept = {"checkpoint_dir": tmp_path / "kept", "estimator__device": torch.device("cpu")}
    bag = small_bag(lengths=range(10, 20, 5), cv=KFold(2)).set_params(**kept).fit(X, y)
    with pytest.warns(UserWarning, match=r"cannot keep cv \(KFold\): .*the default there"):
        bag.save(tmp_path / "bag.safetensors")
    again = LengthBaggingRegressor.load(tmp_path / "bag.safetensors")
    assert (again.lengths, again.cv) == ([10, 15], 5)
    assert again.checkpoint_dir == str(tmp_path / "kept")
    assert_array_equal(again.predict(X), bag.predict(X))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_save__of_members_from_a_gpu__opens_without_one(tmp_path):
    X, y = tracks(40, high=12)
    bag = small_bag(lengths=[10]).fit(X, y)
    expected = bag.predict(X)
    bag.set_params(estimator__device="cuda")
    for member in bag.members_[0]:
        member.set_params(device="cuda")
    bag.save(tmp_path / "bag.safetensors")
    again = LengthBaggingRegressor.load(tmp_path / "bag.safetensors")
    assert again.estimator.device == again.members_[0][0].device == "cuda"
    assert_array_equal(again.predict(X), expected)
