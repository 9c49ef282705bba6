"""``skandi simulate``: labelled trajectories in a file."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from skandi.cli.console import require_place, say
from skandi.errors import SkandiError

if TYPE_CHECKING:
    import pandas as pd

    from skandi.io import Tracks

# The choices of make_andi and write_tracks, whose modules would take long to import.
Task = Literal["alpha", "model"]
Recipe = Literal["andi-2020", "andi-2020-fixed", "andi-datasets-2"]
OutputFormat = Literal["auto", "tidy", "parquet", "challenge"]

SNR = typer.Option(
    None,
    metavar="NUMBER|LOW-HIGH",
    help="Signal-to-noise ratio: standard deviation of displacements over that of noise; "
    "of a range each trajectory draws one. 10, 2 or 1 along each axis when left out.",
)


def simulate(
    output: Path = typer.Option(
        ...,
        "-o",
        "--output",
        metavar="OUT",
        help=".csv, .tsv or .parquet for a table; a name without suffix is a folder for AnDi text.",
    ),
    n: int = typer.Option(100, "-n", "--n-samples", min=1, help="Number of trajectories."),
    dims: int = typer.Option(1, min=1, max=3, help="Spatial dimensions."),
    task: Task = typer.Option(
        "alpha", help="Uniform in α, or uniform over the models; in AnDi text, which to tell."
    ),
    recipe: Recipe = typer.Option("andi-2020", help="Which data set to make."),
    length: str = typer.Option(
        "10-999", help="Points per trajectory: a number, or a range LOW-HIGH with both ends."
    ),
    snr: str | None = SNR,
    seed: int | None = typer.Option(None, min=0, help="Same seed, same trajectories."),
    format: OutputFormat = typer.Option("auto", help="Format; auto goes by the name."),
) -> None:
    """Simulate labelled trajectories as the AnDi challenge did.

    Beside the tracks stands a table of what they are: model, α, length and noise per axis, named
    OUT_truth; in a folder of AnDi text it is truth1.csv or truth2.csv, beside the challenge's own
    task and ref files.

    For example:

    - `skandi simulate -n 1000 --dims 2 --seed 1 -o tracks.csv`
    - `skandi simulate -n 5000 --task model --length 100 -o tracks.parquet`
    - `skandi simulate -n 1000 --dims 2 --length 20-200 --snr 3-8 -o tracks.csv`
    - `skandi simulate -n 10000 --seed 2020 -o challenge/`
    """
    from skandi.io import Tracks
    from skandi.simulate import make_andi

    points = _length(length)
    chosen = _simulated_format(output, format)
    if chosen != "challenge":
        require_place(output)
    if seed is None:
        seed = secrets.randbits(32)
        say(f"seed {seed}")
    X, y, truth = make_andi(
        n,
        n_dims=dims,
        task=task,
        recipe=recipe,
        length=points,
        snr_range=snr_range(snr),
        random_state=seed,
        return_truth=True,
    )
    made = Tracks.from_trajectories(X)
    truth.insert(0, "track_id", made.ids)
    for path in _write_simulated(made, y, truth, output, chosen, task):
        say(f"wrote {path}")


def _length(text: str) -> int | tuple[int, int]:
    low, dash, high = text.partition("-")
    try:
        return (int(low), int(high)) if dash else int(low)
    except ValueError:
        raise SkandiError(
            f"--length {text}: a number of points such as 100, or a range such as 10-999, is needed"
        ) from None


def snr_range(text: str | None) -> tuple[float, float] | None:
    """Both ends of what ``--snr`` says; of a number, twice that."""
    if text is None:
        return None
    low, dash, high = text.partition("-")
    try:
        return (float(low), float(high)) if dash else (float(low), float(low))
    except ValueError:
        raise SkandiError(
            f"--snr {text}: a number such as 5, or a range such as 2-10, is needed"
        ) from None


def _simulated_format(output: Path, format: OutputFormat) -> str:
    by_suffix = {".csv": "tidy", ".tsv": "tidy", ".parquet": "parquet", "": "challenge"}
    told = by_suffix.get(output.suffix.lower())
    if format != "auto":
        if output.suffix and told not in (None, format):
            raise SkandiError(f"{output}: the name says {told} and --format {format}")
        return format
    if told is None or output.name.lower() in by_suffix:
        raise SkandiError(
            f"{output}: the name must end in .csv, .tsv or .parquet, or be a folder's without a "
            "suffix; or say the format with --format"
        )
    return told


def _write_simulated(
    tracks: Tracks, y: Any, truth: pd.DataFrame, output: Path, format: str, task: Task
) -> list[Path]:
    """Write trajectories and what they are; gives the files written."""
    from skandi.io import write_challenge, write_challenge_labels, write_results, write_tracks
    from skandi.io.challenge import TASK_FILES

    if format != "challenge":
        suffix = ".parquet" if format == "parquet" else ".csv"
        truth_path = output.with_name(f"{output.stem}_truth{suffix}")
        write_tracks(tracks, output, format)
        write_results(truth, truth_path)
        return [output, truth_path]
    output.mkdir(parents=True, exist_ok=True)
    task_path, ref_path = (output / name for name in TASK_FILES[task])
    truth_path = output / ref_path.name.replace("ref", "truth").replace(".txt", ".csv")
    write_challenge(tracks, task_path)
    write_challenge_labels(y, ref_path, task=task, n_dims=tracks.n_dims)
    write_results(truth, truth_path)
    return [task_path, ref_path, truth_path]
