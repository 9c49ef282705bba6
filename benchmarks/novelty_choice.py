"""What the method of `novelty` was chosen by: motions that neither taught nor judge it.

    python benchmarks/novelty_choice.py --dims 1

Five development motions that are neither among those that novelty learns from
(`skandi.simulate.exposure`) nor among those that judge it (`novelty.py`): a box with reflecting
walls, an active particle, FBM whose exponent changes in the middle, bursts of Brownian motion
between rests, and drifting FBM. The shares of distance and doubt in the score are varied; the
shipped shares are those of `skandi.novelty`. AUROC and detection at 5 % false alarms, over
20, 50 and 200 points.
"""

from __future__ import annotations

import argparse
import json
import os
import zlib
from pathlib import Path

import numpy as np
import torch
from novelty_worlds import whole_world
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skandi import __version__
from skandi.lengths import lengths_of
from skandi.novelty import normal_quantile
from skandi.simulate import simulate
from skandi.simulate.exposure import noisy
from skandi.simulate.recipes import resolve_sigma

RESULTS = Path(__file__).parent / "results" / "novelty_choice.json"
LENGTHS = (20, 50, 200)
WEIGHTS = {
    f"{odds:g}, {distance:g}, {doubt:g}": (odds, distance, doubt)
    for odds, distance, doubt in (
        (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0.25, 0), (1, 0.5, 0), (1, 1, 0),
        (1, 0.5, 0.25), (1, 0.5, 0.5), (1, 0.5, 1), (1, 0, 0.5), (1, 1, 1),
    )
}  # fmt: skip
"""Of odds, distance and doubt."""
SEED = 16_180


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=400, help="tracks per motion and length")
    parser.add_argument("--known", type=int, default=2_000, help="tracks of the training kind")
    parser.add_argument("--dims", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for n_dims in options.dims:
        world = whole_world(n_dims)
        for T in LENGTHS:
            usual = parts(world, world.known(options.known, T, seed=5))
            for name, make in MOTIONS.items():
                rng = np.random.default_rng([SEED, n_dims, T, zlib.crc32(name.encode())])
                new = parts(world, with_noise(make(options.n, T, n_dims, rng), rng))
                rows.append({"motion": name, "n_dims": n_dims, "T": T, **judged(usual, new)})
    means = {w: np.mean([row[w] for row in rows], axis=0).round(4).tolist() for w in WEIGHTS}
    print("Odds, distance, doubt:\n\n| motion | d | T | " + " | ".join(WEIGHTS) + " |")
    print("|---" * (len(WEIGHTS) + 3) + "|")
    for row in [*rows, {"motion": "**mean**", "n_dims": "", "T": "", **means}]:
        cells = " | ".join(f"{row[w][0]:.3f} / {row[w][1]:.3f}" for w in WEIGHTS)
        print(f"| {row['motion']} | {row['n_dims']} | {row['T']} | {cells} |")
    result = {
        "skandi": __version__,
        "seed": SEED,
        "tracks_per_motion": options.n,
        "tracks_of_the_training_kind": options.known,
        "load_average": os.getloadavg(),
        "auroc_and_detection_by_weights": means,
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def parts(world, tracks) -> NDArray:
    """Give the normal quantiles (3, n) of odds, distance and doubt."""
    features = world.regressor.transform(tracks)
    ranks = world.regressor.novelty_.ranks(features, lengths_of(tracks))
    return np.stack([normal_quantile(rank) for rank in ranks])


def judged(usual, new) -> dict[str, list[float]]:
    """AUROC and detection at 5 % false alarms for all weights."""
    found = {}
    for name, weights in WEIGHTS.items():
        a, b = weights @ usual, weights @ new
        truth = np.repeat([0, 1], [len(a), len(b)])
        auroc = roc_auc_score(truth, np.concatenate([a, b]))
        detected = (b > np.quantile(a, 0.95)).mean()
        found[name] = [round(float(auroc), 4), round(float(detected), 4)]
    return found


def with_noise(positions, rng) -> list[NDArray]:
    sigma = resolve_sigma(None, len(positions), positions.shape[2], rng)
    return [noisy(track, level, rng) for track, level in zip(positions, sigma)]


def times(rng, n, low, high):
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def box(n, T, d, rng):
    """Brownian motion between reflecting walls."""
    size = np.sqrt(8 * times(rng, n, 0.02, 1.0) / T)[:, None, None]
    free = rng.random((n, 1, d)) + np.cumsum(size * rng.standard_normal((n, T, d)), axis=1)
    return np.abs((free + 1) % 2 - 1)


def active(n, T, d, rng):
    """Constant speed in a direction that diffuses, and thermal noise."""
    turn = rng.standard_normal((n, T)) * np.sqrt(2 / times(rng, n, 2, T))[:, None]
    angle = np.cumsum(turn, axis=1) + rng.uniform(0, 2 * np.pi, (n, 1))
    velocity = np.stack([np.cos(angle), np.sin(angle), np.sin(angle + 1)], axis=2)[..., :d]
    return np.cumsum(velocity + 0.3 * rng.standard_normal((n, T, d)), axis=1)


def bend(n, T, d, rng):
    """FBM that turns from alpha = 0.4 to 1.6 in the middle, or the other way round."""
    slow, fast = (unit(simulate("fbm", a, n, T, d, random_state=rng)) for a in (0.4, 1.6))
    first = np.where(rng.random(n)[:, None, None] < 0.5, slow, fast)
    second = slow + fast - first
    return np.cumsum(np.concatenate([first[:, : T // 2], second[:, T // 2 :]], axis=1), axis=1)


def bursts(n, T, d, rng):
    """Brownian motion that is on and off by turns."""
    change = rng.random((n, T)) < 1 / times(rng, n, 3, T / 2)[:, None]
    on = (np.cumsum(change, axis=1) + rng.integers(0, 2, (n, 1))) % 2
    steps = rng.standard_normal((n, T, d)) * on[..., None]
    return np.cumsum(steps + 0.02 * rng.standard_normal((n, T, d)), axis=1)


def drifting(n, T, d, rng):
    """FBM of alpha = 0.5 that is carried along."""
    steps = unit(simulate("fbm", 0.5, n, T, d, random_state=rng))
    return np.cumsum(steps + rng.uniform(0.2, 0.6, (n, 1, d)), axis=1)


def unit(positions):
    steps = np.diff(positions, axis=1)
    return steps / steps.std(axis=1, keepdims=True)


MOTIONS = {make.__name__: make for make in (box, active, bend, bursts, drifting)}


if __name__ == "__main__":
    main()
