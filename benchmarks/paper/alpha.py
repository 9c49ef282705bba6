"""True against predicted α, and the error by α, by model and by noise (WADNet's Figs. 4 to 6).

python benchmarks/paper/alpha.py
"""

import numpy as np
from common import DIMS, Run, axes, by_model, mean_and_error, told

from skandi.diffusion import ALPHA_GRID, MODELS


def main() -> None:
    run = Run("alpha", __doc__)
    figure, panels = axes(3, 3)
    tables = {d: run.predictions("alpha", d) for d in DIMS}
    edges = np.append(ALPHA_GRID - 0.025, 2.025)
    for d, column in zip(DIMS, panels.T):
        table = tables[d]
        counts, _, _ = np.histogram2d(table["true"], table["predicted"], bins=(edges, edges))
        share = counts / counts.sum(axis=1, keepdims=True)
        column[0].pcolormesh(edges, edges, share.T, cmap="cividis", vmax=0.3)
        column[0].set(title=f"{d}D", xlabel="true α", ylabel="predicted α")
        curve = mean_and_error(table.groupby("alpha"))
        run.tables[f"MAE by α {d}D"] = curve["score"].round(4).to_dict()
        column[1].errorbar(curve.index, curve["score"], curve["error"])
        column[1].set(xlabel="true α", ylabel="MAE", ylim=(0, None))
        for snr, group in table.groupby("snr"):
            column[2].plot(MODELS, by_model(group), "o-", ms=3, label=f"SNR {snr}")
        column[2].set(ylabel="MAE", ylim=(0, 1.3 * column[2].get_ylim()[1]))
        column[2].legend(ncols=3, loc="upper center", fontsize=5)
        run.tables[f"MAE by model {d}D"] = by_model(table).round(4).to_dict()
        run.tables[f"MAE by SNR {d}D"] = mean_and_error(table.groupby("snr"))["score"].to_dict()
    by_kind(run, tables)
    by_exponent(run, tables)
    by_noise(run, tables)
    run.finish(figure)


def by_kind(run: Run, tables: dict) -> None:
    mae = {d: by_model(tables[d]) for d in DIMS}
    run.finding(
        "FBM has the smallest MAE of the five models",
        all(m.idxmin() == "fbm" for m in mae.values()),
        "; ".join(f"{d}D: {told(m)}" for d, m in mae.items()),
    )
    run.finding(
        "CTRW and LW come next, ATTM and SBM are worst",
        all(m[["ctrw", "lw"]].max() < m[["attm", "sbm"]].min() for m in mae.values()),
        "as above",
    )
    change = mae[1] - mae[3]
    run.finding(
        "CTRW and LW are almost independent of d, ATTM and SBM improve with it",
        change[["ctrw", "lw"]].max() < 0.5 * change[["attm", "sbm"]].min(),
        f"MAE in 1D less that in 3D: {told(change)}",
    )


def by_exponent(run: Run, tables: dict) -> None:
    mae = {d: tables[d].groupby("alpha")["score"].mean() for d in DIMS}
    at_one = {d: m[[0.95, 1.0, 1.05]].mean() for d, m in mae.items()}
    beside = {d: m[[0.75, 0.8, 1.2, 1.25]].mean() for d, m in mae.items()}
    run.finding(
        "The MAE is larger at α≈1 than at its neighbours",
        all(at_one[d] > beside[d] for d in DIMS),
        "; ".join(f"{d}D: {at_one[d]:.3f} against {beside[d]:.3f}" for d in DIMS),
    )
    low, middle = ({d: m[list(a)].mean() for d, m in mae.items()} for a in ([0.05], [0.4, 0.5]))
    run.finding(
        "The MAE is large at α→0",
        all(low[d] > middle[d] for d in DIMS),
        "; ".join(f"{d}D: {low[d]:.3f} at .05, {middle[d]:.3f} at .4-.5" for d in DIMS),
    )
    bias = {}
    for d, table in tables.items():
        near = table[(table["alpha"] - 1).abs() < 0.06]
        bias[d] = (near["predicted"] - near["true"]).mean()
    run.finding(
        "α≈1 is read as subdiffusive in 1D and 2D, less so in 3D",
        bias[1] < -0.01 and bias[2] < -0.01 and bias[3] > max(bias[1], bias[2]),
        "mean of predicted less true: " + ", ".join(f"{b:+.3f} ({d}D)" for d, b in bias.items()),
    )


def by_noise(run: Run, tables: dict) -> None:
    mae = {d: tables[d].groupby("snr")["score"].mean() for d in DIMS}
    spread = {d: (m.max() - m.min()) / m.mean() for d, m in mae.items()}
    run.finding(
        "The SNR matters slightly for the MAE in 1D and hardly in 2D and 3D",
        spread[1] < 0.35 and max(spread[2], spread[3]) < min(0.2, spread[1]),
        "; ".join(f"{d}D: {told(mae[d])} (range {100 * spread[d]:.0f} %)" for d in DIMS),
    )


if __name__ == "__main__":
    main()
