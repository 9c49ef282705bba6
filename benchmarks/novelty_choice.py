"""What the method of `novelty` was chosen by: motions that neither taught nor judge it.

    python benchmarks/novelty_choice.py --dims 1          # seven core minutes per dimension

Development motions, none of them among those that judge novelty (`novelty.py`), of two sorts:

- five that novelty does not learn from: a box with reflecting walls, an active particle, FBM whose
  exponent changes in the middle, bursts of Brownian motion between rests, and drifting FBM;
- each of the kinds that it learns from (`skandi.simulate.exposure`) in turn, by statistics that are
  learnt from the other eleven and what is composed of them.

The shares in the score are varied, those of distance, of doubt and of reconstruction: doubt is how
far the most probable model is from certain (Hendrycks & Gimpel, ICLR 2017), reconstruction is the
error of the shipped autoencoder of all models (`load_detector("all")`), axis by axis, of longer
tracks in windows of its 20 points. The shipped shares are those of `skandi.novelty`, with neither
of the two. AUROC and detection at 5 % false alarms, over 20, 50 and 200 points.
"""

from __future__ import annotations

import argparse
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from novelty_worlds import World, mixed, whole_world
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skandi import __version__, load_detector
from skandi.novelty import NoveltyStatistics, levels_of, normal_quantile, rank
from skandi.pretrained.fitting_novelty import (
    Described,
    described,
    lengths_in_log,
    lengths_of_others,
    make_statistics,
)
from skandi.simulate import simulate, with_noise
from skandi.simulate.exposure import EXPOSURE, Maker, exposure_kinds, exposure_tracks

RESULTS = Path(__file__).parent / "results" / "novelty_choice.json"
LENGTHS = (20, 50, 200)
WEIGHTS = {
    ", ".join(f"{share:g}" for share in shares): np.array(shares, dtype=float)
    for shares in (
        (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1),
        (1, 0.25, 0, 0), (1, 0.5, 0, 0), (1, 1, 0, 0),
        (1, 0.25, 0.25, 0), (1, 0.5, 0.5, 0), (1, 1, 1, 0),
        (1, 0.25, 0, 0.1), (1, 0.25, 0, 0.25), (1, 0.25, 0, 0.5), (1, 0.25, 0, 1),
    )
}  # fmt: skip
"""Of odds, distance, doubt and reconstruction."""
SEED = 16_180
SORTS = ("development", "left out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=400, help="tracks per motion and length")
    parser.add_argument("--known", type=int, default=2_000, help="tracks of the training kind")
    parser.add_argument("--learn", type=int, default=20_000, help="known tracks to learn from")
    parser.add_argument("--dims", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for n_dims in options.dims for row in judge(n_dims, options)]
    print("Odds, distance, doubt, reconstruction:\n")
    print("| motion | d | T | " + " | ".join(WEIGHTS) + " |")
    print("|---" * (len(WEIGHTS) + 3) + "|")
    means = {
        sort: {
            w: np.mean([row[w] for row in rows if row["learnt"] == sort], axis=0).round(4).tolist()
            for w in WEIGHTS
        }
        for sort in SORTS
    }
    totals = [{"motion": f"**{sort}**", "n_dims": "", "T": "", **means[sort]} for sort in SORTS]
    for row in [*rows, *totals]:
        cells = " | ".join(f"{row[w][0]:.3f} / {row[w][1]:.3f}" for w in WEIGHTS)
        print(f"| {row['motion']} | {row['n_dims']} | {row['T']} | {cells} |")
    result = {
        "skandi": __version__,
        "seed": SEED,
        "tracks_per_motion": options.n,
        "tracks_of_the_training_kind": options.known,
        "tracks_to_learn_from": options.learn,
        "load_average": os.getloadavg(),
        "auroc_and_detection_by_weights": means,
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def judge(n_dims: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of all motions in one dimension."""
    world = whole_world(n_dims)
    usual = {T: seen(world, world.known(options.known, T, seed=5)) for T in LENGTHS}
    rng = np.random.default_rng([SEED, n_dims])
    known, ranked = (
        seen(world, mixed(options.learn, lengths_in_log(options.learn, rng), n_dims, None, rng))
        for _ in range(2)
    )
    levels = [levels_of(each, ranked.features.lengths) for each in ranked.others]

    def parts(statistics: NoveltyStatistics, tracks: Seen) -> NDArray:
        """Give the normal quantiles (4, n) of odds, distance, doubt and reconstruction."""
        lengths = tracks.features.lengths
        others = (rank(each, lengths, row) for each, row in zip(tracks.others, levels))
        ranks = (*statistics.ranks(*tracks.features), *others)
        return np.stack([normal_quantile(each) for each in ranks])

    rows = []
    for sort, name, statistics, make in judges(world, known.features, ranked.features, rng):
        for T in LENGTHS:
            own = np.random.default_rng([SEED, n_dims, T, zlib.crc32(name.encode())])
            new = seen(world, with_noise(make(options.n, T, n_dims, own), random_state=own))
            scores = judged(parts(statistics, usual[T]), parts(statistics, new))
            rows.append({"motion": name, "n_dims": n_dims, "T": T, "learnt": sort, **scores})
        print(f"{n_dims}D, {name}: done", flush=True)
    return rows


class Seen(NamedTuple):
    """What is seen of tracks."""

    features: Described
    others: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Minus the probability of the most probable model; logarithm of the reconstruction's error."""


def seen(world: World, tracks: list[NDArray]) -> Seen:
    features = described(world.regressor, tracks)
    probability = world.classifier.read_features(features.features, tracks)
    return Seen(features, (-probability.max(axis=1).astype(float), reconstruction(tracks)))


def reconstruction(tracks: list[NDArray]) -> NDArray[np.float64]:
    """Logarithm of the shipped autoencoder's error, mean over axes."""
    axes = [axis[:, np.newaxis] for track in tracks for axis in track.T]
    error = -load_detector("all").score_samples(axes).reshape(len(tracks), -1)
    return np.log(error + 1e-9).mean(axis=1)


def judges(
    world: World, known: Described, ranked: Described, rng: np.random.Generator
) -> Iterator[tuple[str, str, NoveltyStatistics, Maker]]:
    """Give motions, and statistics of novelty that never saw the motion."""
    for name, make in MOTIONS.items():
        yield "development", name, world.regressor.novelty_, make
    lengths = lengths_of_others(len(known.lengths), rng)
    others = described(world.regressor, exposure_tracks(lengths, world.n_dims, random_state=rng))
    kinds = exposure_kinds(len(lengths))
    for k, (name, make) in enumerate(EXPOSURE.items()):
        without = (kinds != k).all(axis=1)
        rest = Described(*(array[without] for array in others))
        yield "left out", name, make_statistics(known, rest, ranked, ""), make


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
