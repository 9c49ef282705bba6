"""Which kind of motion explains a trajectory best? One autoencoder per kind, and the best wins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d
from torch import Tensor

from skandi.anomaly import AnomalyDetector, is_whole, network_size, require_seed
from skandi.estimator import unchanged_on_error
from skandi.members import one_thread
from skandi.saving import Saved
from skandi.trajectories import learn_input, match_input, require_targets
from skandi.versioned import Versioned
from skandi.weights import (
    jsonable,
    labels_of,
    require_counts,
    told_labels,
)

if TYPE_CHECKING:
    from typing_extensions import Self


class DiffusionFingerprint(Saved, Versioned, MetaEstimatorMixin, BaseEstimator):
    """Errors of one trajectory under several autoencoders, each trained on one kind of motion.

    A trajectory is reproduced best by the network that was trained on motion like it. With a
    network per diffusion model, per exponent, or per mixture of models, the errors are a
    fingerprint of the trajectory, and their means over a data set are the maps of
    Muñoz-Gil, Guigó i Corominas & Lewenstein (2021), Figs. 2 to 7.

    Parameters
    ----------
    detector : AnomalyDetector, optional
        What is cloned for each kind, each clone with its own integer seed; by default
        ``AnomalyDetector()``. Its ``checkpoint_dir`` makes the whole fit resumable. Unless its
        ``length`` is given, all clones read the median length of all training data. With
        ``contamination="auto"`` nothing is held out for a threshold, which is not asked for here.
    n_repeats : int, default=1
        Detectors per kind, which differ in their seed; their errors are averaged.
    n_jobs : int, optional
        Detectors trained at a time, by joblib; the result does not depend on it.
    random_state : int, optional
        Seed of all detectors.

    Attributes
    ----------
    kinds_ : ndarray of shape (n_kinds,) or (n_kinds, k)
        The distinct kinds, sorted.
    detectors_ : list of list of AnomalyDetector
        One per kind and repeat.
    n_dims_ : int
        Spatial dimensions seen in ``fit``.
    n_features_in_ : int
        Number of columns, only if fitted on a 2-D table of one-dimensional trajectories.

    References
    ----------
    Muñoz-Gil, Guigó i Corominas & Lewenstein, "Unsupervised learning of anomalous diffusion
    data", J. Phys. A 54:504001 (2021), arXiv:2108.03411.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi import AnomalyDetector, DiffusionFingerprint
    >>> from skandi.simulate import simulate
    >>> X = np.vstack([simulate(m, 0.5, 100, T=20, random_state=0) for m in ("ctrw", "fbm")])
    >>> kind = np.repeat(["ctrw", "fbm"], 100)
    >>> fingerprint = DiffusionFingerprint(AnomalyDetector(max_epochs=3), random_state=0)
    >>> fingerprint.fit(X, kind).errors(X).shape
    (200, 2)
    >>> fingerprint.error_map(X, kind).shape  # test data by row, network by column
    (2, 2)
    """

    kinds_: NDArray
    detectors_: list[list[AnomalyDetector]]
    n_dims_: int

    def __init__(
        self,
        detector: AnomalyDetector | None = None,
        *,
        n_repeats: int = 1,
        n_jobs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.detector = detector
        self.n_repeats = n_repeats
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> DiffusionFingerprint:
        """Train the detectors.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories in any unit of length.
        y : array-like of shape (n,) or (n, k)
            The kind of each: a label such as a model's name, or a row of labels, such as model and
            exponent, or the shares (γ, β) of a mixture.

        Returns
        -------
        self

        Raises
        ------
        TrajectoryError
            If `X` cannot be read; every problem is listed with its index.
        ValueError
            If `y` does not match `X`, or a kind has fewer than two trajectories.
        """
        with unchanged_on_error(self):
            self._check_template()
            if not is_whole(self.n_repeats, 1):
                raise ValueError(
                    f"n_repeats is {self.n_repeats!r}; it must be a whole number >= 1."
                )
            trajectories = learn_input(self, X)
            self.kinds_, which = _distinct(y, len(trajectories))
            scarce = np.flatnonzero(np.bincount(which) < 2)
            if len(scarce):
                raise ValueError(
                    f"n_samples=1 of kind {self.kinds_[scarce[0]]}: a detector needs at least 2 "
                    "trajectories. Give more of that kind, or leave it out."
                )
            tasks = [
                (member, np.flatnonzero(which == kind))
                for kind, members in enumerate(self._members(trajectories))
                for member in members
            ]
            fitted = Parallel(n_jobs=self.n_jobs)(
                delayed(_fit)(member, [trajectories[i] for i in own]) for member, own in tasks
            )
            n = self.n_repeats
            self.detectors_ = [fitted[k : k + n] for k in range(0, len(fitted), n)]
        return self

    def member_errors(self, X: Any) -> NDArray[np.float64]:
        """Give the mean squared error of each trajectory under each single detector.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n, n_kinds, n_repeats), float64
        """
        check_is_fitted(self)
        trajectories = match_input(self, X)
        return np.stack(
            [
                np.stack([-detector.score_samples(trajectories) for detector in repeats], axis=1)
                for repeats in self.detectors_
            ],
            axis=1,
        )

    def errors(self, X: Any) -> NDArray[np.float64]:
        """Give the mean squared error of each trajectory under each kind's detectors.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n, n_kinds), float64
            The mean over repeats.
        """
        return self.member_errors(X).mean(axis=2)

    def predict(self, X: Any) -> NDArray:
        """Give the kind whose detectors reproduce each trajectory best.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n,) or (n, k)
            Rows of ``kinds_``. A trajectory that never moves gets one too, which says nothing.
        """
        best = self.errors(X).argmin(axis=1)
        return self.kinds_[best]

    def error_map(self, X: Any, groups: ArrayLike | None = None) -> NDArray[np.float64]:
        """Give the mean error of groups of trajectories under each kind's detectors.

        With the true kind of test data as groups this is the paper's Fig. 2 (models), Fig. 3
        (exponents) or, in one column, Fig. 5 (mixtures); without groups it is the map of Fig. 7.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.
        groups : array-like of shape (n,) or (n, k), optional
            The group of each trajectory; by default all are one group.

        Returns
        -------
        ndarray of shape (n_groups, n_kinds), float64
            Groups are sorted, as ``numpy.unique(groups, axis=0)`` gives them.
        """
        errors = self.errors(X)
        labels = np.zeros(len(errors)) if groups is None else groups
        _, which = _distinct(labels, len(errors), "groups")
        counts = np.bincount(which)
        sums = np.zeros((len(counts), errors.shape[1]))
        np.add.at(sums, which, errors)
        return sums / counts[:, np.newaxis]

    def share_map(self, X: Any) -> NDArray[np.float64]:
        """Give the share of trajectories that each kind explains best.

        Parameters
        ----------
        X : list of array-like of shape (T_i, d), or array-like of shape (n, T) or (n, T, d)
            Trajectories.

        Returns
        -------
        ndarray of shape (n_kinds,), float64
            Sums to 1.
        """
        best = self.errors(X).argmin(axis=1)
        return np.bincount(best, minlength=len(self.kinds_)) / len(best)

    def on_grid(self, values: ArrayLike) -> tuple[NDArray, NDArray, NDArray[np.float64]]:
        """Lay one value per kind out on the plane of two labels, such as γ and β.

        Parameters
        ----------
        values : array-like of shape (n_kinds,)
            For instance a row of ``error_map``, or the ``share_map``.

        Returns
        -------
        first, second : ndarray
            The values of the two labels, sorted.
        grid : ndarray of shape (len(first), len(second)), float64
            NaN where there is no such kind.

        Raises
        ------
        ValueError
            If kinds are not rows of two labels, or values are not one per kind.
        """
        check_is_fitted(self)
        if self.kinds_.ndim != 2 or self.kinds_.shape[1] != 2:
            raise ValueError(
                f"kinds_ has shape {self.kinds_.shape}; a plane needs two labels per kind. Fit "
                "with y of shape (n, 2)."
            )
        (first, row), (second, column) = (
            np.unique(_plain(labels), return_inverse=True) for labels in self.kinds_.T
        )
        each = np.asarray(values, dtype=np.float64)
        if each.shape != (len(self.kinds_),):
            raise ValueError(
                f"values have shape {each.shape}; one for each of the {len(self.kinds_)} kinds is "
                "needed."
            )
        grid = np.full((len(first), len(second)), np.nan)
        grid[row, column] = each
        return first, second, grid

    def _state(self) -> dict[str, Tensor]:
        return {
            f"{name}.{key}": tensor
            for name, detector in self._named_detectors()
            for key, tensor in detector._state().items()
        }

    def _describe(self) -> dict[str, Any]:
        dtype, kinds = told_labels(self.kinds_.ravel())
        template = None if self.detector is None else self.detector.get_params(deep=False)
        return {
            "estimator": type(self).__name__,
            "detector": template if template is None else jsonable(template),
            "n_repeats": self.n_repeats,
            "n_fitted": len(self.detectors_[0]),
            "random_state": self.random_state,
            "kinds": [dtype, list(self.kinds_.shape), kinds],
            "members": {name: detector._describe() for name, detector in self._named_detectors()},
            "n_dims": self.n_dims_,
            "n_features_in": getattr(self, "n_features_in_", None),
            "columns": list(getattr(self, "feature_names_in_", [])),
        }

    def _named_detectors(self) -> Iterator[tuple[str, AnomalyDetector]]:
        for kind, repeats in enumerate(self.detectors_):
            for repeat, detector in enumerate(repeats):
                yield f"{kind}.{repeat}", detector

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        template, (n_repeats,) = config["detector"], require_counts(config, "n_repeats")
        detector = None if template is None else AnomalyDetector(**template)
        found = cls(detector, n_repeats=n_repeats, random_state=config["random_state"])
        dtype, shape, values = config["kinds"]
        found.kinds_ = labels_of(dtype, values).reshape(shape)
        # Another number of repeats may have been set since the fit.
        (n_fitted,) = require_counts({"n_fitted": n_repeats, **config}, "n_fitted")
        found.detectors_ = [
            [_member(config, state, f"{kind}.{repeat}") for repeat in range(n_fitted)]
            for kind in range(len(found.kinds_))
        ]
        (found.n_dims_,) = require_counts(config, "n_dims")
        if config["n_features_in"] is not None:
            (found.n_features_in_,) = require_counts(config, "n_features_in")
        if config["columns"]:
            found.feature_names_in_ = np.array(config["columns"], dtype=object)
        return found

    def _template(self) -> AnomalyDetector:
        return AnomalyDetector() if self.detector is None else self.detector

    def _check_template(self) -> None:
        """Refuse detectors that are none, and checkpoints that no later fit would find."""
        template = self._template()
        if not isinstance(template, AnomalyDetector):
            raise TypeError(
                f"detector is a {type(template).__name__}; it must be an AnomalyDetector, or None."
            )
        template._check_parameters()
        if not (self.random_state is None or is_whole(self.random_state, 0)):
            raise ValueError(
                f"random_state is {self.random_state!r}; it must be a whole number >= 0, or None."
            )
        if template.checkpoint_dir is not None:
            require_seed(self.random_state)

    def _members(self, trajectories: list[NDArray[np.float64]]) -> list[list[AnomalyDetector]]:
        """Give unfitted detectors; the order of kinds and repeats alone decides their seeds."""
        template = self._template()
        architecture, length = network_size(template.architecture, template.length, trajectories)
        shape = (len(self.kinds_), self.n_repeats)
        # No threshold is asked for, so nothing is held out for one.
        to_all = {"contamination": 0.05} if template.contamination == "auto" else {}
        seeds = np.random.SeedSequence(self.random_state).generate_state(shape[0] * shape[1]) >> 1
        return [
            [
                clone(template).set_params(
                    architecture=architecture, length=length, random_state=int(seed), **to_all
                )
                for seed in row
            ]
            for row in seeds.reshape(shape)
        ]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "detectors_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        return tags


def _fit(detector: AnomalyDetector, trajectories: list[NDArray[np.float64]]) -> AnomalyDetector:
    with one_thread():
        return detector.fit(trajectories)


def _member(config: dict[str, Any], state: dict[str, Tensor], name: str) -> AnomalyDetector:
    own = {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
    return AnomalyDetector._from_description(config["members"][name], own)


def _distinct(labels: ArrayLike, n: int, name: str = "y") -> tuple[NDArray, NDArray[np.int64]]:
    """Give the distinct labels, or rows of labels, and which of them each trajectory has."""
    require_targets(labels, "DiffusionFingerprint", name)
    if isinstance(labels, (list, tuple)):
        cells = np.array(labels, dtype=object)
        if len({isinstance(cell, str) for cell in cells.flat}) > 1:
            labels = cells  # NumPy would make text of a number beside a name
    table = check_array(labels, ensure_2d=False, dtype=None, input_name=name)
    if table.ndim == 1 or table.shape[1] == 1:
        table = column_or_1d(table, warn=True)
    if len(table) != n:
        raise ValueError(
            f"X holds {n} trajectories and {name} {len(table)} kinds; they must be as many."
        )
    if table.dtype != object or table.ndim == 1:
        found, which = np.unique(_plain(table), axis=0, return_inverse=True)
        return found, which.reshape(n).astype(np.int64)
    # Rows of names and numbers: each column is sorted as what it is.
    columns = [np.unique(_plain(column), return_inverse=True) for column in table.T]
    rows, which = np.unique(np.column_stack([k for _, k in columns]), axis=0, return_inverse=True)
    found = np.empty(rows.shape, dtype=object)
    for place, (names, _) in enumerate(columns):
        found[:, place] = names[rows[:, place]].tolist()
    return found, which.reshape(n).astype(np.int64)


def _plain(labels: NDArray) -> NDArray:
    """Names or numbers out of an array of objects."""
    if labels.dtype != object:
        return labels
    plain = np.array(labels.tolist())
    if plain.dtype.kind == "U" and not all(isinstance(each, str) for each in labels):
        raise ValueError("y mixes names and numbers in one column; give one or the other.")
    return plain
