"""TrackMate's "tracks to XML" export: particles and their detections, nothing else.

``<Tracks nTracks spaceUnits frameInterval timeUnits><particle nSpots><detection t x y z/>``. The
time t is the frame, and a particle has no name: its place in the file, from 0, is taken.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable

import numpy as np

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations
from skandi.io.units import calibrate
from skandi.io.xml_stream import Attributes, Collector, collect

ROOT = "Tracks"
NAN = "nan"


class _Particles(Collector):
    def __init__(self) -> None:
        self.root: Attributes | None = None
        self.n_particles = 0
        self.particle = array("q")
        self.numbers = array("d")  # t, x, y, z of each detection

    def handlers(self) -> dict[str, Callable[[Attributes], None]]:
        return {
            ROOT: self.start_tracks,
            "particle": self.start_particle,
            "detection": self.start_detection,
        }

    def start_tracks(self, attributes: Attributes) -> None:
        self.root = attributes

    def start_particle(self, attributes: Attributes) -> None:
        self.n_particles += 1

    def start_detection(self, attributes: Attributes) -> None:
        if not self.n_particles:
            raise ValueError("a <detection> outside of a <particle>")
        t, x, y = float(attributes["t"]), float(attributes["x"]), float(attributes["y"])
        self.particle.append(self.n_particles - 1)
        self.numbers.extend((t, x, y, float(attributes.get("z", NAN))))


def read_trackmate_simple_xml(path: str | os.PathLike[str]) -> Localisations:
    """The localisations of TrackMate's simple XML.

    Raises
    ------
    TracksFileError
        If the file is not well-formed, or is other XML.
    """
    particles = collect(path, _Particles)
    if particles.root is None or not particles.n_particles:
        raise TracksFileError(
            f"{path} is not TrackMate's simple XML: <{ROOT}> with <particle> and <detection> in it "
            "is needed."
        )
    numbers = np.array(particles.numbers, dtype=np.float64).reshape(-1, 4)
    table = Localisations(
        source=str(path),
        format="trackmate-simple-xml",
        track=np.array(particles.particle, dtype=np.int64),
        names=[str(i) for i in range(particles.n_particles)],
        time=numbers[:, 0],
        positions=numbers[:, 1:],
        axes=("x", "y", "z"),
    )
    root = particles.root
    interval = _positive(root.get("frameInterval"))
    calibrate(table, interval, root.get("timeUnits"), root.get("spaceUnits"))
    return table


def _positive(text: str | None) -> float | None:
    """A number, or None where there is none that could be an interval."""
    try:
        number = float(text or NAN)
    except ValueError:
        return None
    return number if np.isfinite(number) and number > 0 else None
