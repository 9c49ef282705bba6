"""Two rows for one frame of a track: refused, reduced, averaged; exact repetitions are dropped."""

import pandas as pd
import pytest

from skandi.errors import TracksFileError
from skandi.io import DUPLICATE_POLICIES, read_tracks

TWICE = pd.DataFrame(
    {
        "track": [1, 1, 1, 1, 2, 2, 2],
        "frame": [0, 1, 1, 1, 5, 6, 6],
        "x": [0.0, 1.0, 2.0, 6.0, 7.0, -1.7e308, -1.5e308],
    }
)


@pytest.mark.parametrize(
    "duplicates, expected",
    [("first", [[0, 1], [7, -1.7e308]]), ("mean", [[0, 3], [7, -1.6e308]])],
)
def test_duplicates__differing_rows__are_reduced_and_told(duplicates, expected):
    tracks = read_tracks(TWICE, duplicates=duplicates)
    assert [x[:, 0].tolist() for x in tracks.trajectories] == expected
    (step,) = tracks.report.steps
    assert (step.name, step.n_tracks, step.n_rows) == (f"duplicates_{duplicates}", 2, 3)


def test_duplicates__first__is_the_first_in_the_file():
    tracks = read_tracks(TWICE.iloc[[3, 2, 1, 0]], duplicates="first")
    assert tracks.trajectories[0][:, 0].tolist() == [0, 6]


def test_duplicates__by_default__are_refused_with_what_to_do():
    with pytest.raises(TracksFileError, match="duplicates='first' or duplicates='mean'"):
        read_tracks(TWICE)


@pytest.mark.parametrize("duplicates", DUPLICATE_POLICIES)
def test_duplicates__exact_repetitions__are_dropped_and_told(duplicates):
    table = pd.concat([TWICE[:2], TWICE[:2], TWICE[4:5]])
    tracks = read_tracks(table, duplicates=duplicates)
    assert [x[:, 0].tolist() for x in tracks.trajectories] == [[0, 1], [7]]
    (step,) = (s for s in tracks.report.steps if s.name == "rows_repeated")
    assert (step.n_tracks, step.n_rows) == (1, 2)


def test_duplicates__split_track_in_the_table_of_trackmate__points_to_the_xml():
    table = pd.DataFrame(
        {
            "TRACK_ID": [1, 1, 1],
            "POSITION_X": [0.0, 1.0, 2.0],
            "POSITION_Y": [0.0, 1.0, 2.0],
            "FRAME": [0, 1, 1],
        }
    )
    with pytest.raises(TracksFileError, match="read TrackMate's own XML file with branches="):
        read_tracks(table)


def test_duplicates__unknown_policy__is_an_error():
    with pytest.raises(TracksFileError, match="duplicates='last': one of error, first, mean"):
        read_tracks(TWICE, duplicates="last")
