"""The anomalous exponent α of single trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, column_or_1d
from torch import Tensor
from torch.nn import functional as F

from skandi.diffusion import ALPHA_GRID
from skandi.estimator import Objective, TrajectoryEstimator
from skandi.networks.alpha_head import (
    N_ALPHA_OUTPUTS,
    alpha_distribution_loss,
    alpha_quantiles,
)


class AlphaRegressor(RegressorMixin, TrajectoryEstimator):
    """Regression of the anomalous exponent α, with MSD ~ t^α, from single short trajectories.

    The defaults are the protocol of Li, Yao & Huang (2021): the WADNet network, Adam, the learning
    rate divided by five after two epochs without improvement, a stop at the third such event, the
    weights of the epoch with the smallest validation MAE.

    Parameters
    ----------
    network : {"wadnet", "multiscale"}, default="wadnet"
        `WADNet` gives one number and is trained on the squared error. `MultiScaleNet` gives a
        distribution over α in (0, 2], of which ``predict`` reads the median; it reads every length
        and learns faster.
    network_params : dict, optional
        Keyword arguments of the network, e.g. ``{"n_layers": 10, "dropout": 0.2}``.
    length : int, optional
        Train for trajectories of this many points. Longer ones are normalised as a whole, then
        their first and last `length` points are read and the feature vectors averaged (Sec. 2), or
        as many parts as cover more than twice the `length`; shorter ones are an error. By default
        the network reads every length as it is.
    lr : float, default=1e-3
        Learning rate of Adam at the start.
    max_epochs : int, default=100
        Most passes over the training data.
    batch_size : int, default=512
        Trajectories per batch; a batch has one length, so nothing is padded. -1 takes all of one
        length.
    validation_fraction : float, default=0.2
        Part of the trajectories that judges the epochs; 0 runs all epochs and keeps the last.
    patience : int, default=2
        Epochs without improvement before the learning rate falls.
    lr_factor : float, default=0.2
        What it is multiplied with then.
    precision : {"float32", "bfloat16"}, default="float32"
        Arithmetic of the network in training; "bfloat16" is faster on recent processors.
    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to compute.
    warm_start : bool, default=False
        Continue the weights of the last fit; the schedule starts anew.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the split, the initial weights, the batches and dropout. No global random state is
        read or left changed.
    verbose : int, default=0
        Show a progress bar if not 0.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained network, for prediction only.
    history_ : list of dict
        Losses, ``valid_mae`` and learning rate of each epoch.
    n_dims_ : int
        Spatial dimensions seen in ``fit``.
    min_points_ : int
        Fewest points ``predict`` takes.
    n_features_in_ : int
        Number of columns, only if fitted on a 2-D table of one-dimensional trajectories.

    Notes
    -----
    There is no ``sample_weight``.

    References
    ----------
    Li, Yao & Huang, "WaveNet-based deep neural networks for the characterization of anomalous
    diffusion (WADNet)", J. Phys. A 54:404003 (2021).

    Examples
    --------
    >>> from skandi import AlphaRegressor
    >>> from skandi.simulate import make_andi
    >>> X, y = make_andi(64, n_dims=2, length=30, random_state=0)
    >>> regressor = AlphaRegressor(max_epochs=1, random_state=0).fit(X, y)
    >>> regressor.predict(X[:3]).shape
    (3,)
    """

    def predict(self, X: Any) -> NDArray[np.float32]:
        """Predict the anomalous exponent of each trajectory.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,), float32
            α, the estimate that minimises the error the network was trained on.

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        outputs = self._outputs(X)
        if self.network == "multiscale":
            median = alpha_quantiles(torch.from_numpy(outputs), (0.5,))
            return median[:, 0].numpy().astype(np.float32)
        return outputs[:, 0]

    def _encode_targets(self, y: ArrayLike, *, learn: bool) -> NDArray:
        if y is None:
            raise ValueError("AlphaRegressor requires y to be passed, but the target y is None.")
        alpha = column_or_1d(check_array(y, ensure_2d=False, input_name="y"), warn=True)
        if (
            self.network == "multiscale"
            and not ((alpha > 0) & (alpha <= ALPHA_GRID[-1] + 0.025)).all()
        ):
            raise ValueError(
                "network='multiscale' gives a distribution over α in (0, 2], but y goes from "
                f"{alpha.min():g} to {alpha.max():g}. Use network='wadnet' for other targets."
            )
        return alpha.astype(np.float32)

    def _objective(self) -> Objective:
        if self.network == "multiscale":
            return Objective(
                N_ALPHA_OUTPUTS, alpha_distribution_loss, _median_absolute_errors, "valid_mae"
            )
        return Objective(1, _squared_error, _absolute_errors, "valid_mae")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Z-scoring removes what scikit-learn's toy regressions carry in level and scale.
        tags.regressor_tags.poor_score = True
        return tags


def _squared_error(outputs: Tensor, alpha: Tensor) -> Tensor:
    return F.mse_loss(outputs[:, 0], alpha)


def _absolute_errors(outputs: Tensor, alpha: Tensor) -> Tensor:
    return (outputs[:, 0] - alpha).abs().sum()


def _median_absolute_errors(outputs: Tensor, alpha: Tensor) -> Tensor:
    return (alpha_quantiles(outputs, (0.5,))[:, 0] - alpha).abs().sum()
