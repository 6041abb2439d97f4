"""Who conducts a run: one process at a time, by a lock that its connection holds and that goes when the process does.

The lock keeps two conductors from starting; what keeps a late one from writing are the sessions' incarnations.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.errors import RunHeld
from storage.ids import PREFIX_BITS, prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Connection

_OURS = 0x7064 << PREFIX_BITS
"""Keeps these locks apart from those of other programs in the same database."""

_TRY = text("SELECT pg_try_advisory_lock(:key)")
_NAME = text("SELECT set_config('application_name', :name, false)")
_LOCKS = """
    FROM (
        SELECT pid FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = :key
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS locks
"""
_HOLDER = text(
    f"SELECT activity.application_name, activity.backend_start {_LOCKS} JOIN pg_stat_activity AS activity USING (pid)"
)
_IS_HELD = text(f"SELECT EXISTS (SELECT {_LOCKS})")
_RELEASE = text("SELECT pg_advisory_unlock(:key), set_config('application_name', 'paperdex', false)")


@contextmanager
def held(connection: Connection, run_id: UUID) -> Iterator[None]:
    """Hold a run on a connection that is in no transaction; raises RunHeld, which says who does."""
    key = {"key": _OURS | prefix_of(run_id)}
    if not connection.execute(_TRY, key).scalar_one():
        holder = connection.execute(_HOLDER, key).one_or_none()
        raise RunHeld(run=run_id, holder=_described(holder))
    connection.execute(_NAME, {"name": f"paperdex process {os.getpid()} on {socket.gethostname()}"[:63]})
    try:
        yield
    finally:
        with suppress(DBAPIError):  # of a connection that broke on the way there is nothing left to release
            connection.execute(_RELEASE, key)


def is_held(connection: Connection, run_id: UUID) -> bool:
    """Tell whether somebody holds a run; that nobody does proves no end, since a conductor outlives its connection."""
    held_by_anybody: bool = connection.execute(_IS_HELD, {"key": _OURS | prefix_of(run_id)}).scalar_one()
    return held_by_anybody


def _described(holder: Any) -> str:
    """Say who holds a run; the server tells nothing of the connections of other logins."""
    if holder is None or holder.backend_start is None:
        return "another process"
    return f"{holder.application_name} since {holder.backend_start:%Y-%m-%d %H:%M:%S} UTC"
