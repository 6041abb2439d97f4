"""The exactly-once path: batches that follow what is stored go in together, or none does."""

# ruff: noqa: S608 -- the statements are put together from the names in storage.written; values are copied

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import text

from storage import chain
from storage.copying import encode
from storage.errors import SequenceGap, SessionNotFound, StaleOwner
from storage.row_types import CheckpointRow
from storage.written import APPENDED, CHAINED, LOG, OUTCOMES, UPDATED, UPSERTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from storage.batch import Batch

KEY_LENGTH = 36
"""A row's text begins with its key, a UUID."""

_LOCK = text(
    """
    SELECT session_id, incarnation, seq FROM session_checkpoints
    WHERE session_id = ANY(:sessions) ORDER BY session_id FOR UPDATE
    """
)

_NAME_LAST_ADJUSTMENTS = text(
    """
    UPDATE autopilot_performance_snapshots AS snapshot SET last_adjustment_type = log.adjustment_type
    FROM autopilot_logs AS log
    WHERE snapshot.session_id = ANY(:sessions) AND snapshot.last_adjustment_type = ''
      AND log.log_id = snapshot.last_adjustment_log_id
    """
)

_FIRST = {"paper_positions": "is_open, "}
"""What a merge sorts by before the key: a position closes before the next one of its token opens."""


def commit(connection: Connection, batches: Sequence[Batch]) -> int:
    """Write ``batches`` and move their sessions' checkpoints on; return how many were new.

    Raises StaleOwner, SequenceGap or SessionNotFound; then the caller's transaction must be rolled back.
    """
    accepted = _accepted(connection, batches)
    if not accepted:
        return 0
    connection.exec_driver_sql(_STAGING)
    for table, columns in (UPDATED | UPSERTED).items():
        _merge(connection, table, columns, _latest(_rows(batch, table) for batch in accepted))
    for table, columns in CHAINED.items():
        _chain(connection, table, columns, b"".join(_rows(batch, table) for batch in accepted))
    for table, columns in APPENDED.items():
        copy(connection, table, columns, b"".join(_rows(batch, table) for batch in accepted))
    adjusted = {batch.session_id for batch in accepted if batch.rows.get("autopilot_performance_snapshots")}
    if adjusted:
        connection.execute(_NAME_LAST_ADJUSTMENTS, {"sessions": sorted(adjusted)})
    return len(accepted)


def copy(connection: Connection, table: str, columns: Iterable[str], rows: bytes) -> None:
    """Append COPY text to ``table``."""
    if rows:
        driver = connection.connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", BytesIO(rows))


def _accepted(connection: Connection, batches: Sequence[Batch]) -> list[Batch]:
    """Lock the sessions, always in the same order, and return the batches that are new."""
    sessions = sorted({batch.session_id for batch in batches})
    stored = {row.session_id: row for row in connection.execute(_LOCK, {"sessions": sessions})}
    seqs = {session_id: row.seq for session_id, row in stored.items()}
    accepted = []
    for batch in sorted(batches, key=lambda batch: (batch.session_id, batch.seq)):
        if batch.session_id not in stored:
            raise SessionNotFound(session_id=batch.session_id)
        owner = stored[batch.session_id].incarnation
        if batch.incarnation != owner:
            raise StaleOwner(session_id=batch.session_id, stored=owner, given=batch.incarnation)
        if batch.seq > seqs[batch.session_id] + 1:
            raise SequenceGap(session_id=batch.session_id, stored=seqs[batch.session_id], given=batch.seq)
        if batch.seq == seqs[batch.session_id] + 1:
            seqs[batch.session_id] = batch.seq
            accepted.append(batch)
    return accepted


def _rows(batch: Batch, table: str) -> bytes:
    if table == "session_checkpoints":
        return encode([CheckpointRow(batch.session_id, batch.seq, batch.next_block, batch.state)])
    return batch.rows.get(table, b"")


def _latest(parts: Iterable[bytes]) -> bytes:
    """Return the last line of each key: of several versions of a row only the newest is written."""
    latest = {line[:KEY_LENGTH]: line for part in parts for line in part.splitlines(keepends=True)}
    return b"".join(latest.values())


def _merge(connection: Connection, table: str, columns: tuple[str, ...], rows: bytes) -> None:
    if rows:
        copy(connection, f"staged_{table}", columns, rows)
        connection.exec_driver_sql(_MERGES[table])


def _chain(connection: Connection, table: str, columns: tuple[str, ...], rows: bytes) -> None:
    """Append log rows with their hashes, or fill in outcomes with theirs; most commits have neither."""
    if rows:
        connection.exec_driver_sql(chain.staging(f"staged_{table}", columns))
        copy(connection, f"staged_{table}", columns, rows)
        connection.exec_driver_sql(_CHAINS[table])


def _staging_statement(table: str, columns: tuple[str, ...]) -> str:
    return (
        f"CREATE TEMP TABLE IF NOT EXISTS staged_{table} ON COMMIT DELETE ROWS AS "
        f"SELECT {', '.join(columns)} FROM {table} WITH NO DATA"
    )


def _update_statement(table: str, columns: tuple[str, ...]) -> str:
    key, *rest = columns
    changes = ", ".join(f"{column} = staged.{column}" for column in rest)
    return (
        f"UPDATE {table} AS stored SET {changes}, recorded_at = now() "
        f"FROM staged_{table} AS staged WHERE stored.{key} = staged.{key}"
    )


def _upsert_statement(table: str, columns: tuple[str, ...]) -> str:
    key, *rest = columns
    listed = ", ".join(columns)
    changes = ", ".join(f"{column} = excluded.{column}" for column in rest)
    return (
        f"INSERT INTO {table} ({listed}) SELECT {listed} FROM staged_{table} ORDER BY {_FIRST.get(table, '')}{key} "
        f"ON CONFLICT ({key}) DO UPDATE SET {changes}, recorded_at = now()"
    )


_STAGING = "; ".join(_staging_statement(table, columns) for table, columns in (UPDATED | UPSERTED).items())

_CHAINS = {LOG: chain.APPEND, OUTCOMES: chain.FILL}

_MERGES = {table: _update_statement(table, columns) for table, columns in UPDATED.items()} | {
    table: _upsert_statement(table, columns) for table, columns in UPSERTED.items()
}
