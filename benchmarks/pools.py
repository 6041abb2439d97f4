"""Nanoseconds per swap in compiled code, on one core.

    .venv/bin/python benchmarks/pools.py

Exact inputs, each a little different from the last, in a compiled loop as a trading kernel would call them. V2: a pool
of 100 million USDC a side. V3: USDC/WETH 0.05 % as it stood on mainnet in block 18,937,382, with made-up positions that
end at every tenth tick, so that a larger input crosses more of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from simulation import wide
from simulation.jit import compiled
from simulation.market import pools
from simulation.market.concentrated import TICK, TICK_SPACINGS, PoolState, swap
from simulation.market.tick_math import MAX_SQRT_RATIO, MIN_SQRT_RATIO, get_sqrt_ratio_at_tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.wide import Limbs

SWAPS = 100_000
REPEATS = 7
FEE_PIPS = 500
SPACING = TICK_SPACINGS[FEE_PIPS]
TICK_NOW = 199_045
STATE = PoolState(wide.split(1662995104975155420368771254341874, 3), TICK_NOW, wide.split(12453647101533358277, 2))
EXACT_IN = True
V2_FEE_BP = 30
V2_BUDGET_NS = 200.0
V3_BUDGET_NS = 1_000.0


Way = int
USDC_IN, WETH_IN = -1, 1
"""Where the tick goes."""


class Measured(NamedTuple):
    """What one kind of swap came to."""

    name: str
    ns: float  # per swap
    budget_ns: float | None = None


@compiled
def v2_fills(n: int, amount: Limbs, reserve_in: Limbs, reserve_out: Limbs) -> np.uint64:
    """Swap ``n`` times in a V2 pool and return the sum of the outputs' low limbs."""
    total = np.uint64(0)
    for i in range(n):
        varied = amount[1] + np.uint64(i)
        total += pools.amount_out(
            amount[0], varied, reserve_in[0], reserve_in[1], reserve_out[0], reserve_out[1], V2_FEE_BP
        )[2]
    return total


@compiled
def v3_fills(
    n: int, ticks: np.ndarray, state: PoolState, way: Way, amount: Limbs, limit: Limbs
) -> tuple[np.uint64, int]:
    """Swap ``n`` times in a V3 pool and return (sum of the outputs' low limbs, ticks crossed)."""
    total, crossed = np.uint64(0), 0
    for i in range(n):
        varied = amount[0], amount[1] + np.uint64(i)
        done = swap(ticks, state, FEE_PIPS, SPACING, 0, way == USDC_IN, EXACT_IN, varied, limit)
        total += done.amount_out[1]
        crossed += done.ticks_crossed
    return total, crossed


def fastest_ns(function: Callable[..., object], *arguments: object) -> float:
    """Time a loop of swaps, the fastest of some repeats, per swap."""
    function(SWAPS, *arguments)
    fastest = float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        function(SWAPS, *arguments)
        fastest = min(fastest, time.perf_counter() - began)
    return fastest / SWAPS * 1e9


def tick_map() -> np.ndarray:
    """Return ticks at every spacing around the price, which take a little liquidity in and out by turns."""
    places = range(TICK_NOW // SPACING * SPACING - 40 * SPACING, TICK_NOW + 40 * SPACING, SPACING)
    nets = [wide.split((10**15 if number % 2 else -(10**15)) % (1 << 128), 2) for number in range(len(places))]
    return np.array([(place, *net) for place, net in zip(places, nets, strict=True)], TICK)


def input_for(ticks: np.ndarray, way: Way, crossings: int) -> Limbs:
    """Return the input that ends in the middle of the range after so many crossings."""
    first = TICK_NOW // SPACING * SPACING + (0 if way == USDC_IN else SPACING)
    last = first + way * (crossings * SPACING - SPACING // 2) if crossings else TICK_NOW + way * 2
    limit = again(get_sqrt_ratio_at_tick(last)[1])
    everything = wide.split(1 << 120, 2)
    return again(swap(ticks, STATE, FEE_PIPS, SPACING, 0, way == USDC_IN, EXACT_IN, everything, limit).amount_in)


def again(limbs: Limbs) -> Limbs:
    """Return limbs that compiled code gave back, which are plain integers by then, as it takes them."""
    return wide.split(wide.join(limbs), len(limbs))


def measure_v2(way: Way) -> Measured:
    """Time a V2 fill of a thousand USDC or a WETH; the reserve of WETH is wider than one limb."""
    usdc, weth = wide.split(10**14, 2), wide.split(44_000 * 10**18, 2)
    if way == USDC_IN:
        return Measured("V2 USDC in", fastest_ns(v2_fills, wide.split(10**9, 2), usdc, weth), V2_BUDGET_NS)
    return Measured("V2 WETH in", fastest_ns(v2_fills, wide.split(10**18, 2), weth, usdc), V2_BUDGET_NS)


def measure_v3(way: Way, crossings: int) -> Measured:
    """Time a V3 fill that crosses so many initialized ticks."""
    ticks = tick_map()
    limit = wide.split(wide.join(MIN_SQRT_RATIO if way == USDC_IN else MAX_SQRT_RATIO) - way, 3)
    arguments = ticks, STATE, way, input_for(ticks, way, crossings), limit
    assert v3_fills(SWAPS, *arguments)[1] == crossings * SWAPS
    name = f"V3 {'USDC' if way == USDC_IN else 'WETH'} in, {crossings} ticks crossed"
    return Measured(name, fastest_ns(v3_fills, *arguments), None if crossings else V3_BUDGET_NS)


def main() -> None:
    """Print the table."""
    print(heading())
    print(f"{SWAPS:,} swaps in a compiled loop, one core, fastest of {REPEATS}")
    print(f"{'swap':<28} {'ns':>8} {'budget':>8}")
    ways = USDC_IN, WETH_IN
    measured = [measure_v2(way) for way in ways]
    measured += [measure_v3(way, crossings) for crossings in (0, 1, 5) for way in ways]
    for name, ns, budget_ns in measured:
        print(f"{name:<28} {ns:>8.0f} {'' if budget_ns is None else f'{budget_ns:.0f}':>8}")


if __name__ == "__main__":
    main()
