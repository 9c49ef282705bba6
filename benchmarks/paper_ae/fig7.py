"""Figs. 6e and 7: the progesterone receptor at six levels of hormone (T = 20).

    python benchmarks/paper_ae/fig7.py --jobs 2 --folder ~/fig7

The tracks are no part of skandi; they are looked for in ../shared/data/real beside the checkout, or
in --folder-of-tracks. They are two-dimensional and short, the networks read 20 points of one
dimension. The authors' program joins x and y by restarting y at x[0], which adds a jump; beside
that ("restarted") stand the join of displacements without a seam ("seamless"), and x alone ("x"),
for which only tracks of 20 points or more serve. Detectors are those of Fig. 7: mixtures of CTRW,
ATTM and FBM at α = 0.8 on a grid of (γ, β), whose corners are the pure models of Fig. 6e.
"""

from pathlib import Path

import numpy as np
from common import SHARED, Run, parser, table
from fig5 import CORNERS, T, mixtures
from scipy.io import loadmat

LEVELS = ("EtOH", "1pM", "10pM", "100pM", "1nM", "10nM")
PUBLISHED = (0.49, 0.50, 0.52, 0.61, 0.82, 0.82)


def main() -> None:
    options = parser(__doc__, repeats=7)
    options.add_argument("--grid", type=int, default=5, help="values of γ and of β")
    options.add_argument("--folder-of-tracks", type=Path, default=SHARED)
    run = Run("fig7", options.parse_args())
    file = run.options.folder_of_tracks / "Trajectories_PR.mat"
    if not file.exists():
        raise SystemExit(f"{file} is not there; give its folder with --folder-of-tracks.")
    tracks = read(file)
    shares = np.linspace(0, 1, run.options.grid)
    grid = [(float(g), float(b)) for g in shares for b in shares]
    # γ = 0, β = 0 is ATTM and FBM in equal parts, no model of its own, but a point of the plane.
    fingerprint = run.fit(*mixtures(grid, run.n(10_000), seed=1), 64)
    corner = {m: int(np.flatnonzero((fingerprint.kinds_ == at).all(1))[0])
              for m, at in CORNERS.items()}  # fmt: skip
    for join in (restarted, seamless, x_alone):
        one_join(run, join, tracks, fingerprint, corner)
    run.report("published share of FBM", list(PUBLISHED))
    run.finish()


def one_join(run, join, tracks, fingerprint, corner):
    name = join.__name__
    errors, among_three, in_plane, numbers = [], [], [], []
    for level in LEVELS:
        X = [joined for x, y in tracks[level] if (joined := join(x, y)) is not None]
        each = fingerprint.errors(X)
        pure = each[:, list(corner.values())]
        errors.append(pure.mean(axis=0))
        among_three.append(np.bincount(pure.argmin(axis=1), minlength=3) / len(X))
        _, _, plane = fingerprint.on_grid(fingerprint.share_map(X))
        in_plane.append(plane)
        numbers.append(len(X))
    errors, among_three = np.array(errors), np.array(among_three)
    rows = [f"{level} ({n})" for level, n in zip(LEVELS, numbers)]
    table(f"Fig. 6e, {name}: MSE of the pure AEs", rows, list(corner), errors)
    table(f"Fig. 6e, {name}: share best explained", rows, list(corner), among_three)
    plane = np.array(in_plane)
    run.report(f"{name}: tracks", numbers)
    run.report(f"{name}: MSE of pure AEs ({', '.join(corner)})", errors)
    run.report(f"{name}: share best explained among the pure AEs", among_three)
    run.report(f"{name}: share best explained, by level, gamma, beta", plane)
    low, high = errors[:2].mean(axis=0), errors[-2:].mean(axis=0)
    fbm = list(corner).index("fbm")
    run.claim(
        f"6e, {name}: the FBM AE's error falls at high hormone",
        high[fbm] < low[fbm],
        f"{low[fbm]:.3f} at EtOH and 1 pM, {high[fbm]:.3f} at 1 and 10 nM",
    )
    others = [k for k in range(3) if k != fbm]
    run.claim(
        f"6e, {name}: the other AEs' errors rise",
        bool((high[others] > low[others]).all()),
        " ".join(f"{m} {low[k]:.3f} to {high[k]:.3f}" for k, m in enumerate(corner) if k != fbm),
    )
    share = among_three[:, fbm]
    run.claim(
        f"7, {name}: the share best explained by pure FBM grows (three pure AEs)",
        share[-2:].mean() > share[:2].mean(),
        "by level " + " ".join(f"{v:.2f}" for v in share) + f"; published {PUBLISHED}",
    )
    corner_share = plane[:, -1, 0]
    run.claim(
        f"7, {name}: the share best explained by pure FBM grows (whole plane)",
        corner_share[-2:].mean() > corner_share[:2].mean(),
        "by level " + " ".join(f"{v:.2f}" for v in corner_share),
    )


def read(file):
    """Give the (x, y) of each track, by level; rows of one track follow each other."""
    tracks = {}
    for level in LEVELS:
        rows = loadmat(file)[f"Trajectories_{level}"]
        starts = np.flatnonzero(np.diff(rows[:, 2])) + 1
        tracks[level] = [(part[:, 0], part[:, 1]) for part in np.split(rows, starts)]
    return tracks


def restarted(x, y):
    """Ten points of x, then ten of y shifted to begin at x[0], as in the authors' program."""
    half = T // 2
    if len(x) < half:
        return None
    return np.concatenate([x[:half], y[:half] - y[0] + x[0]])


def seamless(x, y):
    """Ten displacements along x, then nine along y, as one walk."""
    half = T // 2
    if len(x) < half + 1:
        return None
    steps = np.concatenate([np.diff(x[: half + 1]), np.diff(y[:half])])
    return np.concatenate([[0.0], np.cumsum(steps)])


def x_alone(x, y):
    """The first 20 points of x."""
    return x[:T] if len(x) >= T else None


if __name__ == "__main__":
    main()
