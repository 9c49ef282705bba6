"""What all pictures share: size, colours, labels with units, axes to draw on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from skandi.errors import MissingExtraError

COLUMN_WIDTH = 85 / 25.4
"""One column of a journal, 85 mm, in inches."""

MODEL_COLORS = MappingProxyType(
    {"attm": "#E69F00", "ctrw": "#56B4E9", "fbm": "#009E73", "lw": "#D55E00", "sbm": "#CC79A7"}
)
"""A colour per model, from the palette of Okabe & Ito (2008), safe for all colour vision."""

ACCENT = "#0072B2"
CONTRAST = "#D55E00"
MUTED = "#999999"
ALPHA_MAP = "viridis"
SCORE_MAP = "cividis"
ALPHA_LIMITS = (0.0, 2.0)

_STYLE = {
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # text that an editor of figures can edit
}


@contextmanager
def drawing(ax: Any, *, height: float = 0.75, rows: int = 1) -> Iterator[Any]:
    """Axes to draw on: those given, or a new figure of one column's width.

    Parameters
    ----------
    ax : Axes, sequence of Axes, or None
        As given to ``plot``.
    height : float
        Height of a new figure over its width.
    rows : int
        Axes needed, one below the other; more than one are given as a list.
    """
    pyplot = _pyplot()
    with pyplot.rc_context(_STYLE):
        if ax is None:
            size = (COLUMN_WIDTH, COLUMN_WIDTH * height)
            _, made = pyplot.subplots(rows, 1, figsize=size, sharex=rows > 1, squeeze=False)
            ax = made[0, 0] if rows == 1 else list(made[:, 0])
        elif rows > 1:
            ax = list(ax)
            if len(ax) != rows:
                raise ValueError(f"{len(ax)} axes were given, and this picture needs {rows}.")
        yield ax


def new_axes(height: float) -> Any:
    """Axes of one column's width, in the same style, that pyplot does not keep alive."""
    pyplot = _pyplot()
    with pyplot.rc_context(_STYLE):
        return pyplot.Figure(figsize=(COLUMN_WIDTH, COLUMN_WIDTH * height)).subplots()


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise MissingExtraError(
            f"Pictures need matplotlib, which cannot be imported here: {error}. "
            'pip install "skandi[plot]"'
        ) from error
    return pyplot


def plain(text: object) -> str:
    r"""A name from a file as a label: not read as a formula, on one line, not endless.

    Examples
    --------
    >>> plain("5 $ and 6 $")
    '5 \\$ and 6 \\$'
    """
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    if len(shown) > 40:
        shown = f"{shown[:39]}…"
    # An underscore at the start would hide a label from the legend.
    shown = f"\N{ZERO WIDTH SPACE}{shown}" if shown.startswith("_") else shown
    return shown.replace("\\", "\N{SET MINUS}").replace("$", r"\$")


def with_unit(quantity: str, unit: str | None, otherwise: str) -> str:
    """A label such as ``x (µm)``; `otherwise` stands where the unit is not known.

    Examples
    --------
    >>> with_unit("x", "µm", "unit of the input"), with_unit("lag", None, "frames")
    ('x (µm)', 'lag (frames)')
    """
    return f"{quantity} ({plain(unit) if unit else otherwise})"


def square_unit(unit: str | None) -> str | None:
    """The unit of an area."""
    return f"{unit}²" if unit else None
