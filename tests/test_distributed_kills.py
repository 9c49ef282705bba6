"""A prediction killed at random moments comes to the same results, and nothing half is read."""

import multiprocessing
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest
from interrupted_predict import N_PARTITIONS, files, run, run_to_be_killed, write_tracks
from pandas.testing import assert_frame_equal


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_predict__killed_at_random_moments__comes_to_the_same(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    write_tracks(source)
    expected = run(source, tmp_path / "whole")
    context, rng = multiprocessing.get_context("forkserver"), np.random.default_rng(0)
    context.set_forkserver_preload(["interrupted_predict", "skandi.distributed.work"])
    found = []
    for _ in range(6):
        started = context.Event()
        process = context.Process(target=run_to_be_killed, args=(source, out, started))
        process.start()
        assert started.wait(300)
        # By what is done, not by the clock alone: each kill finds the work under way.
        wanted = len(files(out)) + rng.integers(4)
        while len(files(out)) < wanted and process.is_alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        parts = sorted(out.glob("part-*.parquet"))
        for path in parts:
            assert_frame_equal(pd.read_parquet(path), pd.read_parquet(expected / path.name))
        found.append(len(parts))
    assert found == sorted(found)
    assert 0 < found[-1] < N_PARTITIONS
    run(source, out)
    assert_frame_equal(pd.read_parquet(out), pd.read_parquet(expected))
    left = {path.name for path in out.iterdir()} - {path.name for path in expected.iterdir()}
    assert not left, "what kills left behind stays"
