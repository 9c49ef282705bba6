"""What a detector of novelty does: its reconstructions, and the fingerprint of its errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skandi.errors import SkandiError
from skandi.plot.style import (
    ACCENT,
    CONTRAST,
    SCORE_MAP,
    characters,
    drawing,
    plain,
    wrapped,
)


class ReconstructionDisplay:
    """A trajectory and what an autoencoder made of it, axis by axis over time.

    Parameters
    ----------
    original, reconstruction : ndarray of shape (T, d) or (T,)
        As the network sees and gives them: positions in units of the displacements' standard
        deviation.

    Attributes
    ----------
    mse_ : float
        Mean squared difference, the score of Muñoz-Gil, Guigó i Corominas & Lewenstein
        (arXiv:2108.03411).
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.plot import ReconstructionDisplay
    >>> x = np.arange(20.0)
    >>> round(ReconstructionDisplay.from_arrays(x, x + 0.5).mse_, 3)
    0.25
    """

    def __init__(self, original: NDArray, reconstruction: NDArray) -> None:
        self.original = original
        self.reconstruction = reconstruction

    @classmethod
    def from_arrays(
        cls, original: ArrayLike, reconstruction: ArrayLike, *, ax: Any = None
    ) -> ReconstructionDisplay:
        """Draw one trajectory and its reconstruction.

        Parameters
        ----------
        original, reconstruction : array-like of shape (T, d) or (T,)
            In units of the standard deviation of the track's displacements, if the error is to be
            that of the detector: divide both by ``np.diff(original, axis=0).std(axis=0)``.
        ax : Axes, optional

        Returns
        -------
        ReconstructionDisplay

        Raises
        ------
        SkandiError
            If their shapes differ, or have no point or more than three axes.
        """
        before, after = (np.asarray(x, dtype=np.float64) for x in (original, reconstruction))
        if before.shape != after.shape or before.ndim not in (1, 2):
            raise SkandiError(
                f"Shapes {before.shape} and {after.shape}: a trajectory (T, d) and a "
                "reconstruction of the same shape are needed."
            )
        n_dims = 1 if before.ndim == 1 else before.shape[1]
        if not len(before) or n_dims not in (1, 2, 3):
            raise SkandiError(
                f"Shape {before.shape}: a trajectory (T, d) has a point or more, and one to three "
                "axes. Pass .T of both if the axes come first."
            )
        return cls(before, after).plot(ax)

    def plot(self, ax: Any = None) -> ReconstructionDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        before, after = (
            x.reshape(len(self.original), -1) for x in (self.original, self.reconstruction)
        )
        self.mse_ = float(((before - after) ** 2).mean())
        with drawing(ax) as ax:
            frames = np.arange(len(before))
            for axis in range(before.shape[1]):
                style = ("-", "--", ":")[axis]
                name = f"{'xyz'[axis]}, " if before.shape[1] > 1 else ""
                ax.plot(frames, before[:, axis], style, color=ACCENT, label=f"{name}original")
                ax.plot(
                    frames, after[:, axis], style, color=CONTRAST, label=f"{name}reconstruction"
                )
            ax.set_xlabel("time (frames)")
            ax.set_ylabel("position (std of the steps)")
            ax.legend(
                loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2,
                ncols=2 if before.shape[1] == 1 else before.shape[1], columnspacing=1.0,
                title=f"mean squared error {self.mse_:.3g}", title_fontsize=7,
            )  # fmt: skip
        self.ax_, self.figure_ = ax, ax.figure
        return self


class FingerprintDisplay:
    """A matrix of errors, one cell per training set and data set, or of a plane of parameters.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        For example what ``error_map`` of a fingerprint gives: the error of each kind of data
        (rows) under each kind's detectors (columns).
    row_labels, column_labels : sequence of str or numbers
        Names of the rows and columns, or the parameter's values.
    row_title, column_title, value_title : str
        What they are, with units where there are any.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.
    image_ : AxesImage
        The map.

    Examples
    --------
    >>> from skandi.plot import FingerprintDisplay
    >>> display = FingerprintDisplay.from_matrix([[0.1, 0.4], [0.3, 0.2]], ["fbm", "sbm"])
    >>> display.image_.get_array().shape
    (2, 2)
    """

    def __init__(
        self,
        matrix: NDArray[np.float64],
        row_labels: Sequence[str],
        column_labels: Sequence[str],
        *,
        row_title: str = "tested on",
        column_title: str = "trained on",
        value_title: str = "mean squared error",
    ) -> None:
        self.matrix = matrix
        self.row_labels = [str(label) for label in row_labels]
        self.column_labels = [str(label) for label in column_labels]
        self.row_title = row_title
        self.column_title = column_title
        self.value_title = value_title

    @classmethod
    def from_matrix(
        cls,
        matrix: ArrayLike,
        row_labels: Sequence[str],
        column_labels: Sequence[str] | None = None,
        *,
        ax: Any = None,
        **titles: str,
    ) -> FingerprintDisplay:
        """Draw a matrix.

        Parameters
        ----------
        matrix : array-like of shape (n_rows, n_columns)
        row_labels : sequence of str or numbers
        column_labels : sequence of str or numbers, optional
            Those of the rows when left out.
        ax : Axes, optional
        **titles : str
            ``row_title``, ``column_title``, ``value_title``.

        Returns
        -------
        FingerprintDisplay

        Raises
        ------
        SkandiError
            If labels and matrix do not match.
        """
        values = np.asarray(matrix, dtype=np.float64)
        columns = row_labels if column_labels is None else column_labels
        if values.shape != (len(row_labels), len(columns)):
            raise SkandiError(
                f"A matrix of shape {values.shape} with {len(row_labels)} row labels and "
                f"{len(columns)} column labels: one label per row and per column is needed."
            )
        return cls(values, row_labels, columns, **titles).plot(ax)

    def plot(self, ax: Any = None) -> FingerprintDisplay:
        """Draw on given axes, or on a new figure; cells have their number while there are few.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        with drawing(ax, height=0.8) as ax:
            self.image_ = ax.imshow(self.matrix, cmap=SCORE_MAP, aspect="auto")
            scale, power = _scale_of(self.matrix)
            bar = ax.figure.colorbar(self.image_, ax=ax, fraction=0.05, pad=0.02)
            bar.formatter = lambda value, _: f"{value / scale:.3g}"
            bar.set_label(f"{self.value_title}{power}")
            for side in ax.spines.values():
                side.set_visible(False)
            _name_columns(ax, self.column_labels)
            ticks, names = _some(self.row_labels)
            ax.set_yticks(ticks, [wrapped(name, 18, 2) for name in names])
            ax.set_xlabel(self.column_title)
            ax.set_ylabel(self.row_title)
            if self.matrix.size <= 36 and np.isfinite(self.matrix).any():
                self._write_numbers(ax, scale)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _write_numbers(self, ax: Any, scale: float) -> None:
        middle = (np.nanmin(self.matrix) + np.nanmax(self.matrix)) / 2
        digits = int(np.clip(1 - np.floor(np.log10(_largest(self.matrix) / scale)), 0, 2))
        for (row, column), value in np.ndenumerate(self.matrix):
            if np.isfinite(value):
                color = "white" if value < middle else "black"
                ax.text(
                    column, row, f"{value / scale:.{digits}f}", ha="center", va="center",
                    color=color, fontsize=6.5,
                )  # fmt: skip


def _largest(matrix: NDArray[np.float64]) -> float:
    finite = np.abs(matrix[np.isfinite(matrix)])
    return float(finite.max()) if finite.any() else 1.0


def _scale_of(matrix: NDArray[np.float64]) -> tuple[float, str]:
    """A power of ten that numbers in cells are told in, and how to say so; 1 where it can be."""
    exponent = int(np.floor(np.log10(_largest(matrix))))
    return (1.0, "") if -2 <= exponent <= 2 else (10.0**exponent, rf" ($10^{{{exponent}}}$)")


def _some(labels: Sequence[str]) -> tuple[range, Sequence[str]]:
    """Places and labels, not more than there is room for."""
    every = max(1, int(np.ceil(len(labels) / 6))) if len(labels) > 10 else 1
    return range(0, len(labels), every), labels[::every]


def _name_columns(ax: Any, labels: Sequence[str]) -> None:
    ticks, names = _some(labels)
    if max(map(len, names), default=0) <= characters(ax) // max(len(names), 1) - 1:
        ax.set_xticks(ticks, [plain(name) for name in names])
    else:
        short = [wrapped(name, 20) for name in names]
        ax.set_xticks(ticks, short, rotation=45, ha="right", rotation_mode="anchor")
