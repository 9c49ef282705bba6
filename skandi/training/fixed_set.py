"""Trajectories on which a joint network is judged, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from skandi.diffusion import MODELS
from skandi.networks import MultiScaleNet
from skandi.networks.alpha_head import alpha_quantiles
from skandi.simulate import make_andi
from skandi.training.inference import network_outputs

_VALIDATION_SEED = 715_225_741


class FixedSet:
    """The same trajectories of both tasks each time: what a network is judged on.

    Parameters
    ----------
    n_dims, recipe : int, str
        What to simulate, see `skandi.simulate.make_andi`.
    size : int
        Trajectories per task.
    seed : int
        A seed that is used for nothing else.
    length : tuple or ndarray
        Their lengths.
    snr_range : tuple, optional
        Their noise.
    """

    def __init__(
        self,
        n_dims: int,
        recipe: str,
        size: int,
        seed: int,
        length: Any = (10, 999),
        snr_range: Sequence[float] | None = None,
    ) -> None:
        common: dict[str, Any] = {
            "n_dims": n_dims, "recipe": recipe, "length": length, "snr_range": snr_range
        }  # fmt: skip
        self.tracks, self.alpha = make_andi(
            size, task="alpha", random_state=np.random.SeedSequence([seed, n_dims, 0]), **common
        )
        self.model_tracks, self.model = make_andi(
            size, task="model", random_state=np.random.SeedSequence([seed, n_dims, 1]), **common
        )

    def score(self, network: MultiScaleNet) -> dict[str, float]:
        """MAE of the median α on task 1's mix and micro F1 of the model on task 2's."""
        logits = network_outputs(network, self.tracks)[:, len(MODELS) :]
        alpha = alpha_quantiles(torch.from_numpy(logits), (0.5,))[:, 0].numpy()
        errors = np.abs(alpha - self.alpha)
        chosen = network_outputs(network, self.model_tracks)[:, : len(MODELS)].argmax(axis=1)
        right = np.array(MODELS)[chosen] == self.model
        n = len(errors)
        return {
            "mae": round(float(errors.mean()), 5),
            "mae_standard_error": round(float(errors.std() / n**0.5), 5),
            "f1": round(float(right.mean()), 5),
            "f1_standard_error": round(float(right.std() / n**0.5), 5),
        }


def validation_set(
    n_dims: int, recipe: str, size: int, snr_range: Sequence[float] | None = None
) -> FixedSet:
    """Trajectories for choosing: a hundred lengths spread evenly over 10…999 stand for all."""
    length = np.resize(np.linspace(15, 994, 100).astype(int), size)
    return FixedSet(n_dims, recipe, size, _VALIDATION_SEED, length, snr_range)
