"""Fig. 2: an autoencoder per model, and its error on every model and exponent (T = 20).

    python benchmarks/paper_ae/fig2.py --jobs 2 --folder ~/fig2      # background: hours
    python benchmarks/paper_ae/fig2.py --shared-batch-norm ...               # the authors' network

Claim 2a is looked at by row (for a network, on which data is its error smallest) and by column (for
data of a model, which network's error is smallest), with and without tracks that never move, with
fixed statistics, and with those of the batch, of one model or of all four in equal parts.
"""

import numpy as np
from common import (
    BATCH,
    FIXED,
    INFERENCES,
    SUBDIFFUSIVE,
    Run,
    balanced,
    inputs_of,
    member_errors,
    moves,
    parser,
    table,
)

MODELS = ("attm", "ctrw", "fbm", "sbm")
T = 20
MIXED = "mixed batches"


def main() -> None:
    options = parser(__doc__, repeats=10)
    options.add_argument("--shared-batch-norm", action="store_true")
    options = options.parse_args()
    run = Run("fig2_shared" if options.shared_batch_norm else "fig2", options)
    X, model, _ = balanced(MODELS, SUBDIFFUSIVE, run.n(80_000), T, seed=1)
    fingerprint = run.fit(X, model, 256, shared_batch_norm=options.shared_batch_norm)
    X, model, alpha = balanced(MODELS, SUBDIFFUSIVE, run.n(20_000), T, seed=2)
    moving = moves(X)
    run.report("share_that_never_moves", {m: float((~moving[model == m]).mean()) for m in MODELS})
    power = np.square(inputs_of(X, T)).mean(axis=(1, 2))
    own = np.array([power[moving & (model == m)].mean() for m in MODELS])
    table("Mean square of the inputs that move", ["all α"], list(MODELS), own)
    run.report("mean square of the inputs that move", dict(zip(MODELS, own.round(3).tolist())))

    for inference in (FIXED, BATCH, MIXED):
        errors = by_inference(fingerprint, X, model, inference)
        for tracks, kept in (("all tracks", np.full(len(X), True)), ("moving tracks", moving)):
            claim_2a(run, f"{inference}, {tracks}", errors[kept], model[kept])
    for inference in INFERENCES:
        of_one_alpha = np.column_stack([np.unique(model, return_inverse=True)[1], alpha])
        errors = member_errors(fingerprint, X, of_one_alpha, inference)
        claim_2b(run, inference, errors, model, alpha)
    run.finish()


def by_inference(fingerprint, X, model, inference):
    """Errors with the batches of an inference: of one model, or of all of them."""
    if inference != MIXED:
        return member_errors(fingerprint, X, model, inference)
    order = np.random.default_rng(0).permutation(len(X))
    errors = np.empty((len(X), len(MODELS), fingerprint.n_repeats))
    errors[order] = member_errors(fingerprint, X[order], np.zeros(len(X)), BATCH)
    return errors


def claim_2a(run, setting, errors, model):
    """Rows are networks, columns are test data; mean over networks of one kind."""
    per_network = np.stack([errors[model == m].mean(axis=0) for m in MODELS], axis=1)
    per_network = run.gather(f"2a {setting}", per_network)
    mean, std = per_network.mean(axis=-1), per_network.std(axis=-1)
    rows, columns = [f"AE {m}" for m in MODELS], list(MODELS)
    table(f"Fig. 2a, {setting}: mean MSE", rows, columns, mean)
    run.report(f"2a {setting}: mean", mean)
    several = per_network.shape[-1] > 1
    run.report(f"2a {setting}: std over networks", std if several else None)

    def told(k, data):
        return f"{mean[k, data]:.3f}" + (f" ± {std[k, data]:.3f}" if several else "")

    for k, name in enumerate(MODELS):
        best = MODELS[int(mean[k].argmin())]
        run.claim(
            f"2a row, {setting}: the {name} AE errs least on {name}",
            best == name,
            f"least on {best}: {told(k, mean[k].argmin())}; on its own {told(k, k)}",
        )
        best = MODELS[int(mean[:, k].argmin())]
        run.claim(
            f"2a column, {setting}: {name} data are reproduced best by the {name} AE",
            best == name,
            f"best by {best}: {mean[:, k].min():.3f}; by its own {mean[k, k]:.3f}",
        )
    fbm = MODELS.index("fbm")
    others = [k for k in range(4) if k != fbm]
    ratio = mean[others, fbm] / mean[others, others]
    run.claim(
        f"2a, {setting}: on FBM the other AEs err about ten times more than on their own model",
        bool((ratio > 5).all()),
        "ratios " + " ".join(f"{MODELS[k]} {r:.2f}" for k, r in zip(others, ratio)) + " (> 5)",
    )
    worst = mean[:, others].argmax(axis=0)
    run.claim(
        f"2a, {setting}: the FBM AE errs most on the other models",
        bool((worst == fbm).all()),
        "worst on " + ", ".join(f"{MODELS[k]}: {MODELS[w]}" for k, w in zip(others, worst)),
    )
    attm, sbm = MODELS.index("attm"), MODELS.index("sbm")
    factor = np.exp(np.abs(np.log(mean[attm] / mean[sbm])))
    run.claim(
        f"2a, {setting}: the ATTM and SBM AEs look alike",
        bool((factor < 1.5).all()),
        "factors between them " + " ".join(f"{v:.2f}" for v in factor) + " (< 1.5)",
    )
    factor = np.exp(np.abs(np.log(mean[:, attm] / mean[:, sbm])))
    run.claim(
        f"2a, {setting}: ATTM and SBM data look alike to every AE",
        bool((factor < 1.5).all()),
        "factors between them " + " ".join(f"{v:.2f}" for v in factor) + " (< 1.5)",
    )


def claim_2b(run, inference, errors, model, alpha):
    by_alpha = np.array(
        [[errors[(model == m) & (alpha == a)].mean(axis=0) for a in SUBDIFFUSIVE] for m in MODELS]
    )  # test model, alpha, network, repetition
    by_alpha = run.gather(f"2b-e, {inference}", by_alpha).mean(axis=-1)
    run.report(f"2b-e, {inference}: mean MSE by test model, alpha, network", by_alpha)
    columns = [f"{a:g}" for a in SUBDIFFUSIVE]
    for k, name in enumerate(MODELS):
        title = f"Fig. 2{'bcde'[k]}, {inference}: the {name} AE"
        table(title, list(MODELS), columns, by_alpha[:, :, k])
        at_one = by_alpha[:, -1, k]
        run.claim(
            f"2b-e, {inference}: at α = 1 the {name} AE errs alike on all models",
            bool(at_one.max() < 1.25 * at_one.min()),
            " ".join(f"{m} {v:.3f}" for m, v in zip(MODELS, at_one)) + " (within 25 %)",
        )


if __name__ == "__main__":
    main()
