"""How long it takes to read a table of up to a million rows, and to group it into tracks.

    python benchmarks/readers.py        # prints the table, writes the JSON

The same rows, shuffled, come as a DataFrame, a Parquet file and a CSV file. A line is fitted to the
time over the number of rows. Beside it stands what people write who group by hand: a loop over the
rows of the DataFrame (``iterrows``, and the quicker ``itertuples``), with the time to load the file
by pandas added. TrackMate's own XML is read too, with 40 features a spot.

Times are of the processor, summed over threads, the best of some repeats: what other processes do
on the same core does not count.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow

from skandi import __version__, read_tracks

RESULTS = Path(__file__).parent / "results" / "readers.json"
SIZES = (100_000, 250_000, 500_000, 1_000_000)
XML_SIZES = (25_000, 50_000, 100_000)
N_POINTS = 100
N_FEATURES = 40
N_REPEATS = 2
LOAD: dict[str, Callable] = {
    "DataFrame": lambda table: table,
    "Parquet": pd.read_parquet,
    "CSV": pd.read_csv,
}


def simulated_table(n_rows: int) -> pd.DataFrame:
    """Brownian tracks of 100 points in two dimensions, their rows shuffled."""
    rng = np.random.default_rng(0)
    n_tracks = n_rows // N_POINTS
    positions = rng.normal(size=(n_tracks, N_POINTS, 2)).cumsum(axis=1).reshape(-1, 2)
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(n_tracks), N_POINTS),
            "frame": np.tile(np.arange(N_POINTS), n_tracks),
            "x": positions[:, 0],
            "y": positions[:, 1],
        }
    )
    return table.sample(frac=1, random_state=rng, ignore_index=True)


def loop_over(rows: Iterable) -> list[np.ndarray]:
    """Group row by row: what the readers replace."""
    tracks: dict[int, list[tuple[float, float, float]]] = {}
    for row in rows:
        tracks.setdefault(row.particle, []).append((row.frame, row.x, row.y))
    return [np.array(sorted(tracks[name]))[:, 1:] for name in sorted(tracks)]


def write_xml(path: Path, n_spots: int) -> None:
    """A file of TrackMate with unbranched tracks of 100 spots."""
    features = " ".join(f'FEATURE_{i}="{i / 7}"' for i in range(N_FEATURES))
    with path.open("w", encoding="utf-8") as file:
        file.write('<TrackMate><Model spatialunits="µm" timeunits="s"><AllSpots>\n')
        for i in range(n_spots):
            t = i % N_POINTS
            file.write(
                f'<Spot ID="{i}" {features} FRAME="{t}" POSITION_T="{t / 20}" '
                f'POSITION_X="{np.sin(i)}" POSITION_Y="{np.cos(i)}" POSITION_Z="0.0"/>\n'
            )
        file.write("</AllSpots><AllTracks>\n")
        for first in range(0, n_spots, N_POINTS):
            file.write(f'<Track TRACK_ID="{first // N_POINTS}">\n')
            for i in range(first, first + N_POINTS - 1):
                file.write(f'<Edge SPOT_SOURCE_ID="{i}" SPOT_TARGET_ID="{i + 1}"/>\n')
            file.write("</Track>\n")
        file.write("</AllTracks></Model></TrackMate>\n")


def seconds(action: Callable[[], object], repeats: int = N_REPEATS) -> float:
    """Time of the processor, the best of a few."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times)


def line(sizes: Iterable[int], times: list[float]) -> dict[str, float]:
    """Fit of a + b·N, in relative terms, and the power of N by which the time grows."""
    n, t = np.array(list(sizes), dtype=float), np.array(times)
    slope, intercept = np.polyfit(n, t, 1, w=1 / t)
    return {
        "seconds_fixed": float(intercept),
        "microseconds_per_row": float(slope * 1e6),
        "largest_relative_residual": float(np.abs((intercept + slope * n) / t - 1).max()),
        "power_of_rows": float(np.polyfit(np.log(n), np.log(t), 1)[0]),
    }


def measure(folder: Path) -> dict[str, dict]:
    """Times by source and size, and those of the loops at the largest size."""
    times: dict[str, list[float]] = {name: [] for name in LOAD}
    for n_rows in SIZES:
        table = simulated_table(n_rows)
        sources = {"DataFrame": table, "Parquet": folder / "t.parquet", "CSV": folder / "t.csv"}
        table.to_parquet(sources["Parquet"], index=False)
        table.to_csv(sources["CSV"], index=False)
        for name, source in sources.items():
            times[name].append(seconds(partial(read_tracks, source)))
    by_hand = loop_over(table.itertuples())
    for ours, theirs in zip(read_tracks(table).trajectories, by_hand):
        np.testing.assert_array_equal(ours, theirs)
    loops = {
        "iterrows": seconds(lambda: loop_over(row for _, row in table.iterrows()), 1),
        "itertuples": seconds(lambda: loop_over(table.itertuples()), 1),
    }
    results = {}
    for name, load in LOAD.items():
        loading = 0.0 if name == "DataFrame" else seconds(partial(load, sources[name]))
        results[name] = {
            "rows": SIZES,
            "seconds": times[name],
            "fit": line(SIZES, times[name]),
            "loops_seconds": {loop: loading + t for loop, t in loops.items()},
            "times_faster": {loop: (loading + t) / times[name][-1] for loop, t in loops.items()},
        }
    return results


def measure_xml(folder: Path) -> dict[str, object]:
    """Times of TrackMate's own file."""
    path = folder / "t.xml"
    times = []
    for n_spots in XML_SIZES:
        write_xml(path, n_spots)
        times.append(seconds(lambda: read_tracks(path)))
    return {
        "rows": XML_SIZES,
        "seconds": times,
        "fit": line(XML_SIZES, times),
        "megabytes": path.stat().st_size / 1e6,
    }


def main() -> None:
    """Measure, print the table and keep it."""
    with tempfile.TemporaryDirectory() as name:
        read_tracks(simulated_table(1000))  # imports
        results = measure(Path(name))
        xml = measure_xml(Path(name))
    print(
        f"{'source':<14}{'rows':>10}{'s':>8}{'µs/row':>8}{'power':>7}{'iterrows':>10}{'tuples':>8}"
    )
    for source, result in {**results, "TrackMate XML": xml}.items():
        fit, faster = result["fit"], result.get("times_faster")
        print(
            f"{source:<14}{result['rows'][-1]:>10}{result['seconds'][-1]:>8.2f}"
            f"{fit['microseconds_per_row']:>8.2f}{fit['power_of_rows']:>7.2f}"
            + (f"{faster['iterrows']:>9.0f}×{faster['itertuples']:>7.1f}×" if faster else "")
        )
    kept = {
        "skandi": __version__,
        "python": platform.python_version(),
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "pyarrow": pyarrow.__version__,
        "points_per_track": N_POINTS,
        "repeats": N_REPEATS,
        "tables": results,
        "trackmate_xml": xml,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
