"""Prices and amounts within one liquidity range, to the base unit (SqrtPriceMath of Uniswap V3).

s is a sqrt price in Q96, three limbs; L the liquidity, two limbs; amounts are limbs of base units. Amount 0 is of the
token that is priced, amount 1 of the one it is priced in: ``price = (s / 2**96)**2``, ``amount0 = L * (1/sa - 1/sb)``,
``amount1 = L * (sb - sa)``. Every rounding favours the pool, as in the contract.
Source: Uniswap/v3-core@d8b1c63, contracts/libraries/SqrtPriceMath.sol.
"""

from __future__ import annotations

import numpy as np

from simulation import wide
from simulation.jit import compiled
from simulation.wei import LOW32, U0, U1

ROUND_UP, ROUND_DOWN = np.bool_(1), np.bool_(0)  # for Python's literals functions would be compiled twice
_TWO_160 = wide.split(1 << 160, 3)
_NOTHING = wide.split(0, 3)


@compiled
def get_next_sqrt_price_from_input(sqrt_price, liquidity, amount_in, zero_for_one):
    """Return (ok, the sqrt price after an input without its fee); not ok where the contract reverts.

    It does without a price or liquidity, and for a price that would not fit 160 bits.
    """
    if wide.is_zero(sqrt_price) or wide.is_zero(liquidity):
        return False, _NOTHING
    if zero_for_one:
        return _after_amount0_in(sqrt_price, liquidity, amount_in)
    return _after_amount1_in(sqrt_price, liquidity, amount_in)


@compiled
def get_next_sqrt_price_from_output(sqrt_price, liquidity, amount_out, zero_for_one):
    """Return (ok, the sqrt price after an output); not ok where the contract reverts.

    It does without a price or liquidity, for more than the range holds, and for a price that would not fit 160 bits.
    """
    if wide.is_zero(sqrt_price) or wide.is_zero(liquidity):
        return False, _NOTHING
    if zero_for_one:
        return _after_amount1_out(sqrt_price, liquidity, amount_out)
    return _after_amount0_out(sqrt_price, liquidity, amount_out)


@compiled
def _after_amount0_in(sqrt_price, liquidity, amount):
    """Return (ok, ceil(L*2**96*s / (L*2**96 + amount*s))): getNextSqrtPriceFromAmount0RoundingUp, added.

    Where the denominator overflows 256 bits, the contract takes the less exact ceil(L*2**96 / (L*2**96//s + amount)).
    """
    if wide.is_zero(amount):
        return True, sqrt_price
    numerator = wide.shift_left_96(liquidity)
    denominator = wide.add(numerator, wide.mul(amount, sqrt_price))
    if wide.is_zero(denominator[:-4]):
        return True, wide.div_rounding_up(_numerator_times(liquidity, sqrt_price), denominator[-4:])
    dividend = wide.widen(wide.widen(wide.widen(numerator)))
    divisor = wide.add(wide.div(dividend, sqrt_price)[0], amount)
    if not wide.is_zero(divisor[:-4]):
        return False, _NOTHING
    return True, wide.div_rounding_up(dividend, divisor[-4:])


@compiled
def _after_amount0_out(sqrt_price, liquidity, amount):
    """Return (ok, ceil(L*2**96*s / (L*2**96 - amount*s))): getNextSqrtPriceFromAmount0RoundingUp, removed."""
    if wide.is_zero(amount):
        return True, sqrt_price
    numerator = wide.shift_left_96(liquidity)
    product = wide.mul(amount, sqrt_price)
    if not wide.less(product, numerator):
        return False, _NOTHING
    denominator = wide.sub(numerator, product[-4:])
    dividend = _numerator_times(liquidity, sqrt_price)
    if not wide.quotient_fits(dividend, denominator):
        return False, _NOTHING
    next_price = wide.div_rounding_up(dividend, denominator)
    return wide.less(next_price, _TWO_160), next_price


@compiled
def _numerator_times(liquidity, sqrt_price):
    """Return L*2**96*s in the seven limbs that give a quotient of three when divided by four."""
    return wide.shift_left_96(wide.mul(liquidity, sqrt_price))


@compiled
def _after_amount1_in(sqrt_price, liquidity, amount):
    """Return (ok, s + floor(amount*2**96 / L)): getNextSqrtPriceFromAmount1RoundingDown, added."""
    dividend = wide.widen(wide.widen(wide.shift_left_96(amount)))
    if not wide.is_zero(dividend[:-5]) or not wide.quotient_fits(dividend[-5:], liquidity):
        return False, _NOTHING
    next_price = wide.add(sqrt_price, wide.div(dividend[-5:], liquidity)[0])
    return wide.less(next_price, _TWO_160), next_price[1:]


@compiled
def _after_amount1_out(sqrt_price, liquidity, amount):
    """Return (ok, s - ceil(amount*2**96 / L)): getNextSqrtPriceFromAmount1RoundingDown, removed."""
    dividend = wide.widen(wide.widen(wide.shift_left_96(amount)))
    if not wide.is_zero(dividend[:-5]) or not wide.quotient_fits(dividend[-5:], liquidity):
        return False, _NOTHING
    fall, inexact = wide.div(dividend[-5:], liquidity)
    if not wide.less(fall, sqrt_price):
        return False, _NOTHING
    next_price = wide.sub(sqrt_price, wide.add(fall, (U1 if inexact else U0,))[1:])
    return not wide.is_zero(next_price), next_price


@compiled
def get_amount0_delta(sqrt_a, sqrt_b, liquidity, round_up):
    """Return L*2**96*(sb - sa) / (sa*sb) between two sqrt prices in any order, as three limbs.

    The contract divides by sb and then by sa, rounding both alike, which is one division by their product. Below
    2**192 for prices from MIN_SQRT_RATIO on.
    """
    low, high = (sqrt_b, sqrt_a) if wide.less(sqrt_b, sqrt_a) else (sqrt_a, sqrt_b)
    scaled = wide.shift_left_96(wide.mul(liquidity, wide.sub(high, low)))
    amount, inexact = wide.div(wide.widen(scaled), wide.mul(low, high)[1:])
    return wide.add(amount, (U1 if inexact and round_up else U0,))[1:]


@compiled
def get_amount1_delta(sqrt_a, sqrt_b, liquidity, round_up):
    """Return L*(sb - sa) / 2**96 between two sqrt prices in any order, as three limbs; below 2**192."""
    low, high = (sqrt_b, sqrt_a) if wide.less(sqrt_b, sqrt_a) else (sqrt_a, sqrt_b)
    product = wide.mul(liquidity, wide.sub(high, low))
    inexact = not wide.is_zero((product[3] & LOW32, product[4]))
    return wide.add(wide.shift_right_96(product)[1:], (U1 if inexact and round_up else U0,))[1:]
