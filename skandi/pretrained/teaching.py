"""What a weight file teaches a new network: its answers, which are more than one truth."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor

from skandi.pretrained import PRESETS, estimator_of
from skandi.training.inference import symmetric_views
from skandi.weights import load_weights, refusing


def teacher_of(path: str | os.PathLike[str], n_dims: int) -> Callable[[Tensor], Tensor]:
    """Give what the networks of a file say of a batch, as the preset "best" asks them.

    Parameters
    ----------
    path : path-like
        A file of ``skandi train`` or ``skandi join``.
    n_dims : int
        Spatial dimensions.

    Returns
    -------
    callable
        From z-scored positions (n, d, T) to probabilities (n, 45): of the models, then of the grid
        of α.

    Raises
    ------
    WeightsError
        If the file cannot be read, or holds no network of both answers in these dimensions.
    """
    config, state = load_weights(path)
    with refusing(path):
        classifier, regressor = (
            estimator_of(path, target, n_dims, "best", config, state)._ready_module()
            for target in ("model", "alpha")
        )
    read = regressor.reader()

    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            views = [read(view, None) for view in symmetric_views(x, PRESETS["best"])]
            features = torch.stack(views).mean(dim=0)
            heads = [each.head(features).softmax(dim=1) for each in (classifier, regressor)]
            return torch.cat(heads, dim=1)

    return answer
