"""Detectors that come with skandi: the autoencoders of the paper, trained on simulated tracks."""

from __future__ import annotations

from numbers import Integral
from pathlib import Path

from skandi.anomaly import AnomalyDetector
from skandi.diffusion import MODELS
from skandi.errors import WeightsError

KINDS = ("all", *MODELS)
"""What a shipped detector was trained on: all five models, or one of them."""
SIZES = {20: "small", 200: "large"}
"""Architectures by the number of points they were trained for."""


def load_detector(kind: str, *, length: int = 20) -> AnomalyDetector:
    """Give a fitted detector with the weights that come with skandi; needs no network.

    They are trained on one-dimensional trajectories of the recipe ``"andi-2020"``, with its noise,
    of as many points as they read. Each knows one model, or all five in equal parts. The threshold
    is set so that 5 % of fresh trajectories of that kind and length are called outliers. Exact
    lines (Lévy walks of a single flight, 1 % of them) trained and set nothing; they are scored in
    squared units of `X`, so that the unit decides what they are called: leave them out.

    Parameters
    ----------
    kind : {"all", "attm", "ctrw", "fbm", "lw", "sbm"}
        What the detector was trained on.
    length : {20, 200}, default=20
        Points it reads: the paper's small network for 20, its large one for 200.

    Returns
    -------
    AnomalyDetector
        Fitted, for trajectories of one dimension.

    Raises
    ------
    ValueError
        If `kind` or `length` is not one of those above.
    WeightsError
        If the file is damaged, or not there; the message says how to make it.

    Examples
    --------
    >>> from skandi import load_detector
    >>> from skandi.simulate import directed
    >>> detector = load_detector("fbm", length=20)
    >>> detector.predict(directed(5, 20, speed=3.0, random_state=0)).shape
    (5,)
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {list(KINDS)}.")
    if not isinstance(length, Integral) or length not in SIZES:
        raise ValueError(f"length is {length!r}; it must be one of {list(SIZES)}.")
    path = detector_path(kind, length)
    if not path.is_file():
        raise WeightsError(
            f"{path.name} is not in this skandi. In a checkout of it, make the file by: python -m "
            f"skandi.pretrained.making_detectors --folder CHECKPOINTS --lengths {length}"
        )
    return AnomalyDetector.load(path)


def detector_path(kind: str, length: int) -> Path:
    """Where the weights of a shipped detector are."""
    return Path(__file__).parent / f"detector_{SIZES[length]}_1d_T{length}_{kind}.safetensors"
