"""Create the tables and the user that owns every account until there are others."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LOCAL_USER_ID = "00000000-0000-8002-8000-000000000000"

TABLES = (
    "users",
    "runs",
    "paper_trading_accounts",
    "paper_trading_configs",
    "paper_strategy_configs",
    "paper_trading_sessions",
    "session_checkpoints",
    "paper_positions",
    "paper_trades",
    "paper_ai_thought_logs",
    "paper_performance_metrics",
    "autopilot_logs",
    "autopilot_performance_snapshots",
)


def upgrade() -> None:
    """Apply the change."""
    # The statements hold percent signs, which the driver takes for parameters unless told that there are none.
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(sa.text("INSERT INTO users (user_id, name) VALUES (:key, 'local')").bindparams(key=LOCAL_USER_ID))


def downgrade() -> None:
    """Undo the change; nothing that was stored is kept."""
    for table in reversed(TABLES):
        op.drop_table(table)
