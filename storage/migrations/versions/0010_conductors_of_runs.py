"""Number the conductors of a run, so that one that was replaced can change nothing any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COMMENT = "Number of the run's current conductor; an older one can neither claim, fail nor close anything of it."


def upgrade() -> None:
    """Apply the change; earlier runs have had one conductor each."""
    column = sa.Column("incarnation", sa.BigInteger(), server_default=sa.text("1"), nullable=False, comment=COMMENT)
    op.add_column("runs", column)
    op.create_check_constraint(op.f("ck_runs_incarnation"), "runs", "incarnation > 0")


def downgrade() -> None:
    """Undo the change; a conductor that was replaced could close its run again."""
    op.drop_constraint(op.f("ck_runs_incarnation"), "runs")
    op.drop_column("runs", "incarnation")
