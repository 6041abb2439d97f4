"""Taking up a run that was interrupted: it is RUNNING again, with the sessions that had not ended by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage import steering
from storage.errors import NothingGoesOn, RunHasEnded, RunNotFound, RunWasPruned
from storage.records import Reopened, Standing

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

_RUN = text("SELECT status, error_message, pruned_at FROM runs WHERE run_id = :run FOR UPDATE")

_REOPEN_RUN = text(
    """
    UPDATE runs SET status = 'RUNNING', error_message = '', digest = NULL, digest_revision = NULL, finished_at = NULL,
        incarnation = incarnation + 1
    WHERE run_id = :run RETURNING incarnation
    """
)

# A session that had ended before its run has another reason, or is COMPLETED.
_REOPEN_SESSIONS = text(
    """
    UPDATE paper_trading_sessions AS sessions
    SET status = 'RUNNING', status_reason = '', error_message = '', stopped_at = NULL, recorded_at = now()
    FROM paper_trading_accounts AS accounts
    WHERE accounts.account_id = sessions.account_id AND accounts.run_id = :run
      AND sessions.status = :status AND sessions.status_reason = :reason
    """
)

_STANDINGS = text(
    """
    SELECT sessions.session_id, checkpoints.next_block, sessions.error_message, sessions.status
    FROM paper_trading_accounts AS accounts
    JOIN paper_trading_sessions AS sessions USING (account_id)
    JOIN session_checkpoints AS checkpoints USING (session_id)
    WHERE accounts.run_id = :run
    """
)


def reopen(connection: Connection, run_id: UUID, *, is_asked: bool) -> Reopened:
    """Make an interrupted run RUNNING, under another conductor.

    If the user has asked for it, a run goes on that was paused or stopped as a whole.

    Raises RunNotFound, RunHasEnded, RunWasPruned, and NothingGoesOn when every session has ended by itself.
    """
    run = connection.execute(_RUN, {"run": run_id}).one_or_none()
    if run is None:
        raise RunNotFound(text=run_id)
    if run.status == "COMPLETED":
        raise RunHasEnded(run=run_id)
    if run.pruned_at is not None:
        raise RunWasPruned(run=run_id)
    if run.status != "RUNNING":
        closed = {"run": run_id, "status": run.status, "reason": run.error_message}
        connection.execute(_REOPEN_SESSIONS, closed)
    conductor = connection.execute(_REOPEN_RUN, {"run": run_id}).scalar_one()
    rows = connection.execute(_STANDINGS, {"run": run_id}).all()
    if all(row.status == "ERROR" for row in rows):
        raise NothingGoesOn(run=run_id)
    if is_asked:
        steering.release(connection, run_id)
    standings = {
        row.session_id: Standing(row.next_block, row.error_message, is_stopped=row.status == "STOPPED") for row in rows
    }
    return Reopened(conductor, standings, steering.cuts(connection, run_id))
