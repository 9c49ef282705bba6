"""MAE and F1 against length, beside WADNet's published curves (its Fig. 3c, d).

    python benchmarks/paper/length.py

The curves are on the natural mix of `andi-2020`, cut from 1000 points. The published ones are on
trajectories made at their final length (`andi-2020-fixed`); 2 000 of those per length are scored
too, a kind of trajectory that the shipped networks were not trained on.
"""

import numpy as np
import pandas as pd
from common import DIMS, SEED, Run, axes, mean_and_error, predict_set

LENGTHS = [10, 25, 50, 100, 250, 500, 950]
# WADNet's validation at fixed length, read off its Fig. 3c, d to ±.002.
PUBLISHED = {
    "alpha": {
        1: [0.388, 0.313, 0.257, 0.207, 0.152, 0.124, 0.104],
        2: [0.354, 0.274, 0.219, 0.175, 0.135, 0.119, 0.102],
        3: [0.320, 0.237, 0.183, 0.144, 0.111, 0.098, 0.089],
    },
    "model": {
        1: [0.449, 0.589, 0.693, 0.784, 0.869, 0.912, 0.938],
        2: [0.522, 0.680, 0.780, 0.850, 0.913, 0.938, 0.957],
        3: [0.601, 0.783, 0.873, 0.921, 0.956, 0.964, 0.972],
    },
}
EDGES = [10, 20, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
PER_FIXED_LENGTH = 2_000


def main() -> None:
    run = Run("length", __doc__)
    figure, panels = axes(2, height=2.6)
    curves = {}
    for ax, task, label in zip(panels[0], ("alpha", "model"), ("MAE of α", "F1 of the model")):
        for d in DIMS:
            table = run.predictions(task, d)
            bins = pd.cut(table["length"], EDGES, right=False)
            curve = mean_and_error(table.groupby(bins, observed=True))
            curves[task, d] = curve["score"].to_numpy()
            run.tables[f"{task} {d}D"] = {str(k): dict(row) for k, row in curve.iterrows()}
            middle = [interval.mid for interval in curve.index]
            colour = f"C{d - 1}"
            ax.errorbar(middle, curve["score"], curve["error"], color=colour, label=f"{d}D")
            fixed = [fixed_length(run.options.preset, task, d, T) for T in LENGTHS]
            run.tables[f"{task} {d}D at fixed length"] = dict(zip(map(str, LENGTHS), fixed))
            ax.plot(LENGTHS, fixed, "o", color=colour, ms=3)
            ax.plot(LENGTHS, PUBLISHED[task][d], ":", color=colour)
        ax.set(xscale="log", xlabel="points", ylabel=label)
    panels[0, 1].legend(
        title="lines: cut, dots: at length\ndotted: WADNet, published",
        loc="lower right",
        fontsize=6,
        title_fontsize=6,
    )
    findings(run, curves)
    run.finish(figure)


def fixed_length(preset: str, task: str, n_dims: int, T: int) -> float:
    """Mean score on trajectories made at their final length."""
    seed = np.random.SeedSequence([SEED, n_dims, task == "model", T])
    return float(
        predict_set(
            task, n_dims, PER_FIXED_LENGTH, preset,
            recipe="andi-2020-fixed", length=T, random_state=seed,
        )["score"].mean()
    )  # fmt: skip


def findings(run: Run, curves: dict) -> None:
    for task, sign, name in (("alpha", -1, "MAE"), ("model", 1, "F1")):
        better = {d: sign * np.diff(curves[task, d]) for d in DIMS}
        run.finding(
            f"{name} improves with T",
            all((steps > -0.015).all() and steps.sum() > 0.1 for steps in better.values()),
            "largest step backwards "
            + ", ".join(f"{max(0, -steps.min()):.3f} ({d}D)" for d, steps in better.items()),
        )
        gain = sign * (np.stack([curves[task, d + 1] - curves[task, d] for d in (1, 2)]))
        run.finding(
            f"{name} improves with d, at every length",
            (gain > 0).all(),
            f"least gain per dimension {gain.min():.3f}, mean {gain.mean():.3f}",
        )
        late = {d: sign * (curves[task, d][-2:].mean() - curves[task, d][-4]) for d in DIMS}
        early = {d: sign * (curves[task, d][-5] - curves[task, d][0]) for d in DIMS}
        run.finding(
            f"{name} is nearly flat beyond 600 points",
            all(late[d] < 0.1 * early[d] for d in DIMS),
            "gain from 600 to 900 points " + ", ".join(f"{late[d]:.3f} ({d}D)" for d in DIMS)
            + "; from 15 to 550 " + ", ".join(f"{early[d]:.3f} ({d}D)" for d in DIMS),
        )  # fmt: skip


if __name__ == "__main__":
    main()
