"""One network for both answers: what it reads, and what it is taught."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from skandi.diffusion import ALPHA_GRID, MODELS
from skandi.networks.alpha_head import N_ALPHA_OUTPUTS, alpha_distribution_loss, on_grid
from skandi.normalize import standardize
from skandi.simulate import StreamBatch
from skandi.simulate.recipes import TASKS, composition

N_OUTPUTS = len(MODELS) + N_ALPHA_OUTPUTS
"""Five logits of the models, then those of the distribution over α."""
TEACHING = 0.75
"""Share of a teacher's answer in what is learnt; the rest is the truth."""


def network_input(positions: np.ndarray) -> Tensor:
    """Turn raw positions (n, T, d) into what networks read: z-scored (n, d, T), float32."""
    z = standardize(positions).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(z.transpose(0, 2, 1)))


def joint_loss(outputs: Tensor, batch: StreamBatch, taught: Tensor | None = None) -> Tensor:
    """Cross-entropy of the model plus the loss of the α distribution, each for its own task.

    A stream is composed half by the one task and half by the other. Which model is probable depends
    on how many there are of each, so each loss weighs a trajectory by how frequent its kind is in
    the task it is for.

    Parameters
    ----------
    outputs : Tensor of shape (n, 45)
    batch : StreamBatch
    taught : Tensor of shape (n, 45), optional
        Probabilities of the models and of the grid of α by a teacher, `TEACHING` of what is learnt.
        What a track leaves open is told by them, and only by chance by the one truth it came from
        (knowledge distillation: Hinton, Vinyals & Dean, arXiv:1503.02531).
    """
    n_models = len(MODELS)
    model = F.one_hot(torch.as_tensor(batch.model, dtype=torch.int64), n_models)
    target = torch.cat([model, on_grid(torch.as_tensor(batch.alpha, dtype=torch.float32))], dim=1)
    if taught is not None:
        target = torch.lerp(target, taught, TEACHING)
    for_alpha, for_model = torch.from_numpy(task_weights(batch.model, batch.alpha)).float()
    each = F.cross_entropy(outputs[:, :n_models], target[:, :n_models], reduction="none")
    return (each * for_model).mean() + alpha_distribution_loss(
        outputs[:, n_models:], target[:, n_models:], for_alpha
    )


def task_weights(model: NDArray[np.int64], alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequency of trajectories in the task for α, and for the model, over that in both (2, n)."""
    shares = np.stack([composition(task) for task in TASKS])
    column = np.rint(np.asarray(alpha) * len(ALPHA_GRID) / ALPHA_GRID[-1]).astype(int) - 1
    chosen = shares[:, np.asarray(model), column]
    return chosen / chosen.mean(axis=0)
