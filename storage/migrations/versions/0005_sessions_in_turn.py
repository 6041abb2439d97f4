"""Say of each session why it has the status that it has, and let an account have several, one after another.

What is numbered goes on from one session of an account to the next; an order may end because its session does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SESSIONS = "paper_trading_sessions"
COMMENT = "Why it has its status, in a sentence; nothing while it runs."

FAILURES = ("NONE", "SLIPPAGE", "REVERTED", "EXPIRED", "UNAFFORDABLE", "DROPPED", "NO_LIQUIDITY")
NEW_FAILURE = "SESSION_ENDED"
COMMENTS = (
    (
        "paper_trades",
        "ordinal",
        "Number of the order in its session.",
        "Number of the order in its account.",
    ),
    (
        "paper_trades",
        "finished_ordinal",
        "Place among the session's ended orders, from 0, in the order they ended.",
        "Place among the account's ended orders, from 0, in the order they ended.",
    ),
    (
        "paper_positions",
        "ordinal",
        "Number of the position in its session.",
        "Number of the position in its account.",
    ),
    (
        "paper_ai_thought_logs",
        "ordinal",
        "Number of the decision in its session.",
        "Number of the decision in its account.",
    ),
    (
        "paper_performance_metrics",
        "ordinal",
        "Number of the mark in its session.",
        "Number of the mark in its account.",
    ),
    (
        "paper_performance_metrics",
        "total_pnl_usd",
        "Equity less the initial balance.",
        "Equity less that at the session's start.",
    ),
    (
        "paper_performance_metrics",
        "total_pnl_percent",
        "The same in percent of the initial balance.",
        "The same in percent of the latter.",
    ),
    (
        "autopilot_performance_snapshots",
        "ordinal",
        "Number of the mark in its session.",
        "Number of the mark in its account.",
    ),
    (
        "autopilot_performance_snapshots",
        "total_pnl_usd",
        "Equity less the initial balance.",
        "Equity less that at the session's start.",
    ),
)
"""Table, column, the comment before, and the one from now on."""


def upgrade() -> None:
    """Apply the change; of earlier sessions the error is known, and that a run came to its end."""
    op.add_column(SESSIONS, sa.Column("status_reason", sa.Text(), server_default="", nullable=False, comment=COMMENT))
    op.execute(
        f"UPDATE {SESSIONS} SET status_reason ="  # noqa: S608 -- ours
        " CASE status WHEN 'COMPLETED' THEN 'It came to the last block of the run.' ELSE error_message END"
        " WHERE stopped_at IS NOT NULL"
    )
    op.execute(f"UPDATE {SESSIONS} SET error_message = '' WHERE status <> 'ERROR'")  # noqa: S608 -- ours
    _allow_failures(*FAILURES, NEW_FAILURE)
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=after, existing_comment=before)


def downgrade() -> None:
    """Undo the change; what stopped a session stands where it stood, and its orders have an old failure."""
    op.execute(f"UPDATE {SESSIONS} SET error_message = status_reason WHERE status = 'STOPPED'")  # noqa: S608 -- ours
    op.drop_column(SESSIONS, "status_reason")
    op.execute(f"UPDATE paper_trades SET failure = 'EXPIRED' WHERE failure = '{NEW_FAILURE}'")  # noqa: S608 -- ours
    _allow_failures(*FAILURES)
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=before, existing_comment=after)


def _allow_failures(*failures: str) -> None:
    listed = ", ".join(f"'{failure}'" for failure in failures)
    op.drop_constraint(op.f("ck_paper_trades_failure"), "paper_trades")
    op.create_check_constraint(op.f("ck_paper_trades_failure"), "paper_trades", f"failure IN ({listed})")
