"""What the commands share: where they print, their exit statuses, and the options that several have."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

USAGE, FAILED, STOPPED = 2, 1, 130

PIPED_WIDTH = 120
"""Columns of a table that goes into a file or a pipe, where there is no terminal to ask."""

# Names of accounts and files are printed as they are, even where they look like markup.
out = Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(markup=False, emoji=False, stderr=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def complain(sentence: str) -> int:
    """Print what a user can mend, and return the exit status that goes with it."""
    err.print(sentence, style="red", highlight=False, soft_wrap=True)
    return USAGE


DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="PAPERDEX_DATABASE_URL",
        show_envvar=True,
        show_default="the embedded server",
        help="A PostgreSQL server of your own.",
    ),
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the first digits of it, or 'latest'.")]
SweepId = Annotated[
    str, typer.Argument(metavar="SWEEP", help="A sweep's id, the first digits of it, its name, or 'latest'.")
]
