"""A stored run for a person: what it was, how it ended, and a line for each session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.commanded import became, given
from cluster.facts import counted, facts, unheld

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from storage.pilot_records import CommandRecord
    from storage.records import Counts, RunDetail, SessionLine


def shown(
    run: RunDetail,
    counts: Counts,
    sessions: Sequence[SessionLine],
    commands: Sequence[CommandRecord] = (),
    pruned_at: datetime | None = None,
    *,
    is_held: bool = True,
) -> RenderableType:
    """Return a run as it is printed for a person, with what was commanded, if it was pruned, and whether it is held."""
    said = f": {run.error_message.rstrip('.')}." if run.error_message else "."
    return Group(
        Text(run.name, style="bold"),
        Text(f"{run.status}{said}"),
        *([] if is_held or run.status != "RUNNING" else [Text(unheld("run", run.run_id))]),
        Text(),
        facts(_facts(run, counts, pruned_at)),
        Text(),
        _sessions(sessions),
        *([Text(), *(Text(f"{given(one)} {became(one)}") for one in commands)] if commands else []),
    )


def _facts(run: RunDetail, counts: Counts, pruned_at: datetime | None) -> dict[str, str]:
    finished = "not yet" if run.finished_at is None else f"{run.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    wrote = {
        "trade": counts.trades,
        "decision": counts.decisions,
        "position": counts.positions,
        "mark": counts.marks,
        "adjustment": counts.adjustments,
    }
    return {
        "seed": str(run.seed),
        "blocks": f"{run.blocks:,}",
        "tokens": ", ".join(token["symbol"] for token in run.tokens),
        **_plug_ins(run),
        "started": f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC, by paperdex {run.version}",
        "finished": finished,
        "wrote": ", ".join(counted(number, thing) for thing, number in wrote.items()),
        "digest": run.digest or "none before the end",
        **({} if pruned_at is None else {"pruned": f"{pruned_at:%Y-%m-%d %H:%M:%S} UTC, after that digest was taken"}),
        "run": run.run_id,
    }


def _plug_ins(run: RunDetail) -> dict[str, str]:
    if not run.plug_ins:
        return {}
    return {"plug-ins": ", ".join(f"{plug_in['name']} {plug_in['version']}" for plug_in in run.plug_ins)}


def _sessions(sessions: Sequence[SessionLine]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("account", "strategy", "status"):
        table.add_column(column, overflow="fold")
    for column in ("trades", "return", "equity USD"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("session", no_wrap=True)
    for session in sessions:
        gain = 100 * (session.equity_usd / session.initial_balance_usd - 1)
        table.add_row(
            session.account,
            session.strategy,
            f"{session.status}: {session.status_reason}" if session.status == "ERROR" else session.status,
            f"{session.trades:,}",
            f"{gain:+.2f} %",
            f"{session.equity_usd:,.2f}",
            str(session.session_id),
        )
    return table
