"""Is a trajectory like those a network was trained on? The error of its reconstruction tells."""

from __future__ import annotations

import os
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skandi.errors import TrajectoryError
from skandi.estimator import as_seed_generator, unchanged_on_error
from skandi.networks.autoencoder import LargeAutoencoder, SmallAutoencoder, TrajectoryAutoencoder
from skandi.saving import Saved
from skandi.training.loop import seeded
from skandi.training.reconstruction import (
    ReconstructionProtocol,
    latent_vectors,
    reconstructions,
    squared_errors,
    train_autoencoder,
)
from skandi.trajectories import (
    learn_input,
    like_input,
    match_input,
    warn_of_one_trajectory,
)
from skandi.versioned import Versioned
from skandi.weights import (
    build_for,
    jsonable,
    require_counts,
)

if TYPE_CHECKING:
    from typing_extensions import Self

Trajectories = list[NDArray[np.float64]]

ARCHITECTURES: dict[str, type[TrajectoryAutoencoder]] = {
    "small": SmallAutoencoder,
    "large": LargeAutoencoder,
}
"""Autoencoders by the name that ``architecture=`` takes."""

_OF_NETWORK = ("n_latent", "shared_batch_norm", "pooling_indices")
_LARGE_FROM = 64
_FALSE_ALARM = 0.05
_HELD_SHARE, _HELD_MOST = 0.2, 2_000
_MARGIN = 1e-9


class AnomalyDetector(Saved, Versioned, OutlierMixin, BaseEstimator):
    """Detection of trajectories unlike the training data, by an autoencoder's error.

    A classifier must answer with a class it knows. An autoencoder that was trained to reproduce
    trajectories of some kind reproduces others worse, and its mean squared error says so without
    any label (Muñoz-Gil, Guigó i Corominas & Lewenstein 2021). Trajectories are first rebuilt from
    displacements of unit standard deviation, so neither position nor unit of length matters; only
    along an axis of constant velocity is there nothing to divide by, and the unit stays. The
    defaults are the paper's settings.

    The network reads one length, `length`. A longer trajectory is read in windows that cover it,
    each normalised by itself, and its score is the mean over them. A shorter one is padded with its
    last point, and its error is that of the real points.

    Parameters
    ----------
    architecture : {"auto", "small", "large"}, default="auto"
        The paper's network for 20 points, or its network for 200 points; "auto" takes the large
        one from 64 points on.
    length : int, optional
        Points the network reads, rounded up to a multiple of 4 (small) or 8 (large); by default
        the median length in ``fit``.
    n_latent : int, optional
        Size of the latent vector; by default T d / 5 (small) or T d / 10 (large), 4 at least.
    shared_batch_norm : bool, default=False
        Let encoder and decoder share scales and shifts of batch normalisation, as the authors'
        network does. For research: their *inference*, with statistics of the batch at hand, is not
        offered, because a score would then depend on the other trajectories in the call.
    pooling_indices : bool, default=True
        Let the places of the encoder's maxima reach the decoder beside the latent vector, as in
        the paper. Without them everything passes through the latent vector, and at the paper's
        sizes the error is nearly five times as large (``benchmarks/paper_ae/pooling.py``).
    lr : float, default=1e-3
        Learning rate of Adam.
    weight_decay : float, default=1e-5
        Its L2 penalty.
    max_epochs : int, default=200
        Passes over the training data.
    batch_size : int, default=256
        Trajectories (or windows) per batch.
    contamination : "auto" or float in (0, 0.5], default="auto"
        What sets ``offset_``. A share is that of the training trajectories that ``predict`` is to
        call outliers; on fresh ones the network errs more, and more are called so. "auto" takes the
        training data for clean and measures `false_alarm`: a fifth of the trajectories, 2 000 at
        most, is held out of the training for that.
    false_alarm : float in (0, 0.5], default=0.05
        With "auto", the share of fresh trajectories of the training kind that ``predict`` is to
        call outliers. The fewer are held out, the less it is kept: to about 0.02 with 100 of
        them, 0.05 with 20. Of fewer than five trajectories none is, and the training scores set the
        threshold.
    checkpoint_dir : path-like, optional
        Folder in which the state after each epoch is kept. A fit with the same parameters and data
        goes on from there and ends with the same weights as without a break; only `max_epochs` may
        be raised meanwhile. It needs an integer `random_state`.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the initial weights and of the batches. No global random state is read or changed.
    verbose : int, default=0
        Show a progress bar if not 0.

    Attributes
    ----------
    network_ : torch.nn.Module
        The trained network.
    architecture_ : str
        "small" or "large".
    length_ : int
        Points it reads.
    history_ : list of dict
        ``epoch`` and ``train_loss`` of each epoch.
    offset_ : float
        ``decision_function`` is ``score_samples`` minus this.
    n_dims_ : int
        Spatial dimensions seen in ``fit``.
    n_features_in_ : int
        Number of columns, only if fitted on a 2-D table of one-dimensional trajectories.

    Notes
    -----
    The score of a trajectory is computed in float64 with fixed statistics and does not depend on
    which others are scored with it, but for rounding (some 1e-14).

    References
    ----------
    Muñoz-Gil, Guigó i Corominas & Lewenstein, "Unsupervised learning of anomalous diffusion
    data", J. Phys. A 54:504001 (2021), arXiv:2108.03411.

    Examples
    --------
    >>> from skandi import AnomalyDetector
    >>> from skandi.simulate import simulate
    >>> X = simulate("fbm", 0.6, n_samples=200, T=20, random_state=0)
    >>> detector = AnomalyDetector(max_epochs=2, random_state=0).fit(X)
    >>> detector.score_samples(X[:3]).shape, detector.predict(X[:3]).shape
    ((3,), (3,))
    """

    def __init__(
        self,
        architecture: str = "auto",
        *,
        length: int | None = None,
        n_latent: int | None = None,
        shared_batch_norm: bool = False,
        pooling_indices: bool = True,
        lr: float = 1e-3,
        weight_decay: float = 1e-5,
        max_epochs: int = 200,
        batch_size: int = 256,
        contamination: str | float = "auto",
        false_alarm: float = _FALSE_ALARM,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.architecture = architecture
        self.length = length
        self.n_latent = n_latent
        self.shared_batch_norm = shared_batch_norm
        self.pooling_indices = pooling_indices
        self.lr = lr
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.contamination = contamination
        self.false_alarm = false_alarm
        self.checkpoint_dir = checkpoint_dir
        self.random_state = random_state
        self.verbose = verbose

    network_: TrajectoryAutoencoder
    history_: list[dict[str, Any]]
    offset_: float
    n_dims_: int

    def fit(self, X: Any, y: Any = None) -> AnomalyDetector:
        """Train the autoencoder and set the threshold.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length, d from 1 to 3; at least two, of two points or more.
            Those that move at constant velocity along an axis, or nearly, have no standard
            deviation to be divided by, or next to none: leave them out, a warning counts them.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        TrajectoryError
            If `X` cannot be read; every problem is listed with its index.
        ValueError
            If a parameter is unusable.
        TrainingError
            If the loss stops being finite.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            trajectories = learn_input(self, X)
            warn_of_one_trajectory(self, len(trajectories))
            _require_motion(trajectories)
            self.architecture_, self.length_ = network_size(
                self.architecture, self.length, trajectories
            )
            rng = as_seed_generator(self.random_state)
            weights_seed, order_seed = (int(seed) for seed in rng.integers(2**31, size=2))
            with seeded(weights_seed):
                network = self._build(**{name: getattr(self, name) for name in _OF_NETWORK})
            protocol = ReconstructionProtocol(
                lr=self.lr,
                weight_decay=self.weight_decay,
                max_epochs=self.max_epochs,
                batch_size=int(self.batch_size),
                seed=order_seed,
            )
            learnt_from, judged_by = self._split(trajectories, order_seed)
            self.history_ = train_autoencoder(
                network,
                protocol,
                learnt_from,
                checkpoint=self._checkpoint(network, protocol, learnt_from),
                verbose=bool(self.verbose),
            )
            self.network_ = network
            share = self.false_alarm if self._is_auto() else self.contamination
            self.offset_ = threshold(-squared_errors(network, judged_by), float(share))
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Give minus the mean squared error of reconstruction; lower is more abnormal.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,), float64
            In units of the variance of the trajectory's displacements; along an axis of constant
            velocity, which has none, in squared units of `X`.
        """
        trajectories = self._read(X)
        return -squared_errors(self.network_, trajectories)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the score minus the threshold; negative for outliers.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n,), float64
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Tell trajectories of the training kind (1) from others (-1).

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n,), int
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def reconstruct(self, X: Any) -> Any:
        """Give what the autoencoder makes of each trajectory, in the trajectory's own unit.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        list of ndarray of shape (T_i, d), or ndarray of the shape of `X`
            Positions; where windows overlap, their mean.
        """
        trajectories = self._read(X)
        return like_input(self, X, reconstructions(self.network_, trajectories))

    def encode(self, X: Any) -> NDArray[np.float64]:
        """Give the latent vector of each trajectory, for a long one the mean over its windows.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n, n_latent), float64
            Numbers of at least 0.
        """
        trajectories = self._read(X)
        return latent_vectors(self.network_, trajectories)

    def _state(self) -> dict[str, Tensor]:
        # Copies: shared scales are one tensor in memory, which a file cannot say.
        return {name: tensor.clone() for name, tensor in self.network_.state_dict().items()}

    def _describe(self) -> dict[str, Any]:
        self._check_parameters()  # a file with others could not be read
        learnt = ("architecture_", "length_", "offset_", "n_dims_", "n_features_in_", "history_")
        return {
            "estimator": type(self).__name__,
            "params": jsonable(self.get_params(deep=False)),
            # Parameters may have been set since the fit.
            "network": {name: getattr(self.network_, name) for name in _OF_NETWORK},
            "fitted": {name: getattr(self, name) for name in learnt if hasattr(self, name)},
            "columns": list(getattr(self, "feature_names_in_", [])),
        }

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        detector = cls(**config["params"])
        detector._check_parameters()
        fitted = config["fitted"]
        detector.n_dims_, detector.length_ = require_counts(fitted, "n_dims_", "length_")
        detector.architecture_ = str(fitted["architecture_"])
        built = {name: getattr(detector, name) for name in _OF_NETWORK} | config.get("network", {})
        if built["n_latent"] is not None:
            require_counts(built, "n_latent")
        sizes = [detector.n_dims_, detector.length_, built["n_latent"] or 1]
        detector.network_ = build_for(lambda: detector._build(**built), state, sizes).eval()
        detector.history_ = list(fitted["history_"])
        detector.offset_ = float(fitted["offset_"])
        if not np.isfinite(detector.offset_):
            raise ValueError(f"offset_ is {detector.offset_}")
        if "n_features_in_" in fitted:
            (detector.n_features_in_,) = require_counts(fitted, "n_features_in_")
        if config["columns"]:
            detector.feature_names_in_ = np.array(config["columns"], dtype=object)
        return detector

    def _read(self, X: Any) -> list[NDArray[np.float64]]:
        check_is_fitted(self)
        return match_input(self, X)

    def _build(self, **options: Any) -> TrajectoryAutoencoder:
        return ARCHITECTURES[self.architecture_](self.n_dims_, self.length_, **options)

    def _is_auto(self) -> bool:
        return isinstance(self.contamination, str)

    def _split(self, trajectories: Trajectories, seed: int) -> tuple[Trajectories, Trajectories]:
        """Give what to learn from, and what to set the threshold by."""
        n_held = min(int(_HELD_SHARE * len(trajectories)), _HELD_MOST)
        if not self._is_auto() or not n_held:
            return trajectories, trajectories
        # The orders of the epochs have the same seed, and the numbers from 1.
        order = np.random.default_rng([seed, 0]).permutation(len(trajectories))
        held = np.sort(order[:n_held])
        rest = np.sort(order[n_held:])
        return [trajectories[i] for i in rest], [trajectories[i] for i in held]

    def _check_parameters(self) -> None:
        problems = []
        if self.architecture not in ("auto", *ARCHITECTURES):
            problems.append(
                f"architecture is {self.architecture!r}; it must be 'auto', 'small' or 'large'."
            )
        if self.contamination != "auto" and not _is_share(self.contamination):
            problems.append(
                f"contamination is {self.contamination!r}; it must be 'auto' or in (0, 0.5]."
            )
        if not _is_share(self.false_alarm):
            problems.append(f"false_alarm is {self.false_alarm!r}; it must be in (0, 0.5].")
        for name in ("length", "n_latent", "max_epochs", "batch_size"):
            value = getattr(self, name)
            smallest = {"length": 2, "batch_size": 2}.get(name, 1)
            optional = name in ("length", "n_latent")
            if not (optional and value is None) and not is_whole(value, smallest):
                problems.append(f"{name} is {value!r}; it must be a whole number >= {smallest}.")
        if not _is_finite(self.lr) or self.lr <= 0:
            problems.append(f"lr is {self.lr!r}; it must be a finite number > 0.")
        if not _is_finite(self.weight_decay) or self.weight_decay < 0:
            problems.append(
                f"weight_decay is {self.weight_decay!r}; it must be a finite number >= 0."
            )
        for name in ("shared_batch_norm", "pooling_indices"):
            value = getattr(self, name)
            if not isinstance(value, bool | np.bool_):
                problems.append(f"{name} is {value!r}; it must be True or False.")
        if problems:
            raise ValueError(" ".join(problems))

    def _checkpoint(
        self,
        network: TrajectoryAutoencoder,
        protocol: ReconstructionProtocol,
        trajectories: list[NDArray[np.float64]],
    ) -> Path | None:
        """Give a file of its own to all that decides the weights, except the number of epochs."""
        if self.checkpoint_dir is None:
            return None
        require_seed(self.random_state)
        initial = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        settings = {**vars(protocol), "max_epochs": None}
        choices = (self.architecture_, self.shared_batch_norm, self.pooling_indices)
        # Joblib's hash sees how an array lies in memory.
        data = [np.ascontiguousarray(trajectory) for trajectory in trajectories]
        key = joblib.hash((initial, settings, choices, data), hash_name="sha1")
        return Path(self.checkpoint_dir) / f"autoencoder-{key}.pt"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def require_seed(random_state: object) -> None:
    """Refuse checkpoints of a fit that no other fit repeats.

    Raises
    ------
    ValueError
        If the seed is no whole number.
    """
    if not is_whole(random_state, 0):
        raise ValueError(
            f"checkpoint_dir needs a whole number as random_state, not {random_state!r}: no later "
            "fit would find its checkpoints. Pass random_state=0, say."
        )


def network_size(
    architecture: str, length: int | None, trajectories: list[NDArray[np.float64]]
) -> tuple[str, int]:
    """Give the architecture and the points it reads: the median length, rounded up to a multiple.

    Examples
    --------
    >>> network_size("auto", None, [np.zeros((T, 1)) for T in (20, 22, 300)])
    ('small', 24)
    """
    if length is None:
        length = int(np.median([len(t) for t in trajectories]))
    if architecture == "auto":
        architecture = "large" if length >= _LARGE_FROM else "small"
    divisor = ARCHITECTURES[architecture].divisor
    return architecture, -(-length // divisor) * divisor


def threshold(scores: NDArray[np.float64], share: float) -> float:
    """Give the score below which a share of the scores lies, half-way between two of them.

    A score at the threshold itself would be an outlier or not by rounding, so where there are not
    two, or they are the same, it is a little lower.

    Examples
    --------
    >>> scores = np.array([-1.0, -4.0, -3.0, -2.0])
    >>> round(threshold(scores, 0.25), 6), bool(-4.001 < threshold(scores, 0.1) < -4)
    (-3.5, True)
    """
    ordered = np.sort(scores)
    n_below = round(share * len(ordered))
    middle = float(ordered[max(n_below - 1, 0) : n_below + 1].mean())
    return middle - _MARGIN * abs(middle)


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and bool(np.isfinite(float(value)))


def _is_share(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) <= 0.5


def _require_motion(trajectories: Trajectories) -> None:
    n = len(trajectories)
    if n < 2:
        raise ValueError(f"n_samples={n} is not enough: pass at least 2 trajectories.")
    if max(len(t) for t in trajectories) < 2:
        raise TrajectoryError(
            "n_features=1: trajectories of one point have no displacement to learn from. Pass "
            "trajectories of at least 2 points."
        )


def is_whole(value: Any, smallest: int) -> bool:
    """Tell a whole number that is not below the smallest."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and bool(value >= smallest)
