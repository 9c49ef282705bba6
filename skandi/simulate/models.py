"""The five diffusion models of the AnDi challenge, many trajectories at a time.

Laws as in the challenge's own simulators (Muñoz-Gil et al., Nat. Commun. 12:6253, 2021, Methods),
with two repairs: the dwell times of ATTM keep their power-law tail, and its 3D steps are cumulated.
Every model is written as the displacements between neighbouring frames, an array (n, n_dims, T-1)
with time last; positions start at the origin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, DTypeLike, NDArray

from skandi.diffusion import ALPHA_RANGE, MODELS
from skandi.errors import RecipeError
from skandi.simulate.randomness import (
    RandomState,
    as_generator,
    complex_normals,
    directions,
    normals,
)
from skandi.simulate.renewal import power_law_renewals

BLOCK_VALUES = 200_000
"""Coordinates simulated at a time: what the working arrays need stays in the processor's cache."""


def simulate(
    model: str,
    alpha: ArrayLike,
    n_samples: int,
    T: int,
    n_dims: int = 1,
    *,
    random_state: RandomState = None,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    r"""Simulate trajectories of one anomalous diffusion model, without noise or normalisation.

    Each model makes MSD(t) ~ t^α in its own way:

    ``"attm"``
        Annealed transient time motion: Brownian motion whose diffusivity D = u^(1/σ) is drawn
        anew, u ~ U(0, 1), after each dwell time D^(-γ) = u^(-1/α). Regime 1 (σ < γ < σ+1): σ is
        uniform in (0.03, 3.3) where γ = σ/α fulfils that, once per trajectory. A step has
        variance 2D; in 3D that is the variance of its signed length, its direction is uniform
        (Massignan et al., Phys. Rev. Lett. 112:150603, 2014, Eq. 3-5).
    ``"ctrw"``
        Continuous-time random walk: jumps of unit variance after waiting times
        ψ(t) ~ α t^(-1-α), t > 1, looked at on whole time steps; in 3D a Gaussian length times a
        uniform direction (Scher & Montroll, Phys. Rev. B 12:2455, 1975, Eq. 4-6).
    ``"fbm"``
        Fractional Brownian motion: Gaussian displacements of unit variance with covariance
        (\|k+1\|^α - 2\|k\|^α + \|k-1\|^α)/2 at lag k, exact, independent per axis
        (Mandelbrot & Van Ness, SIAM Rev. 10:422, 1968; Davies & Harte, Biometrika 74:95, 1987).
    ``"lw"``
        Lévy walk: flights of whole-numbered duration, ψ(t) ~ t^(-1-σ) with σ = 3-α, at one speed
        10 U(0, 1) per trajectory, each in a new uniform direction. At α = 2, σ ~ U(0, 1) per
        trajectory (Zaburdaev, Denisov & Klafter, Rev. Mod. Phys. 87:483, 2015, Sec. III).
    ``"sbm"``
        Scaled Brownian motion: independent Gaussian displacements whose variance from time t to
        t+1 is (t+1)^α - t^α (Lim & Muniandy, Phys. Rev. E 66:021114, 2002, Eq. 3).

    The first time step of LW and SBM leads to the first point and is not part of the trajectory,
    as in the challenge.

    Parameters
    ----------
    model : {"attm", "ctrw", "fbm", "lw", "sbm"}
    alpha : float or array-like of shape (n_samples,)
        Anomalous exponent, within ``skandi.diffusion.ALPHA_RANGE[model]``; any value, not only
        those of the challenge's grid.
    n_samples : int
        Number of trajectories, at least 1.
    T : int
        Number of points, at least 2. Time is counted in frames.
    n_dims : {1, 2, 3}
    random_state : int, Generator, SeedSequence or None
        The same seed gives the same bytes.
    dtype : {numpy.float64, numpy.float32}
        Of the result; Gaussian numbers are drawn in it too.

    Returns
    -------
    ndarray of shape (n_samples, T, n_dims)
        Positions, starting at the origin, in the model's own units.

    Raises
    ------
    RecipeError
        For an unknown model, an α the model does not allow, or impossible sizes.

    Examples
    --------
    >>> from skandi.simulate import simulate
    >>> tracks = simulate("fbm", 0.4, n_samples=500, T=64, n_dims=2, random_state=1)
    >>> tracks.shape
    (500, 64, 2)
    >>> float((tracks[:, 32] ** 2).mean() / 32**0.4).__round__(1)
    1.0
    """
    exponents = check_request(model, alpha, n_samples, T, n_dims)
    rng = as_generator(random_state)
    positions = np.empty((n_samples, T, n_dims), check_dtype(dtype))
    rows = block_rows(T, n_dims)
    for first in range(0, n_samples, rows):
        steps = displacements(model, exponents[first : first + rows], T, n_dims, rng, dtype)
        cumulate(steps, out=positions[first : first + rows])
    return positions


def displacements(
    model: str,
    alpha: NDArray[np.float64],
    T: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Return the displacements (n, n_dims, T-1) of a model; arguments are taken as checked."""
    return _STEPS[model](alpha, T - 1, n_dims, rng, np.dtype(dtype))


def cumulate(steps: NDArray[Any], out: NDArray[Any]) -> None:
    """Write the positions (n, T, n_dims), from the origin, of displacements (n, n_dims, T-1)."""
    out[:, 0] = 0
    np.cumsum(steps, axis=2, out=out[:, 1:].transpose(0, 2, 1))


def block_rows(T: int, n_dims: int) -> int:
    """How many trajectories to simulate at a time."""
    return max(16, min(16_384, BLOCK_VALUES // (int(T) * int(n_dims))))


def check_request(
    model: str, alpha: ArrayLike, n_samples: int, T: int, n_dims: int
) -> NDArray[np.float64]:
    """Refuse what no simulator can do; return α as an array (n_samples,)."""
    if model not in MODELS:
        raise RecipeError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    check_sizes(n_samples, T, n_dims)
    exponents = as_floats("alpha", alpha)
    if exponents.shape not in ((), (n_samples,)):
        raise RecipeError(
            f"alpha has shape {exponents.shape}, but a number or one value for each of the "
            f"n_samples={n_samples} trajectories is needed"
        )
    low, high = ALPHA_RANGE[model]
    # Grid values computed by a user as 0.05 * k may exceed a limit by rounding.
    outside = ~((exponents >= low - 1e-9) & (exponents <= high + 1e-9))
    if outside.any():
        raise RecipeError(
            f"{model} is defined for alpha from {low} to {high}, not for "
            f"{float(exponents[outside].flat[0])!r}: choose another alpha or another model"
        )
    return np.array(np.broadcast_to(np.clip(exponents, low, high), n_samples))


def check_sizes(n_samples: int, T: int, n_dims: int) -> None:
    """Refuse impossible sizes."""
    check_whole("n_samples", n_samples, 1)
    check_whole("T", T, 2)
    check_whole("n_dims", n_dims, 1, 3)


def check_whole(name: str, value: int, low: int, high: int | None = None) -> None:
    """Refuse what is not a whole number within limits."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        limits = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise RecipeError(f"{name}={value!r}: {name} must be a whole number {limits}")


def as_floats(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Give numbers as an array, or say that they are none."""
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise RecipeError(f"{name}={value!r}: a number or an array of numbers is needed") from None


def check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Refuse any type but float64 and float32."""
    try:
        chosen = np.dtype(dtype)
    except TypeError:
        raise RecipeError(f"dtype={dtype!r}: trajectories are made as float64 or float32") from None
    if chosen not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise RecipeError(f"dtype={chosen}: trajectories are made as float64 or float32")
    return chosen


def _attm_steps(
    alpha: NDArray[np.float64],
    n_steps: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    # gamma = sigma / alpha >= sigma always; gamma <= sigma + 1 means sigma <= alpha / (1 - alpha).
    highest = np.minimum(3.3, alpha / np.maximum(1.0 - alpha, 1e-3))
    sigma = rng.uniform(0.03, highest)
    dwells = power_law_renewals(alpha, n_steps, rng, whole=True)
    # D = u^(1/sigma) with u = exp(-E): sqrt(2 D) = sqrt(2) exp(-E / (2 sigma)).
    amplitude = np.exp(dwells.log * (-0.5 / sigma)[dwells.row])
    amplitude *= np.sqrt(2.0)
    scale = np.repeat(amplitude, dwells.frames()).reshape(len(alpha), 1, n_steps)
    if n_dims < 3:
        steps = normals(rng, (len(alpha), n_dims, n_steps), dtype)
        steps *= scale
        return steps
    scale = scale * normals(rng, scale.shape, dtype)
    towards = directions(rng, scale.size, 3).reshape(3, len(alpha), n_steps).transpose(1, 0, 2)
    return np.multiply(scale, towards, dtype=dtype, casting="same_kind")


def _ctrw_steps(
    alpha: NDArray[np.float64],
    n_steps: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    waits = power_law_renewals(alpha, n_steps + 1, rng, whole=False)
    frame = waits.end.astype(np.int64)
    seen = frame <= n_steps
    row, frame = waits.row[seen].astype(np.int64), frame[seen]
    if n_dims < 3:
        jumps = normals(rng, (n_dims, row.size), dtype)
    else:
        jumps = directions(rng, row.size, 3) * normals(rng, row.size)
    steps = np.zeros((len(alpha), n_dims, n_steps), dtype)
    # Waiting times are longer than 1, so at most one jump falls into a frame.
    place = row * (n_dims * n_steps) + (frame - 1)
    for axis in range(n_dims):
        steps.reshape(-1)[place + axis * n_steps] = jumps[axis]
    return steps


def _fbm_steps(
    alpha: NDArray[np.float64],
    n_steps: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    distinct, which = np.unique(alpha, return_inverse=True)
    amplitude = fgn_amplitude(distinct, n_steps).astype(dtype, copy=False)
    spectrum = complex_normals(rng, (len(alpha), n_dims, amplitude.shape[1]), dtype)
    # The first and the last Fourier coefficient of a real signal are real.
    spectrum[..., (0, -1)] = np.sqrt(2.0) * spectrum[..., (0, -1)].real
    spectrum *= amplitude[which.reshape(-1), None]
    period = 2 * (amplitude.shape[1] - 1)
    return scipy.fft.irfft(spectrum, n=period, axis=2, overwrite_x=True)[..., :n_steps]


def fgn_amplitude(alpha: NDArray[np.float64], n_steps: int) -> NDArray[np.float64]:
    """Standard deviations of the Fourier coefficients of fractional Gaussian noise.

    Davies & Harte: the covariance, continued to a circle, has the Fourier transform λ ≥ 0, and
    independent Gaussian coefficients of variance λ · period give noise of exactly that
    covariance. The circle may be longer than needed, which lets its length be a product of small
    primes.

    Parameters
    ----------
    alpha : ndarray of shape (m,)
        2H, below 2.
    n_steps : int
        Displacements that must have the right covariance.

    Returns
    -------
    ndarray of shape (m, half the period + 1)
        Of the real part, and of the imaginary part, of each coefficient.
    """
    half = scipy.fft.next_fast_len(max(n_steps - 1, 1), real=True)
    power = np.arange(half + 2, dtype=np.float64) ** alpha[:, None]
    covariance = np.ones((len(alpha), half + 1))
    covariance[:, 1:] = 0.5 * (power[:, 2:] - 2.0 * power[:, 1:-1] + power[:, :-2])
    circle = np.concatenate((covariance, covariance[:, -2:0:-1]), axis=1)
    eigenvalues = scipy.fft.rfft(circle, axis=1, overwrite_x=True).real
    return np.sqrt(np.maximum(eigenvalues, 0.0) * half)


def _lw_steps(
    alpha: NDArray[np.float64],
    n_steps: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    tail = 3.0 - alpha
    ballistic = alpha >= 2.0 - 1e-9
    tail[ballistic] = 1.0 - rng.random(np.count_nonzero(ballistic))
    flights = power_law_renewals(tail, n_steps + 1, rng, whole=True)
    frames = flights.frames()
    frames[flights.first] -= 1  # the step that leads to the first point
    speed = 10.0 * rng.random(len(alpha))
    velocity = directions(rng, frames.size, n_dims)
    velocity *= speed[flights.row]
    steps = np.empty((len(alpha), n_dims, n_steps), dtype)
    for axis in range(n_dims):
        steps[:, axis] = np.repeat(velocity[axis], frames).reshape(len(alpha), n_steps)
    return steps


def _sbm_steps(
    alpha: NDArray[np.float64],
    n_steps: int,
    n_dims: int,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    distinct, which = np.unique(alpha, return_inverse=True)
    time = np.arange(1, n_steps + 2, dtype=np.float64)
    amplitude = np.sqrt(np.diff(time ** distinct[:, None], axis=1)).astype(dtype, copy=False)
    steps = normals(rng, (len(alpha), n_dims, n_steps), dtype)
    steps *= amplitude[which.reshape(-1), None]
    return steps


_STEPS: dict[str, Callable[..., NDArray[Any]]] = {
    "attm": _attm_steps,
    "ctrw": _ctrw_steps,
    "fbm": _fbm_steps,
    "lw": _lw_steps,
    "sbm": _sbm_steps,
}
