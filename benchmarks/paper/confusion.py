"""Confusion matrices, precision and recall, F1 by α and by noise (WADNet's Figs. 7 and 8).

python benchmarks/paper/confusion.py
"""

import numpy as np
import pandas as pd
from common import DIMS, Run, axes, mean_and_error, told
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from skandi.diffusion import MODELS
from skandi.plot import ConfusionDisplay


def main() -> None:
    run = Run("confusion", __doc__)
    figure, panels = axes(3, 3, height=2.3)
    tables = {d: run.predictions("model", d) for d in DIMS}
    scores = {}
    for d, column in zip(DIMS, panels.T):
        true, predicted = tables[d]["true"], tables[d]["predicted"]
        matrix = confusion_matrix(true, predicted, labels=list(MODELS), normalize="true")
        ConfusionDisplay(matrix, display_labels=[m.upper() for m in MODELS]).plot(ax=column[0])
        column[0].set(title=f"{d}D", ylabel="true model")
        column[0].tick_params(axis="x", rotation=45)
        scores[d] = precision_and_recall(true, predicted)
        column[1].plot(MODELS, scores[d]["precision"], "o", ms=4, label="precision")
        column[1].plot(MODELS, scores[d]["recall"], "s", ms=4, label="recall")
        low, high = column[1].get_ylim()
        column[1].set_ylim(low, high + 0.25 * (high - low))
        column[1].legend(ncols=2, loc="upper center", fontsize=6)
        column[1].tick_params(axis="x", rotation=45)
        curve = mean_and_error(tables[d].groupby("alpha"))
        column[2].errorbar(curve.index, curve["score"], curve["error"])
        column[2].set(xlabel="true α", ylabel="share classified rightly")
        run.tables[f"confusion {d}D"] = matrix.round(4).tolist()
        run.tables[f"precision and recall {d}D"] = scores[d].round(4).to_dict("index")
        run.tables[f"F1 by α {d}D"] = curve["score"].round(4).to_dict()
    by_kind(run, tables, scores)
    by_exponent(run, tables)
    by_noise(run, tables)
    run.finish(figure)


def precision_and_recall(true: pd.Series, predicted: pd.Series) -> pd.DataFrame:
    """Both for each model, and the accuracy of telling it from all others."""
    precision, recall, _, _ = precision_recall_fscore_support(true, predicted, labels=list(MODELS))
    apart = [((true == m) == (predicted == m)).mean() for m in MODELS]
    return pd.DataFrame({"precision": precision, "recall": recall, "apart": apart}, index=MODELS)


def by_kind(run: Run, tables: dict, scores: dict) -> None:
    run.finding(
        "LW and CTRW are told from all else with more than 98 % accuracy in every d",
        all(s.loc[["lw", "ctrw"], "apart"].min() > 0.98 for s in scores.values()),
        "; ".join(f"{d}D: {told(s['apart'])}" for d, s in scores.items()),
    )
    excess = {d: s["recall"] - s["precision"] for d, s in scores.items()}
    figures = "recall less precision: " + "; ".join(f"{d}D: {told(e)}" for d, e in excess.items())
    run.finding(
        "Recall is below precision for ATTM",
        all(e["attm"] < 0 for e in excess.values()),
        figures,
    )
    run.finding(
        "Recall is above precision for FBM and CTRW",
        all(e[["fbm", "ctrw"]].min() > 0 for e in excess.values()),
        "as above",
    )
    run.finding(
        "Recall and precision are equal for LW and SBM, to .02",
        all(e[["lw", "sbm"]].abs().max() < 0.02 for e in excess.values()),
        "as above",
    )


def by_exponent(run: Run, tables: dict) -> None:
    right = {d: tables[d].groupby("alpha")["score"].mean() for d in DIMS}
    inner = {d: r.rolling(3, center=True).mean().loc[0.2:1.8] for d, r in right.items()}
    run.finding(
        "Classification is worst at α≈1 (α→0 set aside)",
        all(abs(r.idxmin() - 1) < 0.16 for r in inner.values()),
        "; ".join(f"{d}D: worst at {r.idxmin():.2f}, {r.min():.3f}" for d, r in inner.items()),
    )
    loss = {d: r[[0.3, 0.35, 0.4]].mean() - r[0.05] for d, r in right.items()}
    run.finding(
        "Classification is poor at α→0 in 1D and 2D only",
        min(loss[1], loss[2]) > 0.03 and loss[3] < 0.03,
        "share right at .3-.4 less that at .05: " + ", ".join(f"{v:+.3f} ({d}D)" for d, v in
                                                              loss.items()),
    )  # fmt: skip


def by_noise(run: Run, tables: dict) -> None:
    right = {d: tables[d].groupby("snr")["score"].mean() for d in DIMS}
    spread = {d: float(np.ptp(r)) for d, r in right.items()}
    run.finding(
        "The SNR matters slightly for F1 in 1D and hardly in 2D and 3D",
        spread[1] < 0.1 and max(spread[2], spread[3]) < min(0.05, spread[1]),
        "; ".join(f"{d}D: {told(right[d])}" for d in DIMS),
    )


if __name__ == "__main__":
    main()
