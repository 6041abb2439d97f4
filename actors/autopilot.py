"""The Auto Pilot of a run: turns the reviews of a segment into adjustments, within guardrails."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, Refusal
from simulation.autopilot.policy import Adjustment, review

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.autopilot.policy import Review
    from simulation.market.segment import Segment
    from simulation.settings.strategy import Strategy
    from simulation.trading.rules import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a review came to: the adjustments, and how often each reason spoke against one."""

    adjustments: tuple[Adjustment, ...]
    refusals: dict[Refusal, int]


class AutoPilot:
    """Holds the strategies' bounds and nothing else: what tuning needs to remember travels in the reviews."""

    def __init__(self, strategies: Sequence[Sequence[Strategy]], rules: Rules) -> None:
        """Take the strategies of each account's sessions, one after another."""
        self._strategies = tuple(strategies)
        self._calendar = Calendar(rules.block_time_ms, rules.day_offset_ms)

    def __repr__(self) -> str:
        enabled = [strategy.autopilot_enabled for line in self._strategies for strategy in line]
        return f"AutoPilot({sum(enabled)} of {len(enabled)} strategies)"

    def review(self, segment: Segment, *reviews: Sequence[Review]) -> Verdict:
        """Review every session at the end of ``segment``: at most one adjustment each."""
        markets = [market_conditions(segment, analyst) for analyst in range(len(segment.signals))]
        adjustments, refusals = [], Counter[Refusal]()
        for shown in (shown for group in reviews for shown in group):
            record = shown.record[0]
            market = markets[record["analyst"]]
            strategy = self._strategies[shown.session][shown.number]
            result = review(strategy, shown.session, record, self._calendar, market)
            if isinstance(result, Adjustment):
                adjustments.append(result)
            else:
                refusals[result] += 1
        return Verdict(tuple(adjustments), dict(refusals))
