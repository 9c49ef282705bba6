"""The recipe "andi-datasets-2": what the andi-datasets package makes, made by the package itself.

The package draws from numpy's global generator and from that of ``stochastic``. Both are seeded
for the call and put back afterwards, so the call must not run beside other users of them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import MissingExtraError, RecipeError


def call_andi_datasets(
    n_samples: int,
    n_dims: int,
    task: str,
    length: int | tuple[int, int] | ArrayLike,
    own_noise: bool,
    rng: np.random.Generator,
) -> tuple[list[NDArray[np.float64]], NDArray[np.int64], NDArray[np.float64]]:
    """Call the package's ``challenge_theory_dataset``.

    Returns
    -------
    tracks : list of ndarray of shape (T_i, n_dims)
    model : ndarray of int
        Index into ``MODELS``; -1 in the task for α, where the package does not tell the model.
    alpha : ndarray
        NaN in the task for the model, where the package does not tell α.
    """
    if own_noise:
        raise RecipeError(
            'recipe "andi-datasets-2" draws its noise itself: leave out snr and snr_range, or use '
            '"andi-2020"'
        )
    shortest, longest = _length_range(length)
    challenge, stochastic_random = _import()
    number = TASK_NUMBERS[task]
    with _seeded(stochastic_random, rng), contextlib.redirect_stdout(io.StringIO()):
        # It simulates max_T points and cuts below max_T.
        sets = challenge(
            N=n_samples, tasks=[number], dimensions=[n_dims], min_T=shortest, max_T=longest + 1
        )
    flat, labels = sets[2 * number - 2][n_dims - 1], sets[2 * number - 1][n_dims - 1]
    tracks = [np.ascontiguousarray(np.reshape(row, (n_dims, -1)).T, np.float64) for row in flat]
    answers = np.asarray(labels, np.float64)
    if task == "alpha":
        return tracks, np.full(len(tracks), -1), answers
    return tracks, answers.astype(np.int64), np.full(len(tracks), np.nan)


TASK_NUMBERS = {"alpha": 1, "model": 2}


def _length_range(length: int | tuple[int, int] | ArrayLike) -> tuple[int, int]:
    if isinstance(length, (int, np.integer)) and length >= 2:
        return int(length), int(length)
    if isinstance(length, tuple) and len(length) == 2 and 2 <= length[0] <= length[1]:
        return int(length[0]), int(length[1])
    raise RecipeError(
        f'length={length!r}: recipe "andi-datasets-2" takes one length or a range (low, high), '
        "2 <= low <= high"
    )


def _import() -> tuple[Callable[..., Any], Any]:
    try:
        import stochastic.random
        from andi_datasets.datasets_challenge import challenge_theory_dataset
    except ImportError as error:
        raise MissingExtraError(
            f'recipe "andi-datasets-2" calls the andi-datasets package, which cannot be imported '
            f'({error}): pip install "skandi[andi]"'
        ) from error
    return challenge_theory_dataset, stochastic.random


@contextlib.contextmanager
def _seeded(stochastic_random: Any, rng: np.random.Generator) -> Iterator[None]:
    """Seed both global generators from `rng`, and restore them whatever happens.

    This is the one place of skandi that touches a global random state: the package has no other.
    """
    numpy_state = np.random.get_state()  # noqa: NPY002
    stochastic_generator = stochastic_random.generator
    seeds = rng.integers(0, 2**32, size=2)
    try:
        np.random.seed(int(seeds[0]))  # noqa: NPY002
        stochastic_random.generator = np.random.default_rng(int(seeds[1]))
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        stochastic_random.generator = stochastic_generator
