"""Ticks and sqrt prices of concentrated liquidity, exact (TickMath of Uniswap V3).

``sqrt(1.0001**tick) * 2**96`` in the contract's own rounding, and its inverse. A sqrt price is a tuple of three limbs
(``simulation.wide``), a tick an int64. Source: Uniswap/v3-core@d8b1c63, contracts/libraries/TickMath.sol.
"""

from __future__ import annotations

import numpy as np

from simulation import wide
from simulation.jit import compiled
from simulation.wei import U0, U1, U32, U63, leading_zeros, mul64

MIN_TICK = -887_272
MAX_TICK = 887_272
MIN_SQRT_RATIO = wide.split(4_295_128_739, 3)
MAX_SQRT_RATIO = wide.split(1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342, 3)

# 2**128 / sqrt(1.0001)**(2**place), rounded to the nearest integer, for the places 0 to 19 of a tick's binary digits.
_POWERS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x09AA508B5B7A84E1C677DE54F3E99BC9,
    0x005D6AF8DEDB81196699C329225EE604,
    0x00002216E584F5FA1EA926041BEDFE98,
    0x00000000048A170391F7DC42444E8FA2,
)
_POWERS_HI = np.array([power >> 64 for power in _POWERS], np.uint64)
_POWERS_LO = np.array([power & (1 << 64) - 1 for power in _POWERS], np.uint64)
_TWO_96 = wide.split(1 << 96, 3)
_TWO_256_LESS_1 = wide.split((1 << 256) - 1, 5)

# tick = log2(sqrt price) * 2 / log2(1.0001), in steps of 2**-42: a logarithm of 24 bits behind the point times a factor
# of 18.
_LOG_BITS = 24
_TICKS_PER_OCTAVE = 3_634_269_191
_TICK_BITS = 42
# The factor is off by at most 2**-19 and the logarithm is below 2**6: 2**-13 of a tick either way. The logarithm is
# floored, by at most 2**-24 and what squaring loses, which is another 0.0009 of a tick upwards.
_LEAST_ERROR = 1 << (_TICK_BITS - 12)
_MOST_ERROR = 1 << (_TICK_BITS - 9)


@compiled
def get_sqrt_ratio_at_tick(tick):
    """Return (whether the tick is one, sqrt(1.0001**tick) * 2**96); it is none where the contract reverts with T.

    The product of the powers at the binary digits of |tick|, each product floored in Q128; its inverse for positive
    ticks; then rounded up to Q96.
    """
    if tick < MIN_TICK or tick > MAX_TICK:
        return False, _TWO_96
    if tick == 0:
        return True, _TWO_96
    power = _power(np.uint64(abs(tick)))
    ratio = wide.div(_TWO_256_LESS_1, power)[0] if tick > 0 else wide.widen(power)
    return True, _ceil_to_96(ratio)


@compiled
def _power(exponent):
    """Return sqrt(1.0001)**-exponent in Q128, for an exponent above zero."""
    place = _lowest_digit(exponent)
    exponent &= exponent - U1
    power = (_POWERS_HI[place], _POWERS_LO[place])
    while exponent != U0:
        place = _lowest_digit(exponent)
        exponent &= exponent - U1
        power = wide.mul(power, (_POWERS_HI[place], _POWERS_LO[place]))[:2]
    return power


@compiled
def _lowest_digit(bits):
    """Return the place of the lowest one among bits."""
    return U63 - leading_zeros(bits & (~bits + U1))


@compiled
def _ceil_to_96(ratio):
    """Return a Q128 of three limbs as a Q96, rounded up."""
    dropped = ratio[2] << U32
    return wide.add(wide.shift_right(ratio, U32), (U1 if dropped != U0 else U0,))[1:]


@compiled
def get_tick_at_sqrt_ratio(sqrt_price_x96):
    """Return (whether the price has a tick, the greatest tick whose sqrt ratio is not above the price).

    It has none outside [MIN_SQRT_RATIO, MAX_SQRT_RATIO), where the contract reverts with R. A logarithm with a known
    error names one tick or two; of two, the higher one's ratio decides.
    """
    if wide.less(sqrt_price_x96, MIN_SQRT_RATIO) or not wide.less(sqrt_price_x96, MAX_SQRT_RATIO):
        return False, 0
    estimate = _log2(sqrt_price_x96) * _TICKS_PER_OCTAVE
    low = (estimate - _LEAST_ERROR) >> _TICK_BITS
    high = (estimate + _MOST_ERROR) >> _TICK_BITS
    if low != high and wide.less(sqrt_price_x96, get_sqrt_ratio_at_tick(high)[1]):
        return True, low
    return True, high


@compiled
def _log2(sqrt_price_x96):
    """Return the binary logarithm of a Q96, floored to ``_LOG_BITS`` bits behind the point.

    Squaring a mantissa doubles its logarithm: whether the square reaches 2 is the next bit.
    """
    whole = 63
    for _ in range(2):
        if sqrt_price_x96[0] == U0:
            sqrt_price_x96 = (sqrt_price_x96[1], sqrt_price_x96[2], U0)
            whole -= 64
    shift = leading_zeros(sqrt_price_x96[0])
    mantissa = wide.shift_left(sqrt_price_x96, shift)[0]
    logarithm = whole + 32 - np.int64(shift)
    for _ in range(_LOG_BITS):
        high, low = mul64(mantissa, mantissa)
        bit = high >> U63
        mantissa = high if bit == U1 else (high << U1) | (low >> U63)
        logarithm = (logarithm << 1) | np.int64(bit)
    return logarithm
