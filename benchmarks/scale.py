"""Prediction from Parquet to Parquet at scale: time and memory per track, and what kills change.

    python benchmarks/scale.py --n 100000              # prints the table, writes the JSON
    python benchmarks/scale.py --n 1000000 --scratch /large/disk

Simulated tracks of 100 points in two dimensions are written to a Parquet file, a few thousand at a
time. `skandi.distributed.predict` then reads it twice: in one process, and on a cluster of two
processes of which driver, scheduler and workers are all killed (SIGKILL) when a third and when two
thirds of the partitions are written, and which are then started again. Both results are compared.

Memory is the largest resident set that the kernel notes of any one process (Linux only). Times hold
for the machine as it was: its load is written beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from skandi import __version__
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results" / "scale.json"
N_POINTS = 100
BLOCK = 5_000
TRACKS_PER_PARTITION = 10_000
FEWEST_PARTITIONS = 12
N_WORKERS = 2


def write_input(path: Path, n_tracks: int) -> None:
    """Tracks of the challenge's five models, block after block: memory stays flat."""
    writer = None
    for start in range(0, n_tracks, BLOCK):
        n = min(BLOCK, n_tracks - start)
        seed = np.random.SeedSequence([0, start])
        X, _ = make_andi(n, n_dims=2, length=N_POINTS, random_state=np.random.default_rng(seed))
        positions = np.concatenate(X)
        table = pa.table(
            {
                "particle": np.repeat(np.arange(start, start + n), N_POINTS),
                "frame": np.tile(np.arange(N_POINTS), n),
                "x": positions[:, 0],
                "y": positions[:, 1],
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def work(source: Path, out: Path, n_partitions: int, on_cluster: bool) -> None:
    """What the processes under test run."""
    from skandi.distributed import predict

    if not on_cluster:
        predict(source, out, n_partitions=n_partitions)
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        predict(source, out, n_partitions=n_partitions, client=client)


class Run:
    """One process with all of its children, watched from outside."""

    def __init__(self, *arguments: object) -> None:
        self.began = time.perf_counter()
        self.peak: dict[int, int] = {}
        command = [sys.executable, __file__, "--work", *map(str, arguments)]
        self.process = subprocess.Popen(command, start_new_session=True)

    def watch(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Note memory until the run ends (False) or something has come true (True)."""
        while self.process.poll() is None:
            self._note_memory()
            if until():
                return True
            time.sleep(0.2)
        if self.process.returncode:
            raise SystemExit(f"the run failed with exit code {self.process.returncode}")
        return False

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.began

    def _note_memory(self) -> None:
        try:
            running = psutil.Process(self.process.pid)
            for each in [running, *running.children(recursive=True)]:
                for line in Path(f"/proc/{each.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        self.peak[each.pid] = int(line.split()[1]) * 1024
        except (psutil.Error, OSError):
            pass  # it has just ended


def measure(n_tracks: int, scratch: Path) -> dict[str, object]:
    """Everything for one number of tracks."""
    source, one, two = scratch / "tracks.parquet", scratch / "one", scratch / "two"
    print(f"writing {n_tracks} tracks to {source}", flush=True)
    write_input(source, n_tracks)
    n_partitions = max(FEWEST_PARTITIONS, -(-n_tracks // TRACKS_PER_PARTITION))
    load = [os.getloadavg()[0]]

    print("one process", flush=True)
    before = os.times()
    run = Run(source, one, n_partitions, 0)
    run.watch()
    after = os.times()
    single = {
        "seconds": run.seconds(),
        "core_seconds": sum(after[2:4]) - sum(before[2:4]),
        "peak_bytes": max(run.peak.values()),
    }
    load.append(os.getloadavg()[0])

    legs, peaks, found = [], [], []
    for share in (1 / 3, 2 / 3, None):
        print(f"two processes{f', killed at {share:.0%}' if share else ''}", flush=True)
        run = Run(source, two, n_partitions, 1)
        until = (lambda s=share: parts(two) >= s * n_partitions) if share else (lambda: False)
        if run.watch(until):
            run.kill()
        elif share:
            raise SystemExit("the run ended before it could be killed: take more tracks")
        legs.append(run.seconds())
        peaks.append(max(run.peak.values()))
        found.append(parts(two))
    load.append(os.getloadavg()[0])
    return {
        "tracks": n_tracks,
        "points_per_track": N_POINTS,
        "partitions": n_partitions,
        "input_bytes": source.stat().st_size,
        "result_bytes": sum(path.stat().st_size for path in one.glob("*.parquet")),
        "one_process": {
            **single,
            "core_milliseconds_per_track": 1000 * single["core_seconds"] / n_tracks,
        },
        "two_processes_killed_twice": {
            "seconds": legs,
            "partitions_after_each": found,
            "peak_bytes_of_a_process": max(peaks),
        },
        "results_equal_to_the_last_bit": equal(one, two),
        "load_average": load,
    }


def parts(folder: Path) -> int:
    return len(list(folder.glob("part-*.parquet")))


def equal(one: Path, two: Path) -> bool:
    """Whether both folders hold the same partitions with the same tables."""
    names = sorted(path.name for path in one.glob("*.parquet"))
    return names == sorted(path.name for path in two.glob("*.parquet")) and all(
        pd.read_parquet(one / name).equals(pd.read_parquet(two / name)) for name in names
    )


def keep(result: dict[str, object], path: Path) -> None:
    """Put a result beside those for other numbers of tracks."""
    about = {
        "skandi": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    runs = [run for run in runs if run["tracks"] != result["tracks"]] + [{**about, **result}]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"runs": sorted(runs, key=lambda r: r["tracks"])}, indent=2) + "\n")


def tell(result: dict) -> None:
    one, two = result["one_process"], result["two_processes_killed_twice"]
    print(f"{result['tracks']} tracks of {N_POINTS} points, {result['partitions']} partitions")
    print(
        f"  one process: {one['seconds']:.0f} s, {one['core_milliseconds_per_track']:.3f} ms of a "
        f"core per track, {one['peak_bytes'] / 1e9:.2f} GB at most"
    )
    print(
        f"  two processes, killed twice: {' + '.join(f'{s:.0f}' for s in two['seconds'])} s, "
        f"{two['peak_bytes_of_a_process'] / 1e9:.2f} GB at most in one of them"
    )
    print(f"  equal to the last bit: {result['results_equal_to_the_last_bit']}")
    print(f"  load average: {', '.join(f'{x:.1f}' for x in result['load_average'])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100_000, help="number of tracks")
    parser.add_argument("--scratch", type=Path, help="folder for input and results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="JSON to write")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        source, out, n_partitions, on_cluster = arguments.work
        work(Path(source), Path(out), int(n_partitions), on_cluster == "1")
        return
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        result = measure(arguments.n, Path(scratch))
    tell(result)
    keep(result, arguments.results)
    print(f"wrote {arguments.results}")
    if not result["results_equal_to_the_last_bit"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
