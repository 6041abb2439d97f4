"""Let an account have several sessions, one after another.

What is numbered goes on from one session of an account to the next; an order may end because its session does.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

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
    """Apply the change."""
    _allow_failures(*FAILURES, NEW_FAILURE)
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=after, existing_comment=before)


def downgrade() -> None:
    """Undo the change; an order that ended with its session has an old failure."""
    op.execute(f"UPDATE paper_trades SET failure = 'EXPIRED' WHERE failure = '{NEW_FAILURE}'")  # noqa: S608 -- ours
    _allow_failures(*FAILURES)
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=before, existing_comment=after)


def _allow_failures(*failures: str) -> None:
    listed = ", ".join(f"'{failure}'" for failure in failures)
    op.drop_constraint(op.f("ck_paper_trades_failure"), "paper_trades")
    op.create_check_constraint(op.f("ck_paper_trades_failure"), "paper_trades", f"failure IN ({listed})")
