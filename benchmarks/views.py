"""What averaging over symmetric copies of each trajectory gains, and what it costs.

    python benchmarks/views.py --dims 1 2 -n 3000

The generator has no preferred direction, so mirror images and other orders of the axes are as
probable as the trajectory itself. Scores are on the trainer's validation trajectories (recipe
`andi-2020`, 10-999 points): the presets are chosen by them, and they are reported nowhere else. The
difference to one reading is paired, trajectory by trajectory.
"""

import argparse
import json
import os
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch

from skandi import load_pretrained
from skandi.pretrained import shipped_weights
from skandi.provenance import file_digest
from skandi.training.fixed_set import FixedSet, validation_set
from skandi.training.inference import VIEWS

RESULTS = Path(__file__).parent / "results" / "views.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=3_000, help="trajectories per task and dimension")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print("| d | views | readings | MAE | less one reading | F1 | less one reading |")
    print("|---|---|---|---|---|---|---|")
    for n_dims in options.dims:
        tracks = validation_set(n_dims, "andi-2020", options.n)
        alone = errors(tracks, n_dims, VIEWS[0])
        for views in VIEWS:
            mine = alone if views == VIEWS[0] else errors(tracks, n_dims, views)
            rows.append(compared(n_dims, views, mine, alone))
            print(line(rows[-1]), flush=True)
    result = {
        "recipe": "andi-2020",
        "lengths": [10, 999],
        "trajectories": options.n,
        "load_average": os.getloadavg(),
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def errors(tracks: FixedSet, n_dims: int, views: str) -> tuple[np.ndarray, np.ndarray]:
    """Absolute error of α, and whether the model is right, of each trajectory."""
    regressor, classifier = (
        load_pretrained(target, n_dims=n_dims).set_params(views=views)
        for target in ("alpha", "model")
    )
    away = np.abs(regressor.predict(tracks.tracks) - tracks.alpha)
    return away, classifier.predict(tracks.model_tracks) == tracks.model


def compared(n_dims: int, views: str, mine: tuple, alone: tuple) -> dict:
    """Both scores with the paired difference to a single reading."""
    row = {
        "n_dims": n_dims,
        "views": views,
        "readings": {"none": 1, "flip": 2}.get(views, copies(n_dims)),
        "weights": file_digest(shipped_weights(n_dims)),
    }
    for name, each, one in zip(("mae", "f1"), mine, alone):
        difference = each.astype(float) - one
        row[name] = round(float(each.mean()), 5)
        row[f"{name}_gain"] = round(float(difference.mean()), 5)
        row[f"{name}_gain_error"] = round(float(difference.std() / len(difference) ** 0.5), 5)
    return row


def copies(n_dims: int) -> int:
    """Signs times orders of the axes."""
    signs, orders = product([1, -1], repeat=n_dims), permutations(range(n_dims))
    return len(list(signs)) * len(list(orders))


def line(r: dict) -> str:
    return (
        f"| {r['n_dims']} | {r['views']} | {r['readings']} "
        f"| {r['mae']:.4f} | {r['mae_gain']:+.4f} ± {r['mae_gain_error']:.4f} "
        f"| {r['f1']:.4f} | {r['f1_gain']:+.4f} ± {r['f1_gain_error']:.4f} |"
    )


if __name__ == "__main__":
    main()
