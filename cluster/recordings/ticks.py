"""The square root price at a tick, exact: TickMath of Uniswap V3 in Python's integers.

The compiled one is ``simulation.market.tick_math``; this one lets a recording be read, and refused, without a compiler.

Source: Uniswap/v3-core@d8b1c63, contracts/libraries/TickMath.sol (getSqrtRatioAtTick).
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

MAX_TICK = 887_272
"""In either direction."""

MIN_SQRT_PRICE = 4_295_128_739
MAX_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
"""At the highest tick, and exclusive."""


def _powers() -> tuple[int, ...]:
    """Return 2**128 / sqrt(1.0001)**(2**place), to the nearest integer, for the binary digits of a tick."""
    with localcontext() as context:
        context.prec, context.rounding = 120, ROUND_HALF_EVEN
        root = Decimal("1.0001").sqrt()
        return tuple(int((Decimal(2**128) / root ** (1 << place)).to_integral_value()) for place in range(20))


_POWERS = _powers()


def sqrt_price_at_tick(tick: int) -> int:
    """Return sqrt(1.0001**tick) * 2**96 for a tick within ``MAX_TICK`` of zero, in the contract's rounding.

    The product of the powers at the binary digits of |tick|, each floored in Q128; its inverse for positive ticks;
    then rounded up to Q96.
    """
    assert abs(tick) <= MAX_TICK
    ratio = 1 << 128
    for place, power in enumerate(_POWERS):
        if abs(tick) >> place & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return -(-ratio >> 32)
