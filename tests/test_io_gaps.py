"""Missing frames and times: what a jump between two rows means."""

import numpy as np
import pandas as pd
import pytest

from skandi.errors import TracksFileError
from skandi.io import read_tracks, write_tracks

GAPPED = pd.DataFrame(
    {
        "track": [1, 1, 1, 1, 1, 2, 2],
        "frame": [0, 1, 4, 5, 7, 0, 1],
        "x": [0.0, 1.0, 7.0, 8.0, 10.0, 5.0, 6.0],
        "y": [0.0, 0.0, 3.0, 3.0, 5.0, 1.0, 1.0],
    }
)


def test_gaps__split__gives_pieces_with_names_frames_and_notes():
    tracks = read_tracks(GAPPED)
    assert tracks.ids == ["1#1", "1#2", "1#3", "2"]
    assert tracks.first_frames == [0, 4, 7, 0]
    assert [x[:, 0].tolist() for x in tracks.trajectories] == [[0, 1], [7, 8], [10], [5, 6]]
    assert tracks.notes[0] == "piece 1 of 3 of track 1, split at gaps"
    assert tracks.notes[3] == ""
    (step,) = tracks.report.steps
    assert (step.name, step.n_tracks) == ("gaps_split", 1)
    assert "1 track with missing frames split into 3 gap-free pieces" in str(tracks.report)


def test_gaps__split_name_taken_by_another_track__stays_unique():
    table = pd.DataFrame({"track": ["1", "1", "1#1"], "frame": [0, 2, 0], "x": [0.0, 1, 2]})
    odd = pd.concat([table, pd.DataFrame({"track": ["1"], "frame": [3], "x": [4.0]})])
    assert sorted(read_tracks(odd).ids) == ["1##1", "1##2", "1#1"]


def film(name, step, n=12):
    """Rows of two tracks of one frame rate."""
    return pd.concat(
        pd.DataFrame({"track": f"{name}{k}", "frame": step * np.arange(n), "x": np.arange(n) ** 2})
        for k in range(2)
    )


def test_gaps__tracks_of_two_frame_rates__are_refused_and_not_cut_to_points():
    table = pd.concat([film("slow", 3), film("fast", 1)])
    with pytest.raises(TracksFileError, match="2 of 4 tracks .* slow0.* a point in every 3 frames"):
        read_tracks(table)
    times = table.assign(t=0.05 * table.frame).drop(columns="frame")
    with pytest.raises(TracksFileError, match="another frame rate"):
        read_tracks(times)
    filled = read_tracks(table, gaps="interpolate")
    assert filled.n_points.tolist() == [12, 12, 34, 34]


def test_gaps__short_or_uneven_tracks__are_cut_and_not_taken_for_another_rate():
    nine = film("slow", 3, 9)
    uneven = film("uneven", 2).query("frame != 10")
    tracks = read_tracks(pd.concat([nine, uneven, film("fast", 1)]))
    assert len(tracks) == 2 * (9 + 11 + 1)


def test_gaps__no_two_neighbouring_frames__ask_whether_these_are_times():
    milliseconds = film("a", 1, 20)
    milliseconds["frame"] = np.rint(milliseconds.frame * 1000 / 120)
    table = milliseconds.rename(columns={"frame": "t"})
    with pytest.raises(TracksFileError, match="closest are 8 apart. If these are times"):
        read_tracks(table)
    tracks = read_tracks(table, frame_interval=1000 / 120)
    assert tracks.n_points.tolist() == [20, 20]
    few = pd.DataFrame({"track": "a", "frame": [0, 2, 5], "x": [0.0, 1, 2]})
    assert len(read_tracks(few)) == 3


def test_gaps__error__names_the_tracks():
    with pytest.raises(TracksFileError, match=r"1 of 2 tracks with missing frames \(1\)"):
        read_tracks(GAPPED, gaps="error")
    assert len(read_tracks(GAPPED[GAPPED.track == 2], gaps="error")) == 1


def test_gaps__interpolate__fills_straight_lines_and_says_how_many():
    tracks = read_tracks(GAPPED, gaps="interpolate")
    assert tracks.ids == ["1", "2"]
    x = tracks.trajectories[0]
    np.testing.assert_allclose(x[:, 0], [0, 1, 3, 5, 7, 8, 9, 10])
    np.testing.assert_allclose(x[:, 1], [0, 0, 1, 2, 3, 3, 4, 5])
    assert tracks.trajectories[1].tolist() == [[5, 1], [6, 1]]
    assert tracks.notes == ["3 missing frames interpolated", ""]
    assert [points.tolist() for points in tracks.filled] == [[2, 3, 6], []]
    assert read_tracks(GAPPED, gaps="split").filled is None
    assert tracks.report.steps[0].n_rows == 3


def test_gaps__interpolate__keeps_measured_positions_to_the_bit():
    table = GAPPED.assign(x=GAPPED.x * 1e307, y=np.sqrt(GAPPED.y))
    x = read_tracks(table, gaps="interpolate").trajectories[0]
    measured = table[table.track == 1]
    np.testing.assert_array_equal(x[measured.frame], measured[["x", "y"]])
    assert np.isfinite(x).all()


def test_gaps__interpolate__refuses_to_invent_most_of_the_data():
    table = pd.DataFrame({"track": [1, 1, 1], "frame": [0, 1, 10**12], "x": [0.0, 1.0, 2.0]})
    with pytest.raises(TracksFileError, match="would invent 999999999998 points"):
        read_tracks(table, gaps="interpolate")


def test_gaps__unknown_policy__is_an_error():
    with pytest.raises(TracksFileError, match="gaps='fill': one of split, error, interpolate"):
        read_tracks(GAPPED, gaps="fill")


def test_times__seconds_with_jitter_and_a_gap__become_frames():
    rng = np.random.default_rng(1)
    frames = np.array([3, 4, 5, 6, 9, 10, 11])
    times = np.round(frames / 30 + rng.uniform(-1e-3, 1e-3, size=7), 4)
    table = pd.DataFrame({"trajectory": 1, "t": times, "x": np.arange(7.0)})
    tracks = read_tracks(table)
    assert tracks.ids == ["1#1", "1#2"]
    assert tracks.first_frames == [3, 9]
    assert tracks.frame_interval == pytest.approx(1 / 30, rel=0.05)


def test_times__long_gap_and_rounded_times__still_land_on_the_grid():
    frames = np.concatenate([np.arange(100), np.arange(2000, 2100)])
    table = pd.DataFrame({"track": 1, "t": np.round(frames / 30, 3), "x": np.arange(200.0)})
    tracks = read_tracks(table)
    assert tracks.n_points.tolist() == [100, 100]
    assert tracks.frame_interval == pytest.approx(1 / 30, rel=1e-3)


def test_times__steps_of_one_and_three__are_counted_in_the_shorter():
    table = pd.DataFrame({"track": 1, "t": [0.0, 0.5, 2.0], "x": np.arange(3.0)})
    assert read_tracks(table).first_frames == [0, 4]


def test_times__off_the_grid__is_an_error_with_the_interval():
    table = pd.DataFrame({"track": 1, "t": [0.0, 0.5, 1.0, 1.7, 2.2], "x": np.arange(5.0)})
    with pytest.raises(TracksFileError, match=r"not a whole number of frame intervals of 0\.5"):
        read_tracks(table)


def test_times__interval_given__is_the_grid():
    table = pd.DataFrame({"track": 1, "t": [0.0, 1.0, 1.5, 2.5, 3.5], "x": np.arange(5.0)})
    tracks = read_tracks(table, frame_interval=0.5)
    assert tracks.n_points.tolist() == [1, 2, 1, 1]
    assert tracks.frame_interval == 0.5


def test_times__beside_frames__give_the_interval():
    table = pd.DataFrame(
        {"trajectory": [1, 1, 1, 2], "frame": [4, 5, 7, 0], "t": [0.08, 0.10, 0.14, 0.0]}
    ).assign(x=[0.0, 1.0, 2.0, 3.0])
    tracks = read_tracks(table)
    assert tracks.frame_interval == pytest.approx(0.02)
    assert tracks.ids == ["1#1", "1#2", "2"]


def test_stride__each_24th_frame_everywhere__is_one_time_step():
    table = pd.DataFrame({"track": [1, 1, 1, 2, 2], "t": [24, 48, 96, 48, 72]})
    tracks = read_tracks(table.assign(x=np.arange(5.0)))
    assert tracks.ids == ["1#1", "1#2", "2"]
    assert tracks.frame_interval == 24
    assert "one frame in 24" in str(tracks.report)


FRAMES = pd.DataFrame({"track": 1, "frame": 2 * np.arange(12), "x": np.arange(12.0)})


def test_stride__interval_of_frames__is_scaled_to_that_of_points():
    tracks = read_tracks(FRAMES, frame_interval=0.05)
    assert tracks.frame_interval == pytest.approx(0.1)
    assert "0.1 long" in str(tracks.report)


def test_stride__interval_beside_times__is_that_of_points():
    times = FRAMES.rename(columns={"frame": "t"})
    assert read_tracks(times, frame_interval=0.05).frame_interval == 0.05
    assert read_tracks(times, frame_interval=2.0).frame_interval == 2.0


def milliseconds(rate, n=60):
    """Times of a camera, rounded to whole milliseconds, one track with a gap."""
    t = np.rint(np.delete(np.arange(n), 30) * 1000 / rate)
    return pd.DataFrame({"track": 1, "t": t.astype(int), "x": np.arange(n - 1.0)})


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_times__whole_numbers_of_a_finer_clock__are_put_on_their_grid(rate):
    for given in (None, 1000 / rate):
        tracks = read_tracks(milliseconds(rate), frame_interval=given)
        assert tracks.n_points.tolist() == [30, 29]
        assert tracks.first_frames == [0, 31]
        assert tracks.frame_interval == pytest.approx(1000 / rate, rel=0.01)


@pytest.mark.parametrize("as_fraction", [0.0, 0.25])
def test_times__interval_in_another_unit__is_an_error(as_fraction):
    table = milliseconds(30)
    table["t"] = table["t"] + as_fraction
    with pytest.raises(TracksFileError, match="Give it in the unit of the times"):
        read_tracks(table, frame_interval=0.0333)


def test_times__too_many_intervals__are_refused():
    table = pd.DataFrame({"track": 1, "t": [0.0, 20.0, 41.0, 1e21], "x": np.arange(4.0)})
    with pytest.raises(TracksFileError, match="too many frame intervals"):
        read_tracks(table)


def test_times__far_from_zero__are_read():
    table = milliseconds(30)
    table["t"] = table["t"] * 1_000_000 + 1_700_000_000_000_000_000
    assert read_tracks(table).n_points.tolist() == [30, 29]


@pytest.mark.parametrize(
    "t, interval, n", [([0, 10, 20, 35, 45], None, 10), ([0, 2, 4, 7], 2.0, 8)]
)
def test_times__that_are_sparse_frames__stay_frames(t, interval, n):
    table = pd.DataFrame({"track": 1, "t": t, "x": np.arange(len(t)) * 1.0})
    tracks = read_tracks(table, frame_interval=interval, gaps="interpolate")
    assert tracks.n_points.tolist() == [n]


def test_units__interval_of_numpy__is_a_number_that_can_be_written(tmp_path):
    tracks = read_tracks(FRAMES, frame_interval=np.float32(0.5))
    write_tracks(tracks, tmp_path / "a.parquet")
    assert read_tracks(tmp_path / "a.parquet").frame_interval == 1.0


def test_times__that_count_frames__stay_frames():
    table = GAPPED.rename(columns={"frame": "t"})
    for interval in (0.02, 0.8, 1.0, 1.2, 60.0):
        tracks = read_tracks(table, frame_interval=interval)
        assert tracks.ids == ["1#1", "1#2", "1#3", "2"]
        assert tracks.frame_interval == interval


def test_units__given_by_the_caller__are_in_the_result():
    tracks = read_tracks(GAPPED, frame_interval=0.05, time_unit="s", space_unit="µm")
    assert (tracks.frame_interval, tracks.time_unit, tracks.space_unit) == (0.05, "s", "µm")
    assert read_tracks(GAPPED).frame_interval is None


def test_units__impossible_interval__is_an_error():
    with pytest.raises(TracksFileError, match="a positive number is needed"):
        read_tracks(GAPPED, frame_interval=-1.0)
