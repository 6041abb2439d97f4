"""What a run prints when it ends: leaderboard, who failed, a few decisions in words, and where everything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from cluster.database import shown_url
from cluster.facts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from cluster.runs import RunSummary
    from storage.records import AccountResult, NotableDecision, SessionFailure

COLUMNS = (
    "account", "strategy", "return", "drawdown", "Sharpe", "win rate", "trades", "gas USD", "costs USD", "equity USD",
)  # fmt: skip
"""``costs USD`` is all that the orders cost against the mid prices of their decisions; the gas is part of it."""


def print_summary(
    console: Console, result: RunSummary, decisions: Sequence[NotableDecision], report: Path | None
) -> None:
    """Print the summary of a finished run."""
    console.print(_leaderboard(result.accounts))
    for failure in result.failures:
        console.print(_failed(failure), soft_wrap=True)
    for decision in decisions:
        console.print(_in_words(decision), soft_wrap=True)
    console.print()
    facts = {
        "run": str(result.run_id),
        "took": f"{result.wall_seconds:.1f} s for {counted(result.blocks, 'block')}, "
        f"{counted(result.trades, 'trade')}, {counted(result.decisions, 'decision')}",
        "digest": result.digest,
        "database": shown_url(result.database_url),
        "report": str(report) if report is not None else "none",
    }
    if decisions:
        facts["why"] = f"paperdex show decision {decisions[0].thought_id}"
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:<9}", "dim"), value), soft_wrap=True)


def _leaderboard(accounts: Sequence[AccountResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(COLUMNS):
        words = index < 2  # where a line gets too long these are folded; a number is shown whole
        table.add_column(column, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for account in accounts:
        table.add_row(*_row(account))
    return table


def _row(account: AccountResult) -> tuple[str | Text, ...]:
    style = "green" if account.return_percent >= 0 else "red"
    return (
        account.name,
        account.strategy,
        Text(f"{account.return_percent:+.2f} %", style=style),
        f"{account.max_drawdown_percent:.2f} %",
        f"{account.sharpe_ratio:.2f}",
        f"{account.win_rate_percent:.0f} %",
        str(account.trades),
        f"{account.gas_usd:,.2f}",
        f"{account.cost_usd:,.2f}",
        f"{account.final_equity_usd:,.2f}",
    )


def _failed(failure: SessionFailure) -> Text:
    return Text.assemble(
        (f"{failure.at:%d %b %H:%M}  ", "dim"), (f"{failure.account} failed. ", "red"), failure.message
    )


def _in_words(decision: NotableDecision) -> Text:
    moment = f"{decision.at:%d %b %H:%M}"
    return Text.assemble((f"{moment}  {decision.account}: ", "dim"), decision.reasoning)
