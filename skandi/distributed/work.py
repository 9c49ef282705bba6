"""The three kinds of task, each a function of the job and a number, run here or on any worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import joblib
import pandas as pd

from skandi.analyse import analyse, ready_estimators
from skandi.distributed.job import JOB_ATTRIBUTE, STEPS_ATTRIBUTE, Job
from skandi.distributed.rows import gather, scatter
from skandi.distributed.sources import ROWS_PER_CHUNK, Chunk
from skandi.io.assemble import assemble, survey
from skandi.io.formats import say_units
from skandi.io.parquet import save_parquet
from skandi.io.whole import Survey, Whole
from skandi.members import one_thread

_LOADING = threading.Lock()


def scatter_chunk(job: Job, number: int, chunk: Chunk) -> list[str]:
    """Send the rows of a part of a Parquet file to their partitions."""
    return scatter(job, number, chunk.frames(), str(chunk.path))


def scatter_frame(job: Job, number: int, frame: pd.DataFrame) -> list[str]:
    """Send the rows of a partition of a Dask DataFrame to theirs."""
    return scatter(job, number, _pieces(frame), f"partition {number} of the Dask DataFrame")


def survey_partition(job: Job, number: int, filled: tuple[str, ...]) -> Survey:
    """Find out what this partition says about the whole table."""
    return survey(gather(job, number), filled, duplicates=job.settings["duplicates"])


def analyse_partition(job: Job, number: int, whole: Whole) -> int:
    """Analyse the tracks of one partition, write their table, and give their number.

    Torch computes on one thread, whatever else the worker does: so a machine is not asked for more
    threads than it has, and results do not depend on how many there are.
    """
    settings = job.settings
    rows = gather(job, number)
    rows.frame_interval = whole.frame_interval
    policies = {name: settings[name] for name in ("gaps", "duplicates", "constant_axes")}
    tracks = say_units(
        assemble(rows, **policies, whole=whole), None, settings["time_unit"], settings["space_unit"]
    )
    alpha_model, model_classifier = _models(job, len(whole.axes))
    with one_thread():
        table = analyse(
            tracks,
            alpha_model=alpha_model,
            model_classifier=model_classifier,
            coverage=settings["coverage"],
            false_alarm=settings["false_alarm"],
        )
    table.attrs[JOB_ATTRIBUTE] = job.id
    steps = () if tracks.report is None else tracks.report.steps
    table.attrs[STEPS_ATTRIBUTE] = {step.name: [step.n_tracks, step.n_rows] for step in steps}
    save_parquet(table, job.part(number))
    return len(table)


def _models(job: Job, n_dims: int) -> tuple[Any, Any]:
    with _LOADING:  # the threads of a worker shall not load them several times
        return _loaded(
            job.id, str(job.models) if job.own_models else None, n_dims, job.settings["preset"]
        )


@lru_cache(maxsize=1)
def _loaded(job_id: str, path: str | None, n_dims: int, preset: str) -> tuple[Any, Any]:
    """Load the estimators, once per process and job."""
    alpha_model, model_classifier = (None, None) if path is None else joblib.load(path)
    return ready_estimators(n_dims, alpha_model, model_classifier, preset)


def _pieces(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, max(1, len(frame)), ROWS_PER_CHUNK):
        yield frame.iloc[start : start + ROWS_PER_CHUNK]
