"""
A file of tracks, and what is in it
===================================

From a file to a table with one row per track, and from the table to pictures one column of a
journal wide. The file is the sample that comes with skandi: 40 simulated tracks of all five models,
6 to 145 points long, each with noise.
"""

from skandi import analyse, read_tracks
from skandi.io import sample_tracks_path

tracks = read_tracks(sample_tracks_path())
print(f"{len(tracks)} tracks of {tracks.n_points.min()} to {tracks.n_points.max()} points")

table = analyse(tracks)
table[["track_id", "n_points", "alpha", "alpha_lower", "alpha_upper", "model", "note"]].head(8)

# %%
# Every track of the file has a row. The short ones have no answer, and the reason in ``note``:

table.loc[table.alpha.isna(), ["track_id", "n_points", "note"]]

# %%
# Where the tracks are
# --------------------
# Simulated tracks all start at the origin, so they are put side by side, each on a scale of its
# own. For measured tracks leave ``layout`` out, and they are drawn where they were seen.

from skandi.plot import TracksDisplay

TracksDisplay.from_table(tracks, table, color="alpha", layout="grid")

# %%
# Which models
# ------------
# One bar for all tracks: the share that each model describes best. A table with a column
# ``condition`` gets one bar per condition (:ref:`sphx_glr_auto_examples_plot_2_conditions.py`).

from skandi.plot import CompositionDisplay

CompositionDisplay.from_table(table)

# %%
# Which exponents
# ---------------
# The shape is the distribution over tracks, the dot its median, the thick bar the 95 % interval of
# the median. The thin bar on the left is the uncertainty of one typical track: much of the width of
# the distribution may be that.

from skandi.plot import AlphaDisplay

display = AlphaDisplay.from_table(table)

# %%
# Into a file
# -----------
# Every Display keeps its ``figure_`` and ``ax_``. Here is the figure as a PDF whose text stays
# text.

import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    display.figure_.savefig(Path(folder) / "alpha.pdf")
    print((Path(folder) / "alpha.pdf").read_bytes()[:8])
