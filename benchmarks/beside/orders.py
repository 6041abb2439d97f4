"""An order in every bar: a thousand sessions beside the thousand columns of vectorbt's ``from_signals``.

An analyst says to buy in even blocks and to sell in odd ones, always sure of it. Each session trades a fixed value of
its own, without delay: what is decided at a block is included in the next one, in which the next order is decided. So
there are a thousand blocks with an order in each of them.

vectorbt's ``from_signals`` runs on one core, and ours does so as well; sessions do not know of each other, so that the
last two lines give every core its part of them.

Without realism both are one model: the pool's mids are vectorbt's prices, and a constant product pool keeps its fee
of the input where vectorbt adds it to the cost, so that a purchase's fee f is f / (1 - f) there. What is left is the
price impact, which is less than the order's value over the reserve, and whole base units.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from beside.measuring import Line, alternated, memory_lines, tell_peak

if TYPE_CHECKING:
    from simulation.cohort import Cohort
    from simulation.market.segment import Segment, Terms
    from simulation.trading.rules import Rules

COLUMNS = BARS = 1_000
SMALL = 10
REPEATS = 5
SPEED_BUDGET, MEMORY_BUDGET = "≥ 2", "≥ 5"

FEE = 0.0005
VALUES_USD = np.linspace(500, 1_500, COLUMNS).round(2)
BALANCE_USD = 1_000_000
DEEP_USD, USUAL_USD = 1e11, 2e8
"""USD in the pool, half of it on either side."""
LARGEST_DIFFERENCE = 2 * VALUES_USD.max() / (DEEP_USD / 2)
"""Of an order's output, as a part of it: the impact of the largest order, twice, since the pool's depth wanders."""

PLAIN = {
    "base_slippage_percent": 0, "execution_delay_ms": 0, "failure_rate_percent": 0,
    "simulate_network_issues": False, "simulate_mev": False,
}  # fmt: skip
REAL: dict[str, object] = {}
"""What an account has by default: delay, late and lost orders, adverse flow, sandwiches, reverts."""
STRATEGY = {
    "decision_interval_blocks": 1, "max_position_size_percent": 100, "max_daily_trades": 1000,
    "stop_loss_percent": 50, "take_profit_percent": 1000, "max_hold_hours": 720,
}  # fmt: skip


class Ours(NamedTuple):
    """Sessions before their first block, and what they trade on."""

    cohort: Cohort
    segment: Segment
    terms: Terms
    rules: Rules


def ours(n: int, liquidity_usd: float, trading: dict[str, object]) -> Ours:
    """Return ``n`` sessions on ``n`` blocks and the one in which the last order is included."""
    from actors.market import Market  # noqa: PLC0415 -- the peer's memory is measured without it
    from simulation import cohort as cohorts  # noqa: PLC0415
    from simulation.intelligence.analysts import Scores, records_of  # noqa: PLC0415
    from simulation.market.segment import Segment, terms_of  # noqa: PLC0415
    from simulation.scenario import Scenario  # noqa: PLC0415
    from simulation.trading.rules import rules_of  # noqa: PLC0415

    token = {"symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
             "pools": [{"venue": "uniswap_v2", "fee_bp": 5, "liquidity_usd": liquidity_usd}]}  # fmt: skip
    accounts = [
        {"name": f"session {row}", "initial_balance_usd": BALANCE_USD, "trading": trading,
         "strategy": {**STRATEGY, "max_trade_size_usd": float(VALUES_USD[row])}}
        for row in range(n)
    ]  # fmt: skip
    plan = Scenario.model_validate({
        "seed": 7, "record": "none", "market": {"source": "synthetic", "tokens": [token]},
        "accounts": accounts,
    })  # fmt: skip
    market, rules = Market(plan), rules_of(plan)
    _, made, _ = market.segment(market.begin(), n + 1)
    if trading:  # a block for every slot, and a place in each for everybody
        made.gas["is_missed"] = made.gas["marginal_tip_wei"] = 0
    opportunity = np.where(np.arange(n + 1) % 2 == 0, 100.0, 0.0)[:, None]
    signals = records_of(Scores(opportunity, np.full((n + 1, 1), 100.0)), (n + 1, 1))
    segment = Segment(made.first_block, made.mids, made.pools, made.gas, signals[None])
    begun = cohorts.begin(plan.accounts, range(n), market.tokens, rules)
    return Ours(begun, segment, terms_of(market.tokens), rules)


def trade(one: Ours, *, is_written: bool = False) -> tuple[Cohort, Any]:
    """Step the sessions through all blocks; return them, and their trades where they are written down."""
    from simulation import cohort as cohorts  # noqa: PLC0415 -- as above

    after, outcome = cohorts.advance(one.cohort, one.segment, one.terms, one.rules._replace(write_trades=is_written))
    return after, outcome.trades


def parts_of(one: Ours, n_cores: int) -> list[Ours]:
    """Return as many sessions for each core, as a sweep's workers hold them: a session depends on no other."""
    rows = np.arange(len(one.cohort.sessions))
    return [one._replace(cohort=one.cohort.some(rows[core::n_cores])) for core in range(n_cores)]


def trade_at_once(parts: list[Ours], pool: ThreadPoolExecutor) -> list[Cohort]:
    """Step every part on a core of its own."""
    return [after for after, _ in pool.map(trade, parts)]


def theirs(prices: Any, n: int) -> Any:
    """Return vectorbt's portfolio of ``n`` columns over the prices."""
    import vectorbt as vbt  # noqa: PLC0415 -- our memory is measured without it

    is_entry = np.arange(len(prices))[:, None] % 2 == 0
    entries = np.repeat(is_entry, n, axis=1)
    return vbt.Portfolio.from_signals(
        np.asarray(prices, np.float64)[:, None],
        entries,
        ~entries,
        size=VALUES_USD[None, :n] * (1 - FEE),
        size_type="value",
        fees=np.where(is_entry, FEE / (1 - FEE), FEE),
        init_cash=BALANCE_USD,
    )


def prices_of(one: Ours) -> Any:
    """Return the mids of the blocks in which orders are included, USD a whole token, from the pool's reserves."""
    pools = one.segment.pools[1:, 0]
    usd = (pools["other_hi"] * 2.0**64 + pools["other_lo"]) / 1e6
    return usd / ((pools["reserve_hi"] * 2.0**64 + pools["reserve_lo"]) / 1e18)


def difference(one: Ours) -> float:
    """Return the largest difference of an order's output between both, as a part of it; AssertionError beyond it."""
    _, trades = trade(one, is_written=True)
    orders = theirs(prices_of(one), COLUMNS).orders.values
    assert len(trades) == len(orders) == COLUMNS * BARS, (len(trades), len(orders))
    trades = trades[np.lexsort((trades["trade"], trades["session"]))]
    orders = orders[np.lexsort((orders["idx"], orders["col"]))]
    assert (trades["session"] == orders["col"]).all()
    assert (trades["block"] == orders["idx"] + 1).all()
    assert ((trades["side"] == 2) == (orders["side"] == 1)).all()
    is_sale = orders["side"] == 1
    got = trades["out_hi"] * 2.0**64 + trades["out_lo"]
    received = np.where(is_sale, got / 1e6, got / 1e18)
    expected = np.where(is_sale, orders["size"] * orders["price"] - orders["fees"], orders["size"])
    largest = float(np.abs(received / expected - 1).max())
    assert largest <= LARGEST_DIFFERENCE, f"an order differs by {largest:.2g}"
    return largest


def orders_of(cohorts: list[Cohort]) -> int:
    """Return how many orders sessions have sent."""
    return sum(int(cohort.sessions["next_trade"].sum()) for cohort in cohorts)


def lines() -> list[Line]:
    """Measure, check, and return what belongs into the table."""
    plain, real = ours(COLUMNS, DEEP_USD, PLAIN), ours(COLUMNS, USUAL_USD, REAL)
    prices = prices_of(plain)
    largest = difference(plain)
    sent = orders_of([trade(real)[0]])
    n_cores = len(os.sched_getaffinity(0))
    plain_parts, real_parts = parts_of(plain, n_cores), parts_of(real, n_cores)
    with ThreadPoolExecutor(n_cores) as pool:
        seconds = alternated(
            REPEATS,
            lambda: theirs(prices, COLUMNS),
            lambda: trade(plain),
            lambda: trade(plain, is_written=True),
            lambda: trade(real),
            lambda: trade_at_once(plain_parts, pool),
            lambda: trade_at_once(real_parts, pool),
        )
        assert orders_of(trade_at_once(real_parts, pool)) == sent
    peer = COLUMNS * BARS / seconds[0] / 1e6
    print(f"orders: outputs differ by {largest:.1e} at most (bound {LARGEST_DIFFERENCE:.1e}); with all realism")
    print(f"{sent:,} of {COLUMNS * BARS:,} blocks have an order, because some are late, lost or reverted")
    unit = "million orders/s"
    return [
        Line("an order in every bar, without realism", unit, COLUMNS * BARS / seconds[1] / 1e6, peer, SPEED_BUDGET),
        Line("the same, every trade written down", unit, COLUMNS * BARS / seconds[2] / 1e6, peer, "none"),
        Line("with all realism", unit, sent / seconds[3] / 1e6, peer, SPEED_BUDGET),
        Line(f"on {n_cores} cores, without realism", unit, COLUMNS * BARS / seconds[4] / 1e6, peer, SPEED_BUDGET),
        Line(f"on {n_cores} cores, with all realism", unit, sent / seconds[5] / 1e6, peer, SPEED_BUDGET),
        *memory_lines("orders", "orders", MEMORY_BUDGET),
    ]


def alone_ours() -> None:
    """Tell the memory of our sessions."""
    tell_peak(lambda: trade(ours(SMALL, DEEP_USD, PLAIN)), lambda: trade(ours(COLUMNS, DEEP_USD, PLAIN)))


def alone_theirs() -> None:
    """Tell the memory of vectorbt's columns."""
    prices = 3_000 * (1 + 0.001 * np.sin(np.arange(BARS)))
    tell_peak(lambda: theirs(prices[:SMALL], SMALL), lambda: theirs(prices, COLUMNS))


ALONE = {"ours": alone_ours, "theirs": alone_theirs}
