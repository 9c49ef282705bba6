"""Named recipes for data sets: which trajectories, how noisy, how long.

A score means little without the recipe of its test data, so every recipe has a name:

``"andi-2020"``
    The convention of the AnDi challenge's scoring set. A trajectory of 1000 points is simulated,
    its displacements are divided per axis by their standard deviation over all 1000 points,
    localisation noise is added to every position and a random factor scales each axis; then the
    first T points are kept. Noise level and aging refer to the 1000 points, not to those seen.
``"andi-2020-fixed"``
    The same steps at the final length, T points in place of 1000.
``"andi-datasets-2"``
    What andi-datasets 2.x makes today, by calling it (extra ``andi``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.diffusion import ALPHA_GRID, ALPHA_RANGE, MODELS
from skandi.errors import RecipeError
from skandi.simulate.models import (
    as_floats,
    block_rows,
    check_sizes,
    cumulate,
    displacements,
)
from skandi.simulate.noise import LARGEST_SIGMA, resolve_sigma
from skandi.simulate.randomness import RandomState, as_generator, normals
from skandi.simulate.scaling import step_std, step_std_of_challenge

if TYPE_CHECKING:
    import pandas as pd

RECIPES = ("andi-2020", "andi-2020-fixed", "andi-datasets-2")
TASKS = ("alpha", "model")
POINTS = 1000
"""Points at which andi-2020 simulates and normalises, before the cut."""

Length = int | tuple[int, int] | ArrayLike


def make_andi(
    n_samples: int,
    *,
    n_dims: int = 1,
    task: str = "alpha",
    recipe: str = "andi-2020",
    length: Length = (10, 999),
    snr: ArrayLike | None = None,
    snr_range: Sequence[float] | None = None,
    random_state: RandomState = None,
    return_truth: bool = False,
) -> Any:
    """Make a data set as the AnDi challenge did: noisy trajectories and what they are.

    The recipe ``"andi-2020"`` follows the challenge's scoring set: (1) simulate 1000 points of
    one of the five models, (2) per axis divide the displacements by their standard deviation,
    (3) add Gaussian noise of standard deviation σ to every position, σ drawn per axis from
    {0.1, 0.5, 1}, (4) multiply the displacements of each axis by a factor from N(0, 1), (5) keep
    the first T points. ``"andi-2020-fixed"`` does the same with T in place of 1000.
    ``"andi-datasets-2"`` calls the andi-datasets package, whose data differ in composition and
    law; it has no FBM or SBM with α <= 1 in its task for α.

    Parameters
    ----------
    n_samples : int
        Number of trajectories.
    n_dims : {1, 2, 3}
    task : {"alpha", "model"}
        What is asked, which decides the composition. "alpha": α uniform over 0.05, 0.10, …, 2,
        then the model uniform over those that allow it. "model": the model uniform over the five,
        then α uniform over the grid values it allows.
    recipe : {"andi-2020", "andi-2020-fixed", "andi-datasets-2"}
    length : int, tuple (low, high), or array-like of shape (n_samples,)
        Points per trajectory: all equal, uniform in a range with both ends included, or given.
        At least 2, at most 1000 for "andi-2020".
    snr : float or array-like, optional
        Signal-to-noise ratio 1/σ (the signal is a displacement's standard deviation), a number
        or anything that broadcasts to (n_samples, n_dims), such as one value per axis (so a pair
        is no range); inf is no noise. By default each axis of each trajectory draws 10, 2 or 1.
    snr_range : tuple (low, high), optional
        In place of `snr`, a range with both ends above 0: each trajectory has a ratio of its own,
        the same along all axes, uniform in its logarithm.
    random_state : int, Generator, SeedSequence or None
        The same seed gives the same bytes, whatever numpy's global state is.
    return_truth : bool
        Also return the table of what was simulated.

    Returns
    -------
    X : list of ndarray of shape (T_i, n_dims)
        Positions, float64, each track starting at the origin. Lévy walks of a single flight have
        displacements without variance, and "andi-2020" scales their rounding errors up as the
        challenge did: they reach 1e17 and must not be stored as float32. In "andi-2020-fixed"
        such displacements are left unscaled.
    y : ndarray of shape (n_samples,)
        α (float64), or the model's name for ``task="model"``.
    truth : pandas.DataFrame
        Only if `return_truth`: model, alpha, length, sigma_x[, sigma_y[, sigma_z]]. What
        andi-datasets does not tell is missing there.

    Raises
    ------
    RecipeError
        For an unknown recipe or task, or lengths or noise the recipe does not define.
    MissingExtraError
        For "andi-datasets-2" without that package.

    References
    ----------
    Muñoz-Gil et al., "Objective comparison of methods to decode anomalous diffusion",
    Nat. Commun. 12:6253 (2021), Methods.

    Examples
    --------
    >>> from skandi.simulate import make_andi
    >>> X, y = make_andi(3, n_dims=2, length=25, random_state=0)
    >>> [track.shape for track in X], y.shape
    ([(25, 2), (25, 2), (25, 2)], (3,))
    >>> X, y, truth = make_andi(100, task="model", snr=2, random_state=0, return_truth=True)
    >>> sorted(set(y.tolist()))
    ['attm', 'ctrw', 'fbm', 'lw', 'sbm']
    >>> bool(truth.length.between(10, 999).all()), truth.sigma_x.unique().tolist()
    (True, [0.5])
    """
    check_choice("recipe", recipe, RECIPES)
    check_choice("task", task, TASKS)
    check_sizes(n_samples, 2, n_dims)
    rng = as_generator(random_state)
    if recipe == "andi-datasets-2":
        from skandi.simulate.andi_datasets_adapter import call_andi_datasets

        tracks, model, alpha = call_andi_datasets(
            n_samples, n_dims, task, length, snr is not None or snr_range is not None, rng
        )
        lengths = np.array([len(track) for track in tracks])
        sigma = np.full((n_samples, n_dims), np.nan)
    else:
        model, alpha = draw_labels(n_samples, task, rng)
        lengths = resolve_lengths(length, n_samples, rng)
        sigma = resolve_sigma(snr, n_samples, n_dims, rng, snr_range)
        tracks = andi_tracks(model, alpha, lengths, sigma, recipe=recipe, random_state=rng)
    names = np.array([MODELS[k] if k >= 0 else None for k in model])
    y = alpha if task == "alpha" else names.astype(str)
    if not return_truth:
        return tracks, y
    return tracks, y, truth_table(names, alpha, lengths, sigma)


def andi_tracks(
    model: ArrayLike,
    alpha: ArrayLike,
    length: ArrayLike,
    sigma: ArrayLike,
    *,
    recipe: str = "andi-2020",
    random_state: RandomState = None,
) -> list[NDArray[np.float64]]:
    """Make one fresh trajectory per row of a truth table.

    Parameters
    ----------
    model : array-like of shape (n,)
        Names of models, or indices into ``MODELS``.
    alpha, length : array-like of shape (n,)
    sigma : array-like of shape (n, n_dims)
        Noise per axis, relative to a displacement's standard deviation.
    recipe : {"andi-2020", "andi-2020-fixed"}
    random_state : int, Generator, SeedSequence or None

    Returns
    -------
    list of ndarray of shape (length_i, n_dims)

    Raises
    ------
    RecipeError
        For an unknown model, an α that the model does not have, or rows that are not as many.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.simulate import andi_tracks
    >>> tracks = andi_tracks(np.array([2, 4]), np.array([0.5, 1.5]), np.array([30, 80]),
    ...                      np.array([[0.1], [1.0]]), random_state=0)
    >>> [len(track) for track in tracks]
    [30, 80]
    """
    check_choice("recipe", recipe, RECIPES[:2])
    rng = as_generator(random_state)
    model, alpha, length, sigma = _checked_rows(model, alpha, length, sigma)
    tracks: list[Any] = [None] * len(model)
    for rows, positions in andi_blocks(model, alpha, length, sigma, recipe, rng):
        for row, track in zip(rows, positions, strict=True):
            tracks[row] = track[: length[row]].copy()
    return tracks


def _checked_rows(
    model: ArrayLike, alpha: ArrayLike, length: ArrayLike, sigma: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Read the columns of a truth table, or say what is wrong with them."""
    if np.ndim(model) != 1:
        raise RecipeError(f"model has shape {np.shape(model)}: give one name or index per track")
    names = [
        MODELS[k] if isinstance(k, int) and k in range(len(MODELS)) else k
        for k in np.asarray(model).tolist()
    ]
    for name in dict.fromkeys(names):
        check_choice("model", name, MODELS)
    a, s = as_floats("alpha", alpha), as_floats("sigma", sigma)
    T = np.array(np.asarray(length).tolist())  # whole numbers may come as objects
    n = len(names)
    if a.shape != (n,) or T.shape != (n,) or s.ndim != 2 or len(s) != n or not 1 <= s.shape[1] <= 3:
        raise RecipeError(
            f"{n} models, but alpha has shape {a.shape}, length {T.shape} and sigma {s.shape}: "
            f"give ({n},), ({n},) and ({n}, n_dims)"
        )
    if T.dtype.kind not in "iu" and n:
        raise RecipeError(f"length has type {T.dtype}: give whole numbers of points")
    if not ((s >= 0) & (s <= LARGEST_SIGMA)).all():
        raise RecipeError(f"sigma: noise must be a number from 0 to {LARGEST_SIGMA:g}")
    for name, value in zip(names, a, strict=True):
        low, high = ALPHA_RANGE[name]
        if not low - 1e-6 <= value <= high + 1e-6:  # float32 rounds as much
            raise RecipeError(f"alpha={value:g}: {name} has α from {low:g} to {high:g}")
    indices = np.array([MODELS.index(name) for name in names], dtype=np.int64)
    return indices, a, T.astype(np.int64), s


def andi_batch(
    n: int,
    T: int,
    n_dims: int,
    task: str,
    rng: np.random.Generator,
    recipe: str = "andi-2020",
    snr: ArrayLike | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Make n trajectories of one length: positions (n, T, d), α, model index, σ (n, d)."""
    model, alpha = draw_labels(n, task, rng)
    sigma = resolve_sigma(snr, n, n_dims, rng)
    positions = np.empty((n, T, n_dims))
    for rows, block in andi_blocks(model, alpha, np.full(n, T), sigma, recipe, rng):
        positions[rows] = block
    return positions, alpha, model, sigma


def andi_blocks(
    model: NDArray[np.int64],
    alpha: NDArray[np.float64],
    length: NDArray[np.int64],
    sigma: NDArray[np.float64],
    recipe: str,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield rows and their positions (m, longest of them, d), a block of one model at a time.

    Beyond its own length a row holds nothing of meaning. Rows of similar length share a block;
    all five models allow to simulate more points than are kept, since the law of the first T
    points depends on nothing after them.
    """
    n_dims = sigma.shape[1]
    aged = recipe == "andi-2020"
    check_lengths(length, recipe)
    for index, name in enumerate(MODELS):
        rows = np.flatnonzero(model == index)
        rows = rows[np.argsort(-length[rows], kind="stable")]
        while rows.size:
            points = POINTS if aged else int(length[rows[0]])
            size = block_rows(points, n_dims)
            block, rows = rows[:size], rows[size:]
            steps = displacements(name, alpha[block], points, n_dims, rng)
            if aged:
                std = step_std_of_challenge(steps)
            else:
                std = step_std(steps, count=length[block] - 1)
            longest = int(length[block].max())
            yield block, _observe(steps[..., : longest - 1], std, sigma[block], rng)


def _observe(
    steps: NDArray[np.float64],
    std: NDArray[np.float64],
    sigma: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Normalise, cumulate from 0, add noise to every position, scale each axis at random."""
    n, n_dims, n_steps = steps.shape
    positions = np.zeros((n, n_dims, n_steps + 1))
    np.cumsum(steps / std[..., None], axis=2, out=positions[..., 1:])
    noise = normals(rng, positions.shape)
    noise *= sigma[..., None]
    positions += noise
    seen = np.diff(positions, axis=2)
    seen *= normals(rng, (n, n_dims, 1))
    observed = np.empty((n, n_steps + 1, n_dims))
    cumulate(seen, out=observed)
    return observed


_ALLOWED = np.array(
    [[low - 1e-9 <= a <= high + 1e-9 for low, high in ALPHA_RANGE.values()] for a in ALPHA_GRID]
)
"""Whether the challenge has this α (row) for this model (column)."""


def draw_labels(
    n: int, task: str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw model (index into ``MODELS``) and α by the composition of a challenge task."""
    first_of_two = _ALLOWED if task == "alpha" else _ALLOWED.T
    first = rng.integers(len(first_of_two), size=n)
    # A stable sort of "not allowed" lists the allowed ones first.
    choices = np.argsort(~first_of_two, axis=1, kind="stable")
    second = choices[first, rng.integers(first_of_two.sum(axis=1)[first])]
    which_alpha, model = (first, second) if task == "alpha" else (second, first)
    return model.astype(np.int64), ALPHA_GRID[which_alpha]


def composition(task: str) -> NDArray[np.float64]:
    """Give the probability of each model (row) and α of the grid (column) in a challenge task.

    Examples
    --------
    >>> composition("model").sum(axis=1).round(3).tolist()
    [0.2, 0.2, 0.2, 0.2, 0.2]
    """
    first_of_two = _ALLOWED if task == "alpha" else _ALLOWED.T
    shares = first_of_two / first_of_two.sum(axis=1, keepdims=True) / len(first_of_two)
    return shares.T if task == "alpha" else shares


def resolve_lengths(length: Length, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Turn what a user passes as ``length`` into one length per trajectory."""
    if isinstance(length, tuple):
        low, high = length_range(length)
        return rng.integers(low, high, size=n, endpoint=True).astype(np.int64)
    lengths = np.asarray(length)
    if lengths.dtype.kind not in "iu" or lengths.shape not in ((), (n,)):
        raise RecipeError(
            f"length={length!r}: give a whole number, a tuple (low, high) for a range with both "
            f"ends, or an array of n_samples={n} whole numbers"
        )
    return np.array(np.broadcast_to(lengths, n), np.int64)


def length_range(length: Sequence[int]) -> tuple[int, int]:
    """Check a range of lengths (low, high), both included."""
    if not isinstance(length, (Sequence, np.ndarray)):
        raise RecipeError(f"length={length!r}: a length is a whole number, or a range (low, high)")
    ends = [int(end) for end in length if isinstance(end, (int, np.integer))]
    if len(ends) != 2 or len(length) != 2 or not 2 <= ends[0] <= ends[1]:
        raise RecipeError(f"length={length!r}: a range is (low, high) with 2 <= low <= high")
    return ends[0], ends[1]


def check_lengths(length: NDArray[np.int64], recipe: str) -> None:
    """Refuse lengths that a recipe cannot make."""
    if len(length) and length.min() < 2:
        raise RecipeError(f"length {int(length.min())}: a trajectory has at least 2 points")
    if recipe == "andi-2020" and len(length) and length.max() > POINTS:
        raise RecipeError(
            f"length {int(length.max())}: andi-2020 cuts trajectories out of {POINTS} points; "
            'use recipe="andi-2020-fixed" for longer ones'
        )


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a name that is not on the list."""
    if value not in choices:
        raise RecipeError(f"unknown {name} {value!r}: choose one of {', '.join(choices)}")


def truth_table(
    model: NDArray[Any],
    alpha: NDArray[np.float64],
    length: NDArray[np.int64],
    sigma: NDArray[np.float64],
) -> pd.DataFrame:
    """Put what was simulated into a table, one row per trajectory."""
    import pandas as pd

    table: dict[str, Any] = {"model": model, "alpha": alpha, "length": length}
    for axis, values in zip("xyz", sigma.T, strict=False):
        table[f"sigma_{axis}"] = values
    return pd.DataFrame(table)
