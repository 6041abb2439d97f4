"""Speed against care: what the FAST and the SMART lane cost, over several markets.

    .venv/bin/python benchmarks/lanes.py [--seeds 20]

Trades ``examples/lanes.yaml`` in this process with each seed. Costs are in basis points of what was paid with, against
the mid of the decision's block; positive is worse. ``wait`` is from decision to inclusion.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import yaml
from heading import heading

from actors.market import Market
from simulation import cohort
from simulation.choices import Reason, Side, TradeStatus
from simulation.market.segment import terms_of
from simulation.scenario import Scenario
from simulation.trading.rules import rules_of
from simulation.wei import join

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENARIO = Path(__file__).parent.parent / "examples" / "lanes.yaml"
SEGMENT_BLOCKS = 1_800
PARTS = ("fee", "impact", "drift", "sandwich")


def played(seed: int) -> tuple[list[NDArray[Any]], list[NDArray[Any]], NDArray[Any], Scenario]:
    """Return the trades and decisions of one market, segment by segment, and the sessions at its end."""
    scenario = Scenario.model_validate({**yaml.safe_load(SCENARIO.read_text()), "seed": seed})
    market, rules = Market(scenario), rules_of(scenario)
    sessions = cohort.begin(scenario.accounts, range(len(scenario.accounts)), market.tokens, rules)
    carried, terms = market.begin(), terms_of(market.tokens)
    trades, decisions = [], []
    for _ in range(scenario.blocks // SEGMENT_BLOCKS):
        _, segment, carried = market.segment(carried, SEGMENT_BLOCKS)
        sessions, outcome = cohort.advance(sessions, segment, terms, rules)
        trades.append(outcome.trades)
        decisions.append(outcome.decisions)
    return trades, decisions, sessions.sessions, scenario


def paid(trade: np.void) -> float:
    """Return what a filled order was worth, USD: what a purchase paid or a sale received."""
    amount = ("in_hi", "in_lo") if trade["side"] == Side.BUY else ("out_hi", "out_lo")
    return join(trade[amount[0]], trade[amount[1]]) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    runs = [played(seed) for seed in range(1, seeds + 1)]
    names = [account.name for account in runs[0][3].accounts]
    trades = np.concatenate([part for run in runs for part in run[0]])
    decisions = np.concatenate([part for run in runs for part in run[1]])
    gained = np.array([(run[2]["equity_micro_usd"] / run[2]["initial_micro_usd"] - 1) * 100 for run in runs])
    print(f"{heading()}; {seeds} seeds of {SCENARIO.name}, {runs[0][3].blocks:,} blocks each")
    columns = ("orders", "filled %", "wait s", *(f"{part} bp" for part in PARTS), "gas bp", "too costly", "return %")
    print(f"{'account':<16}" + "".join(f"{column:>12}" for column in columns))
    for row, name in enumerate(names):
        mine = trades[trades["session"] == row]
        filled = mine[mine["status"] == TradeStatus.COMPLETED]
        volume = sum(paid(trade) for trade in filled)
        wait_s = float(np.mean(filled["block"] - filled["decided_block"])) * runs[0][3].block_time_ms / 1000
        costs_bp = [filled[f"{part}_micro_usd"].sum() / volume / 100 for part in PARTS]
        refused = decisions[(decisions["session"] == row) & (decisions["reason"] == Reason.TOO_COSTLY)]
        figures = (
            f"{len(mine):,}", f"{100 * len(filled) / len(mine):.1f}", f"{wait_s:.1f}",
            *(f"{cost:.2f}" for cost in costs_bp), f"{mine['gas_micro_usd'].sum() / volume / 100:.2f}",
            f"{len(refused):,}", f"{gained[:, row].mean():+.2f}",
        )  # fmt: skip
        print(f"{name:<16}" + "".join(f"{figure:>12}" for figure in figures))


if __name__ == "__main__":
    main()
