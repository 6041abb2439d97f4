"""The winner's equity: its trial made again on each market, and a band around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.market import Market
from actors.warming import compile_kernel
from cluster.errors import UsageError
from cluster.runs import prepare
from simulation.market.segment import Clock, terms_of
from simulation.performance.bootstrap import growth_band
from simulation.scenario import Scenario
from simulation.sweeping.columns import columns_of
from simulation.trials import Setter, advance, results, with_settings
from storage.installed import paperdex_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from cluster.plan import Plan
    from simulation.market.segment import Segment
    from storage.store import Store
    from storage.sweep_records import SweepDetail

MARKETS_MAX = 8
"""Markets on which the winner is traded again; the first ones, when there are more."""

TIMES_MAX = 400
"""Points of a curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The equity of a point on one market, in percent more than at the beginning."""

    market: int
    times: tuple[datetime, ...]
    change_percent: NDArray[np.float64]
    low_percent: NDArray[np.float64]
    high_percent: NDArray[np.float64]
    final_equity_usd: float


def curves(store: Store, detail: SweepDetail, settings: Mapping[str, Any]) -> Iterator[Curve]:
    """Yield the curve of a setting on each market, in turn; raises UsageError where it can't be traded again."""
    if detail.version != paperdex_version():
        raise UsageError(f"The sweep was traded by paperdex {detail.version}, this is {paperdex_version()}.")
    for number, market in enumerate(detail.markets[:MARKETS_MAX]):
        scenario = Scenario.model_validate(market)
        account = with_settings(scenario.accounts[0], settings)
        plan = prepare(scenario.model_copy(update={"accounts": (account,)}))
        plan = replace(plan, knowledge=store.knowledge(scenario.knowledge))
        compile_kernel(plan.scenario, plan.recording)
        returns, final_equity_usd = traded_again(plan, settings)
        if len(returns):
            yield curve_of(number, plan, returns, final_equity_usd)


def traded_again(plan: Plan, settings: Mapping[str, Any]) -> tuple[NDArray[np.float64], float]:
    """Return the returns of each period of a trial, and its equity in the end, as a worker of a sweep trades it."""
    market = Market(plan.scenario, plan.recording)
    setter = Setter(plan.scenario.accounts[0], plan.tokens, plan.rules)
    columns = columns_of([settings])
    cohort, errors = setter.cohort(columns)
    if errors[0]:
        raise UsageError(f"{errors[0]}.")
    policies = setter.policies(columns, cohort) if plan.adjusts() else None
    cohort, returns, _ = advance(
        cohort, segments_of(plan, market), terms_of(plan.tokens), plan.rules, policies, plan.knowledge
    )
    return returns[0], float(results(cohort)["equity_micro_usd"][0]) / 1e6


def segments_of(plan: Plan, market: Market) -> Iterator[Segment]:
    """Yield the segments of a plan, made as they are asked for."""
    carried = market.begin()
    for length in plan.segment_lengths():
        _, segment, carried = market.segment(carried, length)
        yield segment


def curve_of(market: int, plan: Plan, returns: NDArray[np.float64], final_equity_usd: float) -> Curve:
    """Return the curve of these returns with its band, at no more than ``TIMES_MAX`` times."""
    at = np.unique(np.linspace(0, len(returns) - 1, min(len(returns), TIMES_MAX)).round().astype(np.int64))
    low, high = growth_band(returns, at)
    clock = Clock(plan.scenario.begin_at, plan.scenario.block_time_ms)
    times = tuple(clock.at(int(number + 1) * plan.scenario.review_blocks) for number in at)
    grown = np.cumprod(1.0 + returns)[at]
    change, lower, upper = (np.concatenate([[0.0], 100.0 * (part - 1.0)]) for part in (grown, low, high))
    return Curve(market, (clock.at(0), *times), change, lower, upper, final_equity_usd)
