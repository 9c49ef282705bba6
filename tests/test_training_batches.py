"""Batches of one length: nothing padded, nothing lost, no lone last example."""

from collections import Counter

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skandi.normalize import standardize
from skandi.training.batches import LengthBatches, TrajectoryExamples


def tracks(lengths, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(T, d)).cumsum(axis=0) * 10.0**T for T in lengths]


def numbered(lengths, length=None, d=2):
    """Examples whose target is the number of the trajectory."""
    return TrajectoryExamples(tracks(lengths, d), np.arange(len(lengths)), length)


def everything(batches):
    return [(x, y) for x, y in batches]


LENGTHS = [5, 9, 5, 7, 9, 5, 9, 9, 5]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 512, -1])
def test_batches__any_size__have_one_length_each_and_lose_nothing(batch_size, shuffle):
    X = tracks(LENGTHS)
    found = []
    for x, y in LengthBatches(numbered(LENGTHS), batch_size, shuffle=shuffle):
        assert x.dtype == torch.float32
        assert x.shape == (len(y), 2, LENGTHS[int(y[0])])
        for z, i in zip(x, y.tolist(), strict=True):
            found.append(i)
            assert_allclose(z.numpy(), standardize(X[i]).T, atol=1e-6)
    assert sorted(found) == list(range(len(LENGTHS)))


def test_batches__lone_last_example__joins_the_batch_before_it():
    assert [len(y) for _, y in LengthBatches(numbered([8] * 9), 4)] == [4, 5]
    assert [len(y) for _, y in LengthBatches(numbered([8] * 10), 4)] == [4, 4, 2]
    assert [len(y) for _, y in LengthBatches(numbered([8] * 8), 4)] == [4, 4]
    # Two lengths with one left over each: they cannot join one another.
    sizes = Counter(len(y) for _, y in LengthBatches(numbered([8] * 5 + [6] * 5), 4))
    assert sizes == {5: 2}


def test_batches__only_example_of_its_length__stays_alone():
    assert sorted(len(y) for _, y in LengthBatches(numbered([8, 6, 6, 6]), 2)) == [1, 3]


def test_batches__shuffle__follows_torchs_generator_and_mixes_lengths():
    def order(seed):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return [y.tolist() for _, y in LengthBatches(numbered(LENGTHS * 4), 2, shuffle=True)]

    assert order(0) == order(0) != order(1)
    lengths = [LENGTHS[y[0] % len(LENGTHS)] for y in order(0)]
    assert lengths != sorted(lengths)


def test_batches__second_pass__is_drawn_anew():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        batches = LengthBatches(numbered([8] * 50), 10, shuffle=True)
        first, second = ([y.tolist() for _, y in batches] for _ in range(2))
    assert first != second


def test_examples__length__gives_both_crops_of_the_whole_normalised_track():
    lengths = [12, 6, 9]
    X = tracks(lengths)
    examples = numbered(lengths, length=6)
    assert len(examples) == 5
    ((x, y),) = everything(LengthBatches(examples, -1))
    assert Counter(y.tolist()) == {0: 2, 1: 1, 2: 2}
    for i, T in enumerate(lengths):
        z = standardize(X[i]).T
        wanted = [z] if T == 6 else [z[:, :6], z[:, -6:]]
        got = [x[k].numpy() for k in torch.where(y == i)[0]]
        assert len(got) == len(wanted)
        for part in wanted:
            assert min(np.abs(part - g).max() for g in got) < 1e-6


def test_examples__huge_tracks__are_normalised_before_they_become_float32():
    (x,) = TrajectoryExamples([tracks([20])[0] * 1e280], np.zeros(1)).inputs
    assert torch.isfinite(x).all()
    assert_allclose(x.std(dim=2, unbiased=False), 1, atol=1e-5)


def test_examples__three_of_length_five__are_three():
    # skorch's own data set reads three equal-length arrays of length five as five samples.
    assert len(numbered([5, 5, 5], d=1)) == 3


def test_examples__targets__keep_type_and_shape():
    targets = np.arange(6, dtype=np.int64).reshape(3, 2)
    examples = TrajectoryExamples(tracks([4, 6, 4]), targets)
    got = {tuple(row) for _, y in LengthBatches(examples, -1) for row in y.tolist()}
    assert got == {(0, 1), (2, 3), (4, 5)}
    assert all(y.dtype == torch.int64 for y in examples.targets)
