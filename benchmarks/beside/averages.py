"""The crossing of two moving averages, for all pairs of windows, in one market.

One model in all programs: a fixed value is bought where the mean of the shorter window has risen above that of the
longer one since the bar before, and all of it is sold where it has fallen below; the order fills one bar later at that
bar's price, less 5 basis points. All programs are given as many bars before the first one as the longest window needs.
Ours trades them in a deep constant product pool; what it pays for gas is added to its results before they are compared.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation import cohort as cohorts
from simulation.cohort import Cohort
from simulation.intelligence.analysts import HISTORY_BLOCKS, MarketHistory, Scores, records_of
from simulation.market.segment import Segment, TokenInfo, terms_of
from simulation.scenario import Scenario
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.market.segment import Terms
    from simulation.trading.rules import Rules

FEE = 0.0005
VALUE_USD, BALANCE_USD = 1_000, 10_000
DEEP_USD = 1e11
"""USD in the pool, half of it on either side."""
CHUNK = 512
"""Pairs that are traded together: what an analyst says of a block takes 32 bytes."""
PLAIN = {
    "base_slippage_percent": 0, "execution_delay_ms": 0, "failure_rate_percent": 0,
    "simulate_network_issues": False, "simulate_mev": False,
}  # fmt: skip
STRATEGY = {
    "decision_interval_blocks": 1, "max_position_size_percent": 100, "max_daily_trades": 1000,
    "max_trade_size_usd": VALUE_USD, "stop_loss_percent": 50, "take_profit_percent": 1000, "max_hold_hours": 720,
}  # fmt: skip
DIFFERENCE_USD = VALUE_USD * (2 * VALUE_USD / (DEEP_USD / 2) + FEE**2) + 2e-6
"""Most by which an order differs: twice its price impact, the fee's fee of those who add it to a cost, and rounding."""

Pair = tuple[int, int]


class Crossing:
    """An analyst: for buying at a block where the short mean has risen above the long one, for selling where below.

    Means are sums of a fixed number of shifted rows, newest first, so that they are the same for every cut.
    """

    version = "1"

    def __init__(self, short_blocks: int, long_blocks: int) -> None:
        self._pair = short_blocks, long_blocks

    def analyse(self, market: MarketHistory) -> Scores:
        """Score by the crossing."""
        rows = market.price_usd[HISTORY_BLOCKS - 1 - max(self._pair) :]
        short, long = (means_of(rows[:, 0], blocks, market.n_blocks + 1)[-1] for blocks in self._pair)
        return crossings(short[None], long[None])


def means_of(prices: NDArray[np.float64], blocks: int, n_rows: int) -> NDArray[np.float64]:
    """Return the means of the last ``n_rows`` rows over 1, 2, ... ``blocks`` rows: ``(blocks, n_rows)``."""
    means, total, end = np.empty((blocks, n_rows)), np.zeros(n_rows), len(prices)
    for back in range(blocks):
        total = total + prices[end - n_rows - back : end - back]
        means[back] = total / (back + 1)
    return means


def crossings(short: NDArray[np.float64], long: NDArray[np.float64]) -> Scores:
    """Return the scores of pairs of means ``(n_pairs, 1 + n_blocks)``, of which the first row is the past.

    The scores have the shape ``(n_blocks, n_pairs)``.
    """
    side = np.sign(short - long)
    turn = np.where(side[:, 1:] != side[:, :-1], side[:, 1:], 0.0).T
    return Scores(50.0 + 50.0 * turn, np.full(turn.shape, 100.0))


class World(NamedTuple):
    """A market of which every program has the same prices."""

    prices: NDArray[np.float64]
    """USD, ``(n_past + n_bars + 1,)``: the past, the bars that are looked at, the last one in which orders fill."""
    n_past: int
    segment: Segment
    tokens: tuple[TokenInfo, ...]
    terms: Terms
    rules: Rules
    begun: Cohort
    """One session before its first block."""

    @property
    def n_bars(self) -> int:
        """How many bars are looked at."""
        return len(self.segment.gas) - 1


def world(n_past: int, n_bars: int) -> World:
    """Return a market with a past."""
    from actors.market import Market  # noqa: PLC0415 -- its imports are not needed by those who are given a market

    token = {"symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
             "pools": [{"venue": "uniswap_v2", "fee_bp": 5, "liquidity_usd": DEEP_USD}]}  # fmt: skip
    plan = Scenario.model_validate({
        "seed": 7, "record": "none", "market": {"source": "synthetic", "tokens": [token]},
        "gas": {"base_fee_gwei": 0.0001, "priority_fee_gwei": 0},
        "accounts": [{"name": "crossing", "initial_balance_usd": BALANCE_USD, "trading": PLAIN, "strategy": STRATEGY}],
    })  # fmt: skip
    market, rules = Market(plan), rules_of(plan)
    _, made, _ = market.segment(market.begin(), n_past + n_bars + 1)
    made.gas["is_missed"] = made.gas["marginal_tip_wei"] = 0  # in every block there is a place for everybody
    segment = Segment(0, made.mids[n_past:], made.pools[n_past:], made.gas[n_past:], made.signals[:, n_past:])
    begun = cohorts.begin(plan.accounts, [0], market.tokens, rules)
    return World(prices_of(made.pools[:, 0]), n_past, segment, market.tokens, terms_of(market.tokens), rules, begun)


def prices_of(pools: NDArray[np.void]) -> NDArray[np.float64]:
    """Return the mids of POOL records of an 18-decimal token, USD a whole one, from the reserves."""
    usd = (pools["other_hi"] * 2.0**64 + pools["other_lo"]) / 1e6
    return np.asarray(usd / ((pools["reserve_hi"] * 2.0**64 + pools["reserve_lo"]) / 1e18))


def pairs_of(windows: Sequence[int]) -> list[Pair]:
    """Return all pairs of a shorter and a longer window."""
    return list(combinations(windows, 2))


class Results(NamedTuple):
    """What the pairs came to; each ``(n_pairs,)``."""

    orders: NDArray[np.int64]
    equity_usd: NDArray[np.float64]
    """Without what was paid for gas."""


def traded(market: World, pairs: Sequence[Pair]) -> Results:
    """Trade all pairs, a chunk at a time."""
    means = means_of(market.prices[:-1], max(long for _, long in pairs), market.n_bars + 1)
    parts = [_traded(market, means, np.array(pairs[first : first + CHUNK])) for first in range(0, len(pairs), CHUNK)]
    return Results(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _traded(market: World, means: NDArray[np.float64], pairs: NDArray[np.int64]) -> Results:
    n = len(pairs)
    segment = Segment(0, market.segment.mids, market.segment.pools, market.segment.gas, signals_of(means, pairs))
    cohort = Cohort(
        np.repeat(market.begun.sessions, n), np.repeat(market.begun.holdings, n, axis=0),
        np.repeat(market.begun.tuning, n), market.begun.twins, market.begun.twin_holdings,
    )  # fmt: skip
    cohort.sessions["analyst"] = np.arange(n)
    sessions = cohorts.advance(cohort, segment, market.terms, market.rules)[0].sessions
    return Results(sessions["completed_trades"], (sessions["equity_micro_usd"] + sessions["gas_paid_micro_usd"]) / 1e6)


def signals_of(means: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.void]:
    """Return what the analysts of these pairs say: SIGNAL ``(n_pairs, n_bars + 1, 1)``; nothing of the last block."""
    scores = crossings(means[pairs[:, 0] - 1], means[pairs[:, 1] - 1])
    silent = np.full((1, len(pairs)), 50.0)
    scores = Scores(np.concatenate([scores.opportunity_percent, silent]), np.full((means.shape[1], len(pairs)), 100.0))
    records = records_of(scores, scores.opportunity_percent.shape)
    return np.ascontiguousarray(records.T)[:, :, None]


def check_analyst(market: World, pair: Pair) -> None:
    """Assert that what is traded is what an analyst by the rules says of the same prices."""
    told = signals_of(means_of(market.prices[:-1], max(pair), market.n_bars + 1), np.array([pair]))[0, :-1, 0]
    past = np.concatenate([np.full(HISTORY_BLOCKS - market.n_past, market.prices[0]), market.prices[:-1]])
    history = MarketHistory(past[:, None], past[:, None], past, ("WETH",))
    asked = records_of(Crossing(*pair).analyse(history), history.shape)[:, 0]
    assert (told == asked).all(), pair


def compared(mine: Results, theirs: Results) -> float:
    """Return the largest difference of final equity, USD; AssertionError where orders differ or that is too large."""
    wrong = np.flatnonzero(mine.orders != theirs.orders)
    assert len(wrong) == 0, f"{len(wrong)} pairs have another number of orders, the first is number {wrong[0]}"
    differences = np.abs(mine.equity_usd - theirs.equity_usd)
    assert (differences <= mine.orders * DIFFERENCE_USD).all(), differences.max()
    return float(differences.max())
