"""What Auto Pilot did to sessions: their adjustments with what came of each, and their equity beside their twins'."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from storage import commands, queries
from storage.pilot_records import AdjustmentRecord, PilotedSession

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_HISTORY = """
    SELECT logs.log_id, logs.session_id, logs.ordinal, accounts.name AS account, strategies.name AS strategy,
        logs.timestamp AS at, logs.block, logs.adjustment_type AS type, logs.parameter_name AS parameter,
        logs.old_value, logs.new_value, logs.change_percent, logs.reason, logs.trigger_metric, logs.trigger_value,
        logs.trigger_threshold, logs.confidence_in_adjustment AS confidence_percent, logs.outcome, logs.outcome_notes,
        CAST(logs.performance_after ->> 'mean_return_difference_bp' AS float) AS mean_difference_bp, logs.regime,
        reversed.ordinal AS reverses
    FROM autopilot_logs AS logs
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = logs.strategy_config_id
    JOIN paper_trading_accounts AS accounts USING (account_id)
    LEFT JOIN autopilot_logs AS reversed ON reversed.log_id = logs.reverses_log_id
"""

_OF_RUN = text(f"{_HISTORY} WHERE accounts.run_id = :run ORDER BY logs.timestamp, accounts.ordinal, logs.ordinal")
_OF_SESSIONS = text(f"{_HISTORY} WHERE logs.session_id = ANY(:sessions) ORDER BY logs.session_id, logs.ordinal")

_NAMED = text(
    """
    SELECT session_id FROM paper_trading_sessions WHERE session_id = :key OR strategy_config_id = :key
    """
)
_RUN_SESSIONS = text(
    """
    SELECT session_id FROM paper_trading_sessions JOIN paper_trading_accounts USING (account_id) WHERE run_id = :run
    """
)

_PILOTED = text(
    """
    SELECT sessions.session_id, accounts.name AS account, strategies.name AS strategy,
        strategies.autopilot_disabled_reason AS why_off
    FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = sessions.strategy_config_id
    WHERE sessions.session_id = ANY(:sessions) AND strategies.autopilot_started_at IS NOT NULL
    ORDER BY accounts.ordinal, sessions.started_at
    """
)

_CURVES = text(
    """
    SELECT metrics.session_id, metrics.period_end AS at, metrics.equity_usd, snapshots.twin_equity_usd
    FROM paper_performance_metrics AS metrics
    LEFT JOIN autopilot_performance_snapshots AS snapshots USING (session_id, ordinal)
    WHERE metrics.session_id = ANY(:sessions) ORDER BY metrics.session_id, metrics.ordinal
    """
)


def history(connection: Connection, run_id: UUID) -> list[AdjustmentRecord]:
    """Return every adjustment of a run in the order of simulated time."""
    return [AdjustmentRecord(**row) for row in connection.execute(_OF_RUN, {"run": run_id}).mappings()]


def piloted(connection: Connection, name: str) -> list[PilotedSession]:
    """Return the sessions that Auto Pilot may adjust of what ``name`` is the key of: a session, a strategy or a run.

    A run may be named as in ``queries.resolve_run``; raises RunNotFound or AmbiguousRun.
    """
    of_them = {"sessions": _sessions_of(connection, name)}
    adjustments = _grouped(connection.execute(_OF_SESSIONS, of_them).mappings())
    curves = _grouped(connection.execute(_CURVES, of_them).mappings())
    asked = commands.of_sessions(connection, of_them["sessions"])
    return [
        PilotedSession(
            **row,
            adjustments=tuple(AdjustmentRecord(**found) for found in adjustments[row["session_id"]]),
            curve=tuple(
                (mark["at"], mark["equity_usd"], mark["twin_equity_usd"]) for mark in curves[row["session_id"]]
            ),
            commands=tuple(asked[row["session_id"]]),
        )
        for row in connection.execute(_PILOTED, of_them).mappings()
    ]


def _sessions_of(connection: Connection, name: str) -> list[UUID]:
    try:
        found = list(connection.execute(_NAMED, {"key": UUID(name)}).scalars())
    except ValueError:
        found = []
    if found:
        return found
    run_id = queries.resolve_run(connection, name)
    return list(connection.execute(_RUN_SESSIONS, {"run": run_id}).scalars())


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row["session_id"]].append(row)
    return groups
