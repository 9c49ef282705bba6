"""Make the two pictures that the README and the pages show, from simulated tracks only.

    python docs/make_pictures.py                # both, into docs/_static
    python docs/make_pictures.py --only report  # needs Chromium and playwright (extra "test")

The pictures are committed, because the README is read where nothing is built. Make them anew when
the weights, the Displays or the report have changed, and look at them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from skandi import analyse
from skandi.diffusion import MODELS
from skandi.files import replacing
from skandi.io import sample_tracks_path
from skandi.plot import MODEL_COLORS
from skandi.simulate import andi_tracks

STATIC = Path(__file__).parent / "_static"
LARGEST = 200_000  # bytes

# One track of each model, in the order of MODELS, with the middle one of the challenge's noises.
# Of the first five seeds, two show all five models found; the README says how often that is so.
ALPHA = (0.6, 0.6, 0.4, 1.6, 1.5)
N_POINTS = 100
SIGMA = 0.5
SEED = 2
INK, FAINT = "#222222", "#8a8a8a"


def five_models() -> None:
    """One noisy track of each model, what is true of it, and what skandi says."""
    X = andi_tracks(
        np.arange(len(MODELS)),
        np.array(ALPHA),
        np.full(len(MODELS), N_POINTS),
        np.full((len(MODELS), 2), SIGMA),
        random_state=SEED,
    )
    table = analyse(X)
    print(table[["alpha", "alpha_lower", "alpha_upper", "model"]].round(2))
    plt.rcParams.update({"font.size": 9, "font.family": "DejaVu Sans", "text.color": INK})
    figure = plt.figure(figsize=(9.2, 3.3), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.04, hspace=0.03, wspace=0.02)
    grid = figure.add_gridspec(3, len(MODELS), height_ratios=(1.0, 0.3, 0.2))
    for k, (x, row) in enumerate(zip(X, table.itertuples(), strict=True)):
        draw_track(figure.add_subplot(grid[0, k]), x, MODELS[k], ALPHA[k])
        draw_alpha(figure.add_subplot(grid[1, k]), row, ALPHA[k], labelled=k == 0)
        draw_models(figure.add_subplot(grid[2, k]), row, labelled=k == 0)
    write(figure, "five-models.png")


def draw_track(ax: Any, x: np.ndarray, model: str, alpha: float) -> None:
    """The track, each axis on its own scale as in the challenge, its start and its end."""
    x = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    ax.plot(*x.T, color=MODEL_COLORS[model], linewidth=0.9)
    ax.plot(*x[0], "o", color="white", markeredgecolor=INK, markersize=4.5)
    ax.plot(*x[-1], "o", color=INK, markersize=4.5)
    ax.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06), aspect="equal")
    ax.axis("off")
    ax.set_title(f"true: {model.upper()}, α = {alpha:g}", fontsize=9.5, color=INK)


def draw_alpha(ax: Any, row: Any, alpha: float, labelled: bool) -> None:
    """α as skandi says it with its 90 % interval, and the true one as a line."""
    ax.axvline(alpha, color=INK, linewidth=1.2, linestyle=(0, (2, 1.5)), ymin=0.0, ymax=0.62)
    ax.hlines(0, row.alpha_lower, row.alpha_upper, color="#0072B2", linewidth=5, alpha=0.4)
    ax.plot(row.alpha, 0, "o", color="#0072B2", markersize=6)
    ax.text(
        1.0, 1.15, f"α = {row.alpha:.2f}  [{row.alpha_lower:.2f}, {row.alpha_upper:.2f}]",
        ha="center", va="center", fontsize=9,
    )  # fmt: skip
    ax.set(xlim=(0, 2), ylim=(-0.9, 1.5), yticks=[])
    ax.set_xticks([0, 1, 2], ["0", "1", "2"], fontsize=7.5, color=FAINT)
    frame(ax)
    if labelled:
        ax.set_ylabel("skandi: α\n(dashed: true)", rotation=0, ha="right", va="center", color=INK)


def draw_models(ax: Any, row: Any, labelled: bool) -> None:
    """The probability of each model, and the name of the most probable one."""
    left = 0.0
    for model in MODELS:
        share = getattr(row, f"p_{model}")
        ax.barh(0, share, left=left, height=0.9, color=MODEL_COLORS[model], edgecolor="white")
        left += share
    best = getattr(row, f"p_{row.model}")
    told = f"{best:.0%}" if best < 0.995 else "> 99%"
    ax.text(0.5, 1.0, f"{row.model.upper()}  {told}", ha="center", va="center", fontsize=9)
    ax.set(xlim=(0, 1), ylim=(-0.5, 1.5), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if labelled:
        ax.set_ylabel("skandi: model", rotation=0, ha="right", va="center", color=INK)


def frame(ax: Any) -> None:
    """Leave the lower line only."""
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(length=2, color=FAINT)


def report() -> None:
    """The upper part of ``skandi report`` on the sample tracks, as a browser shows it."""
    from playwright.sync_api import sync_playwright

    from skandi.cli import app

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is needed for the picture of the report, and there is none.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_path = Path(folder) / "report.html"
        units = ["--frame-interval", "0.05", "--time-unit", "s", "--space-unit", "µm"]
        command = ["report", str(sample_tracks_path()), "-o", str(page_path), *units]
        app(command, standalone_mode=False)
        # as root, in a container, Chromium runs without its sandbox or not at all
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1160})
        page.goto(page_path.as_uri())
        page.screenshot(path=str(Path(folder) / "report.png"))
        browser.close()
        keep(Image.open(Path(folder) / "report.png"), "report.png")


def write(figure: Any, name: str) -> None:
    """A figure as a PNG, sharp on screens of twice the resolution."""
    with tempfile.TemporaryDirectory() as folder:
        figure.savefig(Path(folder) / name, dpi=190, facecolor="white")
        keep(Image.open(Path(folder) / name), name)


def keep(image: Image.Image, name: str) -> None:
    """Put a picture with a palette in its place, or say that it is too large."""
    small = image.convert("RGB").quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    with replacing(STATIC / name) as path:
        small.save(path, format="PNG", optimize=True)
    size = (STATIC / name).stat().st_size
    print(f"{STATIC / name}: {image.width} x {image.height}, {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{name} has {size} bytes; a picture in the repository has {LARGEST}.")


PICTURES = {"five-models": five_models, "report": report}


def main() -> None:
    """Make what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PICTURES)
    chosen = parser.parse_args().only
    for name, make in PICTURES.items():
        if chosen in (None, name):
            make()


if __name__ == "__main__":
    main()
