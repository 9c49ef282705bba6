"""Fig. 4: whose exponent reconstructions have, the network's or the input's (T = 200).

    python benchmarks/paper_ae/fig4.py --jobs 2 --folder ~/fig4

Exponents of reconstructions are fits over lags 1 to 10 (FBM: time-averaged MSD, averaged over
tracks) and over times 5 to 100 (CTRW: ensemble MSD).
"""

import numpy as np
from common import Run, balanced, parser, table

ALPHAS = np.array([0.3, 0.6, 0.9])
T = 200
LAGS = np.arange(1, 11)
TIMES = np.arange(5, 101, 5)


def main() -> None:
    run = Run("fig4", parser(__doc__, repeats=1).parse_args())
    for model, fit in (("fbm", time_averaged), ("ctrw", ensemble)):
        X, _, alpha = balanced([model], ALPHAS, run.n(8_000) * 3, T, seed=1)
        fingerprint = run.fit(X, alpha, 64)
        test, _, tested = balanced([model], ALPHAS, run.n(2_000) * 3, T, seed=2)
        inputs = np.array([fit(test[tested == a]) for a in ALPHAS])
        outputs = np.array(
            [
                [
                    np.mean([fit(np.stack(d.reconstruct(test[tested == a]))) for d in repeats])
                    for a in ALPHAS
                ]
                for repeats in fingerprint.detectors_
            ]
        )
        columns = [f"in {a:g}" for a in ALPHAS]
        rows = ["inputs", *(f"AE {a:g}" for a in ALPHAS)]
        table(f"Fig. 4, {model}: exponent of reconstructions", rows, columns,
              np.vstack([inputs, outputs]))  # fmt: skip
        run.report(f"{model}: alpha of inputs", inputs)
        run.report(f"{model}: alpha of reconstructions, network by input", outputs)
        claim(run, model, inputs, outputs)
    run.finish()


def claim(run, model, inputs, outputs):
    """Compare with the exponents as fitted on inputs, which have the fit's own bias."""
    off = ~np.eye(3, dtype=bool)
    to_network = np.abs(outputs - inputs[:, None])[off]
    to_input = np.abs(outputs - inputs[None, :])[off]
    nearer = to_network < to_input if model == "fbm" else to_input < to_network
    run.claim(
        "4: reconstructions by an FBM AE carry the AE's own α"
        if model == "fbm"
        else "4: reconstructions by a CTRW AE keep the input's α",
        bool(nearer.all()),
        f"{nearer.sum()} of 6 pairs; mean distance to the AE's α {to_network.mean():.3f}, to the "
        f"input's {to_input.mean():.3f}",
    )


def time_averaged(X):
    msd = [np.square(X[:, lag:] - X[:, :-lag]).mean() for lag in LAGS]
    return float(np.polyfit(np.log(LAGS), np.log(msd), 1)[0])


def ensemble(X):
    msd = np.square(X[:, TIMES] - X[:, :1]).mean(axis=(0, 2))
    return float(np.polyfit(np.log(TIMES), np.log(np.maximum(msd, 1e-300)), 1)[0])


if __name__ == "__main__":
    main()
