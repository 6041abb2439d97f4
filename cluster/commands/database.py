"""The commands for the database itself: its schema, its ledger, its address, its upkeep."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands import upkeep
from cluster.commands.common import store_at
from cluster.options import FAILED, DatabaseUrl, err, out

db = typer.Typer(help="The database: its schema, its ledger, its address.", no_args_is_help=True)
db.command("archive")(upkeep.archive)
db.command("restore")(upkeep.restore)
db.command("prune")(upkeep.prune)


@db.command("upgrade")
def db_upgrade(database_url: DatabaseUrl = None) -> None:
    """Create the tables, or bring them up to date; what the server warns of is said on stderr."""
    for warning in store_at(database_url).upgrade():
        err.print(warning, highlight=False, soft_wrap=True)
    out.print("The schema is up to date.")


@db.command("check")
def db_check(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run.", show_default="all runs")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Recompute every balance and position from the trades, to the wei, and the digests of ended runs; look at indexes.

    The hashes of the Auto Pilot's log are taken anew; of each session the first row that differs is named. Nothing is
    written. Exit status 1 on a finding.
    """
    store = store_at(database_url)
    findings = store.check(None if run_id is None else store.resolve_run(run_id))
    for finding in findings:
        print(finding)
    out.print("Nothing found." if not findings else f"{len(findings)} found.", highlight=False)
    if findings:
        raise typer.Exit(FAILED)


@db.command("url")
def db_url(database_url: DatabaseUrl = None) -> None:
    """Print where the database is, for psql and others; starts the embedded server."""
    from cluster.database import open_store, shown_url

    print(shown_url(open_store(database_url)[1]))
