"""Weight files of several trainings joined into one, whose networks answer together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch

from skandi.errors import WeightsError
from skandi.weights import load_weights, save_weights

_ALIKE = ("n_dims", "outputs", "min_points")


def join_weights(
    paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]
) -> dict[str, Any]:
    """Write one weight file with the networks of several, in their order.

    The preset "fast" of `load_pretrained` asks the first of them alone, "best" all of them.
    Corrections of intervals and probabilities belong to the networks as they were; measure them
    anew (`skandi.pretrained.calibrating.calibrate_weights`).

    Parameters
    ----------
    paths : sequence of path-like
        Files of ``skandi train``, of one dimension, recipe and noise, two or more; the best first.
    output : path-like
        File to write.

    Returns
    -------
    dict
        The configuration stored in the file.

    Raises
    ------
    WeightsError
        If a file cannot be read, holds no single network, or does not go with the first.
    """
    if len(paths) < 2:
        raise WeightsError(f"{len(paths)} weight file(s) to join; name two or more.")
    for k, path in enumerate(paths):
        if any(os.path.samefile(path, other) for other in paths[:k] if os.path.exists(other)):
            raise WeightsError(f"{path} is named twice; join networks that differ.")
    read = [load_weights(path) for path in paths]
    configs = [config for config, _ in read]
    for path, config in zip(paths, configs, strict=True):
        if config.get("network") != "multiscale" or "training" not in config:
            raise WeightsError(f"{path} holds no single network made by `skandi train`.")
        for key in _ALIKE:
            if config[key] != configs[0][key]:
                raise WeightsError(
                    f"{path} has {key} = {config[key]!r} and {paths[0]} {configs[0][key]!r}. Join "
                    "networks of one kind."
                )
        for key in ("recipe", "snr_range"):
            one, other = config["training"].get(key), configs[0]["training"].get(key)
            if one != other:
                raise WeightsError(
                    f"{path} was trained with {key} = {one!r} and {paths[0]} with {other!r}. Join "
                    "networks of one recipe and noise."
                )
    joined = {
        **{key: configs[0][key] for key in _ALIKE},
        "network": "ensemble",
        "network_params": {"members": [config["network_params"] for config in configs]},
        "training": configs[0]["training"],
        "scores": configs[0]["scores"],
        "others": [{key: c[key] for key in ("training", "scores")} for c in configs[1:]],
    }
    state = {
        f"members.{k}.{name}": value
        for k, (_, own) in enumerate(read)
        for name, value in own.items()
    }
    save_weights(output, state, joined, dtype=torch.float16)
    return joined
