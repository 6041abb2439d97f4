"""What a conductor may do to what it conducts: only the latest one may anything, however long an older has slept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.errors import RunNotFound, SessionNotFound, StaleConductor, StaleSweep, SweepNotFound

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, TextClause

FIRST = 1
"""The number of a run's first conductor."""

_OF_RUN = text("SELECT run_id, incarnation FROM runs WHERE run_id = :run FOR UPDATE")
_OF_SWEEP = text("SELECT incarnation FROM sweeps WHERE sweep_id = :sweep FOR UPDATE")
_SHARE_SWEEP = text("SELECT incarnation FROM sweeps WHERE sweep_id = :sweep FOR SHARE")
_OF_SESSION = text(
    """
    SELECT runs.run_id, runs.incarnation FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id) JOIN runs USING (run_id)
    WHERE sessions.session_id = :session FOR SHARE OF runs
    """
)
_CLAIM = text(
    """
    UPDATE session_checkpoints SET incarnation = incarnation + 1, recorded_at = now()
    WHERE session_id = :session RETURNING incarnation
    """
)
_CLAIM_ALL = text(
    """
    UPDATE session_checkpoints AS checkpoints SET incarnation = incarnation + 1, recorded_at = now()
    FROM paper_trading_sessions AS sessions JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE sessions.session_id = checkpoints.session_id AND accounts.run_id = :run
    """
)


def claim(connection: Connection, session_id: UUID, conductor: int) -> int:
    """Give the session another owner and return its number; raises SessionNotFound or StaleConductor."""
    run = connection.execute(_OF_SESSION, {"session": session_id}).one_or_none()
    if run is None:
        raise SessionNotFound(session_id=session_id)
    _require(conductor, run.run_id, run.incarnation)
    return int(connection.execute(_CLAIM, {"session": session_id}).scalar_one())


def take(connection: Connection, run_id: UUID, conductor: int) -> None:
    """Lock a run for its conductor; raises RunNotFound or StaleConductor."""
    run = connection.execute(_OF_RUN, {"run": run_id}).one_or_none()
    if run is None:
        raise RunNotFound(text=run_id)
    _require(conductor, run_id, run.incarnation)


def take_sweep(connection: Connection, sweep_id: UUID, conductor: int) -> None:
    """Lock a sweep for its conductor; raises SweepNotFound or StaleSweep."""
    _require_sweep(connection, _OF_SWEEP, sweep_id, conductor)


def share_sweep(connection: Connection, sweep_id: UUID, conductor: int) -> None:
    """Keep a sweep its conductor's while cohorts are committed, several at once; raises as ``take_sweep`` does."""
    _require_sweep(connection, _SHARE_SWEEP, sweep_id, conductor)


def _require_sweep(connection: Connection, lock: TextClause, sweep_id: UUID, conductor: int) -> None:
    stored = connection.execute(lock, {"sweep": sweep_id}).scalar_one_or_none()
    if stored is None:
        raise SweepNotFound(text=sweep_id)
    if stored != conductor:
        raise StaleSweep(sweep=sweep_id, stored=stored, given=conductor)


def claim_all(connection: Connection, run_id: UUID) -> None:
    """Take all sessions of a run from their owners."""
    connection.execute(_CLAIM_ALL, {"run": run_id})


def _require(conductor: int, run_id: UUID, stored: int) -> None:
    if conductor != stored:
        raise StaleConductor(run=run_id, given=conductor, stored=stored)
