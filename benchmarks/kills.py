"""Kill processes at random moments, and see whether anything half-written is read as whole.

    python benchmarks/kills.py --kills 50       # prints the table, writes the JSON

Four places of skandi write what a later run goes on from: the training of networks (`skandi
train`), the fit of an ensemble with `checkpoint_dir`, prediction in partitions, and results
(`skandi predict -o`). In each a run is killed (SIGKILL) again and again, half of the times at a
moment drawn from its duration, half of the times at the next file it writes. After each kill all
files that a reader would take for whole are read; the run is taken up again, and what it comes to
in the end is compared with a run that nobody killed. Networks and tables are tiny: what is tested
is the order in which things happen.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import torch

from skandi import AlphaRegressor, LengthBaggingRegressor, __version__
from skandi.cli import app
from skandi.distributed import predict
from skandi.simulate import make_andi
from skandi.training import stream
from skandi.weights import load_weights

RESULTS = Path(__file__).parent / "results" / "kills.json"
SMALL_WADNET = {"n_layers": 2, "n_filters": 4, "hidden_size": 4, "n_recurrent": 1}
SMALL_MULTISCALE = {"channels": (16,) * 5, "recurrent_size": 4, "hidden_size": 16}
N_PARTITIONS = 12
N_MEMBERS = 20
OLD = "track_id,alpha\nof an earlier run,1\n"
_LONGEST_WRITE = 0.02


# What is killed. Each runs in a process and a folder of its own. ----------------------------------


def train(folder: Path) -> None:
    """`skandi train` with a small network and a checkpoint every second step."""

    class Trainer(stream.StreamTrainer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs, validation_size=20)

        def run(self, **kwargs: Any) -> None:
            super().run(log_every=5, validate_every=20, checkpoint_every=2, **kwargs)

    small = stream.StreamTraining
    stream.StreamTrainer = Trainer  # type: ignore[misc]
    stream.StreamTraining = lambda **kwargs: small(  # type: ignore[assignment, misc]
        **{**kwargs, "network": SMALL_MULTISCALE, "batch_points": 1_000, "warmup": 5}
    )
    sizes = ("--steps", "40", "--test-size", "20", "--calibration-size", "0")
    command("train", *sizes, "--precision", "float32", "--resume", "-o", folder / "w.safetensors")


def fit(folder: Path) -> None:
    """An ensemble of members that train in a moment."""
    X, y = make_andi(160, length=(10, 40), random_state=0)
    member = AlphaRegressor(network_params=SMALL_WADNET, max_epochs=1)
    ensemble = LengthBaggingRegressor(
        member,
        lengths=[10, 20],
        cv=N_MEMBERS // 2,
        min_bucket=40,
        checkpoint_dir=folder / "members",
        random_state=0,
    ).fit(X, y)
    np.save(folder / "answers.npy", ensemble.predict(X))


def predict_in_partitions(folder: Path) -> None:
    """A table whose tracks lie in several files."""
    predict(folder.parent / "tracks", folder / "results", n_partitions=N_PARTITIONS)


def write_csv(folder: Path) -> None:
    """`skandi predict` to a CSV file that is there already."""
    command("predict", folder.parent / "many.parquet", "-o", folder / "out.csv")


def write_parquet(folder: Path) -> None:
    """The same to Parquet."""
    command("predict", folder.parent / "many.parquet", "-o", folder / "out.parquet")


def command(*arguments: object) -> None:
    app(list(map(str, arguments)), standalone_mode=False)


# What must hold after a kill, and in the end. ----------------------------------------------------


def check_training(folder: Path, whole: Path) -> None:
    for path in folder.glob("w.training/*.pt"):
        torch.load(path, weights_only=True)
    if (folder / "w.safetensors").exists():
        load_weights(folder / "w.safetensors")


def same_training(folder: Path, whole: Path) -> bool:
    (_, one), (_, other) = (load_weights(path / "w.safetensors") for path in (folder, whole))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def check_members(folder: Path, whole: Path) -> None:
    for path in folder.glob("members/member-*.joblib"):
        _, outputs = joblib.load(path)
        _, expected = joblib.load(whole / "members" / path.name)
        np.testing.assert_array_equal(outputs, expected)


def same_members(folder: Path, whole: Path) -> bool:
    return np.array_equal(*(np.load(path / "answers.npy") for path in (folder, whole)))


def check_partitions(folder: Path, whole: Path) -> None:
    for path in folder.glob("results/part-*.parquet"):
        expected = pd.read_parquet(whole / "results" / path.name)
        pd.testing.assert_frame_equal(pd.read_parquet(path), expected)


def same_partitions(folder: Path, whole: Path) -> bool:
    check_partitions(folder, whole)
    one, other = (sorted(p.name for p in (f / "results").iterdir()) for f in (folder, whole))
    return one == other


def check_results(folder: Path, whole: Path) -> None:
    for path in folder.glob("out.*"):
        content = path.read_bytes()
        assert content in (OLD.encode(), (whole / path.name).read_bytes()), path


def same_results(folder: Path, whole: Path) -> bool:
    return all(p.read_bytes() == (whole / p.name).read_bytes() for p in folder.glob("out.*"))


@dataclass(frozen=True)
class Place:
    """What runs, and how it is judged."""

    name: str
    run: Callable[[Path], None]
    check: Callable[[Path, Path], None]
    same: Callable[[Path, Path], bool]
    before: tuple[str, ...] = ()


PLACES = (
    Place("skandi train", train, check_training, same_training),
    Place("ensemble with checkpoint_dir", fit, check_members, same_members),
    Place("prediction in partitions", predict_in_partitions, check_partitions, same_partitions),
    Place("skandi predict -o .csv", write_csv, check_results, same_results, ("out.csv",)),
    Place("skandi predict -o .parquet", write_parquet, check_results, same_results),
)


@dataclass
class Tally:
    """What came of the kills at one place."""

    place: str
    kills: int = 0
    while_writing: int = 0
    runs_that_ended: int = 0
    read_half: int = 0
    ended_differently: int = 0
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)


def kill_at(place: Place, n_kills: int, scratch: Path, rng: np.random.Generator) -> Tally:
    """Kill, look, and take up again, until there were enough kills; then run to the end."""
    began, tally = time.perf_counter(), Tally(place.name)
    whole, duration = scratch / "whole", 0.0
    for _ in range(2):  # the first run still compiles and loads
        prepare(place, whole)
        duration = let_run(place, whole)
    folder = scratch / "killed"
    prepare(place, folder)
    while True:
        process = start(place, folder)
        if tally.kills < n_kills and die(process, folder, duration, rng):
            tally.kills += 1
            tally.while_writing += any(folder.rglob("*.part"))
            try:
                place.check(folder, whole)
            except Exception as error:
                tally.read_half += 1
                tally.remarks.append(f"{type(error).__name__}: {error}"[:500])
            continue
        process.join()
        tally.runs_that_ended += 1
        if process.exitcode or not place.same(folder, whole):
            tally.ended_differently += 1
            tally.remarks.append(f"exit code {process.exitcode}")
        if tally.kills >= n_kills:
            break
        prepare(place, folder)
    tally.seconds = time.perf_counter() - began
    return tally


def prepare(place: Place, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in place.before:
        (folder / name).write_text(OLD)


def let_run(place: Place, folder: Path) -> float:
    """Run it undisturbed and give its seconds."""
    began = time.perf_counter()
    process = start(place, folder)
    process.join()
    if process.exitcode:
        raise SystemExit(f"{place.name} failed by itself")
    return time.perf_counter() - began


def start(place: Place, folder: Path) -> Any:
    """A fresh process that finds all imports done and nothing computed yet."""
    process = CONTEXT.Process(target=run_alone, args=(PLACES.index(place), folder))
    process.start()
    return process


def run_alone(number: int, folder: Path) -> None:
    os.setpgid(0, 0)
    torch.set_num_threads(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    PLACES[number].run(folder)


def die(process: Any, folder: Path, duration: float, rng: np.random.Generator) -> bool:
    """Kill at a random moment, or while a file is written; False if the run was over before."""
    moment = time.perf_counter() + rng.uniform(0, duration)
    if rng.random() < 0.5:
        # after this moment, the next file that is begun
        while time.perf_counter() < moment and process.is_alive():
            time.sleep(0.001)
        while process.is_alive() and not any(folder.rglob("*.part")):
            pass
        time.sleep(rng.uniform(0, _LONGEST_WRITE) * rng.random())
    else:
        process.join(max(0.0, moment - time.perf_counter()))
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()  # it has not come to its own group yet, or is over
    process.join()
    return process.exitcode == -signal.SIGKILL


def write_inputs(scratch: Path) -> None:
    """Tracks in several files, and many that are too short, whose results are long to write."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 30, size=60)
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(60), lengths),
            "frame": np.concatenate([np.arange(T) for T in lengths]),
            "x": rng.normal(size=lengths.sum()),
            "y": rng.normal(size=lengths.sum()),
        }
    )
    (scratch / "tracks").mkdir()
    for k in range(3):
        table.iloc[k::3].to_parquet(scratch / "tracks" / f"{k}.parquet", index=False)
    lengths = np.r_[12, np.full(20_000, 2)]
    many = pd.DataFrame({"particle": np.repeat(np.arange(len(lengths)), lengths)})
    many["frame"] = many.groupby("particle").cumcount()
    many["x"], many["y"] = rng.normal(size=(2, len(many)))
    many.to_parquet(scratch / "many.parquet", index=False)


def tell(tallies: list[Tally]) -> None:
    print(f"{'place':32} kills  writing  ended  half read  other result  seconds")
    for t in tallies:
        print(
            f"{t.place:32} {t.kills:5}  {t.while_writing:7}  {t.runs_that_ended:5}  "
            f"{t.read_half:9}  {t.ended_differently:12}  {t.seconds:7.0f}"
        )
        for remark in t.remarks:
            print(f"    {remark}")


# What the runs would import one after the other, most of their time.
PRELOADED = ("skandi.pretrained.calibrating", "skandi.distributed.work", "torch._dynamo")
CONTEXT = multiprocessing.get_context("forkserver")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="in all, shared among the places")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--results", type=Path, default=RESULTS, help="JSON to write")
    arguments = parser.parse_args()
    CONTEXT.set_forkserver_preload(["__main__", *PRELOADED])
    rng = np.random.default_rng(arguments.seed)
    shares = [len(part) for part in np.array_split(range(arguments.kills), len(PLACES))]
    load, tallies = [os.getloadavg()[0]], []
    for place, n_kills in zip(PLACES, shares, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            write_inputs(Path(folder))
            tallies.append(kill_at(place, n_kills, Path(folder), rng))
        print(f"{place.name}: {tallies[-1].kills} kills", flush=True)
    tell(tallies)
    load.append(os.getloadavg()[0])
    result = {"skandi": __version__, "load_average": load, "places": [vars(t) for t in tallies]}
    arguments.results.parent.mkdir(exist_ok=True)
    arguments.results.write_text(json.dumps(result, indent=2) + "\n")
    print(f"wrote {arguments.results}")
    if any(t.read_half or t.ended_differently for t in tallies):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
