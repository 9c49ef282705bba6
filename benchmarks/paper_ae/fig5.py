"""Fig. 5: autoencoders of pure models on mixtures of three (T = 20, α = 0.8).

    python benchmarks/paper_ae/fig5.py --jobs 2 --folder ~/fig5

Mixtures Δ = γβ Δ1 + (1-γ) Δ2 + (1-β) Δ3 of CTRW, ATTM and FBM (`skandi.simulate.mixture`).
"""

import numpy as np
from common import INFERENCES, Run, member_errors, moves, parser, table

from skandi.simulate import mixture

MODELS = ("ctrw", "attm", "fbm")
CORNERS = {"ctrw": (1.0, 1.0), "attm": (0.0, 1.0), "fbm": (1.0, 0.0)}
ALPHA, T = 0.8, 20


def mixtures(points, n, seed):
    """`n` trajectories of each point (γ, β), and the points, row by row."""
    X = [
        mixture(MODELS, ALPHA, g, b, n, T, random_state=np.random.default_rng([seed, k]))
        for k, (g, b) in enumerate(points)
    ]
    return np.concatenate(X), np.repeat(np.array(points), n, axis=0)


def main() -> None:
    options = parser(__doc__, repeats=7)
    options.add_argument("--grid", type=int, default=11, help="values of γ and of β")
    run = Run("fig5", options.parse_args())
    shares = np.linspace(0, 1, run.options.grid)
    grid = [(float(g), float(b)) for g in shares for b in shares]
    X, _ = mixtures(list(CORNERS.values()), run.n(10_000), seed=1)
    fingerprint = run.fit(X, np.repeat(list(CORNERS), run.n(10_000)), 64)
    test, where = mixtures(grid, run.n(2_000), seed=2)
    moving = moves(test)
    point = np.repeat(np.arange(len(grid)), len(test) // len(grid))
    for inference in INFERENCES:
        errors = member_errors(fingerprint, test, where, inference)
        for k, model in enumerate(fingerprint.kinds_):
            values, of_moving = (
                run.gather(
                    f"{inference}, {model} AE, {tracks}",
                    mean_by_point(errors[kept, k], point[kept]),
                )
                .mean(axis=-1)
                .reshape(len(shares), -1)
                for tracks, kept in (("all", np.full(len(test), True)), ("moving", moving))
            )
            title = f"Fig. 5, {inference}, {model} AE: MSE"
            rows, columns = ([f"{name}={v:g}" for v in shares] for name in "γβ")
            table(title, rows, columns, values)
            run.report(f"{inference}, {model} AE: MSE by gamma and beta", values)
            lowest, own = grid[int(values.argmin())], values.ravel()[grid.index(CORNERS[model])]
            least = grid[int(of_moving.argmin())]
            run.claim(
                f"5, {inference}: the {model} AE errs least in the corner of {model}",
                lowest == CORNERS[model],
                f"least {values.min():.3f} at γ={lowest[0]:g}, β={lowest[1]:g}; {own:.3f} in the "
                f"corner, {np.median(values):.3f} in the median; less than in the corner on "
                f"{(values < own).mean():.0%} of the plane; of tracks that move least at "
                f"γ={least[0]:g}, β={least[1]:g}",
            )
    run.report("gamma_and_beta", shares)
    run.finish()


def mean_by_point(values, point):
    """Means (n_points, n_repeats) of rows."""
    sums = np.stack([np.bincount(point, column) for column in values.T], axis=1)
    return sums / np.bincount(point)[:, np.newaxis]


if __name__ == "__main__":
    main()
