"""The digest: one hash over the content of a run.

Two runs of one scenario have the same digest, however they were cut, interrupted or distributed. Left out is what
may differ: wall-clock times, the run's prefix in the keys, checkpoints, and how the run ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from sqlalchemy import Uuid, text

from storage.ids import TAIL_START, key_range, prefix_of
from storage.models import Base

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

RUN_COLUMNS = ("run_id", "name", "seed", "scenario_hash", "tokens", "blocks")
"""Of ``runs``: what defines the run. The version is not among them, so that two versions can be compared."""

WALL_CLOCK = "recorded_at"

_OWNERS = {
    "paper_trading_accounts": "run_id",
    "paper_trading_configs": "account_id",
    "paper_strategy_configs": "account_id",
    "paper_trading_sessions": "account_id",
    "paper_positions": "account_id",
    "paper_trades": "account_id",
    "paper_ai_thought_logs": "account_id",
    "paper_performance_metrics": "session_id",
    "autopilot_logs": "strategy_config_id",
    "autopilot_performance_snapshots": "strategy_config_id",
}
"""By which of its columns a row belongs to a run: a key of the run, so that a range of prefixes finds it."""

_NOT_CONTENT = {"paper_trading_configs": {"id"}}
"""Numbers given by the database."""


@dataclass(frozen=True, slots=True)
class _Hasher:
    """A file to COPY into."""

    hash: Any

    def write(self, part: bytes) -> None:
        self.hash.update(part)


def digest(connection: Connection, run_id: UUID) -> str:
    """Return the SHA-256 of the run's rows, table by table in the order of their keys, as hex."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))  # it grows with the run
    hasher = _Hasher(sha256())
    _add(connection, hasher, "runs", "run_id", RUN_COLUMNS, run_id)
    for table, owner in _OWNERS.items():
        columns = Base.metadata.tables[table].columns.keys()
        left_out = _NOT_CONTENT.get(table, set()) | {WALL_CLOCK}
        _add(connection, hasher, table, owner, [name for name in columns if name not in left_out], run_id)
    return str(hasher.hash.hexdigest())


def _add(
    connection: Connection, hasher: _Hasher, table: str, owner: str, columns: list[str] | tuple[str, ...], run_id: UUID
) -> None:
    described = Base.metadata.tables[table]
    fields = [_content(name, is_key=isinstance(described.columns[name].type, Uuid)) for name in columns]
    low, high = key_range(prefix_of(run_id))
    first = columns[0] if table in _NOT_CONTENT else described.primary_key.columns.keys()[0]
    statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {} BETWEEN {} AND {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(fields),
        sql.Identifier(table),
        sql.Identifier(owner),
        sql.Literal(str(low)),
        sql.Literal(str(high)),
        sql.Identifier(first),
    )
    hasher.write(f"{table}: {', '.join(columns)}\n".encode())
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, hasher)


def _content(name: str, *, is_key: bool) -> sql.Composable:
    """Return what is hashed of a column: of a key only the tail."""
    if is_key:
        return sql.SQL("substr({}::text, {})").format(sql.Identifier(name), sql.Literal(TAIL_START))
    return sql.Identifier(name)
