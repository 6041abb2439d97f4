"""The live view of a run: a table that redraws itself on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cluster.facts import counted, estimated
from cluster.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from actors.session import Receipt
    from cluster.conductor import Progress
    from simulation.scenario import AccountSpec

ACCOUNTS_SHOWN_MAX = 24
HEADINGS = ("account", "strategy", "equity USD", "return", "open", "trades", "failed")
MICRO = 1e6


class LiveView:
    """Shows blocks, equity per account, trades, writer lag, rate and estimate while a run goes on."""

    def __init__(self, accounts: Sequence[AccountSpec], console: Console) -> None:
        self._accounts = accounts
        self._strategies = [[turn.strategy.name for turn in account.in_turn] for account in accounts]
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        self._first: tuple[float, int] | None = None
        self._lines = Lines(first=0)
        self._told: set[int] = set()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Clear the view: what follows is the result. Closing twice is harmless."""
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Show what the run is waiting for: its preparation, or later a database that is away."""
        if self._live is not None:
            self._live.update(Text(text, style="dim"))
        else:
            self._console.print(text, highlight=False, soft_wrap=True)

    def show(self, progress: Progress) -> None:
        """Redraw for this progress; a session that has failed or been stopped is named once, above."""
        for receipt in progress.receipts:
            if receipt.has_ended and receipt.session not in self._told:
                self._told.add(receipt.session)
                self._console.print(self._ended(receipt), highlight=False, soft_wrap=True)
        if self._live is not None:
            self._live.update(Group(self._bar(progress), self._table(progress)))
        elif self._lines.is_due(progress.block, progress.blocks):
            self._console.print(self._headline(progress), highlight=False, soft_wrap=True)

    def _headline(self, progress: Progress) -> str:
        trades = sum(receipt.completed_trades for receipt in progress.receipts)
        restarts = f" · {counted(progress.restarts, 'restart')}" if progress.restarts else ""
        failures = sum(receipt.error_message != "" for receipt in progress.receipts)
        failed = f" · {failures} of {len(progress.receipts)} sessions failed" if failures else ""
        return (
            f"block {progress.block:,} of {progress.blocks:,} · {counted(trades, 'trade')}{self._pace(progress)} · "
            f"writer {counted(progress.writer_lag_segments, 'segment')} behind{self._latency(progress)} · "
            f"{counted(progress.adjustments, 'adjustment')}{restarts}{failed}"
        )

    def _latency(self, progress: Progress) -> str:
        """Return how long commits take, once there have been some."""
        written = progress.written
        if not written.commits:
            return ""
        return f", commits {written.latency.p50_ms:.0f} ms, p99 {written.latency.p99_ms:.0f} ms"

    def _ended(self, receipt: Receipt) -> Text:
        name = self._accounts[receipt.session].name
        if receipt.is_stopped:
            return Text(f"{name} is stopped before block {receipt.next_block:,}, by command.")
        return Text(f"{name} failed. {receipt.error_message}", style="red")

    def _pace(self, progress: Progress) -> str:
        """Return rate and estimate, counted from the first segment on: starting the actors says nothing of the rest."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, progress.block
        since, first_block = self._first
        if progress.block == first_block:
            return ""
        rate = (progress.block - first_block) / max(now - since, 1e-9)
        return f" · {rate:,.0f} blocks/s · {estimated((progress.blocks - progress.block) / rate)} left"

    def _bar(self, progress: Progress) -> Group:
        bar = ProgressBar(total=progress.blocks, completed=progress.block, width=60)
        return Group(Text(self._headline(progress)), bar)

    def _table(self, progress: Progress) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for index, heading in enumerate(HEADINGS):
            table.add_column(heading, justify="left" if index < 2 else "right")
        for receipt in progress.receipts[:ACCOUNTS_SHOWN_MAX]:
            table.add_row(*self._row(receipt))
        hidden = len(progress.receipts) - ACCOUNTS_SHOWN_MAX
        if hidden > 0:
            table.add_row(f"and {hidden} more")
        return table

    def _row(self, receipt: Receipt) -> tuple[str | Text, ...]:
        account = self._accounts[receipt.session]
        start = float(account.initial_balance_usd)
        equity = receipt.equity_micro_usd / MICRO
        gain = 100 * (equity / start - 1)
        return (
            account.name,
            self._strategies[receipt.session][receipt.number],
            f"{equity:,.2f}",
            Text(f"{gain:+.2f} %", style="green" if gain >= 0 else "red"),
            str(receipt.open_positions),
            str(receipt.completed_trades),
            str(receipt.failed_trades),
        )
