"""Fig. 6a-d in other data: FBM autoencoders of several exponents on beads in mucus (T = 200).

    python benchmarks/paper_ae/fig6.py --folder ~/fig6

The data of the paper's Figs. 6a-d are not public. The same analysis is made on 76 tracks of 1 µm
beads in mucus, each cut into three windows of 200 points of x and three of y: which training
exponent of an FBM detector has the least error? The beads are subdiffusive, with α from 0.63 to
0.70 by their time-averaged MSD, so the least should be at 0.6 or 0.7. Simulated FBM of α = 0.65
goes the same way beside them. The tracks are no part of skandi; they are looked for in
../shared/data/real beside the checkout, or in --folder-of-tracks.
"""

from pathlib import Path

import numpy as np
from common import (
    INFERENCES,
    SHARED,
    SUBDIFFUSIVE,
    Run,
    balanced,
    bootstrap,
    member_errors,
    parser,
    table,
)

from skandi import read_tracks
from skandi.simulate import simulate

FILE = "mucus_hbe_1um_beads_first600.csv"
T = 200


def main() -> None:
    options = parser(__doc__, repeats=1)
    options.add_argument("--folder-of-tracks", type=Path, default=SHARED)
    run = Run("fig6", options.parse_args())
    file = run.options.folder_of_tracks / FILE
    if not file.exists():
        raise SystemExit(f"{file} is not there; give its folder with --folder-of-tracks.")
    X, _, alpha = balanced(["fbm"], SUBDIFFUSIVE, run.n(8_000) * len(SUBDIFFUSIVE), T, seed=1)
    fingerprint = run.fit(X, alpha, 64)
    simulated = list(simulate("fbm", 0.65, 400, T=T, random_state=2))
    met = {
        "beads in mucus": windows_of(read_tracks(file).trajectories),
        "simulated FBM, α = 0.65": (simulated, np.arange(len(simulated))),
    }
    columns = [f"AE {a:g}" for a in SUBDIFFUSIVE]
    learnt = np.array([one.history_[-1]["train_loss"] for (one,) in fingerprint.detectors_])
    table("What each network has come to", ["training loss"], columns, learnt)
    run.report("training loss by training alpha", learnt)
    for inference in INFERENCES:
        for name, (tracks, owner) in met.items():
            errors = member_errors(fingerprint, tracks, np.zeros(len(tracks)), inference)
            one_setting(run, f"{name}, {inference}", errors.mean(axis=2), owner, columns)
    run.finish()


def one_setting(run, name, errors, owner, columns):
    mean, median = errors.mean(axis=0), np.median(errors, axis=0)
    best = np.bincount(errors.argmin(axis=1), minlength=len(columns)) / len(errors)
    rows = ["mean MSE", "median MSE", "share best explained"]
    table(f"Fig. 6a-d, other data: {name}", rows, columns, np.array([mean, median, best]))
    # windows of one track are not independent, so tracks are drawn
    sums = np.array([errors[owner == track].sum(axis=0) for track in np.unique(owner)])
    drawn = SUBDIFFUSIVE[bootstrap(sums).argmin(axis=1)]
    run.report(f"{name}: windows", len(errors))
    run.report(f"{name}: mean MSE by training alpha", mean)
    run.report(f"{name}: median MSE by training alpha", median)
    run.report(f"{name}: share best explained by training alpha", best)
    least = SUBDIFFUSIVE[int(mean.argmin())]
    low, high = np.quantile(drawn, [0.025, 0.975], method="nearest")
    run.claim(
        f"6a-d, {name}: the FBM AE of 0.6 or 0.7 errs least",
        least in (0.6, 0.7),
        f"least at α = {least:g}: {mean.min():.3f} (from {low:g} to {high:g} in 95 % of bootstrap "
        f"samples of tracks); median least at {SUBDIFFUSIVE[int(median.argmin())]:g}",
    )


def windows_of(trajectories):
    """Windows of 200 points of each axis that moves, and the track each is of."""
    parts = [
        (track[start : start + T, [axis]], number)
        for number, track in enumerate(trajectories)
        for start in range(0, len(track) - T + 1, T)
        for axis in range(track.shape[1])
    ]
    parts = [(part, number) for part, number in parts if np.ptp(part) > 0]
    return [part for part, _ in parts], np.array([number for _, number in parts])


if __name__ == "__main__":
    main()
