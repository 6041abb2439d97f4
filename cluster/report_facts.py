"""What the report of a run tells, and how much of a long list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID

    from storage.pilot_records import AdjustmentRecord, PilotedSession
    from storage.records import AccountCosts, AccountResult, NotableDecision, SessionFailure, SessionLine

    Curve = Sequence[tuple[datetime, Decimal]]

BEST_MAX, WORST_MAX = 20, 10
"""So many of a long leaderboard are drawn and listed from either end: showing the best alone would flatter."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that the report of a run tells. Times are simulated, in UTC; money is in USD."""

    run_id: UUID
    name: str
    status: str
    error_message: str
    version: str
    seed: int
    blocks: int
    start_at: datetime
    end_at: datetime
    digest: str | None
    market: str
    """In words, with an article."""
    tokens: tuple[str, ...]
    scenario_yaml: str
    leaderboard: tuple[AccountResult, ...]
    """The best first; never empty, as no scenario is without accounts."""
    equity: Mapping[str, Curve]
    """Of each account, from its initial balance to its final equity."""
    costs: tuple[AccountCosts, ...]
    """Of each account, in the order of the leaderboard."""
    decisions: tuple[NotableDecision, ...]
    adjustments: tuple[AdjustmentRecord, ...]
    gas_usd: Decimal
    slippage_usd: Decimal
    failures: tuple[SessionFailure, ...] = ()
    """Sessions that failed while the run went on, in the order of the scenario."""
    sessions: tuple[SessionLine, ...] = ()
    """Of the accounts that had more than one, in the order of the scenario."""
    piloted: tuple[PilotedSession, ...] = ()
    """Those that Auto Pilot adjusted, in the order of the scenario."""
    pruned_at: datetime | None = None
    """Wall-clock time since which the digest is not that of the rows; None if all of them are there."""


def ends(rows: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return the best and the worst of a leaderboard; all of it as the best when it is short enough."""
    if len(rows) <= BEST_MAX + WORST_MAX:
        return rows, ()
    return rows[:BEST_MAX], rows[-WORST_MAX:]
