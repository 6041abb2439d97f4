"""The digest: one hash over the content of a run.

Two runs of one scenario have the same digest, however they were cut, interrupted or distributed. Left out is what
may differ: wall-clock times, the run's prefix in the keys, checkpoints, and how the run ended; and commands, since what
those came to that were accepted is in the log of Auto Pilot, in the trades and in how sessions ended.
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

OWNERS = {
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

GIVEN_BY_DATABASE = {"paper_trading_configs": {"id"}}
"""Numbers that are no content."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is hashed of one table: these columns of the run's rows, in the order of their keys."""

    table: str
    owner: str
    columns: tuple[str, ...]

    @property
    def heading(self) -> bytes:
        """The line before the rows."""
        return f"{self.table}: {', '.join(self.columns)}\n".encode()

    @property
    def keys(self) -> frozenset[str]:
        """The columns of which only the tail is hashed."""
        described = Base.metadata.tables[self.table].columns
        return frozenset(name for name in self.columns if isinstance(described[name].type, Uuid))


def order_of(table: str) -> str:
    """Return the key by which the rows of a run in ``table`` are sorted."""
    if table in GIVEN_BY_DATABASE:
        return OWNERS[table]
    return str(Base.metadata.tables[table].primary_key.columns.keys()[0])


def _content_of(table: str) -> tuple[str, ...]:
    left_out = GIVEN_BY_DATABASE.get(table, set()) | {WALL_CLOCK}
    names = Base.metadata.tables[table].columns.keys()
    return tuple(name for name in names if name not in left_out)


CONTENT = (
    Content("runs", "run_id", RUN_COLUMNS),
    *(Content(table, owner, _content_of(table)) for table, owner in OWNERS.items()),
)
"""What is hashed, table by table."""

_SIGN = text("UPDATE runs SET digest_revision = (SELECT version_num FROM alembic_version) WHERE run_id = :run")


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
    for content in CONTENT:
        hasher.write(content.heading)
        fields = [_field(name, is_key=name in content.keys) for name in content.columns]
        copy_out(connection, hasher, content.table, content.owner, fields, run_id)
    return str(hasher.hash.hexdigest())


def sign(connection: Connection, run_id: UUID) -> None:
    """Note the schema by which the stored digest of a run was taken: another may have other columns."""
    connection.execute(_SIGN, {"run": run_id})


def copy_out(
    connection: Connection, file: Any, table: str, owner: str, fields: list[sql.Composable], run_id: UUID
) -> None:
    """Write ``fields`` of the run's rows in ``table`` to ``file`` as COPY text, in the order of their keys."""
    low, high = key_range(prefix_of(run_id))
    statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {} BETWEEN {} AND {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(fields),
        sql.Identifier(table),
        sql.Identifier(owner),
        sql.Literal(str(low)),
        sql.Literal(str(high)),
        sql.Identifier(order_of(table)),
    )
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, file)


def _field(name: str, *, is_key: bool) -> sql.Composable:
    """Return what is hashed of a column: of a key only the tail."""
    if is_key:
        return sql.SQL("substr({}::text, {})").format(sql.Identifier(name), sql.Literal(TAIL_START))
    return sql.Identifier(name)
