"""Where tasks run: one after the other here, or on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from skandi.errors import JobError, MissingExtraError

LOCAL = "local"


def run_tasks(
    function: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    client: Any = None,
    tell: Callable[[int], None] | None = None,
) -> list[Any]:
    """Call a function with each tuple of arguments and give the answers in their order.

    Parameters
    ----------
    function : callable
        At the top of a module, so that workers find it.
    arguments : sequence of tuple
        Of each call; one may be a ``Delayed`` of Dask.
    client : dask.distributed.Client, optional
        The calls run here without it.
    tell : callable, optional
        Called with the number of calls that are done.

    Raises
    ------
    JobError
        If workers died over one task again and again.
    """
    if client is None:
        answers = []
        for number, each in enumerate(arguments):
            answers.append(function(*map(_here, each)))
            if tell is not None:
                tell(number + 1)
        return answers
    return _on_cluster(function, arguments, client, tell)


@contextmanager
def open_client(client: Any) -> Iterator[Any]:
    """A client of Dask from an address, ``"local"``, a client, or None, which stays None.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    OSError
        If nobody answers at the address.
    """
    if not isinstance(client, str):
        yield client
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingExtraError(
            'A cluster needs Dask, which is not installed: pip install "skandi[dask]".'
        ) from error
    if client != LOCAL:
        with Client(client) as opened:
            yield opened
        return
    # Each process computes on one thread, so there is one for every core.
    with (
        LocalCluster(threads_per_worker=1, n_workers=_n_cores(), dashboard_address=None) as cluster,
        Client(cluster) as opened,
    ):
        yield opened


def _on_cluster(
    function: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    client: Any,
    tell: Callable[[int], None] | None,
) -> list[Any]:
    from dask.delayed import delayed
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    # As one graph: of a lazy argument no more is computed ahead than workers can use.
    call = delayed(function, pure=False)
    futures = client.compute([call(*each) for each in arguments])
    try:
        for number, future in enumerate(as_completed(futures)):
            future.result()
            if tell is not None:
                tell(number + 1)
        return list(client.gather(futures))
    except KilledWorker as error:
        raise JobError(
            f"Workers died again and again over one task ({error}), most likely for want of "
            "memory. Give them more, or begin anew with more partitions."
        ) from error
    finally:
        client.cancel(futures)


def _here(argument: Any) -> Any:
    """An argument itself; what Dask has put off is computed, in this thread."""
    if hasattr(argument, "__dask_graph__"):
        return argument.compute(scheduler="synchronous")
    return argument


def _n_cores() -> int:
    from joblib import cpu_count  # knows of containers, and of processes bound to some cores

    return int(cpu_count())
