"""One large prediction: what decides its result, its folder, and which partitions are whole."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import pyarrow as pa
import pyarrow.parquet as pq

from skandi import __version__
from skandi.distributed.layout import Layout
from skandi.errors import JobError, SkandiError, TracksFileError
from skandi.files import replacing
from skandi.provenance import file_digest

MANIFEST = "_skandi.json"
ROWS = "_rows"
JOB_ATTRIBUTE = "skandi_job"
STEPS_ATTRIBUTE = "skandi_steps"
_FORMAT = 2
_MODELS = "models.joblib"
_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@dataclass(frozen=True)
class Job:
    """All that a worker has to know; small, because each task carries it.

    Attributes
    ----------
    folder : Path
        Where results go, absolute.
    id : str
        Hash of all that decides the result.
    n_partitions : int
        Into how many parts the tracks are divided.
    settings : dict
        Keyword arguments of `skandi.distributed.predict`.
    layout : Layout
        What the columns of the input are.
    own_models : bool
        Whether estimators of the caller's lie in the folder of rows.
    """

    folder: Path
    id: str
    n_partitions: int
    settings: dict[str, Any]
    layout: Layout
    own_models: bool = False

    @property
    def rows(self) -> Path:
        """Folder of the rows on their way to their partitions, deleted in the end."""
        return self.folder / ROWS

    @property
    def models(self) -> Path:
        """File of the caller's estimators."""
        return self.rows / _MODELS

    def part(self, number: int) -> Path:
        """The file of one partition."""
        return self.folder / f"part-{number:05d}.parquet"

    def missing(self) -> list[int]:
        """The partitions that are not there, or not whole.

        Raises
        ------
        JobError
            If a file has the name of a partition and belongs to another job.
        """
        return [k for k in range(self.n_partitions) if not self._has(k)]

    def _has(self, number: int) -> bool:
        path = self.part(number)
        if not path.exists():
            return False
        try:
            attributes = table_attributes(pq.read_schema(path))
        except (pa.ArrowException, OSError):
            return False  # no writer of ours leaves one, a power cut may: it is written again
        if attributes.get(JOB_ATTRIBUTE) != self.id:
            raise JobError(
                f"{path} was written by another job than {self.folder / MANIFEST}. Name another "
                "folder, or delete this one to begin anew."
            )
        return True


def table_attributes(schema: pa.Schema) -> dict[str, Any]:
    """The ``attrs`` that pandas kept in a Parquet file, as its schema has them."""
    stored = (schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}")
    attributes = json.loads(stored)
    return attributes if isinstance(attributes, dict) else {}


def open_job(
    folder: Path,
    source: dict[str, Any],
    layout: Layout,
    settings: dict[str, Any],
    models: tuple[Any, Any],
    n_partitions: int | None,
    default_partitions: int,
) -> Job:
    """Begin a job in a folder that is empty or not there, or take up the same one again.

    Raises
    ------
    JobError
        If the folder holds another job, or anything else.
    """
    folder = folder.absolute()
    manifest = folder / MANIFEST
    earlier = _read_manifest(manifest)
    if earlier is None and folder.exists():
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if others:
            raise JobError(
                f"{folder} holds other files ({', '.join(others[:3])}) and no {MANIFEST}. Name a "
                "folder that is empty or not there."
            )
    if n_partitions is None:
        n_partitions = default_partitions
        if earlier is not None and isinstance(earlier.get("n_partitions"), int):
            n_partitions = earlier["n_partitions"]
    wanted = json.loads(
        json.dumps(
            {
                "format": _FORMAT,
                "skandi": __version__,
                "input": source,
                "settings": settings,
                "weights": {
                    "alpha": _weights_digest(models[0]),
                    "model": _weights_digest(models[1]),
                },
                "n_partitions": n_partitions,
            }
        )
    )
    identity = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    if earlier is not None:
        _require_same(folder, earlier, wanted)
    own_models = any(model is not None for model in models)
    job = Job(folder, identity, n_partitions, settings, layout, own_models)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*.part"):
        stale.unlink(missing_ok=True)  # of a process that was killed while it wrote
    if earlier is None:
        with replacing(manifest) as aside:
            aside.write_text(json.dumps({"job": identity, **wanted}, indent=1), encoding="utf-8")
    return job


def keep_models(job: Job, models: tuple[Any, Any]) -> None:
    """Put the caller's estimators where every worker finds them, once."""
    if job.own_models:
        job.rows.mkdir(exist_ok=True)
        with replacing(job.models) as aside:
            joblib.dump(models, aside)


@contextmanager
def told_of_full_disk(job: Job) -> Iterator[None]:
    """Say what to do when there is no space left.

    Raises
    ------
    JobError
        In place of the system's error.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, SkandiError) or error.errno not in _NO_SPACE:
            raise
        n_whole = job.n_partitions - len(job.missing())
        raise JobError(
            f"No space is left for {job.folder}: {n_whole} of {job.n_partitions} partitions are "
            "whole and kept. Free some space and run the same again: it goes on from there."
        ) from error


@contextmanager
def forgotten_if_unreadable(job: Job, *, alone: bool) -> Iterator[None]:
    """Leave nothing of a job that ended in bad input before a partition was whole.

    So the same folder serves for the call that is put right. Only where the work is done `alone`:
    the workers of a cluster may still be writing.
    """
    try:
        yield
    except TracksFileError:
        if alone and not any(job.part(number).exists() for number in range(job.n_partitions)):
            clear_rows(job)
            (job.folder / MANIFEST).unlink(missing_ok=True)
        raise


def clear_rows(job: Job) -> None:
    """Delete what only the work needed."""
    shutil.rmtree(job.rows, ignore_errors=True)


def _read_manifest(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or "job" not in manifest:
        raise JobError(
            f"{path} cannot be read as the manifest of a job. Delete the folder to begin anew, or "
            "name another one."
        )
    return manifest


def _require_same(folder: Path, earlier: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = _flat(earlier), _flat(wanted)
    differ = [
        name for name in sorted({*before, *now} - {"job"}) if before.get(name) != now.get(name)
    ]
    if differ:
        told = "; ".join(
            f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differ[:4]
        )
        more = f"; and {len(differ) - 4} more" if len(differ) > 4 else ""
        raise JobError(
            f"{folder} holds the results of another job: {told}{more}. Run the same as before to "
            "go on with it, name another folder, or delete this one to begin anew."
        )


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    """A tree of dicts as one, with names such as ``settings.gaps``."""
    flat = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{above}{name}."))
        else:
            flat[above + name] = value
    return flat


def _weights_digest(model: Any) -> str:
    """What tells one estimator from another: of the pretrained ones, their files."""
    if model is None:
        from skandi.pretrained import shipped_weights

        return " ".join(file_digest(shipped_weights(d)) for d in (1, 2, 3))
    if hasattr(model, "save"):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "model.safetensors"
            try:
                model.save(path)
                return file_digest(path)
            except ValueError:
                pass  # an ensemble of estimators that are not ours
    return str(joblib.hash(model))


def same_folder(one: Path, other: Path) -> bool:
    """Whether `one` is `other` or lies inside it."""
    return Path(os.path.realpath(one)).is_relative_to(os.path.realpath(other))
