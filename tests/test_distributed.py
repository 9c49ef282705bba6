"""Prediction in partitions: equal to analyse, whatever the partitions, files and workers."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from fake_estimators import ConstantAlpha, LengthAsAlpha, LengthAsModel
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

from skandi import analyse, read_tracks
from skandi.cli import app
from skandi.distributed import (
    about_diffusion,
    count_tracks,
    merge_partitions,
    predict,
    rows,
    sources,
    what_was_done,
    work,
)
from skandi.errors import JobError, MissingExtraError, SkandiError, TracksFileError
from skandi.io import Tracks, write_tracks
from skandi.io.tracks import STEP_MESSAGES


class Forgetful(LengthAsAlpha):
    """Is the same after a prediction as before."""

    def predict(self, X):
        return LengthAsAlpha().predict(X)


FAKES = {"alpha_model": Forgetful(), "model_classifier": LengthAsModel()}


def messy(n=40, seed=0, stride=2):
    """Tracks of all kinds of trouble, rows shuffled: every second frame, gaps, stills, doubles."""
    rng = np.random.default_rng(seed)
    parts = []
    for k in range(n):
        T = int(rng.integers(3, 40))
        frame = stride * (np.arange(T) + int(rng.integers(5)))
        if k % 5 == 0:
            frame[T // 2 :] += stride * 3
        x = rng.normal(size=(T, 2)).cumsum(axis=0)
        if k % 9 == 4:
            x[:] = 1.5
        track = pd.DataFrame({"particle": k, "frame": frame, "x": x[:, 0], "y": x[:, 1]})
        if k % 7 == 3:
            track.loc[0, "y"] = np.nan
        parts.append(pd.concat([track, track.iloc[:1]]) if k % 8 == 1 else track)
    parts.append(pd.DataFrame({"particle": -1, "frame": [0, 1], "x": 0.0, "y": 0.0}))
    table = pd.concat(parts, ignore_index=True)
    table["z"], table["w"] = 0.0, np.nan
    return table.sample(frac=1, random_state=seed, ignore_index=True)


def in_files(table, folder, n_files=3, row_group_size=50):
    """Its rows dealt out to files and row groups, so that every track is in all of them."""
    folder.mkdir()
    for k in range(n_files):
        path = folder / f"{k}.parquet"
        table.iloc[k::n_files].to_parquet(path, index=False, row_group_size=row_group_size)
    return folder


def result(folder, tmp_path):
    merge_partitions(folder, tmp_path / "merged.parquet")
    return pd.read_parquet(tmp_path / "merged.parquet")


@pytest.fixture(scope="module")
def cluster():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


# Equal to analyse ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_partitions", [1, 3, 7])
def test_predict__tracks_spread_over_files__equal_analyse(tmp_path, n_partitions, monkeypatch):
    table = messy()
    units = {"frame_interval": 0.1, "time_unit": "s", "space_unit": "µm"}
    expected = analyse(read_tracks(table, **units), **FAKES)
    assert expected.note.str.contains("split at gaps").any()
    assert expected.note.str.contains("does not move").any()
    assert expected.D_alpha.notna().any()
    monkeypatch.setattr(sources, "ROWS_PER_CHUNK", 120)
    folder = in_files(table, tmp_path / "in")
    out = predict(folder, tmp_path / "out", n_partitions=n_partitions, **units, **FAKES)
    assert len(list(out.glob("*.parquet"))) == n_partitions
    assert not (out / "_rows").exists()
    merged = result(out, tmp_path)
    assert_frame_equal(merged, expected, check_exact=True)
    assert merged.attrs == expected.attrs
    assert pd.read_parquet(out).attrs["D_alpha"] == expected.attrs["D_alpha"]


def test_predict__order_of_a_partition__is_the_natural_one(tmp_path):
    folder = in_files(messy(), tmp_path / "in")
    out = predict(folder, tmp_path / "out", n_partitions=3, **FAKES)
    expected = analyse(read_tracks(messy()), **FAKES).track_id.tolist()
    for path in out.glob("*.parquet"):
        ids = pd.read_parquet(path).track_id.tolist()
        assert ids == [name for name in expected if name in set(ids)]


def test_predict__pretrained__differs_from_analyse_by_rounding_only(tmp_path):
    rng = np.random.default_rng(1)
    walks = [rng.normal(size=(T, 2)).cumsum(axis=0) for T in rng.choice([12, 30, 31], 60)]
    write_tracks(Tracks.from_trajectories(walks), tmp_path / "in.parquet")
    expected = analyse(walks)
    for n_partitions in (1, 7):
        out = predict(
            tmp_path / "in.parquet", tmp_path / f"{n_partitions}", n_partitions=n_partitions
        )
        assert_frame_equal(result(out, tmp_path), expected, check_exact=False, rtol=0, atol=1e-5)


ODD = {
    "some names are text": lambda t: t.assign(
        particle=t.particle.map(lambda k: "cell 7" if k == 7 else str(k))
    ),
    "every frame": lambda t: t.assign(frame=t.frame // 2),
    "times": lambda t: t.assign(t=t.frame * 0.05),
    "times only": lambda t: t.assign(t=t.frame).drop(columns="frame"),
    "whole milliseconds": lambda t: t.assign(t=np.rint(t.frame * 50 / 3)).drop(columns="frame"),
    "no z": lambda t: t.drop(columns="z"),
    "z that moves for one": lambda t: t.assign(z=(t.particle == 3) * t.frame * 1.0),
    "y empty": lambda t: t.assign(y=np.nan),
    "groups": lambda t: t.assign(group=np.where(t.particle % 2, "a", "b")),
    "fewer tracks than partitions": lambda t: t[t.particle < 2],
}


@pytest.mark.parametrize("change", ODD)
def test_predict__odd_tables__are_read_as_a_whole(tmp_path, change):
    table = ODD[change](messy(20))
    units = {"time_unit": "s", "space_unit": "µm"}
    if change == "whole milliseconds":
        units["frame_interval"] = 100 / 3
    elif change == "some names are text":
        units["frame_interval"] = 0.05  # of frames, every other of which is there
    expected = analyse(read_tracks(table, **units), **FAKES)
    folder = in_files(table, tmp_path / "in", n_files=2)
    out = predict(folder, tmp_path / "out", n_partitions=5, **units, **FAKES)
    # the median of times that a machine divided has a last digit that depends on their order
    assert_frame_equal(result(out, tmp_path), expected, rtol=1e-12)


def test_predict__name_like_a_piece_of_another__is_kept_apart_in_any_partition(tmp_path):
    T = np.r_[0:12, 20:32]
    track = pd.DataFrame({"track": "1", "frame": T, "x": np.sqrt(T), "y": T**2.0})
    table = pd.concat([track.assign(track=name) for name in ("1", "1#1", "1#", "2")])
    expected = analyse(read_tracks(table), **FAKES)
    table.to_parquet(tmp_path / "in.parquet")
    for n in (1, 4):
        out = predict(tmp_path / "in.parquet", tmp_path / f"{n}", n_partitions=n, **FAKES)
        assert_frame_equal(result(out, tmp_path), expected)


def test_predict__units_in_the_file__count_and_must_agree(tmp_path):
    walk = np.random.default_rng(0).normal(size=(40, 1)).cumsum(axis=0)
    units = {"frame_interval": 0.2, "time_unit": "s", "space_unit": "nm"}
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(2):
        tracks = Tracks.from_trajectories([walk], ids=[str(k)], **units)
        write_tracks(tracks, folder / f"{k}.parquet")
    out = predict(folder, tmp_path / "out", alpha_model=ConstantAlpha(1.0), **only_model())
    table = pd.read_parquet(out)
    expected = analyse(tracks, alpha_model=ConstantAlpha(1.0), **only_model())
    assert table.D_alpha.tolist() == [expected.D_alpha[0]] * 2
    assert table.attrs["D_alpha"] == expected.attrs["D_alpha"]
    write_tracks(Tracks.from_trajectories([walk], ids=["2"]), folder / "2.parquet")
    with pytest.raises(TracksFileError, match="2.parquet has other columns or units than"):
        predict(folder, tmp_path / "again", **FAKES)


def only_model():
    return {"model_classifier": LengthAsModel()}


def test_predict__dask_dataframe__equals_analyse(tmp_path):
    import dask.dataframe as dd

    table = messy()
    lazy = dd.from_pandas(table, npartitions=4)
    out = predict(lazy, tmp_path / "out", **FAKES)
    assert len(list(out.glob("*.parquet"))) == 4
    assert_frame_equal(result(out, tmp_path), analyse(read_tracks(table), **FAKES))
    predict(lazy, tmp_path / "out", **FAKES)


# Workers ------------------------------------------------------------------------------------------


def test_predict__two_workers__equal_none_to_the_last_bit(tmp_path, cluster):
    rng = np.random.default_rng(1)
    walks = [rng.normal(size=(T, 1)).cumsum(axis=0) for T in rng.choice([12, 30, 31], 60)]
    write_tracks(Tracks.from_trajectories(walks), tmp_path / "in.parquet")
    here = predict(tmp_path / "in.parquet", tmp_path / "here", n_partitions=3)
    told = []
    there = predict(
        tmp_path / "in.parquet",
        tmp_path / "there",
        n_partitions=3,
        client=cluster,
        progress=lambda done, total: told.append((done, total)),
    )
    for path in here.glob("*.parquet"):
        assert_frame_equal(pd.read_parquet(path), pd.read_parquet(there / path.name))
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)
    threads = cluster.run(lambda: __import__("torch").get_num_threads())
    assert set(threads.values()) == {1}, "the machine is asked for more threads than it has"


def test_predict__names_that_are_paths__stay_names(tmp_path):
    evil = ["../../evil", "/etc/evil", "C:\\evil", "a/../b", "..", "\x00", "con"]
    tracks = {name: np.random.default_rng(3).normal(size=(12, 2)) for name in evil}
    parts = [
        pd.DataFrame({"track": name, "frame": range(12), "x": x[:, 0], "y": x[:, 1]})
        for name, x in tracks.items()
    ]
    home = tmp_path / "home"
    home.mkdir()
    pd.concat(parts).to_parquet(home / "in.parquet", index=False)
    before = set(tmp_path.rglob("*"))
    out = predict(home / "in.parquet", home / "out", n_partitions=2, **FAKES)
    made = {path.relative_to(home).as_posix() for path in set(tmp_path.rglob("*")) - before}
    parts = {"out/part-00000.parquet", "out/part-00001.parquet"}
    assert made == {"out", "out/_skandi.json", *parts, *(name for name in made if "models" in name)}
    assert set(pd.read_parquet(out).track_id) == set(evil)


class Deadly(Forgetful):
    """Takes the process with it that asks first."""

    def __init__(self, flag):
        super().__init__()
        self.flag = str(flag)

    def predict(self, X):
        try:
            os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return super().predict(X)
        os.kill(os.getpid(), 9)
        return None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_predict__worker_lost_midway__result_is_the_same(tmp_path, cluster):
    table = messy()
    folder = in_files(table, tmp_path / "in")
    flag = tmp_path / "died"
    out = predict(
        folder,
        tmp_path / "out",
        n_partitions=4,
        client=cluster,
        alpha_model=Deadly(flag),
        **only_model(),
    )
    assert flag.exists()
    assert_frame_equal(result(out, tmp_path), analyse(read_tracks(table), **FAKES))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_predict__workers_that_die_over_one_task__stop_the_job_and_keep_what_is_done(
    tmp_path, cluster, monkeypatch
):
    folder = in_files(messy(), tmp_path / "in")
    monkeypatch.setattr(cluster.cluster.scheduler, "allowed_failures", 0)
    models = {"alpha_model": Deadly(tmp_path / "died"), **only_model()}
    with pytest.raises(JobError, match="died again and again.* memory"):
        predict(folder, tmp_path / "out", n_partitions=4, client=cluster, **models)
    out = predict(folder, tmp_path / "out", n_partitions=4, client=cluster, **models)
    assert_frame_equal(result(out, tmp_path), analyse(read_tracks(messy()), **FAKES))


def test_predict__own_estimators__are_loaded_once_per_process(tmp_path, monkeypatch):
    loads = []
    load = work.joblib.load
    monkeypatch.setattr(work.joblib, "load", lambda path: loads.append(path) or load(path))
    predict(in_files(messy(), tmp_path / "in"), tmp_path / "out", n_partitions=5, **FAKES)
    assert len(loads) == 1


def test_predict__no_neighbouring_frames_in_any_part__is_an_error_as_for_the_whole(tmp_path):
    milliseconds = np.rint(np.arange(20) * 1000 / 120)
    table = pd.concat(
        pd.DataFrame({"track": k, "frame": milliseconds, "x": np.arange(20.0), "y": 0.5 * k})
        for k in range(6)
    )
    folder = in_files(table, tmp_path / "in")
    with pytest.raises(TracksFileError, match="closest are 8 apart"):
        predict(folder, tmp_path / "out", **FAKES)
    one_neighbour = pd.DataFrame({"track": 9, "frame": [0, 1], "x": [0.0, 1.0], "y": 0.0})
    folder = in_files(pd.concat([table, one_neighbour]), tmp_path / "in_2")
    cut = result(predict(folder, tmp_path / "out_2", **FAKES), tmp_path)
    assert len(cut) == 6 * 20 + 1


def test_predict__no_dask__says_what_to_install(tmp_path, monkeypatch):
    messy().to_parquet(tmp_path / "in.parquet")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r'pip install "skandi\[dask\]"'):
        predict(tmp_path / "in.parquet", tmp_path / "out", client="local", **FAKES)
    predict(tmp_path / "in.parquet", tmp_path / "out", **FAKES)


# Taking up again ----------------------------------------------------------------------------------


@pytest.fixture
def job(tmp_path):
    """A call that can be repeated, and the table it must come to."""
    folder = in_files(messy(), tmp_path / "in")

    def call(**changes):
        return predict(folder, tmp_path / "out", **{"n_partitions": 6, **FAKES, **changes})

    return call, analyse(read_tracks(messy()), **FAKES)


def broken_off(monkeypatch, function, at):
    """Let the n-th call of a function of work fail."""
    original, calls = getattr(work, function), []

    def fails(*args, **kwargs):
        calls.append(args)
        if len(calls) == at:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(work, function, fails)
    return calls


@pytest.mark.parametrize(("function", "at"), [("scatter", 2), ("survey", 3), ("analyse", 4)])
def test_predict__broken_off__goes_on_where_it_was(job, tmp_path, monkeypatch, function, at):
    call, expected = job
    with monkeypatch.context() as patched:
        broken_off(patched, function, at)
        with pytest.raises(KeyboardInterrupt):
            call()
    with pytest.raises(JobError, match="partitions are missing.*again"):
        count_tracks(tmp_path / "out")
    analysed = broken_off(monkeypatch, "analyse", -1)
    out = call()
    assert len(analysed) == (6 - (at - 1) if function == "analyse" else 6)
    assert_frame_equal(result(out, tmp_path), expected)
    analysed.clear()
    call()
    assert not analysed


def test_predict__finished__number_of_partitions_may_be_left_out(job, tmp_path, monkeypatch):
    call, expected = job
    call()
    monkeypatch.setattr(work, "analyse", None)  # nothing is asked again
    assert_frame_equal(result(call(n_partitions=None), tmp_path), expected)


def test_predict__partition_cut_short_by_a_power_cut__is_written_again(job, tmp_path):
    call, expected = job
    part = call() / "part-00002.parquet"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    assert_frame_equal(result(call(), tmp_path), expected)


def test_predict__rows_half_written__are_not_read(job, tmp_path, monkeypatch):
    call, expected = job
    with monkeypatch.context() as patched:
        broken_off(patched, "analyse", 1)
        with pytest.raises(KeyboardInterrupt):
            call()
    scattered = tmp_path / "out" / "_rows"
    (scattered / "whole.json").unlink()
    (scattered / "rows-000001.json").unlink()
    damaged = scattered / "rows-000001.arrow"
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert_frame_equal(result(call(), tmp_path), expected)


CHANGES = {
    "settings.gaps": {"gaps": "interpolate"},
    "settings.coverage": {"coverage": 0.5},
    "weights.alpha": {"alpha_model": ConstantAlpha(1.0)},
    "n_partitions": {"n_partitions": 5},
}


@pytest.mark.parametrize("what", CHANGES)
def test_predict__folder_of_another_job__is_refused_and_says_what_differs(job, what):
    call, _ = job
    call()
    with pytest.raises(JobError, match=f"another job: {what} was .* and is .*name another folder"):
        call(**CHANGES[what])


def test_predict__changed_input__is_refused(job, tmp_path):
    call, _ = job
    call()
    os.utime(tmp_path / "in" / "1.parquet", (1, 1))
    with pytest.raises(JobError, match=r"input\.1\.parquet was "):
        call()


def test_predict__partition_of_another_job__is_refused(job, tmp_path):
    call, _ = job
    part = call() / "part-00001.parquet"
    table = pd.read_parquet(part)
    table.attrs["skandi_job"] = "0" * 16
    table.to_parquet(part)
    with pytest.raises(JobError, match="part-00001.parquet was written by another job"):
        call()


def test_predict__folder_with_something_else__is_refused(job, tmp_path):
    call, _ = job
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    with pytest.raises(JobError, match="holds other files .thesis.tex.*empty or not there"):
        call()


@pytest.mark.parametrize("content", ["", "[]", '{"job"', "\x00"])
def test_predict__damaged_manifest__is_refused(job, tmp_path, content):
    call, _ = job
    call()
    (tmp_path / "out" / "_skandi.json").write_text(content)
    with pytest.raises(JobError, match="cannot be read as the manifest"):
        call()


@pytest.mark.parametrize("where", ["table", "rows"])
def test_predict__full_disk__keeps_what_is_whole_and_says_what_to_do(
    job, tmp_path, monkeypatch, where
):
    call, expected = job
    n_written = []

    def full(path):
        n_written.append(path)
        if len(n_written) == 3:
            with open(path, "wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patched:
        if where == "table":
            to_parquet = pd.DataFrame.to_parquet
            patched.setattr(
                pd.DataFrame,
                "to_parquet",
                lambda self, path, **k: full(path) or to_parquet(self, path, **k),
            )
        else:
            opened = rows.pa.OSFile
            patched.setattr(rows.pa, "OSFile", lambda path, mode: full(path) or opened(path, mode))
        n_whole = 2 if where == "table" else 0
        with pytest.raises(JobError, match=f"{n_whole} of 6 partitions are whole.*Free some space"):
            call()
    out = tmp_path / "out"
    assert len(list(out.glob("*.parquet"))) == n_whole
    assert not list(out.rglob("*.part")), "a half-written file stays"
    assert_frame_equal(result(call(), tmp_path), expected)


# What cannot be read ------------------------------------------------------------------------------


def test_predict__unusable_input__is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        predict(tmp_path / "nowhere.parquet", tmp_path / "out")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TracksFileError, match="not a readable Parquet file"):
        predict(tmp_path / "no.parquet", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TracksFileError, match="holds no file that ends in .parquet"):
        predict(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(TracksFileError, match="list cannot be predicted in partitions"):
        predict([np.zeros((20, 2))], tmp_path / "out")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(TracksFileError, match="no column for the track"):
        predict(tmp_path / "a.parquet", tmp_path / "out")
    messy().to_parquet(tmp_path / "in.parquet")
    with pytest.raises(ValueError, match="n_partitions is 0"):
        predict(tmp_path / "in.parquet", tmp_path / "out", n_partitions=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        (lambda t: t.assign(x=t.x.astype(str) + "?"), {}, "where a number is needed"),
        (lambda t: t.assign(particle=-1), {}, "no track is left"),
        (lambda t: t.assign(t=t.frame / 3).drop(columns="frame"), {}, "needs frame_interval"),
        (lambda t: t.assign(t=t.frame**3.0), {}, "not in step with the frames.*frame_interval"),
        (lambda t: t.assign(t=t.frame * (1 + (t.particle % 9 == 0))), {}, "by another amount in"),
        (lambda t: t, {"gaps": "error"}, "missing frames"),
        (lambda t: t.assign(frame=t.frame // 4), {}, "two rows for frame"),
        (lambda t: t, {"n_dims": 3}, "has 2-D tracks, not 3-D"),
    ],
)
def test_predict__trouble_in_the_rows__is_the_error_of_a_reader(tmp_path, table, options, told):
    folder = in_files(table(messy()), tmp_path / "in")
    with pytest.raises(SkandiError, match=told):
        predict(folder, tmp_path / "out", n_partitions=3, **options, **FAKES)


def test_predict__even_index_that_is_in_no_row__is_refused(tmp_path):
    table = walk_table([1], T=20).drop(columns="frame")
    table.index = pd.RangeIndex(len(table), name="frame")
    table.to_parquet(tmp_path / "in.parquet")
    assert len(analyse(tmp_path / "in.parquet", **FAKES)) == 1
    with pytest.raises(TracksFileError, match=r"frame is the index.*Save table.reset_index\(\)"):
        predict(tmp_path / "in.parquet", tmp_path / "out", **FAKES)


def test_predict__times_on_a_grid_that_is_given__are_read(tmp_path):
    table = messy(stride=1)
    table["t"] = table.pop("frame") / 3
    folder = in_files(table, tmp_path / "in")
    units = {"frame_interval": 1 / 3, "time_unit": "s", "space_unit": "µm"}
    out = predict(folder, tmp_path / "out", n_partitions=3, **units, **FAKES)
    assert_frame_equal(result(out, tmp_path), analyse(read_tracks(table, **units), **FAKES))


def test_predict__results_inside_the_folder_of_tracks__is_refused(tmp_path):
    folder = in_files(messy(), tmp_path / "in")
    with pytest.raises(TracksFileError, match="lies in"):
        predict(folder, folder / "results", **FAKES)


def walk_table(ids, T=12, start=0):
    """Rows of walks of T points, one after the other."""
    rng = np.random.default_rng(start)
    return pd.DataFrame(
        {
            "particle": np.repeat(np.array(ids), T),
            "frame": np.tile(start + np.arange(T), len(ids)),
            "x": rng.normal(size=len(ids) * T).cumsum(),
            "y": rng.normal(size=len(ids) * T).cumsum(),
        }
    )


def test_predict__folders_that_stand_for_a_column__tell_tracks_apart(tmp_path):
    parts = [walk_table([0, 1]).assign(group="a b"), walk_table([0, 1], start=12).assign(group="c")]
    pd.concat(parts).to_parquet(tmp_path / "in", partition_cols=["group"], index=False)
    out = predict(tmp_path / "in", tmp_path / "out", n_partitions=3, **FAKES)
    table = result(out, tmp_path)
    assert table.track_id.tolist() == ["a b/0", "a b/1", "c/0", "c/1"]
    assert table.n_points.tolist() == [12] * 4
    assert_frame_equal(table, analyse(pd.read_parquet(tmp_path / "in"), **FAKES))
    parts[0].assign(frame=0).to_parquet(tmp_path / "frames", partition_cols=["frame"])
    with pytest.raises(TracksFileError, match="the folder says frame=0"):
        predict(tmp_path / "frames", tmp_path / "other", **FAKES)


def test_predict__large_ids_beside_missing_ones__stay_what_they_are(tmp_path):
    table = walk_table([2**60 + 1, 2**60 + 2])
    table["particle"] = table.particle.astype("Int64")
    table = pd.concat([table, table.iloc[[0]].assign(particle=pd.NA)])
    table.to_parquet(tmp_path / "in.parquet", index=False)
    out = predict(tmp_path / "in.parquet", tmp_path / "out", n_partitions=2, **FAKES)
    found = result(out, tmp_path)
    assert found.track_id.tolist() == [str(2**60 + 1), str(2**60 + 2)]
    assert found.n_points.tolist() == [12, 12]


def test_chunks__missing_numbers_in_a_table_of_trackmate__lose_no_row(tmp_path):
    table = pd.DataFrame(
        {
            "TRACK_ID": pd.array([1, 1, 1, 1, 2, None], dtype="Int64"),
            "FRAME": [0, 1, 2, 3, 0, 1],
            "POSITION_X": [None, 1.0, 2.0, 3.0, 4.0, 5.0],
            "POSITION_Y": 0.0,
        }
    )
    table.to_parquet(tmp_path / "in.parquet", index=False)
    source = sources.open_source(tmp_path / "in.parquet", "auto", tmp_path / "out")
    (frame,) = source.chunks[0].frames()
    read = source.layout.read(frame, "it")
    assert read.time.tolist() == [0, 1, 2, 3, 0]
    assert read_tracks(table).n_points.tolist() == [3, 1]
    (tmp_path / "groups" / "group=a").mkdir(parents=True)
    table.to_parquet(tmp_path / "groups" / "group=a" / "a.parquet", index=False)
    with pytest.raises(TracksFileError, match="TrackMate's tables have no column for group"):
        predict(tmp_path / "groups", tmp_path / "out", **FAKES)


def test_predict__system_error_while_reading__keeps_what_was_done(tmp_path, monkeypatch):
    folder = in_files(messy(), tmp_path / "in")
    original, calls = sources.pq.ParquetFile, []

    def fails(path, **options):
        calls.append(path)
        if len(calls) == 5:  # three for the layout, then the second chunk
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        return original(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sources.pq, "ParquetFile", fails)
        with pytest.raises(OSError, match="Too many open files"):
            predict(folder, tmp_path / "out", n_partitions=2, **FAKES)
    assert (tmp_path / "out" / "_skandi.json").exists()
    assert list((tmp_path / "out" / "_rows").glob("rows-*.arrow"))


def test_predict__files_of_other_names__are_read_or_refused(tmp_path):
    (tmp_path / "in").mkdir()
    for k, name in enumerate(("a.parquet", "b.pq", "c.PARQUET")):
        walk_table([k]).to_parquet(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no data")
    out = predict(tmp_path / "in", tmp_path / "out", **FAKES)
    assert result(out, tmp_path).track_id.tolist() == ["0", "1", "2"]
    walk_table([3]).to_parquet(tmp_path / "in" / "d.table")
    with pytest.raises(TracksFileError, match="d.table is Parquet and would be left out"):
        predict(tmp_path / "in", tmp_path / "other", **FAKES)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"coverage": 90}, ValueError),
        ({"false_alarm": 5}, ValueError),
        ({"preset": "fastest"}, ValueError),
        ({"gaps": "cut"}, TracksFileError),
        ({"duplicates": "last"}, TracksFileError),
        ({"constant_axes": "all"}, TracksFileError),
        ({"duplicates": "error"}, TracksFileError),  # the table has some
        ({"duplicates": "mean", "gaps": "error"}, TracksFileError),
    ],
)
def test_predict__call_that_is_put_right__needs_no_other_folder(tmp_path, wrong, error):
    table = messy()
    table["frame"] //= 4
    table.to_parquet(tmp_path / "in.parquet")
    right = {"duplicates": "first", **FAKES, "n_partitions": np.int64(1)}
    with pytest.raises(error):
        predict(tmp_path / "in.parquet", tmp_path / "out", **{**right, **wrong})
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    assert count_tracks(predict(tmp_path / "in.parquet", tmp_path / "out", **right))[0] > 0


def test_what_was_done__rows_of_all_partitions__are_those_of_one_reader(tmp_path):
    table = messy()
    empty = walk_table([777]).assign(x=np.nan)
    table = pd.concat([table, empty, walk_table([778, 779]).assign(y=np.nan)])
    table.to_parquet(tmp_path / "in.parquet")
    done = what_was_done(
        predict(tmp_path / "in.parquet", tmp_path / "out", n_partitions=5, **FAKES)
    )
    steps = read_tracks(table).report.steps
    assert set(done) == {step.message for step in steps if step.name in STEP_MESSAGES}
    assert "3 tracks left out: no frame with a position on every axis" in done


def test_merge__first_partition_empty__tells_what_the_others_know(tmp_path):
    walk_table([0]).to_parquet(tmp_path / "in.parquet")
    units = {"frame_interval": 0.1, "time_unit": "s", "space_unit": "um"}
    call = {"n_partitions": 4, **units, **FAKES}
    out = predict(tmp_path / "in.parquet", tmp_path / "out", **call)
    rows = [len(pd.read_parquet(path)) for path in sorted(out.glob("*.parquet"))]
    assert (rows[0], sum(rows)) == (0, 1)
    expected = analyse(read_tracks(tmp_path / "in.parquet", **units), **FAKES)
    assert result(out, tmp_path).attrs == expected.attrs
    assert about_diffusion(out) == expected.attrs["D_alpha"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_merge__few_files_allowed__asks_the_system_for_more(tmp_path):
    walk_table(range(60)).to_parquet(tmp_path / "in.parquet")
    out = predict(tmp_path / "in.parquet", tmp_path / "out", n_partitions=60, **FAKES)
    for most, expected in ((1_000, "merged"), (100, "Allow more (ulimit -n)")):
        code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {most}))
from skandi.distributed import merge_partitions
from skandi.errors import JobError
try:
    merge_partitions({str(out)!r}, {str(tmp_path / "merged.parquet")!r})
except JobError as error:
    print(error)
else:
    print("merged")
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert expected in done.stdout, done.stderr


def test_predict__relative_path__is_the_same_file_for_a_worker_elsewhere(tmp_path, monkeypatch):
    walk_table([0]).to_parquet(tmp_path / "in.parquet")
    monkeypatch.chdir(tmp_path)
    (chunk,) = sources.open_source("in.parquet", "auto", tmp_path / "out").chunks
    assert chunk.path.is_absolute()


def test_count_tracks__folder__has_all_and_the_reasons(job, tmp_path):
    call, expected = job
    n_tracks, reasons = count_tracks(call())
    assert n_tracks == len(expected)
    skipped = expected[expected.alpha.isna()].note.str.partition(":")[0]
    assert reasons == skipped.value_counts().to_dict()
    with pytest.raises(JobError, match="is no folder of"):
        count_tracks(tmp_path)
    manifest = json.loads((tmp_path / "out" / "_skandi.json").read_text())
    assert manifest["n_partitions"] == 6


# The command line ---------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """Estimators that answer at once in place of the pretrained ones."""
    models = {"alpha": Forgetful(), "model": LengthAsModel()}
    monkeypatch.setattr(
        "skandi.pretrained.load_pretrained", lambda target, *, n_dims, preset: models[target]
    )


def skandi_(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_cli__folder_as_output__has_the_partitions_and_tells_the_reasons(quick, tmp_path):
    folder = in_files(messy(), tmp_path / "in")
    done = skandi_("predict", folder, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    table = analyse(read_tracks(messy()), **FAKES)
    assert f"{table.alpha.notna().sum()} of {len(table)} tracks analysed" in done.stderr
    assert "  too short: " in done.stderr
    assert "D_alpha: not computed" in done.stderr
    assert_frame_equal(result(tmp_path / "out", tmp_path), table)
    assert skandi_("predict", folder, "-o", tmp_path / "out").exit_code == 0
    done = skandi_("predict", folder, "-o", tmp_path / "out", "--gaps", "interpolate")
    assert done.exit_code == 2
    assert "settings.gaps was 'split' and is 'interpolate'" in done.stderr


def test_cli__large_file__is_read_in_partitions_and_merged(quick, tmp_path, monkeypatch):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    messy().to_parquet(source)
    expected = analyse(read_tracks(source), **FAKES)
    monkeypatch.setattr("skandi.cli.partitions.LARGE", 100)
    monkeypatch.setattr(sources, "ROWS_PER_PARTITION", 100)
    read_whole = []
    monkeypatch.setattr("skandi.cli.predict.analyse_inputs", lambda *a: read_whole.append(a))
    with monkeypatch.context() as patched:
        broken_off(patched, "analyse", 3)
        assert skandi_("predict", source, "-o", out).exit_code != 0
    assert not out.exists()
    analysed = broken_off(monkeypatch, "analyse", -1)
    done = skandi_("predict", source, "-o", out)
    assert done.exit_code == 0, done.output
    assert 0 < len(analysed) < 9
    assert_frame_equal(pd.read_parquet(out), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]
    assert not read_whole


def test_cli__dask__shares_the_work(tmp_path, cluster):
    walk = np.random.default_rng(0).normal(size=(40, 1)).cumsum(axis=0)
    write_tracks(Tracks.from_trajectories([walk]), tmp_path / "in.parquet")
    address = cluster.scheduler.address
    done = skandi_(
        "predict", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet", "--dask", address
    )
    assert done.exit_code == 0, done.output
    assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), analyse([walk]))


@pytest.mark.parametrize(
    ("name", "out", "told"),
    [
        ("in.csv", "out.parquet", "--dask needs one table in Parquet"),
        ("in.parquet", "out.csv", "--dask needs -o with a folder or a .parquet file"),
    ],
)
def test_cli__dask_with_other_files__is_an_error(tmp_path, name, out, told):
    write = messy().to_csv if name.endswith("csv") else messy().to_parquet
    write(tmp_path / name)
    done = skandi_("predict", tmp_path / name, "-o", tmp_path / out, "--dask", "local")
    assert done.exit_code == 2
    assert told in done.stderr
