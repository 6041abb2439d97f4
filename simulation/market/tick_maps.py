"""Where the liquidity of a concentrated pool lies: a tick map made for one swap, around the price of the moment.

The shape follows recorded positions (Uniswap V3 WBTC/WETH 0.3 % in block 24,407,242, 458 initialized ticks): about
constant within 5 % of the price, half of it to 20 %, a fifth to 50 %, hardly anything to 170 %, then nothing at all.

What is unrealistic: positions move with the price, and nobody places a large one just for a block.
"""

from __future__ import annotations

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.market.tick_math import MAX_TICK, MIN_TICK

REACHES = np.array([500, 2_000, 4_000, 10_000])
"""How many ticks from the price each stretch of equal liquidity ends; a tick is about 0.01 %."""

SHARES = np.array([1_000, 550, 200, 40, 0])
"""Liquidity in thousandths of that at the price: up to the first reach, from there to the second, and so on."""

MAP_TICKS = 2 * len(REACHES)

_U0 = np.uint64(0)
_WHOLE = np.uint64(1_000)


@compiled
def write_tick_map(ticks, tick, tick_spacing, liquidity_hi, liquidity_lo):
    """Write to ``ticks``, TICK ``(MAP_TICKS,)``, the map of a pool with this liquidity at its price's ``tick``."""
    n = len(REACHES)
    for i in range(n):
        inner_hi, inner_lo = wei.mul_div(liquidity_hi, liquidity_lo, _U0, np.uint64(SHARES[i]), _U0, _WHOLE)
        outer_hi, outer_lo = wei.mul_div(liquidity_hi, liquidity_lo, _U0, np.uint64(SHARES[i + 1]), _U0, _WHOLE)
        step_hi, step_lo = wei.sub(inner_hi, inner_lo, outer_hi, outer_lo)
        below, above = ticks[n - 1 - i], ticks[n + i]
        below.tick = max((tick - REACHES[i]) // tick_spacing, MIN_TICK // tick_spacing + n - i) * tick_spacing
        above.tick = min((tick + REACHES[i]) // tick_spacing + 1, MAX_TICK // tick_spacing - n + i) * tick_spacing
        below.net_hi, below.net_lo = step_hi, step_lo
        above.net_hi, above.net_lo = wei.sub(_U0, _U0, step_hi, step_lo)
