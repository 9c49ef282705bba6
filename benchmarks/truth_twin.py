"""A twin of the AnDi-2020 scoring set, beside the teams of the challenge, row by row.

    python benchmarks/truth_twin.py

The trajectories of the scoring set are not public. What is public is the truth table: model, α,
length and noise of each, with the predictions of every team. This makes one fresh trajectory per
row (a *twin*, several times with `--twins`), asks the shipped networks, and compares their error on
each row with each team's on the original. A twin shares the truth with its original and not the
noise, so the means can be compared, and single rows cannot.

The tables are no part of skandi; they are looked for in ../shared/data/andi1_truth beside the
checkout. In 1D the table of task 2 is binned and its column of models is wrong at the origin, so
there is no twin of it.
"""

import argparse
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from andi2020 import bootstrap

from skandi import load_pretrained
from skandi.diffusion import MODELS
from skandi.pretrained import PRESETS
from skandi.simulate import andi_tracks

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT.parent / "shared" / "data" / "andi1_truth"
RESULTS = Path(__file__).parent / "results"
FILES = {
    ("alpha", 1): "task1_1d_truth_and_team_predictions.csv",
    ("alpha", 2): "task1_2d_truth_and_team_predictions.csv",
    ("alpha", 3): "task1_3d_truth_and_team_predictions.csv",
    ("model", 2): "task2_2d_truth_and_team_labels.csv",
    ("model", 3): "task2_3d_truth_and_team_labels.csv",
}
TRUTH = ["row", "model", "alpha", "length", "diff_coef_factor", "snr_mean"]
SNRS = (1.0, 2.0, 10.0)
SEED = 75_025


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--twins", type=int, default=3, help="fresh trajectories per row")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="fast")
    options = parser.parse_args()
    if not FOLDER.is_dir():
        sys.exit(f"skipped: no truth tables in {FOLDER}")
    torch.set_num_threads(1)
    result = {"what": "twin of the AnDi-2020 scoring set", "preset": options.preset}
    result |= {"twins": options.twins, "rows": []}
    for (task, n_dims), name in FILES.items():
        entry = compare(task, n_dims, pd.read_csv(FOLDER / name), options)
        result["rows"].append(entry)
        print(
            f"{n_dims}D {entry['metric']} {entry['skandi']:.4f} ± {entry['standard_error']:.4f} "
            f"on {entry['n']} rows x {options.twins} twins"
        )
        for team, value in entry["teams"].items():
            low, high = value["difference_interval"]
            print(
                f"    {team:22} {value['score']:.4f}   skandi less it: {value['difference']:+.4f} "
                f"[{low:+.4f}, {high:+.4f}]"
            )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"truth_twin_{options.preset}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


def compare(task: str, n_dims: int, table: pd.DataFrame, options: argparse.Namespace) -> dict:
    """Score twins of one table and its teams."""
    estimator = load_pretrained(task, n_dims=n_dims, preset=options.preset)
    seeds = np.random.SeedSequence([SEED, n_dims, task == "model"]).spawn(options.twins)
    ours = np.mean([twin_scores(estimator, task, n_dims, table, s) for s in seeds], axis=0)
    teams = {}
    for team in table.columns.drop(TRUTH):
        theirs = score(task, table, table[team].to_numpy())
        low, high = bootstrap(ours - theirs)
        teams[team] = {
            "score": round(float(theirs.mean()), 4),
            "difference": round(float((ours - theirs).mean()), 4),
            "difference_interval": [round(low, 4), round(high, 4)],
        }
    best_first = sorted(teams, key=lambda t: teams[t]["score"], reverse=task == "model")
    return {
        "task": task,
        "n_dims": n_dims,
        "metric": "MAE" if task == "alpha" else "F1",
        "n": len(table),
        "skandi": round(float(ours.mean()), 4),
        "standard_error": round(float(ours.std() / len(ours) ** 0.5), 4),
        "teams": {team: teams[team] for team in best_first},
    }


def twin_scores(
    estimator, task: str, n_dims: int, table: pd.DataFrame, seed: np.random.SeedSequence
) -> np.ndarray:
    """Score of one fresh trajectory per row."""
    rng = np.random.default_rng(seed)
    tracks = andi_tracks(
        table["model"].to_numpy(),
        table["alpha"].to_numpy(),
        table["length"].to_numpy(),
        noise(table["snr_mean"].to_numpy(), n_dims, rng),
        random_state=rng,
    )
    predicted = estimator.predict(tracks)
    if task == "model":
        predicted = np.array([MODELS.index(name) for name in predicted])
    return score(task, table, predicted)


def score(task: str, table: pd.DataFrame, predicted: np.ndarray) -> np.ndarray:
    """Absolute error of α, or 1 for the right model and 0 for another, for each row."""
    if task == "alpha":
        return np.abs(predicted - table["alpha"].to_numpy())
    return (predicted == table["model"].to_numpy()).astype(float)


def noise(snr_mean: np.ndarray, n_dims: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of each axis, of which the table has the mean of 1/σ: it tells the three SNRs apart."""
    choices = {}
    for snr in product(SNRS, repeat=n_dims):
        choices.setdefault(round(sum(snr) / n_dims, 2), []).append(snr)
    drawn = [choices[round(float(m), 2)] for m in snr_mean]
    return 1 / np.array([options[rng.integers(len(options))] for options in drawn])


if __name__ == "__main__":
    main()
