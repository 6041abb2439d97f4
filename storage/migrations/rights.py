"""Rights to what a migration adds, for the three roles that 0011 made: owner, writer and reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRANT = """
DO $$
DECLARE
    stem text := CASE WHEN octet_length(current_database()) <= 56 THEN current_database()
        ELSE 'paperdex_' || md5(current_database()) END;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = stem || '_owner') THEN
        EXECUTE format('GRANT SELECT ON {table} TO %I, %I', stem || '_writer', stem || '_reader');
        EXECUTE format('GRANT {writer} ON {table} TO %I', stem || '_writer');
        EXECUTE format('ALTER TABLE {table} OWNER TO %I', stem || '_owner');
    END IF;
END $$
"""
"""Where there are no roles, since nobody could make them, there is nobody to give rights to."""


def give(tables: Mapping[str, str]) -> None:
    """Give the roles their rights to new tables; the values are those of the writer, beside SELECT."""
    cursor = op.get_bind().connection.cursor()  # not by SQLAlchemy, to which % is a parameter
    for table, writer in tables.items():
        cursor.execute(_GRANT.format(table=table, writer=writer))
