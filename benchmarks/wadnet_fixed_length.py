"""WADNet by the paper's protocol at one length, beside the published curve.

    python benchmarks/wadnet_fixed_length.py --task alpha --length 25
    python benchmarks/wadnet_fixed_length.py --task model --length 25
    python benchmarks/wadnet_fixed_length.py --length 25 -n 62500    # a point of the learning curve
    python benchmarks/wadnet_fixed_length.py --length 25 -n 62500 --precision float32
    python benchmarks/wadnet_fixed_length.py --length 25 -n 62500 --simulators andi-datasets

trains on `andi-2020-fixed` trajectories (generated at the length, as the authors' were), with Adam
1e-3, batches of 512, the learning rate divided by five after two epochs without improvement, a stop
at the third such event and the weights of the best epoch; and scores fresh trajectories. The paper
used five million trajectories at these lengths, the default here is 500 000. One core needs about
an hour per task at 25 points in bfloat16.

The last two tell what bfloat16 costs, and whether the simulators of the package that the authors
used, unrepaired, make easier trajectories than ours (`pip install skandi[andi]`).

The published values are digitised from Fig. 3c, d of Li, Yao & Huang, J. Phys. A 54:404003 (2021),
to ±.002.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from skandi import AlphaRegressor, ModelClassifier
from skandi.diffusion import MODELS
from skandi.simulate import make_andi
from skandi.simulate.recipes import draw_labels
from skandi.training.arithmetic import quick_precision

RESULTS = Path(__file__).parent / "results"
LENGTHS = (10, 25, 50, 100, 250, 500, 950)
PUBLISHED = {
    ("alpha", 1): (0.388, 0.313, 0.257, 0.207, 0.152, 0.124, 0.104),
    ("alpha", 2): (0.354, 0.274, 0.219, 0.175, 0.135, 0.119, 0.102),
    ("alpha", 3): (0.320, 0.237, 0.183, 0.144, 0.111, 0.098, 0.089),
    ("model", 1): (0.449, 0.589, 0.693, 0.784, 0.869, 0.912, 0.938),
    ("model", 2): (0.522, 0.680, 0.780, 0.850, 0.913, 0.938, 0.957),
    ("model", 3): (0.601, 0.783, 0.873, 0.921, 0.956, 0.964, 0.972),
}
TOLERANCE = {"alpha": 0.012, "model": 0.015}
TRAINING_SEED, TEST_SEED = 20_210_618, 48_611


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    common = {
        "n_dims": options.dims,
        "task": options.task,
        "recipe": "andi-2020-fixed",
        "length": options.length,
    }
    make = make_andi if options.simulators == "skandi" else make_by_andi_datasets
    X, y = make(options.n, random_state=TRAINING_SEED, **common)
    estimator = (AlphaRegressor if options.task == "alpha" else ModelClassifier)(
        precision=options.precision, max_epochs=options.max_epochs, random_state=0, verbose=1
    )
    started = time.process_time()
    estimator.fit(X, y)
    hours = (time.process_time() - started) / 3600
    del X, y

    X_test, y_test = make(options.n_test, random_state=TEST_SEED, **common)
    predicted = estimator.predict(X_test)
    each = np.abs(predicted - y_test) if options.task == "alpha" else predicted == y_test
    score, error = float(np.mean(each)), float(np.std(each) / len(each) ** 0.5)
    result = {
        "recipe": "andi-2020-fixed",
        "task": options.task,
        "n_dims": options.dims,
        "length": options.length,
        "training_trajectories": options.n,
        "precision": options.precision,
        "simulators": options.simulators,
        "epochs": len(estimator.history_),
        "core_hours": round(hours, 2),
        "load_average": os.getloadavg(),
        "test_trajectories": options.n_test,
        "metric": "MAE" if options.task == "alpha" else "F1 (micro)",
        "score": round(score, 4),
        "standard_error": round(error, 4),
        "published": published(options),
        "history": estimator.history_,
    }
    RESULTS.mkdir(exist_ok=True)
    setting = f"{options.task}_{options.dims}d_T{options.length}_n{options.n}"
    usual = {"precision": "bfloat16", "simulators": "skandi"}
    setting += "".join(f"_{v}" for k, v in vars(options).items() if usual.get(k, v) != v)
    (RESULTS / f"wadnet_fixed_length_{setting}.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    report(result)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=["alpha", "model"], default="alpha")
    parser.add_argument("--length", type=int, default=25)
    parser.add_argument("--dims", type=int, choices=[1, 2, 3], default=1)
    parser.add_argument("-n", type=int, default=500_000, help="training trajectories")
    parser.add_argument("--n-test", type=int, default=50_000)
    parser.add_argument("--max-epochs", type=int, default=100)
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default=quick_precision(),
        help="of the arithmetic; what this processor is quick in when left out",
    )
    parser.add_argument("--simulators", choices=["skandi", "andi-datasets"], default="skandi")
    return parser.parse_args()


def make_by_andi_datasets(
    n: int, *, n_dims: int, task: str, recipe: str, length: int, random_state: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Make what `make_andi` makes, with the simulators of andi-datasets as they are."""
    from andi_datasets.datasets_theory import datasets_theory

    assert recipe == "andi-2020-fixed", recipe
    rng = np.random.default_rng(random_state)
    np.random.seed(random_state)  # noqa: NPY002 - the package's only seed
    model, alpha = draw_labels(n, task, rng)
    steps = np.empty((n, length - 1, n_dims))
    for kind in np.unique(np.column_stack([model, alpha]), axis=0):
        rows = np.flatnonzero((model == kind[0]) & (alpha == kind[1]))
        flat = datasets_theory().create_dataset(
            T=length, N_models=len(rows), exponents=[kind[1]], models=[int(kind[0])],
            dimension=n_dims,
        )  # fmt: skip
        positions = flat[:, 2:].reshape(len(rows), n_dims, length).transpose(0, 2, 1)
        steps[rows] = np.diff(positions, axis=1)
    std = steps.std(axis=1, keepdims=True)
    steps /= np.where(std == 0, 1, std)
    x = np.pad(steps.cumsum(axis=1), [(0, 0), (1, 0), (0, 0)])
    x += rng.normal(size=x.shape) * rng.choice([0.1, 0.5, 1.0], size=(n, 1, n_dims))
    return list(x), alpha if task == "alpha" else np.array(MODELS)[model]


def published(options: argparse.Namespace) -> float | None:
    """Give the published value, if the length is one of those digitised."""
    if options.length not in LENGTHS:
        return None
    return PUBLISHED[options.task, options.dims][LENGTHS.index(options.length)]


def report(result: dict) -> None:
    print(f"{'epoch':>5} {'train loss':>11} {'valid loss':>11} {'valid metric':>13} {'rate':>8}")
    for row in result["history"]:
        metric = row.get("valid_mae", row.get("valid_error"))
        print(
            f"{row['epoch']:5d} {row['train_loss']:11.4f} {row['valid_loss']:11.4f} "
            f"{metric:13.4f} {row['lr']:8.1e}"
        )
    print(
        f"{result['metric']} {result['score']:.4f} ± {result['standard_error']:.4f} on "
        f"{result['test_trajectories']} fresh trajectories ({result['recipe']}, "
        f"{result['n_dims']}D, T = {result['length']}); {result['core_hours']} core-hours, "
        f"{result['epochs']} epochs of {result['training_trajectories']} trajectories"
    )
    if result["published"] is not None:
        gap = result["score"] - result["published"]
        worse = gap if result["task"] == "alpha" else -gap
        verdict = "within" if worse <= TOLERANCE[result["task"]] else "NOT within"
        print(
            f"published {result['published']:.3f}: {verdict} {TOLERANCE[result['task']]} "
            f"({gap:+.4f})"
        )


if __name__ == "__main__":
    main()
