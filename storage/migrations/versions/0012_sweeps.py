"""Keep sweeps: what was searched, which trials are done, and what each came to."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from storage.migrations.rights import give

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = {
    "sweeps": "INSERT, UPDATE (status, digest, error_message, verdict, incarnation, finished_at)",
    "sweep_cohorts": "INSERT",
    "trials": "INSERT",
}
"""And what a writer may do to them."""


def upgrade() -> None:
    """Apply the change."""
    connection = op.get_bind().execution_options(no_parameters=True)  # percent signs are no parameters here
    connection.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    give(TABLES)


def downgrade() -> None:
    """Undo the change; all sweeps and their trials are lost."""
    for table in reversed(TABLES):
        op.drop_table(table)
