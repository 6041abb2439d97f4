"""The schema of a database: bring it up to date, and say how it differs from the models."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SAWarning

from storage.errors import SchemaOutdated
from storage.models import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

COMPARISON: dict[str, Any] = {
    "target_metadata": Base.metadata,
    "compare_type": True,
    "compare_server_default": True,
}
"""How Alembic holds a database against the models."""

_UPGRADE_LOCK = 0x7061706572646578
"""Advisory lock of schema changes, so that two commands that start together both succeed."""


def upgrade(connection: Connection, revision: str = "head") -> tuple[str, ...]:
    """Bring the schema up to ``revision`` within the connection's transaction; return what the server warned of."""
    _lock(connection)
    driver: Any = connection.connection.driver_connection
    driver.notices = warned = _Warnings()
    try:
        command.upgrade(_config(connection), revision)
    finally:
        driver.notices = []
    return tuple(warned.said)


class _Warnings:
    """Keeps what the server warns of; SQLAlchemy empties a list of notices after each statement."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def append(self, notice: str) -> None:
        """Hear a message, which begins with how grave it is."""
        severity, _, said = notice.partition(":")
        if severity == "WARNING":
            self.said.append(said.strip().splitlines()[0])


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to ``revision``; whatever newer tables hold is gone."""
    _lock(connection)
    command.downgrade(_config(connection), revision)


def head_revision() -> str:
    """Return the newest revision that this code knows."""
    return ScriptDirectory(str(_folder())).get_current_head() or "base"


def current_revision(connection: Connection) -> str:
    """Return the revision of the database, "none" if it has no schema."""
    return MigrationContext.configure(connection).get_current_revision() or "none"


def require_current(connection: Connection) -> None:
    """Raise SchemaOutdated unless the database has the newest revision."""
    found, needed = current_revision(connection), head_revision()
    if found != needed:
        raise SchemaOutdated(found=found, needed=needed)


def drift(connection: Connection) -> list[Any]:
    """Return the differences between the database and the models that Alembic sees."""
    with warnings.catch_warnings():
        # SQLAlchemy can't tell that a CHECK is NOT VALID and warns of its own question; storage.health asks for it.
        warnings.simplefilter("ignore", SAWarning)
        return list(compare_metadata(MigrationContext.configure(connection, opts=COMPARISON), Base.metadata))


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    return Path(__file__).parent / "migrations"


def _lock(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
