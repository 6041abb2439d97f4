"""The arithmetic of the kernel's twin, in Python integers: swaps, random words, gas, days."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.trading.rules import Rules

BP = 10_000
LIMB = 1 << 64
DAY_MS = 24 * 60 * 60 * 1000
NATIVE_SHIFT = 78


class SwapRefusedError(ValueError):
    """The pool refuses the swap; the message is the name of the contract's revert."""


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, fee_bp: int) -> int:
    """Return what a constant product pool gives for an exact input (UniswapV2Library.getAmountOut)."""
    if amount_in == 0:
        raise SwapRefusedError("INSUFFICIENT_INPUT_AMOUNT")
    if reserve_in == 0 or reserve_out == 0:
        raise SwapRefusedError("INSUFFICIENT_LIQUIDITY")
    kept = amount_in * (BP - fee_bp)
    return kept * reserve_out // (reserve_in * BP + kept)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int, fee_bp: int) -> int:
    """Return what a constant product pool asks for an exact output (UniswapV2Library.getAmountIn)."""
    if amount_out == 0:
        raise SwapRefusedError("INSUFFICIENT_OUTPUT_AMOUNT")
    if reserve_in == 0 or amount_out >= reserve_out:
        raise SwapRefusedError("INSUFFICIENT_LIQUIDITY")
    return reserve_in * amount_out * BP // ((reserve_out - amount_out) * (BP - fee_bp)) + 1


def quote(amount: int, reserve_a: int, reserve_b: int) -> int:
    """Return the amount of B that is worth ``amount`` of A at the pool's mid (UniswapV2Library.quote)."""
    if amount == 0:
        raise SwapRefusedError("INSUFFICIENT_AMOUNT")
    if reserve_a == 0 or reserve_b == 0:
        raise SwapRefusedError("INSUFFICIENT_LIQUIDITY")
    return amount * reserve_b // reserve_a


def given(amount: int, reserve_in: int, reserve_out: int, fee_bp: int) -> int:
    """Return what the pool gives, zero when it refuses."""
    try:
        return amount_out(amount, reserve_in, reserve_out, fee_bp)
    except SwapRefusedError:
        return 0


def philox(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return the block of Philox4x64-10 for one key and counter (Salmon et al., SC 2011)."""
    x0, x1, x2, x3 = counter
    for turn in range(10):
        bumped_0 = (key[0] + turn * 0x9E3779B97F4A7C15) % LIMB
        bumped_1 = (key[1] + turn * 0xBB67AE8584CAA73B) % LIMB
        high_0, low_0 = divmod(0xD2E7470EE14C6C93 * x0, LIMB)
        high_1, low_1 = divmod(0xCA5A826395121157 * x2, LIMB)
        x0, x1, x2, x3 = high_1 ^ x1 ^ bumped_0, low_1, high_0 ^ x3 ^ bumped_1, low_0
    return x0, x1, x2, x3


def below(word: int, bound: int) -> int:
    """Return the integer in [0, bound) that stands at the same fraction as ``word`` of 2**64."""
    return word * bound // LIMB


def gas_cost_micro_usd(gas_used: int, price_wei: int, l1_fee_wei: int, native_price_q: int) -> int:
    """Return the price of gas and of the data on layer 1, rounded up to the next micro-USD."""
    return ((gas_used * price_wei + l1_fee_wei) * native_price_q >> NATIVE_SHIFT) + 1


SWAP_GAS = {
    0: (130_000, 15_000, 101_898, 52_462),
    1: (150_000, 20_000, 107_180, 65_318),
    2: (130_000, 15_000, 101_898, 52_462),
}
"""By kind of swap: mean, deviation, floor, floor of a further hop."""


def bell(word: int) -> int:
    """Return the sum of a word's four 16-bit parts, centred."""
    return sum((word >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 2 * 0xFFFF


def swap_gas(n_hops: int, kind: int, word: int) -> int:
    """Return the gas of a swap that goes through."""
    mean, deviation, floor, floor_per_hop = SWAP_GAS[kind]
    drawn = mean + 80_000 * (n_hops - 1) + bell(word) * deviation // 37_837
    return max(drawn, floor + floor_per_hop * (n_hops - 1))


def most_swap_gas(n_hops: int, kind: int) -> int:
    """Return the gas of the unluckiest swap."""
    return swap_gas(n_hops, kind, LIMB - 1)


def first_block_of_next_day(block: int, rules: Rules) -> int:
    """Return the first block that begins at or after the UTC midnight which follows ``block``."""
    begun_ms = block * rules.block_time_ms + rules.day_offset_ms
    midnight_ms = (begun_ms // DAY_MS + 1) * DAY_MS
    left_ms = midnight_ms - rules.day_offset_ms
    return -(-left_ms // rules.block_time_ms)
