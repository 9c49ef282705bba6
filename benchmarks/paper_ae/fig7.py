"""Figs. 6e and 7: the progesterone receptor at six levels of hormone (T = 20).

    python benchmarks/paper_ae/fig7.py --jobs 2 --folder ~/fig7

The tracks are no part of skandi; they are looked for in ../shared/data/real beside the checkout, or
in --folder-of-tracks. They are two-dimensional and short, the networks read 20 points of one
dimension. The authors' program appends y to all of x, restarted at x[0], which adds a jump where x
is shorter than 20 points; beside that ("restarted") stand the join of displacements without a seam
("seamless"), and x alone ("x alone"), for which only tracks of 20 points or more serve. Detectors
are those of Fig. 7: mixtures of CTRW, ATTM and FBM at α = 0.8 on a grid of (γ, β), whose corners
are the pure models of Fig. 6e.

A trend holds if the two highest levels differ from the two lowest by more than two standard errors,
by a bootstrap over tracks; that between networks is not in it.
"""

from pathlib import Path

import numpy as np
from common import INFERENCES, SHARED, Run, bootstrap, member_errors, parser, table
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
    for name, join in JOINS.items():
        joined = {
            level: [x for each in tracks[level] if (x := join(*each)) is not None]
            for level in LEVELS
        }
        run.report(f"{name}: tracks", [len(X) for X in joined.values()])
        for inference in INFERENCES:
            one_setting(run, f"{name}, {inference}", joined, fingerprint, corner, inference)
    seams = [np.mean([len(x) < T for x, _ in tracks[level] if 2 * len(x) > T]) for level in LEVELS]
    run.report("share of restarted tracks that have a jump", np.array(seams))
    run.report("published share of FBM", list(PUBLISHED))
    run.finish()


def one_setting(run, name, joined, fingerprint, corner, inference):
    """Errors of the pure networks, and shares best explained, of each level of hormone."""
    X = [x[:, np.newaxis] for tracks in joined.values() for x in tracks]
    level = np.repeat(np.arange(len(LEVELS)), [len(tracks) for tracks in joined.values()])
    each = member_errors(fingerprint, X, level, inference).mean(axis=2)
    pure = each[:, list(corner.values())]
    fbm = list(corner).index("fbm")
    among_three = np.eye(3)[pure.argmin(axis=1)]
    in_plane = np.eye(each.shape[1])[each.argmin(axis=1)]
    errors, shares, plane = (
        np.array([values[level == k].mean(axis=0) for k in range(len(LEVELS))])
        for values in (pure, among_three, in_plane)
    )
    rows = [f"{level} ({len(tracks)})" for level, tracks in joined.items()]
    table(f"Fig. 6e, {name}: MSE of the pure AEs", rows, list(corner), errors)
    table(f"Fig. 6e, {name}: share best explained", rows, list(corner), shares)
    run.report(f"{name}: MSE of pure AEs ({', '.join(corner)})", errors)
    run.report(f"{name}: share best explained among the pure AEs", shares)
    grid = np.array([fingerprint.on_grid(row)[2] for row in plane])
    run.report(f"{name}: share best explained, by level, gamma, beta", grid)

    def rise(values):
        """How much more at the two highest levels than at the two lowest, and its error."""
        low, high = ([values[level == k] for k in pair] for pair in ((0, 1), (4, 5)))
        drawn = [
            np.mean([bootstrap(some, seed=seed + k) for k, some in enumerate(pair)], axis=0)
            for seed, pair in ((10, low), (20, high))
        ]
        return np.mean([v.mean() for v in high]) - np.mean([v.mean() for v in low]), np.std(
            drawn[1] - drawn[0]
        )

    def told(change):
        return f"{change[0]:+.3f} ± {change[1]:.3f}"

    of_errors = [rise(pure[:, k]) for k in range(3)]
    run.claim(
        f"6e, {name}: the FBM AE's error falls at high hormone",
        of_errors[fbm][0] < -2 * of_errors[fbm][1],
        told(of_errors[fbm]),
    )
    others = [k for k in range(3) if k != fbm]
    run.claim(
        f"6e, {name}: the other AEs' errors rise",
        all(of_errors[k][0] > 2 * of_errors[k][1] for k in others),
        ", ".join(f"{list(corner)[k]} {told(of_errors[k])}" for k in others),
    )
    for words, values, by_level in (
        ("three pure AEs", among_three[:, fbm], shares[:, fbm]),
        ("whole plane", in_plane[:, corner["fbm"]], plane[:, corner["fbm"]]),
    ):
        change = rise(values)
        run.claim(
            f"7, {name}: the share best explained by pure FBM grows ({words})",
            change[0] > 2 * change[1],
            f"{told(change)}; by level " + " ".join(f"{v:.2f}" for v in by_level),
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
    """Twenty points of x and then y, which is shifted to begin at x[0] and has lost its first."""
    joined = np.concatenate([x, y[1:] - y[0] + x[0]])[:T]
    return joined if len(joined) == T else None


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


JOINS = {"restarted": restarted, "seamless": seamless, "x alone": x_alone}


if __name__ == "__main__":
    main()
