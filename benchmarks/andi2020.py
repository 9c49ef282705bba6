"""The shipped networks on fresh trajectories of the AnDi-2020 scoring convention.

    python benchmarks/andi2020.py -n 100000                  # preset fast, a quarter of an hour
    python benchmarks/andi2020.py -n 100000 --preset best    # twice as long
    python benchmarks/andi2020.py -n 100000 --dims 1         # the other rows are kept

prints MAE of α (task 1) and micro F1 of the model (task 2) for 1, 2 and 3 dimensions, lengths
10-999, with bootstrap intervals, beside the best published scores on the challenge's own scoring
set, then both by length, by model and by the SNR of the noisiest axis; the results file has them by
all three at once too. The trajectories are fresh ones of the recipe `andi-2020`; the scoring set
itself is not public.

In 1D a Lévy walk of a single flight is an exact line in this recipe as in the challenge; the scores
without those rows are printed too.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from skandi import load_pretrained
from skandi.pretrained import PRESETS, first_member, shipped_weights
from skandi.simulate import make_andi
from skandi.weights import digest, load_weights

RESULTS = Path(__file__).parent / "results"
SEED = 61_803
BLOCK = 5_000
# Best of WADNet (Li, Yao & Huang 2021), RANDI (Argun et al. 2021) and the challenge's participants
# (Muñoz-Gil et al. 2021), each on the AnDi-2020 scoring set.
PUBLISHED = {
    "alpha": {1: 0.1507, 2: 0.1320, 3: 0.1109},
    "model": {1: 0.8808, 2: 0.9095, 3: 0.9454},
}
GOAL = {"alpha": {1: 0.128, 2: 0.112, 3: 0.093}, "model": {1: 0.892, 2: 0.922, 3: 0.955}}
METRIC = {"alpha": "MAE", "model": "F1"}
LENGTH_BINS = [10, 25, 50, 100, 200, 300, 400, 600, 800, 1000]
COARSE_BINS = [10, 25, 50, 100, 300, 1000]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5_000, help="trajectories per task and dimension")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="fast")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    torch.set_num_threads(1)
    common = {
        "recipe": "andi-2020",
        "lengths": [10, 999],
        "preset": options.preset,
        "trajectories_per_row": options.n,
        "interval": "95 % bootstrap over trajectories",
        "seed": SEED,
    }
    measured = [
        row(task, n_dims, options.n, options.preset)
        for task in ("alpha", "model")
        for n_dims in options.dims
    ]
    path = RESULTS / f"andi2020_{options.preset}.json"
    digest_of = partial(network_digest, preset=options.preset)
    rows = kept_rows(path, common, options.dims, digest_of) + measured
    rows.sort(key=lambda r: (r["task"], r["n_dims"]))
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps({**common, "rows": rows}, indent=1) + "\n")
    report(rows)
    print(
        f"\n{options.n} fresh trajectories per row, recipe andi-2020, lengths 10–999, "
        f"preset {options.preset}."
    )


def network_digest(n_dims: int, preset: str) -> str:
    """What tells the parameters that a preset asks; corrections of intervals do not count."""
    config, state = load_weights(shipped_weights(n_dims))
    return digest(first_member(config, state)[1] if preset == "fast" else state)[:12]


def kept_rows(
    path: Path, common: dict, measured: list[int], weights: Callable[[int], str]
) -> list[dict]:
    """Rows of other dimensions in the results file, if measured alike and of the same weights."""
    result = json.loads(path.read_text()) if path.exists() else {}
    if any(result.get(key) != value for key, value in common.items()):
        return []
    return [
        r
        for r in result["rows"]
        if r["n_dims"] not in measured and r.get("weights") == weights(r["n_dims"])
    ]


def row(task: str, n_dims: int, n: int, preset: str) -> dict:
    """Score one task in one dimension."""
    estimator = load_pretrained(task, n_dims=n_dims, preset=preset)
    seed = np.random.SeedSequence([SEED, n_dims, task == "model"])
    tables, seconds = [], 0.0
    for k, child in enumerate(seed.spawn(-(-n // BLOCK))):
        size = min(BLOCK, n - k * BLOCK)
        X, y, truth = make_andi(
            size, n_dims=n_dims, task=task, random_state=child, return_truth=True
        )
        started = time.process_time()
        predicted = estimator.predict(X)
        seconds += time.process_time() - started
        each = np.abs(predicted - y) if task == "alpha" else (predicted == y).astype(float)
        sigma = truth.filter(like="sigma").to_numpy()
        tables.append(
            pd.DataFrame(
                {
                    "score": each,
                    "model": truth["model"],
                    "length": pd.cut(truth["length"], LENGTH_BINS, right=False).astype(str),
                    "coarse": pd.cut(truth["length"], COARSE_BINS, right=False).astype(str),
                    "snr": (1 / sigma.max(axis=1)).round().astype(int),
                    "line": [exact_line(x) for x in X],
                }
            )
        )
    table = pd.concat(tables, ignore_index=True)
    low, high = bootstrap(table["score"].to_numpy())
    return {
        "task": task,
        "n_dims": n_dims,
        "metric": METRIC[task],
        "score": round(float(table["score"].mean()), 5),
        "interval": [round(low, 5), round(high, 5)],
        "without_exact_lines": round(float(table.loc[~table["line"], "score"].mean()), 5),
        "exact_lines": int(table["line"].sum()),
        "published": PUBLISHED[task][n_dims],
        "goal": GOAL[task][n_dims],
        "core_seconds": round(seconds, 1),
        "load_average": os.getloadavg(),
        "weights": network_digest(n_dims, preset),
        "by": {
            name: {
                str(key): mean_and_error(group)
                for key, group in table.groupby(name, sort=False)["score"]
            }
            for name in ("length", "model", "snr")
        },
        "cells": [
            {"length": length, "model": model, "snr": int(snr), **mean_and_error(group)}
            for (length, model, snr), group in table.groupby(["coarse", "model", "snr"])["score"]
        ],
    }


def mean_and_error(scores: pd.Series) -> dict:
    """Mean and its standard error, as JSON has them."""
    return {
        "n": len(scores),
        "score": round(float(scores.mean()), 4),
        "standard_error": round(float(scores.std() / len(scores) ** 0.5), 4),
    }


def exact_line(x: np.ndarray) -> bool:
    """Whether all displacements of a track are equal to rounding."""
    steps = np.diff(x, axis=0)
    return bool((steps.std(axis=0) <= 1e-9 * np.abs(steps.mean(axis=0))).all())


def bootstrap(each: np.ndarray, repeats: int = 1_000) -> tuple[float, float]:
    """Give the 95 % interval of the mean."""
    rng = np.random.default_rng(0)
    means = [each[rng.integers(len(each), size=len(each))].mean() for _ in range(repeats)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def report(rows: list[dict]) -> None:
    print("| d | score | skandi | 95 % interval | without exact lines | best published | goal |")
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        low, high = r["interval"]
        print(
            f"| {r['n_dims']} | {r['metric']} | {r['score']:.4f} | {low:.4f}–{high:.4f} "
            f"| {r['without_exact_lines']:.4f} | {r['published']:.4f} | {r['goal']:.3f} |"
        )
    for name in ("length", "model", "snr"):
        found = {key for r in rows for key in r["by"][name]}
        keys = sorted(found, key=lambda key: (len(key.split(",")[0]), key))
        print(f"\n| {name} | " + " | ".join(f"{r['metric']} {r['n_dims']}D" for r in rows) + " |")
        print("|---" * (len(rows) + 1) + "|")
        for key in keys:
            cells = [r["by"][name].get(key) for r in rows]
            print(
                f"| {key} | "
                + " | ".join(
                    f"{c['score']:.3f} ± {c['standard_error']:.3f}" if c else "" for c in cells
                )
                + " |"
            )


if __name__ == "__main__":
    main()
