"""What weights get after their training: corrections, and statistics of novelty."""

from __future__ import annotations

from pathlib import Path

from skandi.cli.console import say


def complete(weights: Path, calibration_size: int, novelty_size: int) -> None:
    """Correct intervals and probabilities of a weight file and write its statistics of novelty.

    A size of 0 leaves its part out.
    """
    from skandi.pretrained.calibrating import calibrate_weights
    from skandi.pretrained.fitting_novelty import fit_novelty

    if calibration_size:
        say("correcting intervals and probabilities")
        calibrate_weights(weights, calibration_size)
    if novelty_size:
        say("learning what is unlike the training data")
        fit_novelty(weights, novelty_size)
