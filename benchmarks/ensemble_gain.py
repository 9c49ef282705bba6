"""What bagging by length and fold is worth: an ensemble against its own single folds.

    python benchmarks/ensemble_gain.py                # about two core-hours
    python benchmarks/ensemble_gain.py --n-jobs 2     # one hour on two cores

trains a small version of the ensemble of Li, Yao & Huang (2021): WADNet, one bucket per length of a
grid, five folds each, on `andi-2020` trajectories of 10 to 100 points; then scores fresh
trajectories by the ensemble and by each fold alone (the members of that fold in all buckets), and
prints the gain with its bootstrap interval over trajectories, and what α rescaling changes.
"""

import argparse
import copy
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from skandi import (
    AlphaRegressor,
    LengthBaggingClassifier,
    LengthBaggingRegressor,
    ModelClassifier,
)
from skandi.simulate import make_andi
from skandi.training.arithmetic import quick_precision

RESULTS = Path(__file__).parent / "results" / "ensemble_gain.json"
LENGTHS = [10, 20, 30, 45, 60, 80]
FOLDS = 5
TRAINING_SEED, TEST_SEED = 1_597, 2_584


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=30_000, help="training trajectories per task")
    parser.add_argument("--n-test", type=int, default=20_000)
    parser.add_argument("--max-epochs", type=int, default=30)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--checkpoint-dir", help="keep finished members there, and take them up")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tasks = {task: gain(task, options) for task in ("alpha", "model")}
    result = {
        "recipe": "andi-2020",
        "n_dims": 1,
        "lengths": [LENGTHS[0], 100],
        "grid": LENGTHS,
        "folds": FOLDS,
        "training_trajectories": options.n,
        "test_trajectories": options.n_test,
        "load_average": os.getloadavg(),
        "tasks": tasks,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    for task in tasks.values():
        low, high = task["gain_interval"]
        print(
            f"{task['metric']}: ensemble {task['ensemble']:.4f}, folds "
            f"{', '.join(f'{v:.4f}' for v in task['folds'])}; gain over their mean "
            f"{task['gain']:+.4f} (95 % bootstrap {low:+.4f} to {high:+.4f}), "
            f"{task['core_hours']:.2f} core-hours"
        )
    alpha = tasks["alpha"]
    print(
        f"alpha_scale_ {alpha['alpha_scale']:.4f}: MAE {alpha['ensemble']:.4f} with it, "
        f"{alpha['without_scale']:.4f} without"
    )


def gain(task: str, options: argparse.Namespace) -> dict:
    """Train on one task and compare on fresh trajectories."""
    common = {"task": task, "length": (LENGTHS[0], 100), "n_dims": 1}
    X, y = make_andi(options.n, random_state=TRAINING_SEED, **common)
    member = (AlphaRegressor if task == "alpha" else ModelClassifier)(
        batch_size=128, max_epochs=options.max_epochs, precision=quick_precision()
    )
    bag = (LengthBaggingRegressor if task == "alpha" else LengthBaggingClassifier)(
        member,
        lengths=LENGTHS,
        cv=FOLDS,
        n_jobs=options.n_jobs,
        random_state=0,
        checkpoint_dir=options.checkpoint_dir,
        verbose=5,
    )
    started = time.perf_counter()
    bag.fit(X, y)
    hours = (time.perf_counter() - started) * options.n_jobs / 3600
    X_test, y_test = make_andi(options.n_test, random_state=TEST_SEED, **common)
    ensemble = scores(task, bag.predict(X_test), y_test)
    folds = [scores(task, single(bag, k).predict(X_test), y_test) for k in range(FOLDS)]
    better = np.mean(folds, axis=0) - ensemble
    if task == "model":
        better = -better
    resampled = np.random.default_rng(0).integers(len(better), size=(2_000, len(better)))
    low, high = np.quantile(better[resampled].mean(axis=1), [0.025, 0.975])
    result = {
        "metric": "MAE" if task == "alpha" else "F1 (micro)",
        "ensemble": float(ensemble.mean()),
        "folds": [float(fold.mean()) for fold in folds],
        "gain": float(better.mean()),
        "gain_interval": [float(low), float(high)],
        "core_hours": round(hours, 2),
    }
    if task == "alpha":
        result["alpha_scale"] = bag.alpha_scale_
        bag.alpha_scale_ = 1.0
        result["without_scale"] = float(scores(task, bag.predict(X_test), y_test).mean())
    return result


def single(bag, fold: int):
    """Give the ensemble with the members of one fold only."""
    alone = copy.copy(bag)
    alone.members_ = [[members[fold]] for members in bag.members_]
    return alone


def scores(task: str, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Error of α, or 1 for a right model, per trajectory."""
    return np.abs(predicted - y) if task == "alpha" else (predicted == y).astype(float)


if __name__ == "__main__":
    main()
