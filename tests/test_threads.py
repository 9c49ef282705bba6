"""Nobody asks the machine for more threads than it has, and nobody waits for threads that died."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from spread_estimators import tiny_alpha, tracks

from skandi import AlphaRegressor, LengthBaggingRegressor


class ThreadsAsAlpha(AlphaRegressor):
    """Predicts how many threads torch had while it was fitted, and has now."""

    def fit(self, X, y, eval_set=None):
        super().fit(X, y, eval_set=eval_set)
        self.n_threads_ = torch.get_num_threads()
        return self

    def predict(self, X):
        assert len(super().predict(X)) == len(X)
        return np.full(len(X), max(self.n_threads_, torch.get_num_threads()), dtype=np.float32)


def counting(**params):
    small = tiny_alpha().get_params()
    return ThreadsAsAlpha(**{**small, "random_state": 0, **params})


def most_threads(estimator, X, y):
    return float(np.max(estimator.predict(X)))


@pytest.fixture
def fresh_workers(monkeypatch):
    """Worker processes that choose their number of threads themselves."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    get_reusable_executor().shutdown(wait=True)
    yield
    get_reusable_executor().shutdown(wait=True)


def test_grid_search__two_processes__share_the_cores_and_agree_with_one(fresh_workers):
    X, y = tracks(24, high=12)
    grid = {"lr": [1e-3, 1e-2]}
    search = GridSearchCV(counting(), grid, cv=2, scoring=most_threads, refit=False, n_jobs=2)
    threads = search.fit(X, y).cv_results_["mean_test_score"]
    assert 2 * threads.max() <= max(2, joblib.cpu_count())


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_ensemble__parallel_members__have_one_thread_each(fresh_workers, backend):
    X, y = tracks(40, high=12)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        bag = LengthBaggingRegressor(counting(), lengths=[10], cv=2, random_state=0)
        with parallel_config(backend=backend, n_jobs=2):
            bag.fit(X, y)
        assert [member.n_threads_ for member in bag.members_[0]] == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_prediction__several_threads__agree_with_one():
    X, y = tracks(40, high=30)
    fitted = tiny_alpha(random_state=0).fit(X, y)
    expected = fitted.predict(X)
    with parallel_config(backend="threading", n_jobs=4):
        found = joblib.Parallel()(joblib.delayed(fitted.predict)(X) for _ in range(8))
    for each in found:
        assert_array_equal(each, expected)


FORK = """
import os, sys
import numpy as np, torch
from skandi import AlphaRegressor, load_pretrained
torch.set_num_threads(4)
X = [np.random.default_rng(k).normal(size=(200, 2)).cumsum(axis=0) for k in range(100)]
model = load_pretrained("alpha", n_dims=2)
before = model.predict(X)
child = os.fork()
if child == 0:
    after = model.predict(X)
    AlphaRegressor(max_epochs=1, random_state=0).fit(X, before)
    os._exit(0 if np.allclose(after, before, atol=1e-5) else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_fork__after_a_prediction_with_threads__the_child_predicts_and_fits():
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    process = subprocess.Popen(
        [sys.executable, "-c", FORK], env=environment, start_new_session=True
    )
    try:
        assert process.wait(timeout=120) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)  # the child hangs, not the parent alone
        raise
