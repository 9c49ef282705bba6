"""Files of tracks as they stand on the command line: several, by pattern, under a condition."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skandi.cli.console import printable, progress, say
from skandi.errors import SkandiError

if TYPE_CHECKING:
    import pandas as pd

    from skandi.io import Tracks


@dataclass(frozen=True)
class Input:
    """One file of tracks; its condition is empty where none was given."""

    path: Path
    condition: str = ""


def find_inputs(arguments: list[str]) -> list[Input]:
    """The files that arguments ``PATH``, ``PATTERN`` and ``CONDITION=PATTERN`` stand for.

    An argument that is the name of a file is that file, whatever characters are in it. Patterns are
    expanded here as well, for shells that do not.
    """
    found: dict[str, Input] = {}  # by the file that a name or a link stands for
    for argument in arguments:
        condition, equals, pattern = argument.partition("=")
        if Path(argument).exists() or not equals or not condition:
            condition, pattern = "", argument
        if not pattern:
            where = f"behind the = of {argument}" if argument else "where an argument is empty"
            raise SkandiError(f"a file or a pattern is needed {where}")
        for path in matching(pattern):
            if os.path.realpath(path) in found:
                raise SkandiError(f"{legible(path)} is named twice: each file is read once.")
            found[os.path.realpath(path)] = Input(path, condition)
    return list(found.values())


def matching(pattern: str) -> list[Path]:
    """The file of that name, whatever characters are in it, or those that a pattern stands for."""
    if Path(pattern).exists():
        return [Path(pattern)]
    pattern = os.path.expanduser(pattern)  # no shell does that behind an =
    if Path(pattern).exists() or not glob.has_magic(pattern):
        return [Path(pattern)]
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise FileNotFoundError(2, "no file has a name like", pattern)
    return [Path(match) for match in matches]


def analyse_inputs(
    inputs: list[Input], read: Callable[[Path], Tracks], **settings: Any
) -> tuple[pd.DataFrame, list[Tracks]]:
    """One table for all files, and the tracks of each; `settings` are those of `analyse`.

    With several files, or a condition given, the first columns are ``condition`` and ``file``; a
    file without a condition is a condition of its own. Where units differ from file to file, the
    columns ``space_unit`` and ``time_unit`` come next, the units of the row's ``D_alpha`` and
    ``duration``.
    """
    import pandas as pd

    from skandi.analyse import analyse

    tables, sets = [], []
    told = len(inputs) > 1 or bool(inputs[0].condition)
    names = [legible(name) for name in _short_names([each.path for each in inputs])]
    given = {each.condition for each in inputs} - {""}
    for each, name in zip(inputs, names, strict=True):
        if not each.condition and name in given:
            raise SkandiError(
                f"{each.path} has no condition, and {name} is the condition of another file: say "
                f"{name}={each.path} if they belong together, or another name before the = if not."
            )
    for each, name in zip(inputs, names, strict=True):
        tracks = read(each.path)
        say(str(tracks.report))
        with progress("tracks") as update:
            table = analyse(tracks, progress=update, **settings)
        if told:
            table.insert(0, "condition", pd.Series(each.condition or name, table.index, "string"))
            table.insert(1, "file", pd.Series(legible(each.path), table.index, "string"))
        tables.append(table)
        sets.append(tracks)
    _tell_units(tables, sets, names)
    about = tables[0].attrs | {
        key: "; ".join(dict.fromkeys(table.attrs[key] for table in tables))
        for key in ("D_alpha", "novelty", "time_unit")
    }
    for table in tables:
        table.attrs = about
    return pd.concat(tables, ignore_index=True), sets


def _tell_units(tables: list[pd.DataFrame], sets: list[Tracks], names: list[str]) -> None:
    """Say which file is in which units where they differ, and write it beside each row."""
    import pandas as pd

    from skandi.analyse import time_unit

    told = [f"{table.attrs['D_alpha']}, time in {table.attrs['time_unit']}" for table in tables]
    if len(set(told)) > 1:
        say("D_alpha and duration are in other units from file to file:")
        for name, units in zip(names, told, strict=True):
            say(f"  {printable(name)}: {units}")
    pairs = [(tracks.space_unit, time_unit(tracks)) for tracks in sets]
    if len(set(pairs)) > 1:
        for table, (space, time) in zip(tables, pairs, strict=True):
            place = list(table).index("file") + 1
            table.insert(place, "space_unit", pd.Series(space, table.index, "string"))
            table.insert(place + 1, "time_unit", pd.Series(time, table.index, "string"))


def own_estimators(weights: Path | None, preset: str) -> dict[str, Any]:
    """Estimators of a weight file as `analyse` takes them; none for the bundled weights."""
    if weights is None:
        return {}
    from skandi.pretrained import load_pretrained, trained_network

    n_dims = trained_network(weights)[0]["n_dims"]
    load = partial(load_pretrained, n_dims=n_dims, preset=preset, path=weights)
    return {"alpha_model": load("alpha"), "model_classifier": load("model")}


def columns_told(options: list[str] | None) -> dict[str, str]:
    """Names of columns by part, from options ``PART=NAME``."""
    columns: dict[str, str] = {}
    for option in options or ():
        part, equals, name = option.partition("=")
        if not (part and equals and name):
            raise SkandiError(f"--column {option}: PART=NAME is needed, such as x=X_um")
        if part in columns:
            raise SkandiError(f"--column {option}: {part} is told twice")
        columns[part] = name
    return columns


def legible(path: str | Path) -> str:
    """A name of a file as text; on Linux it can be any bytes, which no table or page can hold."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def read_with(options: dict[str, Any]) -> Callable[[Path], Tracks]:
    """A reader of one file with the options of a command."""
    from skandi.io import read_tracks

    return lambda path: read_tracks(path, **options)


def _short_names(paths: list[Path]) -> list[str]:
    """Names without folder and suffix where that tells files apart, as much as is needed else."""
    for name in (lambda p: p.stem, lambda p: p.name, lambda p: "/".join(p.parts[-2:])):
        names = [name(path) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]
