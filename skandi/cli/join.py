"""``skandi join``: networks that answer together."""

from __future__ import annotations

from pathlib import Path

import typer

from skandi.cli.completing import complete
from skandi.cli.console import (
    require_enough,
    require_other_file,
    require_weight_file,
    say,
)
from skandi.cli.inputs import matching


def join(
    weights: list[Path] = typer.Argument(
        ..., metavar="WEIGHTS...", help="Files of skandi train, two or more, the best first."
    ),
    output: Path = typer.Option(
        ..., "-o", "--output", metavar="OUT", help="Weight file to write, .safetensors."
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
    """Join networks of several trainings into one file; the mean of their answers is better.

    The preset "fast" asks the first of them alone, "best" asks all. Train each with another --seed,
    from its own first weights.

    For example: `skandi join first.safetensors second.safetensors -o both.safetensors`
    """
    require_weight_file(output)
    require_enough(novelty_size)
    weights = [each for pattern in weights for each in matching(str(pattern))]
    require_other_file(output, weights)
    from skandi.pretrained import novelty_path
    from skandi.pretrained.finishing import finished_weights
    from skandi.pretrained.joining import join_weights

    beside = {novelty_path(each) for each in weights}  # which a pattern finds too
    weights = [each for each in weights if each not in beside]
    with finished_weights(output) as aside:
        join_weights(weights, aside)
        complete(aside, calibration_size, novelty_size)
    say(f"wrote {output}: {len(weights)} networks")
