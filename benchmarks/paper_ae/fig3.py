"""Fig. 3: autoencoders of FBM or SBM, trained on all, low or high exponents (T = 20).

python benchmarks/paper_ae/fig3.py --jobs 2 --folder ~/fig3
"""

import numpy as np
from common import ALL_ALPHA, Run, balanced, parser, table

MODELS = ("fbm", "sbm")
LOW, HIGH = ALL_ALPHA[ALL_ALPHA <= 1], ALL_ALPHA[ALL_ALPHA >= 1]
RANGES = {"all": (ALL_ALPHA, 160_000, 512), "low": (LOW, 80_000, 256), "high": (HIGH, 80_000, 512)}
T = 20


def main() -> None:
    run = Run("fig3", parser(__doc__, repeats=10).parse_args())
    test, model, alpha = balanced(MODELS, ALL_ALPHA, run.n(38_000, least=190), T, seed=2)
    curves = {}  # (training model, training range, test model) -> MSE by test alpha
    for name, (alphas, n, batch_size) in RANGES.items():
        X, kind, _ = balanced(MODELS, alphas, run.n(n), T, seed=1)
        errors = run.fit(X, kind, batch_size).errors(test)
        for k, trained in enumerate(MODELS):
            for tested in MODELS:
                curves[trained, name, tested] = np.array(
                    [errors[(model == tested) & (alpha == a), k].mean() for a in ALL_ALPHA]
                )
    for tested in MODELS:
        chosen = {f"{a} {r}": v for (a, r, t), v in curves.items() if t == tested}
        columns = [f"{a:g}" for a in ALL_ALPHA]
        table(f"Fig. 3, tested on {tested}", list(chosen), columns, np.array([*chosen.values()]))
    run.report("mse_by_alpha", {" ".join(k): v.round(5).tolist() for k, v in curves.items()})
    claims(run, curves)
    run.finish()


def claims(run, curves):
    low, high = ALL_ALPHA < 1, ALL_ALPHA > 1
    for name, inside, outside in (("low", low, high), ("high", high, low)):
        curve = curves["fbm", name, "fbm"]
        a, b = curve[inside].mean(), curve[outside].mean()
        run.claim(
            f"3: an FBM AE trained on the {name} half of α is good only there",
            b > 2 * a,
            f"MSE {a:.3f} inside, {b:.3f} outside (> 2 times)",
        )
    for name in RANGES:
        curve = curves["sbm", name, "sbm"]
        run.claim(
            f"3: an SBM AE ({name} α) is flat over all α",
            curve.max() < 2 * curve.min(),
            f"MSE from {curve.min():.3f} to {curve.max():.3f} (within a factor of 2)",
        )
    on_sbm, on_fbm = (curves["fbm", "all", t][low].mean() for t in ("sbm", "fbm"))
    run.claim(
        "3: the FBM AE of all α reproduces subdiffusive SBM better than FBM",
        on_sbm < on_fbm,
        f"MSE {on_sbm:.3f} on SBM, {on_fbm:.3f} on FBM, α < 1",
    )


if __name__ == "__main__":
    main()
