"""Whether the Auto Pilot helps, and what it costs.

    .venv/bin/python benchmarks/autopilot.py [--sessions 10000] [--speed]

The same strategies trade the same markets with the same luck, without Auto Pilot and with it at each
aggressiveness. The policy was tuned on seeds 1 to 30; seeds 101 to 130 confirm it. The regimes differ in what a
cautious rule earns there: in a normal market neither buying nor waiting pays, in a crash having little pays, in a
choppy one prices come back, so that whoever is scared out of it loses, and in a bull market waiting costs.
Differences are with minus without, averaged over the strategies of a market; a market is one independent unit, and
the interval is Student's t over the seeds, 95 %.

What is measured of costs, alone with ``--speed``: 10,000 of these sessions with Auto Pilot, beside the kernel's time
for the same sessions, in seconds of the processor: in cohorts as wide as those of a sweep over such weeks, and in a
single one, which no cache holds; as they are, with few adjustments, and with as many as can be.
"""

from __future__ import annotations

import argparse
import sys
import time
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from actors.market import Market
from simulation import cohort as cohorts
from simulation.autopilot import carrying
from simulation.autopilot.carrying import carry_out, piloted
from simulation.autopilot.conditions import Conditions, market_conditions
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.outcomes import T_975, OutcomeKind
from simulation.autopilot.policy import Policy, Review, Verdict, review
from simulation.autopilot.triggers import TYPES
from simulation.autopilot.words import adjustment_of, judgement_of
from simulation.cohort import Cohort
from simulation.intelligence.roster import roster_of
from simulation.market.segment import Segment, terms_of
from simulation.performance.metrics import periods_per_year, sharpe_ratio
from simulation.scenario import Scenario
from simulation.settings.strategy import Strategy
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETS = range(1, 31), range(101, 131)
"""Seeds that the policy was tuned on, and others that confirm it."""
REGIMES = ("normal", "crash", "chop", "bull")
MANNERS = ("CONSERVATIVE", "MODERATE", "AGGRESSIVE")
VARIANTS = "without", *MANNERS, "half the size"
"""The last one is what a cautious user might do instead: no Auto Pilot, and half the position size throughout."""
DAYS, DAY_BLOCKS = 7, 7_200
WARM_PERIODS, COST_PERIODS = 48, 24
COHORT = 2_000
"""So many of these sessions trade a week in the time that a sweep gives a cohort."""
COST_BUDGET_PERCENT = 10
COSTS = "writing", "watching", "reviewing", "carrying out"
"""Trades written for Auto Pilot alone; passes over them, prices and pairs; the review; changes made. Words, which only
rows of a log have, and twins are counted apart."""


TOKENS = [
    {"symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
     "pools": [{"fee_bp": 5, "liquidity_usd": 200_000_000}]},
    {"symbol": "LINK", "name": "Chainlink", "token_class": "mid", "price_usd": 15,
     "pools": [{"fee_bp": 30, "liquidity_usd": 12_000_000}]},
    {"symbol": "PEPE", "name": "Pepe", "token_class": "meme", "price_usd": 0.00001,
     "pools": [{"fee_bp": 30, "liquidity_usd": 1_500_000}]},
]  # fmt: skip
GAS = {"base_fee_gwei": 2, "priority_fee_gwei": 0.2}
PATIENT = {"analyst": "mean_reversion", "custom_parameters": {"lookback_blocks": 1024}, "allowed_tokens": ["WETH"],
           "max_position_size_percent": 20}  # fmt: skip
STRATEGIES: dict[str, dict[str, object]] = {
    "conservative": {"trading_mode": "CONSERVATIVE"},
    "moderate": {"trading_mode": "MODERATE"},
    "aggressive": {"trading_mode": "AGGRESSIVE"},
    "momentum": {"trading_mode": "AGGRESSIVE", "analyst": "momentum"},
    "reversion": {"trading_mode": "MODERATE", "analyst": "mean_reversion"},
    "patient": {**PATIENT, "confidence_threshold": 85},
    "very patient": {**PATIENT, "confidence_threshold": 92},
    "buy, stop": {"trading_mode": "AGGRESSIVE", "analyst": "buy_and_hold"},
    "hold": {"analyst": "buy_and_hold", "max_position_size_percent": 20, "stop_loss_percent": 30,
             "take_profit_percent": 100, "max_hold_hours": 720},
}  # fmt: skip
"""The modes with the built-in analyst, others that trade more or the other way, two that earn, and one that holds."""

FIGURES = ("return %", "Sharpe", "drawdown %")


class Played(NamedTuple):
    """What became of one market's sessions; shape (strategies, variants)."""

    figures: np.ndarray  # (strategies, variants, figures)
    counts: dict[str, np.ndarray]  # (strategies, variants) each


def scenario(seed: int, regime: str) -> Scenario:
    """Return a market and its accounts: each strategy without Auto Pilot, then at each aggressiveness."""
    variants: list[dict[str, object]] = [
        {},
        *({"autopilot_enabled": True, "adaptation_aggressiveness": manner} for manner in MANNERS),
        {"is_half": True},
    ]
    accounts = [
        {
            "name": f"{name} {place}",
            "initial_balance_usd": 100_000,
            "strategy": halved({**strategy, **variant, "max_trade_size_usd": 20_000}),
        }
        for name, strategy in STRATEGIES.items()
        for place, variant in enumerate(variants)
    ]
    market = {"source": "synthetic", "tokens": TOKENS, "regime": regime}
    fields = {"seed": seed, "record": "none", "blocks": DAYS * DAY_BLOCKS, "market": market, "gas": GAS}
    return Scenario.model_validate({**fields, "accounts": accounts})


def halved(strategy: dict[str, object]) -> dict[str, object]:
    """Return a strategy with half its position size where it is marked to be of that kind."""
    if not strategy.pop("is_half", False):
        return strategy
    size_percent = Strategy.model_validate(strategy).max_position_size_percent
    return {**strategy, "max_position_size_percent": size_percent / 2}


def segments(market: Market, review_blocks: int) -> Iterator[Segment]:
    """Yield the market review period by review period; it is made a day at a time."""
    carried = market.begin()
    for _ in range(DAYS):
        _, day, carried = market.segment(carried, DAY_BLOCKS)
        for first in range(0, DAY_BLOCKS, review_blocks):
            here = slice(first, first + review_blocks)
            signals = day.signals[:, here].copy()  # in one piece, as the kernel is compiled for
            yield Segment(day.first_block + first, day.mids[here], day.pools[here], day.gas[here], signals)


def played(seed: int, regime: str) -> Played:
    """Trade one market with every strategy in every manner."""
    plan = scenario(seed, regime)
    market, rules = Market(plan), rules_of(plan)
    luck = [row // len(VARIANTS) for row in range(len(plan.accounts))]  # a strategy's own, whatever its manner
    analysts = [rows[0] for rows in roster_of(plan.accounts).rows]
    state = cohorts.begin(plan.accounts, luck, market.tokens, rules, analysts)
    terms, calendar = terms_of(market.tokens), Calendar(rules.block_time_ms, rules.day_offset_ms)
    policies = policies_of([a.strategy for a in plan.accounts], [a.trading for a in plan.accounts])
    policy = Policy(policies, calendar, IGNORANT)
    counts = {name: np.zeros(len(plan.accounts)) for name in (*COUNTED, *TYPES)}
    for segment in segments(market, rules.review_blocks):
        state, _ = cohorts.advance(state, segment, terms, rules)
        counts["paused %"] += state.sessions["paused"] * 100 * rules.review_blocks / plan.blocks
        state, verdict = piloted(state, policy, conditions(segment))
        count(verdict, counts)
    counts["switched off"] += state.tuning["disabled"]
    yearly = periods_per_year(rules.review_blocks, rules.block_time_ms)
    shape = (len(STRATEGIES), len(VARIANTS))
    figures = np.array([figures_of(session, yearly) for session in state.sessions]).reshape(*shape, -1)
    return Played(figures, {name: values.reshape(shape) for name, values in counts.items()})


def shown(state: Cohort) -> Review:
    """Return what the sessions show the Auto Pilot, numbered by their rows."""
    rows = np.arange(len(state.sessions))
    return Review(rows, np.zeros_like(rows), state.sessions, state.tuning)


def conditions(segment: Segment) -> list[Conditions]:
    """Return what each analyst sees at the end of a segment."""
    return [market_conditions(segment, analyst) for analyst in range(len(segment.signals))]


COUNTED = ("adjustments", "reversals", *(kind.name.lower() for kind in OutcomeKind if kind), "switched off", "paused %")


def count(verdict: Verdict, counts: dict[str, np.ndarray]) -> None:
    """Add what a review came to."""
    judgements, adjustments = verdict.changes
    for row, kind, reverses in adjustments[["row", "type", "reverses"]].tolist():
        counts["adjustments" if reverses < 0 else "reversals"][row] += 1
        counts[TYPES[kind]][row] += reverses < 0
    for row, outcome in judgements[["row", "kind"]].tolist():
        counts[OutcomeKind(outcome).name.lower()][row] += 1


def figures_of(session: np.void, yearly: float) -> tuple[float, float, float]:
    """Return return, annualised Sharpe ratio and deepest drawdown of a session."""
    gained = 100 * (int(session["equity_micro_usd"]) / int(session["initial_micro_usd"]) - 1)
    count, mean, m2 = (session[name] for name in ("return_count", "return_mean", "return_m2"))
    return gained, sharpe_ratio(int(count), float(mean), float(m2), yearly), int(session["max_drawdown_bp"]) / 100


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the mean of independent differences and half the width of its 95 % confidence interval."""
    n = len(differences)
    return float(differences.mean()), float(T_975[n - 2] * differences.std(ddof=1) / sqrt(n))


def report(seeds: range, regime: str, runs: list[Played]) -> None:
    """Print one line for each aggressiveness, and for half the size, of one set of seeds and regime."""
    figures = np.array([run.figures for run in runs])
    without = "  ".join(f"{value:.2f}" for value in figures[:, :, 0].mean(axis=(0, 1)))
    print(f"\nseeds {seeds.start} to {seeds.stop - 1}, {regime}; without: {without}")
    for place, manner in enumerate(VARIANTS[1:], 1):
        differences = (figures[:, :, place] - figures[:, :, 0]).mean(axis=1)
        cells = "".join(shown_interval(differences[:, column]) for column in range(len(FIGURES)))
        totals = [sum(run.counts[name][:, place].sum() for run in runs) for name in COUNTED]
        totals[-1] /= len(runs) * len(STRATEGIES)
        print(f"{manner:<13}{cells}" + "".join(f"{total:>9.0f}" for total in totals))


def report_strategies(where: str, runs: list[Played]) -> None:
    """Print what each strategy came to without Auto Pilot, and what a moderate one changed; a unit is a market."""
    figures = np.array([run.figures for run in runs])
    place = VARIANTS.index("MODERATE")
    print(f"\n{where:<13}{'return %':>9}{'drawdown %':>12}   moderate minus without: {', '.join(FIGURES)}")
    for row, name in enumerate(STRATEGIES):
        without = figures[:, row, 0].mean(axis=0)
        differences = figures[:, row, place] - figures[:, row, 0]
        cells = "".join(shown_interval(differences[:, column]) for column in range(len(FIGURES)))
        print(f"{name:<13}{without[0]:>9.2f}{without[2]:>12.2f}{cells}")


def shown_interval(differences: np.ndarray) -> str:
    """Return a mean difference and its interval; a star where that excludes zero."""
    mean, half = interval(differences)
    return f"{f'{mean:+.2f} ± {half:.2f}' + ('*' if abs(mean) > half else ' '):>17}"


def measure_help() -> None:
    """Print the tables of both sets of seeds."""
    print(f"{DAYS} days, reviewed every hour, {len(TOKENS)} tokens, {len(STRATEGIES)} strategies; with minus without,")
    print("mean over seeds ± half of the 95 % interval (t), * where it excludes 0")
    print(f"{'':<13}{''.join(f'{name:>16} ' for name in FIGURES)}{''.join(f'{name[:8]:>9}' for name in COUNTED)}")
    kinds: dict[str, float] = {}
    for seeds in SETS:
        of_set = {}
        for regime in REGIMES:
            of_set[regime] = [played(seed, regime) for seed in seeds]
            report(seeds, regime, of_set[regime])
        report_strategies("in a crash", of_set["crash"])
        others = zip(*(runs for regime, runs in of_set.items() if regime != "crash"), strict=True)
        report_strategies("elsewhere", [over_regimes(runs) for runs in others])
        for run in (run for runs in of_set.values() for run in runs):
            for kind in TYPES:
                kinds[kind] = kinds.get(kind, 0) + run.counts[kind].sum()
    print("\nall adjustments: " + ", ".join(f"{kind} {count:.0f}" for kind, count in kinds.items()))


def over_regimes(runs: tuple[Played, ...]) -> Played:
    """Return the mean of one seed's regimes: they share their luck, so they are one unit."""
    return runs[0]._replace(figures=np.mean([run.figures for run in runs], axis=0))


class Clock:
    """Adds up the processor's seconds of what it is told to time: others may be busy on the machine."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return what some work returns."""
        began = time.thread_time()
        result = work(*arguments)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.thread_time() - began
        return result


DENSITIES: dict[str, dict[str, object]] = {
    "as they are": {},
    "few adjustments": {"adjustment_cooldown_minutes": 1440},
    "as many as can be": {"adjustment_cooldown_minutes": 1, "max_daily_adjustments": 100,
                          "performance_window_trades": 5, "learning_rate": "0.01"},
}  # fmt: skip
"""How often sessions are adjusted; small steps seldom end at a bound."""


def measure_speed(n_sessions: int) -> None:
    """Print what Auto Pilot costs, part by part, as a share of the kernel's time for the same sessions."""
    print(f"\n{n_sessions:,} sessions, {len(TOKENS)} tokens; means of {COST_PERIODS} periods after {WARM_PERIODS}; "
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
    clock, seen = Clock(), dict.fromkeys(("trades", "adjusted", "twins"), 0.0)
    for number, segment in enumerate(segments(market, rules.review_blocks)):
        if number == WARM_PERIODS:
            clock, seen = Clock(), dict.fromkeys(seen, 0.0)
        elif number == WARM_PERIODS + COST_PERIODS:
            break
        for at, (before, policy) in enumerate(flights):
            state, adjusted = period(before, segment, (terms, rules), policy, clock, is_bare_first=number % 2 == 0)
            flights[at] = Piloted(state, policy)
            seen["trades"] += int((state.sessions["completed_trades"] - before.sessions["completed_trades"]).sum())
            seen["adjusted"] += adjusted
            seen["twins"] += len(state.twins)
    each = {name: seconds / COST_PERIODS for name, seconds in clock.seconds.items()}
    each["writing"] -= each["kernel"]
    return each, {name: value / COST_PERIODS for name, value in seen.items()}


def validated(settings: dict[str, object]) -> dict[str, object]:
    """Return settings of a strategy as it holds them."""
    strategy = Strategy.model_validate({"name": "any", **settings})
    return {name: getattr(strategy, name) for name in settings}


def period(
    state: Cohort, segment: Segment, market: tuple[Any, Any], policy: Policy, clock: Clock, *, is_bare_first: bool
) -> tuple[Cohort, int]:
    """Trade a review period and review it; return the sessions and how many were adjusted, and time each part.

    They are traded without Auto Pilot too, first or last by turns, for the time of the kernel alone.
    """
    bare = state.copy()
    bare.tuning["is_watched"] = 0
    bare = Cohort(bare.sessions, bare.holdings, bare.tuning, bare.twins[:0], bare.twin_holdings[:0])
    if is_bare_first:
        advanced(bare, segment, market, clock, "kernel")
    state = advanced(state, segment, market, clock, "writing")
    verdict = clock.timed("reviewing", review, shown(state), policy, conditions(segment))
    with_twins = carrying._with_twins  # noqa: SLF001 -- to be told apart
    moved = clock.seconds.get("twins", 0.0)
    carrying._with_twins = lambda *a: clock.timed("twins", with_twins, *a)  # noqa: SLF001
    state = clock.timed("carrying out", carry_out, state, verdict.changes, policy.calendar)
    carrying._with_twins = with_twins  # noqa: SLF001
    clock.seconds["carrying out"] -= clock.seconds["twins"] - moved
    clock.timed("words", lambda: [*map(judgement_of, verdict.changes.judgements),
                                  *map(adjustment_of, verdict.changes.adjustments)])  # fmt: skip
    if not is_bare_first:
        advanced(bare, segment, market, clock, "kernel")
    return state, len(verdict.changes.adjustments)


def advanced(state: Cohort, segment: Segment, market: tuple[Any, Any], clock: Clock, name: str) -> Cohort:
    """Return sessions traded through a segment; the kernel's time goes to ``name``, that of twins to theirs."""
    stepped, note, watch = cohorts._stepped, cohorts.note, cohorts.watch  # noqa: SLF001 -- to be told apart
    names = iter((name, "twins"))  # the sessions come first

    def timed_apart(*arguments: Any, **options: Any) -> Any:
        part, watched = next(names), clock.seconds.get("watching", 0.0)
        outcome = clock.timed(part, lambda: stepped(*arguments, **options))
        clock.seconds[part] -= clock.seconds.get("watching", 0.0) - watched
        return outcome

    cohorts._stepped = timed_apart  # noqa: SLF001 -- as above
    cohorts.note = lambda *a: clock.timed("watching", note, *a)
    cohorts.watch = lambda *a: clock.timed("watching", watch, *a)
    after, _ = cohorts.advance(state, segment, *market)
    cohorts._stepped, cohorts.note, cohorts.watch = stepped, note, watch  # noqa: SLF001 -- as above
    return after


def report_speed(name: str, seconds: dict[str, float], seen: dict[str, float]) -> None:
    """Print one line."""
    kernel = seconds["kernel"]
    shares = [100 * seconds[part] / kernel for part in COSTS]
    cells = [f"{seen[what]:.0f}" for what in ("trades", "adjusted", "twins")]
    cells += [f"{1e3 * kernel:.1f}", *(f"{share:.1f}" for share in (*shares, sum(shares)))]
    cells += [f"{100 * seconds[part] / kernel:.1f}" for part in ("words", "twins")]
    print(name + "".join(f"{cell:>13}" for cell in cells), flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=10_000, help="of the measurement of costs; 0 leaves it out")
    parser.add_argument("--speed", action="store_true", help="measure costs alone")
    given = parser.parse_args()
    print(heading())
    if not given.speed:
        measure_help()
    if given.sessions:
        measure_speed(given.sessions)


if __name__ == "__main__":
    main()
