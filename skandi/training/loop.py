"""The paper's training protocol on a fixed set of trajectories: a skorch net, one callback."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from skorch.utils import to_tensor
from torch import Tensor, nn
from tqdm.auto import tqdm

from skandi.errors import TrainingError
from skandi.networks.base import TrajectoryNetwork
from skandi.training.arithmetic import arithmetic, flushed_denormals
from skandi.training.batches import LengthBatches, TrajectoryExamples
from skandi.training.memory import kept_memory

Score = Callable[[Tensor, Tensor], Tensor]

_GENERATORS = threading.RLock()


class _PlateauEnd(Exception):  # noqa: N818  (a signal, not an error)
    """Training is over; raised by the schedule, caught by the net."""


@dataclass(frozen=True)
class Protocol:
    """How a network is trained; the defaults of the estimators are the paper's.

    Attributes
    ----------
    lr : float
        Adam's learning rate at the start.
    max_epochs : int
        Most passes over the training data.
    batch_size : int
        Examples per batch.
    patience : int
        Epochs without improvement of the validation loss before the rate falls.
    lr_factor : float
        What the rate is multiplied with then.
    max_reductions : int
        At this reduction training stops instead.
    metric : callable
        ``metric(outputs, targets) -> sum over examples``; its validation mean, lower is better,
        chooses the best epoch.
    metric_name : str
        Its name in the history.
    loss : callable
        ``loss(outputs, targets) -> scalar``.
    precision : str
        "float32" or "bfloat16".
    """

    lr: float
    max_epochs: int
    batch_size: int
    patience: int
    lr_factor: float
    max_reductions: int
    metric: Score
    metric_name: str
    loss: Score
    precision: str


class LengthNet(NeuralNet):
    """A skorch net that reads batches of one length and lets interruptions through.

    skorch swallows a KeyboardInterrupt during training, after which a half-trained net counts as
    fitted; here it reaches the caller.
    """

    def __init__(
        self, module: TrajectoryNetwork, precision: str = "float32", **kwargs: Any
    ) -> None:
        super().__init__(module, **kwargs)
        self.precision = precision

    def fit_examples(self, train: TrajectoryExamples) -> None:
        """Initialise the optimiser and train on `train`; the module keeps its weights."""
        self.initialize()
        self.notify("on_train_begin", X=train, y=None)
        with suppress(_PlateauEnd):
            self.fit_loop(train)
        self.notify("on_train_end", X=train, y=None)

    def trim_for_prediction(self) -> None:
        """Drop what only training needs, and what would put the weights into a pickle twice."""
        super().trim_for_prediction()
        # It is module_ itself, but skorch pickles the two apart.
        self.module = type(self.module_)

    def get_iterator(self, dataset: TrajectoryExamples, training: bool = False) -> LengthBatches:
        """Batches of one length, shuffled in training."""
        return LengthBatches(dataset, self.batch_size, shuffle=training)

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        """Apply the module, in bfloat16 where asked for and sound."""
        x = to_tensor(x, device=self.device)  # precision goes by where the batch is
        with arithmetic(self.precision, self.module_, x):
            return super().infer(x, **fit_params).float()

    def get_loss(self, y_pred: Tensor, y_true: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Loss of a batch; stops with a message if it is not finite."""
        loss = self.criterion_(y_pred, y_true.to(y_pred.device))
        if not torch.isfinite(loss):
            raise TrainingError(
                "The loss is not finite. Lower lr, scale the targets to order one, or use "
                "precision='float32'."
            )
        return loss


class PlateauSchedule(Callback):
    """Reduce the rate on plateaus, stop after the last reduction, keep the best weights.

    Li, Yao & Huang (2021), Sec. 3: the rate falls to a fifth when the validation loss has not
    fallen for two epochs; training stops at the third such event.

    Parameters
    ----------
    protocol : Protocol
        The numbers.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def on_train_begin(self, net: LengthNet, **kwargs: Any) -> None:
        """Start counting."""
        self.best_loss_ = np.inf
        self.best_metric_ = np.inf
        self.best_state_: dict[str, Tensor] | None = None
        self.waited_ = 0
        self.reductions_ = 0

    def on_epoch_begin(self, net: LengthNet, **kwargs: Any) -> None:
        """Empty the sums of the validation metric."""
        self.metric_sum_, self.metric_count_ = 0.0, 0

    def on_batch_end(
        self, net: LengthNet, batch: Any, training: bool, y_pred: Tensor, **kwargs: Any
    ) -> None:
        """Add a validation batch to the metric."""
        if not training:
            target = batch[1].to(y_pred.device)
            self.metric_sum_ += float(self.protocol.metric(y_pred, target))
            self.metric_count_ += len(target)

    def on_epoch_end(self, net: LengthNet, **kwargs: Any) -> None:
        """Judge the epoch: keep the weights, lower the rate, or stop."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])
        if not self.metric_count_:
            return
        metric = self.metric_sum_ / self.metric_count_
        net.history.record(self.protocol.metric_name, metric)
        if metric < self.best_metric_:
            self.best_metric_ = metric
            self.best_state_ = copy.deepcopy(net.module_.state_dict())
        loss = net.history[-1, "valid_loss"]
        self.waited_ = 0 if loss < self.best_loss_ else self.waited_ + 1
        self.best_loss_ = min(loss, self.best_loss_)
        if self.waited_ and self.waited_ >= self.protocol.patience:
            self.waited_ = 0
            self.reductions_ += 1
            if self.reductions_ == self.protocol.max_reductions:
                raise _PlateauEnd
            for group in net.optimizer_.param_groups:
                group["lr"] *= self.protocol.lr_factor

    def on_train_end(self, net: LengthNet, **kwargs: Any) -> None:
        """Put the best weights back."""
        if self.best_state_ is not None:
            net.module_.load_state_dict(self.best_state_)


class EpochBar(Callback):
    """A progress bar over epochs."""

    def on_train_begin(self, net: LengthNet, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = tqdm(total=net.max_epochs, unit="epoch", leave=False)

    def on_epoch_end(self, net: LengthNet, **kwargs: Any) -> None:
        """Advance it and show the losses."""
        row = net.history[-1]
        shown = {k: f"{row[k]:.4f}" for k in ("train_loss", "valid_loss") if k in row}
        self.bar_.set_postfix(shown)
        self.bar_.update()

    def close(self) -> None:
        """Remove the bar, also after an interruption."""
        if hasattr(self, "bar_"):
            self.bar_.close()


def train(
    module: TrajectoryNetwork,
    protocol: Protocol,
    training: TrajectoryExamples,
    validation: TrajectoryExamples | None,
    *,
    device: str,
    verbose: bool,
) -> LengthNet:
    """Train `module` in place and give the net that holds it, ready for prediction.

    Parameters
    ----------
    module : Module
        The network, with its initial weights.
    protocol : Protocol
        How to train.
    training, validation : TrajectoryExamples
        What to train on and what to judge epochs by; without validation all epochs are run.
    device : str
        Where to train, "cpu" or "cuda".
    verbose : bool
        Show a progress bar.

    Returns
    -------
    LengthNet
        With ``module_`` trained and ``history``.
    """
    net = LengthNet(
        module,
        precision=protocol.precision,
        criterion=_Criterion,
        criterion__function=protocol.loss,
        optimizer=torch.optim.Adam,
        lr=protocol.lr,
        max_epochs=protocol.max_epochs,
        batch_size=protocol.batch_size,
        train_split=predefined_split(validation) if validation is not None else None,
        device=device,
        callbacks=[("bar", EpochBar())] * verbose + [("schedule", PlateauSchedule(protocol))],
        callbacks__print_log=None,
        verbose=0,
    )
    try:
        with kept_memory(), flushed_denormals():
            net.fit_examples(training)
    finally:
        if verbose:
            dict(net.callbacks)["bar"].close()
    return net


def hold(module: TrajectoryNetwork, *, device: str) -> LengthNet:
    """Put a trained module into a net that only predicts."""
    net = LengthNet(module, criterion=nn.Identity, train_split=None, device=device, verbose=0)
    net.initialize()
    net.trim_for_prediction()
    return net


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Seed torch's generators for a block, and give the caller's state back afterwards.

    Threads take turns, because all of them draw from the same generators. Those of GPUs are left
    alone by what is computed on the processor: to ask for them starts every GPU.
    """
    on_cpu = torch.device(device).type == "cpu"
    with _GENERATORS, torch.random.fork_rng(devices=[] if on_cpu else None):
        seed_all = torch.default_generator.manual_seed if on_cpu else torch.manual_seed
        seed_all(seed)
        yield


class _Criterion(nn.Module):
    """A loss function as the module that skorch wants."""

    def __init__(self, function: Score) -> None:
        super().__init__()
        self.function = function

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.function(outputs, targets)
