"""The commands that tell of Auto Pilot: what it changed and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands.common import store_at
from cluster.options import DatabaseUrl, out

autopilot = typer.Typer(help="Auto Pilot: what it changed and what came of it.", no_args_is_help=True)

Piloted = Annotated[
    str, typer.Argument(metavar="SESSION", help="The id of a session, of a strategy or of a run, or 'latest'.")
]


@autopilot.command("show")
def show(name: Piloted, database_url: DatabaseUrl = None) -> None:
    """Tell every adjustment with before, after, the difference to its twin and its outcome, and what they taught."""
    from cluster.autopilot import shown

    out.print(shown(store_at(database_url).piloted(name)), highlight=False)
