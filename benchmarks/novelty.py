"""How well are motions noticed that no network was trained on? Beside five other ways to notice.

    pip install pyod                                         # one of the rivals
    python benchmarks/novelty.py --folder ~/novelty          # may be stopped, and goes on there
    python benchmarks/novelty.py --folder ~/novelty --report # only prints what is there

Per motion, number of points and dimension: the area under the ROC curve against fresh tracks of the
training kind, and the share detected at a false-alarm rate that is set to 5 % and measured on
tracks that set nothing. All tracks carry the localisation noise of the training, so that only
the motion is new.

Motions: the five of `skandi.simulate.HELDOUT`, mixtures of three models (γ and β from 0.3 to 0.7),
and each of the five AnDi models held out in turn. For the latter a small network is trained that
never saw that model (`novelty_worlds.py`), and everything else is fitted without it. None of them
was fitted to. Directed motion is not quite new to skandi: a few of the other motions that it learns
from are directed by chance (`skandi.simulate.exposure`), and three kinds of straight transport were
added to those after a first run of this benchmark with few tracks. So the claims are looked at
without it, too.

Ways: `novelty` of `analyse`; one minus the largest class probability; IsolationForest,
LocalOutlierFactor and PyOD's AutoEncoder on 41 standard descriptors of a track
(`trajectory_features.py`), and the paper's detector, all fitted to tracks of the training kind of
just that length; and the two parts of `novelty` by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from novelty_worlds import World, whole_world, world_without
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trajectory_features import descriptors

from skandi import AnomalyDetector, __version__
from skandi.diffusion import MODELS
from skandi.lengths import lengths_of
from skandi.pretrained.making_detectors import is_curved
from skandi.simulate import HELDOUT, mixture, with_noise

RESULTS = Path(__file__).parent / "results" / "novelty.json"
LENGTHS = (20, 50, 200)
WORLDS = ("all", *MODELS)
FALSE_ALARM = 0.05
OURS = "skandi"
WAYS = (
    OURS,
    "softmax",
    "isolation forest",
    "local outlier factor",
    "pyod autoencoder",
    "paper's detector",
)
PARTS = ("odds alone", "distance alone")
NOT_QUITE_NEW = "directed"
# tracks and epochs of the paper's detector: what a run of an hour affords
PAPER = {20: (4_000, 12), 50: (2_500, 10), 200: (1_500, 8)}
SEED = 27_182
Tracks = list[NDArray[np.float64]]
Score = Callable[[Tracks, NDArray[np.float32]], NDArray[np.float64]]
"""From tracks and their feature vectors to a score, larger for what is more novel."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where finished parts are kept")
    parser.add_argument("-n", type=int, default=600, help="tracks per motion")
    parser.add_argument("--known", type=int, default=5_000, help="tracks that measure false alarms")
    parser.add_argument("--train", type=int, default=2_500, help="tracks the rivals are fitted to")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--worlds",
        nargs="+",
        choices=WORLDS,
        default=list(WORLDS),
        help="all, or the model held out",
    )
    parser.add_argument("--trunk-steps", type=int, default=2_000, help="for each held-out model")
    parser.add_argument("--report", action="store_true", help="compute nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.report:
        for n_dims in options.dims:
            compute(n_dims, options)
    report(options)


def compute(n_dims: int, options: argparse.Namespace) -> None:
    """Compute what is not in the folder yet."""
    for held in options.worlds:
        world = None
        for T in LENGTHS:
            path = cell_path(options, n_dims, held, T)
            if path.exists():
                continue
            if world is None:
                world = (
                    whole_world(n_dims)
                    if held == "all"
                    else world_without(held, n_dims, options.folder, options.trunk_steps)
                )
            cell = judge(world, T, options)
            path.write_text(json.dumps(cell, indent=1), encoding="utf-8")
            print(f"{path.name} in {cell['core_seconds']} core seconds", flush=True)


def cell_path(options: argparse.Namespace, n_dims: int, held: str, T: int) -> Path:
    name = f"cell_{n_dims}d_{held}_T{T}_n{options.n}_{options.known}_{options.train}.json"
    return options.folder / name


def judge(world: World, T: int, options: argparse.Namespace) -> dict[str, Any]:
    """Score the motions that are new to a world, by every way."""
    started = time.process_time()
    training = world.known(max(options.train, PAPER[T][0]), T, seed=1)
    ways = {**own_ways(world), **rivals(training[: options.train])}
    ways["paper's detector"] = papers_detector(training, T, options.folder)
    setting, known = (with_features(world, world.known(options.known, T, s)) for s in (2, 3))
    new = {
        motion: with_features(world, make(options.n, T, world.n_dims))
        for motion, make in motions(world).items()
    }
    cell: dict[str, Any] = {"ways": {}}
    for name, score in ways.items():
        # the threshold of skandi is its own: 95 % of the training kind, at every length
        threshold = 1 - FALSE_ALARM if name == OURS else np.quantile(score(*setting), 0.95)
        usual = score(*known)
        found = {}
        for motion, tracks in new.items():
            values = score(*tracks)
            truth = np.repeat([0, 1], [len(usual), len(values)])
            found[motion] = [
                round(float(roc_auc_score(truth, np.concatenate([usual, values]))), 4),
                round(float((values > threshold).mean()), 4),
            ]
        cell["ways"][name] = {
            "false_alarm": round(float((usual > threshold).mean()), 4),
            "auroc_and_detection": found,
        }
    cell["core_seconds"] = round(time.process_time() - started, 1)
    cell["load_average"] = os.getloadavg()
    return cell


def with_features(world: World, tracks: Tracks) -> tuple[Tracks, NDArray[np.float32]]:
    return tracks, world.regressor.transform(tracks)


def own_ways(world: World) -> dict[str, Score]:
    """Novelty, its two parts, and what the classifier's confidence tells."""
    statistics = world.regressor.novelty_

    def part(k: int) -> Score:
        return lambda X, features: statistics.ranks(features, lengths_of(X))[k]

    def doubt(X, features):
        return -world.classifier.read_features(features, X).max(axis=1).astype(float)

    return {
        OURS: lambda X, features: world.regressor.read_novelty(features, X),
        "softmax": doubt,
        **{name: part(k) for k, name in enumerate(PARTS)},
    }


def rivals(training: Tracks) -> dict[str, Score]:
    """Outlier detectors on standard descriptors."""
    from pyod.models.auto_encoder import AutoEncoder

    table = descriptors(training)
    forest = IsolationForest(n_estimators=200, random_state=0).fit(table)
    factor = make_pipeline(StandardScaler(), LocalOutlierFactor(n_neighbors=20, novelty=True))
    factor.fit(table)
    network = AutoEncoder(epoch_num=20, batch_size=128, random_state=0, verbose=0).fit(table)
    return {
        "isolation forest": lambda X, _: -forest.score_samples(descriptors(X)),
        "local outlier factor": lambda X, _: -factor.score_samples(descriptors(X)),
        "pyod autoencoder": lambda X, _: network.decision_function(descriptors(X)),
    }


def papers_detector(training: Tracks, T: int, folder: Path) -> Score:
    """Error of the paper's autoencoder, trained on all that the world knows but straight lines.

    The recipe scales single flights to 1e17 steps, which would be all that it is trained on.
    """
    n, epochs = PAPER[T]
    detector = AnomalyDetector(
        length=T,
        max_epochs=epochs,
        contamination=FALSE_ALARM,  # no threshold is asked for: learn from all
        random_state=0,
        checkpoint_dir=folder / "autoencoders",
    )
    detector.fit([track for track in training if is_curved(track)][:n])
    return lambda X, _: -detector.score_samples(X)


def motions(world: World) -> dict[str, Callable[[int, int, int], Tracks]]:
    """What is new to a world."""
    if world.held is not None:
        return {f"{world.held} held out": lambda n, T, d: world.held_out(n, T)}
    return {name: noisy(name) for name in (*HELDOUT, "mixture")}


def noisy(name: str) -> Callable[[int, int, int], Tracks]:
    def make(n, T, d):
        rng = np.random.default_rng([SEED, T, d, zlib.crc32(name.encode())])
        positions = make_motion(name, n, T, d, rng)
        return with_noise(positions, random_state=rng)

    return make


def make_motion(name: str, n: int, T: int, d: int, rng: np.random.Generator) -> NDArray:
    """Make tracks whose times lie between frames and track, so that there is something to see."""

    def times(low: float, high: float) -> NDArray[np.float64]:
        return np.exp(rng.uniform(np.log(low), np.log(high), n))

    if name == "mixture":
        gamma, beta = rng.uniform(0.3, 0.7, (2, n))
        models = ("ctrw", "attm", "fbm")
        return mixture(models, 0.8, gamma, beta, n, T, d, random_state=rng)
    stay = np.full(n, T / 4)
    parameters = {
        "ornstein_uhlenbeck": lambda: {"relaxation_time": times(2, T / 4)},
        "directed": lambda: {"speed": times(0.2, 2.0)},
        "run_and_tumble": lambda: {"run_time": times(3, T / 3)},
        "switching_diffusivity": lambda: {
            "diffusivity": (np.full(n, 0.05), np.full(n, 1.0)),
            "residence_time": (stay, stay),
        },
        "switching_models": lambda: {"residence_time": (stay, stay)},
    }
    return HELDOUT[name](n, T, d, random_state=rng, **parameters[name]())


def report(options: argparse.Namespace) -> None:
    """Print the table of what is there, and write it if nothing is missing."""
    rows, alarms, missing = [], [], []
    for n_dims in options.dims:
        for held in WORLDS:
            for T in LENGTHS:
                path = cell_path(options, n_dims, held, T)
                if not path.exists():
                    missing.append(path.name)
                    continue
                ways = json.loads(path.read_text(encoding="utf-8"))["ways"]
                alarms.append(
                    {"n_dims": n_dims, "T": T, "held_out": held}
                    | {w: ways[w]["false_alarm"] for w in ways}
                )
                for motion in ways[OURS]["auroc_and_detection"]:
                    values = {w: ways[w]["auroc_and_detection"][motion] for w in ways}
                    rows.append({"motion": motion, "n_dims": n_dims, "T": T, "values": values})
    if missing:
        print(f"{len(missing)} parts are missing, so this is partial: {', '.join(missing)}\n")
    if not rows:
        return
    summary = summarize(rows, alarms)
    at = sorted({(a["n_dims"], a["T"]) for a in alarms})
    by_length = {
        f"{d}D, {T} points": round(
            float(np.mean([a[OURS] for a in alarms if (a["n_dims"], a["T"]) == (d, T)])), 4
        )
        for d, T in at
    }
    show(rows, summary)
    print(f"false alarms of skandi by length, mean of the parts: {by_length}")
    tell_claims(rows, summary, by_length)
    new = [row for row in rows if row["motion"] != NOT_QUITE_NEW]
    of_new = summarize(new, alarms)
    print(f"\n{len(new)} rows without {NOT_QUITE_NEW} motion")
    for w in WAYS:
        print(f"{w}: {of_new[w]}")
    tell_claims(new, of_new, by_length)
    result = {
        "skandi": __version__,
        "recipe": "andi-2020",
        "seed": SEED,
        "tracks_per_motion": options.n,
        "tracks_for_false_alarms": options.known,
        "tracks_the_rivals_are_fitted_to": options.train,
        "tracks_and_epochs_of_the_papers_detector": {str(T): v for T, v in PAPER.items()},
        "steps_of_the_networks_without_a_model": options.trunk_steps,
        "missing_parts": missing,
        "summary": summary,
        f"summary_without_{NOT_QUITE_NEW}": of_new,
        "false_alarms_of_skandi_by_length": by_length,
        "false_alarms": alarms,
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {RESULTS}")


def summarize(rows: list[dict[str, Any]], alarms: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over rows, rows in which each way is best, and false alarms.

    Rows in which skandi is better are of one other way at a time: by AUROC, and by detection.
    """
    table = np.array([[row["values"][w] for w in (*WAYS, *PARTS)] for row in rows])
    best = table[:, : len(WAYS)].argmax(axis=1)
    measured = {w: [a[w] for a in alarms] for w in (*WAYS, *PARTS)}
    return {
        w: {
            "mean_auroc": round(float(table[:, k, 0].mean()), 4),
            "mean_detection": round(float(table[:, k, 1].mean()), 4),
            "rows_best_in_auroc": int((best[:, 0] == k).sum()),
            "rows_best_in_detection": int((best[:, 1] == k).sum()),
            "rows_in_which_skandi_is_better": (table[:, 0] > table[:, k]).sum(axis=0).tolist(),
            "false_alarms_from_to": [min(measured[w]), max(measured[w])],
        }
        for k, w in enumerate((*WAYS, *PARTS))
    }


def show(rows: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    ways = (*WAYS, *PARTS)
    print("AUROC / share detected at 5 % false alarms\n")
    print("| motion | d | T | " + " | ".join(ways) + " |")
    print("|---" * (len(ways) + 3) + "|")
    for row in rows:
        cells = [f"{a:.2f} / {r:.2f}" for a, r in (row["values"][w] for w in ways)]
        print(f"| {row['motion']} | {row['n_dims']} | {row['T']} | " + " | ".join(cells) + " |")
    means = [f"{summary[w]['mean_auroc']:.3f} / {summary[w]['mean_detection']:.3f}" for w in ways]
    print("| **mean** | | | " + " | ".join(means) + " |")
    print(f"\n{len(rows)} rows")
    for w in ways:
        print(f"{w}: {summary[w]}")


def tell_claims(
    rows: list[dict[str, Any]], summary: dict[str, Any], by_length: dict[str, float]
) -> None:
    ours = summary[OURS]
    claims = {
        "best on average, AUROC": all(
            ours["mean_auroc"] > summary[w]["mean_auroc"] for w in WAYS[1:]
        ),
        "best on average, detection": all(
            ours["mean_detection"] > summary[w]["mean_detection"] for w in WAYS[1:]
        ),
        "better than each other way on most rows": all(
            2 * better > len(rows)
            for w in WAYS[1:]
            for better in summary[w]["rows_in_which_skandi_is_better"]
        ),
        "best of all on most rows, AUROC": 2 * ours["rows_best_in_auroc"] > len(rows),
        "best of all on most rows, detection": 2 * ours["rows_best_in_detection"] > len(rows),
        "false alarms of 5 ± 1 % at every length": all(
            0.04 <= v <= 0.06 for v in by_length.values()
        ),
        "false alarms of 5 ± 1 % in every part": all(
            0.04 <= v <= 0.06 for v in ours["false_alarms_from_to"]
        ),
    }
    for claim, holds in claims.items():
        print(f"{'pass' if holds else 'FAIL'}  {claim}")


if __name__ == "__main__":
    main()
