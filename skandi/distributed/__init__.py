"""Prediction of more tracks than fit in memory: Parquet in, a folder of Parquet out.

`predict` needs no Dask to do this in one process; with a Dask cluster (``skandi[dask]``) many
processes share the work. See docs/clusters.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skandi.analyse import require_shares
from skandi.distributed.job import (
    Job,
    clear_rows,
    forgotten_if_unreadable,
    keep_models,
    open_job,
    told_of_full_disk,
)
from skandi.distributed.merge import (
    about_diffusion,
    count_tracks,
    merge_partitions,
    what_was_done,
)
from skandi.distributed.run import open_client, run_tasks
from skandi.distributed.sources import DaskSource, ParquetSource, open_source
from skandi.distributed.work import (
    analyse_partition,
    scatter_chunk,
    scatter_frame,
    survey_partition,
)
from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.assemble import ConstantAxes, require_policies
from skandi.io.duplicates import DuplicatePolicy
from skandi.io.gaps import GapPolicy
from skandi.io.whole import Whole, merged, whole_of
from skandi.pretrained import require_preset

__all__ = ["predict", "count_tracks", "about_diffusion", "merge_partitions", "what_was_done"]

_WHOLE = "whole.json"


def predict(
    tracks: Any,
    out: str | os.PathLike[str],
    *,
    client: Any = None,
    n_partitions: int | None = None,
    alpha_model: Any = None,
    model_classifier: Any = None,
    coverage: float = 0.9,
    false_alarm: float = 0.05,
    preset: str = "fast",
    format: str = "auto",
    gaps: GapPolicy = "split",
    duplicates: DuplicatePolicy = "error",
    constant_axes: ConstantAxes = "drop",
    n_dims: int | None = None,
    frame_interval: float | None = None,
    time_unit: str | None = None,
    space_unit: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Anomalous exponent and diffusion model of more tracks than fit in memory.

    The tracks are divided among partitions, each is analysed as by `skandi.analyse`, and its table
    written to a file of its own. Run again, whether the last run was killed or came to its end,
    the same call does only what is missing.

    Parameters
    ----------
    tracks : path or dask.dataframe.DataFrame
        A Parquet file or a folder of them: a table with one row per localisation, with the columns
        that `read_tracks` takes, its rows in any order. A track may have rows in several files. A
        folder called ``group=control`` stands for a column, of tracks or of groups of them. A Dask
        DataFrame is known by how it is made: one that is made by your own functions
        (``from_map``, ``from_delayed``) must read the same again when a run is taken up.
    out : path
        Folder for the results, empty or not there, or that of the same job. Every worker must see
        it under this path. Besides the results it holds the rows of all tracks while the work
        lasts, up to 32 bytes for each in two dimensions.
    client : dask.distributed.Client, str, or None
        Where to compute: a cluster, by its client or address; ``"local"``, as many processes as
        this machine has cores; or, without it, this process alone.
    n_partitions : int, optional
        Into how many files the tracks are divided; when left out, one per million rows, or as many
        as the Dask DataFrame has.
    alpha_model, model_classifier : fitted estimator, optional
        As in `skandi.analyse`. They travel as pickles, in the folder of the results.
    coverage, false_alarm, preset
        As in `skandi.analyse`.
    format : str, default "auto"
        ``"auto"`` goes by the columns; or a format of tables, see `read_tracks`.
    gaps, duplicates, constant_axes, n_dims, frame_interval, time_unit, space_unit
        As in `read_tracks`. Where the table has only times, and they are no frames,
        `frame_interval` is needed.
    progress : callable, optional
        Called with the number of partitions done and the number of partitions, now and then.

    Returns
    -------
    Path
        The folder, with files ``part-00000.parquet`` and so on, whose columns are those of
        `skandi.analyse`, and the manifest ``_skandi.json``. Pandas, Dask and others read the folder
        as one table.

    Raises
    ------
    JobError
        If the folder belongs to another job, the disk is full, or workers died for want of memory.
    MissingExtraError
        If `client` is given by name and Dask is not installed.
    TracksFileError, OSError
        If the input cannot be read as tracks.

    Notes
    -----
    A track belongs to the partition that a hash of its id says, and has its place there in the
    natural order of ids. With the same number of partitions, results are equal to the last bit for
    every number of workers, and after any interruption. With another number, or as compared with
    `skandi.analyse`, numbers may differ by some 1e-6: networks compute in float32, and sums over a
    batch of another size run in another order.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skandi.distributed import predict
    >>> from skandi.io import read_tracks, sample_tracks_path, write_tracks
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_tracks(read_tracks(sample_tracks_path()), folder / "tracks.parquet")
    >>> done = predict(folder / "tracks.parquet", folder / "results", n_partitions=3)
    >>> sorted(path.name for path in done.glob("*.parquet"))
    ['part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet']
    >>> table = pd.read_parquet(done)
    >>> bool(table.alpha.notna().any())
    True
    """
    out = Path(out)
    _check(n_partitions, frame_interval)
    require_shares(coverage, false_alarm)
    require_preset(preset)
    require_policies(gaps=gaps, duplicates=duplicates, axes=constant_axes)
    source = open_source(tracks, format, out)
    settings = {
        "coverage": coverage,
        "false_alarm": false_alarm,
        "preset": preset,
        "format": format,
        "gaps": gaps,
        "duplicates": duplicates,
        "constant_axes": constant_axes,
        "n_dims": n_dims,
        "frame_interval": frame_interval,
        "time_unit": time_unit,
        "space_unit": space_unit,
    }
    models = alpha_model, model_classifier
    job = open_job(
        out,
        source.identity,
        source.layout,
        settings,
        models,
        None if n_partitions is None else int(n_partitions),
        source.default_partitions,
    )
    alone = client is None or client == "local"
    with (
        forgotten_if_unreadable(job, alone=alone),
        told_of_full_disk(job),
        open_client(client) as opened,
    ):
        missing = job.missing()
        n_done = job.n_partitions - len(missing)

        def tell(number: int) -> None:
            if progress is not None:
                progress(n_done + number, job.n_partitions)

        tell(0)
        if missing:
            whole = _prepare(job, source, models, opened)
            run_tasks(analyse_partition, [(job, k, whole) for k in missing], opened, tell)
        clear_rows(job)
    return out


def _check(n_partitions: int | None, frame_interval: float | None) -> None:
    if n_partitions is not None and n_partitions < 1:
        raise ValueError(f"n_partitions is {n_partitions}; pass at least 1, or None.")
    if frame_interval is not None and not (np.isfinite(frame_interval) and frame_interval > 0):
        raise TracksFileError(f"frame_interval={frame_interval!r}: a positive number is needed.")


def _prepare(
    job: Job, source: ParquetSource | DaskSource, models: tuple[Any, Any], client: Any
) -> Whole:
    """Bring all rows to their partitions, and find out what only all of them can say."""
    keep_models(job, models)
    path = job.rows / _WHOLE
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Whole(**{**stored, "filled": tuple(stored["filled"]), "axes": tuple(stored["axes"])})
    job.rows.mkdir(exist_ok=True)
    scatter = scatter_chunk if isinstance(source, ParquetSource) else scatter_frame
    chunks = [(job, number, chunk) for number, chunk in enumerate(source.chunks)]
    found = run_tasks(scatter, chunks, client)
    filled = tuple(axis for axis in job.layout.axes if any(axis in axes for axes in found))
    partitions = [(job, k, filled) for k in range(job.n_partitions)]
    surveys = run_tasks(survey_partition, partitions, client)
    told = job.settings["frame_interval"]
    whole = whole_of(
        merged(surveys),
        filled,
        drop_constant=job.settings["constant_axes"] == "drop",
        is_frame=job.layout.is_frame,
        frame_interval=job.layout.frame_interval if told is None else told,
        default_interval=job.layout.default_interval,
        source=source.name,
    )
    n_dims = job.settings["n_dims"]
    if n_dims is not None and len(whole.axes) != n_dims:
        raise TracksFileError(f"{source.name} has {len(whole.axes)}-D tracks, not {n_dims}-D.")
    with replacing(path) as aside:
        aside.write_text(json.dumps(asdict(whole)), encoding="utf-8")
    return whole
