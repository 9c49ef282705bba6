"""The diffusion model by bags of classifiers: the mean of the members' logits, one softmax.

A fit is: buckets -> folds -> one member per bucket and fold -> out-of-fold outputs.
A prediction is: bucket of each trajectory -> outputs of its members -> their mean -> one softmax.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skandi.bagging import LengthBagging, Lengths
from skandi.classifier import ModelClassifier
from skandi.estimator import unchanged_on_error
from skandi.members import is_ours
from skandi.trajectories import require_targets

# What a class that a member never saw counts in the mean of logits: e^-30 of its most probable one.
_UNSEEN = -30.0


class LengthBaggingClassifier(ClassifierMixin, LengthBagging):
    """Bags of classifiers by trajectory length, their logits averaged.

    The strategy of Li, Yao & Huang (2021), Sec. 2 and 4, around any estimator; see
    `LengthBaggingRegressor`. As the authors' programs do, logits are averaged over crops and
    folds, and one softmax is taken at the end.

    Parameters
    ----------
    estimator : estimator
        What members are clones of, each with its own integer seed. A `ModelClassifier` gets whole
        trajectories and ``length``; any other classifier gets the crops as a list of (length, d)
        arrays, and its probabilities are averaged.
    lengths : "wadnet", array-like of int, list of (low, high), or None, default="wadnet"
        The paper's 43 lengths; any grid, of which a trajectory belongs to the nearest smaller
        length; ranges inside which every length is read as it is, the last one also taking
        longer trajectories, with a warning; or one bucket for all.
    cv : int, splitter, list of (train, test) or None, default=5
        Folds of each bucket; a number shuffles and keeps the shares of the classes, and None is 5.
        Indices, and those of a ``PredefinedSplit``, are of all trajectories: each bucket takes its
        own of every fold.
    averaging : {"logits", "probabilities"}, default="logits"
        What is averaged over members of ours; foreign members always give probabilities.
    min_bucket : int, default=50
        A bucket with fewer training trajectories, or too few of a class for the folds, joins the
        next smaller one, see ``buckets_``.
    min_length : {"error", "nan"}, default="error"
        What happens to trajectories shorter than every length: an error, or a warning, NaN as
        probabilities and None as label.
    checkpoint_dir : path-like, optional
        Folder in which finished members are kept; a fit with the same parameters, data and seed
        takes them from there. Its files are pickles: use a folder that only you write to.
    n_jobs : int, optional
        Members trained at a time, by joblib; the result does not depend on it.
    random_state : int, optional
        Seed of the folds and of all members.
    verbose : int, default=0
        Of joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    buckets_ : list of Bucket
        The lengths they hold, and which scarce buckets were merged into them.
    members_ : list of list of estimators
        One per bucket and fold.
    oof_prediction_ : ndarray of shape (n, n_classes)
        For each training trajectory the probabilities by the member that did not learn from it.
        Optimistic, because that trajectory helped to choose the member's epoch: not a score.
    n_dims_ : int
        Spatial dimensions seen in ``fit``.
    min_points_ : int
        Fewest points a trajectory needs.

    References
    ----------
    Li, Yao & Huang, "WaveNet-based deep neural networks for the characterization of anomalous
    diffusion (WADNet)", J. Phys. A 54:404003 (2021).

    Examples
    --------
    >>> from skandi import LengthBaggingClassifier, ModelClassifier
    >>> from skandi.simulate import make_andi
    >>> X, y = make_andi(60, task="model", length=(10, 40), random_state=0)
    >>> member = ModelClassifier(max_epochs=1, network_params={"n_layers": 2})
    >>> bag = LengthBaggingClassifier(member, lengths=[10, 25], cv=2, min_bucket=10, random_state=0)
    >>> bag.fit(X, y).predict_proba(X[:3]).shape
    (3, 5)
    """

    classes_: NDArray
    _member_type = ModelClassifier

    def __init__(
        self,
        estimator: Any,
        *,
        lengths: Lengths = "wadnet",
        cv: Any = 5,
        averaging: str = "logits",
        min_bucket: int = 50,
        min_length: str = "error",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
        random_state: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            lengths=lengths,
            cv=cv,
            min_bucket=min_bucket,
            min_length=min_length,
            checkpoint_dir=checkpoint_dir,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.averaging = averaging

    def fit(
        self, X: Any, y: ArrayLike, *, groups: ArrayLike | None = None, **params: Any
    ) -> LengthBaggingClassifier:
        """Train all members.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        y : array-like of shape (n,)
            Labels of any type.
        groups : array-like of shape (n,), optional
            For the splitter: trajectories of one group stay in one fold.
        **params : dict
            Other metadata for the splitter, routed as scikit-learn does.

        Returns
        -------
        self

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short.
        TrainingError
            If a member cannot be trained; it names bucket and fold.
        """
        if self.averaging not in ("logits", "probabilities"):
            raise ValueError(
                f"averaging is {self.averaging!r}; it must be 'logits' or 'probabilities'."
            )
        with unchanged_on_error(self):
            outputs, _ = self._fit_members(X, y, self._split_params(groups, params))
            self.oof_prediction_ = self._to_probability(outputs)
        return self

    def predict(self, X: Any) -> NDArray:
        """Predict the class of each trajectory.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,)
            The most probable label; None for trajectories that are too short if
            ``min_length="nan"``.
        """
        probability = self.predict_proba(X)
        unknown = np.isnan(probability).any(axis=1)
        labels = self.classes_[np.where(unknown[:, None], 0, probability).argmax(axis=1)]
        if unknown.any():
            labels = labels.astype(object)
            labels[unknown] = None
        return labels

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Give the share of trajectories whose class is predicted.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        y : array-like of shape (n,)
            True labels.
        sample_weight : array-like of shape (n,), optional
            Weights of the trajectories.

        Returns
        -------
        float
            From 0 to 1. Trajectories that are too short count as wrong if ``min_length="nan"``.
        """
        labels = self.predict(X)
        y = np.asarray(y)
        check_consistent_length(labels, y)
        right = np.array([ours == true for ours, true in zip(labels, y, strict=True)], dtype=float)
        return float(np.average(right, weights=sample_weight))

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Columns in the order of ``classes_``; NaN for trajectories that are too short if
            ``min_length="nan"``.
        """
        return self._to_probability(self._predict_mean(X)).astype(np.float32)

    def _averages_logits(self) -> bool:
        return is_ours(self.estimator) and self.averaging == "logits"

    def _to_probability(self, mean: NDArray) -> NDArray:
        return softmax(mean, axis=1) if self._averages_logits() else mean

    def _check_targets(self, y: ArrayLike) -> NDArray:
        require_targets(y, "LengthBaggingClassifier")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        return labels

    def _as_output(self, member: Any, outputs: NDArray) -> NDArray:
        """Give a column to every class, also to those the member never saw."""
        if is_ours(member) and not self._averages_logits():
            outputs = softmax(outputs, axis=1)
        unseen = 0.0
        if self._averages_logits():
            unseen = outputs.max(axis=1, keepdims=True) + _UNSEEN
        aligned = np.zeros((len(outputs), len(self.classes_))) + unseen
        aligned[:, np.searchsorted(self.classes_, member.classes_)] = outputs
        return aligned

    def _empty_shape(self, n: int) -> tuple[int, ...]:
        return (n, len(self.classes_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags
