"""The corrections of a weight file, measured on trajectories used for nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skandi.calibration import LENGTH_KNOTS
from skandi.pretrained import PRESETS, load_pretrained
from skandi.simulate import make_andi
from skandi.weights import load_weights, save_weights

_SEED = 874_366_193
_BLOCK = 10_000
_SHARE_FOR_MODELS = 4


def calibrate_weights(path: str | os.PathLike[str], size: int) -> dict[str, Any]:
    """Measure the corrections of a weight file for each preset, and write them into it.

    Parameters
    ----------
    path : path-like
        A file of ``skandi train``; it is replaced.
    size : int
        Fresh trajectories for α, and a quarter as many for the model, whose correction is simpler;
        of the recipe and the noise the network was trained on. Half of the lengths are uniform,
        half in log T.

    Returns
    -------
    dict
        The configuration now in the file.
    """
    config, state = load_weights(path)
    n_dims, recipe = config["n_dims"], config["training"]["recipe"]
    snr_range = config["training"].get("snr_range")
    sizes = {"alpha": size, "model": -(-size // _SHARE_FOR_MODELS)}
    corrections: dict[str, dict[str, Any]] = {preset: {} for preset in PRESETS}
    for target, tracks in sizes.items():
        X, y = calibration_set(target, n_dims, recipe, tracks, snr_range)
        for preset in PRESETS:
            estimator = load_pretrained(target, n_dims=n_dims, preset=preset, path=path)
            corrections[preset][target] = estimator.calibrate(X, y).calibration_.to_config()
    config["calibration"] = {"size": size, "recipe": recipe, **corrections}
    save_weights(path, state, config, dtype=torch.float16)
    return config


def calibration_set(
    task: str,
    n_dims: int,
    recipe: str,
    size: int,
    snr_range: Sequence[float] | None = None,
) -> tuple[list[NDArray[np.float64]], NDArray]:
    """Make the trajectories and targets that corrections are measured on.

    Of each task's own mix: probabilities and intervals are true for that mix of models.
    """
    seed = np.random.SeedSequence([_SEED, n_dims, task == "model"])
    lengths_seed, *seeds = seed.spawn(1 + -(-size // _BLOCK))
    low, high = np.log(LENGTH_KNOTS[0]), np.log(LENGTH_KNOTS[-1])
    rng = np.random.default_rng(lengths_seed)
    lengths = np.exp(rng.uniform(low, high, size)).astype(int)
    lengths[1::2] = rng.integers(LENGTH_KNOTS[0], LENGTH_KNOTS[-1], size // 2)
    X: list[NDArray[np.float64]] = []
    y = []
    for k, child in enumerate(seeds):
        part = lengths[k * _BLOCK : (k + 1) * _BLOCK]
        tracks, targets = make_andi(
            len(part), n_dims=n_dims, task=task, recipe=recipe, length=part, snr_range=snr_range,
            random_state=child,
        )  # fmt: skip
        X.extend(tracks)
        y.append(targets)
    return X, np.concatenate(y)
