"""Session-blocks per second of the compiled kernel on one core, with all realism on.

    .venv/bin/python benchmarks/kernel.py

The market is the synthetic one with its signals, made before the clock starts. Sessions have the default
realism (delay, network issues, adverse flow, reverts) and a strategy of few trades; `busy` has an aggressive
strategy that decides every few blocks, for the cost of trading itself. Nothing is written down (record: none).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from actors.market import Market
from simulation import cohort
from simulation.choices import Side, TradeStatus
from simulation.market.segment import terms_of
from simulation.scenario import Scenario
from simulation.trading.rules import rules_of

BUDGET_MILLIONS = 100.0
SESSIONS = 2_000
BLOCKS = 7_200
REPEATS = 5

WETH = {"symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
        "pools": [{"fee_bp": 5, "liquidity_usd": 2e8}]}  # fmt: skip
FEW_TRADES = {"confidence_threshold": 70, "max_daily_trades": 4}
MANY_TRADES = {"trading_mode": "AGGRESSIVE", "decision_interval_blocks": 5, "confidence_threshold": 0,
               "max_daily_trades": 1000, "stop_loss_percent": 0.3, "take_profit_percent": 0.3}  # fmt: skip


class Measured(NamedTuple):
    """What one workload came to."""

    millions: float  # session-blocks a second
    orders: float  # of a session a day
    held_percent: float  # of its blocks with an open position


def scenario(strategy: dict[str, object]) -> Scenario:
    """Return a one-token scenario in which every session has this strategy."""
    accounts = [{"name": f"session {number}", "strategy": strategy} for number in range(SESSIONS)]
    market = {"source": "synthetic", "tokens": [WETH]}
    return Scenario.model_validate({"seed": 7, "record": "none", "market": market, "accounts": accounts})


def measure(strategy: dict[str, object]) -> Measured:
    """Time one core stepping all sessions over one day, the fastest of some repeats."""
    plan = scenario(strategy)
    market = Market(plan)
    _, segment, _ = market.segment(market.begin(), BLOCKS)
    rules, tokens = rules_of(plan), terms_of(market.tokens)
    start = cohort.begin(plan.accounts, range(SESSIONS), market.tokens, rules)
    _, written = cohort.advance(start, segment, tokens, rules._replace(write_trades=True))
    fastest = float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        cohort.advance(start, segment, tokens, rules)
        fastest = min(fastest, time.perf_counter() - began)
    session_blocks = SESSIONS * BLOCKS
    return Measured(
        session_blocks / fastest / 1e6,
        len(written.trades) / SESSIONS,
        100.0 * blocks_held(written.trades) / session_blocks,
    )


def blocks_held(trades: np.ndarray) -> int:
    """Return the blocks from every purchase to the end, less those from every sale."""
    filled = trades[trades["status"] == TradeStatus.COMPLETED]
    signs = np.where(filled["side"] == Side.BUY, 1, -1)
    return int((signs * (BLOCKS - filled["block"])).sum())


def main() -> None:
    """Print the table."""
    print(heading())
    print(f"{SESSIONS:,} sessions x {BLOCKS:,} blocks, one token, one core, all realism on, fastest of {REPEATS}")
    print(f"{'workload':<12} {'million session-blocks/s':>26} {'orders a day':>14} {'blocks in a position':>22}")
    for name, strategy in (("few trades", FEW_TRADES), ("busy", MANY_TRADES)):
        result = measure(strategy)
        print(f"{name:<12} {result.millions:>26.0f} {result.orders:>14.1f} {result.held_percent:>20.1f} %")
    print(f"budget: {BUDGET_MILLIONS:.0f} million for few trades")


if __name__ == "__main__":
    main()
