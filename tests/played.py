"""Small markets played under the Auto Pilot, review by review: cycles of a purchase and what becomes of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hand_made import RULES, Stage, account, cut, stage

from simulation import cohort as cohorts
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, Refusal, policies_of
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.autopilot.policy import Policy, Review, review
from simulation.autopilot.records import Changes
from simulation.autopilot.words import Adjustment, Judgement, adjustment_of, judgement_of
from simulation.market.segment import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable

SPAN = 20
"""Blocks of a cycle: the analyst says to buy in the first one, where decision intervals of 1, 10 and 20 meet."""

SELL_AT = 10

LEAST_USD, MOST_USD = 0.2, 20.0
"""Cycles of rises or falls end here, within what a price may be."""


class Cycle(NamedTuple):
    """What the price does after a purchase, as (offset, factor on the price that the cycle began with)."""

    steps: tuple[tuple[int, float], ...] = ()
    is_sold: bool = False
    """Whether the analyst says to sell, at ``SELL_AT``."""
    then: float = 1.0
    """Factor on the price with which the next cycle begins."""


WON = Cycle(((4, 1.2),))
RAN_ON = Cycle(((4, 1.15), (8, 1.4)))
STOPPED_TOO_SOON = Cycle(((4, 0.92), (8, 1.0)))
STOPPED_IN_TIME = Cycle(((4, 0.8),), then=0.8)
GAVE_BACK = Cycle(((4, 1.08), (8, 1.03)), is_sold=True)
SOLD_LOWER = Cycle(((4, 0.96),), is_sold=True)
WON_LITTLE = Cycle(((4, 1.07),))
RAN_AWAY = Cycle(((1, 1.03),))
"""Before the purchase was included."""
FOR_NOTHING = Cycle(is_sold=True)


class Flight(NamedTuple):
    """What became of a session and what its Auto Pilot did."""

    adjustments: list[Adjustment]
    judgements: list[Judgement]
    refusals: Counter[Refusal]
    cohort: cohorts.Cohort

    @property
    def types(self) -> list[str]:
        """The types of the adjustments, in order."""
        return [made.type.value for made in self.adjustments]


def cycles(*shapes: Cycle, idle_blocks: int = 0) -> Stage:
    """Return a market of these cycles and, after them, of some blocks in which nothing is to be had."""
    made = stage(SPAN * len(shapes) + idle_blocks)
    made.base_fee(1, slice(None))
    usd = 2.0
    for number, shape in enumerate(shapes):
        first = number * SPAN
        made.price(usd, first)
        for offset, factor in shape.steps:
            made.price(usd * factor, first + offset)
        made.signal(8_000, slice(first, first + 1))
        if shape.is_sold:
            made.signal(2_000, slice(first + SELL_AT, first + SELL_AT + 1))
        usd = min(max(usd * shape.then, LEAST_USD), MOST_USD)
    if idle_blocks:
        made.price(usd, SPAN * len(shapes))
    return made


def flown(
    made: Stage,
    *,
    review_blocks: int = 100,
    knowledge: Knowledge = IGNORANT,
    trading: dict[str, Any] | None = None,
    plant: Callable[[int, np.void, bool], np.ndarray | None] = lambda _number, _session, _is_pending: None,
    look: Callable[[cohorts.Cohort], None] = lambda _cohort: None,
    **strategy: Any,
) -> Flight:
    """Play a market with one session and review it.

    ``plant`` is asked for an adjustment (``reviewable.adjusting``) in the place of the reviewer's, where that makes none; ``look`` is shown the
    cohort after each review.
    """
    fields = {"performance_window_trades": 5, "adjustment_cooldown_minutes": 1, "max_daily_adjustments": 100,
              "max_daily_trades": 1_000}  # fmt: skip
    spec = account(trading=trading, **{"autopilot_enabled": True, **fields, **strategy})
    rules = RULES._replace(review_blocks=review_blocks)
    calendar = Calendar(rules.block_time_ms, rules.day_offset_ms)
    policy = Policy(policies_of([spec.strategy], [spec.trading]), calendar, knowledge)
    state = cohorts.begin([spec], [0], made.infos, rules)
    flight = Flight([], [], Counter(), state)
    one = np.zeros(1, np.int64)
    for number, first in enumerate(range(0, len(made.segment.gas), review_blocks)):
        here = cut(made.segment, first, first + review_blocks)
        state, _ = cohorts.advance(state, here, terms_of(made.infos), rules)
        verdict = review(Review(one, one, state.sessions, state.tuning), policy, market_conditions(here))
        is_pending = int(state.tuning[0]["pending_log"]) >= 0
        judgements, adjustments, _ = verdict.changes
        planted = None if len(adjustments) else plant(number, state.sessions[0], is_pending)
        changes = Changes(judgements, adjustments if planted is None else planted)
        state = carry_out(state.copy(), changes, calendar)
        flight.judgements.extend(map(judgement_of, judgements))
        flight.adjustments.extend(map(adjustment_of, changes.adjustments))
        flight.refusals.update(verdict.refusals)
        look(state)
    return flight._replace(cohort=state)
