"""Concentrated liquidity pools, to the base unit: swaps over the tick map of a Uniswap V3 pool.

Numbers are tuples of limbs (``simulation.wide``): sqrt prices (Q96) of three, liquidity and amounts of two, so that
amounts are below 2**128. The rules, roundings and refusals are the contract's.
Sources: Uniswap/v3-core@d8b1c63, contracts/UniswapV3Pool.sol (swap) and contracts/libraries/SwapMath.sol,
TickBitmap.sol, LiquidityMath.sol; the tiers are those of UniswapV3Factory.sol and, for 1 bp, of the governance vote
of November 2021.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation import wide
from simulation.jit import compiled
from simulation.market.sqrt_price_math import (
    ROUND_DOWN,
    ROUND_UP,
    get_amount0_delta,
    get_amount1_delta,
    get_next_sqrt_price_from_input,
    get_next_sqrt_price_from_output,
)
from simulation.market.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    get_sqrt_ratio_at_tick,
    get_tick_at_sqrt_ratio,
)
from simulation.wei import U0, U63

if TYPE_CHECKING:
    from simulation.wide import Limbs

FEE_BASE_PIPS = 1_000_000
TICK_SPACINGS = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
"""The fee tiers: fee in pips (millionths of the input) and the tick spacing that belongs to it."""

TICK = np.dtype([("tick", np.int64), ("net_hi", np.uint64), ("net_lo", np.uint64)])
"""An initialized tick and its liquidityNet, an int128 in two's complement; a tick map is sorted by tick, none twice."""

_WORD_BITS = 8
"""A word of the contract's bitmap holds 2**8 spaced ticks; a step of a swap never looks beyond one."""
_ZERO = wide.split(0, 2)


class SwapStatus(IntEnum):
    """Why a pool refuses a swap or gives less than was asked; the short names are the contract's own."""

    OK = 0
    PRICE_LIMIT = 1
    """The price reached the limit first: the amounts are what was swapped until there."""
    AS = 2
    """The amount specified is zero."""
    SPL = 3
    """The sqrt price limit is on the wrong side of the price, or not inside the range of all prices."""
    LS = 4
    """Liquidity would fall below zero at a tick: the tick map does not belong to this liquidity."""
    LA = 5
    """Liquidity would pass 128 bits at a tick."""
    OVERFLOW = 6
    """An amount is not below 2**128."""


OK = np.int64(SwapStatus.OK)
_PRICE_LIMIT = np.int64(SwapStatus.PRICE_LIMIT)
_NO_AMOUNT = np.int64(SwapStatus.AS)
_BAD_LIMIT = np.int64(SwapStatus.SPL)
_LIQUIDITY_SUB = np.int64(SwapStatus.LS)
_LIQUIDITY_ADD = np.int64(SwapStatus.LA)
_OVERFLOW = np.int64(SwapStatus.OVERFLOW)


class PoolState(NamedTuple):
    """What a swap changes: slot0's price and tick, and the liquidity in range."""

    sqrt_price: Limbs
    tick: int
    liquidity: Limbs


class Step(NamedTuple):
    """What happens between two boundaries; the fee is not part of the amount in."""

    fits: bool  # every amount is below 2**128
    sqrt_price: Limbs
    amount_in: Limbs
    amount_out: Limbs
    fee: Limbs


class Swap(NamedTuple):
    """What a swap came to; a refused one has amounts of zero and the state as it was."""

    status: np.int64  # a SwapStatus
    amount_in: Limbs  # with the fee
    amount_out: Limbs
    fee: Limbs  # part of the amount in, in its token
    protocol_fee: Limbs  # part of the fee
    ticks_crossed: int  # initialized ones
    state: PoolState


@compiled
def compute_swap_step(sqrt_price, sqrt_target, liquidity, remaining, exact_in, fee_pips):
    """Return the ``Step`` towards a target price, as far as the remaining amount goes (SwapMath.computeSwapStep).

    An input that falls short of the target is used up: what its price did not need is fee. Else the fee is
    ``ceil(amount_in * fee / (10**6 - fee))``. An output is never more than what was asked for.
    """
    zero_for_one = not wide.less(sqrt_price, sqrt_target)
    fee = (np.uint64(fee_pips),)
    kept = (np.uint64(FEE_BASE_PIPS - fee_pips),)
    ok, next_price = _reached(sqrt_price, sqrt_target, liquidity, remaining, exact_in, zero_for_one, kept)
    amount_in = _amount_in(sqrt_price, next_price, liquidity, zero_for_one)
    amount_out = _amount_out(sqrt_price, next_price, liquidity, zero_for_one)
    if not exact_in and wide.less(remaining, amount_out):
        amount_out = wide.widen(remaining)
    paid, given = amount_in[1:], amount_out[1:]
    fits = ok and amount_in[0] == U0 and amount_out[0] == U0
    if exact_in and not wide.equal(next_price, sqrt_target):
        return Step(fits, next_price, paid, given, wide.sub(remaining, paid))
    product = wide.mul(paid, fee)
    fits = fits and wide.quotient_fits(product, kept)
    return Step(fits, next_price, paid, given, wide.div_rounding_up(product, kept))


@compiled
def _reached(sqrt_price, sqrt_target, liquidity, remaining, exact_in, zero_for_one, kept):
    """Return (ok, the target or the price at which the remaining amount is used up)."""
    if exact_in:
        less_fee = wide.mul_div(remaining, kept, (np.uint64(FEE_BASE_PIPS),))
        if not wide.less(less_fee, _amount_in(sqrt_price, sqrt_target, liquidity, zero_for_one)):
            return True, sqrt_target
        return get_next_sqrt_price_from_input(sqrt_price, liquidity, less_fee, zero_for_one)
    if not wide.less(remaining, _amount_out(sqrt_price, sqrt_target, liquidity, zero_for_one)):
        return True, sqrt_target
    return get_next_sqrt_price_from_output(sqrt_price, liquidity, remaining, zero_for_one)


@compiled
def _amount_in(sqrt_price, next_price, liquidity, zero_for_one):
    """Return what moves the price so far, without fee, rounded up."""
    if zero_for_one:
        return get_amount0_delta(next_price, sqrt_price, liquidity, ROUND_UP)
    return get_amount1_delta(sqrt_price, next_price, liquidity, ROUND_UP)


@compiled
def _amount_out(sqrt_price, next_price, liquidity, zero_for_one):
    """Return what that move gives, rounded down."""
    if zero_for_one:
        return get_amount1_delta(next_price, sqrt_price, liquidity, ROUND_DOWN)
    return get_amount0_delta(sqrt_price, next_price, liquidity, ROUND_DOWN)


@compiled
def swap(ticks, state, fee_pips, tick_spacing, fee_protocol, zero_for_one, exact_in, amount, sqrt_price_limit):
    """Return the ``Swap`` of an exact input or output in a pool (UniswapV3Pool.swap).

    ``ticks`` is a tick map (``TICK``), ``state`` a ``PoolState``, ``fee_protocol`` the n of the protocol's 1/n of the
    fee or 0, ``amount`` two limbs of the input with its fee, or of the output wanted.
    """
    refusal = _refusal(state.sqrt_price, zero_for_one, amount, sqrt_price_limit)
    if refusal != OK:
        return _refused(refusal, state)
    price, tick, liquidity = state
    index = _first_index(ticks, tick, zero_for_one)
    remaining, calculated, fees, protocol_fees, crossed = amount, _ZERO, _ZERO, _ZERO, 0
    while not (wide.is_zero(remaining) or wide.equal(price, sqrt_price_limit)):
        next_tick, initialized = next_initialized_tick_within_one_word(ticks, index, tick, tick_spacing, zero_for_one)
        boundary = get_sqrt_ratio_at_tick(next_tick)[1]
        target = _nearer(boundary, sqrt_price_limit, zero_for_one)
        step = compute_swap_step(price, target, liquidity, remaining, exact_in, fee_pips)
        fits, remaining, calculated = _account(step, remaining, calculated, exact_in)
        if not fits:
            return _refused(_OVERFLOW, state)
        fees = wide.add(fees, step.fee)[1:]
        protocol_fees = wide.add(protocol_fees, _protocol_part(step.fee, fee_protocol))[1:]
        if wide.equal(step.sqrt_price, boundary):
            if initialized:
                status, liquidity = add_delta(liquidity, ticks[index], zero_for_one)
                if status != OK:
                    return _refused(status, state)
                index += -1 if zero_for_one else 1
                crossed += 1
            tick = next_tick - 1 if zero_for_one else next_tick
        elif not wide.equal(step.sqrt_price, price):
            tick = get_tick_at_sqrt_ratio(step.sqrt_price)[1]
        price = step.sqrt_price
    status = OK if wide.is_zero(remaining) else _PRICE_LIMIT
    done = wide.sub(amount, remaining)
    paid, given = (done, calculated) if exact_in else (calculated, done)
    return Swap(status, paid, given, fees, protocol_fees, crossed, PoolState(price, tick, liquidity))


@compiled
def _refusal(sqrt_price, zero_for_one, amount, sqrt_price_limit):
    """Return why the contract would not begin the swap, or OK."""
    if wide.is_zero(amount):
        return _NO_AMOUNT
    if zero_for_one:
        allowed = wide.less(sqrt_price_limit, sqrt_price) and wide.less(MIN_SQRT_RATIO, sqrt_price_limit)
    else:
        allowed = wide.less(sqrt_price, sqrt_price_limit) and wide.less(sqrt_price_limit, MAX_SQRT_RATIO)
    return OK if allowed else _BAD_LIMIT


@compiled
def _refused(status, state):
    return Swap(status, _ZERO, _ZERO, _ZERO, _ZERO, 0, state)


@compiled
def _first_index(ticks, tick, zero_for_one):
    """Return where the walk over the ticks begins: downwards at the last one <= ``tick``, upwards at the first >."""
    low, high = 0, len(ticks)
    while low < high:
        middle = (low + high) // 2
        if ticks[middle].tick <= tick:
            low = middle + 1
        else:
            high = middle
    return low - 1 if zero_for_one else low


@compiled
def next_initialized_tick_within_one_word(ticks, index, tick, tick_spacing, zero_for_one):
    """Return (the tick at which the step ends, whether it is initialized) (TickBitmap, its function of this name).

    The step ends at the initialized tick at ``index`` or, if that is outside the bitmap word, at the word's edge. The
    edge counts: a step's roundings happen there. No tick passes MIN_TICK and MAX_TICK.
    """
    compressed = tick // tick_spacing
    if zero_for_one:
        edge = (compressed >> _WORD_BITS << _WORD_BITS) * tick_spacing
        if index >= 0 and ticks[index].tick >= edge:
            return ticks[index].tick, True
        return max(edge, MIN_TICK), False
    edge = (((compressed + 1) >> _WORD_BITS << _WORD_BITS) + (1 << _WORD_BITS) - 1) * tick_spacing
    if index < len(ticks) and ticks[index].tick <= edge:
        return ticks[index].tick, True
    return min(edge, MAX_TICK), False


@compiled
def _nearer(boundary, limit, zero_for_one):
    """Return where the step stops: the boundary, or the limit before it."""
    beyond = wide.less(boundary, limit) if zero_for_one else wide.less(limit, boundary)
    return limit if beyond else boundary


@compiled
def _account(step, remaining, calculated, exact_in):
    """Return (whether the sums are below 2**128, what remains of the amount, what the other side came to)."""
    paid = wide.add(step.amount_in, step.fee)
    if exact_in:
        total = wide.add(calculated, step.amount_out)
        return step.fits and total[0] == U0, wide.sub(remaining, paid[1:]), total[1:]
    total = wide.add(wide.widen(calculated), paid)
    fits = step.fits and wide.is_zero(total[:-2])
    return fits, wide.sub(remaining, step.amount_out), total[-2:]


@compiled
def _protocol_part(fee, fee_protocol):
    """Return the protocol's floor(fee / n), nothing for n = 0."""
    if fee_protocol == 0:
        return _ZERO
    return wide.div(wide.widen(fee), (np.uint64(fee_protocol),))[0]


@compiled
def add_delta(liquidity, record, zero_for_one):
    """Return (status, liquidity beyond a tick): plus its liquidityNet upwards, minus downwards (LiquidityMath)."""
    net = (record.net_hi, record.net_lo)
    negative = net[0] >> U63 != U0
    size = wide.sub(_ZERO, net) if negative else net
    if negative == zero_for_one:
        total = wide.add(liquidity, size)
        return (OK if total[0] == U0 else _LIQUIDITY_ADD), total[1:]
    if wide.less(liquidity, size):
        return _LIQUIDITY_SUB, liquidity
    return OK, wide.sub(liquidity, size)
