"""What the scripts of this folder share: training sets, claims, results.

Every script recomputes one figure of Muñoz-Gil, Guigó i Corominas & Lewenstein, J. Phys. A
54:504001 (2021), at the paper's sizes, prints the figure's numbers and each claim with pass or
fail, and writes them to ``benchmarks/results``. ``--scale 0.01`` shrinks trajectories and epochs
alike, to see that a script runs: its numbers mean nothing and are not written.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skandi import AnomalyDetector, DiffusionFingerprint, __version__
from skandi.simulate import simulate

RESULTS = Path(__file__).parents[1] / "results"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "real"
SUBDIFFUSIVE = np.round(np.arange(1, 11) * 0.1, 1)
ALL_ALPHA = np.round(np.arange(1, 20) * 0.1, 1)
EPOCHS = 200


def parser(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """Give the options of all scripts."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--scale", type=float, default=1.0, help="shrink trajectories and epochs")
    made.add_argument("--repeats", type=int, default=repeats, help="networks per training set")
    made.add_argument("--jobs", type=int, default=1, help="networks trained at a time")
    made.add_argument("--checkpoint-dir", type=Path, help="resume from, and write to, this folder")
    made.add_argument("--seed", type=int, default=0)
    return made


class Run:
    """One figure: its options, what it found, and which claims hold."""

    def __init__(self, figure: str, options: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        self.figure, self.options = figure, options
        self.found: dict[str, Any] = {}
        self.claims: list[dict[str, Any]] = []
        self._started = time.process_time()

    def n(self, number: int, least: int = 20) -> int:
        """Give a number of trajectories at this scale."""
        return max(least, round(number * self.options.scale))

    def fingerprint(self, batch_size: int, **settings: Any) -> DiffusionFingerprint:
        """Give unfitted detectors with the paper's settings."""
        detector = AnomalyDetector(
            max_epochs=max(1, round(EPOCHS * self.options.scale)),
            batch_size=batch_size,
            checkpoint_dir=self.options.checkpoint_dir,
            **settings,
        )
        return DiffusionFingerprint(
            detector,
            n_repeats=self.options.repeats,
            n_jobs=self.options.jobs,
            random_state=self.options.seed,
        )

    def claim(self, name: str, passed: bool, figures: str) -> None:
        """Note whether a claim holds, with the numbers that decide it."""
        self.claims.append({"claim": name, "passed": bool(passed), "figures": figures})

    def report(self, name: str, value: Any) -> None:
        """Keep a number, array or table for the JSON."""
        self.found[name] = value.round(5).tolist() if isinstance(value, np.ndarray) else value

    def finish(self) -> None:
        """Print the claims, and write all of it if it was made at full size."""
        print()
        for claim in self.claims:
            verdict = "pass" if claim["passed"] else "FAIL"
            print(f"{verdict}  {claim['claim']}\n      {claim['figures']}")
        if self.options.scale != 1:
            print(
                f"\n--scale {self.options.scale}: these numbers mean nothing, nothing is written."
            )
            return
        RESULTS.mkdir(exist_ok=True)
        result = {
            "figure": self.figure,
            "skandi": __version__,
            "options": {k: str(v) for k, v in vars(self.options).items()},
            "core_hours_of_this_process": round((time.process_time() - self._started) / 3600, 2),
            "claims": self.claims,
            **self.found,
        }
        path = RESULTS / f"paper_ae_{self.figure}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {path}")


def balanced(
    models: list[str] | tuple[str, ...], alphas: NDArray, n: int, T: int, seed: int
) -> tuple[NDArray[np.float64], NDArray, NDArray[np.float64]]:
    """Make `n` trajectories per model, balanced over α: positions, models, exponents."""
    X, kinds, exponents = [], [], []
    for k, model in enumerate(models):
        alpha = np.resize(alphas, n)
        rng = np.random.default_rng([seed, k, T, round(1000 * float(alphas.sum()))])
        X.append(simulate(model, alpha, n, T=T, random_state=rng))
        kinds.append(np.full(n, model))
        exponents.append(alpha)
    return np.concatenate(X), np.concatenate(kinds), np.concatenate(exponents)


def moves(X: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell tracks that move at all; the others are a line of zeros to every network."""
    return np.ptp(X, axis=1).max(axis=1) > 0


def batch_statistics_errors(
    detector: AnomalyDetector, X: NDArray[np.float64], batch_size: int = 256
) -> NDArray[np.float64]:
    """Errors by the authors' inference: batch normalisation by the statistics of the test batch."""
    import copy

    from skandi.training.reconstruction import windows

    network = copy.deepcopy(detector.network_).double().train()
    errors = np.empty(len(X))
    points = batch_size * detector.length_
    with torch.inference_mode():
        for seen in windows(list(X), detector.length_, points):
            decoded = network(torch.from_numpy(seen.inputs)).numpy()
            errors[seen.which] = np.square(decoded - seen.inputs).mean(axis=(1, 2))
    return errors


def table(title: str, rows: list[str], columns: list[str], values: NDArray) -> None:
    """Print a matrix with its names."""
    print(f"\n{title}")
    width = max(9, *(len(c) + 1 for c in columns))
    first = max(len(r) for r in rows) + 1
    print(" " * first + "".join(f"{c:>{width}}" for c in columns))
    for name, row in zip(rows, np.atleast_2d(values), strict=True):
        print(f"{name:<{first}}" + "".join(f"{v:{width}.3f}" for v in row))
