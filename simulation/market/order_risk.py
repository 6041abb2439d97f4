"""What may happen to an order between its quote and its block: measures of prices, and of orders that were sent.

Prices are natural logarithms, one a block. Orders are the ORDER records of ``order_trials``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation.market.statistics import log_returns, volatility_per_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Orders = NDArray[np.void]

MINUTES_PER_DAY, MINUTE_BLOCKS = 1_440, 5

TYPICAL_VOLATILITY = 0.027
"""A day's, by the minute, on the day whose moves the market model lists."""


def adverse_share(log_prices: Array, lag: int, tolerance: float, per_minute: int = MINUTE_BLOCKS) -> float:
    """Return the share of orders, half of them of each side, that a price leaves by more than ``tolerance``.

    The orders are quoted in every block and included ``lag`` blocks later; ``per_minute`` blocks are a minute. A
    tolerance means less in a wilder market, so each day's is ``tolerance`` times that day's volatility over
    ``TYPICAL_VOLATILITY``.
    """
    n_days = max(len(log_prices) // (MINUTES_PER_DAY * per_minute), 1)
    return float(np.mean([_of_day(day, lag, tolerance, per_minute) for day in np.array_split(log_prices, n_days)]))


def _of_day(log_prices: Array, lag: int, tolerance: float, per_minute: int) -> float:
    scale = volatility_per_day(log_returns(log_prices, per_minute), MINUTES_PER_DAY) / TYPICAL_VOLATILITY
    moves = np.abs(log_prices[lag:] - log_prices[:-lag])
    return 0.5 * float((moves > math.log1p(tolerance * scale)).mean())


def fills_below_minimum(orders: Orders) -> float:
    """Return how many orders were filled with less than they accept."""
    return float((orders["is_filled"] & orders["is_below_minimum"]).sum())


def victims_off_minimum(orders: Orders) -> float:
    """Return how many victims of a sandwich got something else than exactly their minimum."""
    return float((orders["is_attacked"] & ~orders["is_at_minimum"]).sum())


def attacks_below_threshold(orders: Orders) -> float:
    """Return how many orders were attacked though they are smaller, in their pool, than its fee."""
    return float((orders["is_attacked"] & ~orders["pays_attackers"]).sum())


def attack_ratio(orders: Orders, field: str) -> float:
    """Return how often orders with the smallest ``field`` are attacked, for each time those with the largest are."""
    prey = orders[orders["is_exposed"]]
    return _ratio(prey["is_attacked"], prey[field])


def revert_ratio(orders: Orders, field: str, *, falls: bool = False) -> float:
    """Return how often orders with the smallest ``field`` revert, for each time those with the largest do.

    It is the other way round where reverts fall with it.
    """
    waiting = orders[~orders["is_exposed"]]
    values = waiting[field].astype(np.int64)
    return _ratio(waiting["is_reverted"], -values if falls else values)


def recovered_losses(orders: Orders) -> float:
    """Return what attacker and pool gained of their victim's loss, of the order where that is farthest from all."""
    recovered = orders["recovered"][np.isfinite(orders["recovered"])]
    return float(recovered[np.abs(recovered - 1.0).argmax()])


def _ratio(happened: NDArray[np.bool_], values: NDArray[np.int64]) -> float:
    """Return the share at the smallest of ``values`` over that at the largest."""
    return float(happened[values == values.min()].mean() / happened[values == values.max()].mean())
