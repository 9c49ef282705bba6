"""Pickles know which version of skandi they are of."""

from __future__ import annotations

import warnings
from typing import Any

from skandi import __version__
from skandi.errors import VersionWarning

_KEY = "_skandi_version"


class Versioned:
    """Mixin before ``BaseEstimator``: a pickle of another version is opened with a warning.

    Examples
    --------
    >>> from skandi import AlphaRegressor, __version__
    >>> AlphaRegressor().__getstate__()["_skandi_version"] == __version__
    True
    """

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps: attributes and the version."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {**state, _KEY: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes from a pickle, and tell if its version is another."""
        version = state.get(_KEY, "unknown")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was pickled by skandi {version}, and this is skandi "
                f"{__version__}: it may fail, or predict something else. Open it with skandi "
                f"{version} and write it by its `save`, whose files other versions read or refuse; "
                "or fit it again.",
                VersionWarning,
                stacklevel=2,
            )
        rest = {name: value for name, value in state.items() if name != _KEY}
        super().__setstate__(rest)  # type: ignore[misc]
