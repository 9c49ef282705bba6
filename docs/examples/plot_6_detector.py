"""
Tracks unlike the others, and a map of kinds
============================================

A classifier must answer with a class it knows. An autoencoder that was trained to reproduce tracks
of some kind reproduces others worse, and its error says so without any label (Muñoz-Gil, Guigó i
Corominas and Lewenstein, J. Phys. A 54:504001, 2021). :class:`skandi.AnomalyDetector` is that
autoencoder, :class:`skandi.DiffusionFingerprint` one for each of several kinds.
"""

# %%
# One detector
# ------------
# It is trained on fractional Brownian motion of 40 points, α from 0.6 to 1.4, and then meets other
# motions.

import numpy as np

from skandi import AnomalyDetector
from skandi.simulate import directed, ornstein_uhlenbeck, run_and_tumble, simulate

T, n = 40, 300
rng = np.random.default_rng(0)


def fbm(n_samples, seed):
    """Fractional Brownian motion with exponents around 1."""
    return simulate("fbm", rng.uniform(0.6, 1.4, n_samples), n_samples, T, 2, random_state=seed)


detector = AnomalyDetector(max_epochs=30, random_state=0).fit(list(fbm(600, seed=0)))

met = {
    "FBM, fresh": fbm(n, seed=1),
    "Lévy walk": simulate("lw", 1.6, n, T, 2, random_state=2),
    "run and tumble": run_and_tumble(n, T, 2, random_state=3),
    "directed": directed(n, T, 2, speed=1.0, random_state=4),
    "CTRW": simulate("ctrw", 0.6, n, T, 2, random_state=5),
    "confined": ornstein_uhlenbeck(n, T, 2, relaxation_time=3.0, random_state=6),
}
errors = {name: -detector.score_samples(list(X)) for name, X in met.items()}

import matplotlib.pyplot as plt

from skandi.plot import COLUMN_WIDTH

fig, ax = plt.subplots(figsize=(COLUMN_WIDTH * 1.3, COLUMN_WIDTH * 0.8), layout="constrained")
for row, error in enumerate(errors.values()):
    ax.hlines(row, *np.quantile(error, (0.05, 0.95)), color="#0072B2", linewidth=1)
    ax.hlines(row, *np.quantile(error, (0.25, 0.75)), color="#0072B2", linewidth=6, alpha=0.5)
    ax.plot(np.median(error), row, "o", color="#0072B2", markersize=4)
ax.axvline(-detector.offset_, color="#999999", linewidth=0.8, linestyle="--")
ax.set(xscale="log", xlabel="error (dashed: the detector's threshold)")
ax.set_yticks(range(len(errors)), list(errors))
ax.invert_yaxis()

# %%
# Dot, thick and thin bar: median, half and nine tenths of the tracks.
#
# The share that is called an outlier, for each:

import pandas as pd

flagged = {name: float(np.mean(detector.predict(list(X)) == -1)) for name, X in met.items()}
pd.Series(flagged, name="called an outlier").round(2).to_frame()

# %%
# Motion that goes far is noticed. Confined motion is *not*: it stays small, and what is small is
# easy to reproduce. The same holds for a CTRW that mostly rests. A detector answers one question
# only, "is this harder to reproduce than the training data?", and a low error is no proof of
# likeness.
#
# What it made of one directed track:

from skandi.plot import ReconstructionDisplay

track = met["directed"][0]
step = np.diff(track, axis=0).std(axis=0)
ReconstructionDisplay.from_arrays(track / step, detector.reconstruct([track])[0] / step)

# %%
# Beside an answer
# ----------------
# :func:`skandi.analyse` warns by itself, without a detector of one's own: ``is_novel`` compares
# each track with all that its networks were trained on. Those are tracks with noise, so these get
# some too. Lévy walks, CTRW and FBM are of the training: few of them should be called novel.

from skandi import analyse

noise = np.random.default_rng(1)
warned = {}
for name, X in met.items():
    size = 0.5 * np.diff(X, axis=1).std(axis=1, keepdims=True)
    warned[name] = analyse(list(X + size * noise.normal(size=X.shape))).is_novel.mean()
pd.Series(warned, name="called novel").astype(float).round(2).to_frame()

# %%
# A short track gives little away: here too most of what is new passes unnoticed.

# %%
# A map of kinds
# --------------
# One detector per kind, and each test track asks all of them. Rows are what the tracks are, columns
# which detector reproduces them best; the shares of a row add up to 1. Tracks of 20 points in one
# dimension, as in the paper, but far fewer of them.

from skandi import DiffusionFingerprint
from skandi.plot import FingerprintDisplay

kinds = ["ctrw", "fbm", "sbm"]


def of_all_kinds(n_each, seed):
    """Subdiffusive tracks of each kind, α = 0.5."""
    return np.concatenate([simulate(k, 0.5, n_each, T=20, random_state=seed) for k in kinds])


fingerprint = DiffusionFingerprint(AnomalyDetector(max_epochs=30), random_state=0)
fingerprint.fit(of_all_kinds(1000, seed=0), np.repeat(kinds, 1000))

shares = [
    fingerprint.share_map(simulate(kind, 0.5, 500, T=20, random_state=1))
    for kind in fingerprint.kinds_
]
FingerprintDisplay.from_matrix(
    shares,
    [k.upper() for k in fingerprint.kinds_],
    row_title="tracks of",
    column_title="reproduced best by the detector of",
    value_title="share of tracks",
)
