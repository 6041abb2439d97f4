"""The end of a run: its sessions stop, its digest is taken, its status is set; and that of one session before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage import commands, conducting
from storage.digest import digest

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

    from storage.models import RunStatus

AT_THE_END = "It came to the last block of the run."
"""Why a session is COMPLETED."""

_CLOSE_SESSIONS = text(
    """
    UPDATE paper_trading_sessions AS sessions
    SET status = :status, status_reason = :reason, stopped_at = sessions.last_activity, recorded_at = now(),
        error_message = CASE :status WHEN 'ERROR' THEN :message ELSE '' END
    FROM paper_trading_accounts AS accounts
    WHERE accounts.account_id = sessions.account_id AND accounts.run_id = :run AND sessions.stopped_at IS NULL
    """
)

_FAIL_SESSION = text(
    """
    UPDATE paper_trading_sessions
    SET status = 'ERROR', status_reason = :message, error_message = :message, stopped_at = last_activity,
        recorded_at = now()
    WHERE session_id = :session AND stopped_at IS NULL
    """
)

_CLOSE_RUN = text(
    """
    UPDATE runs SET status = :status, error_message = :message, digest = :digest, finished_at = now()
    WHERE run_id = :run
    """
)


def finish(connection: Connection, run_id: UUID, status: RunStatus, error_message: str, conductor: int) -> str:
    """Close the run, and with it the sessions that have not ended; return the digest. May be repeated.

    Of a run that has not come to its end, batches may still be on their way: its sessions are taken from their owners.
    """
    assert status != "RUNNING", "a run ends in another status"
    conducting.take(connection, run_id, conductor)
    if status != "COMPLETED":
        conducting.claim_all(connection, run_id)
    else:
        commands.refuse_all(connection, run_id, commands.OVER)
    values = {"run": run_id, "status": str(status), "message": error_message}
    connection.execute(_CLOSE_SESSIONS, values | {"reason": error_message or AT_THE_END})
    content = digest(connection, run_id)
    connection.execute(_CLOSE_RUN, values | {"digest": content})
    return content


def fail_session(connection: Connection, session_id: UUID, error_message: str, conductor: int) -> None:
    """End a session in ERROR where its last batch left it; what its owner sends later is refused."""
    conducting.claim(connection, session_id, conductor)
    connection.execute(_FAIL_SESSION, {"session": session_id, "message": error_message})
