"""Integers of any width in limbs against Python's own."""

from __future__ import annotations

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from simulation import wide
from simulation.jit import compiled

TOP = (1 << 64) - 1
BORDERS = (0, 1, 2, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, TOP - 1, TOP)
limb = st.sampled_from(BORDERS) | st.integers(0, TOP)
shift = st.integers(0, 63)
unhurried = settings(deadline=None, max_examples=300)


def numbers(count: int) -> st.SearchStrategy[int]:
    """Return numbers of up to so many limbs, many of them at the borders of limbs."""
    return st.lists(limb, max_size=count).map(wide.join)


@compiled
def added(a, b):
    return wide.add(a, b)


@compiled
def subtracted(a, b):
    return wide.sub(a, b)


@compiled
def multiplied(a, b):
    return wide.mul(a, b)


@compiled
def compared(a, b):
    return wide.less(a, b), wide.equal(a, b)


@compiled
def shifted(a, bits):
    return wide.shift_left(a, bits), wide.shift_right(a, bits)


@unhurried
@given(a=numbers(5))
def test_joining_undoes_splitting(a: int) -> None:
    assert wide.join(wide.split(a, 5)) == a


@unhurried
@given(a=numbers(5), b=numbers(2))
def test_sums_have_room_for_their_carry(a: int, b: int) -> None:
    assert wide.join(added(wide.split(a, 5), wide.split(b, 2))) == a + b
    assert wide.join(added(wide.split(b, 2), wide.split(a, 5))) == a + b


@unhurried
@given(a=numbers(3), b=numbers(3))
def test_differences_borrow_over_limbs(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert wide.join(subtracted(wide.split(high, 3), wide.split(low, 3))) == high - low


@unhurried
@given(a=numbers(4), b=numbers(3))
@example(a=(1 << 256) - 1, b=(1 << 192) - 1)
def test_products_are_exact(a: int, b: int) -> None:
    assert wide.join(multiplied(wide.split(a, 4), wide.split(b, 3))) == a * b


@unhurried
@given(a=numbers(3), b=numbers(3))
def test_numbers_of_different_widths_are_ordered_as_integers_are(a: int, b: int) -> None:
    assert compared(wide.split(a, 3), wide.split(b, 4)) == (a < b, a == b)
    assert compared(wide.split(a, 5), wide.split(a, 3)) == (False, True)


@unhurried
@given(a=numbers(3), bits=shift)
def test_bits_move_over_limbs(a: int, bits: int) -> None:
    left, right = shifted(wide.split(a, 3), *wide.split(bits, 1))
    assert (wide.join(left), wide.join(right)) == ((a << bits) % (1 << 192), a >> bits)


@unhurried
@given(a=numbers(3))
def test_fixed_point_of_96_bits_is_a_shift_there_and_back(a: int) -> None:
    assert wide.join(wide.shift_left_96(wide.split(a, 3))) == a << 96
    assert wide.join(wide.shift_right_96(wide.split(a, 3))) == a >> 96


@unhurried
@given(quotient=numbers(3), rest=numbers(4), divisor=numbers(4).filter(bool))
@example(quotient=(1 << 192) - 1, rest=(1 << 256) - 2, divisor=(1 << 256) - 1)
@example(quotient=TOP, rest=0, divisor=(1 << 255) | (1 << 192) - 1)  # the first estimate of a digit is too large by two
@example(quotient=(1 << 192) - 1, rest=0, divisor=1)  # the shortest divisor is moved up by three limbs and 63 bits
def test_quotients_tell_whether_a_remainder_is_left(quotient: int, rest: int, divisor: int) -> None:
    rest %= divisor
    dividend = wide.split(quotient * divisor + rest, 7)
    got, inexact = wide.div(dividend, wide.split(divisor, 4))
    assert (wide.join(got), inexact) == (quotient, rest > 0)


@unhurried
@given(dividend=numbers(3), divisor=limb.filter(bool))
def test_one_limb_divides_too(dividend: int, divisor: int) -> None:
    assume(dividend // divisor < 1 << 128)
    got, inexact = wide.div(wide.split(dividend, 3), wide.split(divisor, 1))
    assert (wide.join(got), inexact) == (dividend // divisor, dividend % divisor > 0)


@unhurried
@given(a=numbers(7), divisor=numbers(4).filter(bool))
def test_a_quotient_that_does_not_fit_is_known_beforehand(a: int, divisor: int) -> None:
    assert wide.quotient_fits(wide.split(a, 7), wide.split(divisor, 4)) == (a // divisor < 1 << 192)


@unhurried
@given(a=numbers(3), b=numbers(2), divisor=numbers(3).filter(bool))
def test_multiplying_and_dividing_rounds_once(a: int, b: int, divisor: int) -> None:
    assume(-(-a * b // divisor) < 1 << 128)
    operands = wide.split(a, 3), wide.split(b, 2), wide.split(divisor, 3)
    assert wide.join(wide.mul_div(*operands)) == a * b // divisor
    assert wide.join(wide.mul_div_rounding_up(*operands)) == -(-a * b // divisor)
