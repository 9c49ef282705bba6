"""Weights and their configuration in one file without pickle: safetensors, hashed, versioned."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skandi.errors import WeightsError
from skandi.files import replacing

FORMAT = "skandi-weights"
FORMAT_VERSION = 1


def save_weights(
    path: str | os.PathLike[str],
    state: Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a state and the configuration that rebuilds its network, whole or not at all.

    Parameters
    ----------
    path : path-like
        File to write, ending in ``.safetensors``.
    state : mapping of str to Tensor
        The module's state.
    config : mapping
        Anything JSON can hold.
    dtype : torch.dtype
        Type on disk of the floating-point tensors; half precision halves the file.
    """
    tensors = {
        name: (t.to(dtype) if t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in state.items()
    }
    written = json.dumps(config, sort_keys=True)
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "sha256": digest(tensors, written),
        "config": written,
    }
    with replacing(path) as aside:
        save_file(tensors, aside, metadata)


def load_weights(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file made by `save_weights`.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    config : dict
        The configuration.
    state : dict of str to Tensor
        The state, floating-point tensors in float32, on the CPU.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, of another kind, or from a newer version of skandi.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no weight file {path}. Check the path, or install it again.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} cannot be read as safetensors ({error}): it is damaged or cut short. "
            "Fetch or write it again."
        ) from error
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path} holds no skandi weights; expected a file by save_weights.")
    if int(metadata.get("format_version", 0)) > FORMAT_VERSION:
        raise WeightsError(
            f"{path} has weight format {metadata['format_version']}, this skandi reads up to "
            f"{FORMAT_VERSION}. Upgrade skandi."
        )
    if metadata.get("sha256") != digest(tensors, metadata.get("config", "")):
        raise WeightsError(
            f"The content of {path} does not match the hash stored with them: the file was altered "
            "or damaged. Fetch or write it again."
        )
    state = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    return json.loads(metadata["config"]), state


def digest(tensors: Mapping[str, Tensor], config: str = "") -> str:
    """Give the SHA-256 of tensors with their names, types and shapes, and of a text."""
    result = hashlib.sha256(config.encode())
    for name in sorted(tensors):
        t = tensors[name]
        result.update(f"{name}:{t.dtype}:{tuple(t.shape)}".encode())
        result.update(t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return result.hexdigest()
