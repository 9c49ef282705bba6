"""A fit that other processes run in order to be killed; imports little, because they all wait."""

import os
import signal

import joblib
import torch
from spread_estimators import tiny_alpha, tracks

from skandi import LengthBaggingRegressor

N_MEMBERS = 40


def ensemble(folder):
    """40 members of a few milliseconds each."""
    return LengthBaggingRegressor(
        tiny_alpha(), lengths=[10, 20], cv=20, min_bucket=40, checkpoint_dir=folder, random_state=0
    )


def data():
    return tracks(160, high=40)


def finished(folder):
    """The files of members that are done; what a kill left of others has another name."""
    return sorted(folder.glob("member-*.joblib"))


def fit(folder, started):
    torch.set_num_threads(1)
    X, y = data()
    started.set()
    ensemble(folder).fit(X, y)


def fit_and_die_writing(folder, number):
    """Fit until the file of a member is half written, counted from 1, and stop like a power cut."""
    torch.set_num_threads(1)
    dump, calls = joblib.dump, []

    def half(value, path):
        dump(value, path)
        calls.append(path)
        if len(calls) == number:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    joblib.dump = half
    ensemble(folder).fit(*data())
