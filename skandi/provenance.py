"""Where a result comes from: versions, the weights' hash, and what to cite."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "torch", "skorch", "safetensors",
    "joblib", "typer",
)  # fmt: skip

CITATIONS = (
    "D. Li, Q. Yao, Z. Huang, WaveNet-based deep neural networks for the characterization of "
    "anomalous diffusion (WADNet), J. Phys. A: Math. Theor. 54, 404003 (2021), arXiv:2106.08887.",
    "G. Muñoz-Gil et al., Objective comparison of methods to decode anomalous diffusion, Nat. "
    "Commun. 12, 6253 (2021).",
)
"""What results of skandi stand on."""


def package_versions() -> dict[str, str]:
    """Version of each package a number can depend on, ``"missing"`` where it is not installed.

    Examples
    --------
    >>> import numpy
    >>> package_versions()["numpy"] == numpy.__version__
    True
    """
    return {name: _version_of(name) for name in PACKAGES}


def file_digest(path: Path) -> str:
    """The first 12 digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
