"""Keep with each session what its orders have cost, and find an account's trades by status and time.

A leaderboard adds up nothing then: it reads a row for each session, however many orders there were.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SESSIONS, TRADES = "paper_trading_sessions", "paper_trades"
COSTS = {
    "fee_usd": "What the pools have kept of its orders.",
    "price_impact_usd": "Price impact of its orders.",
    "drift_usd": "What its orders have lost from quote to inclusion.",
    "sandwich_usd": "What its orders have lost to sandwiches.",
    "failure_usd": "The part of the gas that went for orders that did not fill.",
}
NEVER_NEGATIVE = ("fee_usd", "sandwich_usd", "failure_usd")
BY_STATUS = ["account_id", "status"]
BY_STATUS_AND_TIME = [*BY_STATUS, "created_at"]


def upgrade() -> None:
    """Apply the change; earlier sessions have the sums of their stored trades."""
    for name, comment in COSTS.items():
        op.add_column(
            SESSIONS, sa.Column(name, sa.Numeric(20, 6), server_default=sa.text("0"), nullable=False, comment=comment)
        )
    op.execute(
        "UPDATE paper_trading_sessions SET fee_usd = costs.fee_usd, price_impact_usd = costs.price_impact_usd,"
        " drift_usd = costs.drift_usd, sandwich_usd = costs.sandwich_usd, failure_usd = costs.failure_usd"
        " FROM (SELECT session_id, sum(fee_usd) AS fee_usd, sum(price_impact_usd) AS price_impact_usd,"
        " sum(drift_usd) AS drift_usd, sum(sandwich_usd) AS sandwich_usd, sum(failure_usd) AS failure_usd"
        " FROM paper_trades GROUP BY session_id) AS costs"
        " WHERE costs.session_id = paper_trading_sessions.session_id"
    )
    for name in NEVER_NEGATIVE:
        op.create_check_constraint(op.f(f"ck_{SESSIONS}_{name}"), SESSIONS, f"{name} >= 0")
    _replace_index(BY_STATUS, BY_STATUS_AND_TIME)


def downgrade() -> None:
    """Undo the change; the sums are lost, the trades that they are of stay; a run without trades loses its costs."""
    _replace_index(BY_STATUS_AND_TIME, BY_STATUS)
    for name in NEVER_NEGATIVE:
        op.drop_constraint(op.f(f"ck_{SESSIONS}_{name}"), SESSIONS)
    for name in COSTS:
        op.drop_column(SESSIONS, name)


def _replace_index(before: list[str], after: list[str]) -> None:
    op.drop_index(op.f(f"ix_{TRADES}_{'_'.join(before)}"), TRADES)
    op.create_index(op.f(f"ix_{TRADES}_{'_'.join(after)}"), TRADES, after)
