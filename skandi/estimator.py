"""What the regressor and the classifier share: a network, its training, and features of tracks."""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skandi.errors import SkandiError, WeightsError
from skandi.lengths import lengths_of
from skandi.networks import MultiScaleNet, NetworkEnsemble, WADNet
from skandi.networks.base import TrajectoryNetwork
from skandi.novelty import NoveltyStatistics
from skandi.saving import Saved
from skandi.simulate import as_generator
from skandi.training.arithmetic import PRECISIONS, warn_if_slower
from skandi.training.batches import TrajectoryExamples
from skandi.training.inference import VIEWS, head_outputs, network_features
from skandi.training.loop import LengthNet, Protocol, Score, hold, seeded, train
from skandi.trajectories import learn_input, match_input, require_points
from skandi.versioned import Versioned
from skandi.weights import (
    build_for,
    jsonable,
    require_counts,
)

if TYPE_CHECKING:
    from typing_extensions import Self

NETWORKS: dict[str, type[TrajectoryNetwork]] = {
    "wadnet": WADNet,
    "multiscale": MultiScaleNet,
    "ensemble": NetworkEnsemble,
}
"""Networks by the name that ``network=`` takes."""

_MAX_REDUCTIONS = 3


def network_class(network: Any) -> type[TrajectoryNetwork]:
    """The class that ``network=`` names, or is.

    Raises
    ------
    ValueError
        If it is neither a known name nor a network's class.
    """
    is_class = isinstance(network, type) and issubclass(network, TrajectoryNetwork)
    if is_class and network is not TrajectoryNetwork:
        return network
    if not isinstance(network, str) or network not in NETWORKS:
        what = repr(network) if isinstance(network, str | type) else f"a {type(network).__name__}"
        raise ValueError(
            f"network is {what}; it must be one of {sorted(NETWORKS)}, or a class derived from "
            "skandi.networks.TrajectoryNetwork."
        )
    return NETWORKS[network]


class Objective(NamedTuple):
    """What a network is trained for: outputs, the loss, and the score that chooses the epoch."""

    n_outputs: int
    loss: Score
    metric: Score
    metric_name: str


class TrajectoryEstimator(
    Saved, Versioned, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base of the estimators that own a network; not for direct use.

    Subclasses say what the outputs mean: ``_encode_targets`` and ``_objective``.
    """

    def __init__(
        self,
        network: str | type[TrajectoryNetwork] = "wadnet",
        *,
        network_params: dict[str, Any] | None = None,
        length: int | None = None,
        lr: float = 1e-3,
        max_epochs: int = 100,
        batch_size: int = 512,
        validation_fraction: float = 0.2,
        patience: int = 2,
        lr_factor: float = 0.2,
        precision: str = "float32",
        views: str = "none",
        predict_precision: str = "float32",
        device: str = "cpu",
        warm_start: bool = False,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.network_params = network_params
        self.length = length
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.lr_factor = lr_factor
        self.precision = precision
        self.views = views
        self.predict_precision = predict_precision
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    net_: LengthNet
    _built: dict[str, Any]
    history_: list[dict[str, Any]]
    n_dims_: int
    min_points_: int
    novelty_: NoveltyStatistics

    @abstractmethod
    def _encode_targets(self, y: ArrayLike, *, learn: bool) -> NDArray:
        """Check `y` and turn it into what the loss compares outputs with."""

    @abstractmethod
    def _objective(self) -> Objective:
        """Outputs, loss and metric for the targets that were seen."""

    def fit(
        self, X: Any, y: ArrayLike, eval_set: tuple[Any, ArrayLike] | None = None
    ) -> TrajectoryEstimator:
        """Train the network.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length, d from 1 to 3; at least two points each if ragged.
        y : array-like of shape (n,)
            The target of each trajectory.
        eval_set : tuple of (X, y), optional
            Trajectories that judge the epochs; without it ``validation_fraction`` of `X` does.

        Returns
        -------
        self

        Raises
        ------
        TrajectoryError
            If `X` cannot be read; every problem is listed with its index.
        ValueError
            If `y` or a parameter is unusable, or ``warm_start`` does not fit the last fit.
        TrainingError
            If the loss stops being finite.
        """
        warn_if_slower("precision", self.precision, self._device())
        with unchanged_on_error(self):
            return self._fit(X, y, eval_set)

    def _fit(
        self, X: Any, y: ArrayLike, eval_set: tuple[Any, ArrayLike] | None
    ) -> TrajectoryEstimator:
        self._check_sizes()
        self._check_training()
        self._built = self._asked()
        earlier = self.net_.module_ if self.warm_start and hasattr(self, "net_") else None
        if earlier is None and self.max_epochs < 1:
            raise ValueError(
                f"max_epochs is {self.max_epochs!r}: a network that has learnt nothing needs 1 or "
                "more."
            )
        trajectories = learn_input(self, X)
        targets = self._encode_targets(y, learn=True)
        require_as_many(trajectories, targets)
        rng = as_seed_generator(self.random_state)
        training, validation = self._examples(trajectories, targets, eval_set, rng)
        objective = self._objective()
        device = self._device()
        with seeded(int(rng.integers(2**31)), device):
            module = self._network(objective.n_outputs)
            if earlier is not None:
                _continue_from(module, earlier)
            net = train(
                module,
                self._protocol(objective),
                training,
                validation,
                device=device,
                verbose=bool(self.verbose),
            )
        self.net_ = net
        # They belonged to the last fit.
        for name in ("calibration_", "trunk_", "first_trunk_", "novelty_"):
            self.__dict__.pop(name, None)
        self.history_ = [{k: row[k] for k in row if k != "batches"} for row in net.history]
        self.net_.trim_for_prediction()
        self.min_points_ = 1 if self.length is None else self.length
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Give the feature vector v of each trajectory, what the network's head reads.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n, n_features), float32
            For a network of one ``length``, the mean over the crops; with ``views``, over them.
        """
        return self._features(self._read(X))

    def novelty(self, X: Any) -> NDArray[np.float64]:
        """Tell how much each trajectory is unlike the training data.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,), float64
            The share of simulated trajectories of the training kind, of the same length, that are
            less novel than this one; above 0.95 for one in twenty of the training kind itself. A
            trajectory that never moves gets one too, which says nothing; `skandi.analyse` leaves
            it out.

        Raises
        ------
        SkandiError
            If the estimator has no statistics of novelty, which only pretrained ones have.
        """
        trajectories = self._read(X)
        lacking = self.lacks_novelty()
        if lacking:
            raise SkandiError(f"No novelty: {lacking}.")
        return self.read_novelty(None, trajectories)

    def read_novelty(
        self, features: NDArray[np.float32] | None, trajectories: list[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Give the novelty from feature vectors, so that they are computed once.

        Averages over symmetric views are less scattered than what the statistics were made on, so
        with ``views`` the features of the plain view are computed anew.
        """
        module = self._ready_module()
        # Of an ensemble it is the first network whose statistics there are.
        first = module.networks()[0] if isinstance(module, NetworkEnsemble) else module
        if features is None or self.views != "none":
            features = network_features(first, trajectories, precision=self.predict_precision)
        features = features[:, : first.n_features]
        return self.novelty_.novelty(features, lengths_of(trajectories))

    def lacks_novelty(self) -> str:
        """Why there is no novelty, in words; empty if there is."""
        statistics = getattr(self, "novelty_", None)
        if statistics is None:
            return "the estimators have no statistics of novelty, only pretrained ones have"
        if statistics.trunk != getattr(self, "first_trunk_", None):
            return "the statistics of novelty beside the weights are those of other weights"
        return ""

    def _state(self) -> Mapping[str, Tensor]:
        return self.net_.module_.state_dict()

    def _describe(self) -> dict[str, Any]:
        if not isinstance(self._as_built()["network"], str):
            raise ValueError(
                f"This {type(self).__name__} has a network of your own, and a file without pickle "
                "holds no code. Save it with joblib.dump."
            )
        return {
            "estimator": type(self).__name__,
            "params": jsonable(self.get_params(deep=False) | self._as_built()),
            "fitted": {
                "n_outputs": self._objective().n_outputs,
                "n_dims_": self.n_dims_,
                "min_points_": self.min_points_,
                "history_": self.history_,
                **{k: v for k, v in vars(self).items() if k == "n_features_in_"},
            },
            "columns": list(getattr(self, "feature_names_in_", [])),
        }

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        estimator = cls(**config["params"])
        estimator._check_sizes()
        if estimator.length is not None:
            require_counts(config["params"], "length")
        if estimator.views not in VIEWS:
            raise ValueError(f"views is {estimator.views!r}")
        if estimator.predict_precision not in PRECISIONS:
            raise ValueError(f"predict_precision is {estimator.predict_precision!r}")
        fitted = config["fitted"]
        n_dims, n_outputs = require_counts(fitted, "n_dims_", "n_outputs")
        estimator.n_dims_ = n_dims
        module = build_for(lambda: estimator._network(n_outputs), state, estimator.network_params)
        (min_points,) = require_counts(fitted, "min_points_")
        estimator._adopt(module, n_dims=n_dims, min_points=min_points)
        estimator.history_ = list(fitted["history_"])
        if "n_features_in_" in fitted:
            (estimator.n_features_in_,) = require_counts(fitted, "n_features_in_")
        if config.get("columns"):
            estimator.feature_names_in_ = np.array(config["columns"], dtype=object)
        return estimator

    def _outputs(self, X: Any) -> NDArray[np.float32]:
        return self._head(self._features(self._read(X)))

    def _features(self, trajectories: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        module = self._ready_module()
        device = next(module.parameters()).device
        warn_if_slower("predict_precision", self.predict_precision, device.type)
        return network_features(
            module,
            trajectories,
            length=self.length,
            views=self.views,
            precision=self.predict_precision,
        )

    def shares_trunk(self, other: Any) -> bool:
        """Tell whether the feature vectors of `other` are equal to those of this estimator."""
        keys = ("trunk_", "views", "length", "predict_precision")
        mine, theirs = ([getattr(e, key, None) for key in keys] for e in (self, other))
        return mine[0] is not None and mine == theirs

    def _head(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = head_outputs(self._ready_module(), features)
        if not np.isfinite(outputs).all():
            raise WeightsError(
                "The network gives numbers that are not finite: its weights are too large to "
                "compute with, or damaged. Load weights that are sound, or fit it again."
            )
        return outputs

    def _ready_module(self) -> TrajectoryNetwork:
        check_is_fitted(self)
        return self.net_.module_.eval()

    def _read(self, X: Any) -> list[NDArray[np.float64]]:
        check_is_fitted(self)
        trajectories = match_input(self, X)
        require_points(trajectories, self.min_points_, why="the fewest this model reads")
        return trajectories

    def _check_sizes(self) -> None:
        """Refuse sizes that would else be read as something different, or fail deep inside."""
        length, size = self.length, self.batch_size
        if length is not None and not (isinstance(length, Integral) and length >= 2):
            raise ValueError(
                f"length is {length!r}; pass a whole number of at least 2 points, or None to read "
                "every trajectory as it is."
            )
        if not (isinstance(size, Integral) and (size >= 1 or size == -1)):
            raise ValueError(
                f"batch_size is {size!r}; pass a whole number of at least 1 trajectory, or -1 for "
                "all of one length."
            )

    def _check_training(self) -> None:
        """Refuse parameters that would be found wanting only during or after the training."""
        for name in ("max_epochs", "patience"):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= 0):
                raise ValueError(f"{name} is {value!r}; pass a whole number of at least 0.")
        for name, limits, holds in (
            ("lr", "a finite number above 0", lambda v: 0 < v < np.inf),
            ("lr_factor", "between 0 and 1", lambda v: 0 < v < 1),
            ("validation_fraction", "in [0, 1)", lambda v: 0 <= v < 1),
        ):
            value = getattr(self, name)
            if not (isinstance(value, Real) and holds(value)):
                raise ValueError(f"{name} is {value!r}; it must be {limits}.")
        for name, choices in (("views", VIEWS), ("predict_precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name} is {value!r}; it must be one of {list(choices)}.")

    def _examples(
        self,
        trajectories: list[NDArray[np.float64]],
        targets: NDArray,
        eval_set: tuple[Any, ArrayLike] | None,
        rng: np.random.Generator,
    ) -> tuple[TrajectoryExamples, TrajectoryExamples | None]:
        """Make examples to train on and to judge epochs by; crops of one track stay together."""
        if eval_set is not None:
            if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
                raise ValueError("eval_set must be a tuple (X, y), trajectories and targets.")
            held = match_input(self, eval_set[0])
            held_targets = self._encode_targets(eval_set[1], learn=False)
            require_as_many(held, held_targets)
            return self._as_examples(trajectories, targets), self._as_examples(held, held_targets)
        n = len(trajectories)
        if self.validation_fraction == 0:
            return self._as_examples(trajectories, targets), None
        if n < 2:
            raise ValueError(
                f"n_samples={n} is not enough: one part trains and one part validates. Pass at "
                "least 2 trajectories, an eval_set, or validation_fraction=0."
            )
        n_held = min(n - 1, max(1, round(n * self.validation_fraction)))
        kept, held_out = np.split(rng.permutation(n), [n - n_held])
        return (
            self._as_examples([trajectories[i] for i in kept], targets[kept]),
            self._as_examples([trajectories[i] for i in held_out], targets[held_out]),
        )

    def _as_examples(
        self, trajectories: list[NDArray[np.float64]], targets: NDArray
    ) -> TrajectoryExamples:
        if self.length is not None:
            require_points(trajectories, self.length, why="the `length` of this network")
        return TrajectoryExamples(trajectories, targets, self.length)

    def _network(self, n_outputs: int) -> TrajectoryNetwork:
        build, params = network_class(self.network), self.network_params or {}
        try:
            return build(self.n_dims_, n_outputs, **params)
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            known = [
                name
                for name, parameter in inspect.signature(build).parameters.items()
                if parameter.kind is parameter.KEYWORD_ONLY
            ]
            raise ValueError(
                f"network_params is {params!r}, with which no {build.__name__} can be built "
                f"({error}). It is a dict of {', '.join(known)}; see the class for their values."
            ) from error

    def _asked(self) -> dict[str, Any]:
        """The parameters that decide what is built; they may be set anew after the fit."""
        # a class of ours by its name, which a file can hold
        network = next((k for k, each in NETWORKS.items() if each is self.network), self.network)
        return {"network": network, "network_params": copy.deepcopy(self.network_params)}

    def _as_built(self) -> dict[str, Any]:
        return getattr(self, "_built", None) or self._asked()  # a pickle may be an older one

    def _protocol(self, objective: Objective) -> Protocol:
        return Protocol(
            lr=self.lr,
            max_epochs=self.max_epochs,
            batch_size=int(self.batch_size),
            patience=self.patience,
            lr_factor=self.lr_factor,
            max_reductions=_MAX_REDUCTIONS,
            loss=objective.loss,
            metric=objective.metric,
            metric_name=objective.metric_name,
            precision=self.precision,
        )

    def _device(self) -> str:
        if self.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.zeros(1, device=self.device).item()
        except (RuntimeError, AssertionError, TypeError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(
                f"device is {self.device!r}, which this torch cannot use ({reason}). Pass 'cpu', "
                "or 'auto' for a GPU where there is one."
            ) from error
        return self.device

    def _adopt(self, module: TrajectoryNetwork, *, n_dims: int, min_points: int) -> None:
        """Become fitted with a module trained elsewhere."""
        device = "cpu"
        with suppress(ValueError):  # what was trained on a GPU must open where it is not
            device = self._device()
        self.net_ = hold(module, device=device)
        self._built = self._asked()
        self.history_ = []
        self.n_dims_ = n_dims
        self.min_points_ = min_points

    @property
    def _n_features_out(self) -> int:
        return int(self.net_.module_.n_features)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = []
        return tags


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave the estimator as it was, fitted or not, if the fit fails or is interrupted."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def as_seed_generator(
    random_state: int | np.random.Generator | np.random.RandomState | None,
) -> np.random.Generator:
    """Seed from whatever scikit-learn takes, but never draw from numpy's global state."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    return as_generator(random_state)


def require_as_many(trajectories: list[NDArray[np.float64]], targets: NDArray) -> None:
    """Raise a ValueError unless there is one target per trajectory."""
    if len(targets) != len(trajectories):
        raise ValueError(
            f"X holds {len(trajectories)} trajectories and y {len(targets)} targets; they must "
            "be as many."
        )


def _continue_from(module: TrajectoryNetwork, earlier: TrajectoryNetwork) -> None:
    """Copy the weights of the last fit, or say why they do not fit."""
    try:
        module.load_state_dict(earlier.state_dict())
    except RuntimeError as error:
        raise ValueError(
            "warm_start=True continues the weights of the last fit, but the number of dimensions "
            "or classes or the network has changed since. Fit a new estimator (sklearn.clone), or "
            "set warm_start=False."
        ) from error
