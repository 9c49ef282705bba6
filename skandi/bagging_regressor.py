"""The anomalous exponent by bags of regressors: the mean of the members, rescaled and clipped.

A fit is: buckets -> folds -> one member per bucket and fold -> out-of-fold outputs -> α scale.
A prediction is: bucket of each trajectory -> outputs of its members -> their mean -> scale, clip.
"""

from __future__ import annotations

import os
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from skandi.bagging import LengthBagging, Lengths
from skandi.errors import TrajectoryError
from skandi.estimator import unchanged_on_error
from skandi.regressor import AlphaRegressor
from skandi.trajectories import require_targets


class LengthBaggingRegressor(RegressorMixin, LengthBagging):
    """Bags of regressors by trajectory length, their mean rescaled and clipped.

    The strategy of Li, Yao & Huang (2021), Sec. 2 and 4, around any estimator: trajectories go to
    buckets by their length, each bucket is learnt by one member per fold, which its own fold
    validates, α is the mean over crops and folds, times one factor that minimises the mean
    absolute error, clipped to where α can be.

    Parameters
    ----------
    estimator : estimator
        What members are clones of, each with its own integer seed. An `AlphaRegressor` gets whole
        trajectories and ``length``: it normalises, then crops, and averages the crops' feature
        vectors. Any other regressor gets the crops as a list of (length, d) arrays, and its
        predictions are averaged.
    lengths : "wadnet", array-like of int, list of (low, high), or None, default="wadnet"
        The paper's 43 lengths; any grid, of which a trajectory belongs to the nearest smaller
        length; ranges inside which every length is read as it is, the last one also taking
        longer trajectories, with a warning; or one bucket for all.
    cv : int, splitter, list of (train, test) or None, default=5
        Folds of each bucket; a number shuffles, and None is 5. Indices, and those of a
        ``PredefinedSplit``, are of all trajectories: each bucket takes its own of every fold.
    rescale : {"oof", False} or float, default="oof"
        The factor of α: found on the out-of-fold predictions, 1, or as given.
    clip : tuple of float or None, default=(0.05, 2.0)
        Smallest and largest prediction.
    min_bucket : int, default=50
        A bucket with fewer training trajectories joins the next smaller one, see ``buckets_``.
    min_length : {"error", "nan"}, default="error"
        What happens to trajectories shorter than every length: an error, or a warning and NaN.
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
    buckets_ : list of Bucket
        The lengths they hold, and which scarce buckets were merged into them.
    members_ : list of list of estimators
        One per bucket and fold.
    alpha_scale_ : float
        The factor of α.
    oof_prediction_ : ndarray of shape (n,)
        For each training trajectory the prediction of the member that did not learn from it,
        neither rescaled nor clipped. Optimistic, because that trajectory helped to choose the
        member's epoch: it is for rescaling, not a score.
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
    >>> from skandi import AlphaRegressor, LengthBaggingRegressor
    >>> from skandi.simulate import make_andi
    >>> X, y = make_andi(60, length=(10, 40), random_state=0)
    >>> member = AlphaRegressor(max_epochs=1, network_params={"n_layers": 2})
    >>> bag = LengthBaggingRegressor(member, lengths=[10, 25], cv=2, min_bucket=10, random_state=0)
    >>> bag.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    alpha_scale_: float
    _member_type = AlphaRegressor

    def __init__(
        self,
        estimator: Any,
        *,
        lengths: Lengths = "wadnet",
        cv: Any = 5,
        rescale: str | float | bool = "oof",
        clip: tuple[float, float] | None = (0.05, 2.0),
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
        self.rescale = rescale
        self.clip = clip

    def fit(
        self, X: Any, y: ArrayLike, *, groups: ArrayLike | None = None, **params: Any
    ) -> LengthBaggingRegressor:
        """Train all members and find the factor of α.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        y : array-like of shape (n,)
            Anomalous exponents.
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
        self._check_scale_and_clip()
        with unchanged_on_error(self):
            outputs, alpha = self._fit_members(X, y, self._split_params(groups, params))
            self.oof_prediction_ = outputs
            self.alpha_scale_ = self._scale(outputs, alpha)
        return self

    def calibrate(self, X: Any, y: ArrayLike) -> LengthBaggingRegressor:
        """Find the factor of α anew, on trajectories that no member has seen.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.
        y : array-like of shape (n,)
            Their exponents.

        Returns
        -------
        self
        """
        alpha = self._check_targets(y)
        predicted = self._predict_mean(X)
        check_consistent_length(predicted, alpha)
        self.alpha_scale_ = mae_scale(predicted, alpha)
        return self

    def predict(self, X: Any) -> NDArray[np.float32]:
        """Predict the anomalous exponent of each trajectory.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,), float32
            Mean over members, times ``alpha_scale_``, clipped; NaN for trajectories that are too
            short if ``min_length="nan"``.
        """
        alpha = self._predict_mean(X) * self.alpha_scale_
        if self.clip is not None:
            alpha = np.clip(alpha, *self.clip)
        return alpha.astype(np.float32)

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Give R², the coefficient of determination.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        y : array-like of shape (n,)
            True exponents.
        sample_weight : array-like of shape (n,), optional
            Weights of the trajectories.

        Returns
        -------
        float
            At most 1. Trajectories that are too short, if ``min_length="nan"``, are left out.
        """
        alpha, predicted = np.asarray(y), self.predict(X)
        check_consistent_length(predicted, alpha, sample_weight)
        there = ~np.isnan(predicted)
        if not there.any():
            raise TrajectoryError(
                f"No trajectory has the {self.min_points_} points of the shortest length of the "
                "ensemble: there is nothing to score."
            )
        weight = None if sample_weight is None else np.asarray(sample_weight)[there]
        return float(r2_score(alpha[there], predicted[there], sample_weight=weight))

    def _check_scale_and_clip(self) -> None:
        scale, clip = self.rescale, self.clip
        number = isinstance(scale, Real) and not isinstance(scale, bool | np.bool_)
        if not (number and np.isfinite(scale)) and scale != "oof" and not _is_false(scale):
            raise ValueError(f"rescale is {scale!r}; pass 'oof', a number, or False.")
        if clip is None:
            return
        bounds = tuple(clip) if np.shape(clip) == (2,) else (1.0, 0.0)
        low, high = (
            end if bound is None else bound for end, bound in zip(_OPEN, bounds, strict=True)
        )
        if not low <= high:
            raise ValueError(f"clip is {clip!r}; pass (lowest, highest) α, or None.")

    def _scale(self, predicted: NDArray, y: NDArray) -> float:
        if isinstance(self.rescale, str):
            return mae_scale(predicted, y)
        return 1.0 if _is_false(self.rescale) else float(self.rescale)

    def _check_targets(self, y: ArrayLike) -> NDArray:
        require_targets(y, "LengthBaggingRegressor")
        return column_or_1d(check_array(y, ensure_2d=False, input_name="y"), warn=True)

    def _as_output(self, member: Any, outputs: NDArray) -> NDArray:
        return outputs.reshape(len(outputs))

    def _empty_shape(self, n: int) -> tuple[int, ...]:
        return (n,)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


_OPEN = (-np.inf, np.inf)


def _is_false(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) and not value


def mae_scale(predicted: ArrayLike, y: ArrayLike) -> float:
    """Find the factor w that minimises the mean of |y - w · predicted|.

    The sum is piecewise linear in w with its kinks at y / predicted, so the minimum is the median
    of these ratios weighted with |predicted|.

    Parameters
    ----------
    predicted, y : array-like of shape (n,)
        Predictions and truths.

    Returns
    -------
    float
        The factor; 1 if all predictions are zero.

    Examples
    --------
    >>> mae_scale([1.0, 2.0, 0.5], [1.1, 2.2, 0.9])
    1.1
    """
    p, truth = np.asarray(predicted, dtype=np.float64), np.asarray(y, dtype=np.float64)
    usable = np.isfinite(p) & (p != 0)
    if not usable.any():
        return 1.0
    ratio, weight = truth[usable] / p[usable], np.abs(p[usable])
    order = np.argsort(ratio)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(ratio[order][half])
