"""Every format: told by content, read to the same tracks, refused where it is another."""

import numpy as np
import pandas as pd
import pytest
import tracks_in_every_format as written
from tracks_in_every_format import CANONICAL, DT, EVERY_FORMAT

from skandi.errors import TracksFileError
from skandi.io import FORMATS, detect_format, read_tracks
from skandi.io.units import clean_unit

each_format = pytest.mark.parametrize("format", EVERY_FORMAT)


def assert_canonical(tracks, lacks=()):
    expected = {name: track for name, track in CANONICAL.items() if name not in lacks}
    assert tracks.ids == list(expected)
    for name, first, x in zip(tracks.ids, tracks.first_frames, tracks.trajectories):
        assert first == expected[name][0]
        np.testing.assert_array_equal(x, expected[name][1])


def names_of_steps(tracks) -> set[str]:
    return {step.name for step in tracks.report.steps}


def test_fixtures__every_format_that_names_tracks__has_one():
    # of one length and without gaps, so that none of the trouble can be in them
    equal_lengths = {"challenge", "andi-datasets"}
    assert set(EVERY_FORMAT) | equal_lengths | {"auto"} == set(FORMATS)


@each_format
@pytest.mark.parametrize("named", [False, True])
def test_read__same_trouble_in_every_format__gives_the_same_tracks(tmp_path, format, named):
    write, interval, time_unit, space_unit = EVERY_FORMAT[format]
    path = write(tmp_path)
    assert detect_format(path) == format
    tracks = read_tracks(path, format if named else "auto")
    assert_canonical(tracks, lacks={"2"} if format == "trackmate-xml" else ())
    assert tracks.report.format == format
    assert (tracks.time_unit, tracks.space_unit) == (time_unit, space_unit)
    assert tracks.frame_interval == (interval and pytest.approx(interval))


@each_format
def test_report__trouble__is_told_with_its_numbers(tmp_path, format):
    tracks = read_tracks(EVERY_FORMAT[format][0](tmp_path))
    steps = {step.name: step for step in tracks.report.steps}
    assert (steps["gaps_split"].n_tracks, steps["rows_missing"].n_tracks > 0) == (2, True)
    if format not in ("noctiluca", "trackmate-xml"):
        assert (steps["rows_repeated"].n_tracks, steps["rows_repeated"].n_rows) == (1, 1)
    if format not in ("noctiluca", "trackmate-simple-xml"):
        assert steps["rows_of_no_track"].n_rows == 1
    if format not in ("trackpy", "andi2", "spot-on", "saspt"):
        assert "axis z, 0 in the whole file" in steps["axis_constant"].message
    n_tracks = 3 if format == "trackmate-xml" else 4
    assert (tracks.report.n_tracks, tracks.report.n_trajectories) == (n_tracks, len(tracks))


@pytest.mark.parametrize("format", ["trackpy", "trackmate-csv", "andi2", "spot-on", "saspt"])
@pytest.mark.parametrize("named", [False, True])
def test_read__data_frame__is_the_same_as_its_file(tmp_path, format, named):
    frame = pd.read_csv(EVERY_FORMAT[format][0](tmp_path), low_memory=False)
    tracks = read_tracks(frame, format if named else "auto")
    assert_canonical(tracks)
    assert (tracks.report.format, tracks.space_unit) == (format, EVERY_FORMAT[format][3])


def test_read__array__is_the_same_as_its_file(tmp_path):
    for format in ("napari", "noctiluca"):
        array = np.load(EVERY_FORMAT[format][0](tmp_path))
        before = array.copy()
        for named in ("auto", format):
            assert_canonical(read_tracks(array, named))
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "unit, encoding",
    [("µm", "utf-8"), ("µm", "latin-1"), ("Âµm", "utf-8"), ("μm", "utf-8"), ("micron", "ascii")],
)
def test_trackmate_csv__however_it_was_saved__is_the_same(tmp_path, separator, unit, encoding):
    tracks = read_tracks(written.trackmate_v7(tmp_path, unit, separator, encoding))
    assert_canonical(tracks)
    assert (tracks.space_unit, tracks.time_unit) == ("µm", "s")


def test_trackmate_csv__version_6__is_the_same_without_units(tmp_path):
    tracks = read_tracks(written.trackmate_v6(tmp_path))
    assert_canonical(tracks)
    assert tracks.report.format == "trackmate-csv"
    assert tracks.frame_interval == pytest.approx(DT)
    assert tracks.space_unit is None


def test_trackmate_csv__header_rows_that_end_in_a_comma__are_header_rows(tmp_path):
    path = written.trackmate_v7(tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1:3] = [line + "," for line in lines[1:3]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert_canonical(read_tracks(path))


def test_trackmate_csv__decimal_commas__are_understood(tmp_path):
    path = written.trackmate_v7(tmp_path, separator=";")
    header, rows = path.read_text().split("(counts)\n")
    path.write_text(header + "(counts)\n" + rows.replace(".", ","))
    assert_canonical(read_tracks(path))


def test_simple_xml__mended_unit__is_the_usual_symbol(tmp_path):
    assert read_tracks(written.trackmate_simple_xml(tmp_path, "Âµm")).space_unit == "µm"


def test_units__of_the_caller__count_more(tmp_path):
    path = written.trackmate_v7(tmp_path)
    tracks = read_tracks(path, frame_interval=0.1, time_unit="min", space_unit="px")
    assert (tracks.frame_interval, tracks.time_unit, tracks.space_unit) == (0.1, "min", "px")


def test_units__trackmate_interval_of_one_second__is_doubted(tmp_path, monkeypatch):
    monkeypatch.setattr(written, "DT", 1)
    tracks = read_tracks(written.trackmate_v7(tmp_path))
    assert (tracks.frame_interval, tracks.time_unit) == (1.0, "s")
    assert "interval_doubtful" in names_of_steps(tracks)


def test_units__tidy_on_demand__says_nothing_of_units(tmp_path):
    tracks = read_tracks(written.trackpy(tmp_path), "tidy")
    assert_canonical(tracks)
    assert tracks.space_unit is None
    assert "units_of_format" not in names_of_steps(tracks)


@pytest.mark.parametrize(
    "text, unit",
    [
        ("(µm)", "µm"),
        ("\\u00B5m", "µm"),
        ("Pixels", "px"),
        (" nm ", "nm"),
        ("()", None),
        ("m", "m"),
    ],
)
def test_units__as_programs_write_them__become_the_usual_symbols(text, unit):
    assert clean_unit(text) == unit


TABLES_OF_TRACKMATE = {
    "LABEL,TRACK_ID,SPOT_SOURCE_ID,SPOT_TARGET_ID,EDGE_TIME\na,1,1,2,0.5\n": "table of edges",
    "LABEL,TRACK_INDEX,TRACK_ID,NUMBER_SPOTS,TRACK_DURATION\na,0,1,9,0.5\n": "table of tracks",
    "TRACK_ID,POSITION_X,POSITION_T\n1,0.5,1\n": "not TrackMate's table of spots",
}


@pytest.mark.parametrize("text", TABLES_OF_TRACKMATE)
def test_trackmate_csv__another_table__says_which_is_needed(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(TracksFileError, match=f"{TABLES_OF_TRACKMATE[text]}.*TRACK_ID, POSITION_X"):
        read_tracks(path)


@each_format
def test_wrong_file__named_format__says_what_was_expected(tmp_path, format):
    """A file of another format under this name: refused in one sentence or two, with its path."""
    other = written.noctiluca if format in ("napari", "parquet") else written.napari
    if format.startswith("trackmate"):
        other = written.andi2
    if format == "noctiluca":
        other = written.trackmate_simple_xml
    path = other(tmp_path)
    with pytest.raises(
        TracksFileError, match="need|not well-formed|not a readable|not a text"
    ) as caught:
        read_tracks(path, format)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 700
    assert "\n" not in message


@pytest.mark.parametrize("format", ["trackpy", "andi2", "spot-on", "saspt"])
def test_wrong_file__columns_of_another_program__are_named(tmp_path, format):
    path = written.tidy(tmp_path)
    with pytest.raises(TracksFileError, match=f"not of the format {format}: it has no column"):
        read_tracks(path, format)
