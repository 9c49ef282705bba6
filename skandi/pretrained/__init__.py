"""Weights that come with skandi, and how they become fitted estimators."""

from __future__ import annotations

import os
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from skandi.calibration import AlphaCalibration, ModelCalibration
from skandi.classifier import ModelClassifier
from skandi.diffusion import MODELS
from skandi.errors import WeightsError
from skandi.estimator import NETWORKS, TrajectoryEstimator
from skandi.novelty import NoveltyStatistics
from skandi.regressor import AlphaRegressor
from skandi.training.arithmetic import PRECISIONS
from skandi.weights import build_for, digest, load_weights, refusing, require_counts

TARGETS = ("alpha", "model")


PRESETS = {"fast": "none", "best": "flip"}
"""Symmetric views that each preset averages over; more of them gain next to nothing.

Of a file with several networks "fast" asks the first, "best" asks all."""


def load_pretrained(
    target: str,
    *,
    n_dims: int = 1,
    preset: str = "fast",
    precision: str = "float32",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Give a fitted estimator with the weights that come with skandi; needs no network.

    One network was trained for both targets, on simulated trajectories of the recipe
    ``"andi-2020"`` with 10 to 999 points. Both estimators have the same trunk, so their feature
    vectors (``transform``) are equal.

    Parameters
    ----------
    target : {"alpha", "model"}
        What to predict: the anomalous exponent, or the diffusion model.
    n_dims : {1, 2, 3}, default=1
        Spatial dimensions of the trajectories.
    preset : {"fast", "best"}, default="fast"
        "best" averages over each trajectory and its mirror image, which costs twice as much, and
        asks all networks of a file with several; those of the package have one.
    precision : {"float32", "bfloat16"}, default="float32"
        Arithmetic of the network, see `AlphaRegressor`.
    path : path-like, optional
        Weights made by ``skandi train`` instead of those that come with the package.

    Returns
    -------
    AlphaRegressor or ModelClassifier
        Fitted, with ``min_points_ = 10``, and with ``novelty_`` if the file of weights has its
        statistics of novelty beside it, as those of the package and of ``skandi train`` have.
        ``set_params(warm_start=True).fit(X, y)`` goes on from these weights.

    Raises
    ------
    ValueError
        If `target`, `n_dims`, `preset` or `precision` is not one of those above.
    WeightsError
        If the file is missing or damaged.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi import load_pretrained
    >>> steps = np.random.default_rng(0).normal(size=(400, 2))
    >>> alpha = load_pretrained("alpha", n_dims=2).predict([steps.cumsum(axis=0)])
    >>> bool(abs(alpha[0] - 1.0) < 0.2)
    True
    """
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}; it must be one of {list(TARGETS)}.")
    if not isinstance(n_dims, Integral) or isinstance(n_dims, bool) or n_dims not in (1, 2, 3):
        raise ValueError(f"n_dims is {n_dims!r}; it must be 1, 2 or 3.")
    require_preset(preset)
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {list(PRECISIONS)}.")
    source = shipped_weights(n_dims) if path is None else path
    config, state = load_weights(source)
    with refusing(source):
        estimator = estimator_of(source, target, n_dims, preset, config, state)
    statistics = novelty_path(source)
    if statistics.is_file():
        estimator.novelty_ = NoveltyStatistics.load(statistics)
    return estimator.set_params(predict_precision=precision)


def require_preset(preset: str) -> None:
    """Raise a ValueError unless there is such a preset."""
    if preset not in PRESETS:
        raise ValueError(f"preset is {preset!r}; it must be one of {list(PRESETS)}.")


def estimator_of(
    source: str | os.PathLike[str],
    target: str,
    n_dims: int,
    preset: str,
    config: dict[str, Any],
    state: dict[str, Tensor],
) -> TrajectoryEstimator:
    """Build a fitted estimator from what a weight file holds, without statistics of novelty."""
    if "estimator" in config or "ensemble" in config:
        kind = config.get("estimator", config.get("ensemble"))
        raise WeightsError(
            f"{source} holds {kind}, saved by itself, and no network for both targets as `skandi "
            f"train` writes it. Open it by {kind}.load."
        )
    if config["n_dims"] != n_dims:
        raise WeightsError(
            f"{source} holds weights for {config['n_dims']} dimension(s), and n_dims is {n_dims}. "
            "Pass the n_dims they were trained for."
        )
    require_models(config, source)
    if preset == "fast":
        config, state = first_member(config, state)
    params = {"network_params": config["network_params"], "views": PRESETS[preset]}
    calibration = config.get("calibration", {}).get(preset)
    n_models = len(MODELS)
    if target == "alpha":
        regressor = AlphaRegressor(config["network"], **params)
        if calibration:
            regressor.calibration_ = AlphaCalibration.from_config(calibration["alpha"])
        return _fitted(regressor, config, _with_outputs(state, slice(n_models, None)))
    classifier = ModelClassifier(config["network"], **params)
    classifier.classes_ = np.array(MODELS)
    if calibration:
        classifier.calibration_ = ModelCalibration.from_config(calibration["model"])
    return _fitted(classifier, config, _with_outputs(state, slice(0, n_models)))


def require_models(config: dict[str, Any], source: str | os.PathLike[str]) -> None:
    """Refuse weights whose outputs stand for other models, or for these in another order."""
    known = config["outputs"][:-1] if "outputs" in config else list(MODELS)
    if known != list(MODELS):
        raise WeightsError(
            f"{source} holds weights for the models {', '.join(map(str, known))}, and this skandi "
            f"knows {', '.join(MODELS)}. Train a network for these with `skandi train`."
        )


def shipped_weights(n_dims: int) -> Path:
    """Path of the weight file that comes with skandi for `n_dims` dimensions."""
    return Path(__file__).parent / f"andi2020_{n_dims}d.safetensors"


def novelty_path(weights: str | os.PathLike[str]) -> Path:
    """Where the statistics of novelty of a weight file are: beside it."""
    return Path(weights).with_suffix(".novelty.safetensors")


def _with_outputs(state: dict[str, Tensor], part: slice) -> dict[str, Tensor]:
    """Keep a part of the joint network's outputs: five logits, then forty values of α."""
    return {k: v[part].clone() if _of_outputs(k) else v for k, v in state.items()}


def _trunk(state: dict[str, Tensor]) -> str:
    return digest({k: v for k, v in state.items() if not _of_outputs(k)})


def _of_outputs(name: str) -> bool:
    return "output" in name.split(".")[-2:-1]


def first_member(
    config: dict[str, Any], state: dict[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Give configuration and state of the first network of an ensemble; others are as they are."""
    if config.get("network") != "ensemble":
        return config, state
    head = "members.0."
    own = {name.removeprefix(head): v for name, v in state.items() if name.startswith(head)}
    params = config["network_params"]["members"][0]
    return {**config, "network": "multiscale", "network_params": params}, own


def trained_network(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read configuration and state of the first network of a file of ``skandi train`` or ``join``.

    Raises
    ------
    WeightsError
        If the file cannot be read, or is of another kind.
    """
    config, state = load_weights(path)
    require_trained(path, config)
    return first_member(config, state)


def require_trained(path: str | os.PathLike[str], config: dict[str, Any]) -> None:
    """Refuse the configuration of a file that neither ``skandi train`` nor ``join`` wrote.

    Raises
    ------
    WeightsError
        If it is of another kind.
    """
    if config.get("network") not in ("multiscale", "ensemble") or "training" not in config:
        raise WeightsError(f"{path} holds no network made by `skandi train` or `skandi join`.")


def _fitted(
    estimator: TrajectoryEstimator, config: dict[str, Any], state: dict[str, Tensor]
) -> TrajectoryEstimator:
    make = NETWORKS[config["network"]]
    sizes = [len(v) for k, v in state.items() if k.endswith("output.bias")]
    if not sizes:
        raise ValueError("there is no output.bias")
    n_dims, min_points = require_counts(config, "n_dims", "min_points")
    network = build_for(
        lambda: make(n_dims, sizes[0], **config["network_params"]), state, config["network_params"]
    )
    estimator._adopt(network, n_dims=n_dims, min_points=min_points)
    estimator.trunk_ = _trunk(state)
    estimator.first_trunk_ = _trunk(first_member(config, state)[1])
    return estimator
