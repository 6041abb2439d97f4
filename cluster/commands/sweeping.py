"""The commands that search many settings of an account, on one market or several, and use what was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.commands.common import store_at, with_repairs_told
from cluster.commands.default_command import WithDefault
from cluster.errors import UsageError
from cluster.options import FAILED, DatabaseUrl, SweepId, err, out
from cluster.targets import file_of, file_target, new_file

if TYPE_CHECKING:
    from uuid import UUID

    from cluster.sweeping.plan import SweepPlan
    from storage.store import Store


sweep_commands = typer.Typer(
    cls=WithDefault,
    subcommand_metavar="[SWEEP.yaml] | COMMAND [ARGS]...",
    help="Try many settings of an account: `paperdex sweep FILE` is short for `paperdex sweep run FILE`.",
)
TrialId = Annotated[
    str,
    typer.Argument(
        metavar="TRIAL",
        help="The id of a trial, or SWEEP:POINT, or SWEEP:POINT:MARKET: `exits:43`, `latest-sweep:43:1`.",
    ),
]


@sweep_commands.command("run")
def sweep(
    file: Annotated[
        Path | None, typer.Argument(metavar="[SWEEP.yaml]", show_default=False, help="What to try.")
    ] = None,
    *,
    workers: Annotated[
        int | None, typer.Option(min=1, max=10_000, show_default="one a core", help="Processes that trade.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="SWEEP", show_default=False, help="Go on with an interrupted one: id, name or 'latest'."),
    ] = None,
    database_url: DatabaseUrl = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A running Ray cluster.", show_default="a private one")
    ] = None,
    dashboard_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of the private cluster.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try many settings of an account and say which did best, and whether luck explains it."""
    from cluster.runs import Place
    from cluster.sweeping.live import SweepView
    from cluster.sweeping.runs import execute
    from cluster.sweeping.summary import print_summary

    interrupted, plan = _plan(file, resume, database_url)
    with SweepView(err) as view:
        summary = execute(plan, Place(database_url, ray_address, dashboard_port), workers, view, interrupted)
    if as_json:
        print(json.dumps(summary.as_json()), flush=True)
    else:
        print_summary(out, plan.sweep, summary)
    if not summary.ranking.ranked:
        raise typer.Exit(FAILED)


def _plan(file: Path | None, resume: str | None, database_url: str | None) -> tuple[UUID | None, SweepPlan]:
    from cluster.sweeping.plan import load_sweep, sweep_plan
    from cluster.sweeping.runs import plan_again

    if resume is not None:
        if file is not None:
            raise UsageError(f"--resume {resume} takes the file that the sweep began with; leave out {file}.")
        store = store_at(database_url, upgrade=True)
        sweep_id = store.resolve_sweep(resume)
        plan = plan_again(store, sweep_id)
        store.close()
        return sweep_id, plan
    if file is None:
        raise UsageError("SWEEP.yaml is missing; name a file, or a sweep to --resume.")
    plan = sweep_plan(*load_sweep(file), str(file))
    for market in plan.markets:
        with_repairs_told(market)
    return None, plan


@sweep_commands.command("export")
def export(
    sweep_id: SweepId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", show_default="SWEEP.parquet", help="Where it goes.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write all trials of a sweep to one Parquet file: settings and figures as columns, the digest in its metadata."""
    from cluster.facts import counted

    given = None if output is None else file_of(output, "--output", "parquet", "a Parquet file")
    store = store_at(database_url)
    key = store.resolve_sweep(sweep_id)
    target = given or file_target(Path(f"{key}.parquet"), "--output", "parquet")
    written = store.export_sweep(key, target)
    said = f"{target.resolve()}: {counted(written.trials, 'trial')}, {written.size_bytes / 1e6:,.1f} MB."
    out.print(said, highlight=False, soft_wrap=True)


@sweep_commands.command("promote")
def promote(
    trial_id: TrialId,
    *,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="What the strategy is called.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="printed", help="A new file for the scenario."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a trial's setting a named strategy of its account, as a scenario that `paperdex run` trades.

    Run as it is, it comes to what the trial came to; change its market, its length or the account's balance at will.
    """
    from cluster.sweeping.naming import trial_named
    from cluster.sweeping.promoting import as_yaml, promoted

    target = None if output is None else new_file(output, "--output", "yaml")
    trial = trial_named(store_at(database_url), trial_id)
    text = as_yaml(promoted(trial, name), trial)
    if target is None:
        print(text, end="")
        return
    from cluster.page import save

    try:
        save(text, target)
    except OSError as error:
        raise UsageError(f"--output {target} can't be written ({error.strerror}); name another file.") from error
    out.print(f"{target.resolve()}: `paperdex run {target}` trades it.", highlight=False, soft_wrap=True)


def replay_trial(key: str, database_url: str | None) -> None:
    """Run a trial again with everything written down, and compare what it came to with its row."""
    from cluster.facts import counted
    from cluster.live import LiveView
    from cluster.runs import Place, RunSummary, execute, prepare
    from cluster.sweeping.naming import trial_named
    from cluster.sweeping.replaying import differences, scenario_of

    trial = trial_named(store_at(database_url), key)
    plan = with_repairs_told(prepare(scenario_of(trial)))

    def tell(result: RunSummary, store: Store) -> None:
        found = differences(store, trial, result.run_id, plan)
        for difference in found:
            print(f"{difference}.")
        said = f"Run {result.run_id}: {counted(result.trades, 'trade')}, {counted(result.decisions, 'decision')}."
        out.print(said if found else f"{said}\nIt came to what the trial came to, to the bit.", highlight=False)
        if found:
            raise typer.Exit(FAILED)

    with LiveView(plan.scenario.accounts, err) as view:
        execute(plan, Place(database_url), view, tell)


def sweep_schema() -> None:
    """Print the JSON Schema of sweep files, for editors."""
    from simulation.sweeping.settings import Sweep

    print(json.dumps(Sweep.model_json_schema(), indent=2))
