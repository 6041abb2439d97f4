"""Keep what operators ask of a run while it goes on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.migrations.rights import give

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "commands"
WRITER = "INSERT, UPDATE (status, block, status_reason, recorded_at)"
"""What a writer may do: give a command, and note once what became of it."""

RULES = {
    "ordinal": "ordinal >= 0",
    "kind": "kind IN ('REVERSE_ADJUSTMENT')",
    "arguments": "jsonb_typeof(arguments) = 'object'",
    "status": "status IN ('PENDING', 'ACCEPTED', 'REFUSED')",
    "block": "block >= 0",
    "accepted_for_a_block": "(status = 'ACCEPTED') = (block IS NOT NULL)",
    "refused_for_a_reason": "(status = 'REFUSED') = (status_reason <> '')",
}


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        TABLE,
        sa.Column("command_id", sa.Uuid(), nullable=False, comment="Key of the command."),
        sa.Column("run_id", sa.Uuid(), nullable=False, comment="The run."),
        sa.Column("session_id", sa.Uuid(), nullable=False, comment="The session commanded."),
        sa.Column("ordinal", sa.BigInteger(), nullable=False, comment="Number of the command in its run."),
        sa.Column("kind", sa.String(50), nullable=False, comment="What is to be done."),
        sa.Column("arguments", JSONB(), nullable=False, comment="To what: keys of rows."),
        _time("given_at", "Wall-clock time at which it was given."),
        sa.Column(
            "status", sa.String(20), server_default=sa.text("'PENDING'"), nullable=False, comment="What became of it."
        ),
        sa.Column("block", sa.BigInteger(), comment="First block that trades with its effect, once it is accepted."),
        sa.Column(
            "status_reason",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Why it was refused, as a sentence.",
        ),
        _time("recorded_at", "Wall-clock time at which the row was written last."),
        sa.PrimaryKeyConstraint("command_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f(f"fk_{TABLE}_run_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["paper_trading_sessions.session_id"],
            name=op.f(f"fk_{TABLE}_session_id"),
            ondelete="RESTRICT",
        ),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}")) for name, rule in RULES.items()),
        comment="What an operator asked of a run while it went on.",
    )
    for name in ("run_id", "session_id"):
        op.create_index(op.f(f"ix_{TABLE}_{name}"), TABLE, [name])
    give({TABLE: WRITER})


def downgrade() -> None:
    """Undo the change; all commands are lost, and what those did that were accepted stays in the log."""
    op.drop_table(TABLE)


def _time(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment=comment)
