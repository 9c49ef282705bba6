"""The same few localisations, with all their trouble, as each program would write them.

Tracks 0 to 3 stand for: a gap, an exact repetition, a track of one point, a NaN coordinate. Rows
are unsorted, one spot belongs to no track, and z is 0 throughout.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

DT = 0.05
NAN = float("nan")
# track (None: a spot of no track), frame, x, y
ROWS = [
    (1, 3, 5.5, 6.25),
    (0, 0, 0.5, 1.5),
    (0, 2, 0.125, 2.0),
    (0, 1, 0.25, 1.75),
    (0, 4, 1.0, 2.5),
    (0, 5, 1.25, 3.0),
    (None, 0, 90.0, 91.0),
    (1, 2, 5.0, 6.0),
    (1, 4, 5.75, 6.75),
    (1, 3, 5.5, 6.25),
    (2, 7, 8.0, 9.0),
    (3, 0, 3.0, 4.0),
    (3, 1, NAN, 4.5),
    (3, 2, 3.5, 4.25),
]
# What every reader makes of them.
CANONICAL = {
    "0#1": (0, [[0.5, 1.5], [0.25, 1.75], [0.125, 2.0]]),
    "0#2": (4, [[1.0, 2.5], [1.25, 3.0]]),
    "1": (2, [[5.0, 6.0], [5.5, 6.25], [5.75, 6.75]]),
    "2": (7, [[8.0, 9.0]]),
    "3#1": (0, [[3.0, 4.0]]),
    "3#2": (2, [[3.5, 4.25]]),
}


def write_table(path, names, row, none="", separator=",", rows=ROWS):
    """A text table with one line per localisation; `row` makes its fields."""
    lines = [separator.join(names)]
    for index, (track, frame, x, y) in enumerate(rows):
        fields = row(index, none if track is None else track, frame, x, y)
        lines.append(separator.join("" if field != field else str(field) for field in fields))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tidy(folder: Path) -> Path:
    names = ["track", "frame", "x", "y", "z"]
    return write_table(folder / "t.csv", names, lambda _, *row: [*row, 0], separator=";")


def trackpy(folder: Path) -> Path:
    names = ["", "y", "x", "mass", "size", "ecc", "signal", "raw_mass", "ep", "frame", "particle"]

    def row(index, track, frame, x, y):
        return [index, y, x, 251.5, 2.1, 0.1, 9.5, 800, 0.02, frame, track]

    return write_table(folder / "t.csv", names, row)


def trackmate_v7(folder: Path, unit="µm", separator=",", encoding="utf-8", rows=ROWS) -> Path:
    keys = [
        "LABEL", "ID", "TRACK_ID", "QUALITY", "POSITION_X", "POSITION_Y", "POSITION_Z",
        "POSITION_T", "FRAME", "RADIUS", "VISIBILITY", "MANUAL_SPOT_COLOR", "MEAN_INTENSITY_CH1",
    ]  # fmt: skip
    long = [
        "Label", "Spot ID", "Track ID", "Quality", "X", "Y", "Z", "T", "Frame", "Radius",
        "Visibility", "Manual spot color", "Mean intensity ch1",
    ]  # fmt: skip
    units = [
        "", "", "", "(quality)", f"({unit})", f"({unit})", f"({unit})", "(sec)", "", f"({unit})",
        "", "", "(counts)",
    ]  # fmt: skip

    def row(index, track, frame, x, y):
        id_ = 6272 + index
        return [f"ID{id_}", id_, track, 5.6, x, y, 0, frame * DT, frame, 2.5, 1, "", 310.5]

    path = write_table(folder / "t.csv", keys, row, separator=separator, rows=rows)
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    lines = [first, separator.join(long), separator.join(long), separator.join(units), *rest]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def trackmate_v6(folder: Path) -> Path:
    names = [
        " ", "Label", "ID", "TRACK_ID", "QUALITY", "POSITION_X", "POSITION_Y", "POSITION_Z",
        "POSITION_T", "FRAME", "RADIUS", "VISIBILITY",
    ]  # fmt: skip

    def row(index, track, frame, x, y):
        return [index + 1, f"ID{index}", index, track, 5.6, x, y, 0, frame * DT, frame, 2.5, 1]

    return write_table(folder / "t.csv", names, row, none="None")


def andi2(folder: Path) -> Path:
    names = ["traj_idx", "frame", "x", "y"]
    return write_table(folder / "t.csv", names, lambda _, *row: row)


def spot_on(folder: Path) -> Path:
    names = ["", "trajectory", "x", "y", "t", "frame"]

    def row(index, track, frame, x, y):
        return [index, track, x, y, frame * DT, frame]

    return write_table(folder / "t.csv", names, row)


def saspt(folder: Path) -> Path:
    names = ["y", "x", "frame", "trajectory"]
    return write_table(
        folder / "t.csv", names, lambda _, track, frame, x, y: [y, x, frame, track], none="-1"
    )


def parquet(folder: Path) -> Path:
    table = pd.read_csv(trackmate_v6(folder), index_col=0)
    table.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def trackmate_simple_xml(folder: Path, unit="µm") -> Path:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Tracks nTracks="4" spaceUnits="{unit}" frameInterval="{DT}" timeUnits="sec" '
        'generationDateTime="Tue, 24 Nov 2026 10:00:00" from="TrackMate v7.11.1">',
    ]
    for k in range(4):
        rows = [row for row in ROWS if row[0] == k]
        lines.append(f'  <particle nSpots="{len(rows)}">')
        for _, frame, x, y in rows:
            lines.append(f'    <detection t="{frame}" x="{_java(x)}" y="{_java(y)}" z="0.0" />')
        lines.append("  </particle>")
    path = folder / "t.xml"
    path.write_text("\n".join([*lines, "</Tracks>"]) + "\n", encoding="utf-8")
    return path


def trackmate_xml(folder: Path) -> Path:
    """Without the repeated spot and the track of one: links cannot say either."""
    rows = [row for row in dict.fromkeys(ROWS) if row[0] != 2]
    spots = [(id_, frame, x, y) for id_, (_, frame, x, y) in enumerate(rows, 100)]
    edges = {}
    for k in (3, 0, 1):
        ids = sorted((row[1], id_) for id_, row in enumerate(rows, 100) if row[0] == k)
        edges[k] = [(a, b) for (_, a), (_, b) in pairwise(ids)]
    return write_trackmate_xml(folder / "t.xml", spots, edges, kept=[0, 1, 3])


def write_trackmate_xml(path, spots, edges, kept, unit="µm", dt=DT, encoding="utf-8"):
    """TrackMate's own file of spots (id, frame, x, y) and of edges (source, target) by track."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<TrackMate version="7.11.1">',
        "  <Log>Detection: 12 spots &lt;filtered&gt;</Log>",
        f'  <Model spatialunits="{unit}" timeunits="sec">',
        '    <FeatureDeclarations><SpotFeatures><Feature feature="QUALITY" name="Quality" />'
        "</SpotFeatures></FeatureDeclarations>",
        f'    <AllSpots nspots="{len(spots)}">',
    ]
    for frame in sorted({spot[1] for spot in spots}):
        lines.append(f'      <SpotsInFrame frame="{frame}">')
        lines += [
            f'        <Spot ID="{id_}" name="ID{id_}" QUALITY="5.6" POSITION_T="{t * dt}" '
            f'MAX_INTENSITY_CH1="NaN" FRAME="{t}" POSITION_X="{_java(x)}" POSITION_Y="{_java(y)}" '
            f'POSITION_Z="0.0" VISIBILITY="1" ROI_N_POINTS="3">0.5 0.5 1.0 1.0 0 0</Spot>'
            for id_, t, x, y in spots
            if t == frame
        ]
        lines.append("      </SpotsInFrame>")
    lines += ["    </AllSpots>", "    <AllTracks>"]
    for k, pairs in edges.items():
        lines.append(f'      <Track name="Track_{k}" TRACK_ID="{k}" NUMBER_SPOTS="3">')
        lines += [
            f'        <Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" LINK_COST="0.1" '
            'EDGE_TIME="0.5" />'
            for a, b in pairs
        ]
        lines.append("      </Track>")
    lines.append("    </AllTracks>")
    if kept is not None:
        lines += [
            "    <FilteredTracks>",
            *(f'      <TrackID TRACK_ID="{k}" />' for k in kept),
            "    </FilteredTracks>",
        ]
    lines += [
        "  </Model>",
        f'  <Settings><ImageData filename="a.tif" timeinterval="{dt}" /></Settings>',
        "</TrackMate>",
    ]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def napari(folder: Path) -> Path:
    rows = [(-1 if k is None else k, frame, 0.0, y, x) for k, frame, x, y in ROWS]
    np.save(folder / "t.npy", np.array(rows))
    return folder / "t.npy"


def noctiluca(folder: Path) -> Path:
    """Without the spot of no track and the repeated one: an array has no place for either."""
    array = np.full((4, 8, 3), NAN)
    for k, frame, x, y in ROWS:
        if k is not None:
            array[k, frame] = x, y, 0.0
    np.save(folder / "t.npy", array)
    return folder / "t.npy"


def _java(number: float) -> str:
    return "NaN" if number != number else str(number)


# How each format is written, and what its file says: frame interval, unit of time, unit of space.
EVERY_FORMAT = {
    "tidy": (tidy, None, None, None),
    "trackpy": (trackpy, None, None, "px"),
    "trackmate-csv": (trackmate_v7, DT, "s", "µm"),
    "andi2": (andi2, 1.0, "frame", "px"),
    "spot-on": (spot_on, DT, "s", "µm"),
    "saspt": (saspt, None, None, "px"),
    "parquet": (parquet, DT, None, None),
    "trackmate-simple-xml": (trackmate_simple_xml, DT, "s", "µm"),
    "trackmate-xml": (trackmate_xml, DT, "s", "µm"),
    "napari": (napari, None, None, None),
    "noctiluca": (noctiluca, None, None, None),
}
