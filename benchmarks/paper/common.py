"""What the scripts of this folder share: predictions on fresh trajectories, findings, pictures.

Every script recomputes figures of Li, Yao & Huang, J. Phys. A 54:404003 (2021) for the networks
that come with skandi, prints each finding of the paper as holds or does not hold, with the numbers
that decide it, and writes them to ``benchmarks/results/paper``, beside the picture.

    python benchmarks/paper/confusion.py -n 20000 --cache ~/predictions

Predictions on the natural mix of lengths and noise (recipe `andi-2020`, 10-999 points) serve all
scripts: with ``--cache`` they are computed once and kept in that folder.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from skandi import __version__, load_pretrained
from skandi.diffusion import MODELS
from skandi.simulate import make_andi

RESULTS = Path(__file__).parents[1] / "results" / "paper"
SEED = 27_182
BLOCK = 5_000
DIMS = (1, 2, 3)


class Run:
    """One figure: its options, the predictions it stands on, and which findings hold."""

    def __init__(self, name: str, description: str | None, *, n: int = 20_000) -> None:
        torch.set_num_threads(1)
        made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
        made.add_argument("-n", type=int, default=n, help="trajectories per task and dimension")
        made.add_argument("--preset", choices=["fast", "best"], default="fast")
        made.add_argument("--cache", type=Path, help="folder in which predictions are kept")
        self.options = made.parse_args()
        self.name = name
        self.findings: list[dict[str, Any]] = []
        self.tables: dict[str, Any] = {}

    def predictions(self, task: str, n_dims: int) -> pd.DataFrame:
        """Give true and predicted values of fresh trajectories of the natural mix."""
        o = self.options
        key = f"{task}_{n_dims}d_{o.n}_{o.preset}_{weights_hash(n_dims)}.parquet"
        return cached(o.cache, key, lambda: predict_natural(task, n_dims, o.n, o.preset))

    def finding(self, text: str, holds: Any, figures: str) -> None:
        """Note whether a finding of the paper holds, with the numbers that decide it."""
        self.findings.append({"finding": text, "holds": bool(holds), "figures": figures})

    def finish(self, figure: Any = None) -> None:
        """Print the findings, and write them and the picture."""
        for f in self.findings:
            word = "holds" if f["holds"] else "does not hold"
            print(f"{word:14} {f['finding']}\n{'':14} {f['figures']}")
        RESULTS.mkdir(parents=True, exist_ok=True)
        result = {
            "skandi": __version__,
            "weights": {f"{d}d": weights_hash(d) for d in DIMS},
            "recipe": "andi-2020",
            "preset": self.options.preset,
            "trajectories_per_task_and_dimension": self.options.n,
            "seed": SEED,
            "load_average": os.getloadavg(),
            "findings": self.findings,
            "tables": self.tables,
        }
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(result, indent=1, default=float) + "\n")
        if figure is not None:
            figure.savefig(path.with_suffix(".png"), dpi=120)


def cached(folder: Path | None, key: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Give a table from the cache, or make it and keep it there."""
    if folder is None:
        return make()
    path = folder.expanduser() / key
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part")
        make().to_parquet(aside)
        aside.rename(path)
    return pd.read_parquet(path)


def weights_hash(n_dims: int) -> str:
    """Identify the shipped weights."""
    return load_pretrained("alpha", n_dims=n_dims).trunk_[:12]


def predict_natural(task: str, n_dims: int, n: int, preset: str) -> pd.DataFrame:
    """Predict `n` trajectories of lengths uniform in 10…999, a block at a time."""
    seed = np.random.SeedSequence([SEED, n_dims, task == "model"])
    return pd.concat(
        [
            predict_set(task, n_dims, min(BLOCK, n - k * BLOCK), preset, random_state=child)
            for k, child in enumerate(seed.spawn(-(-n // BLOCK)))
        ],
        ignore_index=True,
    )


def predict_set(task: str, n_dims: int, n: int, preset: str, **simulation: Any) -> pd.DataFrame:
    """Simulate and predict: true and predicted value, model, α, length and noise of each."""
    X, y, truth = make_andi(n, n_dims=n_dims, task=task, return_truth=True, **simulation)
    table = pd.DataFrame(
        {
            "true": y,
            "predicted": load_pretrained(task, n_dims=n_dims, preset=preset).predict(X),
            "model": truth["model"].to_numpy(),
            "alpha": truth["alpha"].to_numpy().round(2),
            "length": truth["length"].to_numpy(),
            "snr": (1 / truth.filter(like="sigma").max(axis=1)).round().astype(int).to_numpy(),
        }
    )
    table["score"] = (
        (table["predicted"] - table["true"]).abs()
        if task == "alpha"
        else (table["predicted"] == table["true"]).astype(float)
    )
    return table


def mean_and_error(groups: Any) -> pd.DataFrame:
    """Mean score and its standard error in each group of a table of predictions."""
    score = groups["score"]
    return pd.DataFrame({"score": score.mean(), "error": score.sem(), "n": score.size()})


def axes(columns: int, rows: int = 1, *, height: float = 2.0) -> tuple[Any, Any]:
    """Give a figure two columns of a journal wide."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    return plt.subplots(
        rows, columns, figsize=(6.9, height * rows), squeeze=False, layout="constrained"
    )


def by_model(table: pd.DataFrame) -> pd.Series:
    """Mean score of each model, in their order."""
    return table.groupby("model")["score"].mean().reindex(MODELS)


def told(numbers: Any) -> str:
    """Write numbers as one line."""
    return ", ".join(f"{key} {value:.3f}" for key, value in dict(numbers).items())
