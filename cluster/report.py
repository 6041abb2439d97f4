"""Collects what the report of a run tells."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import yaml

from cluster.report_facts import RunReport
from cluster.scenarios import market_in_words
from simulation.market.segment import Clock
from simulation.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from cluster.report_facts import Curve
    from storage.records import SessionLine
    from storage.store import Store

DECISIONS = 10
"""How many decisions are told in words."""

COMPLETED = "COMPLETED"


def collect(store: Store, run_id: UUID) -> RunReport:
    """Read what the report of a run tells; raises RunNotFound."""
    run = store.run(run_id)
    scenario = Scenario.model_validate(run.scenario)
    leaderboard = tuple(store.leaderboard(run_id))
    curves = store.equity(run_id)
    costs = {row.name: row for row in store.costs(run_id)}
    end_at = _end(scenario, run.blocks, run.status, curves)
    return RunReport(
        run_id=run_id,
        name=run.name,
        status=run.status,
        error_message=run.error_message,
        version=run.version,
        seed=run.seed,
        blocks=run.blocks,
        start_at=scenario.begin_at,
        end_at=end_at,
        digest=run.digest,
        market=market_in_words(scenario),
        tokens=tuple(token["symbol"] for token in run.tokens),
        scenario_yaml=yaml.safe_dump(run.scenario, sort_keys=False, allow_unicode=True, width=110),
        leaderboard=leaderboard,
        equity={row.name: _to_the_end(curves[row.name], end_at, row.final_equity_usd) for row in leaderboard},
        costs=tuple(costs[row.name] for row in leaderboard),
        decisions=tuple(store.notable_decisions(run_id, DECISIONS)),
        adjustments=tuple(store.autopilot_history(run_id)),
        gas_usd=sum((row.gas_usd for row in leaderboard), Decimal()),
        slippage_usd=sum((row.slippage_usd for row in leaderboard), Decimal()),
        failures=tuple(store.failures(run_id)),
        sessions=_in_turn(store.sessions_of(run_id)),
        piloted=tuple(session for session in store.piloted(str(run_id)) if session.adjustments),
        pruned_at=store.pruned_at(run_id),
    )


def _in_turn(sessions: Sequence[SessionLine]) -> tuple[SessionLine, ...]:
    """Return the sessions of the accounts that had more than one."""
    of_account = Counter(session.account for session in sessions)
    return tuple(session for session in sessions if of_account[session.account] > 1)


def _end(scenario: Scenario, blocks: int, status: str, curves: Mapping[str, Curve]) -> datetime:
    """Return the time up to which there is something to tell: of a run cut short, its last mark."""
    if status == COMPLETED:
        return Clock(scenario.begin_at, scenario.block_time_ms).at(blocks)
    return max(curve[-1][0] for curve in curves.values())


def _to_the_end(curve: Curve, end_at: datetime, final_equity_usd: Decimal) -> Curve:
    """Return a curve that reaches the end: the last mark may lie before it."""
    return curve if curve[-1][0] >= end_at else [*curve, (end_at, final_equity_usd)]
