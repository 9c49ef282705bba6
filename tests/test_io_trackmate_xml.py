"""TrackMate's XML: splits and merges, kept tracks, streaming, and what a file may not do."""

import sys
import time
import tracemalloc

import numpy as np
import pytest
import tracks_in_every_format as written

from skandi.errors import TracksFileError
from skandi.io import BRANCH_POLICIES, read_tracks

# Frames 0 to 5. Track 7 splits after spot 3 into 4-5-6 and 14-15; track 8 is one line; track 9 is
# two lines that merge in spot 33.
SPOTS = [
    (1, 0, 0.0, 0.0), (2, 1, 1.0, 0.5), (3, 2, 2.0, 1.0),
    (4, 3, 3.0, 2.0), (5, 4, 4.0, 3.0), (6, 5, 5.0, 4.0),
    (14, 3, 3.0, -1.0), (15, 4, 4.0, -2.0),
    (21, 0, 9.0, 9.0), (22, 1, 9.5, 9.25),
    (31, 0, 20.0, 20.0), (41, 0, 22.0, 22.0), (42, 1, 21.5, 21.0), (33, 2, 21.0, 20.0),
    (34, 3, 21.5, 20.5),
    (50, 2, 70.0, 70.0),
]  # fmt: skip
EDGES = {
    7: [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (3, 14), (14, 15)],
    8: [(22, 21)],  # drawn by hand, against time
    9: [(31, 33), (41, 42), (42, 33), (33, 34)],
}


@pytest.fixture
def branching(tmp_path):
    return written.write_trackmate_xml(tmp_path / "t.xml", SPOTS, EDGES, kept=[7, 8, 9])


def x_of(tracks) -> dict[str, list[float]]:
    return {name: x[:, 0].tolist() for name, x in tracks}


def test_branches__split__cuts_at_every_split_and_merge(branching):
    tracks = read_tracks(branching)
    assert x_of(tracks) == {
        "7#1": [0, 1, 2],
        "7#2": [3, 4, 5],
        "7#3": [3, 4],
        "8": [9, 9.5],
        "9#1": [20],
        "9#2": [22, 21.5],
        "9#3": [21, 21.5],
    }
    assert tracks.notes[0] == "branch 1 of 3 of track 7, which splits or merges"
    assert tracks.notes[3] == ""
    (step,) = (s for s in tracks.report.steps if s.name == "branches_split")
    assert step.message == "2 tracks that split or merge cut there into 6 branches"
    assert (step.n_tracks, tracks.report.n_tracks) == (2, 3)


def test_branches__longest__keeps_the_path_of_most_points(branching):
    tracks = read_tracks(branching, branches="longest")
    assert x_of(tracks) == {
        "7": [0, 1, 2, 3, 4, 5],
        "8": [9, 9.5],
        "9": [22, 21.5, 21, 21.5],
    }
    assert tracks.notes == ["longest branch of a track that splits or merges", "", tracks.notes[0]]
    (step,) = (s for s in tracks.report.steps if s.name == "branches_longest")
    assert (step.n_tracks, step.n_rows) == (2, 3)


def test_branches__error__names_the_tracks(branching):
    with pytest.raises(TracksFileError, match=r"2 tracks that split or merge \(7, 9\)"):
        read_tracks(branching, branches="error")


def test_branches__split_with_gaps__are_cut_twice(tmp_path):
    spots = [(1, 0, 0.0, 0.0), (2, 1, 1.0, 0.0), (3, 2, 2.0, 0.0), (5, 4, 4.0, 1.0), (6, 2, 2.0, 5)]
    path = written.write_trackmate_xml(
        tmp_path / "t.xml", spots, {7: [(1, 2), (2, 3), (3, 5), (2, 6)]}, kept=[7]
    )
    tracks = read_tracks(path)
    assert tracks.ids == ["7#1", "7#2#1", "7#2#2", "7#3"]
    assert tracks.notes[1].startswith("branch 2 of 3 of track 7")
    assert tracks.notes[1].endswith("; piece 1 of 2 of track 7#2, split at gaps")
    assert read_tracks(path, gaps="interpolate").ids == ["7#1", "7#2", "7#3"]


def test_branches__unknown_policy__is_an_error(branching):
    with pytest.raises(TracksFileError, match=f"one of {', '.join(BRANCH_POLICIES)} is needed"):
        read_tracks(branching, branches="both")


def test_filtered_tracks__hidden_ones__are_left_out_and_told(tmp_path):
    path = written.write_trackmate_xml(tmp_path / "t.xml", SPOTS, EDGES, kept=[8])
    tracks = read_tracks(path, branches="error")
    assert tracks.ids == ["8"]
    (step,) = (s for s in tracks.report.steps if s.name == "tracks_filtered")
    assert (step.n_tracks, step.n_rows) == (2, 13)
    assert (tracks.report.n_rows, tracks.report.n_tracks) == (len(SPOTS), 3)


def test_filtered_tracks__no_such_list__keeps_all_and_an_empty_one_none(tmp_path):
    path = tmp_path / "t.xml"
    written.write_trackmate_xml(path, SPOTS, EDGES, kept=None)
    assert len(read_tracks(path)) == 7
    written.write_trackmate_xml(path, SPOTS, EDGES, kept=[])
    with pytest.raises(TracksFileError, match="3 tracks left out that TrackMate's filters hide"):
        read_tracks(path)


def test_encoding__latin_1_declared_as_utf_8__is_read(tmp_path):
    path = tmp_path / "t.xml"
    written.write_trackmate_xml(path, SPOTS, EDGES, kept=[8], encoding="latin-1")
    assert read_tracks(path).space_unit == "µm"
    simple = written.trackmate_simple_xml(tmp_path)
    simple.write_bytes(simple.read_text(encoding="utf-8").encode("latin-1"))
    assert read_tracks(simple).space_unit == "µm"


BOMB = '<!DOCTYPE lolz [<!ENTITY lol "lol">' + "".join(
    f'<!ENTITY lol{i} "{f"&lol{i - 1 if i > 1 else str()};" * 10}">' for i in range(1, 10)
)


@pytest.mark.parametrize("format", ["auto", "trackmate-xml", "trackmate-simple-xml"])
@pytest.mark.parametrize("root", ["TrackMate", "Tracks"])
def test_document_type__billion_laughs__is_refused_at_once(tmp_path, format, root):
    path = tmp_path / "t.xml"
    path.write_text(f'<?xml version="1.0"?>{BOMB}]><{root} from="&lol9;">&lol9;</{root}>')
    began = time.perf_counter()
    with pytest.raises(TracksFileError, match="declares a document type"):
        read_tracks(path, format)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("declared", ["SYSTEM", "PUBLIC '-//x//y'"])
def test_document_type__external_entity__is_neither_opened_nor_fetched(tmp_path, declared):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    opened = []
    watching = True

    def watch(event, arguments):
        if watching and (event == "open" or event.startswith("socket.")):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    try:
        for where in (secret.as_uri(), "http://127.0.0.1:9/x"):
            for text in (
                f'<!DOCTYPE t [<!ENTITY e {declared} "{where}">]><TrackMate>&e;</TrackMate>',
                f'<!DOCTYPE t {declared} "{where}"><Tracks/>',
                f'<!DOCTYPE t [<!ENTITY % e {declared} "{where}"> %e;]><Tracks/>',
            ):
                path = tmp_path / "t.xml"
                path.write_text(text)
                with pytest.raises(TracksFileError, match="declares a document type") as caught:
                    read_tracks(path)
                assert "a secret" not in str(caught.value)
    finally:
        watching = False
    assert str(path) in opened  # the watch works
    assert not [name for name in opened if "secret" in name or "127.0.0.1" in name]


WRONG_XML = {
    "<html><body/></html>": "XML of the kind <html>.*TrackMate's own file",
    "<TrackMate><Model>": "not well-formed XML",
    "<TrackMate></TrackMate>": "no track is left to read: it has no rows",
    "<TrackMate><Spot ID='1'/></TrackMate>": "line 1: <Spot> has no attribute 'FRAME'",
    "<Tracks>\n<particle><detection t='0' x='a' y='0'/></particle></Tracks>": (
        "line 2, <detection>: could not convert string to float: 'a'"
    ),
    "<Tracks><particle nSpots='0'/></Tracks>": "no track is left to read",
    "<Tracks><Track><Spot/></Track></Tracks>": "<particle> and <detection> in it is needed",
    "<Tracks><detection t='0' x='1' y='0'/></Tracks>": "a <detection> outside of a <particle>",
    "<TrackMate><Edge SPOT_SOURCE_ID='1' SPOT_TARGET_ID='2'/></TrackMate>": (
        "an <Edge> outside of a <Track>"
    ),
    "<TrackMate><Track TRACK_ID='0'><Edge SPOT_SOURCE_ID='1' SPOT_TARGET_ID='2'/></Track>"
    "</TrackMate>": "links spot 1, which is not among the spots",
}


@pytest.mark.parametrize("text", WRONG_XML)
def test_wrong_xml__says_what_came_and_what_is_needed(tmp_path, text):
    path = tmp_path / "t.xml"
    path.write_text(text)
    with pytest.raises(TracksFileError, match=WRONG_XML[text]) as caught:
        read_tracks(path)
    assert str(path) in str(caught.value)


def test_wrong_xml__two_spots_of_one_id__is_an_error(tmp_path):
    path = tmp_path / "t.xml"
    written.write_trackmate_xml(path, [*SPOTS, SPOTS[0]], EDGES, kept=None)
    with pytest.raises(TracksFileError, match="two spots have the ID 1"):
        read_tracks(path)


def test_big_file__is_read_as_a_stream(tmp_path):
    """The memory it takes is a small part of the file, which a tree of elements is not."""
    n_tracks, n_frames = 100, 40
    features = " ".join(f'FEATURE_{i}="{i / 7}"' for i in range(40))
    rng = np.random.default_rng(0)
    spots, edges = [], []
    for k in range(n_tracks):
        for t in range(n_frames):
            x, y = rng.normal(size=2).tolist()
            id_ = k * n_frames + t
            spots.append(
                f'<Spot ID="{id_}" FRAME="{t}" POSITION_T="{t}" POSITION_X="{x}" POSITION_Y="{y}" '
                f"{features}/>"
            )
        edges.append(f'<Track TRACK_ID="{k}">')
        edges += [
            f'<Edge SPOT_SOURCE_ID="{i}" SPOT_TARGET_ID="{i + 1}"/>'
            for i in range(k * n_frames, (k + 1) * n_frames - 1)
        ]
        edges.append("</Track>")
    path = tmp_path / "t.xml"
    path.write_text(f"<TrackMate><Model>{''.join(spots + edges)}</Model></TrackMate>")
    assert path.stat().st_size > 4e6
    tracemalloc.start()
    try:
        tracks = read_tracks(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert tracks.n_points.tolist() == [n_frames] * n_tracks
    assert peak < path.stat().st_size
