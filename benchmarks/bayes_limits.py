"""How near are α and its interval to the best that can be said? FBM and SBM beside Bayes.

    python benchmarks/bayes_limits.py                    # some ten minutes of one core
    python benchmarks/bayes_limits.py -n 200 --dims 1

For these two models the displacements are Gaussian with a known covariance, so the posterior of α
can be computed: that of somebody who knows the model, which the network does not. On fresh
trajectories of the recipe `andi-2020` of each model, with its exponents of task 1 and noise drawn
per axis, the mean absolute error of the posterior's median and the mean width of its central 90 %
interval stand beside those of the network. Noise and the scale of each axis are summed over as the
recipe draws them; what dividing by the measured standard deviation of 1000 displacements does is
taken at its mean, so for FBM near α = 2 the limit is a little above the true one.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import cholesky, solve_triangular, toeplitz
from scipy.special import logsumexp

from skandi import load_pretrained
from skandi.diffusion import ALPHA_GRID, MODELS
from skandi.pretrained import PRESETS
from skandi.simulate import andi_tracks
from skandi.simulate.recipes import POINTS, SIGMAS, composition

RESULTS = Path(__file__).parent / "results"
SEED = 86_602
LENGTHS = (10, 25, 50, 100, 300, 999)
SCALES = np.geomspace(1e-3, 5, 80)  # of the normal factor that the recipe multiplies an axis by
COVERAGE = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1_000, help="trajectories per row")
    parser.add_argument("--dims", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="fast")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        row(model, n_dims, T, options.n, options.preset)
        for model in ("fbm", "sbm")
        for n_dims in options.dims
        for T in LENGTHS
    ]
    RESULTS.mkdir(exist_ok=True)
    common = {"recipe": "andi-2020", "preset": options.preset, "seed": SEED, "n": options.n}
    result = {**common, "coverage": COVERAGE, "load_average": os.getloadavg(), "rows": rows}
    (RESULTS / "bayes_limits.json").write_text(json.dumps(result, indent=1) + "\n")
    report(rows)


def row(model: str, n_dims: int, T: int, n: int, preset: str) -> dict:
    """Errors and widths of both on n trajectories of one model and length."""
    seed = np.random.SeedSequence([SEED, MODELS.index(model), n_dims, T])
    rng = np.random.default_rng(seed)
    prior = composition("alpha")[MODELS.index(model)]
    alpha = rng.choice(ALPHA_GRID, size=n, p=prior / prior.sum())
    sigma = rng.choice(SIGMAS, size=(n, n_dims))
    code = np.full(n, MODELS.index(model))
    X = andi_tracks(code, alpha, np.full(n, T), sigma, random_state=rng)
    levels = (0.5 - COVERAGE / 2, 0.5, 0.5 + COVERAGE / 2)
    lower, median, upper = quantiles(posterior(np.stack(X), model, prior), levels).T
    regressor = load_pretrained("alpha", n_dims=n_dims, preset=preset)
    ours = np.abs(regressor.predict(X) - alpha)
    low, high = regressor.predict_interval(X, COVERAGE).T
    return {
        "model": model,
        "n_dims": n_dims,
        "length": T,
        "bayes_mae": round(float(np.abs(median - alpha).mean()), 4),
        "bayes_standard_error": round(float(np.abs(median - alpha).std() / n**0.5), 4),
        "bayes_width": round(float((upper - lower).mean()), 3),
        "bayes_coverage": round(float(((lower <= alpha) & (alpha <= upper)).mean()), 3),
        "mae": round(float(ours.mean()), 4),
        "standard_error": round(float(ours.std() / n**0.5), 4),
        "width": round(float((high - low).mean()), 3),
        "coverage": round(float(((low <= alpha) & (alpha <= high)).mean()), 3),
    }


def posterior(X: np.ndarray, model: str, prior: np.ndarray) -> np.ndarray:
    """Probability of each α of the grid, (n, 40), for tracks (n, T, d) of a model."""
    steps = np.diff(X, axis=1)
    n, m, n_dims = steps.shape
    flat = steps.transpose(1, 0, 2).reshape(m, n * n_dims)
    # The weight of each scale: its half-normal density, on a grid of its logarithm.
    weight = -0.5 * SCALES**2 + np.log(SCALES)
    weight = weight - logsumexp(weight)
    evidence = np.full((len(ALPHA_GRID), n, n_dims), -np.inf)
    for a in np.flatnonzero(prior > 0):
        signal = covariance(model, ALPHA_GRID[a], m)
        for sigma in SIGMAS:
            half_determinant, squares = whitened(signal + noise(sigma, m), flat)
            logs = -half_determinant - m * np.log(SCALES) - squares[:, None] / (2 * SCALES**2)
            marginal = logsumexp(logs + weight, axis=1).reshape(n, n_dims)
            evidence[a] = np.logaddexp(evidence[a], marginal)
    with np.errstate(divide="ignore"):
        logs = evidence.sum(axis=2).T + np.log(prior)
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def covariance(model: str, alpha: float, m: int) -> np.ndarray:
    """Covariance of m displacements, whose mean square over the 1000 points is near 1."""
    if model == "sbm":
        variance = np.diff(np.arange(1, POINTS + 1, dtype=float) ** alpha)
        return np.diag(variance[:m] / variance.mean())
    lag = np.arange(m + 1, dtype=float)
    row = 0.5 * ((lag + 1) ** alpha - 2 * lag**alpha + np.abs(lag - 1) ** alpha)
    # A measured standard deviation leaves out the mean of the displacements.
    return toeplitz(row[:m]) / (1 - (POINTS - 1) ** (alpha - 2))


def noise(sigma: float, m: int) -> np.ndarray:
    """Covariance of the displacements of independent errors of position."""
    return sigma**2 * (2 * np.eye(m) - np.eye(m, k=1) - np.eye(m, k=-1))


def whitened(matrix: np.ndarray, vectors: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the log determinant of a covariance, and the squared length of vectors under it."""
    root = cholesky(matrix, lower=True)
    solved = solve_triangular(root, vectors, lower=True)
    return float(np.log(np.diag(root)).sum()), (solved**2).sum(axis=0)


def quantiles(probability: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n, levels) of α, the mass at a value of the grid spread evenly around it."""
    half = (ALPHA_GRID[1] - ALPHA_GRID[0]) / 2
    edges = np.append(ALPHA_GRID[0] - half, ALPHA_GRID + half)
    below = np.pad(probability.cumsum(axis=1), ((0, 0), (1, 0)))
    return np.array([np.interp(levels, row, edges) for row in below])


def report(rows: list[dict]) -> None:
    print("| model | d | points | MAE of Bayes | skandi | width of Bayes | skandi |")
    print("|---" * 7 + "|")
    for r in rows:
        print(
            f"| {r['model'].upper()} | {r['n_dims']} | {r['length']} "
            f"| {r['bayes_mae']:.3f} ± {r['bayes_standard_error']:.3f} "
            f"| {r['mae']:.3f} ± {r['standard_error']:.3f} "
            f"| {r['bayes_width']:.2f} | {r['width']:.2f} |"
        )


if __name__ == "__main__":
    main()
