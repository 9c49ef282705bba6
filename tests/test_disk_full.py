"""A full disk or a loss of power midway through a file: the old one stays, or the new is whole."""

import os
import signal
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from spread_estimators import tiny_alpha, tracks

from skandi import LengthBaggingRegressor
from skandi.errors import TrainingError
from skandi.files import replacing
from skandi.io import write_results, write_tracks
from skandi.training.stream import StreamTrainer, StreamTraining
from skandi.weights import save_weights

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

LIMIT = 4_000
OLD = b"of an earlier run"
MANY = pd.DataFrame({"track_id": [f"track {k}" for k in range(2_000)], "alpha": np.arange(2_000.0)})
WALKS = [np.random.default_rng(k).normal(size=(40, 2)).cumsum(axis=0) for k in range(30)]


@pytest.fixture
def disk_is_full():
    """Let no file of this process grow beyond a few thousand bytes, as the kernel ends a write."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def begin():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))

    yield begin
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, ignored)


WRITERS = {
    "results.csv": lambda path: write_results(MANY, path),
    "results.parquet": lambda path: write_results(MANY, path),
    "tracks.csv": lambda path: write_tracks(WALKS, path),
    "tracks.parquet": lambda path: write_tracks(WALKS, path),
    "tracks.npy": lambda path: write_tracks(WALKS, path),
    "tracks.txt": lambda path: write_tracks(WALKS, path),
    "w.safetensors": lambda path: save_weights(path, {"w": torch.ones(9_999)}, {}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_write__disk_full_midway__raises_and_leaves_the_old_file(name, disk_is_full, tmp_path):
    path = tmp_path / name
    path.write_bytes(OLD)
    disk_is_full()
    with pytest.raises(Exception) as told:
        WRITERS[name](path)
    assert not isinstance(told.value, AssertionError)
    assert path.read_bytes() == OLD
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_replacing__power_fails_at_any_time__old_or_new_is_on_the_disk(tmp_path, monkeypatch):
    """What is not on the disk before its name is may be empty after a loss of power."""
    happened = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(number):
        happened.append(("to disk", os.fstat(number).st_ino))
        fsync(number)

    def noted_replace(aside, target):
        happened.append(("exchange", os.stat(aside).st_ino))
        replace(aside, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    with replacing(tmp_path / "new.txt") as aside:
        aside.write_text("all of it")
    file, folder = (tmp_path / "new.txt").stat().st_ino, tmp_path.stat().st_ino
    assert happened == [("to disk", file), ("exchange", file), ("to disk", folder)]


def test_train__disk_full_at_a_checkpoint__keeps_the_last_one(disk_is_full, tmp_path):
    config = StreamTraining(network={"channels": (16,) * 5, "recurrent_size": 4, "hidden_size": 16})
    trainer = StreamTrainer(config, tmp_path, validation_size=1)
    trainer.save(trainer.checkpoint_path)
    whole = trainer.checkpoint_path.read_bytes()
    trainer.step = 7
    disk_is_full()
    with pytest.raises((OSError, RuntimeError)):
        trainer.save(trainer.checkpoint_path)
    assert trainer.checkpoint_path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert StreamTrainer(config, tmp_path, validation_size=1).step == 0


def test_ensemble__disk_full_at_a_member__keeps_whole_members_only(disk_is_full, tmp_path):
    X, y = tracks(40, high=12)
    bag = LengthBaggingRegressor(
        tiny_alpha(), lengths=[10], cv=2, checkpoint_dir=tmp_path, random_state=0
    )
    disk_is_full()
    with pytest.raises((OSError, TrainingError)):
        bag.fit(X, y)
    for path in tmp_path.rglob("*.joblib"):
        joblib.load(path)
    assert not list(tmp_path.rglob("*.part"))
    assert not hasattr(bag, "members_")
