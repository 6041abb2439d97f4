"""What is asked of a run: its leaderboard, equity, and decisions worth reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

from simulation.choices import DecisionType, Reason
from storage.errors import AmbiguousRun, NothingSoCalled, RunNotFound, SweepNotFound
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

    from sqlalchemy import Connection, TextClause

    from storage.errors import StorageError

LATEST, LATEST_SWEEP = "latest", "latest-sweep"
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
    WITH latest AS (
        SELECT account_id,
            (SELECT max(ordinal) FROM paper_trades AS rows WHERE rows.session_id = sessions.session_id) AS trade,
            (SELECT max(ordinal) FROM paper_ai_thought_logs AS rows WHERE rows.session_id = sessions.session_id)
                AS decision,
            (SELECT max(ordinal) FROM paper_positions AS rows WHERE rows.session_id = sessions.session_id) AS position,
            (SELECT max(ordinal) FROM autopilot_logs AS rows WHERE rows.session_id = sessions.session_id) AS adjustment,
            (SELECT max(ordinal) FROM paper_performance_metrics AS rows WHERE rows.session_id = sessions.session_id)
                AS mark
        FROM paper_trading_accounts JOIN paper_trading_sessions AS sessions USING (account_id)
        WHERE run_id = :run
    ), of_account AS (
        SELECT coalesce(max(trade) + 1, 0) AS trades, coalesce(max(decision) + 1, 0) AS decisions,
            coalesce(max(position) + 1, 0) AS positions, coalesce(sum(adjustment + 1), 0) AS adjustments,
            coalesce(max(mark) + 1, 0) AS marks
        FROM latest GROUP BY account_id
    )
    SELECT count(*) AS accounts, coalesce(sum(trades), 0)::bigint AS trades,
        coalesce(sum(decisions), 0)::bigint AS decisions, coalesce(sum(positions), 0)::bigint AS positions,
        coalesce(sum(adjustments), 0)::bigint AS adjustments, coalesce(sum(marks), 0)::bigint AS marks
    FROM of_account
    """
)
"""What happens is numbered from 0 without a gap, in its account, adjustments in their session: the last one tells."""

_NOTABLE = text(
    """
    WITH accounts AS (
        SELECT account_id, ordinal, name FROM paper_trading_accounts WHERE run_id = :run
    ), sold AS (
        SELECT ends.trade_id
        FROM accounts CROSS JOIN unnest(CAST(:reasons AS text[])) AS reasons (reason)
        CROSS JOIN LATERAL (
            (SELECT trade_id FROM paper_trades AS trades
            WHERE trades.account_id = accounts.account_id AND trades.reason = reasons.reason
                AND trade_type <> 'buy' AND status = 'completed'
            ORDER BY net_pnl_usd DESC LIMIT :limit)
            UNION
            (SELECT trade_id FROM paper_trades AS trades
            WHERE trades.account_id = accounts.account_id AND trades.reason = reasons.reason
                AND trade_type <> 'buy' AND status = 'completed'
            ORDER BY net_pnl_usd LIMIT :limit)
        ) AS ends
    ), chosen AS (
        SELECT thought_id FROM sold JOIN paper_ai_thought_logs ON paper_trade_id = trade_id
        UNION
        SELECT surest.thought_id
        FROM accounts CROSS JOIN unnest(CAST(:decisions AS text[])) AS decisions (decision)
        CROSS JOIN unnest(CAST(:reasons AS text[])) AS reasons (reason)
        CROSS JOIN LATERAL (
            SELECT thought_id FROM paper_ai_thought_logs AS thoughts
            WHERE thoughts.account_id = accounts.account_id AND thoughts.decision_type = decisions.decision
                AND thoughts.reason = reasons.reason
            ORDER BY confidence_percent DESC, ordinal DESC LIMIT :limit
        ) AS surest
    ), told AS (
        SELECT accounts.name AS account, thoughts.created_at AS at, thoughts.block, thoughts.token_symbol AS token,
            thoughts.decision_type AS decision, thoughts.reason, thoughts.primary_reasoning AS reasoning,
            thoughts.risk_assessment, thoughts.confidence_percent,
            CASE WHEN trades.trade_type <> 'buy' AND trades.status = 'completed' THEN trades.net_pnl_usd END
                AS net_pnl_usd,
            thoughts.thought_id, thoughts.ordinal, accounts.ordinal AS of_account
        FROM chosen
        CROSS JOIN LATERAL (
            SELECT * FROM paper_ai_thought_logs WHERE thought_id = chosen.thought_id OFFSET 0
        ) AS thoughts
        JOIN accounts USING (account_id)
        LEFT JOIN paper_trades AS trades ON trades.trade_id = thoughts.paper_trade_id
    ), ranked AS (
        SELECT told.*, row_number() OVER (
            PARTITION BY decision, reason
            ORDER BY abs(coalesce(net_pnl_usd, 0)) DESC, confidence_percent DESC, ordinal DESC, of_account
        ) AS place
        FROM told
    )
    SELECT thought_id, account, at, block, token, decision, reason, reasoning, risk_assessment, confidence_percent,
        net_pnl_usd
    FROM ranked ORDER BY place, abs(coalesce(net_pnl_usd, 0)) DESC, reason, decision LIMIT :limit
    """
)
"""Of each account and kind no more than could be returned: those that came to most, and those that were surest.

No decision outside these can be among the first of its kind, so that the answer is the one of the whole run. The
OFFSET keeps Postgres from reading all decisions of the accounts, of which it expects fewer than there are.
"""

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

_LATEST = text("SELECT run_id FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1")
_LATEST_SWEEP = text("SELECT sweep_id FROM sweeps ORDER BY started_at DESC, sweep_id DESC LIMIT 1")
_SWEEPS_BETWEEN = text(
    "SELECT sweep_id FROM sweeps WHERE sweep_id BETWEEN :first AND :last ORDER BY sweep_id LIMIT :limit"
)
_SWEEP_NAMED = text("SELECT sweep_id FROM sweeps WHERE name = :name ORDER BY started_at DESC, sweep_id DESC LIMIT 1")
_BETWEEN = text("SELECT run_id FROM runs WHERE run_id BETWEEN :first AND :last ORDER BY run_id LIMIT :limit")


def resolve_run(connection: Connection, name: str) -> UUID:
    """Return the key of a run from a full key, an unambiguous beginning of one, or "latest"."""
    found = connection.execute(_LATEST).scalars() if name == LATEST else _beginning(connection, name, _BETWEEN)
    return _one(name, list(found), RunNotFound)


def resolve_sweep(connection: Connection, name: str) -> UUID:
    """Return the key of a sweep as ``resolve_run`` does that of a run, or from a name, which means its latest sweep."""
    return _one(name, _sweeps(connection, name), SweepNotFound)


def resolve_run_or_sweep(connection: Connection, name: str) -> UUID:
    """Return the key of a run or of a sweep; "latest" is the latest run, "latest-sweep" the latest sweep."""
    if name == LATEST:
        return resolve_run(connection, name)
    found = _beginning(connection, name, _BETWEEN) + _beginning(connection, name, _SWEEPS_BETWEEN)
    return _one(name, found or _sweeps(connection, name), NothingSoCalled)


def _sweeps(connection: Connection, name: str) -> list[UUID]:
    if name in (LATEST, LATEST_SWEEP):
        return list(connection.execute(_LATEST_SWEEP).scalars())
    found = _beginning(connection, name, _SWEEPS_BETWEEN)
    return found or list(connection.execute(_SWEEP_NAMED, {"name": name}).scalars())


def _beginning(connection: Connection, name: str, between: TextClause) -> list[UUID]:
    """Return the keys that begin with the digits of ``name``, a few if there are many; none for other text."""
    wanted = name.strip().lower()
    digits = wanted.replace("-", "")
    if not digits or len(digits) > _DIGITS or not _HEX.fullmatch(wanted):
        return []
    bounds = {"first": UUID(digits.ljust(_DIGITS, "0")), "last": UUID(digits.ljust(_DIGITS, "f"))}
    return list(connection.execute(between, {**bounds, "limit": MOST_CANDIDATES}).scalars())


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
    return Counts(**connection.execute(_COUNTS, {"run": run_id}).mappings().one())


def notable_decisions(connection: Connection, run_id: UUID, limit: int) -> list[NotableDecision]:
    """Return decisions worth reading: of each reason first the one that earned or lost the most."""
    kinds = {"decisions": list(DecisionType.__members__), "reasons": list(Reason.__members__)}
    rows = connection.execute(_NOTABLE, {"run": run_id, "limit": limit, **kinds}).mappings()
    return [NotableDecision(**row) for row in rows]


def _one(name: str, found: list[UUID], not_found: type[StorageError]) -> UUID:
    if not found:
        raise not_found(text=name)
    if len(found) > 1:
        raise AmbiguousRun(text=name, candidates=" or ".join(str(run_id)[:13] for run_id in found))
    return found[0]
