"""In which precision a batch is computed, which one a processor is quick in, and tiny numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skandi.errors import SlowArithmeticWarning
from skandi.networks.base import TrajectoryNetwork

PRECISIONS = ("float32", "bfloat16")

_CPUINFO = Path("/proc/cpuinfo")


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


@lru_cache(maxsize=1)
def quick_in_bfloat16() -> bool:
    """Tell whether this processor has instructions that multiply matrices of bfloat16.

    Without AMX, or BF16 on ARM (most laptops have neither), torch imitates bfloat16, several times
    as slowly as it computes in float32. With AVX512_BF16 alone it does not imitate, but the
    convolutions of these networks still take longer than in float32. And it takes a torch with
    oneDNN to use the instructions, which that for macOS is not.
    """
    told = getattr(torch.cpu, "get_capabilities", None)  # torch before 2.10 does not tell
    names = _true_names(told()) if told is not None else _flags_of(_CPUINFO)
    there = not names.isdisjoint(("amx_bf16", "bf16"))
    return there and torch.backends.mkldnn.is_available()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Let this thread take numbers below the normal ones (1.2e-38 in float32) for zero.

    The gradient of a recurrence fades on its way through hundreds of points and falls below them,
    the weights of units that are never active decay to them, and a processor by Intel takes a
    hundred cycles for each such number. Nothing is learnt from them. Threads of torch that were
    started before go on as they were, and those that are started meanwhile stay like this.
    """
    before = _flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _flushes_denormals() -> bool:
    return bool(torch.tensor(1e-40, dtype=torch.float32, device="cpu") == 0)


def quick_precision() -> str:
    """Give the precision that this processor is expected to train fastest in."""
    return "bfloat16" if quick_in_bfloat16() else "float32"


def warn_if_slower(parameter: str, precision: str, device: str = "cpu") -> None:
    """Warn where bfloat16 is asked of a processor that is slower in it than in float32.

    Parameters
    ----------
    parameter : str
        Name of the parameter that asks.
    precision : str
        Its value.
    device : str
        Where the network is; the warning is about processors.
    """
    if precision == "bfloat16" and device == "cpu" and not quick_in_bfloat16():
        warnings.warn(
            f"{parameter}='bfloat16', but this processor has no instructions for matrices of it "
            "(AMX, or BF16 on ARM) and is slower in it than in float32, mostly several times. Set "
            f"{parameter}='float32', unless it is the rounding that you want.",
            SlowArithmeticWarning,
            stacklevel=3,
        )


def _true_names(capabilities: Mapping[str, Any]) -> set[str]:
    return {name for name, there in capabilities.items() if there is True}


def _flags_of(path: Path) -> set[str]:
    """What Linux says of the first processor; nothing where there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    told = (line.partition(":") for line in lines)
    return next(
        (set(f.split()) for key, _, f in told if key.strip() in ("flags", "Features")), set()
    )
