"""The page: what it says, put together from a table of results and the tracks behind it."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from skandi import __version__
from skandi.compare import (
    compare_conditions,
    comparison_notes,
    grouped_median_interval,
    model_shares,
    without_answer,
)
from skandi.diffusion import MODELS
from skandi.errors import MissingExtraError, SkandiError
from skandi.files import replacing
from skandi.io import Tracks
from skandi.io.tracks import counted, first_other
from skandi.plot.style import load_pyplot
from skandi.provenance import CITATIONS, package_versions
from skandi.report.data import table_data, track_data
from skandi.report.figures import draw_figures

_NAMES_SHOWN = 10
# Other columns of the table may be left out.
_NEEDED = (
    *("track_id", "n_points", "n_dims", "alpha", "alpha_lower"),
    *("model", "novelty", "is_novel", "note"),
)


def write_report(
    path: str | os.PathLike[str],
    table: pd.DataFrame,
    tracks: Tracks | Sequence[Tracks],
    *,
    weights: Sequence[str] = (),
    title: str = "Anomalous diffusion of single tracks",
) -> None:
    """Write one HTML page with summary, pictures, a table of all tracks, and where it comes from.

    The page needs no network, no other file and no server. Names from files are text in it and
    nothing else: all that is written is escaped, and the page forbids its browser to run or load
    anything but its own script.

    Parameters
    ----------
    path : path
        Where to write; the file is exchanged once it is complete.
    table : DataFrame
        Rows of `analyse`; those of several files one below the other, perhaps with the columns
        ``condition`` and ``file``.
    tracks : Tracks, or sequence of Tracks
        What was analysed, in the order of the table.
    weights : sequence of str, optional
        What made the predictions, for example names and hashes of weight files.
    title : str
        Heading of the page.

    Raises
    ------
    SkandiError
        If table and tracks do not belong together.
    MissingExtraError
        If matplotlib or Jinja2 is not installed.
    OSError
        If the page cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skandi import analyse, read_tracks
    >>> from skandi.io import sample_tracks_path
    >>> from skandi.report import write_report
    >>> tracks = read_tracks(sample_tracks_path())
    >>> page = Path(tempfile.mkdtemp()) / "report.html"
    >>> write_report(page, analyse(tracks), tracks)
    >>> page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    sets = [tracks] if isinstance(tracks, Tracks) else list(tracks)
    _require_together(table, sets)
    with replacing(path) as aside:  # which fails before the work where no file can be
        text = _page(table, sets, title, weights)
        # names of files can be what UTF-8 cannot hold
        aside.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def require_packages() -> None:
    """Find out before the work that a package for reports is not installed."""
    _template()
    load_pyplot()


def _page(table: pd.DataFrame, sets: list[Tracks], title: str, weights: Sequence[str]) -> str:
    script = _own("page.js")
    comparison, notes = _comparison(table)
    return _template().render(
        title=title,
        written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        summary=_summary(table, sets),
        reports=[str(each.report) for each in sets if each.report is not None],
        skipped=_skipped(table),
        has_novelty=bool(table["is_novel"].notna().any()),
        has_intervals=bool(table["alpha_lower"].notna().any()),
        coverage=table.attrs.get("coverage"),
        about_diffusion=table.attrs.get("D_alpha"),
        comparison=comparison,
        comparison_notes=notes,
        comparison_warning=without_answer(table) if "condition" in table else "",
        figures=draw_figures(table, sets),
        data={**table_data(table), **track_data(sets)},
        weights=list(weights),
        versions={"skandi": __version__, "Python": platform.python_version()} | package_versions(),
        citations=CITATIONS,
        style=_own("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _require_together(table: pd.DataFrame, sets: Sequence[Tracks]) -> None:
    """Raise a SkandiError unless each row of the table is of the track in its place."""
    strangers = [type(each).__name__ for each in sets if not isinstance(each, Tracks)]
    if strangers:
        raise SkandiError(
            f"tracks holds {strangers[0]}: pass what read_tracks gives, or "
            "Tracks.from_trajectories(list)."
        )
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise SkandiError(
            f"The table has no column {', '.join(missing)}: a report needs the rows of analyse."
        )
    n_tracks = sum(map(len, sets))
    if n_tracks != len(table) or not n_tracks:
        raise SkandiError(
            f"The table has {len(table)} rows and there are {n_tracks} tracks: a report needs the "
            "tracks that analyse made the table of, and one at least."
        )
    ids = [name for each in sets for name in each.ids]
    n_points = [n for each in sets for n in each.n_points]
    longer = np.flatnonzero(table["n_points"].to_numpy() != np.array(n_points))
    other = first_other(table["track_id"], ids)
    if len(longer) or other is not None:
        place = int(longer[0]) if other is None else other
        row = table.iloc[place]
        raise SkandiError(
            f"Row {place} of the table is of track {row.track_id} with {row.n_points} points, and "
            f"the track in that place is {ids[place]} with {n_points[place]}: a report needs the "
            "rows of analyse in their order."
        )


def _template() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError(
            f"A report needs Jinja2, which cannot be imported here: {error}. "
            'pip install "skandi[report]"'
        ) from error
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_own("page.html.jinja"))


def _own(name: str) -> str:
    return (resources.files("skandi.report") / name).read_text(encoding="utf-8")


def _summary(table: pd.DataFrame, sets: Sequence[Tracks]) -> list[tuple[str, str]]:
    """Names and values of the first lines."""
    read = table[table["alpha"].notna()]
    lines = [
        ("tracks", f"{len(table)}, of which {len(read)} have an answer"),
        ("points per track", _range(table["n_points"])),
        ("dimensions", ", ".join(str(d) for d in sorted(set(table["n_dims"])))),
        ("units", "; ".join(dict.fromkeys(map(_units, sets)))),
    ]
    if read.empty:
        return lines
    for name, rows in _by_condition(read):
        median, lower, upper = grouped_median_interval(rows)
        over = "files" if "file" in rows and rows["file"].nunique() > 1 else "tracks"
        told = f"{median:.2f}, 95 % interval {lower:.2f} to {upper:.2f} (over {over})"
        lines.append((f"median α{name}", told))
        shares = sorted(zip(model_shares(rows["model"]), MODELS, strict=True), reverse=True)
        told = ", ".join(f"{model.upper()} {share:.0%}" for share, model in shares if share > 0)
        lines.append((f"models{name}", told))
    if read["is_novel"].notna().any():
        n = int(read["is_novel"].sum())
        lines.append(("unlike the training data", f"{counted(n, 'track')}, {n / len(read):.0%}"))
    return lines


def _by_condition(read: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of each condition, under its name where there are several."""
    if "condition" not in read or read["condition"].nunique() < 2:
        return [("", read)]
    names = read["condition"].astype(str)
    return [(f", {name}", read[names == name]) for name in dict.fromkeys(names)]


def _range(numbers: pd.Series) -> str:
    if numbers.min() == numbers.max():
        return str(numbers.min())
    return f"{numbers.min()} to {numbers.max()}, median {numbers.median():g}"


def _units(tracks: Tracks) -> str:
    time = "frame interval unknown"
    if tracks.frame_interval is not None:
        time = f"frame interval {tracks.frame_interval:g} {tracks.time_unit or '(unit unknown)'}"
    space = f"positions in {tracks.space_unit}" if tracks.space_unit else "unit of length unknown"
    return f"{space}, {time}"


def _skipped(table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Why tracks have no answer, how many, and of one file the names of the first."""
    skipped = table[table["alpha"].isna()]
    # A table that was written and read again has missing notes for empty ones.
    reasons = skipped["note"].fillna("").astype(str).str.replace(r"[:;].*", "", regex=True)
    told = []
    for reason, rows in skipped.groupby(reasons):
        names = ", ".join(rows["track_id"][:_NAMES_SHOWN].astype(str))
        names += ", …" if len(rows) > _NAMES_SHOWN else ""
        told.append((str(reason), len(rows), "" if "file" in table else names))
    return told


def _comparison(table: pd.DataFrame) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of `compare_conditions` and what to bear in mind of them; none if there is no other."""
    read = table[table["alpha"].notna()]
    if "condition" not in table or read["condition"].nunique() < 2:
        return [], []
    compared = compare_conditions(read)
    found = (compared["value"] > 0) | (compared["value_reference"] > 0)
    names = {f"share of {model}": f"share of {model.upper()}" for model in MODELS}
    quantity = compared["quantity"].replace({"median alpha": "median α", **names})
    rows = compared.assign(quantity=quantity)[found].to_dict("records")
    return rows, comparison_notes(compared)
