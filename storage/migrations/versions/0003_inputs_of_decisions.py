"""Keep with each thought all numbers that it was decided on, and with each strategy its analyst.

Also: costs and missing liquidity are reasons, and defaults are those of scenarios.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

THOUGHTS, TRADES = "paper_ai_thought_logs", "paper_trades"
NEW_REASONS = ("TOO_COSTLY", "NO_LIQUIDITY")
DEFAULTS = (
    ("paper_strategy_configs", "decision_interval_blocks", "50", "100"),
    ("paper_trading_configs", "max_position_size_percent", "10.0", "100"),
    ("paper_trading_configs", "max_daily_trades", "50", "1000"),
    ("paper_trading_configs", "stop_loss_percent", "5.0", "50"),
)
"""Table, column, the default before, and that of a scenario."""

COMMENT = "All numbers that the rule looked at: asked again with them, it says the same."
REASONS = (
    "SIGNAL", "STOP_LOSS", "TAKE_PROFIT", "HOLD_TIME", "NO_OPPORTUNITY", "LOW_CONFIDENCE", "LOW_LIQUIDITY",
    "DAILY_TRADES", "CONCURRENT_POSITIONS", "INSUFFICIENT_CASH", "GAS_UNAFFORDABLE", "PAUSED",
)  # fmt: skip


def upgrade() -> None:
    """Apply the change; of earlier thoughts the inputs are not known."""
    op.add_column(THOUGHTS, sa.Column("inputs", JSONB(), server_default="{}", nullable=False, comment=COMMENT))
    op.add_column(
        "paper_strategy_configs",
        sa.Column(
            "analyst", sa.String(200), server_default="multi_factor", nullable=False,
            comment="Whose scores it listens to: a name, or module:Class.",
        ),
    )  # fmt: skip
    op.create_check_constraint(op.f(f"ck_{THOUGHTS}_inputs"), THOUGHTS, "jsonb_typeof(inputs) = 'object'")
    _allow_reasons(*REASONS, *NEW_REASONS)
    for table, column, _, default in DEFAULTS:
        op.alter_column(table, column, server_default=sa.text(default))


def downgrade() -> None:
    """Undo the change; inputs and analysts are lost, and thoughts for the new reasons are kept under LOW_LIQUIDITY."""
    op.execute(f"UPDATE {THOUGHTS} SET reason = 'LOW_LIQUIDITY' WHERE reason IN {NEW_REASONS}")  # noqa: S608 -- ours
    _allow_reasons(*REASONS)
    for table, column, default, _ in DEFAULTS:
        op.alter_column(table, column, server_default=sa.text(default))
    op.drop_constraint(op.f(f"ck_{THOUGHTS}_inputs"), THOUGHTS)
    op.drop_column(THOUGHTS, "inputs")
    op.drop_column("paper_strategy_configs", "analyst")


def _allow_reasons(*reasons: str) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    for table in (THOUGHTS, TRADES):
        op.drop_constraint(op.f(f"ck_{table}_reason"), table)
        op.create_check_constraint(op.f(f"ck_{table}_reason"), table, f"reason IN ({listed})")
