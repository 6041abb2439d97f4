"""What operators ask of a run while it goes on: written when given, taken up by its conductor, applied from a block on.

A command to reverse an adjustment is PENDING until a review of its session; the others are ``storage.steering``'s.
Then it is REFUSED, or ACCEPTED with the first block that trades with its effect, before anything is traded with it. So
whoever takes the run up again finds what was promised, and does it at the same block: a run is a function of its
scenario, its seed, and its accepted commands with their blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from simulation.autopilot.commanding import Reversal
from simulation.autopilot.triggers import TYPES
from simulation.autopilot.words import DIVISORS, NAMES, OPERATOR
from storage import conducting
from storage.copying import to_json
from storage.errors import StorageError
from storage.ids import Kind, derive, kind_of, prefix_of
from storage.keys import row_of
from storage.pilot_records import CommandRecord
from storage.records import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, RowMapping

    from simulation.autopilot.commanding import Answer

TABLE = "commands"
REVERSE = "REVERSE_ADJUSTMENT"

OVER = "Its {whole} ended before it was taken up."
"""Why a command is refused that nobody had taken up."""

_LOG = text(
    """
    SELECT logs.log_id, logs.session_id, logs.ordinal, logs.adjustment_type, logs.parameter_name, logs.old_value,
        logs.new_value, logs.is_reversal, accounts.run_id, accounts.name AS account, sessions.stopped_at,
        (SELECT undoing.ordinal FROM autopilot_logs AS undoing WHERE undoing.reverses_log_id = logs.log_id LIMIT 1)
            AS reversed_by,
        (SELECT later.ordinal FROM autopilot_logs AS later
            WHERE later.session_id = logs.session_id AND later.ordinal > logs.ordinal
                AND later.parameter_name = logs.parameter_name AND NOT later.is_reversal
                AND NOT EXISTS (SELECT FROM autopilot_logs AS undoing WHERE undoing.reverses_log_id = later.log_id)
            ORDER BY later.ordinal DESC LIMIT 1) AS built_on_by
    FROM autopilot_logs AS logs
    JOIN paper_trading_sessions AS sessions USING (session_id)
    JOIN paper_trading_accounts AS accounts ON accounts.account_id = sessions.account_id
    WHERE logs.log_id = :key
    """
)
_RUN = text("SELECT status FROM runs WHERE run_id = :run FOR UPDATE")
_ASKED = text(
    """
    SELECT ordinal FROM commands
    WHERE session_id = :session AND status <> 'REFUSED' AND arguments ->> 'log_id' = CAST(:log AS text)
    """
)
_GIVE = text(
    """
    INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments)
    VALUES (:command, :run, :session, :ordinal, :kind, CAST(:arguments AS jsonb))
    """
)
_COUNT = text("SELECT count(*) FROM commands WHERE run_id = :run")

_ASKED_FOR = text("SELECT DISTINCT kind FROM commands WHERE run_id = :run AND (status = 'PENDING' OR block = :block)")
_DUE = text(
    """
    SELECT commands.ordinal, commands.status, commands.arguments ->> 'log_id' AS log, accounts.ordinal AS session
    FROM commands JOIN paper_trading_sessions USING (session_id)
    JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE commands.run_id = :run AND (commands.status = 'PENDING' OR commands.block = :block)
        AND commands.kind = 'REVERSE_ADJUSTMENT'
    ORDER BY commands.block NULLS LAST, commands.ordinal
    """
)
_ACCEPT = text(
    """
    UPDATE commands SET status = 'ACCEPTED', block = :block, recorded_at = now()
    WHERE (run_id = :whole OR sweep_id = :whole) AND ordinal = :ordinal AND status = 'PENDING'
    """
)
_REFUSE = text(
    """
    UPDATE commands SET status = 'REFUSED', status_reason = :why, recorded_at = now()
    WHERE (run_id = :whole OR sweep_id = :whole) AND ordinal = :ordinal AND status = 'PENDING'
    """
)
_REFUSE_ALL = text(
    """
    UPDATE commands SET status = 'REFUSED', status_reason = :why, recorded_at = now()
    WHERE (run_id = :whole OR sweep_id = :whole) AND status = 'PENDING'
    """
)

_LISTED = """
    SELECT commands.sweep_id, commands.session_id, accounts.name AS account, commands.ordinal, commands.given_at,
        commands.kind, commands.status, commands.block, commands.status_reason AS reason, logs.ordinal AS adjustment
    FROM commands LEFT JOIN paper_trading_sessions USING (session_id)
    LEFT JOIN paper_trading_accounts AS accounts USING (account_id)
    LEFT JOIN autopilot_logs AS logs ON logs.log_id = CAST(commands.arguments ->> 'log_id' AS uuid)
"""
_OF_SESSIONS = text(
    f"{_LISTED} WHERE commands.session_id = ANY(:sessions) ORDER BY commands.session_id, commands.ordinal"
)
_OF_WHOLE = text(f"{_LISTED} WHERE commands.run_id = :whole OR commands.sweep_id = :whole ORDER BY commands.ordinal")

_NOT_DONE = text(
    """
    SELECT accounts.name AS account, commands.command_id, commands.block FROM commands
    JOIN paper_trading_sessions USING (session_id) JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN session_checkpoints AS checkpoints USING (session_id)
    WHERE (CAST(:run AS uuid) IS NULL OR commands.run_id = :run) AND commands.block < checkpoints.next_block
        AND commands.kind = 'REVERSE_ADJUSTMENT'
        AND NOT EXISTS (
            SELECT FROM autopilot_logs AS logs
            WHERE logs.session_id = commands.session_id AND logs.block = commands.block
                AND logs.trigger_metric = :operator
                AND logs.reverses_log_id = CAST(commands.arguments ->> 'log_id' AS uuid)
        )
    ORDER BY commands.command_id
    """
)
_NOT_ASKED = text(
    """
    SELECT accounts.name AS account, logs.log_id FROM autopilot_logs AS logs
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = logs.strategy_config_id
    JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE (CAST(:run AS uuid) IS NULL OR accounts.run_id = :run) AND logs.trigger_metric = :operator
        AND NOT EXISTS (
            SELECT FROM commands WHERE commands.session_id = logs.session_id AND commands.block = logs.block
                AND CAST(commands.arguments ->> 'log_id' AS uuid) = logs.reverses_log_id
        )
    ORDER BY logs.log_id
    """
)


class NoSuchAdjustment(StorageError):
    """There is no adjustment {text}; "paperdex autopilot show" names those of a run."""


class NotReversed(StorageError):
    """Adjustment {log} is not reversed: {why}."""


def give_reversal(connection: Connection, name: str) -> CommandRecord:
    """Write the command to reverse an adjustment of a run that goes on, to be taken up at the next review.

    Raises NoSuchAdjustment or NotReversed.
    """
    log = row_of(connection, _LOG, name)
    if log is None:
        raise NoSuchAdjustment(text=name)
    status = connection.execute(_RUN, {"run": log["run_id"]}).scalar_one()
    log = row_of(connection, _LOG, name)  # as it is while nobody can close the run
    assert log is not None
    why_not = is_over("run", status) or _why_not(log) or _asked(connection, log)
    if why_not:
        raise NotReversed(log=log["log_id"], why=why_not)
    ordinal = int(connection.execute(_COUNT, {"run": log["run_id"]}).scalar_one())
    values = {
        "command": derive(prefix_of(log["run_id"]), Kind.COMMAND, 0, ordinal), "run": log["run_id"],
        "session": log["session_id"], "ordinal": ordinal, "kind": REVERSE,
        "arguments": to_json({"log_id": str(log["log_id"])}),
    }  # fmt: skip
    connection.execute(_GIVE, values)
    return next(
        one for one in of_sessions(connection, [log["session_id"]])[log["session_id"]] if one.ordinal == ordinal
    )


def asked_for(connection: Connection, run_id: UUID, block: int) -> frozenset[str]:
    """Return the kinds of the commands of a run that are pending, or were accepted for ``block``."""
    return frozenset(connection.execute(_ASKED_FOR, {"run": run_id, "block": block}).scalars())


def due(connection: Connection, run_id: UUID, block: int, conductor: int) -> list[Reversal]:
    """Return what the sessions of a run are commanded at the review before ``block``, all earlier batches being stored.

    First those that were accepted for this block before; of those that are pending the ones that can't be are refused.
    """
    conducting.take(connection, run_id, conductor)
    reversals = []
    for row in connection.execute(_DUE, {"run": run_id, "block": block}).all():
        log = row_of(connection, _LOG, row.log)
        assert log is not None, "the log is appended to, and what is accepted for a block is stored before it"
        why_not = _why_not(log) if row.status == "PENDING" else ""
        if why_not:
            refuse(connection, run_id, row.ordinal, why_not)
        else:
            parameter = NAMES.index(log["parameter_name"])
            value = int(log["old_value"] * DIVISORS[parameter])
            kind = _TYPES[log["adjustment_type"]]
            reversals.append(Reversal(row.ordinal, row.session, log["ordinal"], kind, parameter, value))
    return reversals


def settle(connection: Connection, run_id: UUID, block: int, answers: Sequence[Answer], conductor: int) -> None:
    """Write what became of commands at the review before ``block``; may be repeated."""
    conducting.take(connection, run_id, conductor)
    for answer in answers:
        if answer.why_not:
            refuse(connection, run_id, answer.command, answer.why_not)
        else:
            accept(connection, run_id, answer.command, block)


def accept(connection: Connection, whole: UUID, ordinal: int, block: int | None) -> None:
    """Write from which block on a command holds, none in a sweep; what became of one is written once."""
    connection.execute(_ACCEPT, {"whole": whole, "ordinal": ordinal, "block": block})


def refuse(connection: Connection, whole: UUID, ordinal: int, why: str) -> None:
    """Write why a command is not carried out; what became of one is written once."""
    sentence = why[0].upper() + why[1:].rstrip(".") + "."
    connection.execute(_REFUSE, {"whole": whole, "ordinal": ordinal, "why": sentence})


def refuse_all(connection: Connection, whole: UUID, why: str) -> None:
    """Refuse what nobody has taken up of a run or a sweep."""
    connection.execute(_REFUSE_ALL, {"whole": whole, "why": why.format(whole=called(whole))})


def of_sessions(connection: Connection, sessions: Iterable[UUID]) -> dict[UUID, list[CommandRecord]]:
    """Return the commands for sessions, in their order."""
    found: dict[UUID, list[CommandRecord]] = {session: [] for session in sessions}
    for row in connection.execute(_OF_SESSIONS, {"sessions": list(found)}).mappings():
        found[row["session_id"]].append(CommandRecord(**row))
    return found


def of_whole(connection: Connection, whole: UUID) -> list[CommandRecord]:
    """Return all commands of a run or a sweep, in their order."""
    return [CommandRecord(**row) for row in connection.execute(_OF_WHOLE, {"whole": whole}).mappings()]


def findings(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return accepted commands without the row that they lead to, and rows of operators that nobody commanded."""
    asked = {"run": run_id, "operator": OPERATOR}
    not_done = [
        Finding(TABLE, row.account, str(row.command_id), "block", str(row.block), "an adjustment at that block")
        for row in connection.execute(_NOT_DONE, asked)
    ]
    return not_done + [
        Finding("autopilot_logs", row.account, str(row.log_id), "trigger_metric", OPERATOR, "a command")
        for row in connection.execute(_NOT_ASKED, asked)
    ]


_TYPES = {str(kind): number for number, kind in enumerate(TYPES)}


def called(whole: UUID) -> str:
    """Return what a key names, a run or a sweep."""
    return "sweep" if kind_of(str(whole)) == Kind.SWEEP else "run"


def is_over(whole: str, status: str) -> str:
    """Return what the status of a run or a sweep says against a command; nothing where it is RUNNING."""
    return "" if status == "RUNNING" else f"its {whole} is {status}, and only one that is RUNNING can be commanded"


def _asked(connection: Connection, log: RowMapping) -> str:
    asked = connection.execute(_ASKED, {"session": log["session_id"], "log": str(log["log_id"])}).scalars().first()
    return "" if asked is None else f"command {asked} of its run asks for that already"


def _why_not(log: RowMapping) -> str:
    """Return what speaks against the reversal of an adjustment, as the log stands; nothing where nothing does."""
    if log["is_reversal"]:
        return "it is a reversal itself"
    if log["reversed_by"] is not None:
        return f"adjustment {log['reversed_by']} of its session has reversed it"
    if log["built_on_by"] is not None:
        return f"adjustment {log['built_on_by']} of the same parameter stands on it; reverse that one first"
    if log["stopped_at"] is not None:
        return "its session has ended"
    return ""
