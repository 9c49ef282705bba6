"""Tidy tables: which columns count, which rows count, and what is told about the rest."""

import re
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skandi.errors import TracksFileError, TrajectoryError
from skandi.io import Tracks, read_tracks, write_tracks
from skandi.io.tidy import find_columns

ORDINARY = """track,frame,x,y
7,0,0.5,1.5
7,1,0.25,1.75
7,2,0.125,2.0
12,5,3.0,4.0
12,6,3.5,4.5
"""


def written(folder: Path, text: str, name: str = "tracks.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def step(tracks: Tracks, name: str):
    (found,) = (s for s in tracks.report.steps if s.name == name)
    return found


def assert_ordinary(tracks: Tracks) -> None:
    assert tracks.ids == ["7", "12"]
    assert tracks.first_frames == [0, 5]
    np.testing.assert_array_equal(tracks.trajectories[0], [[0.5, 1.5], [0.25, 1.75], [0.125, 2.0]])
    np.testing.assert_array_equal(tracks.trajectories[1], [[3.0, 4.0], [3.5, 4.5]])


def test_tidy__ordinary_table__is_taken_as_it_is(tmp_path):
    tracks = read_tracks(written(tmp_path, ORDINARY))
    assert_ordinary(tracks)
    assert tracks.report.steps == ()
    assert tracks.notes == ["", ""]
    assert (tracks.report.n_rows, tracks.report.n_tracks, len(tracks)) == (5, 2, 2)
    assert all(x.dtype == np.float64 for x in tracks.trajectories)


def each_row(text: str, ending: str) -> str:
    """The same table with something at the end of every row but the first."""
    first, *rows = text.strip().split("\n")
    return "\n".join([first, *(row + ending for row in rows)])


VARIANTS = {
    "semicolons": ORDINARY.replace(",", ";"),
    "tabs": ORDINARY.replace(",", "\t"),
    "columns of text": each_row(ORDINARY, "").replace(",", "   ").replace("\n", "\n  "),
    "white space": ORDINARY.replace(",", "   "),
    "decimal commas": ORDINARY.replace(",", ";").replace(".", ","),
    "decimal commas after whole numbers": "track;frame;x;y;file\n9;;1;2;a.tif\n"
    + each_row(ORDINARY.replace(",", ";").replace(".", ","), ";1.5").split("\n", 1)[1],
    "decimal commas and an odd word for nothing": "track;frame;x;y\n9;;nAn;2\n"
    + ORDINARY.replace(",", ";").replace(".", ",").split("\n", 1)[1],
    "spaces after names": ORDINARY.replace("track,frame,x,y", "track ,frame , x ,y "),
    "windows": ORDINARY.replace("\n", "\r\n"),
    "excel": "sep=;\r\n" + ORDINARY.replace(",", ";").replace("\n", "\r\n"),
    "comment and blank lines": "# tracker 1.0\n\n" + ORDINARY.replace("\n", "\n\n"),
    "trailing separators": each_row(ORDINARY, ","),
    "spaces": ORDINARY.replace(",", ", "),
    "quotes": ORDINARY.replace("track,frame", '"track","frame"').replace("7,", '"7",'),
    "capitals": ORDINARY.replace("track,frame,x,y", "Track,FRAME, X ,Y"),
    "other columns": each_row(ORDINARY.replace("x,y", "x,y,mass"), ",red"),
    "floats as ids": re.sub("^(7|12),", r"\1.0,", ORDINARY, flags=re.MULTILINE),
    "no end of line": ORDINARY.rstrip(),
    "byte order mark": "\ufeff" + ORDINARY,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_tidy__same_table_in_another_dress__is_the_same(tmp_path, variant):
    assert_ordinary(read_tracks(written(tmp_path, VARIANTS[variant])))


def test_tidy__utf_16__is_the_same(tmp_path):
    assert_ordinary(read_tracks(written(tmp_path, ORDINARY, encoding="utf-16")))


@pytest.mark.parametrize("track", ["particle", "track", "trajectory", "traj_idx", "track_id"])
@pytest.mark.parametrize("frame", ["frame", "t"])
def test_tidy__names_of_columns__all_are_known(tmp_path, track, frame):
    text = ORDINARY.replace("track,frame", f"{track},{frame}")
    assert_ordinary(read_tracks(written(tmp_path, text)))


def test_tidy__ids_under_a_name_with_a_space__stay_text(tmp_path):
    text = "track ,frame ,x \n007,0,1\n007,1,2\n7,0,5\n7,1,6\n"
    assert sorted(read_tracks(written(tmp_path, text)).ids) == ["007", "7"]


@pytest.mark.parametrize("groups", [(-60, -80), ("null", "wt"), ("NA", "null"), (-1.5, 2.0)])
@pytest.mark.parametrize("as_file", [True, False])
def test_tidy__groups_of_any_name__keep_their_tracks_apart(tmp_path, groups, as_file):
    table = pd.DataFrame(
        {
            "group": np.repeat(groups, 2),
            "track": 1,
            "frame": [0, 1] * 2,
            "x": [0.0, 1.0, 50.0, 52.0],
        }
    )
    source = written(tmp_path, table.to_csv(index=False)) if as_file else table
    tracks = read_tracks(source)
    names = ["2" if g == 2 else str(g) for g in groups]
    assert sorted(tracks.ids) == sorted(f"{name}/1" for name in names)
    assert [np.ptp(x) for x in tracks.trajectories] in ([1, 2], [2, 1])


def test_tidy__cells_without_a_group__leave_the_bare_name(tmp_path):
    text = "group,track,frame,x\n,1,0,0\nNaN,1,1,1\na,1,0,5\na,1,1,7\n"
    assert sorted(read_tracks(written(tmp_path, text)).ids) == ["1", "a/1"]


def test_tidy__words_that_programs_write_for_nothing__are_nothing(tmp_path):
    text = "track,frame,x\n1,0,0\n1,1,-1.#IND\n1,2,1.#QNAN\n1,3,#N/A N/A\n1,4,1.5\n1,5,2\n"
    text += "-1.#IND,6,1\n"
    tracks = read_tracks(written(tmp_path, text), gaps="interpolate")
    assert tracks.ids == ["1"]
    assert tracks.trajectories[0].ravel().tolist() == [0, 0.375, 0.75, 1.125, 1.5, 2]


def test_tidy__times_out_of_step_with_frames__are_no_clock_and_are_told():
    t = np.cumsum(np.tile([0.1, 1, 5], 10))
    table = pd.DataFrame({"track": 1, "frame": range(30), "t": t, "x": t**2})
    tracks = read_tracks(table)
    assert tracks.frame_interval is None
    assert "read as equally spaced" in step(tracks, "clock_uneven").message
    jittery = table.assign(t=0.05 * table.frame + 0.002 * (table.frame % 3))
    assert read_tracks(jittery).frame_interval == pytest.approx(0.052)
    assert read_tracks(jittery).report.steps == ()
    for rate in (15, 30, 40, 60):
        rounded = table.assign(t=np.round(table.frame / rate, 2))
        assert read_tracks(rounded).frame_interval == pytest.approx(1 / rate, rel=0.25)
    films = pd.DataFrame({"track": -1, "frame": np.repeat(range(60), 2), "x": 0.0})
    films = films.assign(t=0.05 * films.frame + np.tile([0, 1000], 60))
    pooled = pd.concat([jittery, films])
    assert read_tracks(pooled).frame_interval == pytest.approx(0.052)


def test_tidy__numbers_of_any_kind__are_read():
    table = pd.DataFrame({"track": np.repeat([3, 4], 20), "frame": np.tile(np.arange(20), 2)})
    table["x"] = np.arange(40.0) ** 2
    decimal = pd.ArrowDtype(pa.decimal128(30, 2))
    for column in ("track", "frame"):
        for values in (
            table[column].to_numpy().astype(">i8"),
            table[column].astype("category"),
            pd.array([Decimal(int(value)) for value in table[column]], dtype=decimal),
        ):
            tracks = read_tracks(table.assign(**{column: values}))
            assert tracks.ids == ["3", "4"]
            assert tracks.n_points.tolist() == [20, 20]


def test_tidy__tracks_with_several_films__are_told():
    frame = np.tile(np.arange(40), 2)
    table = pd.DataFrame({"track": np.repeat([1, 2], 40), "frame": frame, "x": frame**2})
    tracks = read_tracks(table.assign(Film=np.where(frame < 20, "a", "b")))
    told = step(tracks, "column_ignored")
    assert told.n_tracks == 2
    assert "2 tracks with several values of 'Film', which is not read" in told.message
    assert read_tracks(table.assign(film="a")).report.steps == ()
    measured = table.assign(cell=frame / 7, file=[[k] for k in range(80)])
    assert read_tracks(measured).report.steps == ()
    twice = table.assign(cell="a", movie="b").rename(columns={"movie": "cell"})
    assert read_tracks(twice).report.steps == ()
    by_track = table.assign(film=np.repeat(["a", None], 40))
    assert read_tracks(by_track).report.steps == ()


def test_tidy__numbers_in_place_of_names__are_told(tmp_path):
    rows = "\n1 0 0.5 0.5\n1 1 0.25 0.25\n"
    with pytest.raises(TracksFileError, match="'track frame x y' stands before it behind a '#'"):
        read_tracks(written(tmp_path, f"# track frame x y{rows}"))
    with pytest.raises(TracksFileError, match="numbers, where the names of the columns are needed"):
        read_tracks(written(tmp_path, f"\n{rows}"))


def film(n_tracks, interval, group):
    frame = np.tile(np.arange(40), n_tracks)
    track = np.repeat(np.arange(n_tracks), 40)
    table = pd.DataFrame({"group": group, "track": track, "frame": frame, "t": frame * interval})
    return table.assign(x=np.random.default_rng(0).normal(size=len(frame)).cumsum())


@pytest.mark.parametrize("interval", [0.024, 0.04, 0.1])
def test_tidy__films_of_two_frame_intervals__have_none_together_and_it_is_told(interval):
    both = pd.concat([film(8, 0.02, "a"), film(2, interval, "b")])
    for table in (both, both.drop(columns="frame") if interval == 0.024 else both):
        tracks = read_tracks(table)
        assert tracks.frame_interval is None
        assert step(tracks, "intervals_differ").n_tracks == 2
        assert "such as b/0" in step(tracks, "intervals_differ").message
    assert read_tracks(both, frame_interval=0.02).frame_interval == 0.02
    nearly = pd.concat([film(8, 0.02, "a"), film(2, 0.0201, "b")])
    assert read_tracks(nearly).frame_interval == pytest.approx(0.02)


def test_tidy__short_tracks_with_rounded_times__have_one_interval():
    lengths = [2, 3, 3, 4, 4, 5, 7, 10, 20, 100]
    frame = np.concatenate([np.arange(T) for T in lengths])
    table = pd.DataFrame({"track": np.repeat(range(len(lengths)), lengths), "frame": frame})
    for rate in (15, 30, 40, 60):
        tracks = read_tracks(table.assign(t=np.round(frame / rate, 2), x=frame**2))
        assert tracks.frame_interval == pytest.approx(1 / rate, rel=0.25)
        assert tracks.report.steps == ()


@pytest.mark.parametrize("clock", ["jitter", "rounded", "gaps", "pauses"])
def test_tidy__many_short_tracks_of_a_rough_clock__have_one_interval(clock):
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.geometric(0.05, 300) + 1, 2, 300)
    frame = np.concatenate([np.arange(T) for T in lengths])
    if clock == "gaps":
        frame = frame + np.cumsum(rng.random(len(frame)) < 0.1)
    t = 0.033 * frame
    if clock == "jitter":
        t = t + 0.1 * 0.033 * rng.normal(size=len(t))
    elif clock == "pauses":
        t = t + np.cumsum(0.1 * (rng.random(len(t)) < 0.05))
    else:
        t = np.round(t, 2)
    table = pd.DataFrame({"track": np.repeat(range(300), lengths), "frame": frame, "t": t})
    tracks = read_tracks(table.assign(x=rng.normal(size=len(t))))
    assert tracks.frame_interval == pytest.approx(0.033, rel=0.25)


def test_tidy__pauses_of_the_clock_that_frames_do_not_count__are_told():
    t = np.cumsum(np.tile([0.1, 0.1, 0.1, 0.1, 0.4], 40))
    table = pd.DataFrame({"track": 1, "frame": range(200), "t": t, "x": t**2})
    tracks = read_tracks(table)
    assert tracks.frame_interval == pytest.approx(0.1)
    assert "in 40 of 199 steps the times jump" in step(tracks, "clock_jumps").message
    counted = table.assign(frame=np.rint(t / 0.1).astype(int))
    assert "clock_jumps" not in [each.name for each in read_tracks(counted).report.steps]


def test_tidy__axis_that_a_track_lacks__is_the_reason_given():
    table = pd.DataFrame({"track": [1, 1, 2, 2], "frame": [0, 1] * 2, "x": [0.0, 1, 2, 3]})
    table = table.assign(y=table.x**2, z=[np.nan, np.nan, 1.0, 2.0])
    message = step(read_tracks(table), "tracks_empty").message
    assert message == "1 track left out: no frame with a position on every axis"


@pytest.mark.parametrize("interval", [0.0, -0.05, np.nan, np.inf])
def test_tracks__interval_that_is_none__is_refused(interval):
    with pytest.raises(TrajectoryError, match="frame_interval is .* above 0, or None"):
        Tracks.from_trajectories([np.zeros((5, 2))], frame_interval=interval)


def test_tidy__rows_in_any_order__give_the_same_tracks_and_are_told():
    table = pd.DataFrame(
        {"track": [7] * 3 + [12] * 2, "frame": [0, 1, 2, 5, 6], "x": np.arange(5.0) ** 2}
    )
    shuffled = table.iloc[[4, 2, 0, 3, 1]]
    tracks = read_tracks(shuffled)
    assert tracks.ids == ["7", "12"]
    assert [x.ravel().tolist() for x in tracks.trajectories] == [[0, 1, 4], [9, 16]]
    assert step(tracks, "rows_sorted").n_tracks == 2


def test_tidy__rows_sorted_by_frame_as_trackpy_does__are_nothing_to_tell():
    table = pd.DataFrame(
        {"particle": [7, 12, 7, 12], "frame": [0, 0, 1, 1], "x": [0.0, 5.0, 1.0, 6.0]}
    )
    tracks = read_tracks(table.set_index("frame", drop=False))
    assert [x.ravel().tolist() for x in tracks.trajectories] == [[0, 1], [5, 6]]
    assert tracks.report.steps == ()


def test_tidy__frame_as_index__is_a_column():
    table = pd.DataFrame({"particle": [7, 7], "frame": [3, 4], "x": [0.0, 1.0]}).set_index("frame")
    assert read_tracks(table).first_frames == [3]


def test_tidy__source__is_left_untouched():
    table = pd.DataFrame({"particle": [7, 7, -1], "frame": [4, 3, 0], "x": [0.0, np.nan, 2.0]})
    before = table.copy(deep=True)
    read_tracks(table)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("nothing", ["", "None", "NaN", "-1", "-1.0"])
def test_tidy__spot_of_no_track__is_dropped_and_told(tmp_path, nothing):
    tracks = read_tracks(written(tmp_path, ORDINARY + f"{nothing},0,9.0,9.0\n"))
    assert_ordinary(tracks)
    assert step(tracks, "rows_of_no_track").n_rows == 1
    assert tracks.report.n_tracks == 2


def test_tidy__negative_ids_in_a_frame__are_no_track():
    table = pd.DataFrame({"trajectory": [3, -1, 3], "frame": [0, 0, 1], "x": [0.0, 1.0, 2.0]})
    assert read_tracks(table).ids == ["3"]


def test_tidy__nan_coordinate__is_a_missing_frame(tmp_path):
    text = ORDINARY.replace("7,1,0.25,1.75", "7,1,0.25,NaN")
    tracks = read_tracks(written(tmp_path, text))
    assert tracks.ids == ["7#1", "7#2", "12"]
    assert step(tracks, "rows_missing").n_rows == 1
    assert all(np.isfinite(x).all() for x in tracks.trajectories)


def test_tidy__infinite_coordinate__is_a_missing_frame():
    table = pd.DataFrame({"track": [1, 1, 1], "frame": [0, 1, 2], "x": [0.0, 1.0, np.inf]})
    assert read_tracks(table).n_points.tolist() == [2]


def test_tidy__track_of_one_point__is_read(tmp_path):
    tracks = read_tracks(written(tmp_path, ORDINARY + "13,0,9.0,9.0\n"))
    assert tracks.ids == ["7", "12", "13"]
    assert tracks.trajectories[2].tolist() == [[9.0, 9.0]]


def test_tidy__two_rows_for_one_frame__is_an_error_that_names_them(tmp_path):
    path = written(tmp_path, ORDINARY + "12,6,3.6,4.6\n")
    with pytest.raises(TracksFileError, match=r"track 12 has two rows for frame 6.*'group'"):
        read_tracks(path)


GROUPED = """group,track,frame,x,y,z
cell 10,0,0,1.0,2.0,0
cell 10,0,1,1.5,2.5,0
cell 9,0,0,5.0,6.0,0
cell 9,0,1,5.5,6.5,0
cell 9,1,0,7.0,8.0,0
"""


def test_tidy__groups__tell_apart_tracks_of_the_same_number(tmp_path):
    tracks = read_tracks(written(tmp_path, GROUPED))
    assert tracks.ids == ["cell 9/0", "cell 9/1", "cell 10/0"]
    assert tracks.trajectories[2].tolist() == [[1.0, 2.0], [1.5, 2.5]]


def test_tidy__groups_that_make_one_name__is_an_error():
    table = pd.DataFrame({"group": ["a/b", "a"], "track": ["c", "b/c"], "frame": 0, "x": [0.0, 1]})
    with pytest.raises(TracksFileError, match="same name 'group/track'"):
        read_tracks(table)


def test_tidy__row_without_group__keeps_the_name_of_its_track():
    table = pd.DataFrame({"group": [None, "a"], "track": [1, 1], "frame": [0, 0], "x": [0.0, 1]})
    assert read_tracks(table).ids == ["1", "a/1"]


def test_tidy__constant_axis__is_dropped_and_told(tmp_path):
    tracks = read_tracks(written(tmp_path, GROUPED))
    assert tracks.n_dims == 2
    assert "axis z, 0 in the whole file" in step(tracks, "axis_constant").message


def test_tidy__constant_axis_kept__is_there(tmp_path):
    tracks = read_tracks(written(tmp_path, GROUPED), constant_axes="keep")
    assert tracks.n_dims == 3
    assert tracks.report.steps == ()


def test_tidy__positions_near_the_end_of_floats__are_read():
    table = pd.DataFrame({"track": 1, "frame": [0, 1], "x": [-1.7e308, 1.7e308], "y": 1e308})
    assert read_tracks(table).trajectories[0].tolist() == [[-1.7e308], [1.7e308]]


def test_tidy__nothing_moves_at_all__keeps_its_axes():
    table = pd.DataFrame({"track": [1, 1], "frame": [0, 1], "x": [2.0, 2.0], "y": [3.0, 3.0]})
    assert read_tracks(table).trajectories[0].tolist() == [[2.0, 3.0], [2.0, 3.0]]


def test_tidy__empty_axis__is_dropped_and_not_taken_for_missing_frames():
    table = pd.DataFrame({"track": [1, 1], "frame": [0, 1], "x": [2.0, 3.0], "y": [np.nan, np.nan]})
    tracks = read_tracks(table)
    assert tracks.trajectories[0].tolist() == [[2.0], [3.0]]
    assert step(tracks, "axis_empty")


WRONG_FILES = {
    "": "is empty",
    "\n  \n": "is empty",
    "track,frame,x,y\n": "no track is left to read: it has no rows",
    "a,b,c\n1,2,3\n": r"no column for the track and the frame and the positions.*"
    r"Needed: one of particle\|track.*Found: a, b, c\.",
    "track,frame,y\n1,0,3\n": "no column for the positions.*Found: track, frame, y",
    "track,x,y\n1,0,3\n": "no column for the frame",
    "track,particle,frame,x\n1,1,0,3\n": "'particle' and 'track' could each be",
    "track,frame,x\n1,0,3\n1,1,here\n": "column 'x' holds 'here' in data row 2",
    "track;frame;x\n1;0;3,5\n1;1;here\n": "column 'x' holds 'here' in data row 2",
    "track;frame;x\n1;0;3,5\n1;1;\n1;2;here\n": "column 'x' holds 'here' in data row 3",
    "track,frame,x\n1,zero,3\n": "column 'frame' holds 'zero' in data row 1",
    "track,frame,x\n1,0.5,3\n": "frame 0.5 of track 1 is not a whole number",
    "track,frame,x\n1,0,3\n1,1,3,4\n": "not a regular table: .*line 3",
    "track,frame,x\n1,0,3,4\n1,1,3,4\n": "not a regular table",
    "track,frame,x\n-1,0,3\n": "no track is left to read: 1 row of no track",
    "Track ID,Position\n1,2\n": "Columns of other names are told by columns=",
    "1.5,2.5,3.5\n4.5,5.5,6.5\n": "first line holds numbers",
    "<Tracks nTracks='1'>": "not well-formed XML.*may be cut off",
    '{"tracks": []}': "JSON cannot be read",
    "\0\1\2": "is not a text file.*can be read.$",
    "PK\x03\x04\0": "not a text file.* Save the sheet as CSV if it is a workbook of Excel",
    "II*\0\1": "not a text file.* It seems to be an image: track its particles first",
}


@pytest.mark.parametrize("text", WRONG_FILES)
def test_tidy__wrong_file__says_what_came_and_what_is_needed(tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(TracksFileError, match=WRONG_FILES[text]) as caught:
        read_tracks(path)
    assert str(path) in str(caught.value)


def test_tidy__dates_as_positions__is_an_error():
    table = pd.DataFrame({"track": [1], "frame": [0], "x": pd.to_datetime(["2020-01-01"])})
    with pytest.raises(TracksFileError, match="column 'x' holds datetime"):
        read_tracks(table)


def test_tidy__two_columns_of_one_name__is_an_error():
    table = pd.DataFrame([[1, 0, 2.0, 3.0]], columns=["track", "frame", "x", "x"])
    with pytest.raises(TracksFileError, match="'x' and 'x' could each be"):
        read_tracks(table)


# --- columns of other names ----------------------------------------------------------------------

RENAMED = ORDINARY.replace("track,frame,x,y", "TrackID,Time,Position X,Position Y")
NAMES = {"track": "TrackID", "frame": "Time", "x": "Position X", "y": "Position Y"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns__of_other_names__are_read_as_told(tmp_path, separator):
    path = written(tmp_path, RENAMED.replace(",", separator))
    assert_ordinary(read_tracks(path, columns=NAMES))
    frame = pd.read_csv(path, sep=separator)
    assert_ordinary(read_tracks(frame, columns=NAMES))
    frame.to_parquet(tmp_path / "tracks.parquet")
    assert_ordinary(read_tracks(tmp_path / "tracks.parquet", columns=NAMES))


def test_columns__decimal_comma__is_understood_in_those_told(tmp_path):
    text = RENAMED.replace(",", ";").replace(".", ",")
    assert_ordinary(read_tracks(written(tmp_path, text), columns=NAMES))
    odd = text + "13;7;oo;1,5\n"
    with pytest.raises(TracksFileError, match="'Position X' holds 'oo' in data row 6"):
        read_tracks(written(tmp_path, odd), columns=NAMES)


def test_columns__ids_told__stay_text(tmp_path):
    text = RENAMED.replace("\n7,", "\n007,").replace("\n12,", "\n12e3,")
    assert read_tracks(written(tmp_path, text), columns=NAMES).ids == ["007", "12e3"]


def test_columns__told_beside_usual_ones__count_and_the_usual_one_is_free(tmp_path):
    # y is where x is looked for, and what is called x is not read as an axis twice
    text = ORDINARY.replace("track,frame,x,y", "track,frame,x_nm,x")
    tracks = read_tracks(written(tmp_path, text), columns={"x": "x_nm", "y": "x"})
    assert_ordinary(tracks)
    both = ORDINARY.replace("track,frame,x,y", "track,particle,x,frame")
    told = {"track": "track", "frame": "particle"}
    assert read_tracks(written(tmp_path, both), columns=told).first_frames == [0, 5]


def test_columns__of_a_program__have_no_units_that_they_did_not_come_with():
    names = ["particle", "frame", "x", "y", "mass", "size", "ecc", "x_um"]
    table = pd.DataFrame([[1, k, k, k, 1, 1, 1, k / 2] for k in range(3)], columns=names)
    assert read_tracks(table).space_unit == "px"
    tracks = read_tracks(table, columns={"x": "x_um"})
    assert tracks.space_unit is None
    np.testing.assert_array_equal(tracks.trajectories[0][:, 0], [0, 0.5, 1])


def test_columns__level_of_an_index__is_a_column():
    frame = pd.DataFrame({"k": [1, 1], "Time": [0, 1], "x": [0.5, 1.0]}).set_index("k")
    assert read_tracks(frame, columns={"track": "k", "frame": "Time"}).ids == ["1"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"identity": "TrackID"}, "columns has 'identity'; a column is one of track, group"),
        ({**NAMES, "x": "Position Z"}, "0 columns 'Position Z', told to be 'x'.*Found: TrackID"),
        ({**NAMES, "y": "Position X"}, "'Position X' twice"),
        ({"track": "TrackID"}, "no column for the positions"),
    ],
)
def test_columns__that_are_not_there__are_an_error(tmp_path, columns, message):
    for source in (written(tmp_path, RENAMED), pd.read_csv(written(tmp_path, RENAMED))):
        with pytest.raises(TracksFileError, match=message):
            read_tracks(source, columns=columns)


def test_columns__of_what_is_no_tidy_table__are_refused(tmp_path):
    with pytest.raises(TracksFileError, match="not of 'spot-on'"):
        read_tracks(written(tmp_path, RENAMED), "spot-on", columns=NAMES)
    with pytest.raises(TracksFileError, match="an array has none"):
        read_tracks(np.zeros((3, 4)), columns=NAMES)
    write_tracks([np.zeros((5, 1))], tmp_path / "task1.txt")
    with pytest.raises(TracksFileError, match="is challenge; columns are told of tables"):
        read_tracks(tmp_path / "task1.txt", columns=NAMES)


def test_tidy__missing_file__is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tracks(tmp_path / "nowhere.csv")


def test_tidy__old_encoding__is_read(tmp_path):
    text = "group,track,frame,x\n" + "µm,1,0,0.5\nµm,1,1,1.5\n"
    path = written(tmp_path, text, encoding="latin-1")
    assert read_tracks(path).ids == ["µm/1"]


def test_tidy__old_encoding_after_the_first_64_kib__is_read(tmp_path):
    rows = "".join(f"a,1,{i},0.5\n" for i in range(10_000))
    path = written(tmp_path, f"group,track,frame,x\n{rows}µm,1,0,0.5\n", encoding="latin-1")
    assert read_tracks(path).ids == ["a/1", "µm/1"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_tidy__written_and_read__is_bit_equal(tmp_path, suffix):
    rng = np.random.default_rng(3)
    trajectories = [
        rng.normal(size=(5, 3)) * 10.0 ** rng.integers(-300, 300, size=3),
        1e15 + np.cumsum(rng.normal(size=(4, 3)), axis=0) / 3,
        rng.normal(size=(1, 3)),
    ]
    ids = ["007", 'a,b;\t"c"', "=1+1"]
    tracks = Tracks.from_trajectories(trajectories, ids=ids)
    path = tmp_path / f"tracks{suffix}"
    write_tracks(tracks, path)
    read = read_tracks(path)
    assert sorted(read.ids) == sorted(ids)
    for name, x in read:
        np.testing.assert_array_equal(x, trajectories[ids.index(name)])


def test_tidy__split_tracks_written_and_read__keep_names_frames_and_order(tmp_path):
    table = pd.DataFrame(
        {"track": [1, 1, 1, 1, 10, 2], "frame": [3, 4, 8, 9, 0, 0], "x": np.arange(6.0)}
    )
    tracks = read_tracks(table)
    write_tracks(tracks, tmp_path / "pieces.csv")
    read = read_tracks(tmp_path / "pieces.csv")
    assert read.ids == tracks.ids == ["1#1", "1#2", "2", "10"]
    assert read.first_frames == tracks.first_frames == [3, 8, 0, 0]


@pytest.mark.parametrize("name", ["", "-3", "None", " 7", "7.0"])
def test_tidy__id_that_could_not_be_read_back__is_refused(tmp_path, name):
    tracks = Tracks.from_trajectories([np.zeros((3, 1))], ids=[name])
    with pytest.raises(TracksFileError, match="would not be read back"):
        write_tracks(tracks, tmp_path / "tracks.csv")
    assert list(tmp_path.iterdir()) == []


def test_find_columns__axes__stand_in_the_order_x_y_z():
    columns = find_columns(["z", "y", "x", "t", "track"], "the table")
    assert [axis for axis, _ in columns.axes] == ["x", "y", "z"]


def calls_while_reading(n_tracks: int, n_frames: int) -> int:
    """Function calls it takes to read a table, Python's own and compiled ones."""
    n_rows = n_tracks * n_frames
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(n_tracks), n_frames),
            "frame": np.tile(np.arange(n_frames), n_tracks),
            "x": np.sqrt(np.arange(n_rows)),
        }
    )
    calls = 0

    def count(frame, event, arg):
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        read_tracks(table)
    finally:
        sys.setprofile(None)
    return calls


def test_tidy__fifty_times_the_rows__takes_no_more_calls():
    calls_while_reading(100, 10)  # imports and caches
    few, many = calls_while_reading(100, 10), calls_while_reading(100, 500)
    assert many < 1.2 * few, "something loops over rows"


def test_ids__larger_than_a_float_can_count__stay_apart():
    first = 2**60 + 1
    table = pd.DataFrame({"particle": [first] * 3 + [first + 1] * 3, "frame": [0, 1, 2] * 2})
    tracks = read_tracks(table.assign(x=np.arange(6.0)))
    assert tracks.ids == [str(first), str(first + 1)]
