"""From a folder of partitions: how many tracks it has, and one file of all of them."""

from __future__ import annotations

import heapq
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skandi.distributed.job import JOB_ATTRIBUTE, MANIFEST, STEPS_ATTRIBUTE, table_attributes
from skandi.errors import JobError
from skandi.files import replacing
from skandi.io.ids import natural_key
from skandi.io.tracks import STEP_MESSAGES, step_message

_ROWS_AT_A_TIME = 50_000
_IDS_AT_A_TIME = 2_000
# Each is open twice, and systems allow a process 1024 files, or 256 until it asks for more.
_MOST_OPEN = 400
_OTHERS_OPEN = 64


def count_tracks(folder: str | os.PathLike[str]) -> tuple[int, dict[str, int]]:
    """Number of tracks in a folder of `predict`, and of those without an answer, by reason.

    Parameters
    ----------
    folder : path
        What `predict` returned.

    Returns
    -------
    n_tracks : int
        All of them.
    reasons : dict of str to int
        What the note says up to its first colon, for tracks without α.

    Raises
    ------
    JobError
        If partitions are missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skandi.distributed import count_tracks, predict
    >>> from skandi.io import read_tracks, sample_tracks_path, write_tracks
    >>> path = Path(tempfile.mkdtemp()) / "tracks.parquet"
    >>> write_tracks(read_tracks(sample_tracks_path()), path)
    >>> n_tracks, reasons = count_tracks(predict(path, path.with_name("results")))
    >>> list(reasons)
    ['too short']
    """
    n_tracks, reasons = 0, Counter[str]()
    for path in _partitions(Path(folder)):
        table = pq.read_table(path, columns=["alpha", "note"], use_threads=False)
        n_tracks += len(table)
        notes = table.filter(table["alpha"].is_null(nan_is_null=True))["note"].to_pylist()
        reasons.update(note.partition(":")[0] for note in notes)
    return n_tracks, dict(reasons.most_common())


def about_diffusion(folder: str | os.PathLike[str]) -> str:
    """In which unit ``D_alpha`` is in a folder of `predict`, or why it is not there.

    Parameters
    ----------
    folder : path
        What `predict` returned.

    Raises
    ------
    JobError
        If partitions are missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skandi.distributed import about_diffusion, predict
    >>> from skandi.io import read_tracks, sample_tracks_path, write_tracks
    >>> path = Path(tempfile.mkdtemp()) / "tracks.parquet"
    >>> write_tracks(read_tracks(sample_tracks_path()), path)
    >>> about_diffusion(predict(path, path.with_name("results")))
    'not computed, unknown: frame interval, time unit, space unit'
    """
    return str(table_attributes(_schema_that_tells(_partitions(Path(folder))))["D_alpha"])


def what_was_done(folder: str | os.PathLike[str]) -> list[str]:
    """Tell what was done to rows on the way to tracks, beside what the notes of tracks say.

    Rows that belong to no track are not counted.

    Parameters
    ----------
    folder : path
        What `predict` returned.

    Returns
    -------
    list of str
        A line for each, with the numbers of tracks and of rows in all partitions.

    Raises
    ------
    JobError
        If partitions are missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skandi.distributed import predict, what_was_done
    >>> table = pd.DataFrame({"track": [0, 0, 1], "frame": [0, 1, 0], "x": [0.0, 1.0, None]})
    >>> path = Path(tempfile.mkdtemp()) / "tracks.parquet"
    >>> table.to_parquet(path)
    >>> for line in what_was_done(predict(path, path.with_name("results"))):
    ...     print(line)
    1 row in 1 track without a frame or a finite position taken as missing frames
    1 track left out: no frame with a position on every axis
    """
    total = {name: np.zeros(2, dtype=np.int64) for name in STEP_MESSAGES}
    for path in _partitions(Path(folder)):
        steps = table_attributes(pq.read_schema(path)).get(STEPS_ATTRIBUTE, {})
        for name in total.keys() & steps.keys():
            total[name] += steps[name]
    return [
        step_message(name, int(tracks), int(rows))
        for name, (tracks, rows) in total.items()
        if tracks or rows
    ]


def merge_partitions(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write all partitions as one Parquet file, tracks in the natural order of their ids.

    The partitions are in that order already and are merged like the decks of cards they are, so
    that only a few rows of each are in memory.

    Parameters
    ----------
    folder : path
        What `predict` returned.
    path : path
        File to write, replaced in one step.

    Raises
    ------
    JobError
        If partitions are missing, or so many that they cannot be open at a time.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skandi.distributed import merge_partitions, predict
    >>> from skandi.io import read_tracks, sample_tracks_path, write_tracks
    >>> path = Path(tempfile.mkdtemp()) / "tracks.parquet"
    >>> write_tracks(read_tracks(sample_tracks_path()), path)
    >>> folder = predict(path, path.with_name("results"), n_partitions=3)
    >>> merge_partitions(folder, path.with_name("results.parquet"))
    >>> pd.read_parquet(path.with_name("results.parquet")).track_id[0]
    '0'
    """
    paths = _partitions(Path(folder))
    if not _may_open(2 * min(len(paths), _MOST_OPEN) + _OTHERS_OPEN):
        raise JobError(
            f"{folder} has {len(paths)} partitions, and this system lets a process open too few "
            "files to merge them. Allow more (ulimit -n), or use the folder: pandas, Dask and "
            "others read it as one table."
        )
    if len(paths) > _MOST_OPEN:
        raise JobError(
            f"{folder} has {len(paths)} partitions, and up to {_MOST_OPEN} can be merged to one "
            "file. Use the folder: pandas, Dask and others read it as one table."
        )
    turns = heapq.merge(*(_turns(number, each) for number, each in enumerate(paths)))
    rows = [_Rows(each) for each in paths]
    schema = _of_no_job(_schema_that_tells(paths))
    with replacing(path) as aside, pq.ParquetWriter(aside, schema) as writer:
        while turn := [number for _, number in islice(turns, _ROWS_AT_A_TIME)]:
            wanted = Counter(turn)
            pieces = {number: rows[number].take(n) for number, n in wanted.items()}
            table = pa.concat_tables([pieces[number] for number in sorted(pieces)])
            # rows of one partition keep their order, so where each goes is a stable sort undone
            place = np.empty(len(turn), dtype=np.int64)
            place[np.argsort(turn, kind="stable")] = np.arange(len(turn))
            writer.write_table(table.take(place).replace_schema_metadata(schema.metadata))


def _schema_that_tells(paths: list[Path]) -> pa.Schema:
    """The schema of the first partition with a track: an empty one knows nothing of novelty."""
    for path in paths:
        if pq.read_metadata(path).num_rows:
            return pq.read_schema(path)
    return pq.read_schema(paths[0])


def _of_no_job(schema: pa.Schema) -> pa.Schema:
    """The schema of a partition without the name of its job."""
    attributes = table_attributes(schema)
    for name in (JOB_ATTRIBUTE, STEPS_ATTRIBUTE):
        attributes.pop(name, None)
    told = {b"PANDAS_ATTRS": json.dumps(attributes).encode()}
    return schema.with_metadata({**(schema.metadata or {}), **told})


def _partitions(folder: Path) -> list[Path]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        n_partitions = int(manifest["n_partitions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"{folder} is no folder of skandi.distributed.predict.") from error
    paths = [folder / f"part-{k:05d}.parquet" for k in range(n_partitions)]
    missing = sum(not path.exists() for path in paths)
    if missing:
        raise JobError(
            f"{missing} of {n_partitions} partitions are missing in {folder}. Run the same "
            "prediction again: it does what is missing."
        )
    return paths


def _may_open(n: int) -> bool:
    """Whether this process can have so many files open, after asking the system for more."""
    try:
        import resource
    except ImportError:
        return True  # Windows allows thousands
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < n:
        wanted = n if most == resource.RLIM_INFINITY else min(n, most)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit == resource.RLIM_INFINITY or limit >= n


def _turns(number: int, path: Path) -> Iterator[tuple[object, int]]:
    """The key of each track of a partition and the partition's number."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_IDS_AT_A_TIME, columns=["track_id"], use_threads=False):
            for name in batch["track_id"].to_pylist():
                yield natural_key(name), number


class _Rows:
    """The rows of one partition, from the first to the last, as many as asked for."""

    def __init__(self, path: Path) -> None:
        self._batches = (
            batch
            for file in (pq.ParquetFile(path),)
            for batch in file.iter_batches(_IDS_AT_A_TIME, use_threads=False)
        )
        self._held: list[pa.RecordBatch] = []

    def take(self, n: int) -> pa.Table:
        """The next n rows."""
        taken: list[pa.RecordBatch] = []
        while n:
            batch = self._held.pop() if self._held else next(self._batches)
            taken.append(batch.slice(0, n))
            if batch.num_rows > n:
                self._held.append(batch.slice(n))
            n -= taken[-1].num_rows
        return pa.Table.from_batches(taken)
