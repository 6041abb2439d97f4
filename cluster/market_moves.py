"""How wildly prices move: volatility, drawdown and correlation of any number of blocks, taken in chunk by chunk."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cluster.market_series import Means

if TYPE_CHECKING:
    from cluster.market_series import Array, Grid, Line

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LAG_BLOCKS_MAX = 1_800
"""A return spans an hour, but never more blocks: they are kept from one chunk to the next."""

SHORTEST_WINDOW_MS, LONGEST_WINDOW_MS = 6 * HOUR_MS, 7 * DAY_MS


class Moves:
    """Overlapping returns of every token. Over an hour the bounce of a pool within its fee no longer counts."""

    def __init__(self, grid: Grid, block_time_ms: int, columns: int) -> None:
        self.lag_blocks = max(1, min(HOUR_MS // block_time_ms, LAG_BLOCKS_MAX, grid.blocks // 12))
        self.window_bins = _window_bins(grid, block_time_ms)
        self._scale = 100.0 * math.sqrt(DAY_MS / (self.lag_blocks * block_time_ms))
        self._squares = Means(grid, columns)
        self._sums, self._products = np.zeros(columns), np.zeros(columns)
        self._logs = np.zeros((0, columns))  # of the blocks that returns still begin at
        self._peaks, self._falls = np.zeros(columns), np.zeros(columns)

    def add(self, first_block: int, prices: Array) -> None:
        """Take in the prices of a chunk, ``(n_blocks, columns)``."""
        peaks = np.maximum.accumulate(np.vstack([self._peaks, prices]))
        self._peaks = peaks[-1]
        self._falls = np.maximum(self._falls, (1.0 - prices / peaks[1:]).max(axis=0))
        logs = np.concatenate([self._logs, np.log(prices)])
        self._logs = logs[-self.lag_blocks :].copy()
        returns = logs[self.lag_blocks :] - logs[: -self.lag_blocks]
        if len(returns):
            self._sums += returns.sum(axis=0)
            self._products += (returns * returns[:, :1]).sum(axis=0)
            self._squares.add(first_block + len(prices) - len(returns), returns * returns)

    def volatility_line(self, column: int) -> Line:
        """Return the volatility a day over a window that ends at each point, in percent."""
        return self._squares.rolling_roots(column, self.window_bins, self._scale)

    def volatility_percent(self, column: int) -> float | None:
        """Return the volatility a day of the whole market; None before the first return."""
        count = self._squares.counts.sum()
        return self._scale * math.sqrt(self._squares.sums[:, column].sum() / count) if count else None

    def max_drawdown_percent(self, column: int) -> float:
        """Return how far the price was below its peak so far, at most."""
        return 100.0 * float(self._falls[column])

    def correlation(self, column: int) -> float | None:
        """Return the correlation of the returns with the first column's; None where one of them stands still."""
        count = max(int(self._squares.counts.sum()), 1)
        means, squares = self._sums / count, self._squares.sums.sum(axis=0) / count
        deviations = np.sqrt(np.maximum(squares - means * means, 0.0))
        if not deviations[0] * deviations[column] > 0.0:
            return None
        covariance = self._products[column] / count - means[0] * means[column]
        return float(covariance / (deviations[0] * deviations[column]))


def _window_bins(grid: Grid, block_time_ms: int) -> int:
    """Return the window of a volatility line: a twelfth of the market, but six hours at least and a week at most."""
    length_ms = grid.blocks * block_time_ms
    window_ms = min(max(length_ms / 12, SHORTEST_WINDOW_MS), LONGEST_WINDOW_MS, length_ms / 3)
    return max(1, round(window_ms / (grid.bin_blocks * block_time_ms)))
