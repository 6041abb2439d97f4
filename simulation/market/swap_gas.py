"""What swaps use in gas: by venue, by hops, and when they fail. docs/market/gas.md has the sources.

A draw is a mean plus a bell of 16-bit parts, in integers, so that it has a largest value to reserve for.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulation.jit import compiled
from simulation.rng import BELL_DEVIATION, BELL_MAX, bell, below


class SwapKind(IntEnum):
    """What a swap is sent to; the row of its figures."""

    UNISWAP_V2 = 0
    UNISWAP_V3 = 1
    SUSHISWAP = 2


class SwapGas(NamedTuple):
    """The gas of a kind of swap: of one hop on mainnet, and the least that test networks measured."""

    mean: int
    deviation: int
    floor: int
    floor_per_hop: int


GAS_PER_HOP = 80_000
"""Each hop after the first."""

SWAP_GAS: dict[SwapKind, SwapGas] = {
    SwapKind.UNISWAP_V2: SwapGas(130_000, 15_000, 101_898, 52_462),
    SwapKind.UNISWAP_V3: SwapGas(150_000, 20_000, 107_180, 65_318),
    SwapKind.SUSHISWAP: SwapGas(130_000, 15_000, 101_898, 52_462),
}
"""A further hop's floor: a pair's swap without the 21,000 of a transaction (V2), two hops less one (V3)."""

REVERT_LOW_BP, REVERT_HIGH_BP = 4_000, 7_500
"""A swap that reverts in the pool has used this share of its gas."""

EARLY_FAILURE_LOW, EARLY_FAILURE_HIGH = 25_000, 45_000
"""Gas of a transaction that fails before it reaches a pool: past its deadline, or without allowance."""

_BP = 10_000
_DEVIATION = round(BELL_DEVIATION)
_MEAN = np.array([SWAP_GAS[kind].mean for kind in SwapKind])
_SPREAD = np.array([SWAP_GAS[kind].deviation for kind in SwapKind])
_FLOOR = np.array([SWAP_GAS[kind].floor for kind in SwapKind])
_FLOOR_PER_HOP = np.array([SWAP_GAS[kind].floor_per_hop for kind in SwapKind])


@compiled
def swap_gas(n_hops, kind, luck_word):
    """Return the gas of a swap that goes through, from one random word; ``kind`` is a SwapKind, ``n_hops`` from 1."""
    further = n_hops - 1
    drawn = _MEAN[kind] + further * GAS_PER_HOP + bell(luck_word) * _SPREAD[kind] // _DEVIATION
    return max(drawn, _FLOOR[kind] + further * _FLOOR_PER_HOP[kind])


@compiled
def max_swap_gas(n_hops, kind):
    """Return the most gas that ``swap_gas`` can give."""
    return _MEAN[kind] + (n_hops - 1) * GAS_PER_HOP + BELL_MAX * _SPREAD[kind] // _DEVIATION


@compiled
def revert_gas(gas_used, luck_word):
    """Return the gas of a swap that reverts in the pool, of one that would have used ``gas_used``."""
    return gas_used * (REVERT_LOW_BP + below(luck_word, REVERT_HIGH_BP - REVERT_LOW_BP + 1)) // _BP


@compiled
def early_failure_gas(luck_word):
    """Return the gas of a swap that fails before it calls a pool."""
    return EARLY_FAILURE_LOW + below(luck_word, EARLY_FAILURE_HIGH - EARLY_FAILURE_LOW + 1)
