"""What operators command of sessions, of whole runs and of sweeps that go on: to pause, to go on again, to stop.

Such a command is PENDING until its run comes to the end of a segment. There it is ACCEPTED with the first block that is
traded by it, before anything is, or REFUSED since its session has ended. Whoever takes the run up again cuts it at that
block and obeys there. What is commanded of a whole run changes nothing of what it is, only when it is computed. So it
is with a sweep, whose commands are taken up before a cohort is begun, and have no block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from simulation.instructions import Instructed
from storage import commands, conducting, queries
from storage.batch import STOPPED_BY_COMMAND
from storage.commands import TABLE
from storage.errors import SessionNotFound, StorageError
from storage.ids import Kind, derive, kind_of, prefix_of
from storage.records import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from storage.pilot_records import CommandRecord

PAUSE, RESUME, STOP = (str(what.name) for what in Instructed)
KINDS = [PAUSE, RESUME, STOP]
DONE = {PAUSE: "paused", RESUME: "resumed", STOP: "stopped"}

SESSION_OVER = "Its session had ended."
"""Why a command is refused that was given to a session which ended before its next segment."""

TAKEN_UP_AGAIN = "Its {whole} was taken up again before it was."
"""Why a command is refused that was given to what was interrupted first, and then resumed."""

_SESSION = text(
    """
    SELECT accounts.run_id, sessions.status, sessions.stopped_at FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id) WHERE sessions.session_id = :session
    """
)
_RUN = text("SELECT status FROM runs WHERE run_id = :run FOR UPDATE")
_SWEEP = text("SELECT status FROM sweeps WHERE sweep_id = :sweep FOR UPDATE")
_LATEST = text(
    """
    SELECT kind, status, ordinal, block FROM commands
    WHERE (run_id = :whole OR sweep_id = :whole) AND session_id IS NOT DISTINCT FROM CAST(:session AS uuid)
        AND kind = ANY(:kinds) AND status <> 'REFUSED'
    ORDER BY ordinal DESC LIMIT 1
    """
)
_COUNT = text("SELECT count(*) FROM commands WHERE run_id = :whole OR sweep_id = :whole")
_GIVE = text(
    """
    INSERT INTO commands (command_id, run_id, sweep_id, session_id, ordinal, kind, arguments)
    VALUES (:command, :run, :sweep, :session, :ordinal, :kind, '{}')
    """
)
_DUE = text(
    """
    SELECT commands.ordinal, commands.kind, commands.status, commands.session_id, accounts.ordinal AS account
    FROM commands LEFT JOIN paper_trading_sessions USING (session_id)
    LEFT JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE commands.run_id = :run AND (commands.status = 'PENDING' OR commands.block = :block)
        AND commands.kind = ANY(:kinds)
    ORDER BY commands.ordinal
    """
)
_CUTS = text(
    """
    SELECT DISTINCT block FROM commands
    WHERE run_id = :run AND session_id IS NOT NULL AND status = 'ACCEPTED' AND kind = ANY(:kinds) ORDER BY block
    """
)
_PENDING = text(
    """
    SELECT ordinal FROM commands
    WHERE (run_id = :whole OR sweep_id = :whole) AND session_id IS NULL AND status = 'PENDING' ORDER BY ordinal
    """
)

_NOT_STOPPED = text(
    """
    SELECT accounts.name AS account, commands.command_id, commands.block FROM commands
    JOIN runs USING (run_id) JOIN paper_trading_sessions AS sessions USING (session_id)
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN session_checkpoints AS checkpoints USING (session_id)
    WHERE (CAST(:run AS uuid) IS NULL OR commands.run_id = :run) AND commands.kind = 'STOP'
        AND commands.status = 'ACCEPTED'
        AND (checkpoints.next_block > commands.block OR runs.status = 'COMPLETED' AND sessions.status <> 'STOPPED')
    ORDER BY commands.command_id
    """
)
_NOT_ASKED = text(
    """
    SELECT accounts.name AS account, sessions.session_id FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN session_checkpoints AS checkpoints USING (session_id)
    WHERE (CAST(:run AS uuid) IS NULL OR accounts.run_id = :run) AND sessions.status_reason = :reason
        AND NOT EXISTS (
            SELECT FROM commands WHERE commands.session_id = sessions.session_id AND commands.kind = 'STOP'
                AND commands.block = checkpoints.next_block
        )
    ORDER BY sessions.session_id
    """
)
_BOUGHT_NEVERTHELESS = text(
    """
    SELECT accounts.name AS account, trades.trade_id, trades.decided_block, commands.ordinal FROM commands
    JOIN paper_trades AS trades ON trades.session_id = commands.session_id
        AND trades.decided_block >= commands.block AND trades.trade_type <> 'sell'
    JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE (CAST(:run AS uuid) IS NULL OR commands.run_id = :run) AND commands.kind = 'PAUSE'
        AND NOT EXISTS (
            SELECT FROM commands AS later WHERE later.session_id = commands.session_id AND later.kind = 'RESUME'
                AND later.ordinal > commands.ordinal AND later.block <= trades.decided_block
        )
    ORDER BY trades.trade_id
    """
)


class NotCommanded(StorageError):
    """{what} is not {done}: {why}."""


class Steered(NamedTuple):
    """What operators have said, at the beginning of a segment."""

    instructions: list[tuple[int, Instructed]]
    """What sessions, by the ordinals of their accounts, are to do from this block on."""
    run: str
    """PAUSE or STOP where the run is not to go on; else nothing."""


def give(connection: Connection, name: str, kind: str) -> CommandRecord:
    """Write the command for the session, run or sweep that ``name`` is the key of, or that is so called.

    Raises SessionNotFound, RunNotFound, NothingSoCalled, AmbiguousRun or NotCommanded.
    """
    session_id = UUID(name) if kind_of(name) == Kind.SESSION else None
    if session_id is None:
        whole = queries.resolve_run_or_sweep(connection, name)
    else:
        whole = _session(connection, session_id).run_id
    called = commands.called(whole)
    why_not = (
        commands.is_over(called, _locked(connection, whole, called))
        or ("" if session_id is None else _has_ended(connection, session_id))
        or _speaks_against(kind, _latest(connection, whole, session_id), called)
    )
    if why_not:
        what = f"{called.capitalize()} {whole}" if session_id is None else f"Session {session_id}"
        raise NotCommanded(what=what, done=DONE[kind], why=why_not)
    ordinal = _write(connection, whole, session_id, kind)
    return next(one for one in commands.of_whole(connection, whole) if one.ordinal == ordinal)


def take_up(connection: Connection, run_id: UUID, block: int, living: Mapping[UUID, int], conductor: int) -> Steered:
    """Accept or refuse what is commanded of a run and its sessions before ``block``; return all that holds from there.

    ``living`` are the sessions that can trade on, with the first block that each has not traded. What is commanded of
    one that has traded beyond ``block``, under an earlier conductor, waits until the run has come there.
    """
    conducting.take(connection, run_id, conductor)
    instructions, run = [], ""
    for row in connection.execute(_DUE, {"run": run_id, "block": block, "kinds": KINDS}).all():
        if row.session_id is None:
            run = row.kind
        elif row.session_id not in living:
            commands.refuse(connection, run_id, row.ordinal, SESSION_OVER)
            continue
        elif living[row.session_id] > block:
            continue
        else:
            instructions.append((row.account, Instructed[row.kind]))
        commands.accept(connection, run_id, row.ordinal, block)
    return Steered(instructions, "" if run == RESUME else run)


def take_up_of_sweep(connection: Connection, sweep_id: UUID, conductor: int) -> str:
    """Accept what is commanded of a sweep; return PAUSE or STOP where it is not to go on, else nothing.

    Most often there is nothing new, which is one short question. Raises StaleSweep.
    """
    latest = _latest(connection, sweep_id, None)
    if latest is None:
        return ""
    if latest.status == "PENDING":
        conducting.take_sweep(connection, sweep_id, conductor)
        latest = _latest(connection, sweep_id, None)  # as it is while nobody gives another
        for ordinal in connection.execute(_PENDING, {"whole": sweep_id}).scalars().all():
            commands.accept(connection, sweep_id, ordinal, None)
    return "" if latest.kind == RESUME else str(latest.kind)


def cuts(connection: Connection, run_id: UUID) -> tuple[int, ...]:
    """Return the blocks from which on accepted commands hold: no segment spans one."""
    return tuple(connection.execute(_CUTS, {"run": run_id, "kinds": KINDS}).scalars())


def release(connection: Connection, whole: UUID) -> None:
    """Have a run or a sweep go on that the user takes up again: what was commanded of the whole of it is over."""
    for ordinal in connection.execute(_PENDING, {"whole": whole}).scalars().all():
        commands.refuse(connection, whole, ordinal, TAKEN_UP_AGAIN.format(whole=commands.called(whole)))
    latest = _latest(connection, whole, None)
    if latest is not None and latest.kind != RESUME:
        commands.accept(connection, whole, _write(connection, whole, None, RESUME), latest.block)


def findings(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return commands that were accepted and not obeyed, and sessions that nobody has commanded to stop."""
    asked = {"run": run_id, "reason": STOPPED_BY_COMMAND.reason}
    return [
        *(
            Finding(TABLE, row.account, str(row.command_id), "block", str(row.block), "a session that is STOPPED there")
            for row in connection.execute(_NOT_STOPPED, asked)
        ),
        *(
            Finding("paper_trading_sessions", row.account, str(row.session_id), "status", "STOPPED", "a command")
            for row in connection.execute(_NOT_ASKED, asked)
        ),
        *(
            Finding(
                "paper_trades", row.account, str(row.trade_id), "decided_block", str(row.decided_block),
                f"no purchase while command {row.ordinal} pauses its session",
            )
            for row in connection.execute(_BOUGHT_NEVERTHELESS, asked)
        ),
    ]  # fmt: skip


def _locked(connection: Connection, whole: UUID, called: str) -> str:
    """Lock a run or a sweep, so that nobody closes it meanwhile, and return its status."""
    if called == "sweep":
        return str(connection.execute(_SWEEP, {"sweep": whole}).scalar_one())
    return str(connection.execute(_RUN, {"run": whole}).scalar_one())


def _session(connection: Connection, session_id: UUID) -> Any:
    session = connection.execute(_SESSION, {"session": session_id}).one_or_none()
    if session is None:
        raise SessionNotFound(session_id=session_id)
    return session


def _has_ended(connection: Connection, session_id: UUID) -> str:
    session = _session(connection, session_id)
    return "" if session.stopped_at is None else f"it has ended, {session.status}"


def _latest(connection: Connection, whole: UUID, session_id: UUID | None) -> Any:
    """Return the latest command for a session, a run or a sweep that was not refused; None where there is none."""
    of_it = {"whole": whole, "session": session_id, "kinds": KINDS}
    return connection.execute(_LATEST, of_it).one_or_none()


def _speaks_against(kind: str, latest: Any, called: str) -> str:
    """Return what the latest command says against another one; nothing where nothing does."""
    before = RESUME if latest is None else latest.kind
    if before not in {kind, STOP}:
        return ""
    if latest is None:
        return "no command has paused it"
    if latest.status == "PENDING":
        return f"command {latest.ordinal} of its {called} asks for {'that' if before == kind else 'its stop'} already"
    return f"command {latest.ordinal} of its {called} has {DONE[before]} it"


def _write(connection: Connection, whole: UUID, session_id: UUID | None, kind: str) -> int:
    """Write a command and return its ordinal; the run or sweep must be locked."""
    ordinal = int(connection.execute(_COUNT, {"whole": whole}).scalar_one())
    of = {"run": None, "sweep": None} | {commands.called(whole): whole}
    key = derive(prefix_of(whole), Kind.COMMAND, 0, ordinal)
    connection.execute(_GIVE, {"command": key, **of, "session": session_id, "ordinal": ordinal, "kind": kind})
    return ordinal
