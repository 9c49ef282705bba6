"""The training stream: its bytes, its lengths, its workers and their end."""

import itertools
import threading
import time

import numpy as np
import pytest

from skandi.errors import RecipeError
from skandi.simulate import TrajectoryStream
from skandi.simulate.stream import BATCHES_PER_CHUNK, LENGTHS_PER_CHUNK, ChunkPlan

SMALL = {"batch_points": 1200, "min_batch": 4, "max_batch": 24}


def take(stream, n):
    return list(itertools.islice(stream, n))


def as_bytes(batches):
    return [b"".join(np.ascontiguousarray(part).tobytes() for part in batch) for batch in batches]


def stream_threads():
    return [t for t in threading.enumerate() if t.name.startswith("skandi-stream")]


@pytest.fixture(scope="module")
def inline():
    stream = TrajectoryStream(2, random_state=4, workers=0, **SMALL)
    return as_bytes(take(stream, 2 * BATCHES_PER_CHUNK + 3))


@pytest.mark.parametrize(
    "workers, prefetch, backend",
    [(1, 0, "thread"), (1, 1, "thread"), (2, 0, "thread"), (2, 3, "thread"), (2, 1, "process")],
)
def test_bytes__any_workers__are_those_made_in_line(inline, workers, prefetch, backend):
    stream = TrajectoryStream(
        2, random_state=4, workers=workers, prefetch=prefetch, backend=backend, **SMALL
    )
    with stream:
        assert as_bytes(take(stream, len(inline))) == inline


def test_bytes__other_seed__are_others(inline):
    other = TrajectoryStream(2, random_state=5, workers=0, **SMALL)
    assert not set(as_bytes(take(other, len(inline)))) & set(inline)


def test_bytes__all_batches__differ(inline):
    assert len(set(inline)) == len(inline)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch", [0, 3, BATCHES_PER_CHUNK, BATCHES_PER_CHUNK + 5])
def test_seek__forward_and_back__restarts_exactly_there(inline, workers, batch):
    with TrajectoryStream(2, random_state=4, workers=workers, **SMALL) as stream:
        take(stream, 5)
        assert stream.seek(batch) is stream
        assert stream.position == batch
        assert as_bytes(take(stream, 3)) == inline[batch : batch + 3]
        assert stream.position == batch + 3


def test_seek__negative__is_refused():
    with pytest.raises(RecipeError, match="batch=-1: .* at least 0"):
        TrajectoryStream(1, workers=0).seek(-1)


def test_batch__every_one__is_of_one_length_and_of_the_size_asked_for():
    stream = TrajectoryStream(3, random_state=0, workers=0, batch_points=3000, max_batch=100)
    for batch in take(stream, 40):
        n, T, n_dims = batch.positions.shape
        assert n_dims == 3
        assert n == min(100, max(48, 3000 // T))
        assert batch.positions.dtype == batch.alpha.dtype == np.float64
        assert batch.model.dtype == np.int64
        assert batch.alpha.shape == batch.model.shape == (n,)


def test_lengths__of_the_whole_range__are_mostly_uniform_and_some_logarithmic():
    plan = TrajectoryStream(1, random_state=0, workers=0)._plan
    rng = np.random.default_rng(0)
    lengths = np.concatenate([plan._draw_lengths(rng) for _ in range(1500)])
    assert lengths.min() == 10
    assert lengths.max() == 999
    # Below 100 lie 90 of the 990 uniform lengths and half of the logarithmic ones.
    expected = 0.7 * 90 / 990 + 0.3 * 0.5
    margin = 5 * np.sqrt(expected * (1 - expected) / (1500 * LENGTHS_PER_CHUNK))
    assert (lengths < 100).mean() == pytest.approx(expected, abs=margin)


@pytest.mark.parametrize("length", [25, np.int64(25), (25, 25)])
def test_lengths__one_length__is_kept(length):
    stream = TrajectoryStream(1, length=length, random_state=0, workers=0, **SMALL)
    assert {batch.positions.shape[1] for batch in take(stream, 20)} == {25}


def test_composition__default__is_half_of_each_task():
    stream = TrajectoryStream(
        1, length=10, recipe="andi-2020-fixed", random_state=0, workers=0, max_batch=2048
    )
    model = np.concatenate([batch.model for batch in take(stream, 24)])
    fbm = (model == 2).mean()
    # The first task has 28.3 % of FBM, the second 20 %.
    assert fbm == pytest.approx((0.2825 + 0.2) / 2, abs=5 * np.sqrt(0.18 / len(model)))


@pytest.mark.parametrize("task, share", [("alpha", 0.2825), ("model", 0.2)])
def test_composition__one_task__is_that_of_the_task(task, share):
    stream = TrajectoryStream(
        1, length=10, recipe="andi-2020-fixed", task=task, random_state=0, workers=0
    )
    model = np.concatenate([batch.model for batch in take(stream, 16)])
    assert (model == 2).mean() == pytest.approx(share, abs=5 * np.sqrt(0.2 / len(model)))


def test_close__running_workers__ends_their_threads():
    before = len(stream_threads())
    with TrajectoryStream(1, random_state=0, workers=2, **SMALL) as stream:
        next(stream)
        assert len(stream_threads()) > before
    assert len(stream_threads()) == before
    with pytest.raises(RecipeError, match="closed"):
        next(stream)
    stream.close()


def test_dropped__without_close__ends_its_threads():
    before = len(stream_threads())
    stream = TrajectoryStream(1, random_state=0, **SMALL)
    next(stream)
    del stream
    deadline = time.monotonic() + 20
    while len(stream_threads()) > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(stream_threads()) == before


def test_queue__consumer_that_rests__is_bounded(monkeypatch):
    made = []
    make = ChunkPlan.make
    monkeypatch.setattr(
        ChunkPlan, "make", lambda plan, number: made.append(number) or make(plan, number)
    )
    with TrajectoryStream(1, random_state=0, workers=1, prefetch=2, **SMALL) as stream:
        next(stream)
        time.sleep(0.5)
        assert len(made) <= 4


@pytest.mark.parametrize("workers", [0, 1])
def test_error__in_a_worker__reaches_the_consumer_and_loses_no_batch(inline, monkeypatch, workers):
    make = ChunkPlan.make

    def fail_once(plan, number, failed=[]):  # noqa: B006
        if number == 1 and not failed:
            failed.append(number)
            raise MemoryError("no room")
        return make(plan, number)

    monkeypatch.setattr(ChunkPlan, "make", fail_once)
    with TrajectoryStream(2, random_state=4, workers=workers, **SMALL) as stream:
        assert as_bytes(take(stream, BATCHES_PER_CHUNK)) == inline[:BATCHES_PER_CHUNK]
        with pytest.raises(MemoryError, match="no room"):
            next(stream)
        stream.seek(stream.position)
        assert as_bytes([next(stream)]) == inline[BATCHES_PER_CHUNK : BATCHES_PER_CHUNK + 1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n_dims": 4}, "n_dims=4"),
        ({"recipe": "andi-datasets-2"}, "unknown recipe 'andi-datasets-2'"),
        ({"length": (1, 5)}, "2 <= low"),
        ({"length": (10, 1001)}, "andi-2020-fixed"),
        ({"length": 1}, "at least 2 points"),
        ({"length": 20.0}, "length=20.0: a length is a whole number"),
        ({"task": "both"}, "unknown task"),
        ({"snr": -1}, "above 0"),
        ({"workers": -1}, "workers=-1"),
        ({"backend": "fork"}, "unknown backend"),
        ({"batch_points": 0}, "batch_points=0"),
        ({"random_state": "x"}, "random_state='x'"),
    ],
)
def test_stream__impossible_request__is_refused_at_once(arguments, message):
    with pytest.raises(RecipeError, match=message):
        TrajectoryStream(**{"n_dims": 1, **arguments})
