"""Every input a user may hold becomes a list of (T, d) arrays, or one error that says it all."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from small_estimators import TINY_WADNET

from skandi import AlphaRegressor, TrajectoryNormalizer
from skandi.errors import SkandiError, TrajectoryError
from skandi.io import Tracks
from skandi.trajectories import (
    as_trajectories,
    learn_input,
    like_input,
    match_input,
    require_points,
)

RNG = np.random.default_rng(5)
TABLE = RNG.normal(size=(4, 6))
RAGGED = [RNG.normal(size=(T, 2)) for T in (3, 7, 5)]


class Fitted(BaseEstimator):
    """The least that `learn_input` and `match_input` need."""

    def __init__(self, X=None):
        if X is not None:
            learn_input(self, X)


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def message_of(X, **kwargs):
    with pytest.raises(TrajectoryError) as caught:
        as_trajectories(X, **kwargs)
    return str(caught.value)


# --- what is accepted ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        TABLE,
        TABLE.tolist(),
        pd.DataFrame(TABLE),
        TABLE.astype(object),
        list(TABLE),
        [row.tolist() for row in TABLE],
        tuple(TABLE),
        [tuple(row) for row in TABLE],
        objects(list(TABLE)),
        TABLE[:, :, None],
        list(TABLE[:, :, None]),
        objects(list(TABLE[:, :, None])),
    ],
    ids=lambda X: type(X).__name__,
)
def test_as_trajectories__one_dimensional__every_representation_reads_the_same(X):
    read = as_trajectories(X)
    assert [t.shape for t in read] == [(6, 1)] * 4
    assert all(t.dtype == np.float64 for t in read)
    assert_array_equal(np.stack(read)[:, :, 0], TABLE)


@pytest.mark.parametrize(
    "X",
    [
        RAGGED,
        tuple(RAGGED),
        objects(RAGGED),
        [t.tolist() for t in RAGGED],
        [pd.DataFrame(t, columns=["x", "y"]) for t in RAGGED],
        [np.asfortranarray(t) for t in RAGGED],
    ],
    ids=["list", "tuple", "object array", "nested lists", "frames", "Fortran order"],
)
def test_as_trajectories__ragged__every_representation_reads_the_same(X):
    for read, truth in zip(as_trajectories(X), RAGGED, strict=True):
        assert read.dtype == np.float64
        assert_array_equal(read, truth)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_as_trajectories__three_d_array__is_n_trajectories(d):
    X = RNG.normal(size=(5, 8, d))
    read = as_trajectories(X)
    assert [t.shape for t in read] == [(8, d)] * 5
    assert_array_equal(np.stack(read), X)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.float32, bool])
def test_as_trajectories__other_numbers__become_float64(dtype):
    X = [np.array([[1], [0], [1]], dtype=dtype)]
    assert as_trajectories(X)[0].dtype == np.float64
    assert_array_equal(as_trajectories(X)[0], [[1.0], [0.0], [1.0]])


def test_as_trajectories__float64__is_not_copied():
    assert all(np.shares_memory(a, b) for a, b in zip(as_trajectories(RAGGED), RAGGED, strict=True))


def test_as_trajectories__one_point__is_a_trajectory():
    assert as_trajectories([np.zeros((1, 3))])[0].shape == (1, 3)


# --- what is refused ----------------------------------------------------------------------------


def test_errors__every_kind_of_problem__is_in_one_message_with_all_indices():
    good = np.zeros((4, 2))
    bad = good.copy()
    bad[2, 1] = np.nan
    worse = good.copy()
    worse[0, 0] = -np.inf
    X = [good, bad, "track", worse, np.zeros((5, 3)), good + 1j, good, np.zeros((2, 9)), good[:0]]
    X += [np.zeros((2, 2, 2)), None, np.zeros((40, 7))]
    message = message_of(X)
    assert message.startswith("10 of 12 trajectories cannot be used")
    expected = {
        "not finite": [1, 3],
        "not numbers (str)": [2],
        "3 dimension(s)": [4],
        "complex": [5],
        "is it transposed": [7],
        "fewer than 1 point": [8],
        "3-D": [9],
        "shape (T, 7)": [11],
    }
    lines = message.splitlines()[1:]
    for start, indices in expected.items():
        (line,) = [line for line in lines if start in line]
        assert f"index {', '.join(map(str, indices))}" in line, line
    assert any(re.search(r"index 10\b", line) for line in lines)
    assert "transposed" not in next(line for line in lines if "(T, 7)" in line)


def test_errors__message__belongs_to_value_error_and_to_our_tree():
    assert issubclass(TrajectoryError, SkandiError)
    assert issubclass(TrajectoryError, ValueError)


def test_errors__many_indices__are_counted_instead_of_listed():
    message = message_of([np.full((3, 1), np.nan)] * 50)
    assert "50 of 50" in message
    assert "18, 19 and 30 more" in message
    assert len(message) < 250


@pytest.mark.parametrize("X", [[], (), np.empty((0, 5, 2)), [[]], [np.empty((0, 2))]])
def test_errors__empty__says_so(X):
    message = message_of(X)
    assert "empty" in message or "fewer than 1 point" in message


@pytest.mark.parametrize(
    "X",
    [
        np.zeros(5),
        [1.0, 2.0, 3.0],
        np.zeros((2, 3, 4, 1)),
        None,
        3.0,
        "tracks.csv",
        {"x": [1, 2]},
        pd.Series([1.0, 2.0]),
        np.empty(0, dtype=object),
    ],
    ids=lambda X: type(X).__name__,
)
def test_errors__not_a_container_of_trajectories__says_what_to_pass(X):
    message = message_of(X)
    assert type(X).__name__ in message
    assert "list of (T, d) arrays" in message


def test_errors__scalars_among_trajectories__are_named():
    assert "0-D at index 1" in message_of([np.zeros((3, 1)), 4.0])


DATES = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="M8[D]")


@pytest.mark.parametrize(
    "item",
    ["abc", {"x": 1}, object(), [1.0, "b"], [[1, 2], [3]], 10**400, DATES, DATES - DATES[0]],
)
def test_errors__items_of_wrong_types__are_named(item):
    message = message_of([np.zeros((3, 1)), item])
    assert "at index 1" in message


def test_errors__masked_points__are_not_taken_for_positions():
    masked = np.ma.masked_array(np.zeros((3, 1)), mask=[[0], [1], [0]])
    assert "masked points at index 0" in message_of([masked, np.zeros((3, 1))])
    assert_array_equal(as_trajectories([np.ma.masked_array(np.ones((3, 1)))])[0], np.ones((3, 1)))


def test_errors__masked_points_of_a_table__are_not_taken_for_positions():
    table = np.ma.masked_invalid(np.cumsum(np.ones((4, 5)), axis=1))
    table[1, 3:] = np.ma.masked
    sound = AlphaRegressor(network_params=TINY_WADNET, max_epochs=1).fit(np.eye(4, 5), np.ones(4))
    for read in (as_trajectories, partial(learn_input, TrajectoryNormalizer()), sound.predict):
        with pytest.raises(TrajectoryError, match="masked points.*row.compressed"):
            read(table)
    assert_array_equal(as_trajectories(table[:1])[0][:, 0], np.arange(1.0, 6.0))


def test_errors__list_of_tables__frames_are_no_coordinate():
    table = pd.DataFrame({"Frame": range(5), "x": np.arange(5.0), "y": np.arange(5.0)})
    message = message_of([table, np.zeros((3, 2))])
    assert "column of frames, times or tracks at index 0" in message
    assert as_trajectories([table[["x", "y"]]])[0].shape == (5, 2)


def test_errors__list_of_tables__times_of_trackmate_are_no_coordinate():
    table = pd.DataFrame({"POSITION_T": np.arange(5.0), "x": np.arange(5.0)})
    assert "column of frames, times or tracks at index 0" in message_of([table])


def test_errors__what_read_tracks_gives__names_its_arrays():
    tracks = Tracks.from_trajectories([np.zeros((3, 1))])
    for read in (as_trajectories, partial(learn_input, TrajectoryNormalizer())):
        with pytest.raises(TrajectoryError, match=r"X is a Tracks. Pass .* X.trajectories"):
            read(tracks)


def test_errors__generator__is_named():
    fitted_on_table = TrajectoryNormalizer().fit(np.eye(3, 7))
    for read in (partial(learn_input, TrajectoryNormalizer()), fitted_on_table.transform):
        with pytest.raises(TrajectoryError, match=r"X is a generator.*list of \(T, d\) arrays"):
            read(np.zeros((3, 1)) for _ in range(2))
    with pytest.raises(TrajectoryError, match="memoryview"):
        as_trajectories(memoryview(np.zeros(5)))


def test_as_trajectories__series_of_arrays_and_tensor__are_read():
    tracks = [np.arange(6.0).reshape(3, 2), np.ones((4, 2))]
    for read in (as_trajectories, partial(learn_input, TrajectoryNormalizer())):
        series = pd.Series(tracks, index=[7, 9])
        for found, expected in zip(read(series), tracks, strict=True):
            assert_array_equal(found, expected)
        tensor = torch.arange(12.0).reshape(2, 3, 2)
        assert TrajectoryNormalizer().fit_transform(tensor).shape == (2, 3, 2)
        assert_array_equal(np.stack(read(tensor)), tensor.numpy())


def test_errors__transposed__is_guessed():
    message = message_of([np.zeros((2, 50)), np.zeros((2, 50))])
    assert "transposed" in message
    assert "index 0, 1" in message


def test_errors__dimensions_differ__points_at_the_odd_ones():
    message = message_of([np.zeros((4, 2)), np.zeros((4, 3)), np.zeros((4, 2)), np.zeros(4)])
    assert "3 dimension(s) at index 1, but the first readable one has 2" in message
    assert "1 dimension(s) at index 3" in message


def test_errors__too_short__uses_the_minimum_asked_for():
    message = message_of([np.zeros((9, 1)), np.zeros((10, 1)), np.zeros((2, 1))], min_points=10)
    assert "fewer than 10" in message
    assert "index 0, 2" in message


def test_errors__table_with_nan__names_the_row():
    table = TABLE.copy()
    table[2, 3] = np.inf
    assert "index 2" in message_of(table)


@pytest.mark.parametrize("track", ["particle", "track", "trajectory", "traj_idx", "TRACK_ID"])
def test_errors__frame_of_points__names_the_reader(track):
    points = pd.DataFrame({track: [0, 0], "Frame": [0, 1], "x": [0.0, 1.0], "y": [0.0, 2.0]})
    for read in (as_trajectories, Fitted, lambda X: match_input(Fitted(RAGGED), X)):
        with pytest.raises(TrajectoryError, match="skandi.read_tracks"):
            read(points)


def test_require_points__short_ones__are_named_with_the_reason():
    with pytest.raises(TrajectoryError, match="fewer than 5 points.*because.*index 0"):
        require_points(RAGGED, 5, why="because")
    require_points(RAGGED, 3, why="because")


# --- ragged input or table: what fit saw holds afterwards ---------------------------------------


def test_learn_input__ragged__sets_dimensions_and_no_columns():
    estimator = Fitted(RAGGED)
    assert estimator.n_dims_ == 2
    assert not hasattr(estimator, "n_features_in_")
    assert not hasattr(estimator, "feature_names_in_")


def test_learn_input__table__sets_columns():
    estimator = Fitted(TABLE)
    assert (estimator.n_dims_, estimator.n_features_in_) == (1, 6)
    assert not hasattr(estimator, "feature_names_in_")
    named = Fitted(pd.DataFrame(TABLE, columns=list("abcdef")))
    assert_array_equal(named.feature_names_in_, list("abcdef"))


def test_learn_input__ragged_after_table__forgets_the_columns():
    estimator = Fitted(pd.DataFrame(TABLE, columns=list("abcdef")))
    learn_input(estimator, RAGGED)
    assert estimator.n_dims_ == 2
    assert not hasattr(estimator, "n_features_in_")
    assert not hasattr(estimator, "feature_names_in_")


def test_learn_input__ragged__needs_two_points_and_table_one_column():
    with pytest.raises(TrajectoryError, match="fewer than 2 point.*index 1"):
        Fitted([np.zeros((4, 1)), np.zeros((1, 1))])
    assert Fitted(np.zeros((3, 1))).n_features_in_ == 1


def test_learn_input__table_with_nan__has_scikit_learns_message():
    with pytest.raises(ValueError, match="contains NaN"):
        Fitted(np.array([[0.0, np.nan], [1.0, 2.0]]))


def test_match_input__table_of_another_width__has_scikit_learns_message():
    with pytest.raises(ValueError, match="X has 5 features, but Fitted is expecting 6 features"):
        match_input(Fitted(TABLE), TABLE[:, :5])


def test_match_input__names_in_another_order__has_scikit_learns_message():
    frame = pd.DataFrame(TABLE, columns=list("abcdef"))
    with pytest.raises(ValueError, match="feature names"):
        match_input(Fitted(frame), frame[list("bacdef")])


def test_match_input__table_given_to_a_ragged_model__names_both_remedies():
    track = np.zeros((30, 2))
    for X in (track, pd.DataFrame(track), np.zeros((30, 2), dtype=object)):
        with pytest.raises(TrajectoryError) as caught:
            match_input(Fitted(RAGGED), X)
        message = str(caught.value)
        assert "fitted on trajectories of 2 dimension(s)" in message
        assert "(30, 2)" in message
        assert "[X]" in message
        assert "list(X)" in message
    assert match_input(Fitted(RAGGED), [track])[0].shape == (30, 2)


def test_match_input__ragged_list_given_to_a_table_model__is_read_by_dimension_alone():
    estimator = Fitted(TABLE)
    read = match_input(estimator, [np.zeros(9), np.zeros((3, 1))])
    assert [t.shape for t in read] == [(9, 1), (3, 1)]
    with pytest.raises(TrajectoryError, match="fitted on 1"):
        match_input(estimator, RAGGED)


def test_match_input__other_dimensions_than_fit__are_named():
    X = [np.zeros((4, 3)), np.zeros((4, 2)), np.zeros((4, 1))]
    with pytest.raises(TrajectoryError) as caught:
        match_input(Fitted(RAGGED), X)
    message = str(caught.value)
    assert "3 dimension(s) at index 0, but the model was fitted on 2" in message
    assert "1 dimension(s) at index 2" in message


def test_match_input__nested_lists__are_read_as_fit_read_them():
    ragged = Fitted([[1.0, 2.0, 3.0], [1.0, 2.0]])
    equal = [[1.0, 2.0], [3.0, 5.0]]
    assert [t.shape for t in match_input(ragged, equal)] == [(2, 1), (2, 1)]
    assert isinstance(like_input(ragged, equal, match_input(ragged, equal)), list)
    table = Fitted(equal)
    assert table.n_features_in_ == 2
    assert_array_equal(like_input(table, equal, match_input(table, equal)), equal)


@pytest.mark.parametrize(
    "X", [None, 3.0, np.zeros(4), [0.0, 1.0], np.zeros((1, 2, 3, 4)), "file", []]
)
def test_match_input__not_trajectories__is_our_error_for_a_ragged_model(X):
    with pytest.raises(TrajectoryError):
        match_input(Fitted(RAGGED), X)


@pytest.mark.parametrize("X", [TABLE, TABLE[:, :, None], RAGGED], ids=["table", "3-D", "ragged"])
def test_like_input__any_representation__comes_back(X):
    estimator = Fitted(X)
    back = like_input(estimator, X, match_input(estimator, X))
    assert type(back) is type(X)
    for a, b in zip(back, X, strict=True):
        assert_array_equal(a, b)
