"""Unsigned integers of 128 and 256 bits for compiled code, as limbs of 64 bits, most significant first.

A 128-bit number is a pair ``(hi, lo)`` of ``uint64``. Nothing here overflows silently: each function states
what must fit, and the callers' bounds (pool reserves below 2**112, as in Uniswap V2) guarantee it.
"""

from __future__ import annotations

from platform import machine
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from simulation.jit import compiled

U0 = np.uint64(0)
U1 = np.uint64(1)
U32 = np.uint64(32)
U63 = np.uint64(63)
U64_BITS = np.uint64(64)
LOW32 = np.uint64(0xFFFFFFFF)
BP = np.uint64(10_000)
TWO_64 = 2.0**64
TWO_128 = 2.0**128


@intrinsic
def mul64(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- the signature that numba asks for
    """Multiply two uint64 into a 128-bit ``(hi, lo)``; one machine instruction on most processors."""
    signature = types.UniTuple(types.uint64, 2)(types.uint64, types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, narrow = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), narrow)
        return context.make_tuple(builder, signature.return_type, [high, builder.trunc(product, narrow)])

    return signature, codegen


@intrinsic
def leading_zeros(typing_context: Any, a: Any) -> Any:  # noqa: ARG001 -- the signature that numba asks for
    """Count the leading zero bits of a uint64; 64 for zero."""
    signature = types.uint64(types.uint64)

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return signature, codegen


@compiled
def is_zero(hi, lo):
    """Tell whether a 128-bit number is zero."""
    return (hi | lo) == U0


@compiled
def less(a_hi, a_lo, b_hi, b_lo):
    """Tell whether a < b."""
    return a_hi < b_hi or (a_hi == b_hi and a_lo < b_lo)


@compiled
def add(a_hi, a_lo, b_hi, b_lo):
    """Return a + b; the sum must be below 2**128."""
    lo = a_lo + b_lo
    return a_hi + b_hi + (U1 if lo < a_lo else U0), lo


@compiled
def sub(a_hi, a_lo, b_hi, b_lo):
    """Return a - b, for a >= b."""
    return a_hi - b_hi - (U1 if a_lo < b_lo else U0), a_lo - b_lo


@compiled
def mul_small(a_hi, a_lo, factor):
    """Return a * factor for a uint64 factor; the product must be below 2**128."""
    hi, lo = mul64(a_lo, factor)
    return hi + a_hi * factor, lo


@compiled
def mul(a_hi, a_lo, b_hi, b_lo):
    """Return the 256-bit product of two 128-bit numbers as four limbs."""
    p0_hi, p0_lo = mul64(a_lo, b_lo)
    p1_hi, p1_lo = mul64(a_lo, b_hi)
    p2_hi, p2_lo = mul64(a_hi, b_lo)
    p3_hi, p3_lo = mul64(a_hi, b_hi)
    limb1 = p0_hi + p1_lo
    carry = U1 if limb1 < p0_hi else U0
    limb1 += p2_lo
    carry += U1 if limb1 < p2_lo else U0
    limb2 = p1_hi + p2_hi
    carry3 = U1 if limb2 < p1_hi else U0
    limb2 += p3_lo
    carry3 += U1 if limb2 < p3_lo else U0
    limb2 += carry
    carry3 += U1 if limb2 < carry else U0
    return p3_hi + carry3, limb2, limb1, p0_lo


binding.initialize_native_asmparser()


@intrinsic
def _divq(typing_context: Any, hi: Any, lo: Any, divisor: Any) -> Any:  # noqa: ARG001 -- as above
    """Divide a 128-bit number by a uint64 above ``hi``: one instruction of x86-64, which LLVM has no word for.

    It ends the process where the quotient does not fit.
    """
    signature = types.UniTuple(types.uint64, 2)(types.uint64, types.uint64, types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.LiteralStructType([word, word]), [word, word, word])
        hi, lo, divisor = arguments
        pair = builder.asm(
            kind, "divq $4", "={rax},={rdx},{rax},{rdx},r,~{flags}", [lo, hi, divisor], side_effect=False
        )
        parts = [builder.extract_value(pair, place) for place in range(2)]
        return context.make_tuple(builder, signature.return_type, parts)

    return signature, codegen


@compiled
def div_by_digits(hi, lo, divisor):
    """Return (quotient, remainder) of a 128-bit number by a uint64 with its top bit set, for hi < divisor.

    Schoolbook division with digits of 32 bits (Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D).
    """
    d1, d0 = divisor >> U32, divisor & LOW32
    quotient1, rest = _digit(hi, lo >> U32, divisor, d1, d0)
    quotient0, rest = _digit(rest, lo & LOW32, divisor, d1, d0)
    return (quotient1 << U32) | quotient0, rest


@compiled
def div_by_instruction(hi, lo, divisor):
    """Return the same, where the processor has an instruction for it."""
    return _divq(hi, lo, divisor) if hi < divisor else (~U0, ~U0)


div_128_by_64 = div_by_instruction if machine() in ("x86_64", "AMD64") else div_by_digits


@compiled
def _digit(rest, next_digit, divisor, d1, d0):
    digit = rest // d1
    remainder = rest - digit * d1
    while digit > LOW32 or digit * d0 > ((remainder << U32) | next_digit):
        digit -= U1
        remainder += d1
        if remainder > LOW32:
            break
    return digit, ((rest << U32) | next_digit) - digit * divisor


@compiled
def _div_192_by_128(n2, n1, n0, d1, d0):
    """Divide three limbs by two, for (n2, n1) < (d1, d0) and d1 with its top bit set: one limb and the rest."""
    if n2 >= d1:  # the estimate would not fit a limb; only possible when n2 == d1
        quotient = ~U0
        rest = n1 + d1
        overflow = rest < d1
    else:
        quotient, rest = div_128_by_64(n2, n1, d1)
        overflow = False
    low_hi, low_lo = mul64(quotient, d0)
    while not overflow and less(rest, n0, low_hi, low_lo):
        quotient -= U1
        low_hi, low_lo = sub(low_hi, low_lo, U0, d0)
        rest += d1
        overflow = rest < d1
    rest_hi, rest_lo = sub(rest, n0, low_hi, low_lo)
    return quotient, rest_hi, rest_lo


@compiled
def div(n3, n2, n1, n0, d_hi, d_lo):
    """Return (q_hi, q_lo, r_hi, r_lo) of a 256-bit number by a 128-bit one; the quotient must be below 2**128."""
    if d_hi == U0:
        return _div_by_limb(n1, n0, n2, d_lo)
    shift = leading_zeros(d_hi)
    if shift > U0:  # no bit is lost: a quotient below 2**128 means that n3 is below d_hi or equal to it
        back = U64_BITS - shift
        n3 = (n3 << shift) | (n2 >> back)
        n2 = (n2 << shift) | (n1 >> back)
        n1 = (n1 << shift) | (n0 >> back)
        n0 = n0 << shift
        d_hi = (d_hi << shift) | (d_lo >> back)
        d_lo = d_lo << shift
    q_hi, r_hi, r_lo = U0, n2, n1
    if n3 != U0 or not less(n2, n1, d_hi, d_lo):  # seldom: most quotients fit one limb
        q_hi, r_hi, r_lo = _div_192_by_128(n3, n2, n1, d_hi, d_lo)
    q_lo, r_hi, r_lo = _div_192_by_128(r_hi, r_lo, n0, d_hi, d_lo)
    if shift > U0:
        r_lo = (r_lo >> shift) | (r_hi << (U64_BITS - shift))
        r_hi = r_hi >> shift
    return q_hi, q_lo, r_hi, r_lo


@compiled
def _div_by_limb(n1, n0, n2, d):
    shift = leading_zeros(d)
    if shift > U0:
        back = U64_BITS - shift
        n2 = (n2 << shift) | (n1 >> back)
        n1 = (n1 << shift) | (n0 >> back)
        n0 = n0 << shift
        d = d << shift
    q_hi, rest = U0, n1
    if n2 != U0 or n1 >= d:  # as above
        q_hi, rest = div_128_by_64(n2, n1, d)
    q_lo, rest = div_128_by_64(rest, n0, d)
    return q_hi, q_lo, U0, rest >> shift


@compiled
def mul_div(a_hi, a_lo, b_hi, b_lo, d_hi, d_lo):
    """Return floor(a * b / d) as (hi, lo); the result must be below 2**128."""
    n3, n2, n1, n0 = mul(a_hi, a_lo, b_hi, b_lo)
    q_hi, q_lo, _, _ = div(n3, n2, n1, n0, d_hi, d_lo)
    return q_hi, q_lo


@compiled
def basis_points(hi, lo, bp):
    """Return floor(a * bp / 10000) of a 128-bit number as (hi, lo), for bp up to 10000.

    Dividing by a constant is multiplying, so long division in digits of 32 bits is faster than ``mul_div`` here.
    """
    if hi == U0:
        return U0, lo // BP * bp + lo % BP * bp // BP
    q2, rest = hi // BP, hi % BP
    digit = (rest << U32) | (lo >> U32)
    q1, rest = digit // BP, digit % BP
    digit = (rest << U32) | (lo & LOW32)
    q0, rest = digit // BP, digit % BP
    whole_hi, whole_lo = mul_small(q2, (q1 << U32) | q0, bp)
    return add(whole_hi, whole_lo, U0, rest * bp // BP)


@compiled
def mul_shift(a_hi, a_lo, factor, shift):
    """Return floor(a * factor / 2**shift) as a uint64, for 1 <= shift <= 127; the result must fit."""
    p_hi, limb0 = mul64(a_lo, factor)
    limb2, limb1 = mul64(a_hi, factor)
    limb1 += p_hi
    limb2 += U1 if limb1 < p_hi else U0
    bits = np.uint64(shift)
    if bits >= U64_BITS:
        bits -= U64_BITS
        limb0, limb1 = limb1, limb2
    if bits == U0:
        return limb0
    return (limb0 >> bits) | (limb1 << (U64_BITS - bits))


@compiled
def from_float(value):
    """Return floor(value) of a non-negative float below 2**128 as (hi, lo), without rounding."""
    whole = np.floor(value)
    hi = np.floor(whole / TWO_64)
    return np.uint64(hi), np.uint64(whole - hi * TWO_64)


@compiled
def from_float_3(value):
    """Return floor(value) of a non-negative float below 2**192 as three limbs, without rounding."""
    whole = np.floor(value)
    high = np.floor(whole / TWO_128)
    hi, lo = from_float(whole - high * TWO_128)
    return np.uint64(high), hi, lo


def join(hi: int, lo: int) -> int:
    """Return the Python integer of two limbs."""
    return (int(hi) << 64) | int(lo)


def split(value: int) -> tuple[int, int]:
    """Return the two limbs of a Python integer below 2**128."""
    assert 0 <= value < 1 << 128
    return value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF
