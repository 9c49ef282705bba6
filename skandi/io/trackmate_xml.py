"""TrackMate's own file: all spots, the links between them, and the tracks its user kept.

``Model[@spatialunits, @timeunits]/AllSpots/SpotsInFrame/Spot[@ID, @FRAME, @POSITION_X|Y|Z|T]``,
``AllTracks/Track[@TRACK_ID]/Edge[@SPOT_SOURCE_ID, @SPOT_TARGET_ID]``, and in ``FilteredTracks`` the
``TrackID`` of the tracks that pass its filters.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations
from skandi.io.tidy import interval_of
from skandi.io.tracks import counted
from skandi.io.units import calibrate
from skandi.io.xml_stream import Attributes, Collector, collect

ROOT = "TrackMate"
NAN = "nan"


class _Model(Collector):
    """Spots, links and kept tracks; six numbers a spot, however many features it has."""

    def __init__(self) -> None:
        self.is_trackmate = False
        self.units: Attributes = {}
        self.spot_id = array("q")
        self.spot = array("d")  # frame, x, y, z, time of each spot
        self.track_names: list[str] = []
        self.link = array("q")  # track, source, target of each link
        self.kept: list[str] | None = None

    def handlers(self) -> dict[str, Callable[[Attributes], None]]:
        return {
            ROOT: self.start_trackmate,
            "Model": self.start_model,
            "Spot": self.start_spot,
            "Track": self.start_track,
            "Edge": self.start_edge,
            "FilteredTracks": self.start_filtered_tracks,
            "TrackID": self.start_track_id,
        }

    def start_trackmate(self, attributes: Attributes) -> None:
        self.is_trackmate = True

    def start_model(self, attributes: Attributes) -> None:
        self.units = attributes

    def start_spot(self, attributes: Attributes) -> None:
        numbers = (
            float(attributes["FRAME"]),
            float(attributes["POSITION_X"]),
            float(attributes["POSITION_Y"]),
            float(attributes.get("POSITION_Z", NAN)),
            float(attributes.get("POSITION_T", NAN)),
        )
        self.spot_id.append(int(attributes["ID"]))
        self.spot.extend(numbers)

    def start_track(self, attributes: Attributes) -> None:
        self.track_names.append(attributes["TRACK_ID"])

    def start_edge(self, attributes: Attributes) -> None:
        if not self.track_names:
            raise ValueError("an <Edge> outside of a <Track>")
        source, target = int(attributes["SPOT_SOURCE_ID"]), int(attributes["SPOT_TARGET_ID"])
        self.link.extend((len(self.track_names) - 1, source, target))

    def start_filtered_tracks(self, attributes: Attributes) -> None:
        self.kept = []

    def start_track_id(self, attributes: Attributes) -> None:
        if self.kept is not None:
            self.kept.append(attributes["TRACK_ID"])


def read_trackmate_xml(path: str | os.PathLike[str]) -> Localisations:
    """The localisations of TrackMate's own file, with their links, of the tracks it kept.

    Raises
    ------
    TracksFileError
        If the file is not well-formed, is other XML, or links spots that are not in it.
    """
    model = collect(path, _Model)
    if not model.is_trackmate:
        raise TracksFileError(f"{path} is not TrackMate's own file: <{ROOT}> is needed.")
    spots = np.array(model.spot, dtype=np.float64).reshape(-1, 5)
    links = np.array(model.link, dtype=np.int64).reshape(-1, 3)
    names = model.track_names
    rows = _rows_of(links[:, 1:], np.array(model.spot_id, dtype=np.int64), str(path))
    track = np.full(len(spots), -1, dtype=np.int64)
    track[rows.ravel()] = np.repeat(links[:, 0], 2)

    hidden = np.zeros(len(names), dtype=bool)
    if model.kept is not None:
        hidden = ~np.isin(np.array(names, dtype=object), model.kept)
    shown = (track < 0) | ~np.append(hidden, False)[track]
    place = np.cumsum(shown) - 1  # of each spot among those that are shown
    table = Localisations(
        source=str(path),
        format="trackmate-xml",
        track=track[shown],
        names=names,
        time=spots[shown, 0],
        positions=spots[shown, 1:4],
        axes=("x", "y", "z"),
        links=place[rows[~hidden[links[:, 0]]]],
        n_rows=len(spots),
    )
    if hidden.any():
        table.note(
            "tracks_filtered",
            f"{counted(hidden.sum(), 'track')} left out that TrackMate's filters hide",
            n_tracks=hidden.sum(),
            n_rows=np.count_nonzero(~shown),
        )
    table.clock = spots[shown, 4]
    interval = interval_of(table, are_times=True)
    calibrate(table, interval, model.units.get("timeunits"), model.units.get("spatialunits"))
    return table


def _rows_of(ids: NDArray[np.int64], spot_ids: NDArray[np.int64], source: str) -> NDArray[np.int64]:
    """The rows of spots with these ids."""
    order = np.argsort(spot_ids, kind="stable")
    ordered = spot_ids[order]
    twice = ordered[1:][np.diff(ordered) == 0]
    if len(twice):
        raise TracksFileError(f"{source}: two spots have the ID {twice[0]}.")
    missing = ids[~np.isin(ids, ordered)]
    if len(missing):
        raise TracksFileError(
            f"{source}: a track links spot {missing[0]}, which is not among the spots: the file is "
            "incomplete."
        )
    return order[np.searchsorted(ordered, ids)]
