"""Let operators pause, resume and stop sessions and whole runs."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "commands"
KIND, OF_A_SESSION = f"ck_{TABLE}_kind", f"ck_{TABLE}_reversal_of_a_session"
BEFORE, AFTER = "The session commanded.", "The session commanded; none where it is the whole run."


def upgrade() -> None:
    """Apply the change."""
    op.drop_constraint(op.f(KIND), TABLE)
    op.create_check_constraint(op.f(KIND), TABLE, "kind IN ('REVERSE_ADJUSTMENT', 'PAUSE', 'RESUME', 'STOP')")
    op.alter_column(TABLE, "session_id", nullable=True, comment=AFTER, existing_comment=BEFORE)
    op.create_check_constraint(op.f(OF_A_SESSION), TABLE, "kind <> 'REVERSE_ADJUSTMENT' OR session_id IS NOT NULL")


def downgrade() -> None:
    """Undo the change; commands to pause, resume and stop are lost, and what those did that were accepted stays."""
    op.execute("DELETE FROM commands WHERE kind <> 'REVERSE_ADJUSTMENT'")
    op.drop_constraint(op.f(OF_A_SESSION), TABLE)
    op.alter_column(TABLE, "session_id", nullable=False, comment=BEFORE, existing_comment=AFTER)
    op.drop_constraint(op.f(KIND), TABLE)
    op.create_check_constraint(op.f(KIND), TABLE, "kind IN ('REVERSE_ADJUSTMENT')")
