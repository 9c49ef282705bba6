"""Where the rows come from: Parquet files, or a Dask DataFrame; in chunks that fit in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skandi.distributed.job import same_folder, table_attributes
from skandi.distributed.layout import Layout, needed_columns
from skandi.errors import TracksFileError
from skandi.io.tidy import GROUP_COLUMNS, TRACK_COLUMNS

ROWS_PER_CHUNK = 2_000_000
"""Rows that a process holds at a time on their way to the partitions."""

ROWS_PER_PARTITION = 1_000_000

_UNITS = "skandi"
_SUFFIXES = (".parquet", ".pq", ".parq")
_PARQUET = b"PAR1"
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
# Without these, whole numbers beside missing ones become floats, and ids beyond 2^53 merge.
_WITH_MISSING = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
_END = 64 * 1024


@dataclass(frozen=True)
class Chunk:
    """Consecutive row groups of one Parquet file, and the columns that its folders stand for."""

    path: Path
    groups: tuple[int, ...]
    of_folders: tuple[tuple[str, str | None], ...] = ()

    def frames(self) -> Iterator[pd.DataFrame]:
        """Their rows, at most `ROWS_PER_CHUNK` at a time, however large the row groups are."""
        with _parquet_file(self.path) as file:
            columns = needed_columns(file.schema_arrow.names)
            batches = file.iter_batches(
                ROWS_PER_CHUNK, row_groups=list(self.groups), columns=columns, use_threads=False
            )
            for batch in batches:
                table = pa.Table.from_batches([batch])
                frame = table.to_pandas(ignore_metadata=True, use_threads=False)
                for place, column in enumerate(table.columns):
                    if column.null_count and column.type in _WITH_MISSING:
                        frame.isetitem(place, column.to_pandas(types_mapper=_WITH_MISSING.get))
                yield frame.assign(**dict(self.of_folders))


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
                of_folders = _columns_of_folders(path, root, schema.names)
                _require_columns_as_columns(schema, path)
                empty = schema.empty_table().to_pandas(ignore_metadata=True)
                empty = empty.assign(**of_folders)
                units = table_attributes(schema).get(_UNITS)
                layouts.append(Layout.of(empty, format, units, str(path)))
                if of_folders and layouts[-1].format == "trackmate-csv":
                    raise TracksFileError(
                        f"{path}: TrackMate's tables have no column for {', '.join(of_folders)}, "
                        "which the folder is called after. Predict the folders one by one."
                    )
                if layouts[-1] != layouts[0]:
                    raise TracksFileError(
                        f"{path} has other columns or units than {paths[0]}. Bring the files to "
                        "the same columns, or predict them one by one."
                    )
                self.n_rows += metadata.num_rows
                self.chunks += _chunks(path, metadata, of_folders)
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
    root = Path(tracks).absolute()  # workers may have another working directory
    if not root.exists():
        raise FileNotFoundError(2, "no such file or folder", str(root))
    if not root.is_dir():
        return ParquetSource([root], root, format)
    if same_folder(out, root):
        raise TracksFileError(f"{out} lies in {root}, the folder of the tracks. Name another one.")
    return ParquetSource(_files_in(root), root, format)


def _require_columns_as_columns(schema: pa.Schema, path: Path) -> None:
    """Refuse a column that is in no row: pandas keeps an even index as three numbers.

    Raises
    ------
    TracksFileError
        If one is needed.
    """
    for level in (schema.pandas_metadata or {}).get("index_columns", ()):
        name = level.get("name") if isinstance(level, dict) else None
        if name is not None and needed_columns([name]):
            raise TracksFileError(
                f"{path}: {name} is the index of a DataFrame, of which the file holds start and "
                "step only, and rows are read part by part. Save table.reset_index()."
            )


def _files_in(root: Path) -> list[Path]:
    """The Parquet files of a folder; names that begin with a dot or an underscore are no data."""
    files = sorted(
        path
        for path in root.rglob("*")
        if not any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
        and path.is_file()
    )
    paths = [path for path in files if path.suffix.lower() in _SUFFIXES]
    for path in set(files) - set(paths):
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) == _PARQUET:
                raise TracksFileError(
                    f"{path} is Parquet and would be left out: let its name end in .parquet, or "
                    "with an underscore in front if it is not to be read."
                )
    if not paths:
        raise TracksFileError(f"{root} holds no file that ends in .parquet.")
    return paths


def _columns_of_folders(path: Path, root: Path, names: Sequence[str]) -> dict[str, str | None]:
    """The columns that folders such as ``group=control`` stand for, as Hive and pandas have them.

    Raises
    ------
    TracksFileError
        If one is a frame or a position, which cannot be the same for a whole file.
    """
    parts = path.relative_to(root).parts[:-1] if path != root else ()
    pairs = [part.partition("=")[::2] for part in parts if "=" in part]
    columns = {name: None if value == _NO_VALUE else unquote(value) for name, value in pairs}
    taken = {str(name).strip().lower() for name in names}
    of_tracks = {}
    for name in needed_columns(list(columns)):
        if str(name).lower() in taken:
            continue
        if str(name).lower() not in {*TRACK_COLUMNS, *GROUP_COLUMNS}:
            raise TracksFileError(
                f"{path}: the folder says {name}={columns[str(name)]}, and only tracks and groups "
                "of them are read from the names of folders. Put it into a column."
            )
        of_tracks[str(name)] = columns[str(name)]
    return of_tracks


def _parquet_file(path: Path) -> pq.ParquetFile:
    try:
        # Pages are read as they are needed: a row group may be larger than the memory.
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # of the system, and not of the file
        raise TracksFileError(f"{path} is not a readable Parquet file: {error}.") from error


def _chunks(
    path: Path, metadata: pq.FileMetaData, of_folders: Mapping[str, str | None]
) -> list[Chunk]:
    """Cut a file between row groups; one that is too large is a chunk of its own."""
    chunks: list[Chunk] = []
    columns = tuple(of_folders.items())
    groups: list[int] = []
    n_rows = 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if groups and n_rows + size > ROWS_PER_CHUNK:
            chunks.append(Chunk(path, tuple(groups), columns))
            groups, n_rows = [], 0
        groups.append(group)
        n_rows += size
    if groups:
        chunks.append(Chunk(path, tuple(groups), columns))
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
