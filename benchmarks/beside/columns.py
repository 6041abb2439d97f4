"""Ten thousand pairs of moving averages, each a session of a cohort, beside as many columns of vectorbt."""

from __future__ import annotations

from typing import Any

import numpy as np
from beside import averages
from beside.averages import BALANCE_USD, FEE, VALUE_USD, Pair, Results, World
from beside.measuring import Line, alternated, memory_lines, tell_peak

WINDOWS = range(20, 162)
"""From 20 on, since the price of a pool stands still for some blocks: two means that are equal cross nowhere."""
BARS = 1_500
REPEATS = 2
SMALL = range(20, 24)


def theirs(market: World, windows: range) -> Results:
    """Return what vectorbt's columns come to."""
    import vectorbt as vbt  # noqa: PLC0415 -- our memory is measured without it

    short, long = vbt.MA.run_combs(market.prices[:-1], window=list(windows), r=2)
    seen = slice(market.n_past, None)
    portfolio = vbt.Portfolio.from_signals(
        market.prices[market.n_past + 1 :, None],
        short.ma_crossed_above(long).to_numpy()[seen],
        short.ma_crossed_below(long).to_numpy()[seen],
        size=VALUE_USD * (1 - FEE),
        size_type="value",
        fees=FEE,
        init_cash=BALANCE_USD,
    )
    return Results(counted(portfolio), np.asarray(portfolio.final_value()))


def counted(portfolio: Any) -> Any:
    """Return the orders of each column."""
    return np.asarray(portfolio.orders.count())


def lines() -> list[Line]:
    """Measure, check, and return what belongs into the table."""
    market, pairs = averages.world(WINDOWS[-1], BARS), averages.pairs_of(WINDOWS)
    for pair in pairs[:: len(pairs) // 7]:
        averages.check_analyst(market, pair)
    mine, peer = averages.traded(market, pairs), theirs(market, WINDOWS)  # compiles both
    largest = averages.compared(mine, peer)
    print(f"averages: {len(pairs):,} pairs of windows on {BARS:,} bars, {mine.orders.sum():,} orders; as many a pair;")
    print(f"final equities of {BALANCE_USD:,} USD differ by {largest:.1e} USD at most")
    seconds = alternated(REPEATS, lambda: averages.traded(market, pairs), lambda: theirs(market, WINDOWS))
    n = len(pairs)
    return [
        Line("10⁴ pairs of moving averages", "pairs/s", n / seconds[0], n / seconds[1], "none"),
        *memory_lines("10⁴ pairs", "columns", "none"),
    ]


def alone_ours() -> None:
    """Tell the memory of our sessions."""
    market = averages.world(WINDOWS[-1], BARS)

    def trade(pairs: list[Pair]) -> None:
        averages.traded(market, pairs)

    tell_peak(lambda: trade(averages.pairs_of(SMALL)), lambda: trade(averages.pairs_of(WINDOWS)))


def alone_theirs() -> None:
    """Tell the memory of vectorbt's columns."""
    market = averages.world(WINDOWS[-1], BARS)
    tell_peak(lambda: theirs(market, SMALL), lambda: theirs(market, WINDOWS))


ALONE = {"ours": alone_ours, "theirs": alone_theirs}
