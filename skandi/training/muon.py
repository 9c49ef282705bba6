"""An optimiser for weight matrices that makes every direction of a step count the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

# Quintic iteration that brings singular values near 1 in few steps (Jordan et al. 2024).
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
# Root mean square of an AdamW step in units of its rate, so that both share one rate
# (Liu et al., arXiv:2502.16982, 2025, Sec. 2.2).
_ADAM_SIZE = 0.2


class Muon(Optimizer):
    """Momentum whose every matrix is orthogonalised before it is subtracted.

    A gradient of a convolution is dominated by few directions; replaced by the nearest matrix with
    equal singular values, the step moves the rare directions as far as the frequent ones (Jordan et
    al., "Muon", 2024; Liu et al., arXiv:2502.16982, 2025).

    Parameters
    ----------
    params : iterable of Tensor or dict
        Tensors of two dimensions or more; all but the first are joined. A group may have
        ``stacked``, the number of matrices stacked along the first dimension (3 in a GRU).
    lr : float
        Rate, comparable with AdamW's.
    momentum, weight_decay : float
    dtype : torch.dtype
        Arithmetic of the iteration.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 1e-4,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "stacked": 1}
        super().__init__(params, defaults)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step along the gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(momentum, group["momentum"])
                stacked = group["stacked"]
                matrices = ahead.reshape(stacked, weight.shape[0] // stacked, -1)
                direction = orthogonalized(matrices, self.dtype)
                size = _ADAM_SIZE * max(matrices.shape[1:]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(direction.view_as(weight), alpha=-group["lr"] * size)


def orthogonalized(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Bring all singular values of matrices (..., m, n) near 1, between about 0.7 and 1.2."""
    a, b, c = _QUINTIC
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).to(dtype)
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def make_optimizers(
    network: nn.Module, name: str, *, lr: float, weight_decay: float, dtype: torch.dtype
) -> list[Optimizer]:
    """Give what trains a network: AdamW, or Muon for the matrices and AdamW for the rest.

    The first and the last layer are not matrices between hidden channels; AdamW trains them too.
    """
    common: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
    if name == "adamw":
        return [AdamW(network.parameters(), **common)]
    if name != "muon":
        raise ValueError(f"optimizer is {name!r}; it must be 'muon' or 'adamw'.")
    gates = {id(p) for m in network.modules() if isinstance(m, nn.GRU) for p in m.parameters()}
    hidden: list[Tensor] = []
    stacked: list[Tensor] = []
    others: list[Tensor] = []
    for path, p in network.named_parameters():
        if p.ndim < 2 or path.startswith(("stem.", "output.")):
            others.append(p)
        else:
            (stacked if id(p) in gates else hidden).append(p)
    groups = [{"params": hidden}, {"params": stacked, "stacked": 3}]
    return [Muon(groups, dtype=dtype, **common), AdamW(others, **common)]
