"""Files that are whole or not there, on systems with other manners than Linux."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_estimators import LengthAsAlpha, LengthAsModel

from skandi import files
from skandi.cli.console import require_place
from skandi.distributed import merge_partitions, predict
from skandi.files import replacing
from skandi.io import check_results_path, write_results, write_tracks
from skandi.weights import save_weights

WALKS = [np.random.default_rng(k).normal(size=(20, 2)).cumsum(axis=0) for k in range(6)]
TABLE = pd.DataFrame({"track_id": ["1"], "alpha": [0.5]})


def in_partitions(path):
    write_tracks(WALKS, path.with_name("in.parquet"))
    folder = path.with_name("parts")
    fakes = {"alpha_model": LengthAsAlpha(), "model_classifier": LengthAsModel()}
    predict(path.with_name("in.parquet"), folder, n_partitions=2, **fakes)
    merge_partitions(folder, path)


WRITERS = {
    "results.csv": lambda path: write_results(TABLE, path),
    "results.parquet": lambda path: write_results(TABLE, path),
    "merged.parquet": in_partitions,
    "tracks.csv": lambda path: write_tracks(WALKS, path),
    "tracks.npy": lambda path: write_tracks(WALKS, path),
    "w.safetensors": lambda path: save_weights(path, {"w": torch.ones(9)}, {}),
}


def open_files():
    for number in os.listdir("/proc/self/fd"):
        yield os.path.realpath(f"/proc/self/fd/{number}")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells what is open")
@pytest.mark.parametrize("name", WRITERS)
def test_writers__before_the_exchange__have_closed_the_file(name, tmp_path, monkeypatch):
    renamed = []

    def replace(aside, target):
        renamed.append(Path(target))
        assert os.path.realpath(aside) not in set(open_files())
        os.rename(aside, target)

    monkeypatch.setattr(files.os, "replace", replace)
    WRITERS[name](tmp_path / name)
    assert tmp_path / name in renamed


@pytest.fixture
def as_windows(monkeypatch):
    """A system that replaces no open file; gives how often it refuses, and the waiting times."""
    left, slept = [0], []

    def replace(aside, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "Access is denied", str(aside))
        os.rename(aside, target)

    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(files.os, "replace", replace)
    monkeypatch.setattr(files.time, "sleep", slept.append)
    return left, slept


def test_replacing__file_held_for_a_moment__waits(as_windows, tmp_path):
    left, slept = as_windows
    left[0] = 2
    write_results(TABLE, tmp_path / "results.csv")
    assert (tmp_path / "results.csv").exists()
    assert len(slept) == 2


def test_replacing__file_held_on_and_on__is_named_and_stays(as_windows, tmp_path):
    left, slept = as_windows
    left[0] = 1_000
    path = tmp_path / "results.csv"
    path.write_text("old")
    with pytest.raises(PermissionError, match="open in another program") as told:
        write_results(TABLE, path)
    assert told.value.filename == str(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["results.csv"]
    assert 1 < sum(slept) < 10


def test_replacing__refused_elsewhere_than_on_windows__is_told_at_once(
    as_windows, tmp_path, monkeypatch
):
    left, slept = as_windows
    left[0] = 1
    monkeypatch.setattr(files, "_WINDOWS", False)
    with pytest.raises(PermissionError, match="Access is denied"):
        write_results(TABLE, tmp_path / "results.csv")
    assert not slept


@pytest.mark.parametrize("check", [check_results_path, require_place])
def test_checks_before_the_work__file_open_elsewhere__is_refused(check, tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    path.write_text("old")
    check(path)

    def refused(self, *mode):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(Path, "open", refused)
    check(tmp_path / "new.csv")
    with pytest.raises(PermissionError, match="close it and try again"):
        check(path)


@pytest.mark.parametrize("there", [False, True])
def test_replacing__share_that_refuses_modes__is_written_to(there, tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "results.csv"
    if there:
        path.write_text("old")
    monkeypatch.setattr(Path, "chmod", refused)
    monkeypatch.setattr(files.shutil, "copymode", refused)
    with replacing(path) as aside:
        aside.write_text("new")
    assert path.read_text() == "new"


def test_replacing__error_while_the_file_is_held__is_the_error_that_is_told(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(13, "in use by another process")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(ValueError, match="first"), replacing(tmp_path / "a.csv") as aside:
        aside.write_text("half")
        raise ValueError("first")
