"""The Auto Pilot of a run: turns the reviews of a segment into a verdict, within guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.commanding import Answer, Reversal, obeyed
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import REFUSALS, Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.autopilot.policy import Policy, Review, Verdict, review
from simulation.autopilot.records import UNCHANGED
from simulation.copies import stacked, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.market.segment import Segment
    from simulation.settings.strategy import Strategy, TradingConfig
    from simulation.trading.rules import Rules

__all__ = ["AutoPilot", "Verdict"]


class AutoPilot:
    """Holds bounds and knowledge, which are fixed for a run: what tuning needs to remember travels in the reviews."""

    def __init__(
        self,
        strategies: Sequence[Sequence[Strategy]],
        rules: Rules,
        tradings: Sequence[TradingConfig],
        knowledge: Knowledge = IGNORANT,
    ) -> None:
        """Take the strategies of each account's sessions, one after another, and the accounts' trading configs."""
        self._enabled = [strategy.autopilot_enabled for line in strategies for strategy in line]
        lines = list(zip(strategies, tradings, strict=True))
        self._policies = policies_of(
            [strategy for line, _ in lines for strategy in line], [trading for line, trading in lines for _ in line]
        )
        self._first = np.cumsum([0, *(len(line) for line in strategies)])
        self._calendar = Calendar(rules.block_time_ms, rules.day_offset_ms)
        self._knowledge = knowledge

    def __repr__(self) -> str:
        return f"AutoPilot({sum(self._enabled)} of {len(self._enabled)} strategies)"

    def review(self, segment: Segment, reversals: Sequence[Reversal], *reviews: Review) -> tuple[Verdict, list[Answer]]:
        """Return what changes after ``segment``, at most one adjustment of a session, and what became of the commands.

        A session that is commanded is not reviewed.
        """
        if not any(len(review.sessions) for review in reviews):
            nobody = np.zeros(len(REFUSALS), np.int64)  # every account goes on with its next session here
            return Verdict(UNCHANGED, nobody), []
        shown = Review(
            np.concatenate([review.ordinals for review in reviews]),
            np.concatenate([review.numbers for review in reviews]),
            stacked([review.sessions for review in reviews]),
            stacked([review.tuning for review in reviews]),
        )
        markets = market_conditions(segment)
        own = taken(self._policies, self._first[shown.ordinals] + shown.numbers)
        policy = Policy(own, self._calendar, self._knowledge)
        if not reversals:
            return review(shown, policy, markets), []
        return obeyed(shown, policy, markets, reversals)
