"""Whether the intervals of α hold for one kind of motion, and which way α errs.

    python benchmarks/coverage_by_motion.py -n 1000      # per cell; some minutes

The 90 % intervals keep their word on average over the motions of the training. This prints, per
dimension, the share of true α inside ``predict_interval(X, 0.9)`` and, in brackets, the mean of
estimate less truth, for each model, quarter of the exponents and range of lengths (uniform in
their logarithm), on fresh trajectories of the recipe `andi-2020` (noise of each axis drawn as
there). The standard error of a share of .9 is .009 for 1000 trajectories.
"""

import argparse
import json

import numpy as np
import torch
from andi2020 import kept_rows
from calibration import COVERAGE, RESULTS, corrected_digest

from skandi import AlphaRegressor, load_pretrained
from skandi.diffusion import ALPHA_GRID, ALPHA_RANGE, MODELS
from skandi.pretrained import PRESETS
from skandi.simulate import andi_tracks

SEED = 20_771
LENGTHS = [(10, 29), (30, 99), (100, 299), (300, 999)]
QUARTERS = [(0.05, 0.5), (0.55, 1.0), (1.05, 1.5), (1.55, 2.0)]
SIGMAS = (0.1, 0.5, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1_000, help="trajectories per cell")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="fast")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for n_dims in options.dims:
        regressor = load_pretrained("alpha", n_dims=n_dims, preset=options.preset)
        cells = [
            cell(regressor, n_dims, options.n, MODELS.index(model), values, length)
            for model in MODELS
            for quarter in QUARTERS
            if len(values := exponents(model, quarter)) > 1
            for length in LENGTHS
        ]
        rows.append({"n_dims": n_dims, "weights": corrected_digest(n_dims), "cells": cells})
        report(rows[-1])
    common = {
        "recipe": "andi-2020",
        "coverage": COVERAGE,
        "preset": options.preset,
        "trajectories_per_cell": options.n,
        "seed": SEED,
    }
    path = RESULTS / f"coverage_by_motion_{options.preset}.json"
    rows += kept_rows(path, common, options.dims, corrected_digest)
    rows.sort(key=lambda r: r["n_dims"])
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps({**common, "rows": rows}, indent=1) + "\n")


def exponents(model: str, quarter: tuple[float, float]) -> np.ndarray:
    """Values of α of a model that lie in a quarter of the grid."""
    low = max(quarter[0], ALPHA_RANGE[model][0])
    high = min(quarter[1], ALPHA_RANGE[model][1])
    return ALPHA_GRID[[low - 1e-9 < a < high + 1e-9 for a in ALPHA_GRID]]


def cell(
    regressor: AlphaRegressor,
    n_dims: int,
    n: int,
    model: int,
    values: np.ndarray,
    length: tuple[int, int],
) -> dict:
    """Coverage, width and mean error for one model, some exponents and a range of lengths."""
    root = np.random.SeedSequence([SEED, n_dims, model, round(100 * values[0]), length[0]])
    draw, seed = root.spawn(2)
    rng = np.random.default_rng(draw)
    alpha = rng.choice(values, n)
    lengths = np.exp(rng.uniform(np.log(length[0]), np.log(length[1] + 1), n)).astype(int)
    sigma = rng.choice(SIGMAS, (n, n_dims))
    X = andi_tracks(np.full(n, model), alpha, lengths, sigma, random_state=seed)
    lower, upper = regressor.predict_interval(X, COVERAGE).T
    return {
        "model": MODELS[model],
        "alpha": [round(float(v), 2) for v in values[[0, -1]]],
        "length": list(length),
        "coverage": round(float(((lower <= alpha) & (alpha <= upper)).mean()), 4),
        "width": round(float((upper - lower).mean()), 4),
        "bias": round(float((regressor.predict(X) - alpha).mean()), 4),
    }


def report(row: dict) -> None:
    print(f"\n{row['n_dims']}D: coverage of 90 % (mean of estimate less truth)")
    print("| model | α | " + " | ".join(f"{a}–{b} points" for a, b in LENGTHS) + " |")
    print("|---" * (len(LENGTHS) + 2) + "|")
    for k in range(0, len(row["cells"]), len(LENGTHS)):
        mine = row["cells"][k : k + len(LENGTHS)]
        texts = " | ".join(f"{c['coverage']:.2f} ({c['bias']:+.2f})" for c in mine)
        low, high = mine[0]["alpha"]
        print(f"| {mine[0]['model'].upper()} | {low:.2f}–{high:.2f} | {texts} |", flush=True)


if __name__ == "__main__":
    main()
