"""Unsigned integers of any width for compiled code: tuples of ``uint64`` limbs, most significant first.

A 160-bit sqrt price is a tuple of three limbs, a 128-bit amount one of two. Widths are part of the type, so each
function is compiled for the widths it is called with, into straight-line code with carries and without a loop over
limbs. No result is cut: a sum has one limb more than the wider operand, a product as many as both together.
Tuples are cut and lengthened by slices and ``+``; what a caller drops, it has shown to be zero.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulation.jit import compiled
from simulation.wei import U0, U1, U32, div_128_by_64, leading_zeros

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Limbs = tuple[np.uint64, ...]
LIMB_BITS = 64
_LIMB = ir.IntType(LIMB_BITS)
_PAIR = ir.IntType(2 * LIMB_BITS)
_TOP_LIMB = np.uint64(0xFFFFFFFFFFFFFFFF)


def _limbs_type(count: int) -> Any:
    return types.UniTuple(types.uint64, count)


def _limbs(builder: Any, value: Any) -> list[Any]:
    """Return the LLVM values of a tuple's limbs, most significant first."""
    return [builder.extract_value(value, place) for place in range(value.type.count)]


def _whole(builder: Any, value: Any, bits: int) -> Any:
    """Return a tuple of limbs as one LLVM integer of so many bits."""
    wide = ir.IntType(bits)
    limbs = [builder.zext(limb, wide) for limb in _limbs(builder, value)]  # nothing is done to a single limb of 64 bits
    shift = ir.Constant(wide, LIMB_BITS)
    return reduce(lambda high, limb: builder.or_(builder.shl(high, shift), limb), limbs)


def _parts(builder: Any, whole: Any, count: int) -> list[Any]:
    """Return an LLVM integer as so many limbs, most significant first."""
    places = reversed(range(count))
    shifted = [builder.lshr(whole, ir.Constant(whole.type, LIMB_BITS * place)) for place in places]
    return [builder.trunc(part, _LIMB) for part in shifted]


def _on_wholes(operation: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return a code generator for an operation on two tuples as integers of ``count`` limbs."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
        a, b = (_whole(builder, argument, LIMB_BITS * count) for argument in arguments)
        result = operation(builder, a, b)
        if signature.return_type == types.boolean:
            return result
        return context.make_tuple(builder, signature.return_type, _parts(builder, result, count))

    return codegen


@intrinsic
def add(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- the signature that numba asks for
    """Return a + b, one limb wider than the wider of the two."""
    count = max(a.count, b.count) + 1
    return _limbs_type(count)(a, b), _on_wholes(lambda builder, x, y: builder.add(x, y), count)


@intrinsic
def sub(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- as above
    """Return a - b as wide as the wider of the two, for a >= b; else modulo its width."""
    count = max(a.count, b.count)
    return _limbs_type(count)(a, b), _on_wholes(lambda builder, x, y: builder.sub(x, y), count)


@intrinsic
def less(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- as above
    """Tell whether a < b."""
    count = max(a.count, b.count)
    return types.boolean(a, b), _on_wholes(lambda builder, x, y: builder.icmp_unsigned("<", x, y), count)


@intrinsic
def equal(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- as above
    """Tell whether a == b."""
    count = max(a.count, b.count)
    return types.boolean(a, b), _on_wholes(lambda builder, x, y: builder.icmp_unsigned("==", x, y), count)


@intrinsic
def mul(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 -- as above
    """Return a * b, as wide as both together: the schoolbook rows, each limb product with its carries in 128 bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
        xs, ys = (list(reversed(_limbs(builder, argument))) for argument in arguments)
        wide = partial(builder.zext, typ=_PAIR)
        sums = [ir.Constant(_LIMB, 0)] * (len(xs) + len(ys))
        for row, x in enumerate(xs):
            carry = ir.Constant(_LIMB, 0)
            for place, y in enumerate(ys, row):
                total = builder.add(builder.mul(wide(x), wide(y)), builder.add(wide(sums[place]), wide(carry)))
                sums[place] = builder.trunc(total, _LIMB)
                carry = builder.trunc(builder.lshr(total, ir.Constant(_PAIR, LIMB_BITS)), _LIMB)
            sums[row + len(ys)] = carry
        return context.make_tuple(builder, signature.return_type, list(reversed(sums)))

    return _limbs_type(a.count + b.count)(a, b), codegen


def _funnel(name: str, neighbours: Callable[[list[Any]], list[tuple[Any, Any]]]) -> Callable[..., Any]:
    """Return a code generator that shifts each limb together with its neighbour."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
        value, bits = arguments
        shift = builder.module.declare_intrinsic(name, [_LIMB], ir.FunctionType(_LIMB, [_LIMB] * 3))
        pairs = neighbours(_limbs(builder, value))
        shifted = [builder.call(shift, [*pair, bits]) for pair in pairs]
        return context.make_tuple(builder, signature.return_type, shifted)

    return codegen


@intrinsic
def shift_left(typing_context: Any, a: Any, bits: Any) -> Any:  # noqa: ARG001 -- as above
    """Return a * 2**bits in the width of a, for a uint64 of bits below 64; what leaves at the top is dropped."""
    zero = ir.Constant(_LIMB, 0)
    pairs = _funnel("llvm.fshl.i64", lambda limbs: list(zip(limbs, [*limbs[1:], zero], strict=True)))
    return a(a, types.uint64), pairs


@intrinsic
def shift_right(typing_context: Any, a: Any, bits: Any) -> Any:  # noqa: ARG001 -- as above
    """Return floor(a / 2**bits), for a uint64 of bits below 64."""
    zero = ir.Constant(_LIMB, 0)
    pairs = _funnel("llvm.fshr.i64", lambda limbs: list(zip([zero, *limbs[:-1]], limbs, strict=True)))
    return a(a, types.uint64), pairs


def _slice_of(first: int, count: int) -> Callable[..., Any]:
    """Return a code generator that takes ``count`` limbs of its first argument."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
        limbs = _limbs(builder, arguments[0])[first : first + count]
        return context.make_tuple(builder, signature.return_type, limbs)

    return codegen


@intrinsic
def _head(typing_context: Any, a: Any, like: Any) -> Any:  # noqa: ARG001 -- as above
    """Return the top limbs of a, as many as ``like`` has: a slice whose length is a type's."""
    return _limbs_type(like.count)(a, like), _slice_of(0, like.count)


@intrinsic
def _tail(typing_context: Any, a: Any, like: Any) -> Any:  # noqa: ARG001 -- as above
    """Return the limbs of a below its head."""
    count = a.count - like.count
    return _limbs_type(count)(a, like), _slice_of(like.count, count)


@compiled
def is_zero(a):
    """Tell whether a number is zero."""
    return equal(a, (U0,))


@compiled
def widen(a):
    """Return a with one limb more, a zero at the top."""
    return (U0, *a)


@compiled
def lengthen(a):
    """Return a * 2**64, one limb longer."""
    return (*a, U0)


@compiled
def shift_left_96(a):
    """Return a * 2**96, two limbs wider: an integer as the fixed-point number Q96."""
    return lengthen(shift_left(widen(a), U32))


@compiled
def shift_right_96(a):
    """Return floor(a / 2**96), one limb narrower: the integer part of a Q96."""
    return shift_right(a[:-1], U32)


@compiled
def _digit(rest, divisor):
    """Return (quotient, remainder) where the quotient is one limb, for a normalised divisor of one limb less.

    The estimate from the top limbs is at most two too large (Knuth, The Art of Computer Programming 2, 4.3.1,
    theorem B).
    """
    if less(rest, divisor):
        return U0, rest[1:]
    if rest[0] >= divisor[0]:
        estimate = _TOP_LIMB
    else:
        estimate, _ = div_128_by_64(rest[0], rest[1], divisor[0])
    product = mul((estimate,), divisor)
    while less(rest, product):
        estimate -= U1
        product = sub(product, divisor)
    return estimate, sub(rest, product)[1:]


@compiled
def div(a, divisor):
    """Return (quotient, whether a remainder is left) of a / divisor, for a divisor above zero.

    The quotient is as many limbs as ``a`` has more than the divisor, and must fit: ``widen`` a for a wider
    one, or ask ``quotient_fits``. Knuth's algorithm D; numerator and divisor are first moved up together until
    the divisor's top bit is set, which leaves the quotient as it is.
    """
    for _ in range(len(divisor) - 1):
        if divisor[0] == U0:
            divisor, a = lengthen(divisor[1:]), lengthen(a[1:])
    shift = leading_zeros(divisor[0])
    divisor = shift_left(divisor, shift)
    a = shift_left(a, shift)
    for _ in range(len(a) - len(divisor)):  # the quotient's digits come in where the numerator's go out
        digit, rest = _digit(_head(a, lengthen(divisor)), divisor)
        a = rest + _tail(a, lengthen(divisor)) + (digit,)
    return _tail(a, divisor), not is_zero(_head(a, divisor))


@compiled
def quotient_fits(a, divisor):
    """Tell whether a / divisor is as narrow as ``div`` returns it."""
    return less(_head(a, divisor), divisor)


@compiled
def div_rounding_up(a, divisor):
    """Return ceil(a / divisor) as wide as ``div`` returns the floor; it must fit (UnsafeMath.divRoundingUp)."""
    quotient, inexact = div(a, divisor)
    return add(quotient, (U1 if inexact else U0,))[1:]


@compiled
def mul_div(a, b, divisor):
    """Return floor(a * b / divisor) from the full product; limbs and bound as in ``div`` (FullMath.mulDiv)."""
    return div(mul(a, b), divisor)[0]


@compiled
def mul_div_rounding_up(a, b, divisor):
    """Return ceil(a * b / divisor) from the full product; limbs and bound as in ``div`` (FullMath.mulDivRoundingUp)."""
    return div_rounding_up(mul(a, b), divisor)


def split(value: int, count: int) -> Limbs:
    """Return the limbs of a Python integer below 2**(64 * count)."""
    assert 0 <= value < 1 << LIMB_BITS * count
    return tuple(np.uint64(value >> LIMB_BITS * place & int(_TOP_LIMB)) for place in reversed(range(count)))


def join(limbs: Sequence[int]) -> int:
    """Return the Python integer of limbs."""
    return reduce(lambda high, limb: high << LIMB_BITS | int(limb), limbs, 0)
