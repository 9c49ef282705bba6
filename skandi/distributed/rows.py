"""Rows on their way to the partition of their track, through files that any worker can read.

One file per chunk of the input, which holds one record batch per partition: so a partition finds
its rows by number, reads nothing else, and gets them in the order of the input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from skandi.distributed.job import Job
from skandi.distributed.layout import Layout
from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.ids import track_number
from skandi.io.localisations import Localisations

_CLOCK = "clock"


def scatter(job: Job, number: int, frames: Iterable[pd.DataFrame], source: str) -> list[str]:
    """Write the rows of one chunk by partition, and give the axes that hold a number in it.

    A chunk that was written before is left as it is.
    """
    path = _path(job, number)
    done = path.with_suffix(".json")
    if done.exists():
        return list(json.loads(done.read_text(encoding="utf-8")))
    schema = _schema(job.layout)
    filled: set[str] = set()
    with replacing(path) as aside:
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        with (
            pa.OSFile(str(aside), "wb") as file,  # closed before it is renamed, as Windows needs
            pa.ipc.new_file(file, schema, options=options) as writer,
        ):
            for frame in frames:
                table = job.layout.read(frame, source)
                _require_layout(table, job.layout)
                has_number = np.isfinite(table.positions).any(axis=0)
                filled.update(np.array(table.axes)[has_number].tolist())
                for batch in _by_partition(table, job.n_partitions, schema):
                    writer.write_batch(batch)
    axes = [axis for axis in job.layout.axes if axis in filled]
    # only now does the chunk count as written
    with replacing(done) as aside:
        aside.write_text(json.dumps(axes), encoding="utf-8")
    return axes


def gather(job: Job, partition: int) -> Localisations:
    """All rows of one partition, in the order of the input."""
    batches = []
    for path in sorted(job.rows.glob("rows-*.arrow")):
        options = pa.ipc.IpcReadOptions(use_threads=False)
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file, options=options)
            n = reader.num_record_batches
            # a chunk read in several goes has a batch of each partition for every one of them
            batches += [reader.get_batch(i) for i in range(partition, n, job.n_partitions)]
    schema = _schema(job.layout)
    table = pa.Table.from_batches(batches, schema).combine_chunks()
    named = table["track"].combine_chunks().dictionary_encode()
    layout = job.layout
    axes = [table[axis].to_numpy() for axis in layout.axes]
    return Localisations(
        source=f"partition {partition} of {job.folder.name}",
        format=layout.format,
        track=named.indices.to_numpy(zero_copy_only=False).astype(np.int64),
        names=named.dictionary.to_pylist(),
        time=table["time"].to_numpy(),
        positions=np.column_stack(axes),
        axes=layout.axes,
        is_frame=layout.is_frame,
        clock=table[_CLOCK].to_numpy() if layout.has_clock else None,
        time_unit=layout.time_unit,
        space_unit=layout.space_unit,
    )


def _path(job: Job, number: int) -> Path:
    return job.rows / f"rows-{number:06d}.arrow"


def _schema(layout: Layout) -> pa.Schema:
    numbers = ["time", *layout.axes, *([_CLOCK] if layout.has_clock else [])]
    return pa.schema([("track", pa.large_string()), *((name, pa.float64()) for name in numbers)])


def _require_layout(table: Localisations, layout: Layout) -> None:
    if table.axes != layout.axes:
        raise TracksFileError(
            f"{table.source}: axes {', '.join(table.axes)}, and the others have "
            f"{', '.join(layout.axes)}. Bring all to the same columns."
        )


def _by_partition(
    table: Localisations, n_partitions: int, schema: pa.Schema
) -> Iterable[pa.RecordBatch]:
    """One batch per partition, its rows by track and then in the order of the table."""
    home = np.array([track_number(name) % n_partitions for name in table.names], dtype=np.int64)
    part = home[table.track] if len(table.names) else np.empty(0, dtype=np.int64)
    order = np.lexsort((table.track, part))
    table.keep(order)
    names = pa.array(table.names, pa.large_string())
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(table.track), names).cast(pa.large_string()),
        pa.array(table.time),
        *(pa.array(np.ascontiguousarray(axis)) for axis in table.positions.T),
    ]
    if _CLOCK in schema.names:
        columns.append(pa.array(table.clock))
    whole = pa.RecordBatch.from_arrays(columns, schema=schema)
    ends = np.searchsorted(part[order], np.arange(n_partitions + 1))
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        yield whole.slice(start, end - start)
