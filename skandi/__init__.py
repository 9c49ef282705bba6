"""scikit-learn estimators for anomalous diffusion: one short, noisy trajectory in, α and model out.

The names below are imported when they are first used (PEP 562), so that ``import skandi`` and the
start of the command line do not wait for torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skandi import distributed as distributed
    from skandi import plot as plot
    from skandi import simulate as simulate
    from skandi.analyse import analyse as analyse
    from skandi.anomaly import AnomalyDetector as AnomalyDetector
    from skandi.bagging_classifier import LengthBaggingClassifier as LengthBaggingClassifier
    from skandi.bagging_regressor import LengthBaggingRegressor as LengthBaggingRegressor
    from skandi.classifier import ModelClassifier as ModelClassifier
    from skandi.compare import compare_conditions as compare_conditions
    from skandi.fingerprint import DiffusionFingerprint as DiffusionFingerprint
    from skandi.io import read_tracks as read_tracks
    from skandi.normalize import TrajectoryNormalizer as TrajectoryNormalizer
    from skandi.onnx_export import export_onnx as export_onnx
    from skandi.pretrained import load_pretrained as load_pretrained
    from skandi.pretrained.detectors import load_detector as load_detector
    from skandi.regressor import AlphaRegressor as AlphaRegressor
    from skandi.windows import analyse_windows as analyse_windows

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
    "load_detector",
    "read_tracks",
    "analyse",
    "analyse_windows",
    "compare_conditions",
    "export_onnx",
    "distributed",
    "plot",
    "simulate",
]

_HOME = {
    "AlphaRegressor": "skandi.regressor",
    "ModelClassifier": "skandi.classifier",
    "LengthBaggingRegressor": "skandi.bagging_regressor",
    "LengthBaggingClassifier": "skandi.bagging_classifier",
    "AnomalyDetector": "skandi.anomaly",
    "DiffusionFingerprint": "skandi.fingerprint",
    "TrajectoryNormalizer": "skandi.normalize",
    "load_pretrained": "skandi.pretrained",
    "load_detector": "skandi.pretrained.detectors",
    "read_tracks": "skandi.io",
    "analyse": "skandi.analyse",
    "analyse_windows": "skandi.windows",
    "compare_conditions": "skandi.compare",
    "export_onnx": "skandi.onnx_export",
}
_MODULES = ("distributed", "plot", "simulate")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"skandi.{name}")
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
