"""Pictures in scikit-learn's style: from data to a Display, and from a Display to axes.

Every class computes in ``from_…``, keeps what it computed as attributes, draws in ``plot(ax)`` and
leaves ``ax_`` and ``figure_`` to go on from. Pictures are made for one column of a journal (85 mm),
in colours that people with a colour vision deficiency can tell apart. matplotlib is needed (``pip
install "skandi[plot]"``), and imported once something is drawn.
"""

from skandi.plot.conditions import AlphaDisplay, CompositionDisplay
from skandi.plot.detector import FingerprintDisplay, ReconstructionDisplay
from skandi.plot.msd import MSDDisplay
from skandi.plot.scores import ConfusionDisplay, QuantileCalibrationDisplay, ReliabilityDisplay
from skandi.plot.style import COLUMN_WIDTH, MODEL_COLORS, panels
from skandi.plot.tracks import TracksDisplay
from skandi.plot.windows import WindowsDisplay

__all__ = [
    "TracksDisplay",
    "AlphaDisplay",
    "CompositionDisplay",
    "MSDDisplay",
    "WindowsDisplay",
    "ConfusionDisplay",
    "ReliabilityDisplay",
    "QuantileCalibrationDisplay",
    "ReconstructionDisplay",
    "FingerprintDisplay",
    "panels",
    "COLUMN_WIDTH",
    "MODEL_COLORS",
]
