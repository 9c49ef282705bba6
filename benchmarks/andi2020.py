"""The shipped networks on fresh trajectories of the AnDi-2020 scoring convention.

    python benchmarks/andi2020.py -n 5000

prints MAE of α (task 1) and micro F1 of the model (task 2) for 1, 2 and 3 dimensions, lengths
10-999, with bootstrap intervals, beside the best published scores on the challenge's own scoring
set. The trajectories are fresh ones of the recipe `andi-2020`; the scoring set itself is not
public.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from skandi import load_pretrained
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results" / "andi2020.json"
SEED = 61_803
# Best of WADNet (Li, Yao & Huang 2021), RANDI (Argun et al. 2021) and the challenge's participants
# (Muñoz-Gil et al. 2021), each on the AnDi-2020 scoring set.
PUBLISHED = {
    "alpha": {1: 0.1507, 2: 0.1320, 3: 0.1109},
    "model": {1: 0.8808, 2: 0.9095, 3: 0.9454},
}
METRIC = {"alpha": "MAE", "model": "F1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5_000, help="trajectories per task and dimension")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row(task, n_dims, options.n) for task in ("alpha", "model") for n_dims in (1, 2, 3)]
    result = {
        "recipe": "andi-2020",
        "lengths": [10, 999],
        "trajectories_per_row": options.n,
        "interval": "95 % bootstrap over trajectories",
        "seed": SEED,
        "load_average": os.getloadavg(),
        "rows": rows,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print("| d | score | skandi | 95 % interval | best published |")
    print("|---|---|---|---|---|")
    for r in rows:
        low, high = r["interval"]
        print(
            f"| {r['n_dims']} | {r['metric']} | {r['score']:.4f} | {low:.4f}–{high:.4f} "
            f"| {r['published']:.4f} |"
        )
    print(f"\n{options.n} fresh trajectories per row, recipe andi-2020, lengths 10–999.")


def row(task: str, n_dims: int, n: int) -> dict:
    seed = np.random.SeedSequence([SEED, n_dims, task == "model"])
    X, y = make_andi(n, n_dims=n_dims, task=task, random_state=seed)
    estimator = load_pretrained(task, n_dims=n_dims)
    started = time.perf_counter()
    predicted = estimator.predict(X)
    seconds = time.perf_counter() - started
    each = np.abs(predicted - y) if task == "alpha" else (predicted == y).astype(float)
    resampled = np.random.default_rng(0).integers(n, size=(2_000, n))
    low, high = np.quantile(each[resampled].mean(axis=1), [0.025, 0.975])
    return {
        "task": task,
        "n_dims": n_dims,
        "metric": METRIC[task],
        "score": round(float(each.mean()), 5),
        "interval": [round(float(low), 5), round(float(high), 5)],
        "published": PUBLISHED[task][n_dims],
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
