"""Fig. 4: whose exponent reconstructions have, the network's or the input's (T = 200).

    python benchmarks/paper_ae/fig4.py --jobs 2 --folder ~/fig4

Exponents are fits to the time-averaged MSD, averaged over tracks, over lags 10 to 100 and 1 to 10
(FBM), and to the ensemble MSD at times 5 to 100 (CTRW). Tracks that never move are left out: they
have no unit of length, and errors on them would outweigh all others.

A reconstruction of FBM by the network of another exponent is compared with what each exponent looks
like when its own network reconstructs it.
"""

import numpy as np
from common import INFERENCES, Run, balanced, moves, parser, reconstructions, table

ALPHAS = np.array([0.3, 0.6, 0.9])
T = 200
SHORT = np.arange(1, 11)
LONG = np.unique(np.geomspace(10, 100, 10).round().astype(int))
TIMES = np.arange(5, 101, 5)


def main() -> None:
    run = Run("fig4", parser(__doc__, repeats=1).parse_args())
    for model, fits in FITS.items():
        X, _, alpha = balanced([model], ALPHAS, run.n(8_000) * 3, T, seed=1)
        fingerprint = run.fit(X, alpha, 64)
        test, _, tested = balanced([model], ALPHAS, run.n(2_000) * 3, T, seed=2)
        moving = moves(test)
        test, tested = test[moving], tested[moving]
        for inference in INFERENCES:
            made = {
                (k, a): [reconstructions(d, test[tested == a], inference) for d in repeats]
                for k, repeats in enumerate(fingerprint.detectors_)
                for a in ALPHAS
            }
            for name, fit in fits.items():
                inputs = np.array([fit(test[tested == a]) for a in ALPHAS])
                outputs = np.array(
                    [
                        [np.mean([fit(each) for each in made[k, a]]) for a in ALPHAS]
                        for k in range(len(ALPHAS))
                    ]
                )
                title = f"{model}, {inference}, {name}"
                rows = ["inputs", *(f"AE {a:g}" for a in ALPHAS)]
                columns = [f"in {a:g}" for a in ALPHAS]
                table(f"Fig. 4, {title}: exponent", rows, columns, np.vstack([inputs, outputs]))
                run.report(f"{title}: alpha of inputs", inputs)
                run.report(f"{title}: alpha of reconstructions, network by input", outputs)
                claim(run, model, f"{inference}, {name}", outputs)
    run.finish()


def claim(run, model, setting, outputs):
    """Compare with what each exponent looks like when its own network reconstructs it."""
    off = ~np.eye(3, dtype=bool)
    own = np.diag(outputs)
    to_network = np.abs(outputs - own[:, np.newaxis])[off]
    to_input = np.abs(outputs - own[np.newaxis, :])[off]
    nearer = to_network < to_input if model == "fbm" else to_input < to_network
    run.claim(
        f"4, {setting}: reconstructions by an FBM AE carry the AE's own α"
        if model == "fbm"
        else f"4, {setting}: reconstructions by a CTRW AE keep the input's α",
        bool(nearer.all()),
        f"{nearer.sum()} of 6 pairs; mean distance to the AE's α {to_network.mean():.3f}, to the "
        f"input's {to_input.mean():.3f}; own α reconstructed as "
        + " ".join(f"{v:.2f}" for v in own),
    )


def time_averaged(lags):
    def fit(X):
        msd = [np.square(X[:, lag:] - X[:, :-lag]).mean() for lag in lags]
        return float(np.polyfit(np.log(lags), np.log(msd), 1)[0])

    return fit


def ensemble(X):
    msd = np.square(X[:, TIMES] - X[:, :1]).mean(axis=(0, 2))
    return float(np.polyfit(np.log(TIMES), np.log(np.maximum(msd, 1e-300)), 1)[0])


FITS = {
    "fbm": {"lags 10 to 100": time_averaged(LONG), "lags 1 to 10": time_averaged(SHORT)},
    "ctrw": {"times 5 to 100": ensemble},
}


if __name__ == "__main__":
    main()
