"""Training without end on simulated trajectories: schedule, averaged weights, exact resume.

The trainer never sees a trajectory twice, so there is nothing to overfit and no epoch. Everything
is counted in steps and nothing by the clock: the same configuration gives the same weights whether
or not it was interrupted.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skandi.diffusion import MODELS
from skandi.errors import TrainingError
from skandi.files import replacing
from skandi.networks import MultiScaleNet
from skandi.simulate import StreamBatch, TrajectoryStream
from skandi.simulate.noise import require_snr_range
from skandi.training.arithmetic import (
    arithmetic,
    flushed_denormals,
    quick_precision,
    warn_if_slower,
)
from skandi.training.fixed_set import FixedSet, validation_set
from skandi.training.joint import N_OUTPUTS, joint_loss, network_input
from skandi.training.loop import seeded
from skandi.training.muon import make_optimizers
from skandi.weights import save_weights

_MAX_BAD_IN_A_ROW = 50
_TEST_SEED = 298_410_337
_ADDED = {"teacher": "", "snr_range": None}
"""What a checkpoint from before there was such a choice was made with."""


@dataclass(frozen=True)
class StreamTraining:
    """Everything that decides the weights of one training on a stream.

    Attributes
    ----------
    n_dims : int
        Spatial dimensions.
    steps : int
        Optimiser steps in all. May be raised later: the run goes on from where it is, or from the
        end of its plateau (``steps - cooldown``) if the rate had begun to fall.
    cooldown : int
        The last steps, over which the learning rate falls linearly to zero.
    optimizer : str
        "muon", which trains the weight matrices by `skandi.training.muon.Muon`, or "adamw".
    lr, weight_decay, warmup, clip : float, float, int, float
        Peak rate and decay, steps of linear warm-up, largest gradient norm.
    average : int
        Horizon, in steps, of the exponential average of the weights.
    batch_points : int
        Points per batch; a batch has one length.
    recipe : str
        Recipe of the data, see `skandi.simulate.make_andi`.
    snr_range : tuple (low, high), optional
        Their noise, if not the recipe's own; also of the data that validate and test.
    precision : str
        "bfloat16" or "float32" for the network's arithmetic; "auto" stands for what a checkpoint
        was made with, or else for what this processor is quick in, and `StreamTrainer.config` says
        which.
    seed : int
        Seed of the initial weights and of the data.
    network : dict
        Keyword arguments of `MultiScaleNet`.
    teacher : str
        Digest of the weights that teach, empty without.
    """

    n_dims: int = 1
    steps: int = 20_000
    cooldown: int = 4_000
    optimizer: str = "muon"
    lr: float = 2e-3
    weight_decay: float = 1e-4
    warmup: int = 200
    clip: float = 1.0
    average: int = 1_000
    batch_points: int = 60_000
    recipe: str = "andi-2020"
    snr_range: tuple[float, float] | None = None
    precision: str = "auto"
    seed: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    teacher: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.cooldown <= self.steps:
            raise TrainingError(
                f"cooldown is {self.cooldown!r} and steps {self.steps!r}: the rate falls within "
                "the training, so choose a cooldown from 0 to the number of steps."
            )
        if self.snr_range is not None:
            require_snr_range(self.snr_range)
        if not 0 < self.lr < math.inf:
            raise TrainingError(f"lr is {self.lr!r}; it must be a finite number above 0.")

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, plateau, linear cool-down."""
        rising = min(1.0, (step + 1) / max(1, self.warmup))
        falling = min(1.0, (self.steps - step) / max(1, self.cooldown))
        return self.lr * min(rising, falling)


class StreamTrainer:
    """One network in training; `run` goes to the end or until interrupted.

    Parameters
    ----------
    config : StreamTraining
        What to train.
    directory : path-like
        Folder of ``checkpoint.pt`` and ``log.jsonl``. A checkpoint found there is resumed if it
        belongs to `config`; only ``steps`` and ``cooldown`` may differ.
    initial : mapping of str to Tensor, optional
        Weights to start from. Tensors whose shape differs (another dimension's input) start fresh.
    earlier : sequence of dict, optional
        How `initial` was trained, for the card of the weights; a checkpoint keeps it.
    teacher : callable, optional
        From z-scored positions to probabilities that are learnt beside the truth, see
        `skandi.pretrained.teaching.teacher_of`. ``config.teacher`` says whose they are.
    validation_size : int, default=4000
        Trajectories per task in the fixed validation set.

    Raises
    ------
    TrainingError
        If the checkpoint belongs to another configuration, a teacher comes without its digest or
        the other way round, or nearly every gradient is not finite.
    """

    def __init__(
        self,
        config: StreamTraining,
        directory: str | os.PathLike[str],
        *,
        initial: dict[str, Tensor] | None = None,
        earlier: Sequence[dict[str, Any]] = (),
        teacher: Callable[[Tensor], Tensor] | None = None,
        validation_size: int = 4_000,
    ) -> None:
        if bool(config.teacher) != (teacher is not None):
            raise TrainingError(
                "A teacher and its digest in the configuration go together: one is given without "
                "the other."
            )
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = config = _with_precision(config, self.checkpoint_path)
        for stale in self.directory.glob(".*.pt.*.part"):
            stale.unlink()  # of a process that was killed while it wrote
        self.network = build_network(config)
        self.fresh = _inherit(self.network, initial or {})
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.optimizers = make_optimizers(
            self.network,
            config.optimizer,
            lr=config.lr,
            weight_decay=config.weight_decay,
            dtype=torch.bfloat16 if config.precision == "bfloat16" else torch.float32,
        )
        self.earlier = list(earlier)
        self.teacher = teacher
        self.step = 0
        self.seen = 0
        self.seconds = 0.0
        self.skipped = 0
        self._bad_in_a_row = 0
        self.validation_size = validation_size
        if self.checkpoint_path.exists():
            self._resume()

    @property
    def checkpoint_path(self) -> Path:
        """Where the state of the training is kept."""
        return self.directory / "checkpoint.pt"

    @property
    def plateau_path(self) -> Path:
        """Where the state at the end of the plateau is kept, from which a run can be prolonged."""
        return self.directory / "plateau.pt"

    def run(
        self,
        *,
        log_every: int = 200,
        validate_every: int = 2_000,
        checkpoint_every: int = 500,
        report: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Train to the last step, writing a checkpoint now and then and at the end.

        Parameters
        ----------
        log_every, validate_every, checkpoint_every : int
            Steps between two entries of the log, two validations, two checkpoints.
        report : callable, optional
            Called with every entry of the log.
        """
        validation = validation_set(
            self.config.n_dims, self.config.recipe, self.validation_size, self.config.snr_range
        )
        running: list[Tensor] = []
        with TrajectoryStream(
            self.config.n_dims,
            recipe=self.config.recipe,
            snr_range=self.config.snr_range,
            random_state=self.config.seed,
            batch_points=self.config.batch_points,
        ) as stream:
            stream.seek(self.step)
            if self.step == self.config.steps - self.config.cooldown == 0:
                self.save(self.plateau_path)  # a plateau without a step can be prolonged as well
            started = time.process_time()
            while self.step < self.config.steps:
                running.append(self.train_step(next(stream)))
                now = time.process_time()
                self.seconds, started = self.seconds + now - started, now
                last = self.step == self.config.steps
                if self.step % log_every == 0 or last:
                    self._log({"loss": float(torch.stack(running).nanmean())}, report)
                    running.clear()
                if self.step % validate_every == 0 or last:
                    self._log(validation.score(self.averaged_network()), report)
                    started = time.process_time()
                if self.step == self.config.steps - self.config.cooldown:
                    self.save(self.plateau_path)
                if self.step % checkpoint_every == 0 or last:
                    self.save(self.checkpoint_path)
                    started = time.process_time()

    @flushed_denormals()
    def train_step(self, batch: StreamBatch) -> Tensor:
        """Make one optimiser step; a batch with a gradient that is not finite is skipped: NaN."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate(self.step)
        x = network_input(batch.positions)
        with arithmetic(self.config.precision, self.network, x):
            outputs = self.network(x)
        taught = None if self.teacher is None else self.teacher(x)
        loss = joint_loss(outputs.float(), batch, taught)
        self.network.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.step += 1
        if not torch.isfinite(norm):
            self._skip(x.shape[-1])
            return torch.full((), torch.nan)
        self._bad_in_a_row = 0
        for optimizer in self.optimizers:
            optimizer.step()
        self.seen += len(x)
        self._update_average()
        return loss.detach()

    def averaged_network(self) -> MultiScaleNet:
        """Give a copy of the network with the averaged weights, in evaluation mode."""
        network = build_network(self.config)
        network.load_state_dict(self.average)
        return network.eval()

    def save(self, path: Path) -> None:
        """Write the whole state of the training aside, then rename it to `path`.

        Raises
        ------
        TrainingError
            If weights are not finite; what was there before stays.
        """
        self.require_finite()
        state = {
            "config": json.dumps(asdict(self.config), sort_keys=True),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seen": self.seen,
            "seconds": self.seconds,
            "skipped": self.skipped,
            "earlier": json.dumps(self.earlier),
        }
        with replacing(path) as aside:
            torch.save(state, aside)

    def require_finite(self) -> None:
        """Refuse to go on with weights that are not finite."""
        for name, value in (*self.network.state_dict().items(), *self.average.items()):
            if not torch.isfinite(value).all():
                raise TrainingError(
                    f"{name} is not finite at step {self.step}: the training has diverged. Train "
                    "with a smaller learning rate or in float32, in another folder."
                )

    def _resume(self) -> None:
        state = _read_checkpoint(self.checkpoint_path)
        # Both by way of JSON, which knows no tuples.
        saved = _ADDED | json.loads(state["config"])
        wanted = json.loads(json.dumps(asdict(self.config)))
        free = {"steps", "cooldown"}
        differing = sorted(k for k in wanted if k not in free and saved.get(k) != wanted[k])
        if differing:
            raise TrainingError(
                f"The checkpoint in {self.directory} was made with another "
                f"{', '.join(differing)}. Use another folder, or the same configuration."
            )
        if any(saved[k] != wanted[k] for k in free):
            state = self._at_full_rate(state, saved["steps"] - saved["cooldown"])
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        self.step, self.seen = state["step"], state["seen"]
        self.seconds, self.skipped = state["seconds"], state["skipped"]
        self.earlier = json.loads(state.get("earlier", "[]"))

    def _at_full_rate(self, state: dict[str, Any], plateau_end: int) -> dict[str, Any]:
        """Give a state from which the new configuration leads where it leads without a break."""
        if state["step"] > plateau_end and self.plateau_path.exists():
            state = _read_checkpoint(self.plateau_path)
        new_end = self.config.steps - self.config.cooldown
        if state["step"] > min(plateau_end, new_end):
            raise TrainingError(
                f"The training in {self.directory} is at step {state['step']}, past the step at "
                f"which the rate began to fall ({plateau_end}) or should now ({new_end}). Use "
                "another folder, or more steps."
            )
        return state

    def _skip(self, T: int) -> None:
        self.skipped += 1
        self._bad_in_a_row += 1
        self._log({"skipped": f"gradient not finite in a batch of length {T}"}, None)
        if self._bad_in_a_row >= _MAX_BAD_IN_A_ROW:
            raise TrainingError(
                f"{_MAX_BAD_IN_A_ROW} batches in a row had gradients that are not finite. Train "
                "with a smaller learning rate or in float32, in another folder; the last "
                f"checkpoint in {self.directory} stays as it is."
            )

    def _update_average(self) -> None:
        # Early on the average follows closely, or it would remember the random start.
        weight = max(1.0 / self.config.average, 1.0 / (1.0 + 0.1 * self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, min(1.0, weight))

    def _log(self, entry: dict[str, Any], report: Callable[[dict[str, Any]], None] | None) -> None:
        entry = {
            "step": self.step,
            "trajectories": self.seen,
            "core_hours": round(self.seconds / 3600, 4),
            **entry,
        }
        with open(self.directory / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        if report is not None:
            report(entry)


def export(
    trainer: StreamTrainer, path: str | os.PathLike[str], *, test_size: int = 5_000
) -> dict[str, Any]:
    """Write the averaged weights with all that is known of them: recipe, cost, scores.

    Parameters
    ----------
    trainer : StreamTrainer
        The training, at any step.
    path : path-like
        The weight file, ending in ``.safetensors``.
    test_size : int, default=5000
        Fresh trajectories per task for the scores, of a seed that nothing was chosen by.

    Returns
    -------
    dict
        The configuration stored in the file.

    Raises
    ------
    TrainingError
        If weights are not finite.
    """
    trainer.require_finite()
    config = trainer.config
    test = FixedSet(config.n_dims, config.recipe, test_size, _TEST_SEED, snr_range=config.snr_range)
    card = {
        "n_dims": config.n_dims,
        "network": "multiscale",
        "network_params": config.network,
        "min_points": 10,
        "outputs": [*MODELS, "alpha over 0.05, 0.10, ..., 2.00"],
        "training": {
            **asdict(config),
            "steps_done": trainer.step,
            "trajectories": trainer.seen,
            "core_hours": round(trainer.seconds / 3600, 2),
            "earlier": trainer.earlier,
        },
        "scores": {
            "recipe": config.recipe,
            "lengths": [10, 999],
            "trajectories_per_task": test_size,
            **test.score(trainer.averaged_network()),
        },
    }
    save_weights(path, trainer.average, card, dtype=torch.float16)
    return card


def _with_precision(config: StreamTraining, checkpoint: Path) -> StreamTraining:
    """Put the precision that a training began with, or that is quick here, in place of "auto"."""
    if config.precision != "auto":
        warn_if_slower("precision", config.precision)
        return config
    if not checkpoint.exists():
        return replace(config, precision=quick_precision())
    return replace(
        config, precision=json.loads(_read_checkpoint(checkpoint)["config"])["precision"]
    )


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path} cannot be read, it is damaged or no checkpoint "
            f"({type(error).__name__}). Take it out of its folder and start anew, or put a sound "
            "copy there."
        ) from error


def build_network(config: StreamTraining) -> MultiScaleNet:
    """Make the network with initial weights that depend on the seed alone."""
    with seeded(config.seed):
        return MultiScaleNet(config.n_dims, N_OUTPUTS, **config.network)


def _inherit(network: nn.Module, initial: dict[str, Tensor]) -> list[str]:
    """Copy the tensors that fit; give the names of those that do not."""
    own = network.state_dict()
    fitting = {k: v for k, v in initial.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({**own, **fitting})
    return sorted(set(own) - set(fitting))
