"""Some of the tracks, and all positions as a table."""

import numpy as np
import pandas as pd
import pytest
from fake_estimators import LengthAsAlpha, LengthAsModel

from skandi import analyse, analyse_windows, read_tracks
from skandi.errors import TrajectoryError
from skandi.io import Tracks

UNITS = {"frame_interval": 0.05, "time_unit": "s", "space_unit": "px"}
FAKES = {"alpha_model": LengthAsAlpha(), "model_classifier": LengthAsModel()}


@pytest.fixture
def tracks():
    """Three tracks, the second in two pieces and the third with a frame filled in."""
    rng = np.random.default_rng(0)
    frames = {"a": [*range(12)], "b": [*range(10), *range(20, 35)], "c": [*range(3, 40)]}
    table = pd.concat(
        pd.DataFrame({"particle": name, "frame": f, "x": rng.normal(size=len(f)), "y": 1.0 * k})
        for k, (name, f) in enumerate(frames.items())
    )
    return read_tracks(table, **UNITS)


@pytest.mark.parametrize(
    "which, expected",
    [
        ([True, False, False, True], ["a", "c"]),
        (pd.array([False, True, True, False], dtype="boolean"), ["b#1", "b#2"]),
        ([-1, 0], ["c", "a"]),
        (pd.Series(["c", "b#2"], dtype="string"), ["c", "b#2"]),
        ("b#1", ["b#1"]),
        (2, ["b#2"]),
        ([], []),
        ([False] * 4, []),
    ],
)
def test_select__tracks__come_with_all_that_is_known_of_them(tracks, which, expected):
    some = tracks.select(which)
    assert some.ids == expected
    places = [tracks.ids.index(name) for name in expected]
    assert some.notes == [tracks.notes[k] for k in places]
    assert some.first_frames == [tracks.first_frames[k] for k in places]
    assert all(x is tracks.trajectories[k] for x, k in zip(some.trajectories, places, strict=True))
    assert (some.frame_interval, some.time_unit, some.space_unit) == tuple(UNITS.values())
    assert some.report is tracks.report


def test_select__of_filled_tracks__keeps_which_points_were_filled():
    table = pd.DataFrame({"particle": 1, "frame": [0, 1, 3], "x": [0.0, 1.0, 2.0]})
    both = pd.concat([table, table.assign(particle=2, frame=[0, 1, 2])])
    tracks = read_tracks(both, gaps="interpolate")
    assert [each.tolist() for each in tracks.select(["2", "1"]).filled] == [[], [2]]


@pytest.mark.parametrize(
    "which, message",
    [
        ([True, False], "a bool for each of the 4 tracks"),
        ([0.5], "holds floating values"),
        ([[0, 1]], r"shape \(1, 2\)"),
        (["z", "a"], r"no track named \['z'\]"),
        ([4], r"no track \[4\] among 4"),
        ([0, 0], "used twice"),
        (pd.array([True, None, True, True], dtype="boolean"), "a bool for each"),
    ],
)
def test_select__no_such_tracks__says_what_is_needed(tracks, which, message):
    with pytest.raises(TrajectoryError, match=message):
        tracks.select(which)


def test_select__one_track__is_analysed_along_itself_with_its_units(tracks):
    along = analyse_windows(tracks.select(["c"]), window=20, step=10, **FAKES)
    assert along.time.tolist() == pytest.approx([0.05 * t for t in (9.5, 19.5)])
    with pytest.raises(TrajectoryError, match="select"):
        analyse_windows(tracks, window=20)


def test_to_frame__answers__are_merged_beside_each_position(tracks):
    frame = tracks.to_frame()
    assert list(frame) == ["track_id", "frame", "x", "y"]
    beside = frame.merge(analyse(tracks, **FAKES), on="track_id")
    assert len(beside) == tracks.n_points.sum()
    assert beside[beside.track_id == "b#2"].frame.tolist() == list(range(20, 35))
    piece = tracks.trajectories[tracks.ids.index("b#2")][:, 0]
    assert beside[beside.track_id == "b#2"].x.tolist() == piece.tolist()


def test_to_frame__no_tracks__has_the_columns():
    assert list(Tracks([], [], [], []).to_frame()) == ["track_id", "frame", "x"]
