"""Weights and their configuration in one file without pickle: safetensors, hashed, versioned."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from skandi.errors import WeightsError
from skandi.files import replacing

Module = TypeVar("Module", bound=nn.Module)

FORMAT = "skandi-weights"
FORMAT_VERSION = 1

_PROVOKED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,  # of torch, and of too deep a recursion
    TypeError,
    ValueError,
)


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
    tensors = {name: as_on_disk(t, dtype).detach().cpu().contiguous() for name, t in state.items()}
    written = json.dumps(config, sort_keys=True, default=_as_plain)
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "sha256": digest(tensors, written),
        "config": written,
    }
    with replacing(path) as aside:
        save_file(tensors, aside, metadata)


def as_on_disk(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Give a tensor in the type that a file keeps it in; what is too large for it stays as it is.

    Examples
    --------
    >>> [as_on_disk(torch.tensor(x), torch.float16).dtype for x in (1.0, 1e6, 3)]
    [torch.float16, torch.float32, torch.int64]
    """
    if not tensor.is_floating_point():
        return tensor
    rounded = tensor.to(dtype)
    return rounded if torch.equal(rounded.isfinite(), tensor.isfinite()) else tensor


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
    _require_version(path, metadata.get("format_version", ""))
    if metadata.get("sha256") != digest(tensors, metadata.get("config", "")):
        raise WeightsError(
            f"The content of {path} does not match the hash stored with them: the file was altered "
            "or damaged. Fetch or write it again."
        )
    state = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    broken = [name for name, t in state.items() if not torch.isfinite(t).all()]
    if broken:
        raise WeightsError(
            f"{path} has weights that are not finite ({', '.join(broken[:3])}): the training that "
            "wrote it failed, or it was altered. Fetch or write it again."
        )
    return _parsed(path, metadata.get("config", "")), state


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what a configuration of wrong keys, types or sizes provokes into a `WeightsError`.

    The hash in a file tells damage, but whoever writes a file can write the hash as well.
    """
    try:
        yield
    except WeightsError:
        raise
    except _PROVOKED as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise WeightsError(
            f"{path} describes nothing that this skandi can build ({told[:300]}): it was written "
            "by another program or version, or altered. Fetch or write it again."
        ) from error


def build_for(make: Callable[[], Module], state: Mapping[str, Tensor], sizes: Any) -> Module:
    """Build a module and give it a state, if its tensors are those of the state.

    Parameters
    ----------
    make : callable
        Builds the module.
    state : mapping of str to Tensor
        Its state.
    sizes : JSON value
        What `make` takes its sizes from. None can be larger than the state as a whole, so that a
        file cannot ask for more memory than it brings itself.

    Raises
    ------
    ValueError
        If the module's tensors would have other names or shapes.
    """
    limit = sum(t.numel() for t in state.values())
    if any(abs(number) > limit for number in _numbers(sizes)):
        raise ValueError(f"sizes of {limit} values are {sizes!r}")
    with torch.device("meta"):
        needed = {name: tuple(t.shape) for name, t in make().state_dict().items()}
    differ = sorted(
        name
        for name in {*needed, *state}
        if name not in state or needed.get(name) != tuple(state[name].shape)
    )
    if differ:
        raise ValueError(f"tensors of other names or shapes: {', '.join(differ[:3])}")
    with torch.random.fork_rng(devices=[]):  # initial weights draw random numbers
        module = make()
    module.load_state_dict(state)
    return module


def jsonable(params: dict[str, Any]) -> dict[str, Any]:
    """Keep what JSON can hold, arrays as lists, and warn of the rest, such as splitters."""
    kept, lost = {}, []
    for name, value in params.items():
        try:
            kept[name] = json.loads(json.dumps(value, default=_as_plain))
        except TypeError:
            lost.append(f"{name} ({type(value).__name__})")
    if lost:
        warnings.warn(
            f"A file cannot keep {', '.join(lost)}: an estimator that is loaded from it has the "
            "default there. Its predictions are the same, another fit need not be.",
            stacklevel=4,
        )
    return kept


def require_counts(described: dict[str, Any], *names: str) -> list[int]:
    """Whole numbers of at least 1 from a file's description, or a ValueError."""
    counts = [described[name] for name in names]
    for name, count in zip(names, counts, strict=True):
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count < 2**31:
            raise ValueError(f"{name} is {count!r}")
    return counts


def told_labels(labels: NDArray) -> list[Any]:
    """Give labels as a file's description holds them, or a ValueError.

    Examples
    --------
    >>> told_labels(np.array([1, 2]))
    ['int64', [1, 2]]
    """
    values = labels.tolist()
    try:
        json.dumps(values)
    except TypeError:
        raise ValueError(
            f"Labels of type {labels.dtype} are not only text, numbers and booleans, which a file "
            "without pickle holds. Save the estimator with joblib.dump, or fit it on "
            "labels.astype(str)."
        ) from None
    return [str(labels.dtype), values]


def labels_of(dtype: str, values: list[Any]) -> NDArray:
    """Names or numbers from a file's description, or a ValueError."""
    # a type may ask for any size, so it is found anew, and only then cast
    labels = np.array(values) if np.dtype(dtype) != object else np.array(values, dtype=object)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"labels are {values!r}")
    if np.dtype(dtype).kind == labels.dtype.kind == "U":
        return labels  # as wide as the longest name
    if np.dtype(dtype).itemsize > max(8, labels.dtype.itemsize):
        raise ValueError(f"labels of type {dtype}")
    return labels.astype(dtype)


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, range):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, torch.device):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    elif isinstance(value, bool):
        raise ValueError(f"a size is {value}")
    elif isinstance(value, int | float):
        yield value


def _require_version(path: Path, version: str) -> None:
    if not (version.isascii() and version.isdigit() and len(version) < 10 and int(version) > 0):
        raise WeightsError(
            f"{path} has no readable version of its format: it was altered or damaged. Fetch or "
            "write it again."
        )
    if int(version) > FORMAT_VERSION:
        raise WeightsError(
            f"{path} has weight format {version}, this skandi reads up to {FORMAT_VERSION}. "
            "Upgrade skandi."
        )


def _parsed(path: Path, written: str) -> dict[str, Any]:
    with refusing(path):
        config = json.loads(written)
        if not isinstance(config, dict):
            raise ValueError(f"the configuration is a {type(config).__name__}")
    return config


def digest(tensors: Mapping[str, Tensor], config: str = "") -> str:
    """Give the SHA-256 of tensors with their names, types and shapes, and of a text."""
    result = hashlib.sha256(config.encode())
    for name in sorted(tensors):
        t = tensors[name]
        result.update(f"{name}:{t.dtype}:{tuple(t.shape)}".encode())
        result.update(t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return result.hexdigest()
