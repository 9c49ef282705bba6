"""Tracks longer than any seen in training: read whole, by their beginning, in windows, or thinned.

    python benchmarks/long_tracks.py -n 600

The shipped networks were trained on 10 to 999 points. Here trajectories of 2000 and 4000 points
(recipe `andi-2020-fixed`) are read in four ways, by the same networks: all points at once; the
first 999; windows of 999 that cover the track, outputs averaged; every k-th point from each of k
starts, outputs averaged.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch

from skandi import load_pretrained
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results" / "long_tracks.json"
SEED = 27_182
LONGEST = 999


def whole(X: list) -> list:
    return [X]


def beginning(X: list) -> list:
    return [[x[:LONGEST] for x in X]]


def windows(X: list) -> list:
    T = len(X[0])
    starts = np.linspace(0, T - LONGEST, -(-T // LONGEST)).round().astype(int)
    return [[x[start : start + LONGEST] for x in X] for start in starts]


def thinned(X: list) -> list:
    k = -(-len(X[0]) // LONGEST)
    return [[x[start::k] for x in X] for start in range(k)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=600, help="trajectories per length and task")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print("| d | points | read | MAE | F1 |\n|---|---|---|---|---|")
    for n_dims in (1, 2):
        regressor, classifier = (load_pretrained(t, n_dims=n_dims) for t in ("alpha", "model"))
        for T in (2_000, 4_000):
            common = {"n_dims": n_dims, "length": T, "recipe": "andi-2020-fixed"}
            seeds = np.random.SeedSequence([SEED, n_dims, T]).spawn(2)
            X, y = make_andi(options.n, random_state=seeds[0], **common)
            X_model, model = make_andi(options.n, task="model", random_state=seeds[1], **common)
            for parts in (whole, beginning, windows, thinned):
                alpha = np.mean([regressor.predict(part) for part in parts(X)], axis=0)
                logits = np.mean([classifier.predict_logits(p) for p in parts(X_model)], axis=0)
                error = np.abs(alpha - y)
                right = classifier.classes_[logits.argmax(axis=1)] == model
                rows.append(
                    {
                        "n_dims": n_dims,
                        "points": T,
                        "read": parts.__name__,
                        "mae": round(float(error.mean()), 4),
                        "mae_standard_error": round(float(error.std() / options.n**0.5), 4),
                        "f1": round(float(right.mean()), 4),
                        "f1_standard_error": round(float(right.std() / options.n**0.5), 4),
                    }
                )
                r = rows[-1]
                print(
                    f"| {n_dims} | {T} | {r['read']} | {r['mae']:.3f} ± "
                    f"{r['mae_standard_error']:.3f} | {r['f1']:.3f} ± "
                    f"{r['f1_standard_error']:.3f} |",
                    flush=True,
                )
    RESULTS.parent.mkdir(exist_ok=True)
    result = {
        "recipe": "andi-2020-fixed",
        "n": options.n,
        "seed": SEED,
        "load_average": os.getloadavg(),
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
