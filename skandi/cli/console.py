"""How commands speak: messages, errors, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from skandi.errors import SkandiError
from skandi.files import require_replaceable

_FEWEST = 10


class Commands(TyperGroup):
    """Commands whose expected errors are one line each, and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # who read our output went away, which typer knows how to end
        except (SkandiError, OSError) as error:
            say(f"error: {one_line(error)}")
            raise typer.Exit(2) from error


def say(text: str) -> None:
    """Tell something on standard error, each line with our name in front."""
    typer.echo("\n".join(f"skandi: {line}" for line in text.split("\n")), err=True)


def one_line(error: BaseException) -> str:
    """What went wrong, without line ends and error numbers."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
        return text[:1].lower() + text[1:]
    return " ".join(str(error).split())


def printable(text: str) -> str:
    """A name from a file, without what could steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def require_folder(path: Path) -> None:
    """Find out before the work, not after it, that there is no such folder to write to."""
    if not path.parent.is_dir():
        raise FileNotFoundError(2, "no such directory", str(path.parent))


def require_place(path: Path) -> None:
    """Find out before the work, not after it, that no such file can be written."""
    require_folder(path)
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory, a file name is needed", str(path))
    require_replaceable(path)


def require_weight_file(path: Path) -> None:
    """Refuse a name that is none of a weight file; what belongs to one is named after it."""
    require_place(path)
    if path.suffix != ".safetensors":
        raise SkandiError(f"{path}: the name of a weight file must end in .safetensors")


def require_enough(novelty_size: int) -> None:
    """Refuse fewer trajectories than novelty can be learnt from, before the training."""
    if 0 < novelty_size < _FEWEST:
        raise SkandiError(
            f"--novelty-size {novelty_size} is too few to learn from: give {_FEWEST} or more, or 0 "
            "for none"
        )


def require_other_file(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse to replace what is read by what is made of it."""
    if output.exists() and any(each.exists() and each.samefile(output) for each in inputs):
        raise SkandiError(f"{output} is an input, and would be replaced: name another output")


@contextmanager
def progress(noun: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(noun, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
