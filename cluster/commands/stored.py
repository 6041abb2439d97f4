"""The commands that read a stored run: report, digest, show, replay."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import Annotated

import typer

from cluster.commands.common import store_at, write_report
from cluster.commands.sweeping import replay_trial
from cluster.options import FAILED, DatabaseUrl, RunId, SweepId, err, out
from cluster.targets import report_target
from storage.ids import Kind, kind_of

show = typer.Typer(
    help="What is stored, for a person: runs, sweeps, sessions, trades, decisions.", no_args_is_help=True
)

DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The id of a decision.")]
TradeId = Annotated[str, typer.Argument(metavar="TRADE", help="The id of a trade.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The id of a session.")]


def report(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SWEEP", help="Its id or the first digits; a sweep's name; 'latest' run or 'latest-sweep'."
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where it goes.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write a stored run or sweep as one self-contained HTML file."""
    store = store_at(database_url)
    target = report_target(output, "--output", wanted=True)
    out.print(str(write_report(store, store.resolve_run_or_sweep(name), target)), soft_wrap=True, highlight=False)


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

    store = store_at(database_url)
    session = store.session(session_id)
    commands = [one for one in store.commands_of(session.run_id) if one.session_id == session.session_id]
    out.print(shown(session, commands), highlight=False)


@show.command("run")
def show_run(run_id: RunId, database_url: DatabaseUrl = None) -> None:
    """Say what a run was and how it ended, with a line for each session."""
    from cluster.stored_run import shown

    store = store_at(database_url)
    key = store.resolve_run(run_id)
    is_held = store.is_held(key)  # asked first: a run that ends meanwhile is then told as ended
    read = (store.run(key), store.counts(key), store.sessions_of(key), store.commands_of(key), store.pruned_at(key))
    out.print(shown(*read, is_held=is_held), highlight=False)


@show.command("sweep")
def show_sweep(sweep_id: SweepId, database_url: DatabaseUrl = None) -> None:
    """Say what a sweep tries, how far it has come, which points are best, and whether luck explains the winner."""
    from cluster.sweeping.shown import shown

    store = store_at(database_url)
    key = store.resolve_sweep(sweep_id)
    is_held = store.is_held(key)  # asked first, as above
    read = (store.sweep(key), store.covered(key), store.commands_of(key))
    out.print(shown(*read, is_held=is_held), highlight=False)


def replay(
    key: Annotated[
        str,
        typer.Argument(
            metavar="DECISION|TRIAL",
            help="Its id; of a trial also SWEEP:POINT, or SWEEP:POINT:MARKET: `exits:43`, `latest-sweep:43:1`.",
        ),
    ],
    database_url: DatabaseUrl = None,
) -> None:
    """Make a stored decision again from its own row, or a trial as a run with every trade and thought.

    Exit status 1 if it does not come out the same.
    """
    if kind_of(key) == Kind.TRIAL or ":" in key:
        replay_trial(key, database_url)
    else:
        _replay_decision(key, database_url)


def _replay_decision(key: str, database_url: str | None) -> None:
    from actors.warming import compiling_alone
    from cluster.decision import differences

    thought = store_at(database_url).thought(key)
    with compiling_alone():
        found = differences(thought)
    for difference in found:
        print(f"{difference}.")
    if found:
        raise typer.Exit(FAILED)
    out.print(f"{thought.primary_reasoning}\nMade again from its row: the same.", highlight=False, soft_wrap=True)
