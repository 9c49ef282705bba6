"""Fig. 3: autoencoders of FBM or SBM, trained on all, low or high exponents (T = 20).

    python benchmarks/paper_ae/fig3.py --jobs 2 --folder ~/fig3

The paper does not say how many networks a curve is the mean of; ``--repeats 10`` trains ten.
"""

import numpy as np
from common import ALL_ALPHA, INFERENCES, Run, balanced, inputs_of, member_errors, parser, table

MODELS = ("fbm", "sbm")
LOW, HIGH = ALL_ALPHA[ALL_ALPHA <= 1], ALL_ALPHA[ALL_ALPHA >= 1]
RANGES = {"all": (ALL_ALPHA, 160_000, 512), "low": (LOW, 80_000, 256), "high": (HIGH, 80_000, 512)}
T = 20


def main() -> None:
    run = Run("fig3", parser(__doc__, repeats=1).parse_args())
    test, model, alpha = balanced(MODELS, ALL_ALPHA, run.n(38_000, least=190), T, seed=2)
    fingerprints = {}
    for name, (alphas, n, batch_size) in RANGES.items():
        X, kind, _ = balanced(MODELS, alphas, run.n(n), T, seed=1)
        fingerprints[name] = run.fit(X, kind, batch_size)

    def by_alpha(values, tested):
        return np.array([values[(model == tested) & (alpha == a)].mean(axis=0) for a in ALL_ALPHA])

    power = np.square(inputs_of(test, T)).mean(axis=(1, 2))
    power = {tested: by_alpha(power, tested) for tested in MODELS}
    run.report("mean square of the inputs", {m: v.round(3).tolist() for m, v in power.items()})
    for inference in INFERENCES:
        curves = {}  # (training model, training range, test model) -> MSE by test alpha
        groups = np.column_stack([model == MODELS[0], alpha])
        for name, fingerprint in fingerprints.items():
            errors = member_errors(fingerprint, test, groups, inference)
            for k, trained in enumerate(MODELS):
                for tested in MODELS:
                    which = f"{inference}: {trained} {name} {tested}"
                    each = run.gather(which, by_alpha(errors[:, k], tested))
                    curves[trained, name, tested] = each.mean(axis=-1)
        for tested in MODELS:
            chosen = {f"{a} {r}": v for (a, r, t), v in curves.items() if t == tested}
            columns = [f"{a:g}" for a in ALL_ALPHA]
            title = f"Fig. 3, {inference}, tested on {tested}"
            table(title, list(chosen), columns, np.array([*chosen.values()]))
        found = {" ".join(k): v.round(5).tolist() for k, v in curves.items()}
        run.report(f"mse_by_alpha, {inference}", found)
        claims(run, inference, curves, power)
    run.finish()


def claims(run, inference, curves, power):
    """Networks are compared at the same exponents: inputs of FBM grow with α a hundredfold."""
    low, high = ALL_ALPHA < 1, ALL_ALPHA > 1
    for name, other, outside in (("low", "high", high), ("high", "low", low)):
        own, foreign = (curves["fbm", r, "fbm"][outside].mean() for r in (other, name))
        run.claim(
            f"3, {inference}: an FBM AE trained on the {name} half of α is good only there",
            foreign > 2 * own,
            f"in the other half MSE {foreign:.3f}, where the AE of that half has {own:.3f} "
            "(> 2 times)",
        )
    for name in RANGES:
        curve = curves["sbm", name, "sbm"]
        run.claim(
            f"3, {inference}: an SBM AE ({name} α) is flat over all α",
            curve.max() < 2 * curve.min(),
            f"MSE from {curve.min():.3f} to {curve.max():.3f} (within a factor of 2)",
        )
    on_sbm, on_fbm = (curves["fbm", "all", t][low] for t in ("sbm", "fbm"))
    relative = [(c / power[t][low]).mean() for t, c in (("sbm", on_sbm), ("fbm", on_fbm))]
    run.claim(
        f"3, {inference}: the FBM AE of all α reproduces subdiffusive SBM better than FBM",
        on_sbm.mean() < on_fbm.mean(),
        f"MSE {on_sbm.mean():.3f} on SBM, {on_fbm.mean():.3f} on FBM, α < 1; of the inputs' mean "
        f"square {relative[0]:.1%} and {relative[1]:.1%}",
    )


if __name__ == "__main__":
    main()
