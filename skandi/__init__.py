"""scikit-learn estimators for anomalous diffusion: one short, noisy trajectory in, α and model out.

The names below are imported when they are first used (PEP 562), so that ``import skandi`` and the
start of the command line do not wait for torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skandi import simulate as simulate
    from skandi.analyse import analyse as analyse
    from skandi.anomaly import AnomalyDetector as AnomalyDetector
    from skandi.classifier import ModelClassifier as ModelClassifier
    from skandi.ensemble import LengthBaggingClassifier as LengthBaggingClassifier
    from skandi.ensemble import LengthBaggingRegressor as LengthBaggingRegressor
    from skandi.fingerprint import DiffusionFingerprint as DiffusionFingerprint
    from skandi.io import read_tracks as read_tracks
    from skandi.normalize import TrajectoryNormalizer as TrajectoryNormalizer
    from skandi.pretrained import load_pretrained as load_pretrained
    from skandi.regressor import AlphaRegressor as AlphaRegressor

__version__ = "0.1.0"

__all__ = [
    "AlphaRegressor",
    "ModelClassifier",
    "LengthBaggingRegressor",
    "LengthBaggingClassifier",
    "AnomalyDetector",
    "DiffusionFingerprint",
    "TrajectoryNormalizer",
    "load_pretrained",
    "read_tracks",
    "analyse",
    "simulate",
]

_HOME = {
    "AlphaRegressor": "skandi.regressor",
    "ModelClassifier": "skandi.classifier",
    "LengthBaggingRegressor": "skandi.ensemble",
    "LengthBaggingClassifier": "skandi.ensemble",
    "AnomalyDetector": "skandi.anomaly",
    "DiffusionFingerprint": "skandi.fingerprint",
    "TrajectoryNormalizer": "skandi.normalize",
    "load_pretrained": "skandi.pretrained",
    "read_tracks": "skandi.io",
    "analyse": "skandi.analyse",
}


def __getattr__(name: str) -> Any:
    if name == "simulate":
        return import_module("skandi.simulate")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'skandi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps ``skandi.analyse`` the function, although it lives in a module of that name.

    Importing a submodule binds its name in the package and would hide the function of that name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
