"""What of an ended run may go: snapshots inside a day, and the numbers behind decisions whose order did not fill.

Trades stay, filled or not: cash is a chain over all orders that ended, their numbers have no gap, and the counts and
the gas of accounts and sessions are sums over them. Nothing that a check recomputes is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.checking import content_findings
from storage.ended_runs import ended, hold, keys_of
from storage.errors import NotSound
from storage.records import Thinned

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

_PLACED = """
    SELECT snapshot_id,
        lag(day) OVER times IS NOT DISTINCT FROM day AND lead(day) OVER times IS NOT DISTINCT FROM day
            AND lag(adjustments) OVER times = adjustments AND lead(adjustments) OVER times = adjustments AS is_between
    FROM (
        SELECT snapshot_id, session_id, ordinal, adjustments_made_count AS adjustments,
            (timestamp AT TIME ZONE 'UTC')::date AS day
        FROM autopilot_performance_snapshots WHERE strategy_config_id BETWEEN :low AND :high
    ) AS snapshots
    WINDOW times AS (PARTITION BY session_id ORDER BY ordinal)
"""
"""Whether a snapshot stands between two of its simulated day, with no adjustment just before or after it."""

_NOT_FILLED = """
    FROM paper_trades AS trades
    WHERE thoughts.paper_trade_id = trades.trade_id AND trades.status IN ('failed', 'cancelled')
        AND trades.account_id BETWEEN :low AND :high AND thoughts.account_id BETWEEN :low AND :high
"""

_WOULD = text(
    f"""
    SELECT count(*) FILTER (WHERE is_between) AS snapshots, count(*) FILTER (WHERE NOT is_between) AS snapshots_kept,
        (SELECT count(*) FROM paper_ai_thought_logs AS thoughts WHERE EXISTS (SELECT 1 {_NOT_FILLED})) AS decisions
    FROM ({_PLACED}) AS placed
    """  # noqa: S608 -- of constants of this file
)

_DELETE_SNAPSHOTS = text(
    f"""
    DELETE FROM autopilot_performance_snapshots USING ({_PLACED}) AS placed
    WHERE autopilot_performance_snapshots.snapshot_id = placed.snapshot_id AND is_between
    """  # noqa: S608 -- of constants of this file
)

_EMPTY_DECISIONS = text(
    f"""
    UPDATE paper_ai_thought_logs AS thoughts
    SET inputs = '{{}}', market_data = '{{}}', key_factors = '[]', positive_signals = '[]', negative_signals = '[]',
        recorded_at = now()
    {_NOT_FILLED}
    """  # noqa: S608 -- of constants of this file
)

_MARK = text("UPDATE runs SET pruned_at = now() WHERE run_id = :run")


def would_prune(connection: Connection, run_id: UUID) -> Thinned:
    """Return what pruning a run takes from it. Raises RunNotFound or RunGoesOn."""
    return _thinned(connection, run_id, ended(connection, run_id).pruned_at)


def prune(connection: Connection, run_id: UUID) -> Thinned:
    """Thin a run that has ended and note that its digest holds no more; return what went.

    A run of which nothing goes keeps its digest. Raises RunNotFound, RunGoesOn, ContentChanged, and NotSound if a check
    finds anything; then the caller's transaction must be rolled back.
    """
    thinned = _thinned(connection, run_id, hold(connection, run_id).pruned_at)
    if thinned.snapshots or thinned.decisions:
        connection.execute(_DELETE_SNAPSHOTS, keys_of(run_id))
        connection.execute(_EMPTY_DECISIONS, keys_of(run_id))
        connection.execute(_MARK, {"run": run_id})
        for finding in content_findings(connection, run_id):
            raise NotSound(run=run_id, finding=str(finding).rstrip("."))
    return thinned


def _thinned(connection: Connection, run_id: UUID, pruned_at: datetime | None) -> Thinned:
    """Return what pruning takes: nothing the second time."""
    found = Thinned(**connection.execute(_WOULD, keys_of(run_id)).mappings().one())
    return found if pruned_at is None else Thinned(0, found.snapshots + found.snapshots_kept, 0)
