"""Concentrated liquidity in Python integers: the slow twin, in the contract's own signs and steps.

Amounts are signed as in the contract (positive: exact input), divisions are done one by one, the bitmap is asked bit by
bit, and a tick is found by bisection: nothing is shared with the compiled code.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache, lru_cache

Q96 = 1 << 96
UP, DOWN = True, False
TOP_128 = (1 << 128) - 1
TOP_160 = (1 << 160) - 1
TOP_256 = (1 << 256) - 1
MIN_TICK, MAX_TICK = -887_272, 887_272
MIN_SQRT_RATIO = 4_295_128_739
MAX_SQRT_RATIO = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342


class RevertError(ValueError):
    """The contract reverts; the message is its reason."""


def require(holds, reason: str) -> None:
    if not holds:
        raise RevertError(reason)


def uint(value: int, top: int, reason: str = "OVERFLOW") -> int:
    require(0 <= value <= top, reason)
    return value


def ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


@cache
def powers() -> list[int]:
    """Return 2**128 / sqrt(1.0001)**(2**place), rounded to the nearest integer, for twenty places."""
    with localcontext() as context:
        context.prec = 120
        root = Decimal("1.0001").sqrt()
        return [int(2**128 / root ** (1 << place) + Decimal("0.5")) for place in range(20)]


@lru_cache(maxsize=1 << 16)  # a bisection asks for the same ones first each time
def get_sqrt_ratio_at_tick(tick: int) -> int:
    require(MIN_TICK <= tick <= MAX_TICK, "T")
    ratio = 1 << 128
    for place, power in enumerate(powers()):
        if abs(tick) >> place & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = TOP_256 // ratio
    return ceil_div(ratio, 1 << 32)


def get_tick_at_sqrt_ratio(sqrt_price: int) -> int:
    require(MIN_SQRT_RATIO <= sqrt_price < MAX_SQRT_RATIO, "R")
    return bisect_right(range(MIN_TICK, MAX_TICK), sqrt_price, key=get_sqrt_ratio_at_tick) + MIN_TICK - 1


def get_next_sqrt_price_from_input(sqrt_price: int, liquidity: int, amount_in: int, zero_for_one) -> int:
    require(sqrt_price > 0 and liquidity > 0, "price")
    if not zero_for_one:
        return uint(sqrt_price + amount_in * Q96 // liquidity, TOP_160)
    if amount_in == 0:
        return sqrt_price
    numerator = liquidity * Q96
    denominator = numerator + amount_in * sqrt_price
    if denominator <= TOP_256:
        return ceil_div(numerator * sqrt_price, denominator)
    return ceil_div(numerator, uint(numerator // sqrt_price + amount_in, TOP_256))


def get_next_sqrt_price_from_output(sqrt_price: int, liquidity: int, amount_out: int, zero_for_one) -> int:
    require(sqrt_price > 0 and liquidity > 0, "price")
    if zero_for_one:
        fall = ceil_div(amount_out * Q96, liquidity)
        require(sqrt_price > fall, "price")
        return sqrt_price - fall
    if amount_out == 0:
        return sqrt_price
    numerator = liquidity * Q96
    require(amount_out * sqrt_price < numerator, "price")
    return uint(ceil_div(numerator * sqrt_price, numerator - amount_out * sqrt_price), TOP_160)


def get_amount0_delta(sqrt_a: int, sqrt_b: int, liquidity: int, round_up) -> int:
    low, high = sorted((sqrt_a, sqrt_b))
    product = liquidity * Q96 * (high - low)
    return ceil_div(ceil_div(product, high), low) if round_up else product // high // low


def get_amount1_delta(sqrt_a: int, sqrt_b: int, liquidity: int, round_up) -> int:
    product = liquidity * abs(sqrt_b - sqrt_a)
    return ceil_div(product, Q96) if round_up else product // Q96


def compute_swap_step(
    sqrt_price: int, target: int, liquidity: int, remaining: int, fee_pips: int
) -> tuple[int, int, int, int]:
    """Return (next price, amount in, amount out, fee); ``remaining`` above zero is an exact input."""
    down, exact_in = sqrt_price >= target, remaining >= 0
    into, out = (get_amount0_delta, get_amount1_delta) if down else (get_amount1_delta, get_amount0_delta)
    if exact_in:
        less_fee = remaining * (10**6 - fee_pips) // 10**6
        reaches = less_fee >= into(sqrt_price, target, liquidity, UP)
        next_price = target if reaches else get_next_sqrt_price_from_input(sqrt_price, liquidity, less_fee, down)
    else:
        reaches = -remaining >= out(sqrt_price, target, liquidity, DOWN)
        next_price = target if reaches else get_next_sqrt_price_from_output(sqrt_price, liquidity, -remaining, down)
    amount_in = into(sqrt_price, next_price, liquidity, UP)
    amount_out = out(sqrt_price, next_price, liquidity, DOWN)
    if not exact_in:
        amount_out = min(amount_out, -remaining)
    if exact_in and next_price != target:
        return next_price, amount_in, amount_out, remaining - amount_in
    return next_price, amount_in, amount_out, ceil_div(amount_in * fee_pips, 10**6 - fee_pips)


@dataclass
class Pool:
    """A pool as the contract keeps it; ``ticks`` maps an initialized tick to its liquidityNet."""

    sqrt_price: int
    tick: int
    liquidity: int
    ticks: dict[int, int]
    fee_pips: int
    tick_spacing: int
    fee_protocol: int = 0


@dataclass
class Result:
    """What a swap came to; complete if nothing of the amount was left at the limit."""

    complete: bool
    amount_in: int
    amount_out: int
    fee: int
    protocol_fee: int
    crossed: int
    sqrt_price: int
    tick: int
    liquidity: int


def next_initialized_tick_within_one_word(pool: Pool, tick: int, down) -> tuple[int, bool]:
    """Look at one bit of the bitmap after another until the word ends."""
    place = tick // pool.tick_spacing + (0 if down else 1)
    step, last = (-1, 0) if down else (1, 255)
    while place * pool.tick_spacing not in pool.ticks and place % 256 != last:
        place += step
    found = place * pool.tick_spacing
    return min(max(found, MIN_TICK), MAX_TICK), found in pool.ticks


def swap(pool: Pool, zero_for_one, specified: int, limit: int) -> Result:
    """Return what the contract's swap does; the pool stays as it is."""
    require(specified != 0, "AS")
    if zero_for_one:
        require(MIN_SQRT_RATIO < limit < pool.sqrt_price, "SPL")
    else:
        require(pool.sqrt_price < limit < MAX_SQRT_RATIO, "SPL")
    price, tick, liquidity = pool.sqrt_price, pool.tick, pool.liquidity
    remaining = specified
    calculated = fees = protocol_fees = crossed = 0
    while remaining != 0 and price != limit:
        begun_at = price
        next_tick, initialized = next_initialized_tick_within_one_word(pool, tick, zero_for_one)
        boundary = get_sqrt_ratio_at_tick(next_tick)
        target = max(boundary, limit) if zero_for_one else min(boundary, limit)
        price, amount_in, amount_out, fee = compute_swap_step(price, target, liquidity, remaining, pool.fee_pips)
        for amount in (amount_in, amount_out, fee):
            uint(amount, TOP_128)
        if specified > 0:
            remaining -= amount_in + fee
            calculated = uint(calculated + amount_out, TOP_128)
        else:
            remaining += amount_out
            calculated = uint(calculated + amount_in + fee, TOP_128)
        fees += fee
        if pool.fee_protocol:
            protocol_fees += fee // pool.fee_protocol
        if price == boundary:
            if initialized:
                liquidity += -pool.ticks[next_tick] if zero_for_one else pool.ticks[next_tick]
                require(liquidity >= 0, "LS")
                require(liquidity <= TOP_128, "LA")
                crossed += 1
            tick = next_tick - 1 if zero_for_one else next_tick
        elif price != begun_at:
            tick = get_tick_at_sqrt_ratio(price)
    done = abs(specified - remaining)
    paid, given = (done, calculated) if specified > 0 else (calculated, done)
    return Result(remaining == 0, paid, given, fees, protocol_fees, crossed, price, tick, liquidity)
