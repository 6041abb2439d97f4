"""Sessions as they are shown to a person: one of them whole, or all of a run, a line each."""

# ruff: noqa: S608 -- the queries are put together from a constant of this file; values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.errors import SessionNotFound
from storage.keys import row_of
from storage.records import OpenPosition, SessionDetail, SessionLine

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

LATEST_DECISIONS = 100
"""So many of a session's decisions are counted by type."""

_BEFORE = """
    SELECT earlier.equity_usd FROM paper_trading_sessions AS earlier
    WHERE earlier.account_id = sessions.account_id AND earlier.started_at < sessions.started_at
    ORDER BY earlier.started_at DESC LIMIT 1
"""
"""The equity that the session before left."""

_SESSION = text(
    f"""
    SELECT sessions.session_id, accounts.run_id, accounts.name AS account, strategies.name AS strategy,
        strategies.trading_mode, strategies.analyst, sessions.status, sessions.status_reason,
        strategies.autopilot_disabled_reason, sessions.started_at, sessions.stopped_at, sessions.last_activity,
        checkpoints.next_block,
        coalesce(begun.equity_usd, accounts.initial_balance_usd) AS initial_balance_usd,
        sessions.equity_usd, sessions.reserved_usd, sessions.realized_pnl_usd, sessions.gas_paid_usd AS gas_usd,
        sessions.max_drawdown_percent, sessions.total_trades AS trades, sessions.failed_trades,
        latest.block AS mark_block, latest.winning_trades, latest.losing_trades, latest.sharpe_ratio
    FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = sessions.strategy_config_id
    JOIN session_checkpoints AS checkpoints USING (session_id)
    LEFT JOIN LATERAL ({_BEFORE}) AS begun ON true
    LEFT JOIN LATERAL (
        SELECT block, winning_trades, losing_trades, sharpe_ratio FROM autopilot_performance_snapshots AS snapshots
        WHERE snapshots.session_id = sessions.session_id ORDER BY ordinal DESC LIMIT 1
    ) AS latest ON true
    WHERE sessions.session_id = :key
    """
)

_OPEN = text(
    """
    SELECT position_id, token_symbol, token_decimals, quantity, cost_basis_usd, current_value_usd, unrealized_pnl_usd,
        opened_at
    FROM paper_positions AS positions JOIN paper_trading_sessions AS sessions USING (account_id)
    WHERE sessions.session_id = :session AND is_open AND NOT EXISTS (
        SELECT 1 FROM paper_trading_sessions AS later
        WHERE later.account_id = sessions.account_id AND later.started_at > sessions.started_at
    )
    ORDER BY ordinal
    """
)
"""What is held is the account's: its latest session holds it, whoever bought it."""

_DECIDED = text(
    """
    SELECT decision_type, count(*) AS number FROM (
        SELECT decision_type FROM paper_ai_thought_logs WHERE session_id = :session ORDER BY ordinal DESC LIMIT :latest
    ) AS latest
    GROUP BY decision_type ORDER BY number DESC, decision_type
    """
)

_OF_RUN = text(
    f"""
    SELECT sessions.session_id, accounts.name AS account, strategies.name AS strategy, sessions.started_at,
        sessions.stopped_at, sessions.status, sessions.status_reason, sessions.total_trades AS trades,
        sessions.realized_pnl_usd, sessions.gas_paid_usd AS gas_usd, sessions.equity_usd,
        coalesce(begun.equity_usd, accounts.initial_balance_usd) AS initial_balance_usd
    FROM paper_trading_sessions AS sessions
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = sessions.strategy_config_id
    LEFT JOIN LATERAL ({_BEFORE}) AS begun ON true
    WHERE accounts.run_id = :run ORDER BY accounts.ordinal, sessions.session_id
    """
)


def session(connection: Connection, name: str) -> SessionDetail:
    """Return the session with the key ``name``; raises SessionNotFound."""
    row = row_of(connection, _SESSION, name)
    if row is None:
        raise SessionNotFound(session_id=name)
    of_it = {"session": row["session_id"]}
    positions = connection.execute(_OPEN, of_it).mappings()
    decided = connection.execute(_DECIDED, {**of_it, "latest": LATEST_DECISIONS})
    return SessionDetail(
        **row,
        open_positions=[OpenPosition(**position) for position in positions],
        latest_decisions={row.decision_type: row.number for row in decided},
    )


def sessions_of(connection: Connection, run_id: UUID) -> list[SessionLine]:
    """Return the sessions of a run, in the order of the scenario's accounts."""
    return [SessionLine(**row) for row in connection.execute(_OF_RUN, {"run": run_id}).mappings()]
