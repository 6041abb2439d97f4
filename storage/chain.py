"""The chain of the Auto Pilot's log: each row carries a hash of its content and of the row before it in its session.

``row_hash`` is the SHA-256, as hex, of the hash of the row before (nothing for the first) and the content: the text of
a JSON array of the columns of ``LogRow`` in their order. ``outcome_hash`` is that of ``row_hash`` and the columns of
``OutcomeRow`` after the key. Of keys only the tail is hashed, and of times the seconds since 1970, so that two runs of
one scenario have the same hashes; ``recorded_at``, which the wall clock gives, is not hashed. Postgres makes the text,
from the values as it stores them: what is committed, migrated and checked is hashed by one expression.

A chain shows that a row was altered after it was written. Whoever may write all tables can make a new chain; against
that the digest of a run, kept elsewhere, helps.
"""

# ruff: noqa: S608 -- the queries are put together from constants of this file; values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import DateTime, Uuid, text

from storage.ids import TAIL_START
from storage.models import Base
from storage.records import Finding
from storage.row_types import LogRow, OutcomeRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

LOG = "autopilot_logs"
STAGED_LOG, STAGED_OUTCOMES = "staged_autopilot_logs", "staged_autopilot_outcomes"
JUDGED = OutcomeRow._fields[1:]
"""The columns that are filled in once, when an adjustment is judged."""


def _canonical(row: str, name: str) -> str:
    """Return the SQL of a column as it is hashed."""
    kind = Base.metadata.tables[LOG].columns[name].type
    if isinstance(kind, Uuid):
        return f"substr({row}.{name}::text, {TAIL_START})"
    return f"extract(epoch FROM {row}.{name})" if isinstance(kind, DateTime) else f"{row}.{name}"


def _hash(before: str, row: str, columns: tuple[str, ...]) -> str:
    """Return the SQL of a hash of what went before and of columns of ``row``."""
    content = ", ".join(_canonical(row, name) for name in columns)
    return f"encode(sha256(convert_to({before} || jsonb_build_array({content})::text, 'UTF8')), 'hex')"


def row_hash(row: str, before: str) -> str:
    """Return the SQL of the hash of a log row, after one with the hash ``before``, which may be NULL."""
    return _hash(f"coalesce({before}, '')", row, LogRow._fields)


def outcome_hash(row: str, of_row: str) -> str:
    """Return the SQL of the hash of the outcome in ``row`` of a log row with the hash ``of_row``."""
    return _hash(of_row, row, JUDGED)


def staging(staged: str, columns: tuple[str, ...]) -> str:
    """Return the SQL that makes the table from which rows are hashed, of columns of the log."""
    return (
        f"CREATE TEMP TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS AS "
        f"SELECT {', '.join(columns)} FROM {LOG} WITH NO DATA"
    )


_COLUMNS = ", ".join(LogRow._fields)

APPEND = f"""
    WITH RECURSIVE chained AS (
        SELECT staged.log_id, staged.session_id, staged.ordinal, {row_hash("staged", "before.row_hash")} AS row_hash
        FROM {STAGED_LOG} AS staged
        LEFT JOIN {LOG} AS before
            ON before.session_id = staged.session_id AND before.ordinal = staged.ordinal - 1
        WHERE NOT EXISTS (
            SELECT 1 FROM {STAGED_LOG} AS earlier
            WHERE earlier.session_id = staged.session_id AND earlier.ordinal = staged.ordinal - 1
        )
        UNION ALL
        SELECT staged.log_id, staged.session_id, staged.ordinal, {row_hash("staged", "chained.row_hash")}
        FROM chained JOIN {STAGED_LOG} AS staged
            ON staged.session_id = chained.session_id AND staged.ordinal = chained.ordinal + 1
    )
    INSERT INTO {LOG} ({_COLUMNS}, row_hash)
    SELECT {", ".join(f"staged.{name}" for name in LogRow._fields)}, chained.row_hash
    FROM {STAGED_LOG} AS staged JOIN chained USING (log_id) ORDER BY log_id
"""
"""Appends the staged rows, each with its hash; the first of a session goes on from what is stored."""

FILL = f"""
    UPDATE {LOG} AS stored
    SET {", ".join(f"{name} = staged.{name}" for name in JUDGED)},
        outcome_hash = {outcome_hash("staged", "stored.row_hash")}, recorded_at = now()
    FROM {STAGED_OUTCOMES} AS staged WHERE stored.log_id = staged.log_id AND stored.outcome = 'PENDING'
"""
"""Fills in the staged outcomes; one that is there stays."""

_OF_RUN = """
    SELECT strategies.config_id, accounts.name AS account
    FROM paper_strategy_configs AS strategies JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE CAST(:run AS uuid) IS NULL OR run_id = :run
"""

_TAKEN_BACK = """
    outcome = 'PENDING' AND (outcome_evaluated_at IS NOT NULL OR outcome_notes <> '' OR trades_since_adjustment <> 0
        OR (NOT is_reversal AND lead(log_id) OVER chain IS NOT NULL))
"""
"""Whether an outcome was there: its parts are left, or a later adjustment, which none makes before it is judged."""

_BROKEN = text(
    f"""
    WITH of_run AS ({_OF_RUN}), linked AS (
        SELECT of_run.account, logs.*, lag(row_hash) OVER chain AS before_hash,
            row_number() OVER chain - 1 AS place, {_TAKEN_BACK} AS is_taken_back
        FROM {LOG} AS logs JOIN of_run ON of_run.config_id = logs.strategy_config_id
        WINDOW chain AS (PARTITION BY session_id ORDER BY ordinal)
    ), hashed AS (
        SELECT account, log_id, session_id, ordinal, place, row_hash, outcome_hash,
            is_taken_back, {row_hash("linked", "before_hash")} AS row_expected,
            CASE WHEN outcome <> 'PENDING' THEN {outcome_hash("linked", "row_hash")} END AS outcome_expected
        FROM linked
    )
    SELECT DISTINCT ON (session_id) hashed.* FROM hashed
    WHERE ordinal <> place OR row_hash <> row_expected OR outcome_hash IS DISTINCT FROM outcome_expected
        OR is_taken_back
    ORDER BY session_id, ordinal
    """
)
"""Of each session the first row that is not what was written, or that follows on one which is gone."""

_CUT_SHORT = text(
    f"""
    WITH of_run AS ({_OF_RUN})
    SELECT of_run.account, sessions.session_id, strategies.autopilot_adjustments_count::text AS made,
        coalesce(max(logs.ordinal) + 1, 0) AS stored
    FROM of_run JOIN paper_strategy_configs AS strategies USING (config_id)
    JOIN paper_trading_sessions AS sessions ON sessions.strategy_config_id = config_id
    LEFT JOIN {LOG} AS logs USING (session_id)
    GROUP BY of_run.account, sessions.session_id, strategies.autopilot_adjustments_count
    HAVING coalesce(max(logs.ordinal) + 1, 0) <> strategies.autopilot_adjustments_count
    ORDER BY sessions.session_id
    """
)
"""Sessions whose chain has not as many rows as adjustments were made: its end is gone, which no hash shows."""


def chain_findings(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return the first broken row of each session's chain, in one run or in all, and chains whose end is gone."""
    broken = [
        Finding(LOG, row.account, _place(row.log_id, row.ordinal, row.session_id), *_what(row))
        for row in connection.execute(_BROKEN, {"run": run_id})
    ]
    return broken + [
        Finding(LOG, row.account, f"the last of session {row.session_id}", "ordinal", f"{row.stored} rows", row.made)
        for row in connection.execute(_CUT_SHORT, {"run": run_id})
    ]


def _place(log_id: UUID, ordinal: int, session_id: UUID) -> str:
    return f"{log_id} (adjustment {ordinal} of session {session_id})"


def _what(row: object) -> tuple[str, str, str]:
    """Return column, stored and expected value of what is wrong with a row."""
    for column, stored, expected in (
        ("ordinal", "ordinal", "place"),
        ("row_hash", "row_hash", "row_expected"),
        ("outcome_hash", "outcome_hash", "outcome_expected"),
    ):
        if getattr(row, stored) != getattr(row, expected):
            return column, str(getattr(row, stored)), str(getattr(row, expected))
    return "outcome", "PENDING", "an outcome"
