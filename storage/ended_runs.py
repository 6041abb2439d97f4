"""Runs that have ended, which may be archived or pruned: which they are, and holding one still meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from storage.digest import digest
from storage.errors import ContentChanged, RunGoesOn, RunNotFound
from storage.ids import key_range, prefix_of
from storage.models import RunStatus
from storage.records import EndedRun
from storage.run_files import RUN_TABLES
from storage.schema import require_current

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

_OLD = text(
    """
    SELECT run_id FROM runs WHERE status <> 'RUNNING' AND finished_at < now() - make_interval(secs => :seconds)
    ORDER BY finished_at, run_id
    """
)

_RUN = text("SELECT run_id, name, status, finished_at, pruned_at FROM runs WHERE run_id = :run")

_LOCK = text(
    """
    SELECT status, digest, pruned_at, digest_revision = (SELECT version_num FROM alembic_version) AS is_comparable
    FROM runs WHERE run_id = :run FOR UPDATE
    """
)

_LOCK_SESSIONS = text(
    "SELECT 1 FROM session_checkpoints WHERE session_id BETWEEN :low AND :high ORDER BY session_id FOR UPDATE"
)

_COUNTS = text(
    " UNION ALL ".join(
        f"SELECT count(*) AS rows FROM {table} WHERE {owner} BETWEEN :low AND :high"  # noqa: S608 -- names of ours
        for table, owner in RUN_TABLES.items()
    )
)


class Held(NamedTuple):
    """A run that nobody else changes until the transaction ends."""

    run_id: UUID
    pruned_at: datetime | None
    digest: str
    """Taken anew."""


def keys_of(run_id: UUID) -> dict[str, UUID]:
    """Return the bounds of a run's keys, as parameters of a statement."""
    low, high = key_range(prefix_of(run_id))
    return {"low": low, "high": high}


def older_than(connection: Connection, seconds: int) -> list[EndedRun]:
    """Return the runs that ended more than ``seconds`` ago, the oldest first."""
    require_current(connection)
    return [ended(connection, run_id) for run_id in connection.execute(_OLD, {"seconds": seconds}).scalars().all()]


def ended(connection: Connection, run_id: UUID) -> EndedRun:
    """Return a run that has ended; raises RunNotFound or RunGoesOn."""
    require_current(connection)
    row = connection.execute(_RUN, {"run": run_id}).mappings().one_or_none()
    if row is None:
        raise RunNotFound(text=run_id)
    if row["status"] == RunStatus.RUNNING:
        raise RunGoesOn(run=run_id)
    return EndedRun(**row, rows=sum(connection.execute(_COUNTS, keys_of(run_id)).scalars()))


def hold(connection: Connection, run_id: UUID) -> Held:
    """Lock a run that has ended and all its sessions, so that not even a stale owner writes; take its digest.

    Raises RunNotFound, RunGoesOn, and ContentChanged if the digest is not the one that the run ended with.
    """
    require_current(connection)
    # The work on a run grows with it, and files are written between two statements.
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    run = connection.execute(_LOCK, {"run": run_id}).one_or_none()
    if run is None:
        raise RunNotFound(text=run_id)
    if run.status == RunStatus.RUNNING:
        raise RunGoesOn(run=run_id)
    connection.execute(_LOCK_SESSIONS, keys_of(run_id))
    found = digest(connection, run_id)
    if run.pruned_at is None and run.is_comparable and found != run.digest:
        raise ContentChanged(run=run_id, found=found, stored=run.digest)
    return Held(run_id, run.pruned_at, found)
