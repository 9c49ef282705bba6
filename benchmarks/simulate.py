"""Time skandi's simulators against those of andi-datasets, and weigh the training stream.

    pip install skandi[andi]
    python benchmarks/simulate.py                      # about five minutes on a free core
    python benchmarks/simulate.py --lengths 1000 --repeats 3

Both generators run in one process on one core, in turns, over the exponents of the challenge's
grid in equal shares. A repeat times every model with both; the ratio of the balanced mix is that of
the sums over the five models. Shown are medians over the repeats, with the lowest and the highest
ratio. The peak memory is that of a process of its own which draws a million trajectories of 100
points from `TrajectoryStream`. Results go to benchmarks/results/simulate.json.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

# One core: set before numpy starts its threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from skandi.diffusion import ALPHA_GRID, ALPHA_RANGE, MODELS
from skandi.simulate import TrajectoryStream, simulate

RESULTS = Path(__file__).parent / "results" / "simulate.json"
N_OURS = 4000
SECONDS = 0.15
"""The shortest time worth taking: trajectories are made in passes over the grid until then."""
TARGETS = {(1000, 1): 15.0, (1000, 2): 12.0, (1000, 3): 12.0}
WORST_MODEL = {1000: 1.5, 100: 1.0, 20: 1.0}
MEMORY_MB, MILLION = 500, 1_000_000


def main() -> None:
    """Time, weigh, print, keep."""
    options = parse()
    if options.weigh:
        print(peak_memory(options.weigh))
        return
    pin_to_one_core()
    results: dict[str, Any] = {"environment": environment(), "repeats": options.repeats}
    theirs = andi_datasets_models()
    if theirs is None:
        print("andi-datasets is not installed (pip install skandi[andi]): timing skandi alone")
    results["seconds"], results["ratios"] = [], []
    for T in options.lengths:
        for n_dims in options.dims:
            rows = [time_all(T, n_dims, theirs, seed) for seed in range(options.repeats)]
            results["seconds"].append({"T": T, "n_dims": n_dims, "per_trajectory": rows})
            results["ratios"].append({"T": T, "n_dims": n_dims, **summary(rows)})
            show(results["ratios"][-1])
    results["load_after"] = os.getloadavg()
    if not options.no_memory:
        results["peak_memory_mb"] = {f"{d}D": weigh_in_subprocess(d) for d in options.dims}
        print(f"peak memory, a million of T = 100: {results['peak_memory_mb']} MB")
    results["claims"] = claims(results)
    for claim, holds in results["claims"].items():
        print(f"{'holds' if holds else 'FAILS'}: {claim}")
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[20, 100, 1000], metavar="T")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2, 3], choices=[1, 2, 3])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--weigh", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def andi_datasets_models() -> Any:
    """The package's simulators, or None without the package."""
    try:
        return importlib.import_module("andi_datasets.models_theory").models_theory()
    except ImportError:
        return None


def time_all(T: int, n_dims: int, theirs: Any, seed: int) -> dict[str, dict[str, float]]:
    """Seconds per trajectory of every model with both generators, one after the other."""
    seconds: dict[str, dict[str, float]] = {}
    for model in MODELS:
        low, high = ALPHA_RANGE[model]
        middle, reach = (low + high) / 2, (high - low) / 2
        grid = ALPHA_GRID[np.abs(ALPHA_GRID - middle) < reach + 1e-9]
        seconds[model] = {"skandi": time_ours(model, grid, T, n_dims, seed)}
        if theirs is not None:
            seconds[model]["andi-datasets"] = time_theirs(theirs, model, grid, T, n_dims, seed)
    return seconds


def time_ours(model: str, grid: np.ndarray, T: int, n_dims: int, seed: int) -> float:
    alpha = np.resize(grid, N_OURS - N_OURS % len(grid))
    return per_trajectory(
        lambda: simulate(model, alpha, len(alpha), T, n_dims, random_state=seed), len(alpha)
    )


def time_theirs(theirs: Any, model: str, grid: np.ndarray, T: int, n_dims: int, seed: int) -> float:
    simulator = getattr(theirs, model)
    np.random.seed(seed)  # noqa: NPY002
    with np.errstate(all="ignore"):
        return per_trajectory(lambda: [simulator(T, float(a), n_dims) for a in grid], len(grid))


def per_trajectory(make: Callable[[], object], n: int) -> float:
    """Seconds per trajectory, over as many calls as fill the shortest time."""
    make()  # caches and first imports
    made, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS or not made:
        make()
        made += n
    return elapsed / made


def summary(rows: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Median times in microseconds, and ratios with their spread over the repeats."""
    table: dict[str, Any] = {}
    for name in (*MODELS, "balanced mix"):
        models = MODELS if name == "balanced mix" else (name,)
        times = {
            package: [sum(row[m][package] for m in models) / len(models) for row in rows]
            for package in rows[0][MODELS[0]]
        }
        entry: dict[str, Any] = {f"{p} µs": round(1e6 * median(t), 2) for p, t in times.items()}
        if len(times) == 2:
            ratios = [b / a for a, b in zip(times["skandi"], times["andi-datasets"])]
            entry["ratio"] = round(median(ratios), 2)
            entry["lowest"], entry["highest"] = round(min(ratios), 2), round(max(ratios), 2)
        table[name] = entry
    return table


def show(table: dict[str, Any]) -> None:
    print(f"T = {table['T']}, {table['n_dims']}D: µs per trajectory, times faster")
    for name, entry in table.items():
        if isinstance(entry, dict):
            times = "".join(
                f"{key} {value:10.2f}   " for key, value in entry.items() if "µs" in key
            )
            spread = ""
            if "ratio" in entry:
                spread = f"{entry['ratio']:8.1f} ({entry['lowest']:.1f} – {entry['highest']:.1f})"
            print(f"  {name:<13}{times}{spread}")


def claims(results: dict[str, Any]) -> dict[str, bool]:
    """Say what was to be shown and whether it was."""
    said = {}
    for row in results["ratios"]:
        T, n_dims = row["T"], row["n_dims"]
        if "ratio" not in row["balanced mix"]:
            continue
        if (T, n_dims) in TARGETS:
            target = TARGETS[T, n_dims]
            claim = f"T = {T}, {n_dims}D: balanced mix at least {target:g} times as fast"
            said[claim] = row["balanced mix"]["ratio"] >= target
        if T in WORST_MODEL:
            claim = f"T = {T}, {n_dims}D: no model below {WORST_MODEL[T]:g} times"
            said[claim] = min(row[model]["ratio"] for model in MODELS) >= WORST_MODEL[T]
    for dims, megabytes in results.get("peak_memory_mb", {}).items():
        said[f"{dims}: a million trajectories of 100 points in less than {MEMORY_MB} MB"] = (
            megabytes < MEMORY_MB
        )
    return said


def weigh_in_subprocess(n_dims: int) -> int:
    """Peak memory in a process that does nothing but consume the stream."""
    command = [sys.executable, __file__, "--weigh", str(n_dims)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak_memory(n_dims: int) -> int:
    """Draw a million trajectories from the stream; peak memory of this process in MB."""
    made = 0
    with TrajectoryStream(n_dims, length=100, random_state=0) as stream:
        while made < MILLION:
            made += len(next(stream).positions)
    with contextlib.suppress(FileNotFoundError), open("/proc/self/status") as status:
        # Unlike ru_maxrss, this one does not count the process that started us.
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def pin_to_one_core() -> None:
    with contextlib.suppress(AttributeError):  # not on macOS and Windows
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def environment() -> dict[str, Any]:
    packages = ("numpy", "scipy", "andi-datasets", "stochastic")
    found = {}
    for package in packages:
        with contextlib.suppress(ImportError):
            found[package] = version(package)
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": found,
        "load_before": os.getloadavg(),
    }


if __name__ == "__main__":
    main()
