"""``skandi predict``: files of tracks in, one row per track out."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from skandi.cli.console import printable, require_folder, require_other_file, say
from skandi.cli.inputs import (
    analyse_inputs,
    columns_told,
    find_inputs,
    own_estimators,
    read_with,
)
from skandi.cli.partitions import in_partitions, predict_partitions
from skandi.errors import SkandiError

if TYPE_CHECKING:
    import pandas as pd

# The choices of read_tracks, whose module would take long to import.
TracksFormat = Literal[
    "auto", "tidy", "trackpy", "andi2", "spot-on", "saspt", "trackmate-csv", "parquet",
    "trackmate-xml", "trackmate-simple-xml", "napari", "noctiluca", "andi-datasets", "challenge",
]  # fmt: skip
Gaps = Literal["split", "error", "interpolate"]
Branches = Literal["split", "error", "longest"]
Duplicates = Literal["error", "first", "mean"]
Preset = Literal["fast", "best"]

_WINDOWS = os.name == "nt"
_SKIPPED_SHOWN = 10
_TWO_CONDITIONS = "tracks of two conditions or more are needed to compare"
_PIPE_WIDTH = 10_000  # nobody is there to widen a window: no name is cut


TRACKS = typer.Argument(
    ...,
    metavar="TRACKS",
    help="Files of tracks: tables (CSV, TSV, Parquet), TrackMate's XML, arrays (.npy) or AnDi "
    "text. A pattern such as `ctrl_*.csv` stands for all files like it, and "
    '`"control=ctrl_*.csv"`, in quotes, names their condition.',
)
FORMAT = typer.Option("auto", help="Format of TRACKS; auto looks at its content.")
COLUMN = typer.Option(
    None,
    metavar="PART=NAME",
    help="A column of a table that has another name than the usual ones, such as "
    '`--column x="Position X"`; a part is track, frame, time, x, y, z or group.',
)
GAPS = typer.Option(
    "split",
    help="What to do with a track that misses frames: split it there, stop, or fill it on "
    "straight lines.",
)
BRANCHES = typer.Option(
    "split",
    help="What to do with a track that splits or merges (TrackMate's XML): cut it there, stop, or "
    "keep the longest way through it.",
)
DUPLICATES = typer.Option(
    "error",
    help="What to do where a track has several positions in one frame: stop, take the first, or "
    "their mean.",
)
DIMS = typer.Option(
    None,
    min=1,
    max=3,
    help="Dimension to take from an AnDi file that mixes them, or of an andi_datasets array.",
)
FRAME_INTERVAL = typer.Option(
    None, help="Time from one frame to the next, where the file does not say it; for D_alpha."
)
TIME_UNIT = typer.Option(None, help="Unit of the frame interval, such as s.")
SPACE_UNIT = typer.Option(None, help="Unit of the positions, such as µm.")
COVERAGE = typer.Option(
    0.9, min=0.01, max=0.99, help="Probability with which the interval of an α holds the true one."
)
PRESET = typer.Option(
    "fast",
    help="'best' asks for the mirror image of each track too: twice the time.",
)
WEIGHTS = typer.Option(
    None, metavar="WEIGHTS", help="Weights by skandi train; the bundled ones when left out."
)


def predict(
    tracks: list[str] = TRACKS,
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        metavar="OUT",
        help="Table to write, .csv or .parquet; or, for one table in Parquet, a folder.",
    ),
    compare: Path | None = typer.Option(
        None, metavar="OUT", help="Table of differences between conditions, .csv or .parquet."
    ),
    format: TracksFormat = FORMAT,
    column: list[str] | None = COLUMN,
    gaps: Gaps = GAPS,
    branches: Branches = BRANCHES,
    duplicates: Duplicates = DUPLICATES,
    dims: int | None = DIMS,
    frame_interval: float | None = FRAME_INTERVAL,
    time_unit: str | None = TIME_UNIT,
    space_unit: str | None = SPACE_UNIT,
    coverage: float = COVERAGE,
    preset: Preset = PRESET,
    weights: Path | None = WEIGHTS,
    dask: str | None = typer.Option(
        None,
        metavar="ADDRESS",
        help="Scheduler of a Dask cluster that shares the work, such as tcp://host:8786, or "
        "'local': a process for every core of this machine.",
    ),
) -> None:
    """Anomalous exponent and diffusion model of every track in a file, or in several.

    A table needs a column for the track (particle, track, trajectory, traj_idx or track_id), one
    for the frame (frame, t or time), and x, y, z as far as there are. Tables of trackpy, Spot-On,
    saSPT and the second AnDi challenge are of this kind. TrackMate's table of spots is read as it
    is exported, and so are its own XML file, its export of tracks, and arrays (.npy) of napari,
    noctiluca and andi_datasets. A track that splits or merges is cut there. Every track with a
    position is in the output: one that could not be analysed has a note that says why.

    Several files give one table with the columns condition and file. A file without a name before
    = is a condition of its own; `"all=film_*.csv"` makes one of many films. The conditions are
    compared with the first: difference in median α and in the share of each model, with bootstrap
    intervals over files, or over tracks where a condition has one file. Where files differ in
    units, space_unit and time_unit say beside each row in which it is.

    Parquet that is larger than the memory is no trouble: with a .parquet file or a folder as
    output, large tables are read and written in partitions. After an interruption the same command
    goes on where it was. With --dask the processes of a cluster share the work.

    In a CSV output, text that a spreadsheet would run as a formula gets an apostrophe in front.

    For example:

    - `skandi predict tracks.csv`
    - `skandi predict tracks.csv -o results.csv`
    - `skandi predict tracks.parquet -o results.parquet --gaps interpolate`
    - `skandi predict cells.csv --column track=TrackID --column x="Position X"`
    - `skandi predict task1.txt --dims 2 -o results.csv`
    - `skandi predict "a=ctrl_*.csv" "b=drug_*.csv" -o results.csv --compare differences.csv`
    - `skandi predict tracks.csv --weights mine.safetensors -o results.csv`
    - `skandi predict large.parquet -o results/`
    - `skandi predict folder_of_parquet/ -o results/ --dask tcp://10.0.0.1:8786`

    Exit code: 0, or 1 if no track could be analysed, or 2 after an error.
    """
    from skandi.io import check_results_path, write_results

    inputs = find_inputs(tracks)
    partitioned = in_partitions(inputs, output, dask)
    if compare is not None and output is not None and compare.absolute() == output.absolute():
        raise SkandiError(f"{compare}: results and differences need a file each")
    for path in filter(None, (output, compare)):
        require_other_file(path, [each.path for each in inputs])
        if not (partitioned and path is output):
            check_results_path(path)
    if compare is not None and not partitioned:
        conditions = {each.condition or each.path for each in inputs}
        if len(conditions) < 2:
            raise SkandiError(f"{compare}: {_TWO_CONDITIONS}, as in control=a.csv drug=b.csv")
    options = {
        "format": format,
        "gaps": gaps,
        "duplicates": duplicates,
        "n_dims": dims,
        "frame_interval": frame_interval,
        "time_unit": time_unit or None,
        "space_unit": space_unit or None,
    }
    whole = {"branches": branches, "columns": columns_told(column)}
    settings: dict[str, Any] = {"coverage": coverage, "preset": preset}
    settings |= own_estimators(weights, preset)
    if partitioned:
        assert output is not None
        if compare is not None:
            raise SkandiError(f"{compare}: conditions are compared between files read as a whole")
        if column:
            raise SkandiError(
                "--column goes with tables that are read as a whole; this one is read in "
                "partitions, so rename its columns"
            )
        require_folder(output)
        predict_partitions(inputs[0].path, output, dask, {**options, **settings})
        return
    table, _ = analyse_inputs(inputs, read_with({**options, **whole}), **settings)
    if output is None:
        _print_results(table)
    else:
        write_results(table, output)
    say_skipped(table)
    say_novel(table)
    say_diffusion(table)
    if output is not None:
        say(f"wrote {output}")
    if not table["alpha"].notna().any():
        say("no track could be analysed")
        raise typer.Exit(1)
    _compare(table, compare)


def _compare(table: pd.DataFrame, output: Path | None) -> None:
    """Tell, and perhaps write, how conditions differ; nothing where there is only one."""
    from skandi.compare import compare_conditions, comparison_notes, without_answer
    from skandi.io import write_results

    read = table[table["alpha"].notna()]
    if "condition" not in read or read["condition"].nunique() < 2:
        if "condition" in table and table["condition"].nunique() > 1:
            say("nothing to compare: fewer than two conditions have an answer")
        if output is not None:
            raise SkandiError(f"{output}: {_TWO_CONDITIONS}")
        return
    compared = compare_conditions(read)
    if warning := without_answer(table):
        say(printable(warning))
    say("differences, with 95 % intervals:")
    for row in compared[(compared["value"] > 0) | (compared["value_reference"] > 0)].itertuples():
        interval = f" [{row.lower:+.3f}, {row.upper:+.3f}]" if row.lower == row.lower else ""
        say(
            f"  {row.quantity}, {printable(row.condition)} less {printable(row.reference)}: "
            f"{row.difference:+.3f}{interval}"
        )
    for note in comparison_notes(compared):
        say(f"  {printable(note)}")
    if output is not None:
        write_results(compared, output)
        say(f"wrote {output}")


def _print_results(table: pd.DataFrame) -> None:
    """The columns a person reads, on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    class Patient(Console):
        def on_broken_pipe(self) -> None:
            """Go on with files and remarks although whoever reads the table has had enough."""
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    console = Patient()
    if not console.is_terminal:
        console = Patient(width=_PIPE_WIDTH)
    shown = Table(box=None, pad_edge=False)
    grouped = "condition" in table
    if grouped:
        shown.add_column("condition")
    coverage = f"{100 * table.attrs['coverage']:g} %"
    for name in ("track", "points", "α", coverage, "model", "p"):
        shown.add_column(name, justify="left" if name in ("track", "model") else "right")
    shown.add_column("note")
    novel = table["is_novel"].fillna(False).to_numpy(bool)
    for row, is_novel in zip(table.itertuples(index=False), novel, strict=True):
        known = row.alpha == row.alpha
        interval = f"[{row.alpha_lower:.2f}, {row.alpha_upper:.2f}]"
        warning = "unlike the training data" if is_novel else ""
        cells = [
            printable(row.track_id),
            str(row.n_points),
            f"{row.alpha:.2f}" if known else "",
            interval if row.alpha_lower == row.alpha_lower else "",
            row.model if known else "",
            f"{getattr(row, f'p_{row.model}'):.2f}" if known else "",
            "; ".join(filter(None, (warning, printable(row.note)))),
        ]
        if grouped:
            cells.insert(0, printable(row.condition))
        shown.add_row(*map(Text, cells))  # as text: a track may be called [red]
    try:
        console.print(shown)
    except OSError as error:
        if not (_WINDOWS and error.errno == errno.EINVAL):
            raise
        console.on_broken_pipe()  # it is called so there that nobody reads any more


def say_novel(table: pd.DataFrame) -> None:
    """How many tracks are unlike anything the networks know."""
    told = table["is_novel"].dropna()
    if len(told):
        say(
            f"{int(told.sum())} of {len(told)} tracks are unlike the training data (is_novel; "
            "1 in 20 would be by chance)"
        )


def say_skipped(table: pd.DataFrame) -> None:
    """Which tracks have no answer, and why, one line a reason; names where they are of one file."""
    skipped = table[table["alpha"].isna()]
    say(f"{len(table) - len(skipped)} of {len(table)} tracks analysed")
    for reason, tracks in skipped.groupby(skipped["note"].str.replace(r": .*", "", regex=True)):
        line = f"  {reason}: {len(tracks)} track{'s' if len(tracks) > 1 else ''}"
        if "file" not in table:
            names = ", ".join(printable(name) for name in tracks["track_id"][:_SKIPPED_SHOWN])
            line += f" ({names}{', …' if len(tracks) > _SKIPPED_SHOWN else ''})"
        say(line)


def say_diffusion(table: pd.DataFrame) -> None:
    """In which unit D_α is, or how there could be one."""
    about = table.attrs["D_alpha"]
    say(f"D_alpha: {about}")
    if "unknown" in about:
        say("  say them with --frame-interval, --time-unit and --space-unit")
