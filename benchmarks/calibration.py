"""Do the stated uncertainties keep their word? Coverage of intervals, ENCE, and class ECE.

    python benchmarks/calibration.py -n 5000             # per cell of length and SNR
    python benchmarks/calibration.py -n 5000 --ece 100000

prints, for 1, 2 and 3 dimensions on fresh trajectories of the recipe `andi-2020`:

- the share of true α inside ``predict_interval(X, 0.9)`` and its mean width, in each cell of a
  length bin (lengths uniform inside it) and an SNR, and over each bin and each SNR. The SNR is that
  of the first axis while the others draw theirs, as in the recipe; and, in a second table, that of
  all axes, as in most measurements;
- the expected normalised calibration error of the predicted standard deviation (ENCE, bins of
  width 0.02 that hold more than 50 tracks, weighted by their counts: Seckler & Metzler, Nat.
  Commun. 13:6717, 2022) and the expected calibration error of the class probabilities (ECE, 20 bins
  of the highest probability), on the natural mix of lengths and noise, each beside the value it
  would have if the predictions were true: truths are drawn from the predicted distributions.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from andi2020 import kept_rows

from skandi import load_pretrained
from skandi.networks.alpha_head import alpha_deviations, alpha_quantiles
from skandi.pretrained import PRESETS, shipped_weights
from skandi.provenance import file_digest
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results"
SEED = 14_142
BLOCK = 5_000
COVERAGE = 0.9
LENGTH_BINS = [(10, 24), (25, 49), (50, 99), (100, 299), (300, 999)]
SNRS = (1, 2, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5_000, help="trajectories per cell")
    parser.add_argument("--ece", type=int, default=20_000, help="trajectories for ENCE and ECE")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="fast")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for n_dims in options.dims:
        tables = {
            name: [
                cell(n_dims, options.preset, bin_, snr, options.n, even=name == "all_axes")
                for bin_ in LENGTH_BINS
                for snr in SNRS
            ]
            for name in (["one_axis", "all_axes"] if n_dims > 1 else ["one_axis"])
        }
        ence, ence_floor = natural_ence(n_dims, options.preset, options.ece)
        ece, ece_floor = natural_ece(n_dims, options.preset, options.ece)
        rows.append(
            {
                "n_dims": n_dims,
                "cells": tables,
                "ence": ence,
                "ence_if_true": ence_floor,
                "ece": ece,
                "ece_if_true": ece_floor,
                "load_average": os.getloadavg(),
                "weights": corrected_digest(n_dims),
            }
        )
        report(rows[-1])
    common = {
        "recipe": "andi-2020",
        "coverage": COVERAGE,
        "preset": options.preset,
        "trajectories_per_cell": options.n,
        "trajectories_for_ence_and_ece": options.ece,
        "seed": SEED,
    }
    path = RESULTS / f"calibration_{options.preset}.json"
    rows += kept_rows(path, common, options.dims, corrected_digest)
    rows.sort(key=lambda r: r["n_dims"])
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps({**common, "rows": rows}, indent=1) + "\n")


def corrected_digest(n_dims: int) -> str:
    """What tells the shipped weights with their corrections."""
    return file_digest(shipped_weights(n_dims))


def cell(
    n_dims: int, preset: str, length: tuple[int, int], snr: int, n: int, *, even: bool
) -> dict:
    """Coverage and width at lengths of one bin and one SNR, of the first axis or of all."""
    noise_seed, seed = np.random.SeedSequence([SEED, n_dims, length[0], snr, even]).spawn(2)
    ratios = np.random.default_rng(noise_seed).choice(SNRS, size=(n, n_dims))
    ratios[:, : n_dims if even else 1] = snr
    X, y = make_andi(n, n_dims=n_dims, length=length, snr=ratios, random_state=seed)
    regressor = load_pretrained("alpha", n_dims=n_dims, preset=preset)
    lower, upper = regressor.predict_interval(X, COVERAGE).T
    covered = (lower <= y) & (y <= upper)
    return {
        "length": list(length),
        "snr": snr,
        "coverage": round(float(covered.mean()), 4),
        "width": round(float((upper - lower).mean()), 4),
    }


def natural_ence(n_dims: int, preset: str, n: int) -> tuple[float, float]:
    """ENCE on the natural mix, and what it would be if truths were drawn from the predictions."""
    regressor = load_pretrained("alpha", n_dims=n_dims, preset=preset)
    rng = np.random.default_rng(0)
    spread, error, drawn = [], [], []
    for X, y in blocks("alpha", n_dims, n):
        features = regressor.transform(X)
        reading = regressor.read_features(features, X)
        spread.append(reading.spread)
        error.append(reading.median - y)
        drawn.append(drawn_errors(regressor, features, reading, rng))
    predicted = np.concatenate(spread)
    return ence(predicted, np.concatenate(error)), ence(predicted, np.concatenate(drawn))


def drawn_errors(regressor, features: np.ndarray, reading, rng) -> np.ndarray:
    """Errors of the median if truths were drawn from the distributions, as wide as corrected."""
    logits = torch.from_numpy(regressor._head(features))
    drawn = alpha_quantiles(logits, torch.from_numpy(rng.random((len(features), 1))))[:, 0].numpy()
    _, raw_spread = alpha_deviations(logits, torch.from_numpy(reading.median))
    return (reading.median - drawn) * reading.spread / raw_spread.numpy()


def natural_ece(n_dims: int, preset: str, n: int) -> tuple[float, float]:
    """ECE on the natural mix, and what it would be if the labels were drawn as predicted."""
    classifier = load_pretrained("model", n_dims=n_dims, preset=preset)
    top, right = [], []
    for X, y in blocks("model", n_dims, n):
        probability = classifier.predict_proba(X)
        top.append(probability.max(axis=1))
        right.append(classifier.classes_[probability.argmax(axis=1)] == y)
    confidence, correct = np.concatenate(top).astype(float), np.concatenate(right)
    drawn = np.random.default_rng(0).random(len(confidence)) < confidence
    return ece(confidence, correct), ece(confidence, drawn)


def blocks(task: str, n_dims: int, n: int):
    seed = np.random.SeedSequence([SEED, n_dims, task == "model"])
    for k, child in enumerate(seed.spawn(-(-n // BLOCK))):
        size = min(BLOCK, n - k * BLOCK)
        yield make_andi(size, n_dims=n_dims, task=task, random_state=child)


def ence(predicted: np.ndarray, error: np.ndarray) -> float:
    """Mean |RMSE - predicted| / predicted over bins of the predicted standard deviation."""
    bins = (predicted / 0.02).astype(int)
    total = weight = 0.0
    for b in np.unique(bins):
        mine = bins == b
        if mine.sum() <= 50:
            continue
        claimed = np.sqrt((predicted[mine] ** 2).mean())
        total += mine.sum() * abs(np.sqrt((error[mine] ** 2).mean()) - claimed) / claimed
        weight += mine.sum()
    return round(float(total / weight), 5)


def ece(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Mean |accuracy - confidence| over 20 bins of the highest probability."""
    bins = np.minimum((confidence * 20).astype(int), 19)
    gaps = [
        (bins == b).sum() * abs(correct[bins == b].mean() - confidence[bins == b].mean())
        for b in np.unique(bins)
    ]
    return round(float(np.sum(gaps) / len(confidence)), 5)


def report(row: dict) -> None:
    for name, cells in row["cells"].items():
        print(f"\n{row['n_dims']}D, SNR of {name.replace('_', ' ')}: coverage of 90 % (mean width)")
        print("| points | " + " | ".join(f"SNR {snr}" for snr in SNRS) + " | all |")
        print("|---" * (len(SNRS) + 2) + "|")
        for low, high in LENGTH_BINS:
            mine = [c for c in cells if c["length"] == [low, high]]
            texts = " | ".join(f"{c['coverage']:.3f} ({c['width']:.2f})" for c in mine)
            print(f"| {low}–{high} | {texts} | {np.mean([c['coverage'] for c in mine]):.4f} |")
        means = [np.mean([c["coverage"] for c in cells if c["snr"] == s]) for s in SNRS]
        overall = np.mean([c["coverage"] for c in cells])
        print("| all | " + " | ".join(f"{m:.4f}" for m in means) + f" | {overall:.4f} |")
    print(f"ENCE {100 * row['ence']:.2f} % (if true {100 * row['ence_if_true']:.2f} %), ", end="")
    print(f"class ECE {row['ece']:.4f} (if true {row['ece_if_true']:.4f})", flush=True)


if __name__ == "__main__":
    main()
