"""``skandi train``: the command that made the bundled weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import typer

from skandi.cli.completing import complete
from skandi.cli.console import (
    require_enough,
    require_other_file,
    require_weight_file,
    say,
)
from skandi.cli.simulate import SNR, snr_range
from skandi.errors import TrainingError

Recipe = Literal["andi-2020", "andi-2020-fixed"]
Precision = Literal["auto", "bfloat16", "float32"]


def train(
    output: Path = typer.Option(
        ..., "-o", "--output", metavar="OUT", help="Weight file to write, .safetensors."
    ),
    dims: int = typer.Option(1, min=1, max=3, help="Spatial dimensions."),
    steps: int = typer.Option(20_000, min=1, help="Optimiser steps in all."),
    cooldown: int | None = typer.Option(
        None, min=0, help="The last steps, in which the learning rate falls to 0; a fifth of all."
    ),
    lr: float = typer.Option(2e-3, min=1e-9, help="Learning rate on the plateau."),
    recipe: Recipe = typer.Option("andi-2020", help="Recipe of the simulated data."),
    snr: str | None = SNR,
    precision: Precision = typer.Option(
        "auto",
        help="Arithmetic of the network; auto takes bfloat16 where the processor is quick in it "
        "(AMX, or BF16 on ARM), else float32, and keeps to what a training began with.",
    ),
    seed: int = typer.Option(0, min=0, help="Seed of the data and of the first weights."),
    init: Path | None = typer.Option(
        None,
        metavar="WEIGHTS",
        help="Weights to start from, of any dimension; 'bundled' for those that come with skandi.",
    ),
    teacher: Path | None = typer.Option(
        None,
        metavar="WEIGHTS",
        help="Weights whose answers are learnt beside the truth; or 'bundled'.",
    ),
    folder: Path | None = typer.Option(
        None, metavar="DIR", help="Folder of checkpoints and log; OUT.training when left out."
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Go on from the checkpoint in the folder, if there is one."
    ),
    test_size: int = typer.Option(
        5_000, min=1, help="Fresh trajectories per task for the scores in the file."
    ),
    calibration_size: int = typer.Option(
        60_000,
        min=0,
        help="Fresh trajectories that correct intervals, and a quarter as many for probabilities; "
        "0: none.",
    ),
    novelty_size: int = typer.Option(
        60_000,
        min=0,
        help="Fresh trajectories that teach what is unlike the training data; 0: none.",
    ),
) -> None:
    """Train a network for α and the model on simulated trajectories, none seen twice.

    Stopped and taken up again, or run through: the weights are the same, and more steps can be
    added to a run that is over. The file holds the configuration, the cost and the scores, and
    serves in Python as `load_pretrained("alpha", n_dims=2, path="my_2d.safetensors")`. Beside it,
    my_2d.novelty.safetensors knows what is unlike the training data.

    For example:

    - `skandi train --dims 2 --steps 20000 -o my_2d.safetensors`
    - `skandi train --dims 2 --steps 40000 -o my_2d.safetensors --resume`
    - `skandi train --dims 3 --init my_2d.safetensors -o my_3d.safetensors`
    - `skandi train --dims 2 --init bundled --snr 3-8 --steps 2000 -o bright_2d.safetensors`
    """
    require_weight_file(output)
    init, teacher = (_weight_file(each, dims) for each in (init, teacher))
    require_other_file(output, [each for each in (init, teacher) if each is not None])
    require_enough(novelty_size)
    if folder is None:
        folder = output.with_name(f"{output.stem}.training")
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise TrainingError(
            f"{folder} holds a checkpoint. Add --resume to go on from it, or name another folder "
            "with --folder."
        )
    from skandi.pretrained import trained_network
    from skandi.pretrained.finishing import finished_weights
    from skandi.pretrained.teaching import teacher_of
    from skandi.provenance import file_digest
    from skandi.training.stream import StreamTrainer, StreamTraining, export

    config = StreamTraining(
        n_dims=dims,
        steps=steps,
        cooldown=steps // 5 if cooldown is None else cooldown,
        lr=lr,
        recipe=recipe,
        snr_range=snr_range(snr),
        precision=precision,
        seed=seed,
        teacher="" if teacher is None else file_digest(teacher),
    )
    first, initial = ({}, None) if init is None else trained_network(init)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer = StreamTrainer(
            config,
            folder,
            initial=initial,
            earlier=_trainings(first),
            teacher=None if teacher is None else teacher_of(teacher, dims),
        )
    for warning in caught:
        say(f"warning: {warning.message}")
    say(f"computing in {trainer.config.precision}")
    if trainer.step:
        unused = "" if init is None else f"; {init} is not read again"
        say(f"going on at step {trainer.step} of {steps}{unused}")
    elif initial is not None:
        say(f"started from {init}; new: {', '.join(trainer.fresh) or 'nothing'}")
    trainer.run(report=lambda entry: _tell(entry, steps))
    say("measuring scores")
    with finished_weights(output) as aside:
        scores = export(trainer, aside, test_size=test_size)["scores"]
        complete(aside, calibration_size, novelty_size)
    say(
        f"wrote {output}: MAE {scores['mae']:.4f}, F1 {scores['f1']:.4f} on {test_size} fresh "
        f"trajectories per task of {recipe}"
    )


def _weight_file(named: Path | None, dims: int) -> Path | None:
    """The file that an option names, by its path or as the bundled one."""
    if named is None or named.exists() or str(named) != "bundled":
        return named
    from skandi.pretrained import shipped_weights

    return shipped_weights(dims)


def _trainings(card: dict[str, Any]) -> list[dict[str, Any]]:
    """How weights were trained, first to last, as their card says it."""
    last = {key: value for key, value in card.get("training", {}).items() if key != "earlier"}
    return [*card.get("training", {}).get("earlier", []), last] if last else []


def _tell(entry: dict[str, Any], steps: int) -> None:
    """One entry of the log as a line."""
    measured = {k: v for k, v in entry.items() if k in ("loss", "mae", "f1", "skipped")}
    told = ", ".join(
        f"{name} {value:.4f}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in measured.items()
    )
    hours = f"{entry['core_hours']:.2f} core hours"
    say(f"step {entry['step']} of {steps}: {told} ({entry['trajectories']} trajectories, {hours})")
