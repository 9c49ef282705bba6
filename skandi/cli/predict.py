"""``skandi predict``: a file of tracks in, one row per track out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from skandi.cli.console import printable, progress, say

if TYPE_CHECKING:
    import pandas as pd

# The choices of read_tracks, whose module would take long to import.
TracksFormat = Literal[
    "auto", "tidy", "trackpy", "andi2", "spot-on", "saspt", "trackmate-csv", "parquet",
    "trackmate-xml", "trackmate-simple-xml", "napari", "noctiluca", "andi-datasets", "challenge",
]  # fmt: skip
Gaps = Literal["split", "error", "interpolate"]

_SKIPPED_SHOWN = 10
_PIPE_WIDTH = 110


def predict(
    tracks: Path = typer.Argument(
        ...,
        metavar="TRACKS",
        help="File of tracks: a table (CSV, TSV, Parquet), TrackMate's XML, an array (.npy) or "
        "AnDi text.",
    ),
    output: Path | None = typer.Option(
        None, "-o", "--output", metavar="OUT", help="Table to write, .csv or .parquet."
    ),
    format: TracksFormat = typer.Option(
        "auto", help="Format of TRACKS; auto looks at its content."
    ),
    gaps: Gaps = typer.Option(
        "split",
        help="What to do with a track that misses frames: split it there, stop, or fill it on "
        "straight lines.",
    ),
    dims: int | None = typer.Option(
        None,
        min=1,
        max=3,
        help="Dimension to take from an AnDi file that mixes them, or of an andi_datasets array.",
    ),
) -> None:
    """Anomalous exponent and diffusion model of every track in a file.

    A table needs a column for the track (particle, track, trajectory, traj_idx or track_id), one
    for the frame (frame or t), and x, y, z as far as there are. Tables of trackpy, Spot-On, saSPT
    and the second AnDi challenge are of this kind. TrackMate's table of spots is read as it is
    exported, and so are its own XML file, its export of tracks, and arrays (.npy) of napari,
    noctiluca and andi_datasets. A track that splits or merges is cut there. Every track is in the
    output: one that could not be analysed has a note that says why.

    In a CSV output, text that a spreadsheet would run as a formula gets an apostrophe in front.

    For example:

    - `skandi predict tracks.csv`
    - `skandi predict tracks.csv -o results.csv`
    - `skandi predict tracks.parquet -o results.parquet --gaps interpolate`
    - `skandi predict task1.txt --dims 2 -o results.csv`

    Exit code: 0, or 1 if no track could be analysed, or 2 after an error.
    """
    from skandi.analyse import analyse
    from skandi.io import check_results_path, read_tracks, write_results

    if output is not None:
        check_results_path(output)
    read = read_tracks(tracks, format, gaps=gaps, n_dims=dims)
    say(str(read.report))
    with progress("tracks") as update:
        table = analyse(read, progress=update)
    if output is None:
        _print_results(table)
    else:
        write_results(table, output)
    _say_skipped(table)
    if output is not None:
        say(f"wrote {output}")
    if not table["alpha"].notna().any():
        say("no track could be analysed")
        raise typer.Exit(1)


def _print_results(table: pd.DataFrame) -> None:
    """The columns a person reads, on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    shown = Table(box=None, pad_edge=False)
    for name in ("track", "points", "α", "model", "p"):
        shown.add_column(name, justify="left" if name in ("track", "model") else "right")
    shown.add_column("note")
    for row in table.itertuples(index=False):
        known = row.alpha == row.alpha
        cells = [
            printable(row.track_id),
            str(row.n_points),
            f"{row.alpha:.2f}" if known else "",
            row.model if known else "",
            f"{getattr(row, f'p_{row.model}'):.2f}" if known else "",
            printable(row.note),
        ]
        shown.add_row(*map(Text, cells))  # as text: a track may be called [red]
    console.print(shown)


def _say_skipped(table: pd.DataFrame) -> None:
    """Which tracks have no answer, and why, one line a reason."""
    skipped = table[table["alpha"].isna()]
    say(f"{len(table) - len(skipped)} of {len(table)} tracks analysed")
    for reason, tracks in skipped.groupby(skipped["note"].str.replace(r": .*", "", regex=True)):
        names = ", ".join(printable(name) for name in tracks["track_id"][:_SKIPPED_SHOWN])
        more = len(tracks) - _SKIPPED_SHOWN
        say(f"  {reason}: {names}" + (f" and {more} more" if more > 0 else ""))
