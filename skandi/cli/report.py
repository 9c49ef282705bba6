"""``skandi report``: files of tracks in, one self-contained page out."""

from __future__ import annotations

from pathlib import Path

import typer

from skandi.cli.console import require_place, say
from skandi.cli.inputs import (
    Input,
    analyse_inputs,
    columns_told,
    find_inputs,
    legible,
    own_estimators,
    read_with,
)
from skandi.cli.predict import (
    BRANCHES,
    COLUMN,
    COVERAGE,
    DIMS,
    DUPLICATES,
    FORMAT,
    FRAME_INTERVAL,
    GAPS,
    PRESET,
    SPACE_UNIT,
    TIME_UNIT,
    TRACKS,
    WEIGHTS,
    Branches,
    Duplicates,
    Gaps,
    Preset,
    TracksFormat,
    say_diffusion,
    say_skipped,
)
from skandi.errors import SkandiError

_NAMES_SHOWN = 4


def report(
    tracks: list[str] = TRACKS,
    output: Path = typer.Option(..., "-o", "--output", metavar="OUT", help="Page to write, .html."),
    format: TracksFormat = FORMAT,
    column: list[str] | None = COLUMN,
    gaps: Gaps = GAPS,
    branches: Branches = BRANCHES,
    duplicates: Duplicates = DUPLICATES,
    dims: int | None = DIMS,
    frame_interval: float | None = FRAME_INTERVAL,
    time_unit: str | None = TIME_UNIT,
    space_unit: str | None = SPACE_UNIT,
    coverage: float = COVERAGE,
    preset: Preset = PRESET,
    weights: Path | None = WEIGHTS,
) -> None:
    """Analyse tracks and write a page with summary, pictures and a table of all tracks.

    The page is one file that opens in any browser and needs no network: mail it, keep it with the
    data. Text in it that came from the files is shown and never run.

    For example:

    - `skandi report tracks.csv -o report.html`
    - `skandi report tracks.csv --frame-interval 0.03 --time-unit s --space-unit µm -o report.html`
    - `skandi report "control=ctrl_*.csv" "drug=drug_*.csv" -o report.html`

    Exit code: 0, or 2 after an error.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise SkandiError(f"{output}: a report is a page, so the name must end in .html")
    require_place(output)
    inputs = find_inputs(tracks)
    from skandi.pretrained import shipped_weights
    from skandi.provenance import file_digest
    from skandi.report import write_report
    from skandi.report.page import require_packages

    require_packages()

    options = {
        "format": format,
        "columns": columns_told(column),
        "gaps": gaps,
        "branches": branches,
        "duplicates": duplicates,
        "n_dims": dims,
        "frame_interval": frame_interval,
        "time_unit": time_unit or None,
        "space_unit": space_unit or None,
    }
    settings = {"coverage": coverage, "preset": preset, **own_estimators(weights, preset)}
    table, sets = analyse_inputs(inputs, read_with(options), **settings)
    dimensions = sorted({each.n_dims for each in sets if len(each)})
    files = [shipped_weights(n_dims) for n_dims in dimensions] if weights is None else [weights]
    told = [f"{legible(path.name)}, sha256 {file_digest(path)}" for path in files]
    write_report(output, table, sets, weights=told, title=_title(inputs))
    say_skipped(table)
    say_diffusion(table)
    say(f"wrote {output}")


def _title(inputs: list[Input]) -> str:
    """What tells the page from others: conditions, or names of files."""
    names = list(dict.fromkeys(each.condition or legible(each.path.name) for each in inputs))
    return f"Anomalous diffusion: {', '.join(names[:_NAMES_SHOWN])}" + (
        ", …" if len(names) > _NAMES_SHOWN else ""
    )
