"""The novelty statistics of a weight file, made on trajectories used for nothing else.

    python -m skandi.pretrained.fitting_novelty my_1d.safetensors my_2d.safetensors

writes ``my_1d.novelty.safetensors`` beside each, in about six core minutes per file. ``skandi
train`` does the same at its end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from skandi.calibration import LENGTH_KNOTS, length_weights
from skandi.novelty import (
    FEW,
    NoveltyStatistics,
    length_channel,
    levels_of,
    on_disk,
    standardized,
)
from skandi.pretrained import estimator_of, novelty_path
from skandi.simulate import make_andi
from skandi.simulate.exposure import EXPOSURE, exposure_tracks
from skandi.simulate.recipes import TASKS
from skandi.training.loop import seeded
from skandi.weights import load_weights

SIZE = 60_000
"""Tracks of the training kind to learn from."""
TIMES_OTHERS = 1.5
"""So many times as many of other kinds."""
TIMES_RANKED = 2
"""So many times as many, of the training kind, to rank among: they set the rate of false alarms."""

_SEED = 552_019_837
_N_NETWORKS = 3
_WIDTH = 192
_EPOCHS = 10
_BATCH = 256
_N_AXES = 200
_SHRINKAGE = 1e-3
_SMALLEST_STD = 0.02


def fit_novelty(path: str | os.PathLike[str], size: int = SIZE) -> Path:
    """Make the statistics of a weight file and write them beside it.

    Parameters
    ----------
    path : path-like
        A file of ``skandi train``; it stays as it is.
    size : int
        Tracks of the training kind to learn from; half as many again of others, and twice as many
        of the training kind among which scores are ranked. Lengths are uniform in log T.

    Returns
    -------
    Path
        The file written.
    """
    config, state = load_weights(path)
    n_dims, recipe = config["n_dims"], config["training"]["recipe"]
    snr_range = config["training"].get("snr_range")
    # Not by load_pretrained, which reads what is to be replaced.
    regressor = estimator_of(path, "alpha", n_dims, "fast", config, state)
    known = described(regressor, training_kind(n_dims, recipe, size, 0, snr_range))
    ranked = described(regressor, training_kind(n_dims, recipe, TIMES_RANKED * size, 1, snr_range))
    lengths = lengths_of_others(size, np.random.default_rng([_SEED, n_dims, 2]))
    # Of the same noise: what is new is the motion.
    exposure = exposure_tracks(lengths, n_dims, snr_range=snr_range, random_state=_seed(n_dims, 3))
    others = described(regressor, exposure)
    statistics = make_statistics(known, others, ranked, regressor.trunk_)
    about = {
        "size": size,
        "recipe": recipe,
        "n_dims": n_dims,
        "exposure": list(EXPOSURE),
    }
    beside = novelty_path(path)
    statistics.save(beside, about)
    return beside


class Described(NamedTuple):
    """Feature vectors (n, n_features) of tracks and their lengths (n,)."""

    features: NDArray[np.float32]
    lengths: NDArray[np.int64]


def described(estimator: Any, tracks: list[NDArray[np.float64]]) -> Described:
    """Give the trunk's features of tracks."""
    lengths = np.array([len(track) for track in tracks], dtype=np.int64)
    return Described(estimator.transform(tracks), lengths)


def training_kind(
    n_dims: int,
    recipe: str,
    size: int,
    seed: int,
    snr_range: Sequence[float] | None = None,
) -> list[NDArray[np.float64]]:
    """Make fresh tracks of the training kind, half composed for each task."""
    rng = np.random.default_rng(_seed(n_dims, seed))
    tracks: list[NDArray[np.float64]] = []
    for k, task in enumerate(TASKS):
        lengths = lengths_in_log((size + k) // 2, rng)
        tracks += make_andi(
            len(lengths), n_dims=n_dims, task=task, recipe=recipe, length=lengths,
            snr_range=snr_range, random_state=rng,
        )[0]  # fmt: skip
    return tracks


def lengths_in_log(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw lengths uniform in their logarithm over all that the networks read."""
    low, high = np.log(LENGTH_KNOTS[0]), np.log(LENGTH_KNOTS[-1])
    return np.exp(rng.uniform(low, high, size)).astype(np.int64)


def lengths_of_others(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw lengths of the other kinds' tracks, beside `size` of the training kind."""
    return lengths_in_log(round(TIMES_OTHERS * size), rng)


def make_statistics(
    known: Described,
    others: Described,
    ranked: Described,
    trunk: str,
) -> NoveltyStatistics:
    """Learn what is known against what is not, then rank fresh tracks of the known kind.

    Parameters
    ----------
    known, others : Described
        Tracks of the training kind, and of other kinds.
    ranked : Described
        Tracks of the training kind that were not among the known.
    trunk : str
        Digest of the trunk.
    """
    mean, std = _moments(known)
    z = standardized(*known, mean, std)
    one, two, three = _learn(known, others, mean, std)
    whitening = on_disk(_whitening(z))
    nothing = np.zeros((len(LENGTH_KNOTS), 0), dtype=np.float32)
    made = NoveltyStatistics(
        mean, std, whitening, one, two, three, nothing, nothing, nothing, trunk
    )
    odds, distance = (levels_of(part, ranked.lengths) for part in made.parts(*ranked))
    made = replace(made, odds_levels=odds, distance_levels=distance)
    return replace(made, levels=levels_of(made.score(*ranked), ranked.lengths))


def _seed(n_dims: int, use: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([_SEED, n_dims, use])


def _moments(known: Described) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the features at the knots of length."""
    at = length_weights(known.lengths) + FEW
    total = at.sum(axis=0)[:, None]
    mean = at.T @ known.features / total
    std = np.sqrt(at.T @ np.square(known.features - at @ mean) / total)
    # A feature that is nearly always silent must not become the loudest.
    return on_disk(mean), on_disk(np.maximum(std, _SMALLEST_STD * np.median(std) + 1e-6))


def _whitening(z: NDArray[np.float32]) -> NDArray[np.float64]:
    """Directions of the largest variances, scaled to variance 1."""
    variance, axes = np.linalg.eigh(np.cov(z.T, dtype=np.float64))
    kept = np.argsort(variance)[::-1][:_N_AXES]
    return axes[:, kept] / np.sqrt(variance[kept] + _SHRINKAGE * variance[kept].mean())


def _learn(
    known: Described, others: Described, mean: NDArray[np.float32], std: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Train the networks that tell the known from others; give their layers, stacked."""
    both = [
        np.column_stack([standardized(*each, mean, std), length_channel(each.lengths)])
        for each in (known, others)
    ]
    x = torch.from_numpy(np.concatenate(both))
    other = torch.from_numpy(np.repeat([0.0, 1.0], [len(each) for each in both])).float()
    networks = []
    for number in range(_N_NETWORKS):
        with seeded(number):
            networks.append(_train(x, other))
    by_layer = zip(*([m for m in net if isinstance(m, nn.Linear)] for net in networks), strict=True)
    return [on_disk(np.stack([_with_bias(layer) for layer in same])) for same in by_layer]


def _train(x: Tensor, other: Tensor) -> nn.Sequential:
    network = nn.Sequential(
        nn.Dropout(0.1),
        nn.Linear(x.shape[1], _WIDTH),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(_WIDTH, _WIDTH),
        nn.ReLU(),
        nn.Linear(_WIDTH, 1),
    )
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    size = min(_BATCH, len(x))
    n_batches = len(x) // size
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, _EPOCHS * n_batches)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(x))[: n_batches * size].view(n_batches, size):
            loss = F.binary_cross_entropy_with_logits(network(x[batch])[:, 0], other[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network


def _with_bias(layer: nn.Linear) -> NDArray[np.float32]:
    return np.vstack([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])


if __name__ == "__main__":
    for each in sys.argv[1:]:
        fit_novelty(each)
