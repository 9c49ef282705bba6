"""What all pictures share: size, colours, labels with units, axes to draw on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import MissingExtraError, SkandiError

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

_FEWEST_TICKS = 3
_STYLE: dict[str, Any] = {
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


def require_columns(table: pd.DataFrame, names: Sequence[str], *, maker: str = "analyse") -> None:
    """Raise a SkandiError that names the columns a picture needs and the table lacks.

    Parameters
    ----------
    table : DataFrame
    names : sequence of str
        What the picture is drawn from.
    maker : str, default="analyse"
        The function that makes such a table.
    """
    missing = [name for name in names if name not in table]
    if missing:
        raise SkandiError(
            f"The table has no column {', '.join(missing)}: this picture needs the table that "
            f"{maker} returned."
        )


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
    pyplot = load_pyplot()
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


def panels(n_rows: int = 1, n_columns: int = 1, *, height: float = 0.75) -> tuple[Any, Any]:
    """Make a figure of several panels in the style of the Displays, each one column wide.

    Axes that matplotlib makes by itself have larger letters and other lines.

    Parameters
    ----------
    n_rows, n_columns : int, default=1
        How many panels; two columns fill the width of a page, 170 mm.
    height : float, default=0.75
        Height of a panel over its width.

    Returns
    -------
    figure, axes
        As from ``matplotlib.pyplot.subplots``: one Axes, or an array of them.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from skandi import analyse
    >>> from skandi.io import sample_tracks_path
    >>> from skandi.plot import AlphaDisplay, CompositionDisplay, panels
    >>> table = analyse(sample_tracks_path())
    >>> figure, (left, right) = panels(1, 2)
    >>> display = AlphaDisplay.from_table(table, ax=left)
    >>> display = CompositionDisplay.from_table(table, ax=right)
    >>> round(figure.get_figwidth() * 25.4)
    170
    """
    pyplot = load_pyplot()
    size = (COLUMN_WIDTH * n_columns, COLUMN_WIDTH * height * n_rows)
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(n_rows, n_columns, figsize=size)
    return figure, axes


def new_axes(height: float) -> Any:
    """Axes of one column's width, in the same style, that pyplot does not keep alive."""
    pyplot = load_pyplot()
    with pyplot.rc_context(_STYLE):
        return pyplot.Figure(figsize=(COLUMN_WIDTH, COLUMN_WIDTH * height)).subplots()


def load_pyplot() -> Any:
    """Give ``matplotlib.pyplot``, or a MissingExtraError."""
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
    shown = _printable(text)
    return _escaped(f"{shown[:39]}…" if len(shown) > 40 else shown)


def wrapped(text: object, width: int, n_lines: int = 1) -> str:
    """A name from a file on a few short lines; what has no place on them is left out.

    Examples
    --------
    >>> print(wrapped("blebbistatin in DMSO", 12, n_lines=2))
    blebbistatin
    in DMSO
    >>> wrapped("blebbistatin in DMSO", 12)
    'blebbistati…'
    """
    shown = " ".join(_printable(text).split())
    lines = textwrap.wrap(shown, width, drop_whitespace=True)
    if len(lines) > n_lines:
        lines = [*lines[: n_lines - 1], f"{lines[n_lines - 1][: width - 1]}…"]
    return "\n".join(map(_escaped, lines))


def _printable(text: object) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def _escaped(text: str) -> str:
    # An underscore at the start would hide a label from the legend.
    text = f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text
    return text.replace("\\", "\N{SET MINUS}").replace("$", r"\$")


def characters(ax: Any) -> int:
    """About how many characters of a tick's label stand side by side below the axes."""
    labels = ax.get_xticklabels()
    size = labels[0].get_fontsize() if labels else _STYLE["xtick.labelsize"]
    return int(ax.bbox.width / ax.figure.dpi * 72 / (0.6 * size))


def alpha_limits(alpha: NDArray[np.float64]) -> tuple[float, float]:
    """Limits of an axis of α: 0 and 2, or farther out where estimates are.

    Examples
    --------
    >>> alpha_limits(np.array([0.5, np.nan])), alpha_limits(np.array([-0.25, 2.5]))
    ((0.0, 2.0), (-0.25, 2.5))
    """
    low, high = ALPHA_LIMITS
    known = alpha[np.isfinite(alpha)]
    return float(known.min(initial=low)), float(known.max(initial=high))


def log_axis(axis: Any, low: float, high: float) -> None:
    """Make an axis logarithmic, with a few labels that can be read without counting.

    matplotlib labels every digit of an axis shorter than a decade, one label over the other.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": (low, high)})
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5), (1, 2, 3, 4, 6, 8)):
        locator = LogLocator(subs=digits)
        if sum(low <= tick <= high for tick in locator.tick_values(low, high)) >= _FEWEST_TICKS:
            break
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power_or_number(value)))
    axis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axis.set_minor_formatter(NullFormatter())


def _power_or_number(value: float) -> str:
    """Write 0.02, 500 or 3·10⁻⁵.

    Examples
    --------
    >>> _power_or_number(0.02), _power_or_number(3e-5), _power_or_number(1e6)
    ('0.02', '3·$10^{-5}$', '$10^{6}$')
    """
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    digit, exponent = f"{value:.0e}".split("e")
    power = f"$10^{{{int(exponent)}}}$"
    return power if digit == "1" else f"{digit}·{power}"


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
