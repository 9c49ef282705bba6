"""Autoencoders: windows of one length, the training on them, and errors of reconstruction.

A network reads one length. A trajectory becomes examples for it by one rule: longer ones are read
in windows that cover them, each a trajectory in its own right; what is shorter is padded with its
last point, and the error counts real points only.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from skandi.errors import TrainingError
from skandi.files import replacing
from skandi.lengths import crops, group_by_length
from skandi.networks.autoencoder import TrajectoryAutoencoder
from skandi.normalize import NEARLY_STRAIGHT, scale_displacements
from skandi.training.arithmetic import flushed_denormals
from skandi.training.batches import split_batches

BATCH_POINTS = 40_000
"""Points per forward pass of a prediction, whose arithmetic is float64."""
# What goes wrong with a file that is damaged, or none of ours.
_UNREADABLE = (
    RuntimeError, EOFError, UnpicklingError, KeyError, TypeError, AttributeError, ValueError,
)  # fmt: skip

Trajectories = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class Windows:
    """What a network reads of some trajectories of one length.

    Attributes
    ----------
    which : ndarray of shape (n,)
        Indices of the trajectories.
    start : int
        Their point at which this window begins.
    inputs : ndarray of shape (n, d, length), float64
        Normalised and padded positions.
    scale, origin : ndarray of shape (n, d, 1), float64
        ``inputs * scale + origin`` are the positions.
    n_real : int
        Points that are not padding.
    """

    which: NDArray[np.int64]
    start: int
    inputs: NDArray[np.float64]
    scale: NDArray[np.float64]
    origin: NDArray[np.float64]
    n_real: int


def windows(
    trajectories: Trajectories, length: int, batch_points: int | None = None
) -> Iterator[Windows]:
    """Cut, normalise and pad trajectories for a network of one length.

    Parameters
    ----------
    trajectories : sequence of ndarray of shape (T_i, d)
        Raw positions.
    length : int
        Points the network reads.
    batch_points : int, optional
        Most points of one batch; by default all trajectories of one length are one batch.

    Yields
    ------
    Windows
        One batch of trajectories of equal length after another, window by window.
    """
    for T, members in group_by_length(trajectories).items():
        size = len(members) if batch_points is None else max(1, batch_points // max(T, length))
        n_real = min(T, length)
        for first in range(0, len(members), size):
            which = members[first : first + size]
            positions = np.stack([trajectories[i] for i in which])
            index = np.arange(T)[:, np.newaxis]
            for part in crops(index, n_real):
                seen = positions[:, part[:, 0]]
                scaled, scale = scale_displacements(seen)
                padded = np.pad(scaled, ((0, 0), (0, length - n_real), (0, 0)), mode="edge")
                yield Windows(
                    which=which,
                    start=int(part[0, 0]),
                    inputs=np.ascontiguousarray(padded.transpose(0, 2, 1)),
                    scale=scale.transpose(0, 2, 1),
                    origin=seen[:, :1].transpose(0, 2, 1),
                    n_real=n_real,
                )


@dataclass(frozen=True)
class ReconstructionProtocol:
    """How an autoencoder is trained; the defaults of the detector are the paper's.

    Attributes
    ----------
    lr : float
        Adam's learning rate.
    weight_decay : float
        Its L2 penalty.
    max_epochs : int
        Passes over the windows.
    batch_size : int
        Windows per batch.
    seed : int
        Seed of the order of the windows.
    """

    lr: float
    weight_decay: float
    max_epochs: int
    batch_size: int
    seed: int


def train_autoencoder(
    network: TrajectoryAutoencoder,
    protocol: ReconstructionProtocol,
    trajectories: Trajectories,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    verbose: bool = False,
) -> list[dict[str, Any]]:
    """Train a network in place on the mean squared error of reconstruction, in float32.

    Parameters
    ----------
    network : TrajectoryAutoencoder
        With its initial weights.
    protocol : ReconstructionProtocol
        How to train.
    trajectories : sequence of ndarray of shape (T_i, d)
        Raw positions.
    checkpoint : path-like, optional
        File with the state after the last full epoch; a training goes on from there and ends
        where it would have ended without a break.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    list of dict
        ``epoch`` and ``train_loss``, the mean over the epoch in training mode, of each epoch.

    Raises
    ------
    TrainingError
        If the loss or a weight stops being finite.
    """
    inputs, weights = _examples(trajectories, network.length)
    optimizer = _adam(network, protocol)
    history, checkpoint = _resume(checkpoint, network, optimizer, protocol.max_epochs)
    network.train()
    epochs = range(len(history) + 1, protocol.max_epochs + 1)
    for epoch in tqdm(epochs, unit="epoch", leave=False, disable=not verbose):
        # The order depends on seed and epoch alone, so that a resumed training repeats it.
        order = np.random.default_rng([protocol.seed, epoch]).permutation(len(inputs))
        total = torch.zeros(())
        for part in split_batches(torch.from_numpy(order), protocol.batch_size):
            total += train_step(network, optimizer, inputs[part], weights[part]) * len(part)
        history.append({"epoch": epoch, "train_loss": float(total) / len(inputs)})
        if not np.isfinite(history[-1]["train_loss"]):
            raise TrainingError(
                f"The loss of epoch {epoch} is not finite. Lower lr, or leave out trajectories "
                "that move at nearly constant velocity: their normalised positions are huge."
            )
        if not all(bool(torch.isfinite(each).all()) for each in network.parameters()):
            raise TrainingError(f"The weights of epoch {epoch} are not finite. Lower lr.")
        _save(checkpoint, network, optimizer, history)
    network.eval()
    return history


@flushed_denormals()
def train_step(
    network: TrajectoryAutoencoder, optimizer: torch.optim.Optimizer, x: Tensor, weight: Tensor
) -> Tensor:
    """One step; `weight` (n, 1, length) is one over the number of real coordinates, or 0."""
    optimizer.zero_grad(set_to_none=True)
    error = network(x) - x
    loss = (error * error * weight).sum() / len(x)
    loss.backward()
    optimizer.step()
    return loss.detach()


def squared_errors(network: TrajectoryAutoencoder, trajectories: Trajectories) -> NDArray:
    """Mean squared error of reconstruction, normalised, averaged over windows; (n,) float64."""
    errors, n_windows = np.zeros(len(trajectories)), np.zeros(len(trajectories))
    for seen, _, decoded in _passes(network, trajectories):
        real = np.s_[:, :, : seen.n_real]
        errors[seen.which] += np.square(decoded[real] - seen.inputs[real]).mean(axis=(1, 2))
        n_windows[seen.which] += 1
    return errors / n_windows


def reconstructions(
    network: TrajectoryAutoencoder, trajectories: Trajectories
) -> list[NDArray[np.float64]]:
    """Reconstructed trajectories in their own units; where windows overlap, their mean."""
    sums = [np.zeros_like(t) for t in trajectories]
    counts = [np.zeros((len(t), 1)) for t in trajectories]
    for seen, _, decoded in _passes(network, trajectories):
        positions = (decoded * seen.scale + seen.origin).transpose(0, 2, 1)
        window = slice(seen.start, seen.start + seen.n_real)
        for i, track in zip(seen.which, positions, strict=True):
            sums[i][window] += track[: seen.n_real]
            counts[i][window] += 1
    return [s / c for s, c in zip(sums, counts, strict=True)]


def latent_vectors(network: TrajectoryAutoencoder, trajectories: Trajectories) -> NDArray:
    """Latent vector of each trajectory, the mean over its windows; (n, n_latent) float64."""
    latents = np.zeros((len(trajectories), network.n_latent))
    n_windows = np.zeros((len(trajectories), 1))
    for seen, latent, _ in _passes(network, trajectories):
        latents[seen.which] += latent
        n_windows[seen.which] += 1
    return latents / n_windows


def _passes(
    network: TrajectoryAutoencoder, trajectories: Trajectories
) -> Iterator[tuple[Windows, NDArray[np.float64], NDArray[np.float64]]]:
    """Give windows, latent vectors and reconstructions, in float64 and evaluation mode.

    In float32 the error of one trajectory would depend, in the seventh digit, on how many others
    are in the batch.
    """
    exact = copy.deepcopy(network).double().eval()
    with torch.inference_mode():
        for seen in windows(trajectories, network.length, BATCH_POINTS):
            latent, places = exact.encode(torch.from_numpy(seen.inputs))
            yield seen, latent.numpy(), exact.decode(latent, places).numpy()


def _examples(trajectories: Trajectories, length: int) -> tuple[Tensor, Tensor]:
    """Inputs (N, d, length) of all windows, and the weight (N, 1, length) of each point."""
    inputs, weights = [], []
    n_straight = 0
    for seen in windows(trajectories, length):
        steps = np.diff(seen.inputs[:, :, : seen.n_real], axis=2)
        speed = np.abs(steps.mean(axis=2))
        is_straight = (speed > 0) & (steps.std(axis=2) <= NEARLY_STRAIGHT * speed)
        n_straight += np.count_nonzero(is_straight.any(axis=1))
        n, d, _ = seen.inputs.shape
        weight = np.zeros((n, 1, length), dtype=np.float32)
        weight[:, :, : seen.n_real] = 1 / (seen.n_real * d)
        inputs.append(torch.from_numpy(seen.inputs.astype(np.float32)))
        weights.append(torch.from_numpy(weight))
    if n_straight:
        warnings.warn(
            f"{n_straight} of {sum(map(len, inputs))} windows move at constant velocity along an "
            "axis, or nearly, as all of two points do. Their normalised positions are huge, or in "
            "the unit of X, and can drown all others: leave such tracks out.",
            stacklevel=4,
        )
    return torch.cat(inputs), torch.cat(weights)


def _adam(network: TrajectoryAutoencoder, protocol: ReconstructionProtocol) -> torch.optim.Adam:
    settings: dict[str, Any] = {"lr": protocol.lr, "weight_decay": protocol.weight_decay}
    try:
        return torch.optim.Adam(network.parameters(), fused=True, **settings)
    except RuntimeError:  # before torch 2.4 one kernel for all parameters needs a GPU
        return torch.optim.Adam(network.parameters(), **settings)


def _resume(
    checkpoint: str | os.PathLike[str] | None,
    network: TrajectoryAutoencoder,
    optimizer: torch.optim.Optimizer,
    max_epochs: int,
) -> tuple[list[dict[str, Any]], str | os.PathLike[str] | None]:
    """Load a checkpoint; give its history, and the file to go on writing to.

    The checkpoint of a training that went further is left as it is, and not used.
    """
    if checkpoint is None or not Path(checkpoint).exists():
        return [], checkpoint
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        history, tensors, moments = (state[key] for key in ("history", "network", "optimizer"))
        if _shapes(tensors) != _shapes(network.state_dict()):
            raise ValueError("it is of another network")
        if len(history) > max_epochs:
            return [], None
        optimizer.load_state_dict(moments)
        network.load_state_dict(tensors)
    except _UNREADABLE as error:
        warnings.warn(
            f"{checkpoint} cannot be read ({error}); the training starts anew.", stacklevel=4
        )
        return [], checkpoint
    return list(history), checkpoint


def _shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _save(
    checkpoint: str | os.PathLike[str] | None,
    network: TrajectoryAutoencoder,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, Any]],
) -> None:
    if checkpoint is None:
        return
    Path(checkpoint).parent.mkdir(parents=True, exist_ok=True)
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
    }
    with replacing(checkpoint) as aside:
        torch.save(state, aside)
