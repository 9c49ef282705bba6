"""analyse_windows: what each window holds, and a track that switches."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_estimators import LengthAsAlpha, LengthAsModel
from pandas.testing import assert_frame_equal

from skandi import analyse_windows
from skandi.errors import TracksFileError, TrajectoryError
from skandi.io import Tracks, read_tracks, write_tracks
from skandi.simulate import simulate


class EndAsAlpha:
    """Predicts the last x of a window."""

    def predict(self, X):
        return np.array([x[-1, 0] for x in X])


def windows(track, window, step):
    return analyse_windows(
        track, window, step, alpha_model=EndAsAlpha(), model_classifier=LengthAsModel()
    )


def line(T):
    return np.arange(T, dtype=float)[:, None] * [1.0, -0.5]


def test_windows__path__is_read(tmp_path):
    write_tracks([line(27)], tmp_path / "track.csv")
    assert_frame_equal(windows(tmp_path / "track.csv", 10, 5), windows(line(27), 10, 5))


@pytest.mark.parametrize(("window", "step"), [(10.0, 5), (10, 2.5)])
def test_windows__points_in_parts__are_an_error(window, step):
    with pytest.raises(TrajectoryError, match="a whole number of points is needed"):
        windows(line(27), window, step)


def test_windows__rows__are_the_windows_in_order():
    table = windows(line(27), 10, 5)
    assert table.start.tolist() == [0, 5, 10, 15]
    assert table.stop.tolist() == [10, 15, 20, 25]
    assert table.time.tolist() == [4.5, 9.5, 14.5, 19.5]
    assert table.alpha.tolist() == [9, 14, 19, 24]
    assert table.attrs["time_unit"] == "frames"
    assert "track_id" not in table


def test_windows__units_of_the_track__are_those_of_the_table():
    track = Tracks.from_trajectories([line(40)], frame_interval=0.5, time_unit="s", space_unit="µm")
    table = windows(track, 20, 20)
    assert table.time.tolist() == [4.75, 14.75]
    assert table.attrs["time_unit"] == "s"
    assert table.attrs["D_alpha"].startswith("in µm²/s^α")
    assert table.D_alpha.notna().all()


@pytest.mark.parametrize("window, step", [(41, 1), (1, 1), (10, 0)])
def test_windows__that_do_not_suit_the_track__are_refused(window, step):
    with pytest.raises(TrajectoryError, match="must be"):
        windows(line(40), window, step)


def test_windows__several_tracks__are_refused():
    with pytest.raises(TrajectoryError, match="one track, and 2 came"):
        windows(Tracks.from_trajectories([line(40), line(40)]), 10, 1)


def test_windows__note_of_the_track__is_told_as_of_the_whole():
    track = Tracks.from_trajectories([line(40)])
    track.notes[0] = "16 missing frames interpolated"
    told = "of the whole track: 16 missing frames interpolated"
    assert windows(track, 20, 20).note.tolist() == [told] * 2


def test_windows__interpolated_frames__are_counted_in_each_window():
    X = line(300)
    table = pd.DataFrame({"track": 0, "frame": np.arange(300), "x": X[:, 0], "y": X[:, 1]})
    track = read_tracks(table.drop(index=[100, 101, 250]), gaps="interpolate")
    both, none, one = "2 missing frames interpolated", "", "1 missing frame interpolated"
    assert windows(track, 60, 60).note.tolist() == [none, both, none, none, one]
    assert windows(track, 101, 99).note.tolist() == [one, both, one]
    noted = replace(track, notes=[f"cut by hand; {track.notes[0]}"])
    told = "of the whole track: cut by hand"
    assert windows(noted, 60, 60).note.tolist()[3:] == [told, f"{one}; {told}"]


def test_windows__table_of_a_track__is_read_as_a_table():
    X = line(40)
    table = pd.DataFrame({"frame": np.arange(40), "x": X[:, 0], "y": X[:, 1]})
    with pytest.raises(TracksFileError, match="no column for the track"):
        windows(table, 20, 20)
    assert_frame_equal(windows(table.assign(track=0), 20, 20), windows(X, 20, 20))


def test_windows__short_for_the_estimators__say_so():
    table = analyse_windows(
        line(40), 8, 8, alpha_model=LengthAsAlpha(), model_classifier=LengthAsModel()
    )
    assert table.alpha.isna().all()
    assert (table.note == "too short: 8 points, at least 10 needed").all()


@pytest.mark.parametrize("seed", [3, 5])
def test_windows__track_that_switches_from_subdiffusion_to_superdiffusion__shows_it(seed):
    slow, fast = (simulate("fbm", a, 1, 501, 2, random_state=seed)[0] for a in (0.5, 1.5))
    noise = np.random.default_rng(seed).normal(size=(1001, 2)) * 0.3 * np.diff(slow, axis=0).std()
    track = np.concatenate([slow, slow[-1] + fast[1:]]) + noise
    table = analyse_windows(track, window=120, step=40)
    before, after = table[table.stop <= 501], table[table.start >= 501]
    assert len(before) >= 9
    # a single track of this length is read to about 0.13, and its windows share its luck
    assert before.alpha.median() == pytest.approx(0.5, abs=0.15)
    assert after.alpha.median() == pytest.approx(1.5, abs=0.15)
    assert (before.model == "fbm").mean() > 0.5
    assert (after.model == "fbm").mean() > 0.5
    for windows_, alpha in ((before, 0.5), (after, 1.5)):
        held = (windows_.alpha_lower <= alpha) & (alpha <= windows_.alpha_upper)
        assert held.mean() >= 0.7  # of 90 % intervals, ten windows that are not independent
    # the change is where it is, to within one window
    first = table.time[table.alpha > 1].min()
    assert abs(first - 500) <= 120
