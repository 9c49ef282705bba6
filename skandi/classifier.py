"""The diffusion model of single trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d
from torch import Tensor
from torch.nn import functional as F

from skandi.calibration import ModelCalibration
from skandi.estimator import Objective, TrajectoryEstimator, require_as_many
from skandi.lengths import lengths_of
from skandi.trajectories import require_targets
from skandi.weights import labels_of, told_labels

if TYPE_CHECKING:
    from typing_extensions import Self


class ModelClassifier(ClassifierMixin, TrajectoryEstimator):
    """Classification of single short trajectories by the diffusion model that made them.

    The classes are usually ``"attm"``, ``"ctrw"``, ``"fbm"``, ``"lw"``, ``"sbm"``, but any labels
    will do. The defaults are the protocol of Li, Yao & Huang (2021), with the cross-entropy as the
    loss and the weights of the epoch with the best validation F1 (micro-averaged, the share of
    trajectories classified rightly).

    Parameters
    ----------
    network : {"wadnet", "multiscale", "ensemble"} or TrajectoryNetwork class, default="wadnet"
        The network; `MultiScaleNet` reads every length and learns faster, `NetworkEnsemble` is
        several of those at once. For a network of your own see `skandi.networks.TrajectoryNetwork`.
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
        Continue the weights of the last fit; the classes must be the same.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the split, the initial weights, the batches and dropout. No global random state is
        read or left changed.
    verbose : int, default=0
        Show a progress bar if not 0.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for the five models the challenge's order.
    net_ : skorch.NeuralNet
        The trained network, for prediction only.
    history_ : list of dict
        Losses, ``valid_error`` (1 - F1) and learning rate of each epoch.
    n_dims_ : int
        Spatial dimensions seen in ``fit``.
    min_points_ : int
        Fewest points ``predict`` takes.
    calibration_ : ModelCalibration
        Temperatures of the probabilities; only if pretrained or after `calibrate`.
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
    >>> from skandi import ModelClassifier
    >>> from skandi.simulate import make_andi
    >>> X, y = make_andi(64, n_dims=2, task="model", length=30, random_state=0)
    >>> classifier = ModelClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> classifier.classes_.tolist()
    ['attm', 'ctrw', 'fbm', 'lw', 'sbm']
    >>> classifier.predict_proba(X[:3]).shape
    (3, 5)
    """

    classes_: NDArray

    def predict(self, X: Any) -> NDArray:
        """Predict the class of each trajectory.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n,)
            The most probable label of each. A trajectory that never moves gets one too, which says
            nothing; `skandi.analyse` leaves it out.

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        best = self.predict_logits(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Columns in the order of ``classes_``.

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        trajectories = self._read(X)
        return self.read_features(self._features(trajectories), trajectories)

    def read_features(
        self, features: NDArray[np.float32], trajectories: list[NDArray[np.float64]]
    ) -> NDArray[np.float32]:
        """Give the class probabilities from feature vectors, so that they are computed once.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)
            What `transform` gives for the trajectories.
        trajectories : list of ndarray of shape (T_i, d)
            The trajectories, whose length the correction depends on.

        Returns
        -------
        ndarray of shape (n, n_classes), float32

        Raises
        ------
        ValueError
            If there are not as many feature vectors as trajectories.
        """
        check_consistent_length(features, trajectories)
        logits = torch.from_numpy(self._head(features))
        calibration = getattr(self, "calibration_", None)
        if calibration is not None and len(features):
            temperature = calibration.at(lengths_of(trajectories)).astype(np.float32)
            logits = logits / torch.from_numpy(temperature)[:, None]
        return logits.softmax(dim=1).numpy()

    def calibrate(self, X: Any, y: ArrayLike) -> ModelClassifier:
        """Make the stated probabilities true, on trajectories that did not train the network.

        One temperature per length divides the logits, so the most probable class stays.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories of the lengths to be met, some thousands.
        y : array-like of shape (n,)
            Their labels, all among ``classes_``.

        Returns
        -------
        self
        """
        trajectories = self._read(X)
        codes = self._encode_targets(y, learn=False)
        require_as_many(trajectories, codes)
        logits = self._head(self._features(trajectories)).astype(np.float64)
        self.calibration_ = ModelCalibration.fit(lengths_of(trajectories), logits, codes)
        return self

    def predict_logits(self, X: Any) -> NDArray[np.float32]:
        """Predict logarithms of the class probabilities up to a constant; ensembles average them.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Columns in the order of ``classes_``.

        Raises
        ------
        TrajectoryError
            If `X` cannot be read, or trajectories are too short; they are named.
        """
        return self._outputs(X)

    def _describe(self) -> dict[str, Any]:
        described = super()._describe()
        described["classes"] = told_labels(self.classes_)
        if hasattr(self, "calibration_"):
            described["calibration"] = self.calibration_.to_config()
        return described

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        classifier = super()._from_description(config, state)
        dtype, labels = config["classes"]
        classifier.classes_ = labels_of(dtype, labels)
        if len(classifier.classes_) != config["fitted"]["n_outputs"]:
            raise ValueError(f"classes are {labels!r}")
        if "calibration" in config:
            classifier.calibration_ = ModelCalibration.from_config(config["calibration"])
        return classifier

    def _encode_targets(self, y: ArrayLike, *, learn: bool) -> NDArray:
        require_targets(y, "ModelClassifier")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if learn:
            if (
                self.warm_start
                and hasattr(self, "net_")
                and not np.array_equal(classes, self.classes_)
            ):
                raise ValueError(
                    f"warm_start=True needs the classes of the last fit, {self.classes_.tolist()}, "
                    f"but y holds {classes.tolist()}. Set warm_start=False to start anew."
                )
            self.classes_ = classes
            return codes.astype(np.int64)
        unknown = np.setdiff1d(classes, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds labels that were not seen in fit: {unknown.tolist()}. Known labels are "
                f"{self.classes_.tolist()}."
            )
        return np.searchsorted(self.classes_, labels).astype(np.int64)

    def _objective(self) -> Objective:
        return Objective(len(self.classes_), F.cross_entropy, _errors, "valid_error")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Z-scoring removes what scikit-learn's toy clusters carry in level and scale.
        tags.classifier_tags.poor_score = True
        return tags


def _errors(logits: Tensor, codes: Tensor) -> Tensor:
    return (logits.argmax(dim=1) != codes).sum()
