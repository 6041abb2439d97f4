"""The report of a run: what is collected for it, and how it becomes a file."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING

import yaml

from cluster.report_page import render
from simulation.market.segment import Clock
from simulation.scenario import ReplayMarket, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from storage.records import AccountResult, AdjustmentRecord, NotableDecision
    from storage.store import Store

    Curve = Sequence[tuple[datetime, Decimal]]

__all__ = ["RunReport", "collect", "render", "write"]

DECISIONS = 10
"""How many decisions are told in words."""

COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that the report of a run tells. Times are simulated, in UTC; money is in USD."""

    run_id: UUID
    name: str
    status: str
    error_message: str
    version: str
    seed: int
    blocks: int
    start_at: datetime
    end_at: datetime
    digest: str | None
    market: str
    """In words, with an article."""
    tokens: tuple[str, ...]
    scenario_yaml: str
    leaderboard: tuple[AccountResult, ...]
    """The best first; never empty, as no scenario is without accounts."""
    equity: Mapping[str, Curve]
    """Of each account, from its initial balance to its final equity."""
    decisions: tuple[NotableDecision, ...]
    adjustments: tuple[AdjustmentRecord, ...]
    gas_usd: Decimal
    slippage_usd: Decimal


def collect(store: Store, run_id: UUID) -> RunReport:
    """Read what the report of a run tells; raises RunNotFound."""
    run = store.run(run_id)
    scenario = Scenario.model_validate(run.scenario)
    leaderboard = tuple(store.leaderboard(run_id))
    curves = store.equity(run_id)
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
        market=_market_in_words(scenario),
        tokens=tuple(token["symbol"] for token in run.tokens),
        scenario_yaml=yaml.safe_dump(run.scenario, sort_keys=False, allow_unicode=True, width=110),
        leaderboard=leaderboard,
        equity={row.name: _to_the_end(curves[row.name], end_at, row.final_equity_usd) for row in leaderboard},
        decisions=tuple(store.notable_decisions(run_id, DECISIONS)),
        adjustments=tuple(store.autopilot_history(run_id)),
        gas_usd=sum((row.gas_usd for row in leaderboard), Decimal()),
        slippage_usd=sum((row.slippage_usd for row in leaderboard), Decimal()),
    )


def write(report: RunReport, path: Path) -> None:
    """Write the report to ``path``, whole or not at all; raises OSError where the folder does not allow it."""
    page = render(report)
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_text(page, encoding="utf-8")  # a device or a pipe must not be replaced by a file
        return
    partial = target.with_name(f".report-{secrets.token_hex(8)}.part")
    try:
        partial.write_text(page, encoding="utf-8", newline="\n")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _end(scenario: Scenario, blocks: int, status: str, curves: Mapping[str, Curve]) -> datetime:
    """Return the time up to which there is something to tell: of a run cut short, its last mark."""
    if status == COMPLETED:
        return Clock(scenario.begin_at, scenario.block_time_ms).at(blocks)
    return max(curve[-1][0] for curve in curves.values())


def _to_the_end(curve: Curve, end_at: datetime, final_equity_usd: Decimal) -> Curve:
    """Return a curve that reaches the end: the last mark may lie before it."""
    return curve if curve[-1][0] >= end_at else [*curve, (end_at, final_equity_usd)]


def _market_in_words(scenario: Scenario) -> str:
    if isinstance(scenario.market, ReplayMarket):
        first, *others = (PurePath(recorded.path).name for recorded in scenario.market.recordings)
        return f"a replay of {first}" + (f" and {len(others)} more" if others else "")
    return "a synthetic market"
