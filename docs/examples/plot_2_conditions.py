"""
Two conditions compared
=======================

Does a drug change how particles move? Tracks of one film resemble each other, so films are what the
experiment repeats, and the intervals below come from a bootstrap over films.

Here the films are simulated: fractional Brownian motion around α = 0.9 in the control and around
α = 0.7 with the drug, and each film is a little different.
"""

import numpy as np
import pandas as pd

from skandi import analyse, compare_conditions
from skandi.diffusion import MODELS
from skandi.simulate import andi_tracks

rng = np.random.default_rng(0)


def film(alpha, n_tracks=60):
    """Noisy tracks of 20 to 120 points around one exponent."""
    return andi_tracks(
        np.full(n_tracks, MODELS.index("fbm")),
        np.full(n_tracks, alpha + rng.normal(scale=0.03)),
        rng.integers(20, 121, n_tracks),
        np.full((n_tracks, 2), 0.5),
        random_state=rng,
    )


tables = [
    analyse(film(alpha)).assign(condition=condition, file=f"{condition}_{k}")
    for condition, alpha in (("control", 0.9), ("drug", 0.7))
    for k in range(4)
]
table = pd.concat(tables, ignore_index=True)

# %%
# With files on disk the command line does the same: ``skandi predict "control=ctrl_*.csv"
# "drug=drug_*.csv" -o out.parquet --compare differences.csv``.

from skandi.plot import AlphaDisplay

AlphaDisplay.from_table(table)

# %%
# How large is the difference?

compared = compare_conditions(table)
compared.loc[
    compared.value + compared.value_reference > 0,
    ["quantity", "value_reference", "value", "difference", "lower", "upper"],
].round(3)

# %%
# The true difference is -0.2: short tracks have their α drawn towards the middle, and differences
# come out too small. An interval that holds 0 is no evidence of "no effect": it says which
# differences are compatible with the data.
#
# The models, side by side. All tracks are FBM. Near α = 1 all models but the Lévy walk are close to
# Brownian motion and hardly told apart, and with the drug there are fewer tracks near 1: the share
# of a model can change although no mechanism did.

from skandi.plot import CompositionDisplay

CompositionDisplay.from_table(table)
