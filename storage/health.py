"""What a check says of a database besides its ledger: indexes and rules that do not work, and digests that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.digest import digest
from storage.records import Finding

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

_INVALID_INDEXES = text(
    """
    SELECT indexes.relname AS name, tables.relname AS of_table
    FROM pg_index JOIN pg_class AS indexes ON indexes.oid = indexrelid JOIN pg_class AS tables ON tables.oid = indrelid
    WHERE indexes.relnamespace = CAST('public' AS regnamespace) AND NOT (indisvalid AND indisready AND indislive)
    ORDER BY 2, 1
    """
)

_UNCHECKED_RULES = text(
    """
    SELECT conname AS name, relname AS of_table FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = CAST('public' AS regnamespace) AND NOT convalidated ORDER BY 2, 1
    """
)

_DISABLED = text(
    """
    SELECT tgname AS name, relname AS of_table FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = CAST('public' AS regnamespace) AND tgenabled NOT IN ('O', 'A')
    UNION ALL
    SELECT rulename, relname FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
    WHERE relnamespace = CAST('public' AS regnamespace) AND ev_enabled NOT IN ('O', 'A')
    ORDER BY 2, 1
    """
)
"""Postgres keeps foreign keys by triggers: with them disabled, it lets any row in."""

_SIGNED = text(
    """
    SELECT run_id, digest FROM runs
    WHERE (CAST(:run AS uuid) IS NULL OR run_id = :run) AND status <> 'RUNNING' AND pruned_at IS NULL
        AND digest_revision = (SELECT version_num FROM alembic_version)
    ORDER BY started_at, run_id
    """
)
"""A digest that was taken by another schema says nothing about the rows as they are now."""


_QUESTIONS = (("indisvalid", _INVALID_INDEXES), ("convalidated", _UNCHECKED_RULES), ("enabled", _DISABLED))


def guard_findings(connection: Connection) -> list[Finding]:
    """Return the indexes that queries can't use, the rules that not all rows were held to, and what is disabled."""
    return [
        Finding(row.of_table, "", row.name, column, "false", "true")
        for column, question in _QUESTIONS
        for row in connection.execute(question)
    ]


def digest_findings(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return the ended runs, of one or all, whose rows no longer have the digest that was stored at the end."""
    signed = connection.execute(_SIGNED, {"run": run_id}).all()
    taken = ((run, digest(connection, run.run_id)) for run in signed)
    return [
        Finding("runs", "", str(run.run_id), "digest", run.digest, found) for run, found in taken if found != run.digest
    ]
