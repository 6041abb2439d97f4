"""What several commands do: prepare a scenario, open the database, write a report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.errors import UsageError
from cluster.options import err
from cluster.scenarios import Overrides, load
from storage.ids import Kind, kind_of

if TYPE_CHECKING:
    from uuid import UUID

    from cluster.plan import Plan
    from simulation.scenario import Scenario
    from storage.store import Store

ScenarioFile = Annotated[
    Path | None, typer.Argument(metavar="[SCENARIO.yaml]", show_default="the built-in one", help="What to run.")
]

Resumed = Annotated[
    str | None, typer.Option(metavar="RUN", help="Go on with a run that was interrupted.", show_default=False)
]

_OPTIONS = {"segment_blocks": "--segment-blocks", "autopilot": "--no-autopilot"}
"""Options that are not called as what they change."""


def planned(
    scenario: Path | None, overrides: Overrides, resume: str | None, database_url: str | None
) -> tuple[UUID | None, Plan]:
    """Return the plan of a new run; or the key and the plan of an interrupted one, of which all is stored."""
    if resume is None:
        return None, prepared(load(scenario, overrides))
    from cluster.runs import prepare_again

    given = ["SCENARIO"] if scenario is not None else []
    given += [_OPTIONS.get(field, f"--{field}") for field, value in asdict(overrides).items() if value is not None]
    if given:
        raise UsageError(f"--resume {resume} takes the scenario that the run began with; leave out {', '.join(given)}.")
    store = store_at(database_url, upgrade=True)
    run_id = store.resolve_run(resume)
    plan = with_repairs_told(prepare_again(store, run_id))
    store.close()
    return run_id, plan


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
