"""The paper's grid of lengths, the two crops, the grouping."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skandi.lengths import WADNET_LENGTHS, crops, group_by_length, similar_lengths


def test_wadnet_lengths__the_grid__has_43_sorted_lengths():
    assert len(WADNET_LENGTHS) == len(set(WADNET_LENGTHS)) == 43
    assert list(WADNET_LENGTHS) == sorted(WADNET_LENGTHS)
    assert (WADNET_LENGTHS[0], WADNET_LENGTHS[-1]) == (10, 950)
    # The paper's table prints 105 and 250 twice; the scripts have 110 between 105 and 115.
    assert {105, 110, 115, 225, 250, 275} <= set(WADNET_LENGTHS)


@pytest.mark.parametrize("length", [None, 7])
def test_crops__nothing_to_cut__is_the_whole_once(length):
    z = np.arange(14.0).reshape(7, 2)
    (part,) = crops(z, length)
    assert_array_equal(part, z)


@pytest.mark.parametrize("length", [4, 6])
def test_crops__longer_track__is_its_first_and_last_points(length):
    z = np.arange(14.0).reshape(7, 2)
    first, last = crops(z, length)
    assert_array_equal(first, z[:length])
    assert_array_equal(last, z[-length:])


def test_crops__batch__cuts_time_and_nothing_else():
    z = np.arange(60.0).reshape(3, 10, 2)
    first, last = crops(z, 6)
    assert_array_equal(first, z[:, :6])
    assert_array_equal(last, z[:, 4:])


@pytest.mark.parametrize("T", [11, 19, 20, 21, 49, 50, 51, 999])
def test_crops__any_length__cover_every_point_with_as_few_parts_as_possible(T):
    parts = crops(np.arange(T)[:, None], 10)
    assert {len(part) for part in parts} == {10}
    assert set(np.concatenate(parts).ravel()) == set(range(T))
    assert len(parts) == max(2, -(-T // 10))


def test_crops__shorter_track__is_an_error():
    with pytest.raises(ValueError, match="cannot crop 7 points to 8"):
        crops(np.zeros((7, 1)), 8)


def test_group_by_length__mixed__keeps_order_and_loses_nothing():
    lengths = np.random.default_rng(0).integers(2, 9, size=200)
    groups = group_by_length([np.zeros((T, 1)) for T in lengths])
    assert list(groups) == sorted(set(lengths))
    for T, members in groups.items():
        assert_array_equal(members, np.flatnonzero(lengths == T))


@pytest.mark.parametrize("lengths, expected", [([], {}), ([4], {4: [0]}), ([4, 4], {4: [0, 1]})])
def test_group_by_length__few__is_right(lengths, expected):
    groups = group_by_length([np.zeros((T, 2)) for T in lengths])
    assert {T: list(members) for T, members in groups.items()} == expected


@pytest.mark.parametrize("most_padding", [None, lambda T: 30, lambda T: 10 * T])
@pytest.mark.parametrize("batch_points", [1, 200, 100_000])
def test_similar_lengths__batches__keep_to_both_limits_and_lose_nothing(most_padding, batch_points):
    n_points = np.random.default_rng(0).integers(2, 40, size=150)
    batches = list(similar_lengths(n_points, batch_points, most_padding))
    assert sorted(np.concatenate(batches)) == list(range(150))
    allowed = (lambda T: 0) if most_padding is None else most_padding
    for k, batch in enumerate(batches):
        T = n_points[batch].max()
        assert len(batch) == 1 or len(batch) * T <= batch_points
        assert (T - n_points[batch]).sum() <= allowed(T)
        # and one more trajectory would break one of them
        if k + 1 < len(batches):
            following = n_points[batches[k + 1]].max()
            more = (T - n_points[batch]).sum() + T - following > allowed(T)
            assert more or (len(batch) + 1) * T > batch_points
