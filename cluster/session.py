"""A stored session for a person: how far it has come, how it has done, what it holds and what it decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.commanded import became, given
from cluster.facts import counted, facts, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from storage.pilot_records import CommandRecord
    from storage.records import SessionDetail


def shown(session: SessionDetail, commands: Sequence[CommandRecord] = ()) -> RenderableType:
    """Return a session as it is printed for a person, with what it was commanded."""
    return Group(
        Text(f"{session.account}: {session.strategy}, {session.trading_mode}", style="bold"),
        Text(f"{session.status}: {session.status_reason}" if session.status_reason else f"{session.status}."),
        *([Text(session.autopilot_disabled_reason)] if session.autopilot_disabled_reason else []),
        *(Text(f"{given(one)} {became(one)}") for one in commands),
        Text(),
        facts(_figures(session)),
        Text(),
        _holdings(session),
    )


def _figures(session: SessionDetail) -> dict[str, str]:
    profit = session.equity_usd - session.initial_balance_usd
    percent = 100 * profit / session.initial_balance_usd
    return {
        "traded": f"{session.started_at:%Y-%m-%d %H:%M:%S} to {session.last_activity:%Y-%m-%d %H:%M:%S} UTC, "
        f"and its next block is {session.next_block:,}",
        "trades": f"{session.trades:,}, of which {session.failed_trades:,} did not fill",
        "win rate": _win_rate(session),
        "profit": f"{profit:+,.2f} USD ({percent:+.2f} %), realised {session.realized_pnl_usd:+,.2f} before gas",
        "equity": f"{session.equity_usd:,.2f} USD, of which {session.reserved_usd:,.2f} are promised to orders",
        "drawdown": f"{session.max_drawdown_percent} %",
        "Sharpe": _sharpe(session),
        "gas": f"{session.gas_usd:,.2f} USD",
        "analyst": session.analyst,
        "decisions": _decisions(session),
        "session": str(session.session_id),
        "run": str(session.run_id),
    }


def _win_rate(session: SessionDetail) -> str:
    if session.winning_trades is None or session.losing_trades is None:
        return "not taken yet"
    closed = session.winning_trades + session.losing_trades
    if not closed:
        return "no position was closed"
    return f"{100 * session.winning_trades / closed:.1f} % of {counted(closed, 'closed position')}{_marked(session)}"


def _sharpe(session: SessionDetail) -> str:
    if session.sharpe_ratio is None:
        return "not taken yet"
    return f"{session.sharpe_ratio:.2f}, annualised{_marked(session)}"


def _marked(session: SessionDetail) -> str:
    """Return where a figure was taken, if the session has traded on since."""
    if session.mark_block is None or session.mark_block + 1 == session.next_block:
        return ""
    return f", up to block {session.mark_block:,}"


def _decisions(session: SessionDetail) -> str:
    latest = session.latest_decisions
    if not latest:
        return "none is stored"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in latest.items())
    return f"{kinds} among the latest {sum(latest.values()):,}"


def _holdings(session: SessionDetail) -> RenderableType:
    if not session.open_positions:
        return Text("No position is open.")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("holds")
    for column in ("cost USD", "worth USD", "profit USD"):
        table.add_column(column, justify="right")
    table.add_column("since")
    table.add_column("position", no_wrap=True)
    for position in session.open_positions:
        table.add_row(
            tokens(position.quantity, position.token_decimals, position.token_symbol),
            f"{position.cost_basis_usd:,.2f}",
            f"{position.current_value_usd:,.2f}",
            f"{position.unrealized_pnl_usd:+,.2f}",
            f"{position.opened_at:%Y-%m-%d %H:%M:%S}",
            str(position.position_id),
        )
    return table
