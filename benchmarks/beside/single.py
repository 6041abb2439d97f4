"""Some hundred pairs of moving averages, each a run of backtesting.py in its own ``optimize``, beside a cohort."""

from __future__ import annotations

import warnings

import backtesting
import numpy as np
import pandas as pd
from backtesting.lib import crossover
from beside import averages
from beside.averages import BALANCE_USD, FEE, VALUE_USD, Pair, Results, World
from beside.measuring import Line, alternated

WINDOWS = range(20, 120, 4)
BARS = 1_500
OUR_REPEATS = 3
UNITS_PER_TOKEN = 10**8
"""backtesting.py trades whole units: of a hundred millionth of a token, 3e-5 USD."""


def mean(values: np.ndarray, bars: int) -> np.ndarray:
    """Return the mean of so many bars at each bar, nan where there are fewer."""
    return np.asarray(pd.Series(values).rolling(bars).mean())


class Crossing(backtesting.Strategy):  # type: ignore[misc]
    """The crossing of the two means, as ``beside.averages`` states it."""

    short = 2
    long = 3
    n_past = 0

    def init(self) -> None:
        """Make the means. In a list backtesting.py would not see them, and show all of their future in every bar."""
        self.short_mean = self.I(mean, self.data.Close, self.short)
        self.long_mean = self.I(mean, self.data.Close, self.long)

    def next(self) -> None:
        """Buy or sell at the next bar. The price there is told in ``Fill``, since the value bought is fixed there."""
        if len(self.data) <= self.n_past:
            return
        short, long = self.short_mean, self.long_mean
        if not self.position and crossover(short, long):
            self.buy(size=round(VALUE_USD * (1 - FEE) / self.data.Fill[-1]))
        elif self.position and crossover(long, short):
            self.position.close()


def theirs(market: World, windows: range) -> tuple[pd.Series, backtesting.Backtest]:
    """Return the final equities by pair, and the backtest."""
    times = pd.date_range("2024-01-01", periods=len(market.prices), freq="12s")
    price = pd.Series(market.prices / UNITS_PER_TOKEN, times)
    data = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), price))
    data["Fill"] = price.shift(-1, fill_value=1.0)
    Crossing.n_past = market.n_past
    backtest = backtesting.Backtest(data, Crossing, cash=BALANCE_USD, commission=FEE)
    _, equities = backtest.optimize(
        short=list(windows),
        long=list(windows),
        constraint=lambda one: one.short < one.long,
        maximize="Equity Final [$]",
        return_heatmap=True,
    )
    return equities.dropna(), backtest


def orders_of(backtest: backtesting.Backtest, pair: Pair) -> int:
    """Return how many orders of a pair were filled, the purchase of what is held at the end included."""
    stats = backtest.run(short=pair[0], long=pair[1])
    return 2 * len(stats["_trades"]) + len(stats["_strategy"].trades)


def lines() -> list[Line]:
    """Measure, check, and return what belongs into the table."""
    warnings.filterwarnings("ignore", module="backtesting")
    market, pairs = averages.world(WINDOWS[-1], BARS), averages.pairs_of(WINDOWS)
    mine = averages.traded(market, pairs)  # compiles
    kept: list[tuple[pd.Series, backtesting.Backtest]] = []
    (peer,) = alternated(1, lambda: kept.append(theirs(market, WINDOWS)))
    (ours,) = alternated(OUR_REPEATS, lambda: averages.traded(market, pairs))
    equities, backtest = kept[0]
    some = pairs[:: len(pairs) // 10]
    orders = mine.orders.copy()
    for pair in some:
        orders[pairs.index(pair)] = orders_of(backtest, pair)
    largest = averages.compared(mine, Results(orders, np.array([equities[pair] for pair in pairs])))
    print(f"backtesting.py: {len(pairs)} pairs on {BARS:,} bars; final equities differ by {largest:.1e} USD at most,")
    print(f"and {len(some)} pairs were asked for their orders: as many")
    n = len(pairs)
    return [Line("crossing, backtesting.py optimize", "trials/s", n / ours, n / peer, "none")]
