"""The commands that tell of Auto Pilot: what it changed, what came of it, and what it learns from that."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands.common import store_at
from cluster.options import DatabaseUrl, RunId, out

autopilot = typer.Typer(help="Auto Pilot: what it changed, what came of it, and what it learns.", no_args_is_help=True)

Piloted = Annotated[
    str, typer.Argument(metavar="SESSION", help="The id of a session, of a strategy or of a run, or 'latest'.")
]


@autopilot.command("show")
def show(name: Piloted, database_url: DatabaseUrl = None) -> None:
    """Tell every adjustment with before, after, the difference to its twin and its outcome, and what they taught."""
    from cluster.autopilot import shown

    out.print(shown(store_at(database_url).piloted(name)), highlight=False)


@autopilot.command("reverse")
def reverse(
    log_id: Annotated[str, typer.Argument(metavar="LOG_ID", help="The id of an adjustment, from `autopilot show`.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Undo an adjustment of a run that goes on, from the block after its session's next review on."""
    from cluster.commanded import given

    out.print(given(store_at(database_url).reverse_adjustment(log_id)), highlight=False)


@autopilot.command("learn")
def learn(run_id: RunId, database_url: DatabaseUrl = None) -> None:
    """Add the outcomes of a completed run to what Auto Pilot knows; scenarios use it by its version."""
    store = store_at(database_url)
    known = store.learn(store.resolve_run(run_id))
    out.print(f"Version {known.version}; a scenario uses it with `knowledge: {known.version}`.", highlight=False)


@autopilot.command("knowledge")
def knowledge(
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, show_default="the latest", help="Which to print.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print what Auto Pilot knows: outcomes of each type and market, and where the versions come from."""
    from cluster.knowledge import shown

    store = store_at(database_url)
    versions = store.knowledge_versions()
    wanted = version or (versions[-1].version if versions else 0)
    out.print(shown(store.knowledge(wanted), versions), highlight=False)
