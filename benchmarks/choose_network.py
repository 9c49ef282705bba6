"""Which network, which optimiser: each trained at the same cost, judged on the same trajectories.

    python benchmarks/choose_network.py                       # all of them, 5 core-minutes each
    python benchmarks/choose_network.py --only gru,no-gru --minutes 15
    python benchmarks/choose_network.py --list

trains every variant from scratch on the stream of `andi-2020` batches that ``skandi train`` uses,
for the same time of one core, simulation included, the learning rate falling to zero over the last
two fifths; and scores the averaged weights on the validation set of the trainer (never on what is
reported elsewhere). Rows are added to the results file, one per variant, dimension and cost.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skandi.diffusion import ALPHA_GRID, MODELS
from skandi.networks import MultiScaleNet, WADNet
from skandi.networks.base import TrajectoryNetwork
from skandi.networks.multiscale import describe
from skandi.simulate import StreamBatch, TrajectoryStream
from skandi.training.arithmetic import arithmetic, quick_precision
from skandi.training.fixed_set import validation_set
from skandi.training.joint import N_OUTPUTS, joint_loss, network_input, task_weights
from skandi.training.muon import make_optimizers

RESULTS = Path(__file__).parent / "results" / "choose_network.json"
SEED = 31_415
NARROW = 0.03


class ChannelledWADNet(TrajectoryNetwork):
    """WADNet that reads displacements and clocks beside the positions."""

    def __init__(self, n_dims: int, n_outputs: int) -> None:
        super().__init__()
        self.inner = WADNet(2 * n_dims + 2, n_outputs)
        self.n_features = self.inner.n_features

    def features(self, x: Tensor) -> Tensor:
        """Give WADNet's feature vector of the channels."""
        return self.inner.features(describe(x)[0])

    def head(self, features: Tensor) -> Tensor:
        """Map features to outputs."""
        return self.inner.head(features)


class AttentiveNet(MultiScaleNet):
    """Two transformer layers on the scale T/8 in place of the GRU."""

    reads_padded = False

    def __init__(self, n_dims: int, n_outputs: int) -> None:
        width, at = 128, 3
        super().__init__(n_dims, n_outputs, recurrent_block=at, recurrent_size=width // 2)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True)
        # Takes the place of the GRU, whose answer is a pair and as wide.
        self.recurrent = Attention(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))

    def reader(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Give the plain way through the network: the quick one is for a GRU."""
        return TrajectoryNetwork.reader(self)


class Attention(nn.Module):
    """Transformer layers that know where a point is, and answer as a GRU does."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Map (n, T, c) to itself."""
        time = torch.arange(x.shape[1], dtype=torch.float32)[:, None]
        pace = torch.logspace(0, -3, x.shape[2] // 2)
        place = torch.cat([torch.sin(time * pace), torch.cos(time * pace)], dim=1)
        return self.layers(x + place), None


class PointNet(MultiScaleNet):
    """One number for α, learnt by its absolute error; to be scored, a narrow distribution at it."""

    def head(self, features: Tensor) -> Tensor:
        """Give five logits and 40 values of α's distribution, whose median is the number."""
        outputs = self.output(features)
        alpha = alpha_of(outputs).clamp(0, ALPHA_GRID[-1])
        values = torch.tensor(ALPHA_GRID, dtype=outputs.dtype)
        narrow = -((values - alpha[:, None]) ** 2) / (2 * NARROW**2)
        return outputs if self.training else torch.cat([outputs[:, : len(MODELS)], narrow], dim=1)


def alpha_of(outputs: Tensor) -> Tensor:
    """Read the number that `PointNet` has for α."""
    return 1 + outputs[:, len(MODELS)]


def point_loss(outputs: Tensor, batch: StreamBatch) -> Tensor:
    """Cross-entropy of the model plus four times the absolute error of α, for the own task each."""
    model = torch.as_tensor(batch.model)
    for_alpha, for_model = torch.from_numpy(task_weights(batch.model, batch.alpha)).float()
    entropy = nn.functional.cross_entropy(outputs[:, : len(MODELS)], model, reduction="none")
    error = (alpha_of(outputs) - torch.as_tensor(batch.alpha, dtype=torch.float32)).abs()
    return (entropy * for_model).mean() + 4 * (error * for_alpha).mean()


@dataclass(frozen=True)
class Variant:
    """What differs from the network and training that ``skandi train`` uses."""

    what: str
    build: Callable[[int, int], TrajectoryNetwork] = MultiScaleNet
    network: dict[str, Any] = field(default_factory=dict)
    optimizer: str = "muon"
    lr: float = 2e-3
    batch_points: int = 60_000
    recipe: str = "andi-2020"
    loss: Callable[[Tensor, StreamBatch], Tensor] = joint_loss
    average: int = 100
    length: tuple[int, int] = (10, 999)
    readings: int = 1
    """Steps per batch, every second one with the sign of the positions turned."""


VARIANTS = {
    "wadnet": Variant("WADNet as published, trained at the final length", WADNet, {}, "adamw", 1e-3,
                      recipe="andi-2020-fixed"),
    "wadnet-cut": Variant("WADNet, trained on the cut convention", WADNet, {}, "adamw", 1e-3),
    "wadnet-channels": Variant("WADNet with displacement and clock channels, cut convention",
                               ChannelledWADNet, {}, "adamw", 1e-3),
    "adamw": Variant("multi-scale network with GRU, AdamW", optimizer="adamw"),
    "gru": Variant("multi-scale network with GRU, Muon (the default)"),
    "no-gru": Variant("without the GRU", network={"recurrent_size": 0}),
    "gru-fine": Variant("GRU on the scale T/4", network={"recurrent_block": 2}),
    "attention": Variant("two transformer layers on the scale T/8 for the GRU", AttentiveNet),
    "absolute-error": Variant("α as one number, absolute error", PointNet, loss=point_loss),
    "no-average": Variant("the last weights, not their average", average=1),
    "wide": Variant("1.5 times as wide", network={"channels": (48, 96, 144, 192, 192, 240)}),
    "lengths-short": Variant("lengths up to 400 points only", length=(10, 400)),
    "augmented": Variant("every batch twice, then with the sign turned", readings=2),
    "rate-low": Variant("half the learning rate", lr=1e-3),
    "rate-high": Variant("twice the learning rate", lr=4e-3),
    "batch-small": Variant("batches of half as many points", batch_points=30_000),
    "batch-large": Variant("batches of twice as many points", batch_points=120_000),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="names, separated by commas")
    parser.add_argument("--minutes", type=float, default=5.0, help="core-minutes for each")
    parser.add_argument("--dims", type=int, choices=[1, 2, 3], default=1)
    parser.add_argument(
        "--precision",
        choices=["bfloat16", "float32"],
        default=quick_precision(),
        help="of the arithmetic; what this processor is quick in when left out",
    )
    parser.add_argument("--list", action="store_true", help="name the variants and stop")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(VARIANTS)
    if options.list:
        print("\n".join(f"{name:16} {v.what}" for name, v in VARIANTS.items()))
        return
    torch.set_num_threads(1)
    validation = validation_set(options.dims, "andi-2020", 8_000)
    for name in names:
        given = {"n_dims": options.dims, "precision": options.precision}
        row = train(VARIANTS[name], **given, budget=options.minutes * 60, validation=validation)
        keep({"name": name, "core_minutes": options.minutes, **given, **row})
    report()


def train(
    variant: Variant, *, n_dims: int, precision: str, budget: float, validation: Any
) -> dict[str, Any]:
    """Train for `budget` seconds of a core and score."""
    torch.manual_seed(SEED)
    network = variant.build(n_dims, N_OUTPUTS, **variant.network)
    optimizers = make_optimizers(
        network,
        variant.optimizer,
        lr=variant.lr,
        weight_decay=1e-4,
        dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32,
    )
    stream = TrajectoryStream(
        n_dims, recipe=variant.recipe, random_state=SEED, workers=0,
        batch_points=variant.batch_points, length=variant.length,
    )  # fmt: skip
    average: dict[str, Tensor] = {}
    steps = seen = 0
    started = time.process_time()
    while (part := (time.process_time() - started) / budget) < 1:
        rate = variant.lr * min(1.0, (steps + 1) / 100) * min(1.0, (1 - part) / 0.4)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        again = steps % variant.readings > 0
        if not again:
            batch = next(stream)
        x = network_input(-batch.positions if again else batch.positions)
        with arithmetic(precision, network, x):
            outputs = network(x)
        loss = variant.loss(outputs.float(), batch)
        network.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(nn.utils.clip_grad_norm_(network.parameters(), 1.0)):
            for optimizer in optimizers:
                optimizer.step()
        steps, seen = steps + 1, seen + (0 if again else len(x))
        follow(average, network, max(1 / variant.average, 1 / (1 + 0.1 * steps)))
    network.load_state_dict(average)
    return {
        "what": variant.what,
        "parameters": sum(p.numel() for p in network.parameters()),
        "steps": steps,
        "trajectories": seen,
        "load_average": os.getloadavg(),
        **validation.score(network.eval()),
    }


def follow(average: dict[str, Tensor], network: nn.Module, weight: float) -> None:
    """Move the averaged weights towards the network's."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name not in average or not value.is_floating_point():
                average[name] = value.clone()
            else:
                average[name].lerp_(value, weight)


def keep(row: dict[str, Any]) -> None:
    """Put a row into the results file in place of an older one."""
    key = ("name", "n_dims", "core_minutes", "precision")
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = [r for r in rows if any(r[k] != row[k] for k in key)] + [row]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


def report() -> None:
    print("| network and training | d | core-minutes | in | trajectories | parameters | MAE | F1 |")
    print("|---|---|---|---|---|---|---|---|")
    order = list(VARIANTS)
    rows = json.loads(RESULTS.read_text())
    for r in sorted(rows, key=lambda r: (r["n_dims"], r["core_minutes"], order.index(r["name"]))):
        print(
            f"| {r['what']} | {r['n_dims']} | {r['core_minutes']:g} | {r['precision']} "
            f"| {r['trajectories']} "
            f"| {r['parameters']} | {r['mae']:.4f} ± {r['mae_standard_error']:.4f} "
            f"| {r['f1']:.4f} ± {r['f1_standard_error']:.4f} |"
        )


if __name__ == "__main__":
    main()
