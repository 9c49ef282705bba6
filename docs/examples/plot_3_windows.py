"""
A track that changes its motion
===============================

The networks read a track as one motion from end to end. Where a long track may have changed on the
way, :func:`skandi.analyse_windows` reads it in overlapping windows, each as a track of its own.

The particle below is subdiffusive (fractional Brownian motion, α = 0.5) for 400 frames, and then
superdiffusive (α = 1.5).
"""

import numpy as np

from skandi import analyse, analyse_windows
from skandi.simulate import simulate

slow = simulate("fbm", 0.5, n_samples=1, T=400, n_dims=2, random_state=1)[0]
fast = simulate("fbm", 1.5, n_samples=1, T=401, n_dims=2, random_state=2)[0]
track = np.concatenate([slow, slow[-1] + fast[1:]])

# %%
# Read as a whole it gets one answer, and nothing warns that it is two motions:

analyse([track])[["n_points", "alpha", "alpha_lower", "alpha_upper", "model"]].round(2)

# %%
# Window after window
# -------------------
# The band is the 90 % interval of each window. The change at frame 400 is spread over the length of
# one window, which the black bar shows; shorter windows place it better and know α less well.

from skandi.plot import WindowsDisplay

display = WindowsDisplay.from_table(analyse_windows(track, window=100, step=20))
for ax in display.axes_:
    ax.axvline(400, color="black", linewidth=0.6, linestyle=":")

# %%
# With windows of 60 frames the change is narrower and everything is noisier:

display = WindowsDisplay.from_table(analyse_windows(track, window=60, step=20))
for ax in display.axes_:
    ax.axvline(400, color="black", linewidth=0.6, linestyle=":")
