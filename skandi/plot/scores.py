"""How good and how honest predictions are: confusion, reliability, calibration of quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.utils.validation import check_consistent_length

from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.plot.style import ACCENT, MUTED, drawing


class ConfusionDisplay(ConfusionMatrixDisplay):
    """scikit-learn's confusion matrix, in the order of the five models, as shares of each row.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes, n_classes)
        Rows are true models; each adds up to 1, or is NaN, and blank, where no track is of it.
    display_labels : ndarray of shape (n_classes,), optional
        Their names.
    n_true : ndarray of shape (n_classes,), optional
        How many tracks are truly of each, for the labels of the rows.

    Attributes
    ----------
    ax_, figure_, im_, text_
        As in scikit-learn.

    Examples
    --------
    >>> from skandi.plot import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions(["fbm", "fbm", "sbm"], ["fbm", "sbm", "sbm"])
    >>> display.confusion_matrix.tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """

    def __init__(
        self,
        confusion_matrix: NDArray,
        *,
        display_labels: ArrayLike | None = None,
        n_true: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(confusion_matrix, display_labels=display_labels)
        self.n_true = n_true

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: ArrayLike, *, ax: Any = None) -> Any:
        """Draw what a fitted classifier says of labelled trajectories.

        Parameters
        ----------
        estimator : fitted classifier
        X : list of ndarray of shape (T_i, d)
        y : array-like of str of shape (n,)
        ax : Axes, optional

        Returns
        -------
        ConfusionDisplay
        """
        return cls.from_predictions(y, estimator.predict(X), ax=ax)

    @classmethod
    def from_predictions(cls, y_true: ArrayLike, y_pred: ArrayLike, *, ax: Any = None) -> Any:
        """Draw true against predicted models.

        Parameters
        ----------
        y_true, y_pred : array-like of str of shape (n,)
        ax : Axes, optional

        Returns
        -------
        ConfusionDisplay

        Raises
        ------
        SkandiError
            If some are missing.
        """
        check_consistent_length(y_true, y_pred)
        _refuse_missing("labels or answers", _missing(y_true) | _missing(y_pred))
        present = {str(label) for label in [*np.asarray(y_true), *np.asarray(y_pred)]}
        labels = [m for m in MODELS if m in present] + sorted(present - set(MODELS))
        counts = confusion_matrix(
            np.asarray(y_true, dtype=str), np.asarray(y_pred, dtype=str), labels=labels
        )
        n_true = counts.sum(axis=1)
        # a model that is only predicted was not tested: no share of it is right or wrong
        shares = counts / np.where(n_true, n_true, np.nan)[:, np.newaxis]
        names = [label.upper() for label in labels]
        return cls(shares, display_labels=names, n_true=n_true).plot(ax=ax)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Any:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional
        **kwargs
            Passed on to scikit-learn.

        Returns
        -------
        self
        """
        settings = {"cmap": "cividis", "values_format": ".2f", "colorbar": False, **kwargs}
        with drawing(ax, height=0.85) as ax:
            super().plot(ax=ax, **settings)
            self.im_.set_clim(0, 1)
            if self.text_ is not None:
                for (row, column), text in np.ndenumerate(self.text_):
                    share = self.confusion_matrix[row, column]
                    text.set_color("black" if share > 0.5 else "white")
                    text.set_visible(bool(np.isfinite(share)))
            ax.spines[:].set_visible(False)
            ax.set_xlabel("predicted model")
            ax.set_ylabel("true model (rows add up to 1)")
            if self.n_true is not None:
                names = [text.get_text() for text in ax.get_yticklabels()]
                told = zip(names, self.n_true, strict=True)
                ax.set_yticklabels([f"{name} ({n})" for name, n in told])
                ax.set_ylabel("true model (number of tracks)\nrows add up to 1")
        return self


class ReliabilityDisplay:
    """How often the most probable model is right, against how probable it was said to be.

    Points on the diagonal mean that a probability can be taken at its word. Bars are 95 % Wilson
    intervals; the width of the grey columns is the bin, their height the share of trajectories.

    Parameters
    ----------
    bins : DataFrame
        ``confidence`` (mean), ``accuracy``, ``lower``, ``upper``, ``n`` of each bin that is not
        empty, with its edges ``left`` and ``right``.

    Attributes
    ----------
    expected_calibration_error_ : float
        Mean distance from the diagonal, weighted by the number of trajectories.
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.

    Examples
    --------
    >>> from skandi.plot import ReliabilityDisplay
    >>> display = ReliabilityDisplay.from_predictions(
    ...     ["fbm", "sbm"], [[0.75, 0.25], [0.75, 0.25]], ["fbm", "sbm"]
    ... )
    >>> display.expected_calibration_error_
    0.25
    """

    def __init__(self, bins: pd.DataFrame) -> None:
        self.bins = bins

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, n_bins: int = 10, ax: Any = None
    ) -> ReliabilityDisplay:
        """Draw the reliability of a fitted classifier on labelled trajectories.

        Parameters
        ----------
        estimator : fitted classifier
        X : list of ndarray of shape (T_i, d)
        y : array-like of str of shape (n,)
        n_bins : int, default=10
        ax : Axes, optional

        Returns
        -------
        ReliabilityDisplay
        """
        probability = estimator.predict_proba(X)
        return cls.from_predictions(y, probability, estimator.classes_, n_bins=n_bins, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probability: ArrayLike,
        classes: Sequence[str] = MODELS,
        *,
        n_bins: int = 10,
        ax: Any = None,
    ) -> ReliabilityDisplay:
        """Draw the reliability of probabilities.

        Parameters
        ----------
        y_true : array-like of str of shape (n,)
        probability : array-like of shape (n, n_classes)
        classes : sequence of str
            What the columns stand for.
        n_bins : int, default=10
            Of equal width between 0 and 1.
        ax : Axes, optional

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        SkandiError
            If the shapes do not match, or numbers are missing.
        """
        p, y = np.asarray(probability, dtype=np.float64), np.asarray(y_true, dtype=str)
        if p.shape != (len(y), len(classes)):
            raise SkandiError(
                f"{len(y)} labels and {len(classes)} classes need probabilities of shape "
                f"{(len(y), len(classes))}, not {p.shape}."
            )
        _refuse_missing("labels or probabilities", _missing(y_true) | np.isnan(p).any(axis=1))
        confidence = p.max(axis=1)
        right = np.asarray(classes, dtype=str)[p.argmax(axis=1)] == y
        edges = np.linspace(0, 1, n_bins + 1)
        where = np.clip(np.digitize(confidence, edges) - 1, 0, n_bins - 1)
        rows = []
        for k in np.unique(where):
            inside = where == k
            n, n_right = int(inside.sum()), int(right[inside].sum())
            interval = binomtest(n_right, n).proportion_ci(method="wilson")
            rows.append(
                (edges[k], edges[k + 1], confidence[inside].mean(), n_right / n, *interval, n)
            )
        names = ["left", "right", "confidence", "accuracy", "lower", "upper", "n"]
        return cls(pd.DataFrame(rows, columns=names)).plot(ax)

    def plot(self, ax: Any = None) -> ReliabilityDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        bins = self.bins
        share = bins["n"] / bins["n"].sum()
        distance = (bins["confidence"] - bins["accuracy"]).abs()
        self.expected_calibration_error_ = float((share * distance).sum())
        with drawing(ax, height=0.85) as ax:
            ax.bar(
                bins["left"], share, width=bins["right"] - bins["left"], align="edge",
                color=MUTED, alpha=0.3, linewidth=0, label="share of trajectories",
            )  # fmt: skip
            _diagonal(ax)
            spread = [bins["accuracy"] - bins["lower"], bins["upper"] - bins["accuracy"]]
            ax.errorbar(
                bins["confidence"], bins["accuracy"], yerr=np.clip(spread, 0, None), fmt="o-",
                color=ACCENT, markersize=3, linewidth=0.8, label="most probable model",
            )  # fmt: skip
            ax.set_xlabel("probability as predicted")
            ax.set_ylabel("share that is right")
            ax.legend(
                loc="upper left", title_fontsize=7, alignment="left",
                title=f"calibration error {self.expected_calibration_error_:.3f}",
            )  # fmt: skip
        self.ax_, self.figure_ = ax, ax.figure
        return self


class QuantileCalibrationDisplay:
    """How often the true α lies below each predicted quantile, against how often it should.

    The 5 % and 95 % quantiles together are a 90 % interval: it covers as promised where both points
    are on the diagonal. The band is where 95 % of such points would be if all were right.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Nominal probabilities.
    observed : ndarray of shape (n_levels,)
        Share of true values at or below the quantile.
    n : int
        Number of trajectories.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.

    Examples
    --------
    >>> from skandi.plot import QuantileCalibrationDisplay
    >>> display = QuantileCalibrationDisplay.from_predictions(
    ...     [0.5, 1.0], [[0.4, 0.7], [0.8, 1.3]], levels=[0.1, 0.9]
    ... )
    >>> display.observed.tolist()
    [0.0, 1.0]
    """

    def __init__(self, levels: NDArray, observed: NDArray, n: int) -> None:
        self.levels = levels
        self.observed = observed
        self.n = n

    @classmethod
    def from_predictions(
        cls, alpha_true: ArrayLike, quantiles: ArrayLike, levels: Sequence[float], *, ax: Any = None
    ) -> QuantileCalibrationDisplay:
        """Draw the calibration of predicted quantiles of α.

        Parameters
        ----------
        alpha_true : array-like of shape (n,)
        quantiles : array-like of shape (n, n_levels)
        levels : sequence of float
            Between 0 and 1.
        ax : Axes, optional

        Returns
        -------
        QuantileCalibrationDisplay

        Raises
        ------
        SkandiError
            If the shapes do not match, or numbers are missing.
        """
        truth, q = np.asarray(alpha_true, dtype=np.float64), np.asarray(quantiles, dtype=np.float64)
        if q.shape != (len(truth), len(levels)):
            raise SkandiError(
                f"{len(truth)} values and {len(levels)} levels need quantiles of shape "
                f"{(len(truth), len(levels))}, not {q.shape}."
            )
        _refuse_missing("values or quantiles", np.isnan(truth) | np.isnan(q).any(axis=1))
        observed = (truth[:, None] <= q).mean(axis=0)
        return cls(np.asarray(levels, dtype=np.float64), observed, len(truth)).plot(ax)

    def plot(self, ax: Any = None) -> QuantileCalibrationDisplay:
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        with drawing(ax, height=0.85) as ax:
            nominal = np.linspace(0, 1, 101)
            spread = 1.96 * np.sqrt(nominal * (1 - nominal) / self.n)
            ax.fill_between(
                nominal, nominal - spread, nominal + spread, color=MUTED, alpha=0.3, linewidth=0,
                label="95 % of such points, if right",
            )  # fmt: skip
            _diagonal(ax)
            ax.plot(
                self.levels, self.observed, "o-", color=ACCENT, markersize=3, linewidth=0.8,
                label=f"quantiles of α, {self.n} trajectories",
            )  # fmt: skip
            ax.set_xlabel("level of the quantile")
            ax.set_ylabel("share of true α below it")
            ax.legend(loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _refuse_missing(what: str, missing: NDArray[np.bool_]) -> None:
    """Refuse what would count as wrong and is not known."""
    if missing.any():
        raise SkandiError(
            f"{int(missing.sum())} of {len(missing)} trajectories have missing {what}: leave them "
            "out first. In a table of skandi.analyse, tracks that are too short have no answer: "
            "table.dropna(subset='alpha')."
        )


def _missing(labels: ArrayLike) -> NDArray[np.bool_]:
    return np.asarray(pd.isna(np.asarray(labels, dtype=object)))


def _diagonal(ax: Any) -> None:
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal", adjustable="box")
