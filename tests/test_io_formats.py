"""Formats by content, writers by suffix, Parquet, results, and the tracks themselves."""

import json
import os
import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from skandi.errors import TracksFileError, TrajectoryError
from skandi.io import (
    FORMATS,
    Tracks,
    detect_format,
    read_tracks,
    sample_tracks_path,
    write_results,
    write_tracks,
)
from skandi.io.ids import natural_order

TABLE = pd.DataFrame({"track": [1, 1, 2], "frame": [0, 1, 0], "x": [0.0, 1.0, 2.0]})


def test_detection__by_content__not_by_name(tmp_path):
    TABLE.to_parquet(tmp_path / "a.csv")
    TABLE.to_csv(tmp_path / "b.parquet", index=False)
    (tmp_path / "c.csv").write_text("1;0.5;1.5\n")
    found = [detect_format(tmp_path / name) for name in ("a.csv", "b.parquet", "c.csv")]
    assert found == ["parquet", "tidy", "challenge"]
    assert set(found) < set(FORMATS)
    for name, n_tracks in (("a.csv", 2), ("b.parquet", 2), ("c.csv", 1)):
        assert len(read_tracks(tmp_path / name)) == n_tracks


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zip", "zst", "tar"])
def test_detection__table_called_like_an_archive__is_read(tmp_path, suffix):
    TABLE.to_csv(tmp_path / f"a.csv.{suffix}", index=False, compression=None)
    assert len(read_tracks(tmp_path / f"a.csv.{suffix}")) == 2


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip"])
def test_detection__compressed_table__is_to_be_unpacked(tmp_path, compression):
    TABLE.to_csv(tmp_path / "a.csv", index=False, compression=compression)
    with pytest.raises(TracksFileError, match="(?i)unpack it"):
        read_tracks(tmp_path / "a.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on Windows")
def test_read__pipe__is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TracksFileError, match="a pipe or a device.*write the tracks to a file"):
        read_tracks(tmp_path / "pipe")


def test_formats__unknown_name__is_an_error(tmp_path):
    with pytest.raises(TracksFileError, match="format='xls' is not known: one of auto, tidy"):
        read_tracks(TABLE, "xls")
    with pytest.raises(TracksFileError, match="format='xls' is not known"):
        write_tracks(read_tracks(TABLE), tmp_path / "a.csv", "xls")
    with pytest.raises(TracksFileError, match=r"one of \.csv, \.tsv, \.parquet, \.txt"):
        write_tracks(read_tracks(TABLE), tmp_path / "a.xls")
    with pytest.raises(TracksFileError, match="read as a tidy table, not as 'challenge'"):
        read_tracks(TABLE, "challenge")


def test_formats__other_dimension_than_asked__is_an_error():
    with pytest.raises(TracksFileError, match="has 1-D tracks, not 2-D"):
        read_tracks(TABLE, n_dims=2)


def test_parquet__written_and_read__keeps_units(tmp_path):
    tracks = read_tracks(TABLE, frame_interval=0.05, time_unit="s", space_unit="µm")
    write_tracks(tracks, tmp_path / "a.parquet")
    read = read_tracks(tmp_path / "a.parquet")
    assert (read.frame_interval, read.time_unit, read.space_unit) == (0.05, "s", "µm")
    assert read.ids == tracks.ids
    assert read_tracks(tmp_path / "a.parquet", space_unit="nm").space_unit == "nm"


def test_parquet__index_and_nullable_columns__are_read(tmp_path):
    table = TABLE.astype({"track": "Int64", "x": "Float64"}).set_index("frame")
    table.loc[1, "x"] = pd.NA
    table.to_parquet(tmp_path / "a.parquet")
    assert read_tracks(tmp_path / "a.parquet").n_points.tolist() == [1, 1]


def test_parquet__damaged_file__is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    TABLE.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(TracksFileError, match="not a readable Parquet file"):
        read_tracks(path)


def test_parquet__without_a_working_pyarrow__says_what_to_install(tmp_path, monkeypatch):
    TABLE.to_parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for use in (
        lambda: read_tracks(tmp_path / "a.parquet"),
        lambda: write_tracks(read_tracks(TABLE), tmp_path / "b.parquet"),
        lambda: write_results(TABLE, tmp_path / "c.parquet"),
    ):
        with pytest.raises(TracksFileError, match="Parquet needs pyarrow.*or use CSV"):
            use()
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_write__failure__leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.csv"
    write_tracks(read_tracks(TABLE), path)
    before = path.read_bytes()
    bad = Tracks.from_trajectories([np.zeros((2, 1))], ids=["nan"])
    with pytest.raises(TracksFileError):
        write_tracks(bad, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_results__csv__disarms_formulas_and_parquet_keeps_them(tmp_path):
    names = ["=1+1", "+1", "-x", "@x", "plain", "a=b"]
    table = pd.DataFrame({"track_id": pd.Series(names, dtype="string"), "alpha": 1 / 3})
    write_results(table, tmp_path / "a.csv")
    read = pd.read_csv(tmp_path / "a.csv")
    assert read.track_id.tolist() == ["'=1+1", "'+1", "'-x", "'@x", "plain", "a=b"]
    assert read.alpha.tolist() == [0.333333] * 6
    write_results(table, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), table)


@pytest.mark.parametrize(
    "column, written",
    [
        (pd.Categorical(["=cmd|x", "b"]), ["'=cmd|x", "b"]),
        (pd.Categorical(["=cmd|x", 1]), ["'=cmd|x", "1"]),
        (pd.Series(["=1", None], dtype=object), ["'=1", ""]),
        (pd.Series([-1.5, "@x"], dtype=object), ["-1.5", "'@x"]),
        (pd.Series(["+1", pd.NA], dtype="string"), ["'+1", ""]),
        (pd.to_datetime(["2026-01-02", None]), ["2026-01-02", ""]),
        (pd.Series([True, None], dtype="boolean"), ["True", ""]),
    ],
    ids=["categories", "mixed categories", "missing", "mixed", "string", "times", "flags"],
)
def test_results__text_in_any_column__is_disarmed(column, written, tmp_path):
    write_results(pd.DataFrame({"a": column, "n": [1, -2]}), tmp_path / "a.csv")
    read = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    assert read.a.tolist() == written
    assert read.n.tolist() == ["1", "-2"]


def test_results__headings__are_disarmed_and_may_be_alike(tmp_path):
    table = pd.DataFrame([["=a", 1, "=b", 2]], columns=["=x", "=x", "y", "y"])
    write_results(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "'=x,'=x,y,y\n'=a,1,'=b,2\n"
    assert table.columns.tolist() == ["=x", "=x", "y", "y"]
    assert table.iloc[0, 0] == "=a"


def test_results__wrong_place__is_an_error(tmp_path):
    with pytest.raises(TracksFileError, match=r"must end in \.csv or \.parquet"):
        write_results(TABLE, tmp_path / "a.xlsx")
    with pytest.raises(FileNotFoundError):
        write_results(TABLE, tmp_path / "nowhere" / "a.csv")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        write_results(TABLE, tmp_path / "b.csv")


@pytest.mark.parametrize("empty", ["", " "])
def test_tracks__unit_of_no_letters__is_unknown(empty):
    tracks = Tracks.from_trajectories(
        [np.zeros((3, 2))], frame_interval=0.1, time_unit=empty, space_unit=empty
    )
    assert (tracks.time_unit, tracks.space_unit) == (None, None)


def test_tracks__wrong_parts__is_an_error():
    x = np.zeros((3, 2))
    with pytest.raises(TrajectoryError, match="2 trajectories need 2 ids, not 1"):
        Tracks.from_trajectories([x, x], ids=["a"])
    with pytest.raises(TrajectoryError, match=r"used twice: \['a'\]"):
        Tracks.from_trajectories([x, x, x], ids=["a", "a", "b"])
    with pytest.raises(TrajectoryError):
        Tracks.from_trajectories([x, np.zeros((3, 1))])
    with pytest.raises(TrajectoryError):
        Tracks.from_trajectories([np.array([[0.0, np.nan]])])


def test_tracks__pickled__come_back():
    tracks = read_tracks(TABLE)
    again = pickle.loads(pickle.dumps(tracks))
    assert again.ids == tracks.ids
    assert dict(again).keys() == dict(tracks).keys()
    assert again.report == tracks.report


def test_report__as_a_dictionary__is_json():
    table = pd.concat([TABLE, pd.DataFrame({"track": [1], "frame": [3], "x": [1.5]})])
    report = json.loads(json.dumps(read_tracks(table).report.to_dict()))
    assert report["steps"][0]["name"] == "gaps_split"
    assert report["n_rows"] == 4


def test_report__head__says_how_many_were_read_where_that_differs(tmp_path):
    gap = pd.DataFrame({"track": [1], "frame": [3], "x": [1.5]})
    heads = {
        "2 tracks": TABLE,
        "2 tracks, read as 3 pieces": pd.concat([TABLE, gap]),
        "3 tracks, 2 read": pd.concat([TABLE, gap.assign(track=9, x=np.nan)]),
    }
    for told, table in heads.items():
        assert str(read_tracks(table).report).splitlines()[0].endswith(told)


def test_natural_order__digits_in_names__count():
    names = ["10", "9", "c10/1", "c9/2", "c9/10", "b", "9#2", "9#10", "1" * 5000, "009"]
    assert [names[i] for i in natural_order(names)] == [
        "009", "9", "9#2", "9#10", "10", "1" * 5000, "b", "c9/2", "c9/10", "c10/1",
    ]  # fmt: skip


def test_sample__bundled_tracks__are_2d_ragged_and_hold_short_ones():
    tracks = read_tracks(sample_tracks_path())
    assert tracks.n_dims == 2
    assert len(tracks) == 40
    assert 2 <= np.count_nonzero(tracks.n_points < 10) <= 8
    assert tracks.report.steps == ()


def test_read__list_of_trajectories__is_sent_to_where_it_is_read():
    with pytest.raises(TracksFileError, match="A list came.*Tracks.from_trajectories"):
        read_tracks([np.zeros((12, 2))])
