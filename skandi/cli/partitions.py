"""``skandi predict`` of a table larger than the memory: in partitions, here or on a cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from skandi.cli.console import one_line, printable, progress, say
from skandi.cli.inputs import Input
from skandi.errors import SkandiError

# Some gigabytes of memory if read at once.
LARGE = 5_000_000


def in_partitions(inputs: list[Input], output: Path | None, dask: str | None) -> bool:
    """Whether to work in partitions: as asked for, or because the table is large.

    Raises
    ------
    SkandiError
        If a cluster was asked for, and the input or the output is of another kind.
    """
    path = inputs[0].path
    parquet = len(inputs) == 1 and not inputs[0].condition and (path.is_dir() or _is_parquet(path))
    if dask is not None:
        if not parquet:
            raise SkandiError(
                "--dask needs one table in Parquet: a file, or a folder of them. Convert the "
                "tracks, or leave out --dask."
            )
        if output is None or not (is_folder(output) or _may_be_large(output)):
            raise SkandiError("--dask needs -o with a folder or a .parquet file for the results.")
        return True
    if not parquet or output is None:
        return False
    if path.is_dir() and not (is_folder(output) or _may_be_large(output)):
        raise SkandiError(f"{path} is a folder: it needs -o with a folder or a .parquet file")
    if path.is_dir() or is_folder(output):
        return True
    large = _n_rows(path) > LARGE
    if large and not _may_be_large(output):
        say("a table this large takes little memory if the results go to .parquet or a folder")
    return large and _may_be_large(output)


def is_folder(output: Path) -> bool:
    """Whether results go to a folder: one that is there, or a name without a suffix."""
    return output.is_dir() or not output.suffix


def _may_be_large(output: Path) -> bool:
    return output.suffix.lower() == ".parquet"


def predict_partitions(
    path: Path, output: Path, client: str | None, options: dict[str, Any]
) -> None:
    """Predict in partitions, and tell what came of it.

    A single file is merged from a folder beside it, which is deleted then; where work was broken
    off, it is there and the same command goes on with it.
    """
    from skandi.distributed import (
        about_diffusion,
        count_tracks,
        merge_partitions,
        predict,
        what_was_done,
    )

    whole = is_folder(output)
    folder = output if whole else output.with_name(f"{output.name}.parts")
    with progress("partitions") as update:
        predict(path, folder, client=client, progress=update, **options)
    n_tracks, reasons = count_tracks(folder)
    D_alpha = about_diffusion(folder)
    for line in what_was_done(folder):
        say(line)
    if not whole:
        merge_partitions(folder, output)
        try:
            shutil.rmtree(folder)
        except OSError as error:  # on Windows, if a program looks at a file in it
            say(f"{folder} is not needed any more but could not be deleted: {one_line(error)}")
    n_skipped = sum(reasons.values())
    say(f"{n_tracks - n_skipped} of {n_tracks} tracks analysed")
    for reason, number in reasons.items():
        say(f"  {printable(reason)}: {number}")
    say(f"D_alpha: {D_alpha}")
    say(f"wrote {output}")
    if n_skipped == n_tracks:
        say("no track could be analysed")
        raise typer.Exit(1)


def _is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    if not path.is_file():
        return False  # who reads it says so
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _n_rows(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return 0  # who reads it says so
