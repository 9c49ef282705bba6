"""Members in threads, processes and on a cluster; failed, interrupted, killed, taken up again."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from interrupted_fit import N_MEMBERS, data, ensemble, finished, fit, fit_and_die_writing
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from spread_estimators import SpreadRegressor, tiny_alpha, tracks

from skandi import AlphaRegressor, LengthBaggingRegressor
from skandi.errors import TrainingError, TrajectoryError
from skandi.members import _code_of
from skandi.training.loop import PlateauSchedule

SECONDS_TO_CLOSE = 60


def bag_of_four(**params):
    """Two buckets, two folds, networks with dropout: all that is random has its part in them."""
    member = tiny_alpha(max_epochs=3)
    settings = {"lengths": [10, 20], "cv": 2, "min_bucket": 10, "random_state": 3, **params}
    return LengthBaggingRegressor(member, **settings)


def spread_bag(folder, **params):
    settings = {"lengths": [10], "cv": 3, "checkpoint_dir": folder, "random_state": 0, **params}
    return LengthBaggingRegressor(SpreadRegressor(), **settings)


def learnt(bag):
    return [name for name in vars(bag) if name.endswith("_")]


# Wherever members are trained, they are the same --------------------------------------------------


def test_fit__two_processes__equals_one_and_names_what_failed():
    X, y = tracks(60, high=30)
    one = bag_of_four().fit(X, y)
    two = bag_of_four(n_jobs=2).fit(X, y)
    assert_array_equal(two.predict(X), one.predict(X))
    assert_array_equal(two.oof_prediction_, one.oof_prediction_)
    failing = LengthBaggingRegressor(SpreadRegressor(fail_at=20), lengths=[10, 20], cv=2, n_jobs=2)
    with pytest.raises(TrainingError, match="bucket of 20 and more points, fold .*no convergence"):
        failing.set_params(min_bucket=9).fit(X, y)
    assert learnt(failing) == []


def test_fit__two_threads__equals_one():
    X, y = tracks(60, high=30)
    one = bag_of_four().fit(X, y)
    with parallel_config(backend="threading", n_jobs=2):
        two = bag_of_four().fit(X, y)
    assert_array_equal(two.predict(X), one.predict(X))


def test_fit__two_dask_processes__equals_one_and_the_cluster_closes(monkeypatch):
    from dask.distributed import Client, LocalCluster

    X, y = tracks(60, high=30)
    one = bag_of_four().fit(X, y)

    def not_here(*args, **kwargs):
        raise AssertionError("a member was trained in the process that asked for the fit")

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)
    assert len({os.getpid(), *client.run(os.getpid).values()}) == 3
    with monkeypatch.context() as patched, parallel_config(backend="dask"):
        patched.setattr(AlphaRegressor, "fit", not_here)
        two = bag_of_four().fit(X, y)

    def close():
        client.close()
        cluster.close()

    closing = threading.Thread(target=close, daemon=True)
    closing.start()
    closing.join(SECONDS_TO_CLOSE)
    assert not closing.is_alive(), f"the cluster did not close within {SECONDS_TO_CLOSE} s"
    assert_array_equal(two.predict(X), one.predict(X))
    assert_array_equal(two.oof_prediction_, one.oof_prediction_)
    assert two.alpha_scale_ == one.alpha_scale_


class CountThreads(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.n_threads_ = torch.get_num_threads()
        return self

    def predict(self, X):
        return np.ones(len(X))


def test_fit__torch__has_one_thread_per_member_and_its_own_number_after():
    X, y = tracks(60, high=12)
    torch.set_num_threads(2)
    try:
        bag = LengthBaggingRegressor(CountThreads(), lengths=[10], cv=2).fit(X, y)
        assert [member.n_threads_ for member in bag.members_[0]] == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


# Failures -----------------------------------------------------------------------------------------


def test_fit__failing_member__names_bucket_and_fold_and_leaves_nothing_fitted():
    X, y = tracks(120)
    bag = LengthBaggingRegressor(SpreadRegressor(fail_at=25), lengths=[10, 25], cv=2, min_bucket=9)
    with pytest.raises(TrainingError, match="bucket of 25 and more points, fold 0.*no convergence"):
        bag.fit(X, y)
    assert learnt(bag) == []


def test_fit__network_that_diverges__is_named_too():
    X, y = tracks(60, high=30)
    member = tiny_alpha(lr=1e30, max_epochs=2)
    bag = LengthBaggingRegressor(member, lengths=[10, 20], cv=2, min_bucket=9, random_state=0)
    with pytest.raises(TrainingError, match="bucket of 10 to 19 points, fold 0.*not finite"):
        bag.fit(X, y)


# Finished members are kept ------------------------------------------------------------------------


def test_checkpoint_dir__second_fit__trains_nothing_again(tmp_path):
    X, y = tracks(60, high=12)
    bag = spread_bag(tmp_path)
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
    clone(bag).set_params(random_state=1).fit(X, y)
    assert SpreadRegressor.fits == 12


def test_checkpoint_dir__same_data_elsewhere_in_memory__trains_nothing_again(tmp_path):
    table, y = np.random.default_rng(0).normal(size=(60, 12)), np.linspace(0.1, 1.9, 60)
    spread_bag(tmp_path).fit(table, y)
    SpreadRegressor.fits = 0
    spread_bag(tmp_path).fit(np.asfortranarray(table), y)
    # What a worker process is sent has lost the strides of the array it was cut from.
    spread_bag(tmp_path).fit([row[:, np.newaxis].copy() for row in table], np.repeat(y, 2)[::2])
    assert SpreadRegressor.fits == 0


def test_checkpoint_dir__search__each_candidate_has_its_own(tmp_path):
    X, y = tracks(80, high=20)
    grid = {"estimator__power": [0.0, 40.0], "lengths": [[10], [10, 15]]}

    def scores(bag):
        search = GridSearchCV(bag, grid, cv=2, scoring="neg_mean_absolute_error").fit(X, y)
        return search.cv_results_["mean_test_score"]

    expected = scores(spread_bag(None, min_bucket=10))
    assert_array_equal(scores(spread_bag(tmp_path, min_bucket=10)), expected)
    SpreadRegressor.fits = 0
    assert_array_equal(scores(spread_bag(tmp_path, min_bucket=10)), expected)
    assert SpreadRegressor.fits == 0


def test_checkpoint_dir__damaged_file__is_trained_again_with_a_warning(tmp_path):
    X, y = tracks(60, high=12)
    bag = spread_bag(tmp_path)
    first = bag.fit(X, y).predict(X)
    finished(tmp_path)[0].write_bytes(b"half")
    with pytest.warns(UserWarning, match="trained again"):
        assert_array_equal(clone(bag).fit(X, y).predict(X), first)


def test_checkpoint_dir__no_seed__is_refused(tmp_path):
    X, y = tracks(60, high=12)
    with pytest.raises(ValueError, match="checkpoint_dir needs a random_state.*random_state=0"):
        spread_bag(tmp_path, random_state=None).fit(X, y)


def test_checkpoint_dir__where_no_file_can_be__is_refused_before_the_training(tmp_path):
    X, y = tracks(60, high=12)
    (tmp_path / "file").write_text("")
    SpreadRegressor.fits = 0
    for place in (tmp_path / "file", 5):
        with pytest.raises(ValueError, match="checkpoint_dir is .*, where no file can be written"):
            spread_bag(place).fit(X, y)
    assert SpreadRegressor.fits == 0


def halved(X):
    return [0.5 * np.asarray(t) for t in X]


def doubled(X):
    return [2.0 * np.asarray(t) for t in X]


def test_checkpoint_dir__that_has_all_members__may_be_read_only(tmp_path, monkeypatch):
    X, y = tracks(60, high=12)
    first = spread_bag(tmp_path).fit(X, y).predict(X)
    monkeypatch.setattr("skandi.bagging.TemporaryFile", lambda dir: pytest.fail("was written to"))
    assert_array_equal(spread_bag(tmp_path).fit(X, y).predict(X), first)


def test_checkpoint_dir__of_a_fit_that_cannot_be__is_not_made(tmp_path):
    X, y = tracks(60, high=12)
    with pytest.raises(TrajectoryError):
        spread_bag(tmp_path / "new", lengths=[500]).fit(X, y)
    assert not list(tmp_path.iterdir())


def applied(X, function):
    return function(X)


def test_code__the_same_elsewhere__is_the_same():
    """Neither the file nor the line of a function is a part of what it does; its defaults are."""
    text = "def f(X, scale={}):\n    return [t[:10] * scale for t in X if 'a' in {{'a', 'b'}}]\n"
    made = []
    for name, source in {
        "one": text.format(1),
        "two": "\n\n" + text.format(1),
        "three": text.format(2),
    }.items():
        namespace = {}
        exec(compile(source, name, "exec"), namespace)
        made.append(_code_of(namespace["f"]))
    assert made[0] == made[1]
    assert made[0] != made[2]


CLASSES = """
class A:
    width = {0}
    def f(self, x):
        return x * {1}
    @property
    def g(self):
        return {2}
class B(A):
    pass
B.itself = B
"""


def test_code__class__is_that_of_its_methods_and_of_those_it_derives_from():
    def made(*numbers):
        namespace = {"__name__": "mine"}
        exec(CLASSES.format(*numbers), namespace)
        return _code_of({"network": namespace["B"]})

    assert made(1, 1, 1) == made(1, 1, 1)
    for other in ((2, 1, 1), (1, 2, 1), (1, 1, 2)):
        assert made(*other) != made(1, 1, 1)


@pytest.mark.parametrize("wrapped", [False, True])
def test_checkpoint_dir__function_with_another_body__is_another_member(
    wrapped, tmp_path, monkeypatch
):
    X, y = tracks(60, high=12)
    function = partial(applied, function=halved) if wrapped else halved
    member = make_pipeline(FunctionTransformer(function), SpreadRegressor())
    bag = spread_bag(tmp_path).set_params(estimator=member)
    SpreadRegressor.fits = 0
    clone(bag).fit(X, y)
    clone(bag).fit(X, y)
    assert SpreadRegressor.fits == 3
    monkeypatch.setattr(halved, "__code__", doubled.__code__)
    clone(bag).fit(X, y)
    assert SpreadRegressor.fits == 6


def test_checkpoint_dir__lambda_in_a_member__is_refused_with_a_remedy(tmp_path):
    X, y = tracks(60, high=12)
    member = make_pipeline(FunctionTransformer(lambda X: X), SpreadRegressor())
    with pytest.raises(ValueError, match="Replace a lambda by a function of a module"):
        spread_bag(tmp_path).set_params(estimator=member).fit(X, y)


# Ctrl-C -------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c(monkeypatch):
    """Press Ctrl-C in the n-th epoch that is trained from now on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    begin, epochs = PlateauSchedule.on_epoch_begin, []

    def arm(number):
        def counted(self, net, **kwargs):
            epochs.append(net)
            if len(epochs) == number:
                signal.raise_signal(signal.SIGINT)
            begin(self, net, **kwargs)

        monkeypatch.setattr(PlateauSchedule, "on_epoch_begin", counted)

    yield arm
    signal.signal(signal.SIGINT, before)


def test_fit__ctrl_c_in_training__leaves_nothing_fitted_but_keeps_finished_members(
    ctrl_c, tmp_path
):
    X, y = tracks(60, high=30)
    expected = bag_of_four().fit(X, y).predict(X)
    bag = bag_of_four(checkpoint_dir=tmp_path)
    ctrl_c(5)
    with pytest.raises(KeyboardInterrupt):
        bag.fit(X, y)
    assert learnt(bag) == []
    assert len(finished(tmp_path)) == 1
    assert_array_equal(bag.fit(X, y).predict(X), expected)


def test_fit__ctrl_c_in_a_second_fit__leaves_the_first(ctrl_c):
    X, y = tracks(60, high=30)
    bag = bag_of_four().fit(X, y)
    before = bag.predict(X), bag.oof_prediction_, bag.alpha_scale_
    ctrl_c(8)
    with pytest.raises(KeyboardInterrupt):
        bag.fit(X[::-1], y)
    assert_array_equal(bag.predict(X), before[0])
    assert bag.oof_prediction_ is before[1]
    assert bag.alpha_scale_ == before[2]


# kill -9 ------------------------------------------------------------------------------------------

needs_sigkill = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def processes():
    """Fresh processes that find the heavy imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["skandi.bagging_regressor", "skandi.simulate"])
    return context


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The ensemble of one go, and the seconds one of its members takes."""
    started = time.perf_counter()
    bag = ensemble(tmp_path_factory.mktemp("uninterrupted")).fit(*data())
    return bag, (time.perf_counter() - started) / N_MEMBERS


def assert_finishes_to(expected, folder, monkeypatch):
    """Finish the fit: what is in the folder is not trained again, and the result is the same."""
    n_kept, trained = len(finished(folder)), []
    original = AlphaRegressor.fit

    def counted(self, *args, **kwargs):
        trained.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(AlphaRegressor, "fit", counted)
    bag = ensemble(folder).fit(*data())
    assert len(trained) == N_MEMBERS - n_kept
    X, _ = data()
    assert_array_equal(bag.predict(X), expected.predict(X))
    assert_array_equal(bag.oof_prediction_, expected.oof_prediction_)
    assert bag.alpha_scale_ == expected.alpha_scale_


@needs_sigkill
def test_fit__killed_at_ten_random_moments__finishes_to_the_same(
    uninterrupted, tmp_path, monkeypatch
):
    expected, seconds = uninterrupted
    context, rng = processes(), np.random.default_rng(0)
    for _ in range(10):
        started = context.Event()
        process = context.Process(target=fit, args=(tmp_path, started))
        process.start()
        assert started.wait(300)
        # By members finished, not by the clock alone: each kill finds the fit under way.
        wanted = len(finished(tmp_path)) + rng.integers(3)
        while len(finished(tmp_path)) < wanted and process.is_alive():
            time.sleep(seconds / 20)
        time.sleep(rng.uniform(0, seconds))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert 5 <= len(finished(tmp_path)) < N_MEMBERS
    assert_finishes_to(expected, tmp_path, monkeypatch)


@needs_sigkill
def test_fit__killed_while_a_member_is_written__finishes_to_the_same(
    uninterrupted, tmp_path, monkeypatch
):
    for number in (1, 2, 3):
        process = processes().Process(target=fit_and_die_writing, args=(tmp_path, number))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert len(finished(tmp_path)) == 0 + 1 + 2
    assert len(list(tmp_path.glob(".member-*"))) == 3
    assert_finishes_to(uninterrupted[0], tmp_path, monkeypatch)
