"""Saving and loading of fitted estimators: one file each, without pickle."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skandi.errors import WeightsError
from skandi.weights import load_weights, refusing, save_weights

if TYPE_CHECKING:
    from typing_extensions import Self


class Saved:
    """An estimator with `save` and `load`; its class says what there is to keep.

    Attributes
    ----------
    saved_as : str
        Under which key a file names the class that it was saved from.
    """

    saved_as: ClassVar[str] = "estimator"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was fitted to one file without pickle, which is safe to share.

        Parameters
        ----------
        path : path-like
            File to write, ending in ``.safetensors``: the parameters, what was learnt, and a hash.

        Raises
        ------
        ValueError
            If an ensemble's members are not estimators of skandi; save such a one with joblib.
        """
        check_is_fitted(self)
        save_weights(path, self._state(), self._describe())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote; its answers are equal to the last bit.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        estimator of this class
            Fitted, but without the ``oof_prediction_`` of ensembles. Nothing in the file is
            executed.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, or holds something else.
        """
        config, state = load_weights(path)
        found = config.get(cls.saved_as, f"no {cls.saved_as}")
        if found != cls.__name__:
            raise WeightsError(
                f"{path} holds {found}, not {cls.__name__}. Load it with the class it was saved "
                "from."
            )
        with refusing(path):
            return cls._from_description(config, state)

    @abstractmethod
    def _state(self) -> Mapping[str, Tensor]:
        """Give all tensors by name."""

    @abstractmethod
    def _describe(self) -> dict[str, Any]:
        """Give all that is needed to build this estimator around its state, as JSON can hold it."""

    @classmethod
    @abstractmethod
    def _from_description(cls, config: dict[str, Any], state: dict[str, Tensor]) -> Self:
        """Build what `_describe` and `_state` gave."""
