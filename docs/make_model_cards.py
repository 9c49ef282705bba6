"""Write the page with a card per weight file, from the files themselves and measured results.

    python benchmarks/andi2020.py -n 100000
    python benchmarks/calibration.py -n 5000 --ece 100000
    python docs/make_model_cards.py

The page says of each number which file it is from. It is committed, because results are measured
rarely and documentation is built often; a test compares it with the weight files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skandi.diffusion import MODELS
from skandi.pretrained import shipped_weights
from skandi.weights import load_weights

PAGE = Path(__file__).parent / "model-cards.md"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
DIMS = (1, 2, 3)
LENGTHS = ("[10, 25)", "[25, 50)", "[50, 100)", "[100, 300)", "[300, 1000)")

INTRODUCTION = """# The bundled weights

A card for each weight file that comes with skandi: what it is, what it was trained on, what that
cost, how good it is where, and where it is not to be trusted. `docs/make_model_cards.py` writes
this page from the weight files and from `benchmarks/results/`; `skandi info` prints the short form.

## For all of them

**What for.** The exponent α and the model of single tracks of 10 to about 1000 points at equal time
steps, as `load_pretrained`, `analyse` and `skandi predict` give them.

**Network.** `MultiScaleNet`, whose trunk serves α (a distribution over 40 values) and the model
(five probabilities). Where a file has two networks, the preset `fast` asks the first, and `best`
both. A network may have begun as one of another dimension; its first stages then name that one.

**Data.** Simulated trajectories of the recipe `andi-2020` ([what that is](benchmark-data.md)), each
seen once: five models, α from 0.05 to 2, noise of SNR 10, 2 or 1 per axis, cut from 1000 points. No
measured track was used.

**Known weaknesses.**

- ATTM is recognised least often in one and two dimensions (in three it is SBM, by a little), and
  its α has the largest error over all lengths: a track may show a single diffusivity, and then
  nothing tells it from Brownian motion. Below 50 points the error of SBM is larger.
- At α near 1 the five models are nearly or exactly the same motion; which is named is a matter of
  how frequent each is in the training data.
- Tracks without any noise lie outside the training data, and so do confinement, drift, switching
  and motion blur. [Measured tracks](real-tracks.md) lists measured kinds of motion that are read
  wrongly.
- Intervals and probabilities are true for the mix of models, lengths and noise of `andi-2020`, not
  for every mix.
- In one dimension a Lévy walk of a single flight is an exact line; the scores without them are on
  the page [accuracy](accuracy.md).
"""


def main() -> None:
    parts = [INTRODUCTION]
    scores = json.loads((RESULTS / "andi2020_fast.json").read_text())
    calibration = json.loads((RESULTS / "calibration_fast.json").read_text())
    for d in DIMS:
        config, _ = load_weights(shipped_weights(d))
        parts += [
            f"## {d}D: `{shipped_weights(d).name}`\n",
            training(config),
            score_tables(scores, d),
            honesty(calibration, d),
        ]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def training(config: dict[str, Any]) -> str:
    """Every stage that led to the weights."""
    cards = [config["training"], *(other["training"] for other in config.get("others", []))]
    stages = [(k, s) for k, card in enumerate(cards, 1) for s in (*card.get("earlier", []), card)]
    rows = [
        f"| {k} | {s['n_dims']} | {s['optimizer']} | {s['steps_done']} | {s['trajectories']:,} "
        f"| {s['core_hours']} | {s['precision']} | {s['seed']} |"
        for k, s in stages
    ]
    networks = [
        f"Network {k} by itself, on {s['trajectories_per_task']:,} fresh trajectories per task: "
        f"MAE {s['mae']:.4f} ± {s['mae_standard_error']:.4f}, F1 {s['f1']:.4f} ± "
        f"{s['f1_standard_error']:.4f}.\n"
        for k, s in enumerate((c["scores"] for c in (config, *config.get("others", []))), 1)
    ]
    hours = sum(s["core_hours"] for _, s in stages)
    seen = sum(s["trajectories"] for _, s in stages)
    return "\n".join(
        [
            f"Trained on {seen:,} trajectories in {hours:.2f} core-hours, as far as the file tells "
            "(the first stage, 0.4 to 0.5 core-hours with AdamW, is older than its record):\n",
            "| network | dimensions | optimiser | steps | trajectories | core-hours | arithmetic "
            "| seed |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            *networks,
        ]
    )


def score_tables(scores: dict[str, Any], d: int) -> str:
    """Both scores by length and model, and by length and SNR."""
    lines = [
        f"Scores by `benchmarks/andi2020.py`: {scores['trajectories_per_row']:,} fresh "
        f"trajectories per score, preset `{scores['preset']}`; ± is one standard error.\n"
    ]
    for row in (r for r in scores["rows"] if r["n_dims"] == d):
        low, high = row["interval"]
        lines += [
            f"**{row['metric']} {row['score']:.4f}** [{low:.4f}, {high:.4f}]\n",
            f"| {row['metric']} | " + " | ".join(points(b) for b in LENGTHS) + " |",
            "|---" * (1 + len(LENGTHS)) + "|",
        ]
        kinds: list[tuple[str, Any, str]] = [("model", m, m.upper()) for m in MODELS]
        kinds += [("snr", snr, f"SNR {snr}") for snr in (1, 2, 10)]
        for by, value, label in kinds:
            cells = [pooled(row["cells"], length=b, **{by: value}) for b in LENGTHS]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def pooled(cells: list[dict[str, Any]], **kind: Any) -> str:
    """Mean over all trajectories of a kind, with its standard error."""
    mine = [c for c in cells if all(c[key] == value for key, value in kind.items())]
    n = sum(c["n"] for c in mine)
    if not n:
        return ""
    mean = sum(c["n"] * c["score"] for c in mine) / n
    # Within cells and between them: the variance of all scores together.
    variances = (c["n"] * c["standard_error"] ** 2 + (c["score"] - mean) ** 2 for c in mine)
    variance = sum(c["n"] * v for c, v in zip(mine, variances, strict=True)) / n
    return f"{mean:.3f} ± {(variance / n) ** 0.5:.3f}"


def honesty(calibration: dict[str, Any], d: int) -> str:
    """Coverage of intervals, and what probabilities and spreads are worth."""
    found = [r for r in calibration["rows"] if r["n_dims"] == d]
    if not found:
        return "Calibration is not measured for these weights.\n"
    row = found[0]
    lines = [
        "Share of true α inside the 90 % interval, by `benchmarks/calibration.py`, "
        f"{calibration['trajectories_per_cell']:,} fresh trajectories per cell:",
    ]
    for name, cells in row["cells"].items():
        lines += [
            f"\n| points, SNR of {name.replace('_', ' ')} | SNR 1 | SNR 2 | SNR 10 |",
            "|---|---|---|---|",
        ]
        for low, high in sorted({tuple(c["length"]) for c in cells}):
            mine = [c for c in cells if c["length"] == [low, high]]
            lines.append(
                f"| {low}–{high} | " + " | ".join(f"{c['coverage']:.3f}" for c in mine) + " |"
            )
    n = calibration["trajectories_for_ence_and_ece"]
    lines += [
        "",
        f"On {n:,} of natural length and noise, class probabilities are off by {row['ece']:.4f} "
        f"(ECE; {row['ece_if_true']:.4f} if they were true), predicted standard deviations by "
        f"{100 * row['ence']:.1f} % (ENCE; {100 * row['ence_if_true']:.1f} %).\n",
    ]
    return "\n".join(lines)


def points(bin_: str) -> str:
    """Write a bin of lengths as a physicist would."""
    low, high = bin_.strip("[)").split(", ")
    return f"{low}–{int(high) - 1}"


if __name__ == "__main__":
    main()
