"""Where the rows come from: Parquet files, or a Dask DataFrame; in chunks that fit in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skandi.distributed.job import same_folder, table_attributes
from skandi.distributed.layout import Layout, needed_columns
from skandi.errors import TracksFileError

ROWS_PER_CHUNK = 2_000_000
"""Rows that a process holds at a time on their way to the partitions."""

ROWS_PER_PARTITION = 1_000_000

_UNITS = "skandi"
_END = 64 * 1024


@dataclass(frozen=True)
class Chunk:
    """Consecutive row groups of one Parquet file."""

    path: Path
    groups: tuple[int, ...]

    def frames(self) -> Iterator[pd.DataFrame]:
        """Their rows, at most `ROWS_PER_CHUNK` at a time, however large the row groups are."""
        with _parquet_file(self.path) as file:
            columns = needed_columns(file.schema_arrow.names)
            batches = file.iter_batches(
                ROWS_PER_CHUNK, row_groups=list(self.groups), columns=columns, use_threads=False
            )
            for batch in batches:
                yield pa.Table.from_batches([batch]).to_pandas(
                    ignore_metadata=True, use_threads=False
                )


class ParquetSource:
    """A Parquet file, several, or a folder of them.

    Raises
    ------
    TracksFileError
        If one is damaged, or they differ in their columns or units.
    """

    def __init__(self, paths: Sequence[Path], root: Path, format: str) -> None:
        self.name = str(root)
        self.n_rows = 0
        self.chunks: list[Chunk] = []
        self.identity: dict[str, Any] = {}
        layouts: list[Layout] = []
        for path in paths:
            with _parquet_file(path) as file:
                schema, metadata = file.schema_arrow, file.metadata
                empty = schema.empty_table().to_pandas(ignore_metadata=True)
                units = table_attributes(schema).get(_UNITS)
                layouts.append(Layout.of(empty, format, units, str(path)))
                if layouts[-1] != layouts[0]:
                    raise TracksFileError(
                        f"{path} has other columns or units than {paths[0]}. Bring the files to "
                        "the same columns, or predict them one by one."
                    )
                self.n_rows += metadata.num_rows
                self.chunks += _chunks(path, metadata)
            name = path.name if path == root else path.relative_to(root).as_posix()
            self.identity[name] = _file_identity(path)
        self.layout = layouts[0]

    @property
    def default_partitions(self) -> int:
        """As many as hold some 10 000 tracks of 100 points each."""
        return max(1, -(-self.n_rows // ROWS_PER_PARTITION))


class DaskSource:
    """A Dask DataFrame; each of its partitions is a chunk."""

    def __init__(self, table: Any, format: str) -> None:
        from dask.base import tokenize

        self.name = "the Dask DataFrame"
        self.chunks = list(table.to_delayed())
        self.identity = {"dask": tokenize(table)}
        empty = table._meta
        self.layout = Layout.of(empty, format, empty.attrs.get(_UNITS), self.name)

    @property
    def default_partitions(self) -> int:
        """As many as it has itself: how many rows it has nobody knows."""
        return len(self.chunks)


def open_source(tracks: Any, format: str, out: Path) -> ParquetSource | DaskSource:
    """Find out what the caller gave.

    Raises
    ------
    TracksFileError
        If it is neither Parquet nor a Dask DataFrame.
    FileNotFoundError
        If there is no such file or folder.
    """
    if hasattr(tracks, "to_delayed") and hasattr(tracks, "_meta"):
        return DaskSource(tracks, format)
    if not isinstance(tracks, str | os.PathLike):
        raise TracksFileError(
            f"{type(tracks).__name__} cannot be predicted in partitions: a Parquet file, a folder "
            "of them or a Dask DataFrame is needed. For what fits in memory use skandi.analyse."
        )
    root = Path(tracks)
    if not root.exists():
        raise FileNotFoundError(2, "no such file or folder", str(root))
    if not root.is_dir():
        return ParquetSource([root], root, format)
    if same_folder(out, root):
        raise TracksFileError(f"{out} lies in {root}, the folder of the tracks. Name another one.")
    paths = sorted(
        path
        for path in root.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    )
    if not paths:
        raise TracksFileError(f"{root} holds no file that ends in .parquet.")
    return ParquetSource(paths, root, format)


def _parquet_file(path: Path) -> pq.ParquetFile:
    try:
        # Pages are read as they are needed: a row group may be larger than the memory.
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise TracksFileError(f"{path} is not a readable Parquet file: {error}.") from error


def _chunks(path: Path, metadata: pq.FileMetaData) -> list[Chunk]:
    """Cut a file between row groups; one that is too large is a chunk of its own."""
    chunks: list[Chunk] = []
    groups: list[int] = []
    n_rows = 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if groups and n_rows + size > ROWS_PER_CHUNK:
            chunks.append(Chunk(path, tuple(groups)))
            groups, n_rows = [], 0
        groups.append(group)
        n_rows += size
    if groups:
        chunks.append(Chunk(path, tuple(groups)))
    return chunks


def _file_identity(path: Path) -> str:
    """Tell whether a file is the same without reading all of it: size, time, and its end.

    At its end Parquet has the smallest and largest value and the size of every column.
    """
    state = path.stat()
    with path.open("rb") as file:
        file.seek(max(0, state.st_size - _END))
        end = hashlib.sha256(file.read()).hexdigest()[:12]
    return f"{state.st_size} bytes, {state.st_mtime_ns}, {end}"
