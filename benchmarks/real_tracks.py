"""Read measured tracks with the bundled networks and hold the answers against what is known.

    python benchmarks/real_tracks.py                 # prints the table, writes the JSON
    python benchmarks/real_tracks.py --write-docs    # and puts it into docs/real-tracks.md

The measured tracks are no part of skandi; they are looked for in ../shared/data/real beside the
checkout, or in --folder. Per file: how many tracks could be read and why others could not, the
median α with a bootstrap interval over tracks, the median of fits to the time-averaged MSD, and the
model found most often, beside what a right answer looks like.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi import __version__, analyse, read_tracks
from skandi.diffusion import MODELS
from skandi.io import Tracks
from skandi.pretrained import shipped_weights

ROOT = Path(__file__).parents[1]
FOLDER = ROOT.parent / "shared" / "data" / "real"
RESULTS = Path(__file__).parent / "results" / "real_tracks.json"
DOCS = ROOT / "docs" / "real-tracks.md"
TABLE_START, TABLE_END = "<!-- table: start -->\n", "<!-- table: end -->\n"

FIT_LAGS = (1, 10)
N_BOOTSTRAP = 2000
WATER = "beads_water_1um_trackpy.csv"


@dataclass(frozen=True)
class DataSet:
    """A file of measured tracks, and what a right answer for it looks like."""

    file: str
    expected: str
    every: int = 1

    @property
    def name(self) -> str:
        """What the table calls it."""
        stem = Path(self.file).stem
        return stem if self.every == 1 else f"{stem}, every {self.every}th frame"


DATA = (
    DataSet(WATER, "Brownian, α ≈ 1; exposure blur lifts the fit at short lags (1.13)"),
    DataSet(WATER, "the same without blur: α ≈ 1", every=4),
    DataSet("mucus_hbe_1um_beads_first600.csv", "subdiffusive, like FBM: α ≈ 0.63–0.70"),
    DataSet("beads_on_dictyostelium_29um.csv", "superdiffusive: α ≈ 1.31"),
    DataSet("beads_on_dictyostelium_61um.csv", "superdiffusive, less than 29 µm: α ≈ 1.16"),
    DataSet("beads_on_dictyostelium_100um.csv", "least of the three sizes: α ≈ 1.02"),
    DataSet("immune_TCells.csv", "persistent: α ≈ 1.29"),
    DataSet("immune_BCells.csv", "persistent: α ≈ 1.61"),
    DataSet("immune_Neutrophils.csv", "persistent: α ≈ 1.26"),
    DataSet("nuclear_C2C12_40nm_SC35.csv", "subdiffusive: α ≈ 0.6–0.8"),
    DataSet("saspt_sample_tracks.csv", "median 4 points: most are too short to read"),
)


def ta_msd_alpha(x: NDArray[np.float64]) -> float:
    """Slope of log TA-MSD against log lag at lags 1–10, no more than a third of the track."""
    last = min(FIT_LAGS[1], len(x) // 3)
    if last < 3:
        return np.nan
    lags = np.arange(FIT_LAGS[0], last + 1)
    msd = [np.square(x[lag:] - x[:-lag]).sum(axis=1).mean() for lag in lags]
    if min(msd) <= 0:
        return np.nan
    return float(np.polyfit(np.log(lags), np.log(msd), 1)[0])


def step_figures(x: NDArray[np.float64]) -> tuple[float, float]:
    """Kurtosis of the steps (3 if Gaussian) and correlation of a step with the next one."""
    steps = np.diff(x, axis=0)
    power = np.square(steps).mean()
    return (
        float((steps**4).mean() / power**2),
        float((steps[1:] * steps[:-1]).mean() / power),
    )


def median_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of the median, over tracks."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(values), size=(N_BOOTSTRAP, len(values)))
    low, high = np.quantile(np.median(values[drawn], axis=1), (0.025, 0.975))
    return float(low), float(high)


def measure(data: DataSet, folder: Path) -> dict[str, object]:
    """One row of the table."""
    tracks = read_tracks(folder / data.file)
    if data.every > 1:
        thinned = [x[:: data.every] for x in tracks.trajectories]
        tracks = Tracks.from_trajectories(thinned, ids=tracks.ids)
    table = analyse(tracks)
    read = table["alpha"].notna()
    skipped = table.loc[~read, "note"].str.replace(r": .*", "", regex=True).value_counts()
    chosen = [x for x, ok in zip(tracks.trajectories, read, strict=True) if ok]
    fits = np.array([ta_msd_alpha(x) for x in chosen])
    kurtosis, autocorrelation = np.median([step_figures(x) for x in chosen], axis=0)
    alpha = table.loc[read, "alpha"].to_numpy()
    models = table.loc[read, "model"].value_counts(normalize=True)
    return {
        "name": data.name,
        "n_tracks": len(table),
        "n_read": int(read.sum()),
        "skipped": {reason: int(n) for reason, n in skipped.items()},
        "read_report": [] if tracks.report is None else tracks.report.to_dict()["steps"],
        "n_dims": tracks.n_dims,
        "median_points": float(np.median(tracks.n_points[read])),
        "alpha_median": float(np.median(alpha)),
        "alpha_median_interval": median_interval(alpha),
        "ta_msd_median": float(np.nanmedian(fits)),
        "model_shares": {model: float(models.get(model, 0.0)) for model in MODELS},
        "alpha_median_by_model": table.loc[read].groupby("model")["alpha"].median().to_dict(),
        "step_kurtosis_median": float(kurtosis),
        "step_autocorrelation_median": float(autocorrelation),
        "mean_probability": table.loc[read, [f"p_{m}" for m in MODELS]].mean().round(4).to_dict(),
        "expected": data.expected,
    }


def markdown(rows: list[dict]) -> str:
    """The table as it stands in the documentation."""
    lines = [
        "| file | tracks | read | points | skipped | α, median [95 %] | α of TA-MSD fits "
        "| model | a right answer |",
        "|---|--:|--:|--:|---|---|--:|---|---|",
    ]
    for row in rows:
        low, high = row["alpha_median_interval"]
        skipped = ", ".join(f"{n} {reason}" for reason, n in row["skipped"].items()) or "none"
        model, share = max(row["model_shares"].items(), key=lambda item: item[1])
        lines.append(
            f"| {row['name']} | {row['n_tracks']} | {row['n_read']} | {row['median_points']:.0f} "
            f"| {skipped} | {row['alpha_median']:.2f} [{low:.2f}, {high:.2f}] "
            f"| {row['ta_msd_median']:.2f} | {model.upper()} {share:.0%} | {row['expected']} |"
        )
    return "\n".join(lines) + "\n"


def write_docs(table: str) -> None:
    """Put the table between its marks in the documentation."""
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_START)
    _, end, after = rest.partition(TABLE_END)
    if not end:
        raise SystemExit(f"{DOCS} has lost the marks {TABLE_START!r} and {TABLE_END!r}")
    DOCS.write_text(before + TABLE_START + table + TABLE_END + after, encoding="utf-8")


def main() -> None:
    """Measure every file, print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the CSV files are")
    parser.add_argument("--write-docs", action="store_true", help=f"update {DOCS.name}")
    arguments = parser.parse_args()
    missing = [data.file for data in DATA if not (arguments.folder / data.file).exists()]
    if missing:
        raise SystemExit(f"{arguments.folder} has no {', '.join(sorted(set(missing)))}")
    rows = [measure(data, arguments.folder) for data in DATA]
    table = markdown(rows)
    print(table)
    weights = {
        f"{d}d": hashlib.sha256(shipped_weights(d).read_bytes()).hexdigest()[:16]
        for d in sorted({row["n_dims"] for row in rows})
    }
    kept = {
        "skandi": __version__,
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "weights_sha256": weights,
        "fit_lags": FIT_LAGS,
        "n_bootstrap": N_BOOTSTRAP,
        "rows": rows,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.write_docs:
        write_docs(table)


if __name__ == "__main__":
    main()
