"""Does the Auto Pilot help, and what does it cost?

    .venv/bin/python benchmarks/autopilot.py [--sessions 10000]

The same strategies trade the same markets with the same luck, without Auto Pilot and with it at each aggressiveness. The
policy was tuned on seeds 1 to 30; seeds 101 to 130 confirm it. The regimes differ in what a cautious rule earns there:
in a normal market neither buying nor waiting pays, in a crash having little pays, and in a choppy one prices come back, so
that whoever is scared out of it loses. Differences are with minus without, averaged over the strategies of a market; a
market is one independent unit, and the interval is Student's t over the seeds, 95 %.
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
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.outcomes import T_975, OutcomeKind
from simulation.autopilot.policy import Policy, Review, Verdict, review
from simulation.autopilot.review import apply, settle
from simulation.intelligence.roster import roster_of
from simulation.market.segment import Segment, terms_of
from simulation.performance.metrics import periods_per_year, sharpe_ratio
from simulation.scenario import Scenario
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation.cohort import Cohort

SETS = {"tuned on": range(1, 31), "not tuned on": range(101, 131)}
REGIMES = ("normal", "crash", "chop", "bull")
MANNERS = ("CONSERVATIVE", "MODERATE", "AGGRESSIVE")
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
    """What became of one market's sessions; shape (strategies, without and each manner)."""

    figures: np.ndarray  # (strategies, 1 + manners, figures)
    counts: dict[str, np.ndarray]  # (strategies, 1 + manners) each


def scenario(seed: int, regime: str) -> Scenario:
    """Return a market and its accounts: each strategy without Auto Pilot, then at each aggressiveness."""
    variants: list[dict[str, object]] = [
        {},
        *({"autopilot_enabled": True, "adaptation_aggressiveness": manner} for manner in MANNERS),
    ]
    accounts = [
        {
            "name": f"{name} {place}",
            "initial_balance_usd": 100_000,
            "strategy": {**strategy, **variant, "max_trade_size_usd": 20_000},
        }
        for name, strategy in STRATEGIES.items()
        for place, variant in enumerate(variants)
    ]
    market = {"source": "synthetic", "tokens": TOKENS, "regime": regime}
    fields = {"seed": seed, "record": "none", "blocks": DAYS * DAY_BLOCKS, "market": market, "gas": GAS}
    return Scenario.model_validate({**fields, "accounts": accounts})


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
    variants = 1 + len(MANNERS)
    luck = [row // variants for row in range(len(plan.accounts))]  # a strategy's own, whatever its manner
    analysts = [rows[0] for rows in roster_of(plan.accounts).rows]
    state = cohorts.begin(plan.accounts, luck, market.tokens, rules, analysts)
    terms, calendar = terms_of(market.tokens), Calendar(rules.block_time_ms, rules.day_offset_ms)
    policies = policies_of([a.strategy for a in plan.accounts], [a.trading for a in plan.accounts])
    policy = Policy(policies, calendar, IGNORANT)
    counts = {name: np.zeros(len(plan.accounts)) for name in COUNTED}
    for segment in segments(market, rules.review_blocks):
        state, _ = cohorts.advance(state, segment, terms, rules)
        counts["paused %"] += state.sessions["paused"] * 100 * rules.review_blocks / plan.blocks
        verdict = review(shown(state), policy, [market_conditions(segment, a) for a in range(len(segment.signals))])
        state = changed(state, verdict, calendar)
        count(verdict, counts)
    counts["switched off"] += state.tuning["disabled"]
    yearly = periods_per_year(rules.review_blocks, rules.block_time_ms)
    shape = (len(STRATEGIES), variants)
    figures = np.array([figures_of(session, yearly) for session in state.sessions]).reshape(*shape, -1)
    return Played(figures, {name: values.reshape(shape) for name, values in counts.items()})


def shown(state: Cohort) -> Review:
    """Return what the sessions show the Auto Pilot, numbered by their rows."""
    rows = np.arange(len(state.sessions))
    return Review(rows, np.zeros_like(rows), state.sessions, state.tuning)


def changed(state: Cohort, verdict: Verdict, calendar: Calendar) -> Cohort:
    """Return the sessions with a verdict carried out."""
    for judgement in verdict.judgements:
        state = settle(state, judgement.session, judgement)
    for adjustment in verdict.adjustments:
        state = apply(state, adjustment.session, adjustment, calendar)
    return state


COUNTED = ("adjustments", "reversals", *(kind.name.lower() for kind in OutcomeKind if kind), "switched off", "paused %")


def count(verdict: Verdict, counts: dict[str, np.ndarray]) -> None:
    """Add what a review came to."""
    for made in verdict.adjustments:
        counts["reversals" if made.is_reversal else "adjustments"][made.session] += 1
        key = made.type.value.lower()
        counts.setdefault(key, np.zeros_like(counts["adjustments"]))[made.session] += 1
    for judgement in verdict.judgements:
        counts[judgement.outcome.name.lower()][judgement.session] += 1


def figures_of(session: np.void, yearly: float) -> tuple[float, float, float]:
    """Return return, annualised Sharpe ratio and deepest drawdown of a session."""
    gained = 100 * (int(session["equity_micro_usd"]) / int(session["initial_micro_usd"]) - 1)
    count, mean, m2 = (session[name] for name in ("return_count", "return_mean", "return_m2"))
    return gained, sharpe_ratio(int(count), float(mean), float(m2), yearly), int(session["max_drawdown_bp"]) / 100


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the mean of independent differences and half the width of its 95 % confidence interval."""
    n = len(differences)
    return float(differences.mean()), float(T_975[n - 2] * differences.std(ddof=1) / sqrt(n))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--save")
    parser.add_argument("--sets", default="01")
    args = parser.parse_args()
    print(heading())
    saved: dict[str, Any] = {}
    for at, (name, seeds) in enumerate(SETS.items()):
        if str(at) not in args.sets:
            continue
        for regime in REGIMES:
            began = time.perf_counter()
            runs = [played(seed, regime) for seed in seeds]
            saved[name, regime] = runs
            figures = np.array([run.figures for run in runs])
            without = figures[:, :, 0].mean(axis=(0, 1))
            print(f"{name}, {regime}: without {np.round(without, 2)}   {time.perf_counter() - began:.1f} s")
            for place, manner in enumerate(MANNERS, 1):
                d = (figures[:, :, place] - figures[:, :, 0]).mean(axis=1)
                line = "  ".join("{:+.3f} ±{:.3f}".format(*interval(d[:, f])) for f in range(3))
                cs = {k: sum(run.counts[k][:, place].sum() for run in runs if k in run.counts) for k in COUNTED}
                cs["paused %"] /= len(runs) * len(STRATEGIES)
                print(f"   {manner:<13} {line}  " + " ".join(f"{k}:{v:.0f}" for k, v in cs.items()))
    if args.save:
        import pickle

        Path(args.save).write_bytes(pickle.dumps({k: [tuple(r) for r in v] for k, v in saved.items()}))


if __name__ == "__main__":
    main()
