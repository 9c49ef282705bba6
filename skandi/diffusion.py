"""The five diffusion models of the AnDi challenge: names, order, and the α each allows.

The order is the challenge's (Muñoz-Gil et al., Nat. Commun. 12:6253, 2021) and holds everywhere in
skandi: in ``classes_``, in every probability matrix, and in the challenge's integer codes.
"""

from types import MappingProxyType

import numpy as np

MODELS = ("attm", "ctrw", "fbm", "lw", "sbm")
"""The outputs of the bundled networks, in this order: another one needs networks of its own.

Annealed transient time motion, continuous-time random walk, fractional Brownian motion,
Lévy walk, scaled Brownian motion."""

ALPHA_RANGE = MappingProxyType(
    {
        "attm": (0.05, 1.0),
        "ctrw": (0.05, 1.0),
        "fbm": (0.05, 1.95),
        "lw": (1.0, 2.0),
        "sbm": (0.05, 2.0),
    }
)
"""Smallest and largest anomalous exponent of each model, both included."""

ALPHA_GRID = np.arange(1, 41) / 20
"""The challenge's 40 exponents, 0.05, 0.10, …, 2.00."""
ALPHA_GRID.setflags(write=False)
