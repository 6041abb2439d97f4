"""Let operators pause, resume and stop sweeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE, COMMENT = "commands", "What an operator asked of a run or a sweep while it went on."
COMMENT_BEFORE = "What an operator asked of a run while it went on."
COMMENTS = {
    "run_id": ("The run.", "The run; none where it is a sweep."),
    "ordinal": ("Number of the command in its run.", "Number of the command in its run or sweep."),
}
SESSION = (
    "The session commanded; none where it is the whole run.",
    "The session commanded; none where it is the whole run or a sweep.",
)
BLOCK = (
    "First block that trades with its effect, once it is accepted.",
    "First block that trades with its effect, once it is accepted; a sweep has none.",
)
ACCEPTED, OF_ONE, OF_A_RUN = (
    f"ck_{TABLE}_{name}" for name in ("accepted_for_a_block", "of_a_run_or_a_sweep", "session_of_a_run")
)


def upgrade() -> None:
    """Apply the change."""
    op.add_column(TABLE, sa.Column("sweep_id", sa.Uuid(), comment="The sweep; none where it is a run."))
    op.create_foreign_key(
        op.f(f"fk_{TABLE}_sweep_id"), TABLE, "sweeps", ["sweep_id"], ["sweep_id"], ondelete="RESTRICT"
    )
    op.create_index(op.f(f"ix_{TABLE}_sweep_id"), TABLE, ["sweep_id"])
    _say(0, 1)
    op.alter_column(TABLE, "run_id", nullable=True)
    op.drop_constraint(op.f(ACCEPTED), TABLE)
    op.create_check_constraint(
        op.f(ACCEPTED), TABLE, "(status = 'ACCEPTED' AND sweep_id IS NULL) = (block IS NOT NULL)"
    )
    op.create_check_constraint(op.f(OF_ONE), TABLE, "num_nonnulls(run_id, sweep_id) = 1")
    op.create_check_constraint(op.f(OF_A_RUN), TABLE, "session_id IS NULL OR run_id IS NOT NULL")


def downgrade() -> None:
    """Undo the change; commands to sweeps are lost, and what those did that were accepted stays."""
    op.execute("DELETE FROM commands WHERE sweep_id IS NOT NULL")
    for name in (OF_A_RUN, OF_ONE, ACCEPTED):
        op.drop_constraint(op.f(name), TABLE)
    op.create_check_constraint(op.f(ACCEPTED), TABLE, "(status = 'ACCEPTED') = (block IS NOT NULL)")
    op.alter_column(TABLE, "run_id", nullable=False)
    _say(1, 0)
    op.drop_column(TABLE, "sweep_id")


def _say(before: int, after: int) -> None:
    """Change what is said of the table and its columns."""
    table = (COMMENT_BEFORE, COMMENT)
    op.create_table_comment(TABLE, table[after], existing_comment=table[before])
    for name, said in {**COMMENTS, "session_id": SESSION, "block": BLOCK}.items():
        op.alter_column(TABLE, name, comment=said[after], existing_comment=said[before])
