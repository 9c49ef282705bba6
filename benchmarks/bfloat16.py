"""What prediction in bfloat16 gains and costs.

    python benchmarks/bfloat16.py                 # some minutes

prints, per dimension, MAE of α and F1 of the model in float32 and bfloat16 on the same fresh
trajectories (recipe `andi-2020`, 10-999 points), the difference with its standard error, and how
many times as fast bfloat16 was: the median over repeats in which both took turns, on one thread.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from skandi import load_pretrained
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results" / "bfloat16.json"
SEED = 46_368


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=4_000, help="trajectories per task and dimension")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [compare(task, n_dims, options) for task in ("alpha", "model") for n_dims in (1, 2, 3)]
    result = {"recipe": "andi-2020", "lengths": [10, 999], "n": options.n, "rows": rows}
    result["load_average"] = os.getloadavg()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    for r in rows:
        print(
            f"{r['n_dims']}D {r['metric']:3} float32 {r['float32']:.4f}, bfloat16 less it "
            f"{r['difference']:+.5f} ± {r['standard_error']:.5f}; {r['speed']:.2f}x as fast"
        )


def compare(task: str, n_dims: int, options: argparse.Namespace) -> dict:
    """Score and time both precisions on the same trajectories."""
    seed = np.random.SeedSequence([SEED, n_dims, task == "model"])
    X, y = make_andi(options.n, n_dims=n_dims, task=task, random_state=seed)
    exact, rough = (
        load_pretrained(task, n_dims=n_dims, precision=p) for p in ("float32", "bfloat16")
    )
    scores = []
    for estimator in (exact, rough):
        predicted = estimator.predict(X)
        scores.append(np.abs(predicted - y) if task == "alpha" else (predicted == y).astype(float))
    ratios = [seconds(exact, X) / seconds(rough, X) for _ in range(options.repeats)]
    difference = scores[1] - scores[0]
    return {
        "task": task,
        "n_dims": n_dims,
        "metric": "MAE" if task == "alpha" else "F1",
        "float32": round(float(scores[0].mean()), 5),
        "difference": round(float(difference.mean()), 6),
        "standard_error": round(float(difference.std() / len(X) ** 0.5), 6),
        "speed": round(statistics.median(ratios), 3),
    }


def seconds(estimator, X: list) -> float:
    started = time.process_time()
    estimator.predict(X)
    return time.process_time() - started


if __name__ == "__main__":
    main()
