"""What a market is measured by: functions of plain arrays, the same for a simulated and a recorded market.

Prices are natural logarithms throughout. Sources of the equations stand with them; none of these functions knows
where an array comes from.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TICK = math.log(1.0001)
"""The log price of one tick of Uniswap V3."""

MEAN_OVERSHOOT = 0.5825971579390107
"""-zeta(1/2) / sqrt(2 pi): by how many deviations a Gaussian walk overshoots a far barrier (Siegmund 1985)."""

EDGE = 1.0 - 1e-9
"""A pool this near to the edge of its fee band, in bands, was put there by an arbitrage."""


def log_returns(log_prices: Array, step: int = 1) -> Array:
    """Return the changes of a log price from each ``step``-th sample to the next, without overlap."""
    return np.diff(log_prices[::step], axis=0)


def volatility_per_day(returns: Array, returns_per_day: float) -> float:
    """Return the standard deviation of a day's return, ``std(r) * sqrt(returns per day)``."""
    return float(returns.std() * math.sqrt(returns_per_day))


def excess_kurtosis(values: Array) -> float:
    """Return the fourth standardised moment minus 3, which a Gaussian has."""
    centered = values - values.mean()
    return float((centered**4).mean() / (centered**2).mean() ** 2 - 3.0)


def hill_exponent(values: Array, share: float = 0.05) -> float:
    """Return the tail exponent of ``|values|`` over the largest ``share`` of them.

    ``1 / mean(ln(x_i / x_k))`` with x_k the largest that does not count; Hill, Annals of Statistics 3 (1975).
    """
    sizes = np.sort(np.abs(values))
    n_tail = max(int(share * len(sizes)), 1)
    return float(1.0 / np.log(sizes[-n_tail:] / sizes[-n_tail - 1]).mean())


def autocorrelation(values: Array, lag: int) -> float:
    """Return the correlation of a series with itself ``lag`` samples later, by the mean and variance of all of it."""
    centered = values - values.mean()
    return float((centered[lag:] * centered[:-lag]).mean() / (centered**2).mean())


def correlation(pair: Array) -> float:
    """Return Pearson's correlation of the two columns of ``pair``."""
    return float(np.corrcoef(pair[:, 0], pair[:, 1])[0, 1])


def log_realised_volatility(returns: Array, returns_per_day: int) -> Array:
    """Return the log of each whole day's realised volatility, ``ln sqrt(sum r^2)``; a day without any move is left out.

    Andersen, Bollerslev, Diebold and Labys, Econometrica 71 (2003).
    """
    n_days = len(returns) // returns_per_day
    variance = (returns[: n_days * returns_per_day].reshape(n_days, returns_per_day) ** 2).sum(axis=1)
    logs: Array = 0.5 * np.log(variance[variance > 0.0])
    return logs


def ticks(log_prices: Array) -> Array:
    """Return the tick that each price lies in, ``floor(ln p / ln 1.0001)``: all that minute bars of a pool record."""
    return np.floor(log_prices / TICK)


def still_share(values: Array) -> float:
    """Return the share of samples that are equal to the one before."""
    return float((np.diff(values) == 0.0).mean())


def farthest(distances: Array) -> float:
    """Return the largest ``|distances|``."""
    return float(np.abs(distances).max())


def edge_share(distances: Array) -> float:
    """Return the share of blocks that end at the edge of the fee band, ``|distance| = 1``: those with an arbitrage.

    ``distances`` is ``ln(pool / reference) / -ln(1 - fee)`` at the end of each block.
    """
    return float((np.abs(distances) >= EDGE).mean())


def arbitrage_share(deviation: Array) -> Array:
    """Return the share of blocks with an arbitrage where the reference moves by ``deviation`` fee bands a block.

    ``1 / (sqrt(2) * (MEAN_OVERSHOOT + 1 / deviation))``: what a Gaussian walk clamped to [-1, 1] does at constant
    block times. A clamp overshoots by a ladder height with mean ``deviation / sqrt(2)`` and the second moment
    ``sqrt(2) * MEAN_OVERSHOOT * deviation**2``, and the variance that a block adds must be taken out by it. The same
    constants give Nezlobin and Tassy's ``sigma^2 / (2 + 1.7164 * 2f / sigma)``, arXiv 2505.05113 (2025).
    """
    return deviation / (math.sqrt(2.0) * (MEAN_OVERSHOOT * deviation + 1.0))


def arbitrage_ratio(track: Array, window: int = 300) -> float:
    """Return how many arbitrages there are for each that ``arbitrage_share`` expects.

    ``track`` has two columns, in fee bands, one row a block: the log of the pool's price and of the reference's. The
    expectation is taken over each ``window`` of blocks, because volatility changes and the share is not linear in it.
    """
    returns = np.diff(track[:, 1])
    n_windows = len(returns) // window
    deviations = returns[: n_windows * window].reshape(n_windows, window).std(axis=1)
    return edge_share(track[:, 0] - track[:, 1]) / float(arbitrage_share(deviations).mean())


def clustering(values: Array, window: int) -> float:
    """Return how much more than by chance the moves of a series bunch together: 1 where samples are independent.

    The variance of the number of moves in each ``window`` of samples over that of a binomial,
    ``var(n) / (window * p * (1 - p))`` with p the share of samples that move.
    """
    moves = np.diff(values) != 0.0
    n_windows = len(moves) // window
    counts = moves[: n_windows * window].reshape(n_windows, window).sum(axis=1)
    share = counts.mean() / window
    return float(counts.var() / (window * share * (1.0 - share)))


def utilisation(base_fee_wei: Array, elasticity: int, denominator: int) -> Array:
    """Return how full each block but the last was, by what the next base fee says; 1 is the gas limit.

    ``(1 + denominator * (b' / b - 1)) / elasticity``: EIP-1559 solved for the gas used, exact but for its rounding.
    """
    return (1.0 + denominator * (base_fee_wei[1:] / base_fee_wei[:-1] - 1.0)) / elasticity


def lawful_steps(
    base_fee_wei: NDArray[np.int64], gas_limit: int, elasticity: int, denominator: int
) -> NDArray[np.bool_]:
    """Return which steps of a base fee some whole amount of gas explains by the integer rule of EIP-1559.

    From b the fee goes to ``b + max(1, b * over // target // denominator)``, to ``b``, or to
    ``b - b * under // target // denominator``, where 0 < over <= limit - target and 0 < under <= target.
    """
    target = gas_limit // elasticity
    fees = base_fee_wei.tolist()
    return np.array([_is_lawful(now, then, target, gas_limit, denominator) for now, then in pairwise(fees)])


def _is_lawful(now: int, then: int, target: int, gas_limit: int, denominator: int) -> bool:
    step = abs(then - now)
    if step == 0 or then == now + 1:
        return True
    distance = -(-step * target * denominator // now)  # the least that makes a step this large
    most = gas_limit - target if then > now else target
    return distance <= most and now * distance // target // denominator == step


def stale_fee_errors(base_fee_wei: Array, lag: int) -> Array:
    """Return by how much a base fee is wrong ``lag`` blocks later, ``|b_later / b - 1|``."""
    return np.abs(base_fee_wei[lag:] / base_fee_wei[:-lag] - 1.0)
