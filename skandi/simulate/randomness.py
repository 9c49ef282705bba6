"""Where the randomness of every simulator comes from: one seeded generator, handed down.

Nothing here reads or changes a global random state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from skandi.errors import RecipeError

RandomState = int | np.integer | np.random.SeedSequence | np.random.Generator | None


def as_generator(random_state: RandomState = None) -> np.random.Generator:
    """Turn what a user passes as ``random_state`` into a numpy ``Generator``.

    Parameters
    ----------
    random_state : int, SeedSequence, Generator or None
        A seed gives a fresh generator, a generator is used (and advanced) as it is, None draws
        fresh entropy from the operating system.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    RecipeError
        For a negative seed or anything else, the legacy ``RandomState`` among it.

    Examples
    --------
    >>> bool(as_generator(3).integers(100) == as_generator(3).integers(100))
    True
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.SeedSequence) or random_state is None:
        return np.random.default_rng(random_state)
    is_seed = isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool)
    if is_seed and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise RecipeError(
        f"random_state={random_state!r} cannot seed a simulation: give an integer >= 0, "
        "a numpy.random.Generator, a numpy.random.SeedSequence, or None"
    )


def seed_sequence(random_state: RandomState = None) -> np.random.SeedSequence:
    """Return a SeedSequence to spawn from; a Generator gives one by drawing its entropy."""
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    words = as_generator(random_state).integers(0, 2**32, size=4, dtype=np.uint32)
    return np.random.SeedSequence([int(word) for word in words])


def normals(
    rng: np.random.Generator, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Draw independent standard normal numbers, twice as fast as ``standard_normal``.

    A pair of normals is a radius sqrt(2 E), E exponential, at a uniform angle (Box & Muller,
    Ann. Math. Stat. 29:610, 1958). The radius is drawn in `dtype`; the angle is one of 2**24,
    because numpy vectorises the sine and cosine of single precision only. The tails are those
    of the radius and have no cut in double precision.
    """
    size = int(np.prod(shape))
    half = (size + 1) // 2
    pairs = np.empty((2, half), dtype)
    _polar_pairs(rng, pairs[0], pairs[1])
    return pairs.reshape(-1)[:size].reshape(shape)


def complex_normals(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Draw complex numbers whose real and imaginary parts are independent standard normals."""
    draws = np.empty(shape, np.result_type(dtype, np.complex64))
    _polar_pairs(rng, draws.real, draws.imag)
    return draws


def _polar_pairs(rng: np.random.Generator, first: NDArray[Any], second: NDArray[Any]) -> None:
    radius = rng.standard_exponential(first.shape, dtype=first.dtype.type)
    radius += radius
    np.sqrt(radius, out=radius)
    angle = rng.random(first.shape, dtype=np.float32)
    angle *= np.float32(2 * np.pi)
    np.multiply(radius, np.cos(angle), out=first)
    np.multiply(radius, np.sin(angle, out=angle), out=second)


def directions(rng: np.random.Generator, n: int, n_dims: int) -> NDArray[np.float64]:
    """Draw `n` unit vectors, uniform on the sign (1D), circle (2D) or sphere (3D): (n_dims, n)."""
    vectors = np.empty((n_dims, n))
    if n_dims == 1:
        vectors[0] = rng.integers(0, 2, size=n, dtype=np.int8)
        vectors *= 2
        vectors -= 1
        return vectors
    angle = rng.random(n, dtype=np.float32)
    angle *= np.float32(2 * np.pi)
    np.cos(angle, out=vectors[0])
    np.sin(angle, out=vectors[1])
    # In single precision sine and cosine are fast but miss the circle by 1e-7.
    radius = np.hypot(vectors[0], vectors[1])
    if n_dims == 3:
        # Archimedes: the height of a uniform point on the sphere is itself uniform.
        vectors[2] = rng.uniform(-1.0, 1.0, size=n)
        radius /= np.sqrt(1.0 - vectors[2] * vectors[2])
    vectors[:2] /= radius
    return vectors
