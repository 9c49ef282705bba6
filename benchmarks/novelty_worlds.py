"""Worlds for `novelty.py`: which models networks were trained on, and statistics to match.

A world of all five models is that of the shipped weights. For a world without one of them a small
network is trained here, for some hundred steps, on a stream from which that model's tracks are
taken out; its classifier, its statistics of novelty and the rivals never see one either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skandi import load_pretrained
from skandi.diffusion import MODELS
from skandi.novelty import NoveltyStatistics
from skandi.pretrained import novelty_path
from skandi.pretrained.fitting_novelty import (
    SIZE,
    TIMES_RANKED,
    described,
    lengths_in_log,
    lengths_of_others,
    make_statistics,
)
from skandi.simulate import StreamBatch, TrajectoryStream, make_andi
from skandi.simulate.exposure import exposure_tracks
from skandi.simulate.recipes import TASKS
from skandi.training.stream import StreamTrainer, StreamTraining, export

NETWORK = {"channels": (16, 32, 48, 64, 64), "recurrent_size": 0, "hidden_size": 128}
TRUNK_LENGTHS = (10, 400)
TRUNK_POINTS = 10_000
SEED = 31_415


@dataclass
class World:
    """Estimators and the models they know."""

    n_dims: int
    held: str | None
    regressor: Any
    classifier: Any

    def known(self, n: int, T: int, seed: int) -> list[NDArray[np.float64]]:
        """Make fresh tracks of the training kind, half composed for each task."""
        rng = np.random.default_rng([SEED, self.n_dims, T, seed])
        return mixed(n, T, self.n_dims, self.held, rng)

    def held_out(self, n: int, T: int) -> list[NDArray[np.float64]]:
        """Make tracks of the model that is held out."""
        rng = np.random.default_rng([SEED, self.n_dims, T, 9])
        return mixed(n, T, self.n_dims, None, rng, only=self.held)


def mixed(
    n: int,
    lengths: Any,
    n_dims: int,
    held: str | None,
    rng: np.random.Generator,
    only: str | None = None,
) -> list[NDArray[np.float64]]:
    """Make tracks of both tasks' composition, without one model or of one only."""
    tracks: list[NDArray[np.float64]] = []
    lengths = np.broadcast_to(lengths, n)
    while len(tracks) < n:
        todo = lengths[len(tracks) :]
        todo = np.resize(todo, max(50, len(todo)))
        for part, task in zip(np.array_split(todo, 2), TASKS):
            made, _, truth = make_andi(
                len(part),
                n_dims=n_dims,
                task=task,
                length=np.ascontiguousarray(part),
                random_state=rng,
                return_truth=True,
            )
            keep = truth.model != held if only is None else truth.model == only
            tracks += [made[i] for i in np.flatnonzero(keep)]
    return [tracks[i] for i in rng.permutation(len(tracks))[:n]]


def whole_world(n_dims: int) -> World:
    """The world of the shipped weights."""
    regressor, classifier = (load_pretrained(t, n_dims=n_dims) for t in ("alpha", "model"))
    lacking = regressor.lacks_novelty()
    if lacking:
        raise SystemExit(f"{n_dims}D: {lacking}; run skandi.pretrained.fitting_novelty first")
    return World(n_dims, None, regressor, classifier)


def world_without(held: str, n_dims: int, folder: Path, steps: int) -> World:
    """Train, or take from the folder, a small network that never saw a model."""
    path = folder / f"trunk_{n_dims}d_without_{held}_{steps}.safetensors"
    if not path.exists():
        export(train(held, n_dims, folder, steps), path, test_size=200)
    statistics = novelty_path(path)
    if not statistics.exists():
        fit_statistics(held, n_dims, path).save(statistics, {"held_out": held})
    regressor, classifier = (
        load_pretrained(t, n_dims=n_dims, path=path) for t in ("alpha", "model")
    )
    return World(n_dims, held, regressor, classifier)


def train(held: str, n_dims: int, folder: Path, steps: int) -> StreamTrainer:
    config = StreamTraining(
        n_dims=n_dims,
        steps=steps,
        cooldown=steps // 3,
        warmup=50,
        average=100,
        batch_points=TRUNK_POINTS,
        precision="float32",
        network=NETWORK,
    )
    trainer = StreamTrainer(config, folder / f"training_{n_dims}d_without_{held}")
    with TrajectoryStream(
        n_dims, length=TRUNK_LENGTHS, batch_points=TRUNK_POINTS, random_state=SEED
    ) as stream:
        stream.seek(trainer.step)
        while trainer.step < steps:
            batch = next(stream)
            keep = batch.model != MODELS.index(held)
            trainer.train_step(StreamBatch(*(array[keep] for array in batch)))
            if trainer.step % 100 == 0 or trainer.step == steps:
                trainer.save(trainer.checkpoint_path)
    return trainer


def fit_statistics(held: str, n_dims: int, path: Path) -> NoveltyStatistics:
    """Fit the statistics of novelty as for shipped weights, without tracks of the model."""
    regressor = load_pretrained("alpha", n_dims=n_dims, path=path)
    rng = np.random.default_rng([SEED, n_dims, MODELS.index(held)])
    sets = []
    for size in (SIZE, TIMES_RANKED * SIZE):
        lengths = lengths_in_log(size, rng)
        sets.append(described(regressor, mixed(size, lengths, n_dims, held, rng)))
    lengths = lengths_of_others(SIZE, rng)
    models = [model for model in MODELS if model != held]
    others = exposure_tracks(lengths, n_dims, models=models, random_state=rng)
    others = described(regressor, others)
    return make_statistics(sets[0], others, sets[1], regressor.trunk_)
