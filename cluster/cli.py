"""The command line: ``paperdex`` and its commands. Every mistake of a user ends in one sentence and status 2."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cluster import upkeep
from cluster.connect import quiet_ray
from cluster.errors import UsageError
from cluster.options import FAILED, STOPPED, USAGE, DatabaseUrl, RunId, err, out
from cluster.process_list import hide_password
from cluster.scenarios import Overrides, built_in, load
from cluster.targets import file_target, report_target
from storage.errors import StorageError

if TYPE_CHECKING:
    from uuid import UUID

    from cluster.plan import Plan
    from simulation.scenario import Scenario
    from storage.store import Store

ClickUsageError: Any = typer.BadParameter.__mro__[1]
"""What click raises for a wrong command line; typer carries a click of its own, under a name that is not public."""

app = typer.Typer(
    help="Paper trading on simulated decentralised exchanges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database: its schema, its ledger, its address.", no_args_is_help=True)
show = typer.Typer(help="What is stored, for a person: a run, a session, a trade, a decision.", no_args_is_help=True)
scenario_commands = typer.Typer(help="Scenario files: an example, a check, the schema.", no_args_is_help=True)
market_commands = typer.Typer(help="The market: a preview, and whether it is like recorded ones.", no_args_is_help=True)
app.add_typer(show, name="show")
app.add_typer(db, name="db")
app.add_typer(scenario_commands, name="scenario")
app.add_typer(market_commands, name="market")
db.command("archive")(upkeep.archive)
db.command("restore")(upkeep.restore)
db.command("prune")(upkeep.prune)

ScenarioFile = Annotated[
    Path | None, typer.Argument(metavar="[SCENARIO.yaml]", show_default="the built-in one", help="What to run.")
]
DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The id of a decision.")]
TradeId = Annotated[str, typer.Argument(metavar="TRADE", help="The id of a trade.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The id of a session.")]


@app.command()
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
    no_autopilot: Annotated[bool, typer.Option("--no-autopilot", help="Adjust nothing.")] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was interrupted.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the report goes.", show_default="reports/RUN.html")
    ] = None,
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
    if resume is None:
        interrupted, plan = None, prepared(load(scenario, overrides))
    else:
        interrupted, plan = again(resume, scenario, overrides, database_url)
    target = report_target(report, "--report", wanted=not as_json)
    place = runs.Place(database_url, ray_address, dashboard_port)

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


@app.command()
def report(
    run_id: RunId,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where it goes.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write a stored run as one self-contained HTML file."""
    store = store_at(database_url)
    target = report_target(output, "--output", wanted=True)
    out.print(str(write_report(store, store.resolve_run(run_id), target)), soft_wrap=True, highlight=False)


@app.command()
def digest(run_id: RunId, database_url: DatabaseUrl = None) -> None:
    """Compute the digest of a stored run from its rows."""
    store = store_at(database_url)
    key = store.resolve_run(run_id)
    print(store.digest(key), flush=True)
    if pruned_at := store.pruned_at(key):
        said = (
            f"Pruned on {pruned_at:%Y-%m-%d}: this is the digest of what is left, not the one that the run ended with."
        )
        err.print(said, highlight=False, soft_wrap=True)


@show.command("decision")
def show_decision(decision_id: DecisionId, database_url: DatabaseUrl = None) -> None:
    """Say why a session decided so, on what numbers, and what became of its order."""
    from cluster.decision import shown

    out.print(shown(store_at(database_url).thought(decision_id)), highlight=False)


@show.command("trade")
def show_trade(trade_id: TradeId, database_url: DatabaseUrl = None) -> None:
    """Say why an order was sent, what it gave, what it cost and what became of it."""
    from cluster.trade import shown

    out.print(shown(store_at(database_url).trade(trade_id)), highlight=False)


@show.command("session")
def show_session(session_id: SessionId, database_url: DatabaseUrl = None) -> None:
    """Say how far a session has come, how it has done, what it holds and what it decides."""
    from cluster.session import shown

    out.print(shown(store_at(database_url).session(session_id)), highlight=False)


@show.command("run")
def show_run(run_id: RunId, database_url: DatabaseUrl = None) -> None:
    """Say what a run was and how it ended, with a line for each session."""
    from cluster.stored_run import shown

    store = store_at(database_url)
    key = store.resolve_run(run_id)
    told = shown(store.run(key), store.counts(key), store.sessions_of(key), store.pruned_at(key))
    out.print(told, highlight=False)


@app.command()
def replay(decision_id: DecisionId, database_url: DatabaseUrl = None) -> None:
    """Make a stored decision again from its own row; exit status 1 if it does not come out the same."""
    from cluster.decision import differences
    from cluster.warm import compiling_alone

    thought = store_at(database_url).thought(decision_id)
    with compiling_alone():
        found = differences(thought)
    for difference in found:
        print(f"{difference}.")
    if found:
        raise typer.Exit(FAILED)
    out.print(f"{thought.primary_reasoning}\nMade again from its row: the same.", highlight=False, soft_wrap=True)


@db.command("upgrade")
def db_upgrade(database_url: DatabaseUrl = None) -> None:
    """Create the tables, or bring them up to date."""
    store_at(database_url, upgrade=True)
    out.print("The schema is up to date.")


@db.command("check")
def db_check(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run.", show_default="all runs")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Recompute every balance and position from the trades, to the wei, and the digests of ended runs; look at indexes.

    Nothing is written. Exit status 1 on a finding.
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


@scenario_commands.command("new")
def scenario_new() -> None:
    """Print a commented scenario to start from: the built-in one."""
    print(built_in(), end="")


@scenario_commands.command("check")
def scenario_check(scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.yaml")]) -> None:
    """Say whether a scenario can be run, and if not, why not."""
    plan = prepared(load(scenario, Overrides()))
    out.print(
        f"{scenario}: {len(plan.scenario.accounts)} accounts, {len(plan.tokens)} tokens, {plan.blocks:,} blocks.",
        highlight=False,
        soft_wrap=True,
    )


@scenario_commands.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from simulation.scenario import Scenario

    print(json.dumps(Scenario.model_json_schema(), indent=2))


@market_commands.command("preview")
def market_preview(
    scenario: ScenarioFile = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where it goes.")] = Path(
        "market.html"
    ),
    blocks: Annotated[int | None, typer.Option(min=1, help="How much of it.")] = None,
) -> None:
    """Show prices, liquidity, gas and volatility of a scenario's market as one self-contained HTML file."""
    from rich.progress import track

    from cluster import market_preview as previews
    from cluster.market_page import render
    from cluster.page import save
    from cluster.warm import compiling_alone

    target = file_target(output, "--output")
    plan = prepared(load(scenario, Overrides(blocks=blocks)))
    lengths = previews.chunks(plan)
    shown = track(lengths, "previewing", console=err, transient=True, disable=not err.is_terminal)
    with compiling_alone():
        page = render(previews.preview(plan, shown))
    try:
        save(page, target)
    except OSError as error:
        raise UsageError(f"--output {target} can't be written ({error.strerror}); name another file.") from error
    out.print(str(target.resolve()), soft_wrap=True, highlight=False)


@market_commands.command("check")
def market_check(
    seeds: Annotated[int, typer.Option(min=4, max=1000, help="How many markets to measure; fewer say little.")] = 5,
    days: Annotated[int, typer.Option(min=90, max=10_000, help="Length of each, for hours and days.")] = 730,
    recordings: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", show_default="published figures", help="Recorded markets to measure too."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the built-in market and recorded ones with the same functions; exit status 1 if a check fails."""
    from rich.progress import track

    from cluster import market_check as checking
    from cluster.warm import compiling_alone

    recorded = checking.recordings(recordings)
    shown = track(range(1, seeds + 1), "measuring", console=err, transient=True, disable=not err.is_terminal)
    with compiling_alone():
        findings = checking.compare(checking.simulate(shown, days), recorded, recordings, days)
    if as_json:
        print(json.dumps(findings.as_json()))
    else:
        checking.print_findings(out, findings)
    if not findings.holds:
        raise typer.Exit(FAILED)


def prepared(scenario: Scenario) -> Plan:
    """Return the plan of a scenario; what was repaired in its recordings is said on stderr."""
    from cluster.runs import prepare

    return _with_repairs_told(prepare(scenario))


def _with_repairs_told(plan: Plan) -> Plan:
    if plan.repairs:
        err.print(f"Recordings: {'; '.join(plan.repairs)}.", highlight=False, soft_wrap=True)
    return plan


_OPTIONS = {"segment_blocks": "--segment-blocks", "autopilot": "--no-autopilot"}
"""Options that are not called as what they change."""


def again(name: str, scenario: Path | None, overrides: Overrides, database_url: str | None) -> tuple[UUID, Plan]:
    """Return the key and the plan of a run that was interrupted: what defines it is stored with it."""
    from cluster.runs import prepare_again

    given = ["SCENARIO"] if scenario is not None else []
    given += [_OPTIONS.get(field, f"--{field}") for field, value in asdict(overrides).items() if value is not None]
    if given:
        raise UsageError(f"--resume {name} takes the scenario that the run began with; leave out {', '.join(given)}.")
    store = store_at(database_url, upgrade=True)
    run_id = store.resolve_run(name)
    plan = _with_repairs_told(prepare_again(store, run_id))
    store.close()
    return run_id, plan


def store_at(database_url: str | None, *, upgrade: bool = False) -> Store:
    """Return the store of a command that works on what is there."""
    from cluster.database import open_store

    return open_store(database_url, upgrade=upgrade)[0]


def write_report(store: Store, run_id: Any, target: Path | None) -> Path:
    """Write the report of a run and return where it is."""
    from cluster.page import save
    from cluster.report import collect
    from cluster.report_page import render

    path = target or Path("reports")
    if path == Path("reports"):
        path.mkdir(exist_ok=True)
        path /= f"{run_id}.html"
    try:
        save(render(collect(store, run_id)), path)
    except OSError as error:
        raise UsageError(
            f"The report {path} can't be written ({error.strerror}); `paperdex report {run_id} -o FILE` tries again."
        ) from error
    return path.resolve()


def main() -> None:
    """Run the command line and exit with its status."""
    hide_password()
    quiet_ray()
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(_status())


def _status() -> int:
    try:
        status = int(app(standalone_mode=False) or 0)
    except typer.Exit as exit_:
        return int(exit_.exit_code)
    except ClickUsageError as error:
        return _complain(_sentence(error))
    except (UsageError, StorageError) as error:
        return _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        status = STOPPED
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        if os.environ.get("PAPERDEX_TRACEBACK"):
            raise
        said = " ".join(str(error).split())
        err.print(
            f"paperdex failed: {type(error).__name__}: {said} (set PAPERDEX_TRACEBACK=1 to see where.)",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return FAILED
    if status == STOPPED:  # typer makes the same of an interrupt
        err.print("Stopped; what was committed is kept.")
    return status


def _sentence(error: Any) -> str:
    """Return what is wrong with an option, and the value, which typer's message leaves out."""
    message = str(error.format_message()).rstrip(".")
    mistakes = getattr(error.__cause__, "errors", None)
    if mistakes is not None:
        message += f", not {mistakes()[0]['input']!r}"
    return f"{message}." if message else ""


def _complain(sentence: str) -> int:
    err.print(sentence, style="red", highlight=False, soft_wrap=True)
    return USAGE


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
