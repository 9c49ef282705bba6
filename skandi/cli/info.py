"""``skandi info``: what is installed, or what is in a file."""

from __future__ import annotations

import os
import platform
from itertools import chain
from pathlib import Path

import typer

from skandi import __version__
from skandi.cli.console import one_line, printable
from skandi.cli.inputs import matching
from skandi.errors import WeightsError
from skandi.provenance import file_digest, package_versions


def info(
    files: list[Path] | None = typer.Argument(
        None, metavar="FILES", help="Weights by skandi train or join, or tracks, to tell about."
    ),
) -> None:
    """Version, bundled weights with their scores, versions of other packages, threads.

    With files: of weights (.safetensors) what is known of them, and of others how many tracks they
    hold, how long, and in which units.

    For example:

    - `skandi info > skandi.txt`, to go with a bug report or a methods section
    - `skandi info my_2d.safetensors`
    - `skandi info tracks.csv`
    """
    for path in chain.from_iterable(map(matching, map(str, files or ()))):
        is_weights = path.suffix == ".safetensors"
        typer.echo(f"{path}: {_of_weights(path)}" if is_weights else _of_tracks(path))
    if not files:
        _of_installation()


def _of_installation() -> None:
    import torch

    from skandi.pretrained import shipped_weights

    typer.echo(f"skandi {__version__}, Python {platform.python_version()}, {platform.platform()}")
    typer.echo(", ".join(f"{name} {number}" for name, number in package_versions().items()))
    typer.echo(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads of torch")
    typer.echo("")
    typer.echo("Bundled weights, scored on fresh simulated trajectories:")
    damaged = False
    for n_dims in (1, 2, 3):
        try:
            typer.echo(f"  {n_dims}D  {_of_weights(shipped_weights(n_dims))}")
        except WeightsError as error:
            damaged = True
            typer.echo(f"  {n_dims}D  {one_line(error)}")
    if damaged:
        raise typer.Exit(1)


def _of_tracks(path: Path) -> str:
    """What was read of a file of tracks, and what will be known of it."""
    import numpy as np

    from skandi.io import read_tracks

    tracks = read_tracks(path)
    points = tracks.n_points
    interval = "frame interval not said"
    if tracks.frame_interval is not None:
        interval = f"{tracks.frame_interval:g} {tracks.time_unit or 'of an unknown unit'} a frame"
    told = (
        f"{tracks.n_dims}D, {points.min()} to {points.max()} points, {np.median(points):g} in the "
        f"median; {interval}; positions in {tracks.space_unit or 'an unknown unit'}"
    )
    return "\n".join(printable(line) for line in f"{tracks.report}\n  {told}".split("\n"))


def _of_weights(path: Path) -> str:
    """Recipe, scores, cost and hash of weights."""
    from skandi.pretrained import require_trained
    from skandi.weights import load_weights

    config, state = load_weights(path)
    require_trained(path, config)
    scores, training = config["scores"], config["training"]
    cards = [training, *(other["training"] for other in config.get("others", []))]
    trainings = [each for card in cards for each in (*card.get("earlier", []), card)]
    noise = training.get("snr_range")
    n_parameters = sum(t.numel() for t in state.values())
    return (
        f"{scores['recipe']}, {scores['lengths'][0]}-{scores['lengths'][1]} points"
        f"{'' if noise is None else f', SNR {noise[0]:g}-{noise[1]:g}'}: "
        f"MAE of α {scores['mae']:.4f} ± {scores['mae_standard_error']:.4f}, "
        f"F1 of the model {scores['f1']:.4f} ± {scores['f1_standard_error']:.4f} "
        f"({scores['trajectories_per_task']} each); {n_parameters} parameters, trained on "
        f"{sum(each['trajectories'] for each in trainings)} trajectories in "
        f"{sum(each['core_hours'] for each in trainings):.2f} core hours; "
        f"{path.name}, sha256 {file_digest(path)}"
    )
