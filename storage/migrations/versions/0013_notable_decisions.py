"""Find the decisions worth reading without reading a whole run: the surest of a kind, and what came to most."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

THOUGHTS, SALES = "ix_paper_ai_thought_logs_surest_of_a_kind", "ix_paper_trades_result_of_a_sale"


def upgrade() -> None:
    """Apply the change; making the indexes reads both tables once."""
    kind = ["account_id", "reason", "decision_type", "confidence_percent", "ordinal"]
    op.create_index(THOUGHTS, "paper_ai_thought_logs", kind)
    sold = sa.text("trade_type <> 'buy' AND status = 'completed'")
    op.create_index(SALES, "paper_trades", ["account_id", "reason", "net_pnl_usd"], postgresql_where=sold)


def downgrade() -> None:
    """Undo the change; nothing is lost."""
    op.drop_index(SALES, "paper_trades")
    op.drop_index(THOUGHTS, "paper_ai_thought_logs")
