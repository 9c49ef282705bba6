"""What training on one's own noise gains over the bundled weights, on tracks of that noise.

    python benchmarks/own_noise.py --folder DIR

goes on from the bundled weights for a while with `skandi train --init bundled --snr LOW-HIGH` (the
folder keeps checkpoint and weights; run again, it resumes), then compares both on fresh
trajectories (recipe `andi-2020`, lengths uniform in their logarithm from 10 to 999, the same
signal-to-noise ratio along all axes): error of α, right models, and how often and how widely the
90 % interval holds the true α. Differences are paired, track by track.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from skandi import load_pretrained
from skandi.pretrained import shipped_weights
from skandi.provenance import file_digest
from skandi.simulate import make_andi
from skandi.weights import load_weights

RESULTS = Path(__file__).parent / "results" / "own_noise.json"
SEED = 60_221_407


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="for checkpoint and weights")
    parser.add_argument("--dims", type=int, default=2)
    parser.add_argument("--snr", type=float, nargs=2, default=[3.0, 8.0], metavar=("LOW", "HIGH"))
    parser.add_argument("--steps", type=int, default=2_000, help="steps of training")
    parser.add_argument("-n", type=int, default=20_000, help="fresh trajectories per task")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    own = options.folder / "own_noise.safetensors"
    if not own.exists():
        low, high = options.snr
        subprocess.run(
            [
                *(sys.executable, "-m", "skandi", "train", "--dims", str(options.dims)),
                *("--init", "bundled", "--snr", f"{low:g}-{high:g}", "--seed", "7"),
                *("--steps", str(options.steps), "--cooldown", str(options.steps // 2)),
                *("--novelty-size", "0", "--resume", "-o", str(own)),
            ],
            check=True,
        )
    training = load_weights(own)[0]["training"]
    rows = compared(own, options.dims, tuple(options.snr), options.n)
    result = {
        "recipe": "andi-2020",
        "lengths": "10-999, uniform in log",
        "snr_range": options.snr,
        "n_dims": options.dims,
        "trajectories_per_task": options.n,
        "steps": training["steps_done"],
        "trajectories_of_training": training["trajectories"],
        "core_hours_of_training": training["core_hours"],
        "bundled": file_digest(shipped_weights(options.dims)),
        "load_average": os.getloadavg(),
        "scores": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print("| | bundled | own noise | difference |")
    print("|---|---|---|---|")
    for name, row in rows.items():
        print(
            f"| {name} | {row['bundled']:.4f} | {row['own']:.4f} "
            f"| {row['difference']:+.4f} ± {row['standard_error']:.4f} |"
        )


def compared(own: Path, n_dims: int, snr_range: tuple, n: int) -> dict[str, dict[str, float]]:
    """Scores of both weights, and the paired difference with its standard error."""
    rng = np.random.default_rng([SEED, n_dims])
    lengths = np.exp(rng.uniform(np.log(10), np.log(1000), n)).astype(int)
    made = {
        task: make_andi(
            n, n_dims=n_dims, task=task, length=lengths, snr_range=snr_range, random_state=rng
        )
        for task in ("alpha", "model")
    }
    bundled, mine = (of_tracks(path, n_dims, made) for path in (None, own))
    rows = {}
    for name, values in mine.items():
        difference = values - bundled[name]
        rows[name] = {
            "bundled": round(float(bundled[name].mean()), 5),
            "own": round(float(values.mean()), 5),
            "difference": round(float(difference.mean()), 5),
            "standard_error": round(float(difference.std() / n**0.5), 5),
        }
    return rows


def of_tracks(weights: Path | None, n_dims: int, made: dict) -> dict[str, np.ndarray]:
    """What each track contributes to each score."""
    X, alpha = made["alpha"]
    regressor = load_pretrained("alpha", n_dims=n_dims, path=weights)
    lower, upper = regressor.predict_interval(X, 0.9).T
    X_model, model = made["model"]
    classifier = load_pretrained("model", n_dims=n_dims, path=weights)
    return {
        "MAE of α": np.abs(regressor.predict(X) - alpha),
        "F1 of the model": (classifier.predict(X_model) == model).astype(float),
        "coverage of the 90 % interval": ((lower <= alpha) & (alpha <= upper)).astype(float),
        "width of the 90 % interval": upper - lower,
    }


if __name__ == "__main__":
    main()
