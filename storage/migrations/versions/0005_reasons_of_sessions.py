"""Say of each session why it has the status that it has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SESSIONS = "paper_trading_sessions"
COMMENT = "Why it has its status, in a sentence; nothing while it runs."


def upgrade() -> None:
    """Apply the change; of earlier sessions the error is known, and that a run came to its end."""
    op.add_column(SESSIONS, sa.Column("status_reason", sa.Text(), server_default="", nullable=False, comment=COMMENT))
    op.execute(
        f"UPDATE {SESSIONS} SET status_reason ="  # noqa: S608 -- ours
        " CASE status WHEN 'COMPLETED' THEN 'It came to the last block of the run.' ELSE error_message END"
        " WHERE stopped_at IS NOT NULL"
    )
    op.execute(f"UPDATE {SESSIONS} SET error_message = '' WHERE status <> 'ERROR'")  # noqa: S608 -- ours


def downgrade() -> None:
    """Undo the change; what stopped a session stands where it stood, and that it came to the end is lost."""
    op.execute(f"UPDATE {SESSIONS} SET error_message = status_reason WHERE status = 'STOPPED'")  # noqa: S608 -- ours
    op.drop_column(SESSIONS, "status_reason")
