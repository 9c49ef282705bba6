"""``skandi info``: what is installed, for a methods section or a bug report."""

from __future__ import annotations

import os
import platform

import typer

from skandi import __version__
from skandi.cli.console import one_line
from skandi.errors import WeightsError
from skandi.provenance import file_digest, package_versions


def info() -> None:
    """Version, bundled weights with their scores, versions of other packages, threads.

    For example: `skandi info > skandi.txt`, to go with a bug report or a methods section.
    """
    import torch

    typer.echo(f"skandi {__version__}, Python {platform.python_version()}, {platform.platform()}")
    typer.echo(", ".join(f"{name} {number}" for name, number in package_versions().items()))
    typer.echo(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads of torch")
    typer.echo("")
    typer.echo("Bundled weights, scored on fresh simulated trajectories:")
    damaged = False
    for n_dims in (1, 2, 3):
        try:
            typer.echo(f"  {n_dims}D  {_describe(n_dims)}")
        except WeightsError as error:
            damaged = True
            typer.echo(f"  {n_dims}D  {one_line(error)}")
    if damaged:
        raise typer.Exit(1)


def _describe(n_dims: int) -> str:
    """Recipe, scores, cost and hash of the weights of one dimension."""
    from skandi.pretrained import shipped_weights
    from skandi.weights import load_weights

    path = shipped_weights(n_dims)
    config, state = load_weights(path)
    scores, training = config["scores"], config["training"]
    cards = [training, *(other["training"] for other in config.get("others", []))]
    trainings = [each for card in cards for each in (*card.get("earlier", []), card)]
    n_parameters = sum(t.numel() for t in state.values())
    return (
        f"{scores['recipe']}, {scores['lengths'][0]}-{scores['lengths'][1]} points: "
        f"MAE of α {scores['mae']:.4f} ± {scores['mae_standard_error']:.4f}, "
        f"F1 of the model {scores['f1']:.4f} ± {scores['f1_standard_error']:.4f} "
        f"({scores['trajectories_per_task']} each); {n_parameters} parameters, trained on "
        f"{sum(each['trajectories'] for each in trainings)} trajectories in "
        f"{sum(each['core_hours'] for each in trainings):.2f} core hours; "
        f"{path.name}, sha256 {file_digest(path)}"
    )
