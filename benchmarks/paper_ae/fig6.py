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
from common import SHARED, SUBDIFFUSIVE, Run, balanced, parser, table

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
    met = {
        "beads in mucus": windows_of(read_tracks(file).trajectories),
        "simulated FBM, α = 0.65": list(simulate("fbm", 0.65, 400, T=T, random_state=2)),
    }
    errors = np.array([fingerprint.errors(tracks).mean(axis=0) for tracks in met.values()])
    columns = [f"AE {a:g}" for a in SUBDIFFUSIVE]
    table("Fig. 6a-d, other data: mean MSE of FBM AEs", list(met), columns, errors)
    for (name, tracks), row in zip(met.items(), errors):
        run.report(f"{name}: windows", len(tracks))
        run.report(f"{name}: mean MSE by training alpha", row)
        least = SUBDIFFUSIVE[int(row.argmin())]
        run.claim(
            f"6a-d, {name}: the FBM AE of 0.6 or 0.7 errs least",
            least in (0.6, 0.7),
            f"least at α = {least:g}: {row.min():.3f}; "
            + " ".join(f"{a:g}: {v:.3f}" for a, v in zip(SUBDIFFUSIVE, row)),
        )
    run.finish()


def windows_of(trajectories):
    """Windows of 200 points of each axis that moves, one after the other."""
    parts = [
        track[start : start + T, [axis]]
        for track in trajectories
        for start in range(0, len(track) - T + 1, T)
        for axis in range(track.shape[1])
    ]
    return [part for part in parts if np.ptp(part) > 0]


if __name__ == "__main__":
    main()
