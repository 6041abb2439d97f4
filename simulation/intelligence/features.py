"""What can be measured of a market at each block, from that block and the ``HISTORY_BLOCKS`` before it.

A window that is summed in floating point depends on where the sum began, so two ways of cutting a run into
segments would differ in the last bit. Windows are therefore sums of integers, which are exact however they
are taken; everything else is elementwise IEEE arithmetic (+, -, *, / and square roots).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HISTORY_BLOCKS = 1800
"""How far the analyst looks back: six hours of 12 s blocks."""

MOMENTUM_BLOCKS = (75, 300)
"""The spans over which momentum is measured: a quarter of an hour and an hour of 12 s blocks."""

_PRICE_DROP_BITS = np.uint64(11)
"""Leaves 53 bits of a price: exact as a float, and 1800 of them add up to less than 2**64."""

VOLATILITY_BLOCKS = 25
"""The span of the returns that volatility is taken from: five minutes of 12 s blocks.

A pool follows the market only where that pays the arbitrage, so its returns from block to block are correlated
and would make the market look calmer than it is.
"""

_BILLION = 1e9
_RETURN_LIMIT = 5e7
"""A return counts for at most 5 %: one jump does not drown a window, and 1800 squares fit 63 bits."""

# A random walk of n steps of deviation s ends s * sqrt(n) from its start and s * sqrt(n / 3) from its mean.
_TREND_STEPS = math.sqrt(HISTORY_BLOCKS / 3)
_MOMENTUM_STEPS = tuple(math.sqrt(blocks) for blocks in MOMENTUM_BLOCKS)


@dataclass(frozen=True, slots=True)
class Features:
    """Measurements; arrays of float64, shape ``(n_blocks, n_tokens)`` except ``gas_ratio``."""

    trend_deviations: NDArray[np.float64]
    """Price above its mean, in standard deviations that a random walk would show."""
    momentum_deviations: NDArray[np.float64]
    """Mean over ``MOMENTUM_BLOCKS`` of the return, in the same unit."""
    volatility: NDArray[np.float64]
    """Root mean square return, scaled to one block; 0 where the price stood still."""
    depth_usd: NDArray[np.float64]
    """USD side of the token's pools."""
    gas_ratio: NDArray[np.float64]
    """Base fee over its own mean, shape ``(n_blocks, 1)``."""


def measure(mids: NDArray[np.void], gas: NDArray[np.void]) -> Features:
    """Return the features of all blocks but the first ``HISTORY_BLOCKS``, which are the past.

    ``mids`` is MID ``(HISTORY_BLOCKS + n_blocks, n_tokens)``, ``gas`` GAS ``(HISTORY_BLOCKS + n_blocks,)``.
    """
    shifted = mids["price_q"] >> _PRICE_DROP_BITS
    prices = np.maximum(shifted, np.uint64(1)).astype(np.float64)  # a price of nothing must not divide by zero
    now = prices[HISTORY_BLOCKS:]
    volatility = _volatility(prices)
    scale = np.where(volatility == 0.0, 1.0, volatility)  # a still price deviates by 0 in any unit
    above_mean = now / np.maximum(_window_means(shifted), 1.0) - 1.0
    return Features(
        trend_deviations=above_mean / (scale * _TREND_STEPS),
        momentum_deviations=_momentum(prices) / scale,
        volatility=volatility,
        depth_usd=mids["depth_micro_usd"][HISTORY_BLOCKS:].astype(np.float64) / 1e6,
        gas_ratio=_gas_ratio(gas["base_fee_wei"])[:, np.newaxis],
    )


def _volatility(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    returns = np.rint((prices[VOLATILITY_BLOCKS:] / prices[:-VOLATILITY_BLOCKS] - 1.0) * _BILLION)
    limited = np.clip(returns, -_RETURN_LIMIT, _RETURN_LIMIT).astype(np.int64)
    count = HISTORY_BLOCKS - VOLATILITY_BLOCKS + 1  # as many as reach back no further than the history
    squares = _window_sums(limited * limited, count)
    return np.sqrt(squares.astype(np.float64) / (count * VOLATILITY_BLOCKS)) / _BILLION


def _momentum(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    now = prices[HISTORY_BLOCKS:]
    total = np.zeros_like(now)
    for blocks, steps in zip(MOMENTUM_BLOCKS, _MOMENTUM_STEPS, strict=True):
        total += (now / prices[HISTORY_BLOCKS - blocks : len(prices) - blocks] - 1.0) / steps
    return total / len(MOMENTUM_BLOCKS)


def _gas_ratio(base_fee_wei: NDArray[np.int64]) -> NDArray[np.float64]:
    means = np.maximum(_window_means(base_fee_wei), 1.0)
    return base_fee_wei[HISTORY_BLOCKS:].astype(np.float64) / means


def _window_means(values: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return for each block but the past the mean of the ``HISTORY_BLOCKS`` blocks that end with it."""
    return _window_sums(values[1:], HISTORY_BLOCKS).astype(np.float64) / HISTORY_BLOCKS


def _window_sums(values: NDArray[np.integer[Any]], count: int) -> NDArray[np.integer[Any]]:
    """Return the sums of every ``count`` consecutive rows, in order; each must fit 64 bits.

    The running total may wrap around: the difference of two totals is right all the same.
    """
    totals: NDArray[np.integer[Any]] = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0)
    return totals[count:] - totals[:-count]
