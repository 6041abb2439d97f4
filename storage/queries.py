"""What is asked of a run: its leaderboard, equity, and decisions worth reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

from storage.errors import AmbiguousRun, RunNotFound
from storage.records import (
    AccountCosts,
    AccountResult,
    Counts,
    NotableDecision,
    RunDetail,
    RunRecord,
    SessionFailure,
)

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import Connection

LATEST = "latest"
MOST_CANDIDATES = 5
"""So many runs are named when a prefix fits several."""

_HEX = re.compile(r"[0-9a-f-]{1,36}")
_DIGITS = 32
"""Of a key, without dashes."""

_LEADERBOARD = text(
    """
    SELECT accounts.name, sessions.strategy, accounts.initial_balance_usd,
        sessions.equity_usd AS final_equity_usd,
        round(100 * (sessions.equity_usd / accounts.initial_balance_usd - 1), 6) AS return_percent,
        sessions.max_drawdown_percent, sessions.trades, sessions.failed_trades, sessions.gas_usd,
        sessions.realized_pnl_usd,
        coalesce(metrics.sharpe_ratio, 0) AS sharpe_ratio,
        coalesce(100.0 * accounts.winning_trades / nullif(accounts.winning_trades + accounts.losing_trades, 0), 0)
            AS win_rate_percent,
        sessions.slippage_usd, sessions.cost_usd
    FROM paper_trading_accounts AS accounts
    JOIN LATERAL (
        SELECT string_agg(strategies.name, ', then ' ORDER BY started_at) AS strategy,
            (array_agg(session_id ORDER BY started_at DESC))[1] AS latest_id,
            (array_agg(equity_usd ORDER BY started_at DESC))[1] AS equity_usd,
            max(max_drawdown_percent) AS max_drawdown_percent, sum(total_trades) AS trades,
            sum(failed_trades) AS failed_trades, sum(gas_paid_usd) AS gas_usd,
            sum(realized_pnl_usd) AS realized_pnl_usd,
            sum(drift_usd + sandwich_usd) AS slippage_usd,
            sum(fee_usd + price_impact_usd + drift_usd + sandwich_usd + gas_paid_usd) AS cost_usd
        FROM paper_trading_sessions AS sessions
        JOIN paper_strategy_configs AS strategies ON strategies.config_id = sessions.strategy_config_id
        WHERE sessions.account_id = accounts.account_id
    ) AS sessions ON true
    LEFT JOIN LATERAL (
        SELECT sharpe_ratio FROM paper_performance_metrics AS metrics
        WHERE metrics.session_id = sessions.latest_id ORDER BY period_end DESC LIMIT 1
    ) AS metrics ON true
    WHERE accounts.run_id = :run
    ORDER BY return_percent DESC, accounts.ordinal
    """
)

_EQUITY = text(
    """
    SELECT accounts.name, metrics.period_end, metrics.equity_usd
    FROM paper_trading_accounts AS accounts
    JOIN paper_trading_sessions AS sessions USING (account_id)
    JOIN paper_performance_metrics AS metrics USING (session_id)
    WHERE accounts.run_id = :run ORDER BY accounts.ordinal, metrics.period_end
    """
)

_COSTS = text(
    """
    SELECT accounts.name, sum(fee_usd) AS fee_usd, sum(price_impact_usd) AS impact_usd, sum(drift_usd) AS drift_usd,
        sum(sandwich_usd) AS sandwich_usd, sum(gas_paid_usd - failure_usd) AS gas_usd, sum(failure_usd) AS failure_usd,
        sum(fee_usd + price_impact_usd + drift_usd + sandwich_usd + gas_paid_usd) AS total_usd
    FROM paper_trading_accounts AS accounts
    JOIN paper_trading_sessions AS sessions USING (account_id)
    WHERE accounts.run_id = :run GROUP BY accounts.account_id ORDER BY accounts.ordinal
    """
)

_STARTS = text(
    """
    SELECT name, created_at, initial_balance_usd FROM paper_trading_accounts WHERE run_id = :run ORDER BY ordinal
    """
)

_FAILURES = text(
    """
    SELECT accounts.name AS account, strategies.name AS strategy, checkpoints.next_block AS block,
        sessions.stopped_at AS at, sessions.error_message AS message
    FROM paper_trading_accounts AS accounts
    JOIN runs USING (run_id)
    CROSS JOIN LATERAL (
        SELECT * FROM paper_trading_sessions AS failed
        WHERE failed.account_id = accounts.account_id AND failed.status = 'ERROR' OFFSET 0
    ) AS sessions
    JOIN session_checkpoints AS checkpoints USING (session_id)
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = sessions.strategy_config_id
    WHERE accounts.run_id = :run AND sessions.error_message <> runs.error_message
    ORDER BY accounts.ordinal, sessions.started_at
    """
)
"""A run that failed itself ended its sessions with its own message; that is no failure of theirs.

The OFFSET keeps Postgres from beginning with every failed session of all runs.
"""

_COUNTS = text(
    """
    WITH of_run AS (
        SELECT account_id, session_id FROM paper_trading_accounts JOIN paper_trading_sessions USING (account_id)
        WHERE run_id = :run
    )
    SELECT (SELECT count(DISTINCT account_id) FROM of_run) AS accounts,
        (SELECT count(*) FROM paper_trades JOIN of_run USING (session_id)) AS trades,
        (SELECT count(*) FROM paper_ai_thought_logs JOIN of_run USING (session_id)) AS decisions,
        (SELECT count(*) FROM paper_positions JOIN of_run USING (session_id)) AS positions,
        (SELECT count(*) FROM autopilot_logs JOIN of_run USING (session_id)) AS adjustments,
        (SELECT count(*) FROM paper_performance_metrics JOIN of_run USING (session_id)) AS marks
    """
)

_NOTABLE = text(
    """
    WITH told AS (
        SELECT accounts.name AS account, thoughts.created_at AS at, thoughts.block, thoughts.token_symbol AS token,
            thoughts.decision_type AS decision, thoughts.reason, thoughts.primary_reasoning AS reasoning,
            thoughts.risk_assessment, thoughts.confidence_percent,
            CASE WHEN trades.trade_type <> 'buy' AND trades.status = 'completed' THEN trades.net_pnl_usd END
                AS net_pnl_usd,
            thoughts.thought_id
        FROM paper_ai_thought_logs AS thoughts
        JOIN paper_trading_accounts AS accounts USING (account_id)
        LEFT JOIN paper_trades AS trades ON trades.trade_id = thoughts.paper_trade_id
        WHERE accounts.run_id = :run
    ), ranked AS (
        SELECT told.*, row_number() OVER (
            PARTITION BY decision, reason
            ORDER BY abs(coalesce(net_pnl_usd, 0)) DESC, confidence_percent DESC, thought_id
        ) AS place
        FROM told
    )
    SELECT thought_id, account, at, block, token, decision, reason, reasoning, risk_assessment, confidence_percent,
        net_pnl_usd
    FROM ranked ORDER BY place, abs(coalesce(net_pnl_usd, 0)) DESC, reason LIMIT :limit
    """
)

_RUNS = text(
    """
    SELECT run_id::text, name, seed, blocks, status, digest, version, started_at, finished_at, error_message
    FROM runs ORDER BY started_at DESC, run_id LIMIT :limit
    """
)

_RUN = text(
    """
    SELECT run_id::text, name, seed, blocks, status, digest, version, started_at, finished_at, error_message,
        scenario, scenario_hash, tokens, plug_ins
    FROM runs WHERE run_id = :run
    """
)

_UNHURRIED = text("SET LOCAL statement_timeout = 0")
"""For what reads all that a run has written, and so grows with the run."""

_LATEST = text("SELECT run_id FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1")
_BETWEEN = text("SELECT run_id FROM runs WHERE run_id BETWEEN :first AND :last ORDER BY run_id LIMIT :limit")


def resolve_run(connection: Connection, name: str) -> UUID:
    """Return the key of a run from a full key, an unambiguous beginning of one, or "latest"."""
    if name == LATEST:
        return _one(name, list(connection.execute(_LATEST).scalars()))
    wanted = name.strip().lower()
    digits = wanted.replace("-", "")
    if not digits or len(digits) > _DIGITS or not _HEX.fullmatch(wanted):
        raise RunNotFound(text=name)
    bounds = {"first": UUID(digits.ljust(_DIGITS, "0")), "last": UUID(digits.ljust(_DIGITS, "f"))}
    return _one(name, list(connection.execute(_BETWEEN, {**bounds, "limit": MOST_CANDIDATES}).scalars()))


def runs(connection: Connection, limit: int) -> list[RunRecord]:
    """Return the latest runs, the newest first."""
    return [RunRecord(**row) for row in connection.execute(_RUNS, {"limit": limit}).mappings()]


def run(connection: Connection, run_id: UUID) -> RunDetail:
    """Return a run with what defines it; raises RunNotFound."""
    row = connection.execute(_RUN, {"run": run_id}).mappings().one_or_none()
    if row is None:
        raise RunNotFound(text=run_id)
    return RunDetail(**row)


def leaderboard(connection: Connection, run_id: UUID) -> list[AccountResult]:
    """Return how each account has done, the best first."""
    rows = connection.execute(_LEADERBOARD, {"run": run_id}).mappings()
    return [AccountResult(**{**row, "win_rate_percent": float(row["win_rate_percent"])}) for row in rows]


def equity(connection: Connection, run_id: UUID) -> dict[str, list[tuple[datetime, Decimal]]]:
    """Return the equity of each account in USD, from its beginning on at each mark."""
    curves = {
        row.name: [(row.created_at, row.initial_balance_usd)] for row in connection.execute(_STARTS, {"run": run_id})
    }
    for row in connection.execute(_EQUITY, {"run": run_id}):
        curves[row.name].append((row.period_end, row.equity_usd))
    return curves


def costs(connection: Connection, run_id: UUID) -> list[AccountCosts]:
    """Return what trading has cost each account, part by part, in the order of the scenario."""
    return [AccountCosts(**row) for row in connection.execute(_COSTS, {"run": run_id}).mappings()]


def failures(connection: Connection, run_id: UUID) -> list[SessionFailure]:
    """Return the sessions that failed while the run went on, in the order of the scenario."""
    return [SessionFailure(**row) for row in connection.execute(_FAILURES, {"run": run_id}).mappings()]


def counts(connection: Connection, run_id: UUID) -> Counts:
    """Return how much a run has written."""
    connection.execute(_UNHURRIED)
    return Counts(**connection.execute(_COUNTS, {"run": run_id}).mappings().one())


def notable_decisions(connection: Connection, run_id: UUID, limit: int) -> list[NotableDecision]:
    """Return decisions worth reading: of each reason first the one that earned or lost the most."""
    connection.execute(_UNHURRIED)
    rows = connection.execute(_NOTABLE, {"run": run_id, "limit": limit}).mappings()
    return [NotableDecision(**row) for row in rows]


def _one(name: str, found: list[UUID]) -> UUID:
    if not found:
        raise RunNotFound(text=name)
    if len(found) > 1:
        raise AmbiguousRun(text=name, candidates=" or ".join(str(run_id)[:13] for run_id in found))
    return found[0]
