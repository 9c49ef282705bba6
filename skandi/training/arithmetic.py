"""In which precision a batch is computed."""

from __future__ import annotations

import torch
from torch import Tensor

from skandi.networks.base import TrajectoryNetwork

PRECISIONS = ("float32", "bfloat16")


def arithmetic(precision: str, network: TrajectoryNetwork, x: Tensor) -> torch.autocast:
    """Context in which a network computes a batch `x` of shape (n, d, T).

    Parameters
    ----------
    precision : str
        "float32" or "bfloat16".
    network : Module
        Its ``shortest_bfloat16`` is the length from which bfloat16 is sound.
    x : Tensor
        The batch.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {list(PRECISIONS)}.")
    half = precision == "bfloat16" and x.shape[-1] >= network.shortest_bfloat16
    return torch.autocast(x.device.type, torch.bfloat16, enabled=half)
