"""
Measured tracks
===============

Micrometre beads in mucus, an example of measured subdiffusion. The file is no part of skandi (see
:doc:`measured tracks </real-tracks>` for its origin) and is looked for in ``../shared/data/real``
beside the checkout. Where it is absent, the simulated sample that comes with skandi takes its
place, and the first line of the output says so.
"""

from pathlib import Path

import skandi
from skandi import analyse, read_tracks
from skandi.io import sample_tracks_path

checkout = Path(skandi.__file__).parents[1]
path = checkout.parent / "shared" / "data" / "real" / "mucus_hbe_1um_beads_first600.csv"
measured = path.is_file()
if not measured:
    print("SIMULATED sample: the measured tracks are not here")
    path = sample_tracks_path()

tracks = read_tracks(path)
table = analyse(tracks)
print(f"{path.name}: {len(tracks)} tracks, {table.alpha.notna().sum()} read")

# %%
# Where they are, in the colours of α:

from skandi.plot import TracksDisplay

TracksDisplay.from_table(tracks, table, layout="field" if measured else "grid")

# %%
# Their models and exponents:

from skandi.plot import AlphaDisplay, CompositionDisplay

CompositionDisplay.from_table(table)

# %%

AlphaDisplay.from_table(table)

# %%
# A second opinion costs one line. The time-averaged MSD needs no network; the fit has an offset,
# because localisation noise adds one. Where the two disagree by much, look at the tracks.

from skandi.plot import MSDDisplay

display = MSDDisplay.from_tracks(tracks)
print(f"median α of the tracks: {table.alpha.median():.2f}")
print(f"α of the fit to their MSD: {display.fit.alpha:.2f}")

# %%
# What to make of such figures, for eleven measured sets of tracks and where the networks are wrong,
# is on the page :doc:`measured tracks </real-tracks>`.
