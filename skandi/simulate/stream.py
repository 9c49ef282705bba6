"""An endless stream of training batches, each of one length, that runs ahead of its consumer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import RecipeError
from skandi.simulate.models import as_floats, check_whole
from skandi.simulate.noise import require_snr_range, resolve_sigma
from skandi.simulate.randomness import RandomState, seed_sequence
from skandi.simulate.recipes import (
    TASKS,
    andi_blocks,
    check_choice,
    check_lengths,
    draw_labels,
    length_range,
)

BATCHES_PER_CHUNK = 16
"""Batches made together: enough trajectories per model and call, few enough to start at once."""
LENGTHS_PER_CHUNK = 4
"""Different lengths in a chunk, taking turns: a length not seen lately costs a network's
convolutions a quarter of a training step, because their code is generated for every shape."""


class StreamBatch(NamedTuple):
    """Trajectories of one length, and what they are.

    Parameters
    ----------
    positions : ndarray of shape (n, T, n_dims)
        As the recipe makes them, float64, not normalised.
    alpha : ndarray of shape (n,)
        Anomalous exponents, float64.
    model : ndarray of shape (n,)
        Index into ``skandi.diffusion.MODELS``, int64.

    Examples
    --------
    >>> from skandi.simulate import TrajectoryStream
    >>> batch = next(TrajectoryStream(1, length=100, random_state=0, workers=0))
    >>> batch.positions.shape, batch.model.dtype
    ((600, 100, 1), dtype('int64'))
    """

    positions: NDArray[np.float64]
    alpha: NDArray[np.float64]
    model: NDArray[np.int64]


@dataclass(frozen=True)
class ChunkPlan:
    """All that decides the content of a chunk besides its number; it travels to the workers."""

    n_dims: int
    recipe: str
    task: str | None
    length: int | tuple[int, int]
    snr: ArrayLike | None
    snr_range: tuple[float, float] | None
    batch_points: int
    min_batch: int
    max_batch: int
    seed: np.random.SeedSequence

    def make(self, number: int) -> list[StreamBatch]:
        """Make chunk `number`: a pure function of the plan and the number."""
        # What seed.spawn() would give as its child of this number, without the ones before.
        child = np.random.SeedSequence(
            self.seed.entropy,
            spawn_key=(*self.seed.spawn_key, number),
            pool_size=self.seed.pool_size,
        )
        rng = np.random.default_rng(child)
        lengths = self._draw_lengths(rng)
        sizes = [self.batch_size(T) for T in lengths]
        batch = np.repeat(np.arange(len(sizes)), sizes)
        model, alpha = self._draw_labels(sizes, rng)
        sigma = resolve_sigma(self.snr, len(batch), self.n_dims, rng, self.snr_range)
        place = np.arange(len(batch)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        positions = [
            np.empty((size, T, self.n_dims)) for size, T in zip(sizes, lengths, strict=True)
        ]
        length = np.array(lengths)[batch]
        for rows, block in andi_blocks(model, alpha, length, sigma, self.recipe, rng):
            for b in np.unique(batch[rows]):
                mine = batch[rows] == b
                positions[b][place[rows[mine]]] = block[mine, : lengths[b]]
        return [
            StreamBatch(positions[b], alpha[batch == b], model[batch == b])
            for b in range(len(sizes))
        ]

    def batch_size(self, T: int) -> int:
        """Trajectories in a batch of length T: about `batch_points` points together."""
        return int(min(self.max_batch, max(self.min_batch, self.batch_points // T)))

    def _draw_lengths(self, rng: np.random.Generator) -> list[int]:
        if isinstance(self.length, int):
            return [self.length] * BATCHES_PER_CHUNK
        low, high = self.length
        uniform = rng.integers(low, high, size=LENGTHS_PER_CHUNK, endpoint=True)
        # Short tracks are the hardest and the most common in practice: some batches go to them.
        logarithmic = np.exp(rng.uniform(np.log(low), np.log(high + 1), LENGTHS_PER_CHUNK))
        logarithmic = np.minimum(logarithmic.astype(np.int64), high)
        chosen = np.where(rng.random(LENGTHS_PER_CHUNK) < 0.7, uniform, logarithmic)
        return [int(T) for T in np.resize(chosen, BATCHES_PER_CHUNK)]

    def _draw_labels(
        self, sizes: list[int], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        tasks = TASKS if self.task is None else (self.task,)
        models, alphas = [], []
        for size in sizes:
            shares = [size // len(tasks)] * (len(tasks) - 1)
            shares.append(size - sum(shares))
            drawn = [draw_labels(n, task, rng) for n, task in zip(shares, tasks, strict=True)]
            order = rng.permutation(size)
            models.append(np.concatenate([model for model, _ in drawn])[order])
            alphas.append(np.concatenate([alpha for _, alpha in drawn])[order])
        return np.concatenate(models), np.concatenate(alphas)


class TrajectoryStream(Iterator[StreamBatch]):
    """Endless, seeded batches of simulated trajectories for training, one length per batch.

    Half of each batch is composed by the challenge's task for α and half by its task for the
    model. 70 % of the batches have a length uniform in `length`, 30 % one uniform in log T.
    Batches are made in chunks of 16, in which four lengths take turns; chunk k has the seed that
    ``SeedSequence.spawn`` gives the k-th child, so the stream is the same for any number of
    workers and can start anywhere.

    Parameters
    ----------
    n_dims : {1, 2, 3}
    recipe : {"andi-2020", "andi-2020-fixed"}
    length : int or tuple (low, high)
        One length for all batches, or the range of lengths, both ends included.
    task : {"alpha", "model"} or None
        Composition; None is half and half.
    snr : float or sequence of n_dims floats, optional
        Fixed signal-to-noise ratio; by default 10, 2 or 1 at random per axis.
    snr_range : tuple (low, high), optional
        In place of `snr`: a ratio for each trajectory, uniform in its logarithm.
    random_state : int, Generator, SeedSequence or None
    batch_points : int
        Points per batch: a batch holds ``batch_points / T`` trajectories, but not fewer than
        `min_batch` nor more than `max_batch`.
    min_batch, max_batch : int
    workers : int
        How many chunks are made at a time in the background; 0 makes them when asked for.
    backend : {"thread", "process"}
        Threads share the interpreter with the training loop, which numpy leaves alone most of
        the time. Processes are for many workers; they are spawned, so a script that uses them
        needs ``if __name__ == "__main__":`` around its main part.
    prefetch : int
        Chunks kept ready or under way beyond those the workers are making.

    Raises
    ------
    RecipeError
        For a recipe, length or size that cannot be made.

    Notes
    -----
    ``close()``, or the end of a ``with`` block, stops the workers. An error in a worker is raised
    by ``next``.

    Examples
    --------
    >>> from skandi.simulate import TrajectoryStream
    >>> with TrajectoryStream(2, length=25, random_state=0) as stream:
    ...     batch = next(stream)
    >>> batch.positions.shape, batch.alpha.shape, batch.model.shape
    ((1024, 25, 2), (1024,), (1024,))
    >>> again = TrajectoryStream(2, length=25, random_state=0, workers=0)
    >>> bool((next(again).positions == batch.positions).all())
    True
    """

    def __init__(
        self,
        n_dims: int,
        *,
        recipe: str = "andi-2020",
        length: int | tuple[int, int] = (10, 999),
        task: str | None = None,
        snr: ArrayLike | None = None,
        snr_range: Sequence[float] | None = None,
        random_state: RandomState = None,
        batch_points: int = 60_000,
        min_batch: int = 48,
        max_batch: int = 1024,
        workers: int = 1,
        backend: str = "thread",
        prefetch: int = 1,
    ) -> None:
        check_choice("recipe", recipe, ("andi-2020", "andi-2020-fixed"))
        check_choice("backend", backend, ("thread", "process"))
        if task is not None:
            check_choice("task", task, TASKS)
        check_whole("n_dims", n_dims, 1, 3)
        for name, size in (
            ("batch_points", batch_points), ("min_batch", min_batch), ("max_batch", max_batch),
        ):  # fmt: skip
            check_whole(name, size, 1)
        if min_batch > max_batch:
            raise RecipeError(f"min_batch={min_batch} is above max_batch={max_batch}")
        check_whole("workers", workers, 0)
        check_whole("prefetch", prefetch, 0)
        span = int(length) if isinstance(length, (int, np.integer)) else length_range(length)
        check_lengths(np.atleast_1d(span), recipe)
        if snr is not None:
            # a copy, for batches of any size: the stream depends on what it was given alone
            snr = as_floats("snr", snr).copy()
        if snr_range is not None:
            snr_range = require_snr_range(snr_range)
        resolve_sigma(snr, 1, n_dims, np.random.default_rng(0), snr_range)
        self._plan = ChunkPlan(
            n_dims=n_dims,
            recipe=recipe,
            task=task,
            length=span,
            snr=snr,
            snr_range=snr_range,
            batch_points=batch_points,
            min_batch=min_batch,
            max_batch=max_batch,
            seed=seed_sequence(random_state),
        )
        self.workers = workers
        self.backend = backend
        self.prefetch = prefetch
        self._executor: Executor | None = None
        self._pending: deque[Future[list[StreamBatch]]] = deque()
        self._ready: deque[StreamBatch] = deque()
        self._position = 0
        self._next_chunk = 0
        self._closed = False

    @property
    def position(self) -> int:
        """Number of batches consumed; ``seek(position)`` restarts a stream at this point."""
        return self._position

    def __iter__(self) -> TrajectoryStream:
        return self

    def __next__(self) -> StreamBatch:
        if self._closed:
            raise RecipeError("the stream is closed: make a new one, and seek() in that to go on")
        if not self._ready:
            self._ready.extend(self._take_chunk())
        self._position += 1
        return self._ready.popleft()

    def seek(self, batch: int) -> TrajectoryStream:
        """Go to batch number `batch`, counted from 0, forward or back; returns the stream."""
        check_whole("batch", batch, 0)
        if self._closed:
            raise RecipeError("the stream is closed: make a new one, and seek() in that")
        self._cancel()
        self._next_chunk, skipped = divmod(int(batch), BATCHES_PER_CHUNK)
        if skipped:
            self._ready.extend(self._take_chunk()[skipped:])
        self._position = int(batch)
        return self

    def close(self) -> None:
        """Stop the workers; what they were making is lost. A closed stream gives no batches."""
        self._closed = True
        self._cancel()
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def __enter__(self) -> TrajectoryStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take_chunk(self) -> list[StreamBatch]:
        # Counted, or taken off the queue, only once it is there: after an error or an interrupt
        # the stream stands where it stood.
        if self.workers == 0:
            chunk = self._plan.make(self._next_chunk)
            self._next_chunk += 1
            return chunk
        self._fill()
        chunk = self._pending[0].result()
        self._pending.popleft()
        self._fill()
        return chunk

    def _fill(self) -> None:
        """Keep the workers busy up to the limit of chunks ahead."""
        if self._executor is None:
            self._executor = self._start()
        while len(self._pending) < self.workers + self.prefetch:
            self._pending.append(self._executor.submit(self._plan.make, self._next_chunk))
            self._next_chunk += 1

    def _start(self) -> Executor:
        if self.backend == "thread":
            return ThreadPoolExecutor(self.workers, thread_name_prefix="skandi-stream")
        # A forked child would inherit locks held by torch's threads.
        return ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))

    def _cancel(self) -> None:
        for future in self._pending:
            future.cancel()
        self._pending.clear()
        self._ready.clear()
