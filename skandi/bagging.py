"""What both ensembles share: buckets, folds, members, and files of them."""

from __future__ import annotations

import os
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.model_selection import KFold, PredefinedSplit, StratifiedKFold, check_cv
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skandi.errors import LongTrackWarning, ShortTrackWarning, TrajectoryError
from skandi.estimator import TrajectoryEstimator
from skandi.lengths import Bucket, bucket_of, end_of_ranges, make_buckets, merge_scarce
from skandi.members import Assignment, fit_member, is_ours, outputs_of
from skandi.saving import Saved
from skandi.trajectories import learn_input, match_input, require_points
from skandi.versioned import Versioned
from skandi.weights import (
    jsonable,
    labels_of,
    require_counts,
    told_labels,
)

if TYPE_CHECKING:
    from typing_extensions import Self

Lengths = str | ArrayLike | None

# What `fit` learns beside the members, and a file keeps.
_NUMBERS = ("n_dims_", "min_points_", "n_features_in_", "alpha_scale_")
_ARRAYS = ("classes_", "feature_names_in_")


class LengthBagging(Saved, Versioned, MetaEstimatorMixin, BaseEstimator):
    """What both ensembles share: buckets, folds, members; not for direct use."""

    buckets_: list[Bucket]
    members_: list[list[Any]]
    _member_type: type[TrajectoryEstimator]
    saved_as = "ensemble"
    n_dims_: int
    min_points_: int

    # Groups are the splitter's, although `fit` names them.
    __metadata_request__fit: ClassVar = {"groups": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        lengths: Lengths = "wadnet",
        cv: Any = 5,
        min_bucket: int = 50,
        min_length: str = "error",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
        random_state: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.lengths = lengths
        self.cv = cv
        self.min_bucket = min_bucket
        self.min_length = min_length
        self.checkpoint_dir = checkpoint_dir
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _check_targets(self, y: ArrayLike) -> NDArray:
        """Check `y` and learn what must be known of it."""

    @abstractmethod
    def _as_output(self, member: Any, outputs: NDArray) -> NDArray:
        """Bring one member's outputs to the shape in which members are averaged."""

    def _fit_members(
        self, X: Any, y: ArrayLike, split_params: dict[str, Any]
    ) -> tuple[NDArray, NDArray]:
        """Train the members; give each trajectory's output by the one that did not see it."""
        self._check_member_kind()
        trajectories = learn_input(self, X)
        if len(trajectories[0]) < 2 and hasattr(self, "n_features_in_"):
            raise TrajectoryError(
                "n_features=1: trajectories of one point have no displacement to learn from. Pass "
                "trajectories of at least 2 points."
            )
        targets = self._check_targets(y)
        if len(targets) != len(trajectories):
            raise ValueError(
                f"X holds {len(trajectories)} trajectories and y {len(targets)} targets; they must "
                "be as many."
            )
        self._check_seed_and_split_params(split_params, len(trajectories))
        n_points = np.array([len(t) for t in trajectories])
        asked = make_buckets(self.lengths)
        self._handle_short(n_points, trajectories, asked[0].low)
        if n_points.max() < asked[0].low:
            raise TrajectoryError(
                f"The longest trajectory has {n_points.max()} points, the shortest length of the "
                f"ensemble is {asked[0].low}: nothing is left to learn from. Pass smaller lengths, "
                "or longer trajectories."
            )
        buckets = merge_scarce(asked, n_points, lambda which: self._enough(targets[which]))
        tasks = self._assignments(buckets, bucket_of(n_points, buckets), targets, split_params)
        self._require_place_for_checkpoints()

        def part(which: NDArray[np.int64]) -> tuple[list[NDArray], NDArray]:
            return [trajectories[i] for i in which], targets[which]

        # Each task carries its own bucket alone, and is made when a worker is free for it.
        finished = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)(
            delayed(fit_member)(
                self.estimator, task, part(task.train), part(task.held), self.checkpoint_dir
            )
            for task in tasks
        )
        self.buckets_ = buckets
        if buckets[-1].length is None:
            self._tell_of_long(n_points)
        self.min_points_ = buckets[0].low
        self.members_ = [[] for _ in buckets]
        outputs: NDArray | None = None
        for task, (member, held) in zip(tasks, finished, strict=True):
            self.members_[buckets.index(task.bucket)].append(member)
            held = self._as_output(member, held)
            if outputs is None:
                outputs = np.full((len(trajectories), *held.shape[1:]), np.nan)
            outputs[task.held] = held
        assert outputs is not None  # there is at least one bucket and one fold
        return outputs, targets

    def _check_member_kind(self) -> None:
        wants_classes = is_classifier(self)
        is_estimator = not isinstance(self.estimator, type) and all(
            hasattr(self.estimator, name) for name in ("fit", "get_params")
        )
        if not is_estimator or is_classifier(self.estimator) != wants_classes:
            kind = "classifier" if wants_classes else "regressor"
            raise ValueError(
                f"estimator is {self.estimator!r}; {type(self).__name__} needs a {kind}, such as "
                f"{self._member_type.__name__}()."
            )

    def _check_seed_and_split_params(self, split_params: dict[str, Any], n: int) -> None:
        seed = self.random_state
        if not (seed is None or (isinstance(seed, Integral) and seed >= 0)):
            raise ValueError(f"random_state is {seed!r}; it must be a whole number >= 0, or None.")
        if self.checkpoint_dir is not None and seed is None:
            raise ValueError(
                "checkpoint_dir needs a random_state: without one each fit draws other folds and "
                "seeds and cannot take up the members of the fit before. Pass random_state=0, say."
            )
        for name, values in split_params.items():
            if np.ndim(values) and len(values) != n:
                raise ValueError(
                    f"X holds {n} trajectories and {name} {len(values)} values; they must be as "
                    "many."
                )

    def _require_place_for_checkpoints(self) -> None:
        """Find out before the training that members cannot be kept, unless they are there."""
        if self.checkpoint_dir is None:
            return
        try:
            folder = Path(self.checkpoint_dir)
            folder.mkdir(parents=True, exist_ok=True)
            if not any(folder.glob("member-*.joblib")):
                TemporaryFile(dir=folder).close()
        except (OSError, TypeError) as error:
            raise ValueError(
                f"checkpoint_dir is {self.checkpoint_dir!r}, where no file can be written "
                f"({error})."
            ) from error

    def _predict_mean(self, X: Any) -> NDArray:
        """Mean over members of the outputs for each trajectory; NaN for those too short."""
        check_is_fitted(self)
        trajectories = match_input(self, X)
        n_points = np.array([len(t) for t in trajectories])
        self._handle_short(n_points, trajectories, self.min_points_)
        where = bucket_of(n_points, self.buckets_)
        self._tell_of_long(n_points)
        mean: NDArray | None = None
        for k, (bucket, members) in enumerate(zip(self.buckets_, self.members_, strict=True)):
            which = np.flatnonzero(where == k)
            if not len(which):
                continue
            mine = [trajectories[i] for i in which]
            outputs = np.mean(
                [self._as_output(m, outputs_of(m, mine, bucket.length)) for m in members], axis=0
            )
            if mean is None:
                mean = np.full((len(trajectories), *outputs.shape[1:]), np.nan)
            mean[which] = outputs
        return np.full(self._empty_shape(len(trajectories)), np.nan) if mean is None else mean

    @abstractmethod
    def _empty_shape(self, n: int) -> tuple[int, ...]:
        """Shape of the mean outputs of `n` trajectories."""

    def _assignments(
        self,
        buckets: Sequence[Bucket],
        where: NDArray[np.int64],
        targets: NDArray,
        split_params: dict[str, Any],
    ) -> list[Assignment]:
        """Split each bucket into folds; the order of buckets and folds alone decides the seeds."""
        seeds = np.random.SeedSequence(self.random_state)
        splitter = self._splitter(_integer_seed(seeds))
        given = _given_folds(splitter, len(targets))
        tasks = []
        for k, bucket in enumerate(buckets):
            which = np.flatnonzero(where == k)
            params = {
                name: np.asarray(v)[which] if np.ndim(v) else v for name, v in split_params.items()
            }
            try:
                folds = (
                    _folds_within(which, given, len(targets))
                    if given is not None
                    else list(splitter.split(np.zeros((len(which), 1)), targets[which], **params))
                )
            except ValueError as error:
                up = "and more" if bucket.high is None else f"to {bucket.high}"
                if "groups" in str(error) and "groups" not in params:
                    raise  # it says that they are missing
                raise ValueError(
                    f"The {len(which)} trajectories with {bucket.low} {up} points cannot be split: "
                    f"{error} Ask for fewer folds, or for longer buckets by a larger min_bucket or "
                    "fewer lengths."
                ) from error
            for fold, (train, held) in enumerate(folds):
                seed = _integer_seed(seeds)
                tasks.append(Assignment(bucket, fold, which[train], which[held], seed))
        return tasks

    def _splitter(self, seed: int = 0) -> Any:
        n_splits = 5 if self.cv is None else self.cv
        if isinstance(n_splits, Integral):
            kind = StratifiedKFold if hasattr(self, "classes_") else KFold
            return kind(int(n_splits), shuffle=True, random_state=seed)
        if isinstance(n_splits, Iterator):
            raise ValueError("cv is read more than once; pass list(cv) instead of a generator.")
        return check_cv(n_splits)

    def _enough(self, targets: NDArray) -> bool:
        """Tell whether a bucket can be split into folds that all have something to learn."""
        n_splits = self._splitter().n_splits if isinstance(self.cv, Integral | None) else 2
        if len(targets) < max(self.min_bucket, 2 * n_splits):
            return False
        if not hasattr(self, "classes_"):
            return True
        classes, counts = np.unique(targets, return_counts=True)
        return len(classes) == len(self.classes_) and bool(counts.min() >= n_splits)

    def _handle_short(self, n_points: NDArray, trajectories: list[NDArray], low: int) -> None:
        if self.min_length == "error":
            require_points(trajectories, low, why="the shortest length of the ensemble")
        elif self.min_length != "nan":
            raise ValueError(f"min_length is {self.min_length!r}; it must be 'error' or 'nan'.")
        elif (n_points < low).any():
            warnings.warn(
                f"{(n_points < low).sum()} of {len(n_points)} trajectories have fewer than {low} "
                "points: no member reads them, they are left out of training and get NaN.",
                ShortTrackWarning,
                stacklevel=4,
            )

    def _tell_of_long(self, n_points: NDArray) -> None:
        length, end = self.buckets_[-1].length, end_of_ranges(self.lengths)
        if end is not None and (n_points > end).any():
            warnings.warn(
                f"{(n_points > end).sum()} of {len(n_points)} trajectories have more points than "
                f"the last range ({end}), to whose members they are given all the same.",
                LongTrackWarning,
                stacklevel=4,
            )
        if length is not None and (n_points > 2 * length).any():
            warnings.warn(
                f"{(n_points > 2 * length).sum()} of {len(n_points)} trajectories are more than "
                f"twice as long as the longest networks ({length} points): they are read in parts "
                "that cover all of them, and the parts averaged.",
                LongTrackWarning,
                stacklevel=4,
            )

    def _state(self) -> dict[str, Tensor]:
        if not is_ours(self.estimator):
            raise ValueError(
                f"Members are {type(self.estimator).__name__}, whose state is not known to skandi. "
                "Save this ensemble with joblib.dump."
            )
        return {
            f"{k}.{fold}.{name}": tensor
            for k, members in enumerate(self.members_)
            for fold, member in enumerate(members)
            for name, tensor in member._state().items()
        }

    def _describe(self) -> dict[str, Any]:
        params = self.get_params(deep=False)
        params.pop("estimator")
        return {
            "ensemble": type(self).__name__,
            "params": jsonable(params),
            "template": jsonable(self.estimator.get_params(deep=False)),
            "buckets": [asdict(bucket) for bucket in self.buckets_],
            "members": [[member._describe() for member in members] for members in self.members_],
            "fitted": {k: v for k, v in vars(self).items() if k in _NUMBERS},
            "arrays": {k: told_labels(v) for k, v in vars(self).items() if k in _ARRAYS},
        }

    @classmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        ensemble = cls(cls._member_type(**config["template"]), **config["params"])
        ensemble.buckets_ = [
            Bucket(b["length"], b["low"], b["high"], tuple(b["merged"])) for b in config["buckets"]
        ]
        ensemble.members_ = [
            [
                cls._member_type._from_description(described, _part(state, f"{k}.{fold}."))
                for fold, described in enumerate(members)
            ]
            for k, members in enumerate(config["members"])
        ]
        if not all(ensemble.members_) or len(ensemble.members_) != len(ensemble.buckets_):
            raise ValueError("a bucket has no member")
        for name, value in config["fitted"].items():
            if name not in _NUMBERS or not isinstance(value, int | float):
                raise ValueError(f"{name} is {value!r}")
            setattr(ensemble, name, value)
        require_counts(config["fitted"], "n_dims_", "min_points_")
        for name, (dtype, values) in config["arrays"].items():
            if name not in _ARRAYS:
                raise ValueError(f"{name} is not known")
            setattr(ensemble, name, labels_of(dtype, values))
        return ensemble

    def _split_params(self, groups: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Keep what the splitter is to get, by scikit-learn's metadata routing."""
        given = params if groups is None else {"groups": groups, **params}
        if not given:
            return {}
        routed = process_routing(self, "fit", **given)
        return dict(routed.splitter.split)

    def get_metadata_routing(self) -> MetadataRouter:
        """Say that metadata of ``fit`` goes to the splitter's ``split``.

        Returns
        -------
        MetadataRouter
            As scikit-learn's user guide on metadata routing describes.
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        return router.add(splitter=self._splitter(), method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "members_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _given_folds(splitter: Any, n: int) -> list[tuple[NDArray, NDArray]] | None:
    """Folds that are given by the indices of all trajectories; None if a splitter makes them."""
    if isinstance(splitter, PredefinedSplit):
        if len(splitter.test_fold) != n:
            raise ValueError(
                f"cv names the fold of {len(splitter.test_fold)} trajectories and X holds {n}; "
                "they must be as many."
            )
    elif not isinstance(splitter, type(check_cv([]))):
        return None
    folds = list(splitter.split())
    if not folds or any(len(fold) != 2 for fold in folds):
        raise ValueError("cv must be a list of pairs (train, test), one for each fold.")
    return [(_indices(train, n), _indices(held, n)) for train, held in folds]


def _indices(part: ArrayLike, n: int) -> NDArray[np.int64]:
    """Read indices of `n` trajectories, or a mask of them."""
    given = np.asarray(part)
    if not given.size:
        return np.empty(0, dtype=np.int64)
    if given.dtype == bool and given.shape == (n,):
        return np.flatnonzero(given)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise ValueError(
            f"cv holds {given.dtype} of shape {given.shape}; whole numbers in one row are needed, "
            f"or a mask of the {n} trajectories of X."
        )
    if not -n <= given.min() <= given.max() < n:
        raise ValueError(
            f"cv holds indices from {given.min()} to {given.max()}; X holds {n} trajectories."
        )
    return np.arange(n)[given]


def _folds_within(
    which: NDArray[np.int64], folds: list[tuple[NDArray, NDArray]], n: int
) -> list[tuple[NDArray, NDArray]]:
    """Those of the `n` trajectories that are in a fold and a bucket, as positions in the bucket."""
    place = np.full(n, -1)
    place[which] = np.arange(len(which))
    within = []
    for fold, (train, held) in enumerate(folds):
        own, judged = (place[part][place[part] >= 0] for part in (train, held))
        if not (len(own) and len(judged)):
            raise ValueError(f"fold {fold} of cv has none of them to learn from or to hold out.")
        within.append((own, judged))
    return within


def _integer_seed(seeds: np.random.SeedSequence) -> int:
    return int(seeds.spawn(1)[0].generate_state(1)[0] >> 1)


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
