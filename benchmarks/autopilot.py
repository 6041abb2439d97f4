"""Whether the Auto Pilot helps.

    .venv/bin/python benchmarks/autopilot.py

The same strategies trade the same markets with the same luck, without Auto Pilot and with it at each
aggressiveness. The policy was tuned on seeds 1 to 30; seeds 101 to 130 confirm it. The regimes differ in what a
cautious rule earns there: in a normal market neither buying nor waiting pays, in a crash having little pays, in a
choppy one prices come back, so that whoever is scared out of it loses, and in a bull market waiting costs.
Differences are with minus without, averaged over the strategies of a market; a market is one independent unit, and
the interval is Student's t over the seeds, 95 %.
"""

from __future__ import annotations

import sys
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from actors.market import Market
from simulation import cohort as cohorts
from simulation.autopilot.carrying import piloted
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.outcomes import T_975, OutcomeKind
from simulation.autopilot.policy import Policy, Verdict
from simulation.autopilot.triggers import TYPES
from simulation.intelligence.roster import roster_of
from simulation.market.segment import Segment, terms_of
from simulation.performance.metrics import periods_per_year, sharpe_ratio
from simulation.scenario import Scenario
from simulation.settings.strategy import Strategy
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator


SETS = range(1, 31), range(101, 131)
"""Seeds that the policy was tuned on, and others that confirm it."""
REGIMES = ("normal", "crash", "chop", "bull")
MANNERS = ("CONSERVATIVE", "MODERATE", "AGGRESSIVE")
VARIANTS = "without", *MANNERS, "half the size"
"""The last one is what a cautious user might do instead: no Auto Pilot, and half the position size throughout."""
DAYS, DAY_BLOCKS = 7, 7_200


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
        state, verdict = piloted(state, policy, market_conditions(segment))
        count(verdict, counts)
    counts["switched off"] += state.tuning["disabled"]
    yearly = periods_per_year(rules.review_blocks, rules.block_time_ms)
    shape = (len(STRATEGIES), len(VARIANTS))
    figures = np.array([figures_of(session, yearly) for session in state.sessions]).reshape(*shape, -1)
    return Played(figures, {name: values.reshape(shape) for name, values in counts.items()})


COUNTED = ("adjustments", "reversals", *(kind.name.lower() for kind in OutcomeKind if kind), "switched off", "paused %")


def count(verdict: Verdict, counts: dict[str, np.ndarray]) -> None:
    """Add what a review came to."""
    judgements, adjustments, _ = verdict.changes
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


def main() -> None:
    """Print the tables."""
    print(heading())
    measure_help()


if __name__ == "__main__":
    main()
