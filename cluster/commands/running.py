"""The command that runs a scenario, or goes on with a run that was interrupted."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.commands.common import Resumed, ScenarioFile, planned, write_report
from cluster.options import FAILED, DatabaseUrl, err, out
from cluster.scenarios import Overrides
from cluster.targets import report_target

if TYPE_CHECKING:
    from storage.store import Store


def run(
    scenario: ScenarioFile = None,
    *,
    accounts: Annotated[int | None, typer.Option(min=1, max=1000, help="How many; repeats the scenario's.")] = None,
    blocks: Annotated[int | None, typer.Option(min=1, help="Length of the run.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the market and all luck.")] = None,
    segment_blocks: Annotated[int | None, typer.Option(min=1, help="Blocks traded at once.")] = None,
    market: Annotated[str | None, typer.Option(metavar="synthetic|PATH", help="Made, or read from files.")] = None,
    database_url: DatabaseUrl = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A running Ray cluster.", show_default="a private one")
    ] = None,
    dashboard_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of the private cluster.")] = None,
    writers: Annotated[int, typer.Option(min=1, max=16, help="That commit beside each other.")] = 1,
    no_autopilot: Annotated[bool, typer.Option("--no-autopilot", help="Adjust nothing.")] = False,
    resume: Resumed = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the report goes.", show_default="reports/RUN.html")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write none.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, write no report unless named.")
    ] = False,
) -> None:
    """Trade a scenario's accounts through its market and keep everything in Postgres.

    Exit status 1 if a session failed on the way, whatever became of the others.
    """
    from cluster import runs, summary
    from cluster.live import LiveView

    overrides = Overrides(accounts, blocks, seed, segment_blocks, market, autopilot=False if no_autopilot else None)
    interrupted, plan = planned(scenario, overrides, resume, database_url)
    target = report_target(report, "--report", wanted=not (as_json or no_report))
    place = runs.Place(database_url, ray_address, dashboard_port, writers)

    def tell(result: runs.RunSummary, store: Store) -> None:
        if as_json:  # whoever waits for it gets it, whatever becomes of the report
            print(json.dumps(result.as_json()), flush=True)
        written = write_report(store, result.run_id, target) if target is not None else None
        if not as_json:
            summary.print_summary(out, result, store.notable_decisions(result.run_id, limit=5), written)

    with LiveView(plan.scenario.accounts, err) as view:
        ended = runs.execute(plan, place, view, tell, interrupted)
    if ended.failures:
        raise typer.Exit(FAILED)
