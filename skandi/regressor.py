"""The anomalous exponent α of single trajectories."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d
from torch import Tensor
from torch.nn import functional as F

from skandi.calibration import AlphaCalibration, noise_share
from skandi.diffusion import ALPHA_GRID
from skandi.estimator import Objective, TrajectoryEstimator, network_class, require_as_many
from skandi.lengths import lengths_of
from skandi.networks.alpha_head import (
    N_ALPHA_OUTPUTS,
    alpha_cdf,
    alpha_deviations,
    alpha_distribution_loss,
    alpha_quantiles,
)
from skandi.trajectories import require_targets

if TYPE_CHECKING:
    from typing_extensions import Self


class AlphaReading(NamedTuple):
    """What is known of α for n trajectories; each field is an array of shape (n,)."""

    median: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    expected_error: NDArray[np.float64]
    spread: NDArray[np.float64]


class AlphaRegressor(RegressorMixin, TrajectoryEstimator):
    """Regression of the anomalous exponent α, with MSD ~ t^α, from single short trajectories.

    The defaults are the protocol of Li, Yao & Huang (2021): the WADNet network, Adam, the learning
    rate divided by five after two epochs without improvement, a stop at the third such event, the
    weights of the epoch with the smallest validation MAE.

    Parameters
    ----------
    network : {"wadnet", "multiscale", "ensemble"} or TrajectoryNetwork class, default="wadnet"
        `WADNet` gives one number and is trained on the squared error. `MultiScaleNet` gives a
        distribution over α in (0, 2], of which ``predict`` reads the median; it reads every length
        and learns faster. `NetworkEnsemble` is several of those at once. For a network of your own
        see `skandi.networks.TrajectoryNetwork`.
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
        Arithmetic of the network in training; "bfloat16" is meant for processors with
        instructions for matrices of it (AMX, or BF16 on ARM), and is slower on others.
    views : {"none", "flip", "all"}, default="none"
        Copies that predictions are averaged over, since no direction of space is special: the
        mirror image, or every mirror image and order of the axes. Training does not use it.
    predict_precision : {"float32", "bfloat16"}, default="float32"
        Arithmetic of the network in prediction, for trajectories from 32 points on; "bfloat16" is
        less exact, and slower on processors without instructions for matrices of it
        (``benchmarks/bfloat16.py``).
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
    calibration_ : AlphaCalibration
        Correction of intervals and expected errors; only if pretrained or after `calibrate`.
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
            α: the median of the distribution, or the one number of a network that gives none
            (``wadnet``). A trajectory that never moves gets one too, which says nothing;
            `skandi.analyse` leaves it out.

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        outputs = self._outputs(X)
        if self.gives_distribution:
            median = alpha_quantiles(torch.from_numpy(outputs), (0.5,))
            return median[:, 0].numpy().astype(np.float32)
        return outputs[:, 0]

    def predict_interval(self, X: Any, coverage: float = 0.9) -> NDArray[np.float32]:
        """Predict an interval that holds α with the probability `coverage`.

        The interval is central in the network's distribution over α. Its mass is corrected on
        trajectories that trained nothing, per length and noise (``calibration_``), if the estimator
        is pretrained or `calibrate` was called; otherwise it is what the network believes.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        coverage : float, default=0.9
            Probability in (0, 1).

        Returns
        -------
        ndarray of shape (n, 2), float32
            Lower and upper end; the median that ``predict`` gives lies between them.

        Raises
        ------
        ValueError
            If `coverage` is not in (0, 1), or the network gives no distribution (``wadnet``).
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        trajectories = self._read(X)
        reading = self.read_features(self._features(trajectories), trajectories, coverage=coverage)
        return np.column_stack([reading.lower, reading.upper]).astype(np.float32)

    def expected_error(self, X: Any) -> NDArray[np.float32]:
        """Predict how far α will be off: the expected absolute error of each ``predict``.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,), float32
            In units of α; corrected as in `predict_interval`.

        Raises
        ------
        ValueError
            If the network gives no distribution (``wadnet``).
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        trajectories = self._read(X)
        reading = self.read_features(self._features(trajectories), trajectories)
        return reading.expected_error.astype(np.float32)

    def calibrate(self, X: Any, y: ArrayLike) -> AlphaRegressor:
        """Correct intervals and expected errors on trajectories that did not train the network.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories of the lengths and noise to be met, some thousands.
        y : array-like of shape (n,)
            Their exponents.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the network gives no distribution (``wadnet``), or `y` does not match `X`.
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        trajectories = self._read(X)
        alpha = self._encode_targets(y, learn=False)
        require_as_many(trajectories, alpha)
        logits = self._distribution(self._features(trajectories))
        truth = torch.from_numpy(alpha.astype(np.float64))
        median = alpha_quantiles(logits, (0.5,))[:, 0]
        expected, spread = alpha_deviations(logits, median)
        self.calibration_ = AlphaCalibration.fit(
            lengths_of(trajectories),
            noise_share(trajectories),
            central_mass=(2 * alpha_cdf(logits, truth) - 1).abs().numpy(),
            error=(median - truth).numpy(),
            expected=expected.numpy(),
            spread=spread.numpy(),
        )
        return self

    def read_features(
        self,
        features: NDArray[np.float32],
        trajectories: list[NDArray[np.float64]],
        *,
        coverage: float = 0.9,
    ) -> AlphaReading:
        """Give all there is to say of α from feature vectors, so that they are computed once.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)
            What `transform` gives for the trajectories.
        trajectories : list of ndarray of shape (T_i, d)
            The trajectories, whose length and noise the correction depends on.
        coverage : float, default=0.9
            Probability of the interval, in (0, 1).

        Returns
        -------
        AlphaReading
            ``median``, ``lower``, ``upper``, ``expected_error`` and ``spread`` (the expected root
            mean square error), each of shape (n,).

        Raises
        ------
        ValueError
            If there are not as many feature vectors as trajectories.
        """
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(f"coverage is {coverage!r}; it must be between 0 and 1, e.g. 0.9.")
        check_consistent_length(features, trajectories)
        logits = self._distribution(features)
        level = np.full(len(features), float(coverage))
        calibration = getattr(self, "calibration_", None) if len(features) else None
        if calibration is not None:
            lengths, noise = lengths_of(trajectories), noise_share(trajectories)
            level = calibration.raw_level(lengths, noise, coverage)
        levels = np.column_stack([(1 - level) / 2, np.full(len(level), 0.5), (1 + level) / 2])
        lower, median, upper = alpha_quantiles(logits, torch.from_numpy(levels)).numpy().T
        deviations = alpha_deviations(logits, torch.from_numpy(median.copy()))
        expected, spread = (deviation.numpy() for deviation in deviations)
        if calibration is not None:
            expected, spread = calibration.correct(lengths, noise, expected=expected, spread=spread)
        return AlphaReading(
            median=np.minimum(median, ALPHA_GRID[-1]),
            lower=lower,
            upper=np.minimum(upper, ALPHA_GRID[-1]),
            expected_error=expected,
            spread=spread,
        )

    @property
    def gives_distribution(self) -> bool:
        """Whether the network gives a distribution over α, which intervals need."""
        return network_class(self._as_built()["network"]).gives_distribution

    def _distribution(self, features: NDArray[np.float32]) -> Tensor:
        if not self.gives_distribution:
            raise ValueError(
                f"network={self._as_built()['network']!r} gives one number per trajectory and no "
                "distribution. Use network='multiscale', or load_pretrained('alpha')."
            )
        return torch.from_numpy(self._head(features))

    def _describe(self) -> dict[str, Any]:
        described = super()._describe()
        if hasattr(self, "calibration_"):
            described["calibration"] = self.calibration_.to_config()
        return described

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        regressor = super()._from_description(config, state)
        if "calibration" in config:
            regressor.calibration_ = AlphaCalibration.from_config(config["calibration"])
        return regressor

    def _encode_targets(self, y: ArrayLike, *, learn: bool) -> NDArray:
        require_targets(y, "AlphaRegressor")
        alpha = column_or_1d(check_array(y, ensure_2d=False, input_name="y"), warn=True)
        if self.gives_distribution and not ((alpha > 0) & (alpha <= ALPHA_GRID[-1] + 0.025)).all():
            raise ValueError(
                f"network={self.network!r} gives a distribution over α in (0, 2], but y goes from "
                f"{alpha.min():g} to {alpha.max():g}. Use network='wadnet' for other targets."
            )
        return alpha.astype(np.float32)

    def _objective(self) -> Objective:
        if self.gives_distribution:
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
    # in float64, which not every device has
    return (alpha_quantiles(outputs.cpu(), (0.5,))[:, 0] - alpha.cpu()).abs().sum()
