"""The command line, a file for each command.

Whatever takes long to import is imported inside the command that needs it, so that ``--help``
answers at once. Results go to standard output or a file, everything else to standard error.
"""

from __future__ import annotations

import io
import os
import sys

import typer

from skandi import __version__
from skandi.cli import export, info, join, predict, report, simulate, train
from skandi.cli.console import Commands

_WINDOWS = os.name == "nt"

app = typer.Typer(
    cls=Commands,
    name="skandi",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    predict.predict,
    report.report,
    simulate.simulate,
    train.train,
    join.join,
    export.export,
    info.info,
):
    app.command()(command)


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no α shows a ? for it
    arguments = sys.argv[1:]
    if _WINDOWS:  # whose shells leave this to programs; patterns are for those who read files
        arguments = [os.path.expanduser(each) for each in arguments]
    app(arguments, prog_name="skandi")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"skandi {__version__}")
        raise typer.Exit


@app.callback()
def _skandi(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Which anomalous diffusion is it? The exponent α and the model of short, noisy tracks."""
