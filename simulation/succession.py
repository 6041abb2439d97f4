"""One session after another on one account: how one ends for the next, and how that begins.

What is the account's goes on: its cash, what it holds, its orders of the day, and the numbers of its trades,
decisions, positions and marks, from which the keys of rows are derived. What is a session's begins anew: its
strategy, its scores and costs, its drawdown and returns, and what Auto Pilot remembers of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from simulation import cohort as cohorts
from simulation.jit import compiled
from simulation.kernel import write_trade
from simulation.state import HOLDING
from simulation.trading import execution
from simulation.trading.positions import set_exits
from simulation.trading.scene import pages_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.cohort import Cohort, Outcome
    from simulation.market.segment import TokenInfo
    from simulation.scenario import AccountSpec
    from simulation.trading.rules import Rules

CARRIED = (
    "next_block",
    "next_mark_block",
    "day_end_block",
    "trades_today",
    "cash_micro_usd",
    "open_positions",
    "next_trade",
    "next_decision",
    "next_position",
    "next_mark",
)
"""Fields of the SESSION record that are the account's."""

WATCHED = tuple(name for name in HOLDING.names or () if name.startswith("watch"))
"""Fields of the HOLDING record that are Auto Pilot's, which begins anew with a session."""

STARTS_AT_EQUITY = ("initial_micro_usd", "equity_micro_usd", "mark_equity_micro_usd")


class Totals(NamedTuple):
    """What an account's sessions have come to together, as far as its own row tells of it."""

    completed_trades: int = 0
    failed_trades: int = 0
    winning_trades: int = 0
    losing_trades: int = 0
    realized_micro_usd: int = 0
    gas_paid_micro_usd: int = 0

    @classmethod
    def of(cls, session: np.void) -> Self:
        """Return those of one session, from its SESSION record."""
        return cls(*(int(session[name]) for name in cls._fields))

    @property
    def finished_trades(self) -> int:
        """Orders that have ended, filled or not."""
        return self.completed_trades + self.failed_trades

    def plus(self, other: Totals) -> Totals:
        """Return the sum of both."""
        return Totals(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING_BEFORE = Totals()


def withdraw_orders(cohort: Cohort, row: int, outcome: Outcome, rules: Rules) -> tuple[Cohort, Outcome]:
    """Take back every order of a session that is still on its way, in the last block that it has traded.

    They are cancelled, cost nothing, and free what they reserved. Return the cohort without them, and the ``outcome``
    of the session alone with them: among its trades, and in the mark of that block.
    """
    after, journal = cohort.copy(), cohorts.journal_for(cohort, 0, rules)
    session, block = after.sessions[row], int(cohort.sessions[row]["next_block"]) - 1
    _withdraw(session, after.holdings[row], row, block, rules, journal)
    trades, decisions, marks = (
        records[records["session"] == row] for records in (outcome.trades, outcome.decisions, outcome.marks)
    )
    last = marks["block"] == block
    for field in ("failed_trades", "period_failed_trades"):
        marks[field][last] += session["failed_trades"] - cohort.sessions[row]["failed_trades"]
    withdrawn = journal.trades[: int(journal.counts[0]["trades"])]
    return after, cohorts.Outcome(np.concatenate([trades, withdrawn]), decisions, marks)


@compiled
def _withdraw(session, holdings, row, block, rules, journal):
    pages = pages_of(journal)
    for t in range(len(holdings)):
        if execution.has_order(holdings[t]):
            execution.withdraw(session, holdings, holdings[t], pages.trades[pages.counts.trades])
            if rules.write_trades:
                write_trade(session, holdings[t], row, t, block, pages)


def succeed(cohort: Cohort, account: AccountSpec, analyst: int, tokens: Sequence[TokenInfo], rules: Rules) -> Cohort:
    """Return the session that goes on where the one of this cohort of one has ended, with the strategy of ``account``.

    It listens to the signals of row ``analyst`` and decides in its first block. Stops and targets of what is held are
    its strategy's; a token that this may not trade is held until it meets one of them.
    """
    before, held = cohort.sessions[0], cohort.holdings[0]
    assert before["orders_in_flight"] == 0, "orders end with their session"
    after = cohorts.begin([account], [int(before["stream"])], tokens, rules, [analyst])
    session = after.sessions[0]
    for name in CARRIED:
        session[name] = before[name]
    equity = int(before["equity_micro_usd"])
    for name in STARTS_AT_EQUITY:
        session[name] = equity
    session["peak_equity_micro_usd"] = max(equity, 1)  # of which the drawdown is a share
    session["drawdown_floor_micro_usd"] = equity * 9_999 // 10_000
    session["next_decision_block"] = before["next_block"]
    tradable = after.holdings["tradable"].copy()
    after.holdings[0] = held
    after.holdings["tradable"], after.holdings["said"], after.holdings["said_block"] = tradable, 0, 0
    for name in WATCHED:
        after.holdings[name] = 0
    for holding in after.holdings[0]:
        set_exits(session, holding)
    return after
