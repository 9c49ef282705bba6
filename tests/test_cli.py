"""The command line: what it prints, what it writes, how it ends."""

import errno
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from typing import get_args

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from fake_estimators import LengthAsAlpha, LengthAsModel
from tracks_in_every_format import write_trackmate_xml
from typer.testing import CliRunner

import skandi
from skandi import analyse, load_pretrained
from skandi.cli import app, predict, simulate, train
from skandi.cli.partitions import predict_partitions
from skandi.io import (
    BRANCH_POLICIES,
    DUPLICATE_POLICIES,
    FORMATS,
    GAP_POLICIES,
    WRITE_FORMATS,
    Tracks,
    read_challenge_labels,
    read_tracks,
    sample_tracks_path,
    write_tracks,
)
from skandi.pretrained import PRESETS, novelty_path, shipped_weights
from skandi.pretrained.detectors import detector_path
from skandi.pretrained.finishing import finished_weights
from skandi.provenance import file_digest
from skandi.simulate.noise import resolve_sigma
from skandi.simulate.recipes import RECIPES, TASKS
from skandi.training import stream
from skandi.weights import load_weights


def skandi_(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def quick(monkeypatch):
    """Estimators that answer at once in place of the pretrained ones."""
    models = {"alpha": LengthAsAlpha(), "model": LengthAsModel()}
    monkeypatch.setattr(
        "skandi.pretrained.load_pretrained", lambda target, *, n_dims, preset: models[target]
    )


@pytest.fixture
def tracks_csv(tmp_path):
    """Three tracks of 20, 12 and 3 points, a spot of no track, and z = 0 throughout."""
    rng = np.random.default_rng(0)
    rows = [(k, t) for k, T in ((1, 20), (2, 12), (3, 3)) for t in range(T)]
    table = pd.DataFrame([*rows, (-1, 0)], columns=["particle", "frame"])
    table["x"], table["y"], table["z"] = rng.normal(size=len(table)), table.frame * 0.5, 0
    path = tmp_path / "tracks.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_predict__output__is_one_row_per_track(quick, tracks_csv, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    result = skandi_("predict", tracks_csv, "-o", out)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    assert table.n_points.tolist() == [20, 12, 3]
    assert table.n_dims.tolist() == [2, 2, 2]
    np.testing.assert_allclose(table.alpha, [0.02, 0.012, np.nan], rtol=1e-6)
    assert table.note[2] == "too short: 3 points, at least 10 needed"
    assert result.stdout == ""


def test_predict__what_was_done__is_told_on_standard_error(quick, tracks_csv, tmp_path):
    result = skandi_("predict", tracks_csv, "-o", tmp_path / "out.csv")
    told = result.stderr
    assert "1 row of no track dropped" in told
    assert "axis z, 0 in the whole file" in told
    assert "2 of 3 tracks analysed" in told
    assert "too short: 1 track (3)" in told
    assert "unknown: frame interval, time unit, space unit" in told
    assert "say them with --frame-interval, --time-unit and --space-unit" in told
    assert "Traceback" not in told


def test_predict__without_output__prints_a_table(quick, tracks_csv):
    result = skandi_("predict", tracks_csv)
    assert result.exit_code == 0
    lines = result.stdout.strip().splitlines()
    assert lines[0].split() == ["track", "points", "α", "90", "%", "model", "p", "note"]
    assert lines[1].split() == ["1", "20", "0.02", "attm", "1.00"]
    assert "too short: 3 points" in lines[3]


def test_predict__printed_table__has_the_interval_of_each_track():
    result = skandi_("predict", sample_tracks_path())
    table = analyse(sample_tracks_path())
    for line, row in zip(result.stdout.splitlines()[1:], table.itertuples()):
        interval = re.findall(r"\[(\S+), (\S+)\]", line)
        assert interval == (
            [] if np.isnan(row.alpha) else [(f"{row.alpha_lower:.2f}", f"{row.alpha_upper:.2f}")]
        )


def test_predict__tracks_unlike_the_training__are_told(quick, monkeypatch, tracks_csv):
    analyse = skandi.analyse

    def with_a_novel_one(tracks, **options):
        table = analyse(tracks, **options)
        table["is_novel"] = pd.array([True, False, None], dtype="boolean")
        return table

    monkeypatch.setattr(sys.modules["skandi.analyse"], "analyse", with_a_novel_one)
    result = skandi_("predict", tracks_csv)
    assert "1 of 2 tracks are unlike the training data (is_novel; 1 in 20" in result.stderr
    told = ["unlike the training data" in line for line in result.stdout.splitlines()]
    assert told[:4] == [False, True, False, False]


def test_predict__printed_table_in_a_pipe__cuts_no_name(quick, tracks_csv):
    names = [f"{'Experiment_2024-01-01_cell_' * 5}{k}" for k in range(3)]
    table = pd.read_csv(tracks_csv, dtype={"particle": str})
    table["particle"] = table["particle"].map({str(k + 1): name for k, name in enumerate(names)})
    table.to_csv(tracks_csv, index=False)
    lines = skandi_("predict", tracks_csv).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == names


def test_predict__reader_of_the_table_that_stops__loses_no_file(tmp_path):
    differences, again = tmp_path / "differences.csv", tmp_path / "again.csv"
    again.write_bytes(sample_tracks_path().read_bytes())
    files = [f"a={sample_tracks_path()}", f"b={again}", "--compare", str(differences)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "skandi", "predict", *files],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(pd.read_csv(differences)) == 6


@pytest.mark.parametrize("on_windows", [True, False])
def test_predict__reader_that_stops_on_windows__is_known_by_its_error(
    tracks_csv, monkeypatch, capfd, on_windows
):
    def refused(*args, **kwargs):
        raise OSError(errno.EINVAL, "Invalid argument")

    put_away = []
    module = sys.modules["skandi.cli.predict"]
    monkeypatch.setattr(module, "_WINDOWS", on_windows)
    monkeypatch.setattr("rich.console.Console.print", refused)
    monkeypatch.setattr(os, "dup2", lambda *files: put_away.append(files))
    table = analyse(tracks_csv, alpha_model=LengthAsAlpha(), model_classifier=LengthAsModel())
    with nullcontext() if on_windows else pytest.raises(OSError, match="Invalid argument"):
        module._print_results(table)
    assert len(put_away) == on_windows


def test_predict__files_in_different_units__are_told_one_by_one(quick, tracks_csv, tmp_path):
    table = pd.read_csv(tracks_csv)
    for name, unit in (("a", "µm"), ("b", "px"), ("c", "µm")):
        tracks = read_tracks(table, frame_interval=0.1, time_unit="s", space_unit=unit)
        write_tracks(tracks, tmp_path / f"{name}.parquet")
    same = skandi_("predict", tmp_path / "a.parquet", tmp_path / "c.parquet")
    assert "other units" not in same.stderr
    result = skandi_("predict", tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert "D_alpha and duration are in other units from file to file" in result.stderr
    assert "  a: in µm²/s^α" in result.stderr
    assert "  b: in px²/s^α" in result.stderr


def test_predict__files_in_different_units__have_them_beside_each_row(quick, tmp_path):
    walk = [np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)]
    fine = {"frame_interval": 0.1, "time_unit": "s", "space_unit": "µm"}
    coarse = {"frame_interval": 100.0, "time_unit": "ms", "space_unit": "nm"}
    for name, units in {"a": fine, "b": coarse, "c": {}, "d": fine}.items():
        tracks = Tracks.from_trajectories(walk, **units)
        write_tracks(tracks, tmp_path / f"{name}.parquet")
    out = tmp_path / "out.csv"
    skandi_("predict", *(tmp_path / f"{name}.parquet" for name in "abc"), "-o", out)
    table = pd.read_csv(out, keep_default_na=False)
    assert list(table)[:5] == ["condition", "file", "space_unit", "time_unit", "track_id"]
    assert table.space_unit.tolist() == ["µm", "nm", ""]
    assert table.time_unit.tolist() == ["s", "ms", "frames"]
    skandi_("predict", *(tmp_path / f"{name}.parquet" for name in "ad"), "-o", out)
    assert list(pd.read_csv(out))[:3] == ["condition", "file", "track_id"]


def test_predict_partitions__folder_that_cannot_be_deleted__is_told_after_success(
    tmp_path, monkeypatch, capsys
):
    def refused(folder, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError(13, "in use by another program", str(folder))

    monkeypatch.setattr("skandi.cli.partitions.shutil.rmtree", refused)
    path, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    write_tracks([np.arange(40.0).reshape(20, 2) ** 1.5], path)
    fakes = {"alpha_model": LengthAsAlpha(), "model_classifier": LengthAsModel()}
    predict_partitions(path, out, None, fakes)
    told = capsys.readouterr().err
    assert "could not be deleted: in use by another program" in told
    assert f"wrote {out}" in told
    assert len(pd.read_parquet(out)) == 1


def test_predict__home_folder_behind_a_condition__is_found(quick, tracks_csv, monkeypatch):
    monkeypatch.setenv("HOME", str(tracks_csv.parent))
    monkeypatch.setenv("USERPROFILE", str(tracks_csv.parent))
    assert skandi_("predict", "control=~/tracks.csv").exit_code == 0


def test_predict__weights_of_ones_own__answer_as_in_python(tiny_weights, tmp_path):
    own = tiny_weights
    models = [load_pretrained(target, n_dims=2, path=own) for target in ("alpha", "model")]
    expected = analyse(sample_tracks_path(), alpha_model=models[0], model_classifier=models[1])
    result = skandi_("predict", sample_tracks_path(), "--weights", own, "-o", tmp_path / "a.csv")
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(pd.read_csv(tmp_path / "a.csv").alpha, expected.alpha, rtol=1e-5)
    assert not np.allclose(expected.alpha, analyse(sample_tracks_path()).alpha, equal_nan=True)
    table = tmp_path / "tracks.parquet"
    write_tracks(read_tracks(sample_tracks_path()), table)
    result = skandi_("predict", table, "--weights", own, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    parts = pd.read_parquet(tmp_path / "out")
    np.testing.assert_allclose(np.sort(parts.alpha), np.sort(expected.alpha), rtol=1e-5)
    result = skandi_("report", sample_tracks_path(), "--weights", own, "-o", tmp_path / "a.html")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"tiny.safetensors, sha256 {file_digest(own)}" in page
    assert "andi2020_2d" not in page
    line = tmp_path / "line.csv"
    write_tracks([np.arange(30.0)[:, None] ** 2], line)
    result = skandi_("predict", line, "--weights", own)
    assert result.exit_code == 2, result.output


def test_predict__hostile_names__neither_style_nor_steer_the_terminal(quick, tmp_path):
    path = tmp_path / "tracks.csv"
    table = pd.DataFrame({"track": ["[red]", "\x1b[2J", "=1+1"], "frame": 0, "x": [1.0, 2.0, 3.0]})
    table.to_csv(path, index=False)
    result = skandi_("predict", path)
    assert "[red]" in result.stdout
    assert "\x1b" not in result.stdout
    skandi_("predict", path, "-o", tmp_path / "out.csv")
    assert "\n'=1+1,1,1," in (tmp_path / "out.csv").read_text()


def test_predict__gaps__are_split_or_refused_or_filled(quick, tmp_path):
    path = tmp_path / "tracks.csv"
    frames = [*range(15), *range(16, 30)]
    pd.DataFrame({"track": 1, "frame": frames, "x": np.sqrt(frames)}).to_csv(path, index=False)
    out = tmp_path / "out.csv"
    expected = {"split": ["1#1", "1#2"], "interpolate": ["1"]}
    for gaps, ids in expected.items():
        assert skandi_("predict", path, "-o", out, "--gaps", gaps).exit_code == 0
        assert pd.read_csv(out, dtype={"track_id": str}).track_id.tolist() == ids
    result = skandi_("predict", path, "--gaps", "error")
    assert result.exit_code == 2
    assert "1 of 1 track with missing frames" in result.stderr


def test_predict__challenge_file_of_mixed_dimensions__takes_those_asked_for(quick, tmp_path):
    path = tmp_path / "task1.txt"
    one, two = ";".join(map(str, range(12))), ";".join(map(str, range(24)))
    path.write_text(f"1;{one}\n2;{two}\n")
    assert skandi_("predict", path).exit_code == 2
    out = tmp_path / "out.csv"
    assert skandi_("predict", path, "--dims", 2, "-o", out).exit_code == 0
    assert pd.read_csv(out).n_dims.tolist() == [2]


def table_of_tracks(path, n_tracks, T, seed=0):
    x = np.random.default_rng(seed).normal(size=(n_tracks, T, 2)).cumsum(axis=1)
    frame = pd.DataFrame(x.reshape(-1, 2), columns=["x", "y"])
    frame["track"] = np.repeat(np.arange(n_tracks), T)
    frame["frame"] = np.tile(np.arange(T), n_tracks)
    frame.to_csv(path, index=False)


def test_predict__several_files__are_one_table_with_their_conditions(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, T in (("ctrl_1", 20), ("ctrl_2", 30), ("drug_1", 41), ("drug_2", 40)):
        table_of_tracks(f"{name}.csv", 3, T)
    arguments = ("control=ctrl_*.csv", "drug=drug_[12].csv", "-o", "o.csv", "--compare", "d.csv")
    result = skandi_("predict", *arguments)
    assert result.exit_code == 0, result.output
    table = pd.read_csv("o.csv")
    assert list(table)[:3] == ["condition", "file", "track_id"]
    assert table.condition.tolist() == ["control"] * 6 + ["drug"] * 6
    assert table.file.unique().tolist() == ["ctrl_1.csv", "ctrl_2.csv", "drug_1.csv", "drug_2.csv"]
    assert table.n_points.unique().tolist() == [20, 30, 41, 40]
    difference = pd.read_csv("d.csv").iloc[0]
    assert (difference.reference, difference.condition) == ("control", "drug")
    assert difference.difference == pytest.approx(0.0405 - 0.025, rel=1e-4)
    assert (difference.n_files, difference.n_tracks) == (2, 6)
    assert "median alpha, drug less control: +0.01" in result.stderr


def test_predict__several_files__count_what_they_skipped(quick, tmp_path):
    for name in "ab":
        table_of_tracks(tmp_path / f"{name}.csv", 3, 5)
    result = skandi_("predict", tmp_path / "a.csv", tmp_path / "b.csv")
    assert "too short: 6 tracks\n" in result.stderr  # "0, 1, 2, 0, 1, 2" would name nothing


def test_predict__first_condition_without_an_answer__is_said(quick, tmp_path):
    for name, T in (("a", 5), ("b", 20), ("c", 30)):
        table_of_tracks(tmp_path / f"{name}.csv", 3, T)
    result = skandi_("predict", *(tmp_path / f"{name}.csv" for name in "abc"))
    assert "no track of a has an answer: compared with the next condition" in result.stderr
    assert "c less b" in result.stderr


def test_predict__files_without_a_condition__are_one_each(quick, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    table_of_tracks(tmp_path / "a" / "x.csv", 2, 20)
    table_of_tracks(tmp_path / "b" / "x.csv", 2, 20)
    table_of_tracks(tmp_path / "c=d[1].csv", 2, 20)
    out = tmp_path / "out.csv"
    assert skandi_("predict", tmp_path / "*" / "x.csv", "-o", out).exit_code == 0
    assert pd.read_csv(out).condition.unique().tolist() == ["a/x.csv", "b/x.csv"]
    assert skandi_("predict", tmp_path / "c=d[1].csv", "-o", out).exit_code == 0
    assert "condition" not in pd.read_csv(out)
    assert skandi_("predict", f"k={tmp_path / 'c=d[1].csv'}", "-o", out).exit_code == 0
    assert pd.read_csv(out).condition.unique().tolist() == ["k"]


def test_predict__units_on_the_command_line__give_a_diffusion_coefficient(quick, tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "out.csv"
    table_of_tracks(path, 3, 200)
    told = skandi_("predict", path, "-o", out).stderr
    assert "D_alpha: not computed, unknown: frame interval, time unit, space unit" in told
    units = ("--frame-interval", 0.1, "--time-unit", "s", "--space-unit", "µm")
    told = skandi_("predict", path, "-o", out, *units).stderr
    assert "D_alpha: in µm²/s^α" in told
    assert pd.read_csv(out).D_alpha.notna().any()


def test_report__file__becomes_a_page(quick, no_pictures, tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "report.html"
    table_of_tracks(path, 3, 20)
    result = skandi_("report", path, "-o", out)
    assert result.exit_code == 0, result.output
    page = out.read_text(encoding="utf-8")
    assert re.search(r"andi2020_2d\.safetensors, sha256 [0-9a-f]{12}", page)
    assert f"wrote {out}" in result.stderr
    assert "<title>Anomalous diffusion: a.csv</title>" in page


def test_report__coverage__is_told_beside_the_intervals(no_pictures, tmp_path):
    out = tmp_path / "report.html"
    result = skandi_("report", sample_tracks_path(), "-o", out, "--coverage", 0.5)
    assert result.exit_code == 0, result.output
    assert "lies the true α of 50 % of tracks" in out.read_text(encoding="utf-8")


def test_predict__coverage_and_preset__are_those_of_analyse(tmp_path):
    out = tmp_path / "out.parquet"
    tracks = sample_tracks_path()
    assert skandi_("predict", tracks, "-o", out, "--coverage", 0.5).exit_code == 0
    expected = analyse(tracks, coverage=0.5)
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected)
    assert pd.read_parquet(out).attrs["coverage"] == 0.5
    printed = skandi_("predict", tracks, "--coverage", 0.5, "--preset", "best").stdout
    assert printed.splitlines()[0].split()[3:5] == ["50", "%"]
    best = analyse(tracks, preset="best")
    assert printed.splitlines()[1].split()[2] == f"{best.alpha[0]:.2f}"
    assert skandi_("predict", tracks, "--coverage", 90).exit_code == 2
    printed = skandi_("predict", tracks, "--coverage", 0.975).stdout
    assert printed.splitlines()[0].split()[3:5] == ["97.5", "%"]


def test_report__several_files__are_named_in_its_title(quick, no_pictures, tmp_path):
    for k in range(6):
        table_of_tracks(tmp_path / f"{k}.csv", 1, 20)
    out = tmp_path / "report.html"
    titles = {
        "Anomalous diffusion: a, b": [f"a={tmp_path}/[01].csv", f"b={tmp_path}/[23].csv"],
        "Anomalous diffusion: 0.csv, 1.csv, 2.csv, 3.csv, …": [f"{tmp_path}/?.csv"],
    }
    for title, arguments in titles.items():
        assert skandi_("report", *arguments, "-o", out).exit_code == 0
        assert f"<h1>{title}</h1>" in out.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="names elsewhere are text")
def test_predict_and_report__names_that_are_no_text__are_told_by_their_bytes(
    quick, no_pictures, tmp_path
):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")
    for path in (odd, tmp_path / "b.csv"):
        table_of_tracks(path, 1, 20)
    out = tmp_path / "out.csv"
    assert skandi_("predict", odd, tmp_path / "b.csv", "-o", out).exit_code == 0
    assert pd.read_csv(out).condition.tolist() == [r"caf\udce9", "b"]
    page = tmp_path / "page.html"
    assert skandi_("report", odd, "-o", page).exit_code == 0
    assert r"caf\udce9.csv</h1>" in page.read_text(encoding="utf-8")


def test_predict__no_track_long_enough__is_exit_code_1_and_still_a_table(quick, tmp_path):
    path, out = tmp_path / "tracks.csv", tmp_path / "out.csv"
    path.write_text("track,frame,x\n1,0,0.5\n1,1,1.5\n2,0,3.5\n")
    result = skandi_("predict", path, "-o", out)
    assert result.exit_code == 1
    assert "no track could be analysed" in result.stderr
    assert len(pd.read_csv(out)) == 2


@pytest.mark.parametrize("command", ["predict", "report"])
def test_columns__of_other_names__are_told_on_the_command_line(quick, tmp_path, command):
    path, out = tmp_path / "cells.csv", tmp_path / "out"
    rows = "".join(f"a=b,{k},{k**2}\n" for k in range(20))
    path.write_text(f"ID,T,Position = X\n{rows}")
    told = ("--column", "track=ID", "--column", "time=T", "--column", "x=Position = X")
    out = out.with_suffix(".html" if command == "report" else ".csv")
    result = skandi_(command, path, *told, "-o", out)
    assert result.exit_code == 0, result.output
    assert "20 rows, 1 track" in result.stderr
    assert "a=b" in out.read_text(encoding="utf-8")


ERRORS = {
    "no file": ("predict", "{tmp}/nowhere.csv"),
    "a folder": ("predict", "{tmp}"),
    "no columns": ("predict", "{tmp}/bad.csv"),
    "wrong suffix": ("predict", "{tmp}/good.csv", "-o", "{tmp}/out.xlsx"),
    "no folder to write to": ("predict", "{tmp}/good.csv", "-o", "{tmp}/nowhere/out.csv"),
    "wrong length": ("simulate", "-o", "{tmp}/a.csv", "--length", "long"),
    "wrong noise": ("simulate", "-o", "{tmp}/a.csv", "--snr", "loud"),
    "impossible noise": ("simulate", "-o", "{tmp}/a.csv", "--snr", "0-5"),
    "endless noise": ("simulate", "-o", "{tmp}/a.csv", "--snr", "2-inf"),
    "impossible length": ("simulate", "-o", "{tmp}/a.csv", "--length", "50-20"),
    "unknown suffix": ("simulate", "-o", "{tmp}/a.xlsx"),
    "no folder for tracks": ("simulate", "-o", "{tmp}/nowhere/a.csv"),
    "empty file": ("predict", "{tmp}/empty.csv"),
    "no file like it": ("predict", "{tmp}/z*.csv"),
    "twice the same file": ("predict", "{tmp}/good.csv", "{tmp}/go*.csv"),
    "twice under two names": ("predict", "{tmp}/good.csv", "{tmp}/../{tmp.name}/good.csv"),
    "name that is a condition": ("predict", "good={tmp}/empty.csv", "{tmp}/good.csv"),
    "report that is no page": ("report", "{tmp}/good.csv", "-o", "{tmp}/out.pdf"),
    "folder to a table": ("predict", "{tmp}", "-o", "{tmp}/out.csv"),
    "output that is an input": ("predict", "{tmp}/good.csv", "-o", "{tmp}/good.csv"),
    "differences for an input": (
        *("predict", "{tmp}/good.csv", "-o", "{tmp}/out.csv", "--compare", "{tmp}/good.csv"),
    ),
    "differences for results": (
        *("predict", "{tmp}/good.csv", "-o", "{tmp}/out.csv", "--compare", "{tmp}/out.csv"),
    ),
    "weights that are joined": ("join", "{tmp}/good.csv", "-o", "{tmp}/good.csv"),
    "weights of another name": ("join", "{tmp}/good.csv", "-o", "{tmp}/both.v1"),
    "training of another name": ("train", "-o", "{tmp}/net.v1"),
    "format against the name": ("simulate", "-o", "{tmp}/a.parquet", "--format", "tidy"),
    "suffix without a name": ("simulate", "-o", "{tmp}/.csv"),
    "differences of one file": ("predict", "{tmp}/good.csv", "--compare", "{tmp}/out.csv"),
    "column without a name": ("predict", "{tmp}/bad.csv", "--column", "x="),
    "column told twice": ("predict", "{tmp}/bad.csv", "--column", "x=a", "--column", "x=b"),
    "column of nothing": ("predict", "{tmp}/bad.csv", "--column", "w=a"),
    "column of partitions": (
        *("predict", "{tmp}/t.parquet", "-o", "{tmp}/out", "--column", "x=a"),
    ),
    "condition of nothing": ("predict", "a="),
    "working folder": ("predict", "."),
    "no folder for a report": ("report", "{tmp}/good.csv", "-o", "{tmp}/nowhere/out.html"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors__expected_ones__are_one_line_and_exit_code_2(quick, tmp_path, case):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "good.csv").write_text("track,frame,x\n1,0,0.5\n")
    (tmp_path / "empty.csv").write_text("")
    write_tracks([np.zeros((2, 1))], tmp_path / "t.parquet")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = skandi_(*(part.format(tmp=tmp_path) for part in ERRORS[case]))
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if "error" in line]
    assert re.match(r"skandi: error: \S", line)
    assert result.stderr.strip().endswith(line)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_errors__unexpected_one__is_not_hidden(quick, monkeypatch, tracks_csv):
    monkeypatch.setattr(LengthAsAlpha, "predict", lambda self, X: 1 / 0)
    assert isinstance(skandi_("predict", tracks_csv).exception, ZeroDivisionError)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_simulate__table__holds_tracks_and_truth(tmp_path, suffix):
    out = tmp_path / f"a{suffix}"
    arguments = ("-n", 6, "--dims", 2, "--length", "10-20", "--seed", 3)
    result = skandi_("simulate", "-o", out, *arguments)
    assert result.exit_code == 0, result.output
    X, alpha, truth = skandi.simulate.make_andi(
        6, n_dims=2, length=(10, 20), random_state=3, return_truth=True
    )
    tracks = read_tracks(out)
    assert tracks.ids == ["0", "1", "2", "3", "4", "5"]
    for x_read, x in zip(tracks.trajectories, X, strict=True):
        np.testing.assert_array_equal(x_read, x)
    if suffix == ".parquet":
        read = pd.read_parquet(tmp_path / "a_truth.parquet")
    else:
        read = pd.read_csv(tmp_path / "a_truth.csv")
    assert list(read) == ["track_id", *truth]
    np.testing.assert_allclose(read.alpha, alpha)
    assert read.length.tolist() == [len(x) for x in X]


@pytest.mark.parametrize("task, number", [("alpha", 1), ("model", 2)])
def test_simulate__folder__is_the_challenges_text(tmp_path, task, number):
    out = tmp_path / "challenge"
    arguments = ("-n", 5, "--task", task, "--length", 15, "--seed", 1, "--dims", 3)
    assert skandi_("simulate", "-o", out, *arguments).exit_code == 0
    X, y = skandi.simulate.make_andi(5, n_dims=3, task=task, length=15, random_state=1)
    tracks = read_tracks(out / f"task{number}.txt")
    for x_read, x in zip(tracks.trajectories, X, strict=True):
        np.testing.assert_array_equal(x_read, x)
    np.testing.assert_array_equal(read_challenge_labels(out / f"ref{number}.txt", task), y)
    assert len(pd.read_csv(out / f"truth{number}.csv")) == 5


def test_simulate__no_seed__names_the_one_it_took(tmp_path):
    arguments = ("-n", 2, "--length", 10)
    told = skandi_("simulate", "-o", tmp_path / "a.csv", *arguments).stderr
    (seed,) = re.findall(r"seed (\d+)", told)
    skandi_("simulate", "-o", tmp_path / "b.csv", *arguments, "--seed", seed)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_simulate__range_of_noise__is_a_ratio_for_each_track(tmp_path):
    arguments = ("-n", 300, "--dims", 2, "--length", 10, "--seed", 1)
    assert skandi_("simulate", "-o", tmp_path / "a.csv", *arguments, "--snr", "2-8").exit_code == 0
    ratios = 1 / pd.read_csv(tmp_path / "a_truth.csv")[["sigma_x", "sigma_y"]]
    assert (ratios.sigma_x == ratios.sigma_y).all()
    assert ratios.sigma_x.between(2, 8).all()
    assert abs((ratios.sigma_x < 4).mean() - 0.5) < 0.1  # uniform in the logarithm
    assert skandi_("simulate", "-o", tmp_path / "b.csv", *arguments, "--snr", "5").exit_code == 0
    assert (pd.read_csv(tmp_path / "b_truth.csv")[["sigma_x", "sigma_y"]] == 0.2).all(axis=None)


def test_simulate__command_of_the_bundled_sample__makes_it(tmp_path):
    readme = sample_tracks_path().with_name("README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ skandi (simulate .*) -o sample_tracks.csv$", readme, re.MULTILINE)
    assert skandi_(*command.split(), "-o", tmp_path / "sample_tracks.csv").exit_code == 0
    made, kept = read_tracks(tmp_path / "sample_tracks.csv"), read_tracks(sample_tracks_path())
    assert made.ids == kept.ids
    for x, x_kept in zip(made.trajectories, kept.trajectories, strict=True):
        # logarithms may differ in their last bit from one processor to the next
        np.testing.assert_allclose(x, x_kept, rtol=1e-6, atol=1e-6)
    truth = [sample_tracks_path().parent, tmp_path]
    truth = [pd.read_csv(folder / "sample_tracks_truth.csv") for folder in truth]
    pd.testing.assert_frame_equal(*truth)


def test_predict__one_condition_with_answers__says_that_nothing_is_compared(capsys):
    predict._compare(pd.DataFrame({"condition": ["a", "b"], "alpha": [1.0, np.nan]}), None)
    assert "nothing to compare: fewer than two conditions" in capsys.readouterr().err


@pytest.fixture
def small_training(monkeypatch):
    """The stream trainer with a network and batches that take no time."""
    network = {"channels": (16,) * 5, "recurrent_size": 4}
    config = partial(stream.StreamTraining, network=network, batch_points=2_000)
    trainer = partial(stream.StreamTrainer, validation_size=20)
    monkeypatch.setattr(stream, "StreamTraining", config)
    monkeypatch.setattr(stream, "StreamTrainer", trainer)


QUICK = ("--calibration-size", 40, "--novelty-size", 40)


def test_join__two_trainings__writes_weights_that_load_and_start_others(small_training, tmp_path):
    common = ("--dims", 2, "--steps", 1, "--test-size", 20, "--precision", "float32", *QUICK)
    one, two, both = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "both"))
    for seed, out in enumerate((one, two)):
        assert skandi_("train", *common, "--seed", seed, "-o", out).exit_code == 0
    result = skandi_("join", one, tmp_path / "t*.safetensors", "-o", both, *QUICK)
    assert result.exit_code == 0, result.output
    assert "2 networks" in result.stderr
    best = skandi.load_pretrained("alpha", n_dims=2, path=both, preset="best")
    assert len(best.net_.module_.members) == 2
    assert best.predict_interval([np.arange(40.0).reshape(20, 2)]).shape == (1, 2)

    out = tmp_path / "three.safetensors"
    result = skandi_("train", *common, "--init", both, "--teacher", both, "-o", out)
    assert "new: nothing" in result.stderr, result.output
    assert load_weights(out)[0]["training"]["teacher"] == file_digest(both)


@pytest.mark.parametrize("command", ["train", "join"])
def test_weights__interrupted_before_they_are_whole__leave_what_was_there(
    small_training, monkeypatch, tmp_path, command
):
    common = ("--dims", 2, "--steps", 1, "--test-size", 20, "--precision", "float32")
    one, two, out = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "out"))
    if command == "join":
        for seed, made in enumerate((one, two)):
            plain = ("--seed", seed, "--calibration-size", 0, "--novelty-size", 0, "-o", made)
            assert skandi_("train", *common, *plain).exit_code == 0
    out.write_text("what was there")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")}

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("skandi.pretrained.fitting_novelty.fit_novelty", interrupted)
    arguments = (one, two) if command == "join" else common
    assert skandi_(command, *arguments, *QUICK, "-o", out).exit_code != 0
    assert {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_finished_weights__through_a_link__are_where_it_points(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir(), here.mkdir()
    (here / "out.safetensors").symlink_to(there / "out.safetensors")
    with finished_weights(here / "out.safetensors") as aside:
        aside.write_text("weights")
        novelty_path(aside).write_text("statistics")
    assert (there / "out.safetensors").read_text() == "weights"
    assert (here / "out.safetensors").is_symlink()
    assert (here / "out.novelty.safetensors").read_text() == "statistics"


def test_train__run__writes_weights_that_load(small_training, tmp_path):
    out = tmp_path / "my.safetensors"
    arguments = (
        "train",
        "--dims",
        2,
        "-o",
        out,
        "--test-size",
        20,
        "--precision",
        "float32",
        *QUICK,
    )
    result = skandi_(*arguments, "--steps", 3)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "step 3 of 3: loss" in result.stderr
    assert re.search(r"wrote .*: MAE [\d.]+, F1 [\d.]+ on 20 fresh", result.stderr)
    regressor = skandi.load_pretrained("alpha", n_dims=2, path=out)
    assert np.isfinite(regressor.predict([np.random.default_rng(0).normal(size=(30, 2))]))

    again = skandi_(*arguments, "--steps", 5)
    assert again.exit_code == 2
    assert "holds a checkpoint. Add --resume" in again.stderr
    config, _ = load_weights(out)
    assert config["calibration"]["size"] == 40
    resumed = skandi_(*arguments, "--steps", 5, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "going on at step 3 of 5" in resumed.stderr


def test_train__noise_of_ones_own__is_that_of_all_data_and_told_in_the_file(
    small_training, monkeypatch, tmp_path
):
    asked = []

    def noting(*args, **kwargs):
        asked.append(resolve_sigma(*args, **kwargs))
        return asked[-1]

    for module in ("noise", "recipes", "stream"):
        monkeypatch.setattr(f"skandi.simulate.{module}.resolve_sigma", noting)
    out = tmp_path / "my.safetensors"
    common = ("--steps", 1, "--test-size", 20, "--precision", "float32", *QUICK)
    result = skandi_("train", *common, "--dims", 2, "--snr", "4-6", "-o", out)
    assert result.exit_code == 0, result.output
    # a stream's check and its batches; validation, test, corrections; the known, ranked and others
    assert len(asked) >= 2 + 3 * 2 + 3
    levels = np.concatenate(asked)
    assert ((levels >= 1 / 6) & (levels <= 1 / 4)).all()
    assert load_weights(out)[0]["training"]["snr_range"] == [4.0, 6.0]

    go_on = ("--dims", 2, "-o", out, "--resume", "--snr")
    other = skandi_("train", *common, *go_on, "4-7")
    assert "made with another snr_range" in other.stderr
    again = skandi_("train", *common, *go_on, "4-6")
    assert again.exit_code == 0, again.output
    usual = tmp_path / "usual.safetensors"
    assert skandi_("train", *common, "--dims", 2, "-o", usual).exit_code == 0
    joined = skandi_("join", usual, out, "-o", tmp_path / "both.safetensors", *QUICK)
    assert "snr_range" in joined.stderr
    assert joined.exit_code == 2


def test_train__bundled__names_the_weights_that_come_with_skandi(small_training, tmp_path):
    arguments = ("--dims", 2, "--test-size", 20, "--precision", "float32", "--steps", 1, *QUICK)
    result = skandi_("train", "-o", tmp_path / "a.safetensors", "--init", "bundled", *arguments)
    assert result.exit_code == 0, result.output
    assert f"started from {shipped_weights(2)}" in result.stderr
    other = skandi_("train", "-o", tmp_path / "b.safetensors", "--init", "bundle", *arguments)
    assert other.exit_code == 2
    assert "There is no weight file bundle" in other.stderr


def test_train__initial_weights_of_another_dimension__are_taken_where_they_fit(
    small_training, tmp_path
):
    arguments = ("--test-size", 20, "--precision", "float32", "--steps", 1, *QUICK)
    first, second = tmp_path / "1d.safetensors", tmp_path / "3d.safetensors"
    assert skandi_("train", "-o", first, *arguments).exit_code == 0
    result = skandi_("train", "-o", second, "--dims", 3, "--init", first, *arguments)
    assert result.exit_code == 0, result.output
    assert f"started from {first}; new: " in result.stderr
    # the card tells every training, and a resumed one does not forget
    go_on = ("--test-size", 20, "--precision", "float32", "--steps", 2, *QUICK, "--resume")
    assert skandi_("train", "-o", second, "--dims", 3, *go_on).exit_code == 0
    training = load_weights(second)[0]["training"]
    assert [each["n_dims"] for each in training["earlier"]] == [1]
    assert training["earlier"][0] == {
        k: v for k, v in load_weights(first)[0]["training"].items() if k != "earlier"
    }
    assert training["steps_done"] == 2


@pytest.mark.parametrize(
    "option, message",
    [
        ("--lr=-1", "--lr"),
        ("--lr=inf", "lr is inf"),
        ("--cooldown=20001", "cooldown is 20001 and steps 20000"),
        ("--novelty-size=1", "--novelty-size 1 is too few"),
        (f"--init={detector_path('all', 20)}", "holds no network made by `skandi train`"),
    ],
)
def test_train__senseless_option__is_refused_before_anything_is_made(option, message, tmp_path):
    result = skandi_("train", "-o", tmp_path / "w.safetensors", option)
    assert result.exit_code != 0
    assert message in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["train", "join"])
def test_weights__output_that_is_a_folder_or_read__is_refused_before_the_work(command, tmp_path):
    folder, read = tmp_path / "folder.safetensors", tmp_path / "read.safetensors"
    folder.mkdir()
    read.write_text("weights")
    inputs = ("--init", read) if command == "train" else (read, read)
    for output, message in ((folder, "is a directory"), (read, "is an input")):
        result = skandi_(command, *inputs, "-o", output)
        assert result.exit_code == 2
        assert message in result.stderr
    assert sorted(tmp_path.iterdir()) == [folder, read]
    assert read.read_text() == "weights"


def test_info__installation__names_versions_weights_and_scores():
    result = skandi_("info")
    assert result.exit_code == 0, result.output
    first, packages, threads, *weights = result.stdout.splitlines()
    assert first.startswith(f"skandi {skandi.__version__}, Python ")
    assert f"numpy {np.__version__}" in packages
    assert "threads of torch" in threads
    for n_dims in (1, 2, 3):
        (line,) = [line for line in weights if line.startswith(f"  {n_dims}D")]
        assert re.search(r"andi-2020, 10-999 points: MAE of α 0\.\d+ ± 0\.\d+, F1", line)


def test_info__files__tells_of_each(small_training, tmp_path):
    weights, tracks = tmp_path / "my.safetensors", tmp_path / "tracks.csv"
    common = ("--steps", 1, "--test-size", 20, "--precision", "float32", "--dims", 2)
    none = ("--calibration-size", 0, "--novelty-size", 0)
    assert skandi_("train", *common, "--snr", "3-8", *none, "-o", weights).exit_code == 0
    write_tracks(Tracks.from_trajectories([np.ones((5, 2)), np.ones((8, 2))]), tracks)
    result = skandi_("info", weights, tracks)
    assert result.exit_code == 0, result.output
    first, report, told = result.stdout.splitlines()
    assert first.startswith(f"{weights}: andi-2020, 10-999 points, SNR 3-8: MAE of α ")
    assert report == f"{tracks} (tidy): 13 rows, 2 tracks"
    assert told == (
        "  2D, 5 to 8 points, 6.5 in the median; frame interval not said; positions in an unknown "
        "unit"
    )


def test_info__pattern_that_no_shell_expanded__is_expanded(tmp_path):
    for name in ("a", "b"):
        write_tracks([np.ones((5, 2))], tmp_path / f"{name}.csv")
    result = skandi_("info", tmp_path / "*.csv")
    assert [line.split()[0] for line in result.stdout.splitlines()[::2]] == [
        str(tmp_path / f"{name}.csv") for name in ("a", "b")
    ]
    (tmp_path / "a[1].csv").write_bytes((tmp_path / "a.csv").read_bytes())
    assert str(tmp_path / "a[1].csv") in skandi_("info", tmp_path / "a[1].csv").stdout
    assert "no file has a name like" in skandi_("info", tmp_path / "*.xml").stderr


def test_main__patterns__are_left_to_those_who_read_files(monkeypatch):
    asked = []
    monkeypatch.setattr(skandi.cli, "app", lambda arguments, **settings: asked.append(arguments))
    monkeypatch.setattr(sys, "argv", ["skandi", "predict", "~/a*.csv", "-o", "b[1].csv"])
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    for on_windows in (False, True):
        monkeypatch.setattr(skandi.cli, "_WINDOWS", on_windows)
        skandi.cli.main()
    assert asked == [
        ["predict", "~/a*.csv", "-o", "b[1].csv"],
        ["predict", "/home/me/a*.csv", "-o", "b[1].csv"],
    ]


def test_info__file_of_another_kind__is_refused(tmp_path):
    other = skandi_("info", detector_path("all", 20))
    assert other.exit_code == 2
    assert "holds no network made by `skandi train`" in other.stderr
    missing = skandi_("info", tmp_path / "missing.csv")
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr


def test_info__damaged_weights__are_named(monkeypatch, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    monkeypatch.setattr(
        "skandi.pretrained.shipped_weights", lambda n_dims: tmp_path / "broken.safetensors"
    )
    result = skandi_("info")
    assert result.exit_code == 1
    assert result.stdout.count("broken.safetensors cannot be read") == 3


def test_choices__of_options__are_those_of_the_functions():
    assert get_args(predict.TracksFormat) == FORMATS
    # napari's arrays have no place for what was simulated
    assert set(get_args(simulate.OutputFormat)) == set(WRITE_FORMATS) - {"napari"}
    assert get_args(predict.Gaps) == GAP_POLICIES
    assert set(get_args(predict.Preset)) == set(PRESETS)
    assert get_args(predict.Branches) == BRANCH_POLICIES
    assert get_args(predict.Duplicates) == DUPLICATE_POLICIES
    assert get_args(simulate.Recipe) == RECIPES
    assert get_args(simulate.Task) == TASKS
    assert set(get_args(train.Recipe)) < set(RECIPES)


def test_help__every_command__has_an_example():
    for command in app.registered_commands:
        name = command.callback.__name__
        result = skandi_(name, "--help")
        assert result.exit_code == 0
        assert f"skandi {name} " in result.stdout
    assert skandi_("--help").exit_code == 0


@pytest.mark.parametrize("command", ["predict", "report"])
def test_help__patterns__keep_their_asterisks(command):
    """Markdown would take two of them for the ends of emphasis."""
    told = " ".join(re.sub("[│╭╮╰╯─]", " ", skandi_(command, "--help").stdout).split())
    assert "A pattern such as ctrl_*.csv stands for all files like it" in told
    assert '"control=ctrl_*.csv", in quotes, names their condition' in told
    assert command == "report" or '"all=film_*.csv" makes one of many films' in told


def test_version__option__prints_it():
    result = skandi_("--version")
    assert (result.exit_code, result.stdout) == (0, f"skandi {skandi.__version__}\n")


def test_help__imports__nothing_heavy():
    code = (
        "import sys; from skandi.cli import app; app(['--help'], standalone_mode=False);"
        "heavy = {'torch', 'pandas', 'sklearn', 'numpy', 'matplotlib', 'jinja2'};"
        "print(*sorted(heavy & set(sys.modules)), 'end')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "end"


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "skandi", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | environment,
        check=False,
    )


def test_process__terminal_without_greek__still_gets_help():
    done = process("--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "The exponent ? and the model" in done.stdout


def test_process__expected_error__is_no_traceback(tmp_path):
    done = process("predict", tmp_path / "nowhere.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"skandi: error: no such file or directory: {tmp_path / 'nowhere.csv'}\n"


def test_process__bundled_tracks_and_weights__end_with_0(tmp_path):
    out = tmp_path / "out.csv"
    done = process("predict", sample_tracks_path(), "-o", out)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    table = pd.read_csv(out)
    assert table.alpha.notna().sum() >= 30
    assert table.note.str.startswith("too short").sum() == table.alpha.isna().sum() > 0


def test_export__bundled_weights__make_a_file_that_runs(tmp_path):
    path = tmp_path / "andi.onnx"
    result = skandi_("export", "--dims", "1", "-o", path)
    assert result.exit_code == 0, result.output
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    walk = np.random.default_rng(0).normal(size=(1, 30, 1)).cumsum(axis=1).astype(np.float32)
    alpha, model = session.run(["alpha", "model"], {"positions": walk})
    assert 0 < alpha[0, 0] < 2
    assert model.sum() == pytest.approx(1, abs=1e-5)


def test_export__name_without_onnx__is_refused(tmp_path):
    result = skandi_("export", "-o", tmp_path / "andi.bin")
    assert result.exit_code == 2
    assert "ends in .onnx" in result.output


def test_predict__duplicates__stop_or_are_settled_as_asked(quick, tracks_csv, tmp_path):
    table = pd.read_csv(tracks_csv)
    pd.concat([table, table.iloc[:1].assign(x=9.0)]).to_csv(tracks_csv, index=False)
    assert skandi_("predict", tracks_csv).exit_code == 2
    result = skandi_("predict", tracks_csv, "--duplicates", "mean", "-o", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out.csv")["n_points"].tolist() == [20, 12, 3]


def test_predict__branches__are_cut_or_stop_it(quick, tmp_path):
    spots = [(k, k, float(k), 0.5 * k) for k in range(4)]
    spots.append((9, 2, 5.0, 5.0))  # a second spot after spot 1
    edges = {0: [(0, 1), (1, 2), (1, 9), (2, 3)]}
    path = write_trackmate_xml(tmp_path / "tracks.xml", spots, edges, kept=[0])
    assert skandi_("predict", path, "--branches", "error").exit_code == 2
    out = tmp_path / "out.csv"
    for branches, points in {"longest": [4], "split": [1, 2, 2]}.items():
        skandi_("predict", path, "--branches", branches, "-o", out)
        assert sorted(pd.read_csv(out)["n_points"]) == points
