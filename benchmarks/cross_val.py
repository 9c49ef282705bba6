"""Cross-validation of skandi's estimators beside a TA-MSD fit and hand-made features.

    python benchmarks/cross_val.py                        # about ten minutes on one core
    python benchmarks/cross_val.py -n 40000 --full-size   # hours: what more data are worth

All rows of a table are scikit-learn estimators that get the same ragged list of tracks and the
same folds, through `cross_val_score`. The tracks are `andi-2020`. Their lengths are 16 values from
10 to 999, evenly spaced in log T, because a batch has one length and a few thousand tracks of 990
lengths would make batches of two.

- *TA-MSD*: the slope of the time-averaged MSD over lags 1 to max(4, T / 10) in log-log.
- *hand-made features*: gradient-boosted trees on the quantities biophysicists compute.
- *AlphaRegressor*, *ModelClassifier*: trained from nothing on each fold.
- *pretrained*: the weights that come with skandi, not trained on these folds.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skandi
from skandi import AlphaRegressor, ModelClassifier, TrajectoryNormalizer, load_pretrained
from skandi.errors import WeightsError
from skandi.simulate import make_andi
from skandi.training.arithmetic import quick_precision

RESULTS = Path(__file__).parent / "results" / "cross_val.json"
LENGTHS = np.unique(np.geomspace(10, 999, 16).round().astype(int))
# A fifth of the parameters of the default: enough for a few thousand tracks.
SMALL = {
    "channels": (32, 48, 64, 64),
    "recurrent_block": 3,
    "recurrent_size": 48,
    "hidden_size": 128,
}
SCORING = {"alpha": "neg_mean_absolute_error", "model": "accuracy"}
# The share of tracks classified rightly is the micro-averaged F1.
METRIC = {"alpha": "MAE", "model": "F1 (micro)"}


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "recipe": "andi-2020",
        "n_dims": options.dims,
        "trajectories": options.n,
        "lengths": LENGTHS.tolist(),
        "folds": options.folds,
        "epochs": options.epochs,
        "network": options.network,
        "full_size": options.full_size,
        "precision": options.precision,
        "seed": options.seed,
        "load_average": os.getloadavg(),
        "versions": {
            "skandi": skandi.__version__,
            "scikit-learn": sklearn.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    for task in ("alpha", "model"):
        result[task] = rows = compare(task, options)
        report(task, rows, options)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=4_000, help="tracks per task")
    parser.add_argument("--dims", type=int, choices=[1, 2, 3], default=2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12, help="most epochs of the networks")
    parser.add_argument("--network", choices=["wadnet", "multiscale"], default="multiscale")
    parser.add_argument(
        "--full-size", action="store_true", help="the network's own size, not a fifth of it"
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default=quick_precision(),
        help="of the arithmetic; what this processor is quick in when left out",
    )
    parser.add_argument("--seed", type=int, default=2026)
    return parser.parse_args()


def compare(task: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Score every estimator of a task on the same folds of the same tracks."""
    rng = np.random.default_rng([options.seed, options.dims, len(task)])
    X, y = make_andi(
        options.n,
        n_dims=options.dims,
        task=task,
        length=rng.choice(LENGTHS, options.n),
        random_state=rng,
    )
    splitter = KFold if task == "alpha" else StratifiedKFold
    cv = splitter(options.folds, shuffle=True, random_state=options.seed)
    folds = list(cv.split(np.zeros(options.n), y))
    rows = []
    for name, estimator in estimators(task, options).items():
        started = time.process_time()
        scores = np.abs(cross_val_score(estimator, X, y, cv=folds, scoring=SCORING[task]))
        rows.append(
            {
                "estimator": name,
                "mean": round(float(scores.mean()), 4),
                "std": round(float(scores.std()), 4),
                "scores": scores.round(4).tolist(),
                "cpu_seconds": round(time.process_time() - started, 1),
            }
        )
    return rows


def estimators(task: str, options: argparse.Namespace) -> dict[str, BaseEstimator]:
    features = [TrajectoryNormalizer(), FunctionTransformer(hand_made_features)]
    small = options.network == "multiscale" and not options.full_size
    training = {
        "network_params": SMALL if small else None,
        "lr": 2e-3 if small else 1e-3,
        "max_epochs": options.epochs,
        "batch_size": 32,
        "validation_fraction": 0.1,
        "patience": 3,
        "precision": options.precision,
        "random_state": options.seed,
    }
    seed = options.seed
    if task == "alpha":
        rows = {
            "constant": DummyRegressor(strategy="median"),
            "TA-MSD": TAMSDRegressor(),
            "hand-made features": make_pipeline(
                *features,
                HistGradientBoostingRegressor(loss="absolute_error", random_state=seed),
            ),
            f"AlphaRegressor({options.network!r})": AlphaRegressor(options.network, **training),
        }
    else:
        rows = {
            "constant": DummyClassifier(),
            "TA-MSD": make_pipeline(
                FunctionTransformer(ta_msd_exponents),
                HistGradientBoostingClassifier(random_state=seed),
            ),
            "hand-made features": make_pipeline(
                *features, HistGradientBoostingClassifier(random_state=seed)
            ),
            f"ModelClassifier({options.network!r})": ModelClassifier(options.network, **training),
        }
    try:
        rows["pretrained"] = FrozenEstimator(load_pretrained(task, n_dims=options.dims))
    except WeightsError as error:
        print(f"no row for pretrained weights: {error}")
    return rows


# --- the time-averaged mean squared displacement ------------------------------------------------


class TAMSDRegressor(RegressorMixin, BaseEstimator):
    """α as the slope of the time-averaged MSD in log-log; nothing is learnt."""

    def fit(self, X: list[NDArray], y: Any = None) -> "TAMSDRegressor":
        """Do nothing."""
        self.is_fitted_ = True
        return self

    def predict(self, X: list[NDArray]) -> NDArray:
        """Give the slope of each track, held to the range of α."""
        return np.clip(ta_msd_exponents(X)[:, 0], 0.05, 2.0)


def ta_msd_exponents(X: list[NDArray]) -> NDArray:
    """Slope of each track's TA-MSD over lags 1 to max(4, T / 10), as a column."""
    tracks = TrajectoryNormalizer().fit_transform(X)
    return np.array([[slope(ta_msd(z, max(4, len(z) // 10)))] for z in tracks])


def ta_msd(z: NDArray, n_lags: int) -> NDArray:
    """Time-averaged MSD at lags 1 to n_lags."""
    lags = range(1, min(n_lags, len(z) - 1) + 1)
    return np.array([np.square(z[lag:] - z[:-lag]).sum(axis=1).mean() for lag in lags])


def slope(msd: NDArray, first: int = 1) -> float:
    """Slope in log-log of an MSD whose first entry belongs to the lag `first`; 0 at rest."""
    if len(msd) < 2 or msd.min() <= 0:
        return 0.0
    return float(np.polyfit(np.log(np.arange(first, first + len(msd))), np.log(msd), 1)[0])


# --- hand-made features -------------------------------------------------------------------------


def hand_made_features(tracks: list[NDArray]) -> NDArray:
    """What biophysicists compute of a z-scored track, a row each."""
    return np.array([features_of(z) for z in tracks])


def features_of(z: NDArray) -> list[float]:
    T = len(z)
    steps = np.diff(z, axis=0)
    spread = np.sqrt(np.square(steps).mean()) or 1.0
    steps = steps / spread
    size = np.linalg.norm(steps, axis=1)
    msd = ta_msd(z, max(8, T // 4))
    late = max(2, len(msd) // 2)
    variance = [np.square(part).mean() for part in np.array_split(steps, 4)]
    return [
        np.log(T),
        np.log(spread),
        slope(msd[: max(4, T // 10)]),
        slope(msd[:3]),
        slope(msd[late - 1 :], first=late),
        *(correlation(steps, lag) for lag in (1, 2, 3)),
        correlation(np.square(steps) - np.square(steps).mean(axis=0), 1),
        float(np.power(steps, 4).mean() / np.square(steps).mean() ** 2) if size.any() else 3.0,
        float(size.max()),
        float(np.mean(size < 0.2)),
        float(np.median(size)),
        float(np.ptp(z, axis=0).mean() / spread / np.sqrt(T)),
        float(np.linalg.norm(z[-1] - z[0]) / (np.linalg.norm(steps, axis=1).sum() * spread + 1e-9)),
        # Aging: do later displacements shrink or grow, and how unsteadily?
        float(np.log((variance[2] + variance[3] + 1e-9) / (variance[0] + variance[1] + 1e-9))),
        float(np.std(np.log(np.array(variance) + 1e-9))),
    ]


def correlation(a: NDArray, lag: int) -> float:
    """Autocorrelation of a series of vectors at a lag, relative to lag 0."""
    total = float(np.square(a).mean())
    return float((a[lag:] * a[:-lag]).mean()) / total if total > 0 else 0.0


def report(task: str, rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    print(
        f"\n{METRIC[task]}, mean ± standard deviation over {options.folds} folds of {options.n} "
        f"andi-2020 tracks ({options.dims}D, T = 10 … 999)"
    )
    print(f"{'estimator':<32} {METRIC[task]:>17} {'CPU s':>8}")
    for row in rows:
        score = f"{row['mean']:.4f} ± {row['std']:.4f}"
        print(f"{row['estimator']:<32} {score:>17} {row['cpu_seconds']:8.1f}")


if __name__ == "__main__":
    main()
