"""What the Auto Pilot costs.

    .venv/bin/python benchmarks/autopilot_speed.py [SESSIONS]

10,000 of the sessions of ``benchmarks/autopilot.py`` with Auto Pilot, beside the kernel's time for them, in
seconds of the processor: in cohorts as wide as those of a sweep, and in a single one, which no cache
holds; as they are, with few adjustments, and with as many as can be.
"""

from __future__ import annotations

import sys
import time
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from autopilot import TOKENS, scenario, segments
from heading import heading

from actors.market import Market
from simulation import cohort as cohorts
from simulation.autopilot import carrying
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.policy import Policy, Review, Verdict, review
from simulation.autopilot.words import adjustment_of, judgement_of
from simulation.cohort import Cohort
from simulation.intelligence.roster import roster_of
from simulation.market.segment import Segment, terms_of
from simulation.settings.strategy import Strategy
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.autopilot.watching import Watched

SESSIONS = 10_000
WARM_PERIODS, COST_PERIODS = 48, 24
ROUNDS = 3
COHORT = 1_024
"""As many as a sweep steps together."""
COST_BUDGET_PERCENT = 10
COSTS = "watching", "reviewing", "carrying out"
"""What the kernel takes longer where it watches; the review; changes made. Words, which only rows of a log have, and
twins are counted apart."""


class Clock:
    """Adds up the processor's seconds of what it is told to time: others may be busy on the machine."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return what some work returns."""
        began = time.thread_time()
        result = work(*arguments)
        self.add({name: time.thread_time() - began})
        return result

    def add(self, seconds: dict[str, float]) -> None:
        """Add what was timed elsewhere."""
        for name, more in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + more


DENSITIES: dict[str, dict[str, object]] = {
    "as they are": {},
    "few adjustments": {"adjustment_cooldown_minutes": 1440},
    "as many as can be": {"adjustment_cooldown_minutes": 1, "max_daily_adjustments": 100,
                          "performance_window_trades": 5, "learning_rate": "0.01"},
}  # fmt: skip
"""How often sessions are adjusted; small steps seldom end at a bound."""


def measure_speed(n_sessions: int) -> None:
    """Print what Auto Pilot costs, part by part, as a share of the kernel's time for the same sessions."""
    print(f"\n{n_sessions:,} sessions, {len(TOKENS)} tokens; medians of {COST_PERIODS} periods after {WARM_PERIODS}; "
          f"% of the kernel, budget {COST_BUDGET_PERCENT} % without twins")  # fmt: skip
    columns = ("trades", "adjusted", "twins", "kernel ms", *COSTS, "sum %", "words", "twins %")
    print(f"{'':<18}{'cohort':>8}" + "".join(f"{name:>13}" for name in columns))
    for name, settings in DENSITIES.items():
        for width in (COHORT, n_sessions):
            report_speed(f"{name:<18}{width:>8,}", *speed_of(n_sessions, width, settings))


class Piloted(NamedTuple):
    """A cohort, and what it is reviewed by."""

    state: Cohort
    policy: Policy


def speed_of(n_sessions: int, width: int, settings: dict[str, object]) -> tuple[dict[str, float], dict[str, float]]:
    """Return seconds of each part, and what happened, in a review period of all sessions, ``width`` in a cohort."""
    plan = scenario(1, "normal")
    tuned = [account for account in plan.accounts if account.strategy.autopilot_enabled]
    tuned = [a.model_copy(update={"strategy": a.strategy.model_copy(update=validated(settings))}) for a in tuned]
    accounts = [tuned[at % len(tuned)] for at in range(n_sessions)]
    market, rules = Market(plan), rules_of(plan)
    rows = {account.name: row[0] for account, row in zip(plan.accounts, roster_of(plan.accounts).rows, strict=True)}
    terms, calendar = terms_of(market.tokens), Calendar(rules.block_time_ms, rules.day_offset_ms)

    def begun(ordinals: range) -> Piloted:
        own = [accounts[at] for at in ordinals]
        state = cohorts.begin(own, ordinals, market.tokens, rules, [rows[account.name] for account in own])
        policies = policies_of([account.strategy for account in own], [account.trading for account in own])
        return Piloted(state, Policy(policies, calendar, IGNORANT))

    flights = [begun(range(first, min(first + width, n_sessions))) for first in range(0, n_sessions, width)]
    periods, seen = [], dict.fromkeys(("trades", "adjusted", "twins"), 0.0)
    for number, segment in enumerate(segments(market, rules.review_blocks)):
        if number == WARM_PERIODS:
            periods, seen = [], dict.fromkeys(seen, 0.0)
        elif number == WARM_PERIODS + COST_PERIODS:
            break
        clock = Clock()
        for at, (before, policy) in enumerate(flights):
            state, adjusted = period(before, segment, (terms, rules), policy, clock, is_bare_first=number % 2 == 0)
            flights[at] = Piloted(state, policy)
            seen["trades"] += int((state.sessions["completed_trades"] - before.sessions["completed_trades"]).sum())
            seen["adjusted"] += adjusted
            seen["twins"] += len(state.twins)
        clock.seconds["watching"] = clock.seconds["watched"] - clock.seconds["kernel"]
        periods.append(clock.seconds)
    each = {name: median(seconds[name] for seconds in periods) for name in periods[0]}
    return each, {name: value / COST_PERIODS for name, value in seen.items()}


def validated(settings: dict[str, object]) -> dict[str, object]:
    """Return settings of a strategy as it holds them."""
    strategy = Strategy.model_validate({"name": "any", **settings})
    return {name: getattr(strategy, name) for name in settings}


def period(
    state: Cohort, segment: Segment, market: tuple[Any, Any], policy: Policy, clock: Clock, *, is_bare_first: bool
) -> tuple[Cohort, int]:
    """Trade a review period and review it; return the sessions and how many were adjusted, and time each part.

    They are traded without Auto Pilot too, for the time of the kernel alone: by turns, the quickest of a few times.
    """
    bare = state.copy()
    bare.tuning["is_watched"] = 0
    bare = Cohort(bare.sessions, bare.holdings, bare.tuning, bare.twins[:0], bare.twin_holdings[:0])
    passes: dict[str, list[dict[str, float]]] = {"kernel": [], "watched": []}
    after: dict[str, Cohort] = {}
    for name, before in (("kernel", bare), ("watched", state))[:: 1 if is_bare_first else -1] * ROUNDS:
        once = Clock()
        after[name] = advanced(before, segment, market, once, name)
        passes[name].append(once.seconds)
    for name, times in passes.items():
        clock.add(min(times, key=itemgetter(name)))
    state = after["watched"]
    verdict = clock.timed("reviewing", reviewed, state, segment, policy)
    with_twins = carrying._with_twins  # noqa: SLF001 -- to be told apart
    moved = clock.seconds.get("twins", 0.0)
    carrying._with_twins = lambda *a: clock.timed("twins", with_twins, *a)  # noqa: SLF001
    state = clock.timed("carrying out", carry_out, state, verdict.changes, policy.calendar)
    carrying._with_twins = with_twins  # noqa: SLF001
    clock.seconds["carrying out"] -= clock.seconds["twins"] - moved
    clock.timed("words", lambda: [*map(judgement_of, verdict.changes.judgements),
                                  *map(adjustment_of, verdict.changes.adjustments)])  # fmt: skip
    return state, len(verdict.changes.adjustments)


def reviewed(state: Cohort, segment: Segment, policy: Policy) -> Verdict:
    """Return the verdict on the sessions at the end of a segment."""
    rows = np.arange(len(state.sessions))
    return review(Review(rows, rows, state.sessions, state.tuning), policy, market_conditions(segment))


def advanced(state: Cohort, segment: Segment, market: tuple[Any, Any], clock: Clock, name: str) -> Cohort:
    """Return sessions traded through a segment; the kernel's time goes to ``name``, that of twins to theirs."""
    stepped = cohorts._stepped  # noqa: SLF001 -- to be told apart

    def timed_apart(sessions: Any, holdings: Any, world: Any, watched: Watched, journal: Any) -> Any:
        part = "twins" if sessions is watched.twins else name
        return clock.timed(part, stepped, sessions, holdings, world, watched, journal)

    cohorts._stepped = timed_apart  # noqa: SLF001 -- as above
    after, _ = cohorts.advance(state, segment, *market)
    cohorts._stepped = stepped  # noqa: SLF001 -- as above
    return after


def report_speed(name: str, seconds: dict[str, float], seen: dict[str, float]) -> None:
    """Print one line."""
    kernel = seconds["kernel"]
    shares = [100 * seconds[part] / kernel for part in COSTS]
    cells = [f"{seen[what]:.0f}" for what in ("trades", "adjusted", "twins")]
    cells += [f"{1e3 * kernel:.1f}", *(f"{share:.1f}" for share in (*shares, sum(shares)))]
    cells += [f"{100 * seconds[part] / kernel:.1f}" for part in ("words", "twins")]
    print(name + "".join(f"{cell:>13}" for cell in cells), flush=True)


def main(n_sessions: int) -> None:
    """Print the table."""
    print(heading())
    measure_speed(n_sessions)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS)
