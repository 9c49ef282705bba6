"""One trajectory to a scale-free trajectory: the only place where a standard deviation is guarded.

The networks that answer read positions z-scored per axis over the whole trajectory (Li, Yao &
Huang 2021, Sec. 2), the autoencoders read positions rebuilt from displacements of unit variance:
the anomalous exponent and the diffusion model depend neither on where a walker started nor on the
unit of length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skandi.trajectories import learn_input, like_input, match_input, warn_of_one_trajectory
from skandi.versioned import Versioned

# Deviations below this many units in the last place of the positions are rounding, not motion.
_ROUNDING_ULPS = 4.0
# Deviations of a velocity that are so small a part of it may be rounding too.
NEARLY_STRAIGHT = 1e-3


def standardize(positions: ArrayLike) -> NDArray[np.float64]:
    """Z-score positions per axis: mean 0, standard deviation 1 (ddof 0), in float64.

    An axis on which the walker never moves becomes zeros. The result does not depend on shift and
    scale; tracks as large as 1e300 neither overflow nor become NaN, because each axis is brought to
    the interval [-1, 1] before anything is squared.

    Parameters
    ----------
    positions : array-like of shape (..., T, d)
        One trajectory, or a batch of trajectories of one length, in any unit of length.

    Returns
    -------
    ndarray of shape (..., T, d), float64
        Positions in units of their own standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> z = standardize(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]]))
    >>> z.round(3).tolist()
    [[-1.225, 0.0], [0.0, 0.0], [1.225, 0.0]]
    """
    x = np.asarray(positions, dtype=np.float64)
    # A quarter of each term first: the difference of two finite numbers must stay finite.
    moved = x * 0.25 - x[..., :1, :] * 0.25
    reach = np.abs(moved).max(axis=-2, keepdims=True)
    magnitude = np.abs(x).max(axis=-2, keepdims=True) * 0.25
    rounding = _ROUNDING_ULPS * np.finfo(np.float64).eps * magnitude
    still = reach <= rounding
    moved = np.where(still, 0.0, moved / np.where(still, 1.0, reach))
    moved -= moved.mean(axis=-2, keepdims=True)
    std = moved.std(axis=-2, keepdims=True)
    return moved / np.where(still, 1.0, std)


def scale_displacements(
    positions: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rebuild trajectories from displacements of unit standard deviation, starting at 0.

    Displacements are divided per axis by their standard deviation (ddof 0) and cumulated, so that
    the first point is 0 and a drift is kept; what the autoencoders read (Muñoz-Gil, Guigó i
    Corominas & Lewenstein, J. Phys. A 54:504001, 2021, Sec. 2). Where displacements do not vary,
    there is nothing to divide by and they stay as they are, in the unit they came in: zeros on an
    axis on which the walker never moves, a straight line where its velocity is constant. Constant
    is what varies by less than a thousandth, and no more than float32 rounds such positions by.

    Parameters
    ----------
    positions : array-like of shape (..., T, d)
        One trajectory, or a batch of trajectories of one length, in any unit of length.

    Returns
    -------
    scaled : ndarray of shape (..., T, d), float64
        Positions from 0, in units of `scale`.
    scale : ndarray of shape (..., 1, d), float64
        What the displacements were divided by; ``scaled * scale + positions[..., :1, :]`` are the
        positions again.

    Examples
    --------
    >>> import numpy as np
    >>> scaled, scale = scale_displacements(np.array([[5.0, 7.0], [7.0, 7.0], [5.0, 7.0]]))
    >>> scaled.tolist(), scale.tolist()
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [[2.0, 1.0]])
    """
    x = np.asarray(positions, dtype=np.float64)
    steps, unit, scale = _scaled_steps(x)
    scaled = np.zeros_like(x)
    np.cumsum(steps * (unit * 4.0 / scale), axis=-2, out=scaled[..., 1:, :])
    return scaled, scale


def displacement_scale(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give what `scale_displacements` divides by, (..., 1, d), and nothing else."""
    return _scaled_steps(positions)[2]


def _scaled_steps(
    x: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Quarters of the displacements in units of the largest, this unit, and the scale."""
    # Quarters first: differences of finite numbers, and of their differences, must stay finite.
    quarter = x * 0.25
    steps = np.diff(quarter, axis=-2)
    size = np.abs(steps).max(axis=-2, keepdims=True, initial=0.0)
    reach = _ROUNDING_ULPS * np.abs(quarter).max(-2, keepdims=True)
    rounding = reach * np.finfo(np.float64).eps
    still = size <= rounding
    unit = np.where(still, 1.0, size)
    steps = np.where(still, 0.0, steps / unit)
    std = _std(steps)
    # A line that was once kept in float32 has steps that differ by the rounding of that.
    speed = np.abs(steps.sum(axis=-2, keepdims=True)) / max(steps.shape[-2], 1)
    rounded = (std <= NEARLY_STRAIGHT * speed) & (std * unit <= reach * np.finfo(np.float32).eps)
    scale = np.where(still | (std * unit <= rounding) | rounded, 1.0, std * unit * 4.0)
    return steps, unit, scale


def _std(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation over time; 0 for a trajectory of one point, which has no steps."""
    if steps.shape[-2] == 0:
        return np.zeros((*steps.shape[:-2], 1, steps.shape[-1]))
    return steps.std(axis=-2, keepdims=True)


class TrajectoryNormalizer(Versioned, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Z-score each trajectory per axis, over its own length.

    The anomalous exponent is a property of how the mean squared displacement *grows*, so position
    and unit of length carry no information. The estimators of skandi normalise by themselves;
    because the operation is idempotent, a normaliser in front of them changes nothing. It is useful
    in front of estimators of other libraries.

    Attributes
    ----------
    n_dims_ : int
        Number of spatial dimensions.
    n_features_in_ : int
        Number of columns; only when fitted on a 2-D table of equal-length 1-D trajectories.

    References
    ----------
    Li, Yao & Huang, "WaveNet-based deep neural networks for the characterization of anomalous
    diffusion", J. Phys. A 54:404003 (2021), Sec. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi import TrajectoryNormalizer
    >>> tracks = [np.arange(3.0), np.array([[5.0], [5.0]])]
    >>> [z.ravel().round(3).tolist() for z in TrajectoryNormalizer().fit_transform(tracks)]
    [[-1.225, 0.0, 1.225], [0.0, 0.0]]
    """

    @available_if(lambda self: not hasattr(self, "n_dims_") or hasattr(self, "n_features_in_"))
    def get_feature_names_out(self, input_features: Any = None) -> NDArray:
        """Give the names of the columns; only there for a table.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names to use, by default those seen in ``fit``.

        Returns
        -------
        ndarray of str
        """
        return super().get_feature_names_out(input_features)

    def set_output(self, *, transform: str | None = None) -> TrajectoryNormalizer:
        """Choose what a table becomes; tracks stay tracks.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, optional
            As in scikit-learn.

        Returns
        -------
        self
        """
        twin = clone(self)  # not fitted on tracks, after which scikit-learn's own is not there
        super(TrajectoryNormalizer, twin).set_output(transform=transform)
        self.__dict__.update(twin.__dict__)
        return self

    def fit(self, X: Any, y: Any = None) -> TrajectoryNormalizer:
        """Learn the number of dimensions of `X`; nothing else is learnt.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        warn_of_one_trajectory(self, len(learn_input(self, X, min_points=1)))
        return self

    def transform(self, X: Any) -> Any:
        """Z-score each trajectory.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories of as many dimensions as seen in ``fit``.

        Returns
        -------
        list of ndarray of shape (T_i, d), or ndarray of the shape of `X`
            The same trajectories, each axis with mean 0 and standard deviation 1.
        """
        check_is_fitted(self)
        trajectories = match_input(self, X)
        return like_input(self, X, [standardize(t) for t in trajectories])
