"""Keep with each run the analysts that are not built in, as they were when it began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMMENT = "Its analysts that are not built in: name, version and parameters of each."


def upgrade() -> None:
    """Apply the change; of earlier runs only the hash of their scenario depends on their plug-ins."""
    op.add_column("runs", sa.Column("plug_ins", JSONB(), server_default="[]", nullable=False, comment=COMMENT))
    op.create_check_constraint(op.f("ck_runs_plug_ins"), "runs", "jsonb_typeof(plug_ins) = 'array'")


def downgrade() -> None:
    """Undo the change; which plug-ins a run had is lost, though its hash still depends on them."""
    op.drop_constraint(op.f("ck_runs_plug_ins"), "runs")
    op.drop_column("runs", "plug_ins")
