"""Say of each run whether it was thinned, and by which schema its digest was taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = (
    (
        "digest_revision",
        sa.String(32),
        "Revision of the schema by which that hash was taken; others have other columns.",
    ),
    (
        "pruned_at",
        sa.DateTime(timezone=True),
        "Wall-clock time at which it was thinned; from then on that hash is no longer the one of its rows.",
    ),
)


def upgrade() -> None:
    """Apply the change; by which schema earlier digests were taken is not known."""
    for name, kind, comment in COLUMNS:
        op.add_column("runs", sa.Column(name, kind, nullable=True, comment=comment))


def downgrade() -> None:
    """Undo the change; a run that was thinned does not say so any more."""
    for name, _, _ in COLUMNS:
        op.drop_column("runs", name)
