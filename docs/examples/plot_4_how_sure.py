"""
How sure is that?
=================

Each answer comes with its uncertainty: an interval for α, an expected error, probabilities of the
models. Whether such statements keep their word can only be seen on many tracks whose truth is
known. Here are 1000 simulated ones; the pages
:doc:`how sure can I be? </how-sure>` and :doc:`accuracy </accuracy>` have the measured figures.
"""

import numpy as np

from skandi import analyse
from skandi.simulate import make_andi

X, model, truth = make_andi(
    1000, n_dims=2, task="model", length=(10, 200), random_state=0, return_truth=True
)
alpha = truth["alpha"].to_numpy()

table = analyse(X, coverage=0.9)
predicted, lower, upper, expected = (
    table[["alpha", "alpha_lower", "alpha_upper", "expected_error"]].to_numpy().T
)
print(f"{np.mean((lower <= alpha) & (alpha <= upper)):.3f} of the 90 % intervals hold the truth")

# %%
# Intervals of single tracks
# --------------------------
# Thirty of them, by predicted α. They are wide, and that is a property of short tracks and not of
# the method: about one in ten does not hold the truth, as promised.

import matplotlib.pyplot as plt

from skandi.plot import COLUMN_WIDTH

some = np.argsort(predicted[:30])
held = (lower[some] <= alpha[some]) & (alpha[some] <= upper[some])
fig, ax = plt.subplots(figsize=(COLUMN_WIDTH * 1.3, COLUMN_WIDTH), layout="constrained")
ax.vlines(np.arange(30), lower[some], upper[some], color="#0072B2", linewidth=2, alpha=0.5)
ax.plot(np.arange(30), predicted[some], "o", color="#0072B2", markersize=4, label="predicted")
ax.plot(np.arange(30)[held], alpha[some][held], "k_", markersize=7, label="true")
ax.plot(np.arange(30)[~held], alpha[some][~held], "x", color="#D55E00", label="true, outside")
ax.set(xlabel="track", ylabel="anomalous exponent α", ylim=(0, 2.05))
ax.legend(loc="upper left", frameon=False)

# %%
# The expected error
# ------------------
# ``expected_error`` is one number per track: how far α will be off on average. Sorted by it and put
# into ten groups, the tracks' true errors should be on the diagonal.

groups = np.array_split(np.argsort(expected), 10)
fig, ax = plt.subplots(figsize=(COLUMN_WIDTH, COLUMN_WIDTH), layout="constrained")
ax.axline((0, 0), slope=1, color="#999999", linewidth=0.8)
ax.plot(
    [expected[g].mean() for g in groups],
    [np.abs(predicted - alpha)[g].mean() for g in groups],
    "o",
    color="#0072B2",
)
ax.set(xlabel="expected error of α", ylabel="true error of α (mean of 100 tracks)")
ax.set(xlim=(0, 0.4), ylim=(0, 0.4), aspect="equal")

# %%
# Probabilities of the models
# ---------------------------
# Of the tracks whose model is given with a probability of 0.8, eight in ten should be of that
# model.

from skandi.diffusion import MODELS
from skandi.plot import ReliabilityDisplay

ReliabilityDisplay.from_predictions(model, table[[f"p_{name}" for name in MODELS]])

# %%
# And which models are taken for which?

from skandi.plot import ConfusionDisplay

ConfusionDisplay.from_predictions(model, table["model"])
