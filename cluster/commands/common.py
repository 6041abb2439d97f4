"""What several commands do: prepare a scenario, open the database, write a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.errors import UsageError
from cluster.options import err
from storage.ids import Kind, kind_of

if TYPE_CHECKING:
    from uuid import UUID

    from cluster.plan import Plan
    from simulation.scenario import Scenario
    from storage.store import Store

ScenarioFile = Annotated[
    Path | None, typer.Argument(metavar="[SCENARIO.yaml]", show_default="the built-in one", help="What to run.")
]


def prepared(scenario: Scenario) -> Plan:
    """Return the plan of a scenario; what was repaired in its recordings is said on stderr."""
    from cluster.runs import prepare

    return with_repairs_told(prepare(scenario))


def with_repairs_told(plan: Plan) -> Plan:
    """Return the plan, having said on stderr what was repaired in its recordings."""
    if plan.repairs:
        err.print(f"Recordings: {'; '.join(plan.repairs)}.", highlight=False, soft_wrap=True)
    return plan


def store_at(database_url: str | None, *, upgrade: bool = False) -> Store:
    """Return the store of a command that works on what is there."""
    from cluster.database import open_store

    return open_store(database_url, upgrade=upgrade)[0]


def write_report(store: Store, run_id: UUID, target: Path | None) -> Path:
    """Write the report of a run or a sweep and return where it is."""
    from cluster.page import save

    path = target or Path("reports")
    if path == Path("reports"):
        path.mkdir(exist_ok=True)
        path /= f"{run_id}.html"
    try:
        save(_page(store, run_id), path)
    except OSError as error:
        raise UsageError(
            f"The report {path} can't be written ({error.strerror}); `paperdex report {run_id} -o FILE` tries again."
        ) from error
    return path.resolve()


def _page(store: Store, key: UUID) -> str:
    """Return the report of the run or the sweep that a key names."""
    if kind_of(str(key)) == Kind.SWEEP:
        from cluster.sweeping import report, report_page

        with err.status("reading the trials, and trading the winner again"):
            return report_page.render(report.collect(store, key))
    from cluster.report import collect
    from cluster.report_page import render

    return render(collect(store, key))
