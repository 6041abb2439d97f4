"""Wide integers in limbs against Python's own."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from simulation import wei
from simulation.market import pools

TOP = (1 << 64) - 1
BORDERS = (0, 1, 2, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, TOP - 1, TOP)
limb = st.sampled_from(BORDERS) | st.integers(0, TOP)
wide = st.builds(wei.join, limb, limb)
divisor = wide.filter(bool)
unhurried = settings(deadline=None, max_examples=300)


def limbs(*numbers: int) -> list[np.uint64]:
    """Return numbers below 2**128 as the limbs that compiled code takes."""
    return [np.uint64(part) for number in numbers for part in wei.split(number)]


def parts(number: int, count: int) -> list[np.uint64]:
    """Return a number as ``count`` limbs, most significant first."""
    return [np.uint64(number >> (64 * place) & TOP) for place in reversed(range(count))]


def whole(*numbers: int) -> int:
    """Return the Python integer of limbs, most significant first."""
    total = 0
    for number in numbers:
        total = total << 64 | int(number)
    return total


@unhurried
@given(a=wide)
def test_joining_undoes_splitting(a: int) -> None:
    assert wei.join(*wei.split(a)) == a


@unhurried
@given(a=wide, b=wide)
def test_less_orders_as_integers_do(a: int, b: int) -> None:
    assert wei.less(*limbs(a, b)) == (a < b)


@unhurried
@given(a=wide)
def test_nothing_is_less_than_itself_and_only_zero_is_zero(a: int) -> None:
    assert not wei.less(*limbs(a, a))
    assert wei.is_zero(*limbs(a)) == (a == 0)


@unhurried
@given(a=wide, b=wide)
def test_adding_carries_over_the_border_of_limbs(a: int, b: int) -> None:
    assume(a + b < 1 << 128)
    assert whole(*wei.add(*limbs(a, b))) == a + b


@unhurried
@given(a=wide, b=wide)
def test_subtracting_borrows_over_the_border_of_limbs(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert whole(*wei.sub(*limbs(high, low))) == high - low


@unhurried
@given(a=wide, factor=limb)
def test_multiplying_by_one_limb_is_exact(a: int, factor: int) -> None:
    fitting = a % (1 << 128) // max(factor, 1)
    assert whole(*wei.mul_small(*limbs(fitting), np.uint64(factor))) == fitting * factor


@unhurried
@given(a=wide, b=wide)
def test_products_of_256_bits_are_exact(a: int, b: int) -> None:
    assert whole(*wei.mul(*limbs(a, b))) == a * b


@unhurried
@given(quotient=limb, rest=limb, by=st.sampled_from(BORDERS[7:]) | st.integers(1 << 63, TOP))
@example(quotient=TOP, rest=0, by=(1 << 63) | TOP >> 32)
def test_dividing_two_limbs_by_one_gives_quotient_and_rest_in_either_way(quotient: int, rest: int, by: int) -> None:
    rest %= by
    for divide in (wei.div_by_digits, wei.div_128_by_64):
        got_quotient, got_rest = divide(*limbs(quotient * by + rest), np.uint64(by))
        assert (int(got_quotient), int(got_rest)) == (quotient, rest)


@unhurried
@given(hi=limb, lo=limb, by=limb)
@example(hi=0, lo=0, by=0)
def test_a_quotient_that_does_not_fit_ends_no_process(hi: int, lo: int, by: int) -> None:
    assume(hi >= by)
    assert len(wei.div_128_by_64(np.uint64(hi), np.uint64(lo), np.uint64(by))) == 2


@unhurried
@given(quotient=wide, rest=wide, by=divisor)
@example(quotient=(1 << 128) - 1, rest=(1 << 128) - 1, by=(1 << 128) - 1)
@example(quotient=TOP << 64, rest=0, by=(1 << 127) | TOP)  # the first estimate of a digit is two too large
@example(quotient=TOP, rest=(1 << 127) | TOP - 1, by=(1 << 127) | TOP)
@example(quotient=(1 << 128) - 1, rest=0, by=1 << 64)  # the shortest divisor of two limbs: the greatest shift
@example(quotient=(1 << 128) - 1, rest=0, by=1)
def test_dividing_four_limbs_by_two_gives_quotient_and_rest(quotient: int, rest: int, by: int) -> None:
    rest %= by
    result = wei.div(*parts(quotient * by + rest, 4), *limbs(by))
    assert (whole(*result[:2]), whole(*result[2:])) == (quotient, rest)


@unhurried
@given(numerator=st.builds(whole, limb, limb, limb, limb), by=divisor)
def test_dividing_any_four_limbs_by_two_is_exact_where_the_quotient_fits(numerator: int, by: int) -> None:
    numerator %= by << 128
    result = wei.div(*parts(numerator, 4), *limbs(by))
    assert (whole(*result[:2]), whole(*result[2:])) == divmod(numerator, by)


@unhurried
@given(a=wide, b=wide, by=divisor)
def test_multiplying_and_dividing_floors_once(a: int, b: int, by: int) -> None:
    assume(a * b // by < 1 << 128)
    assert whole(*wei.mul_div(*limbs(a, b, by))) == a * b // by


@unhurried
@given(a=wide, bp=st.integers(0, 10_000))
@example(a=(1 << 128) - 1, bp=10_000)
@example(a=(1 << 128) - 1, bp=9_999)
def test_basis_points_of_a_wide_number_floor_once(a: int, bp: int) -> None:
    assert whole(*wei.basis_points(*limbs(a), np.uint64(bp))) == a * bp // 10_000


@unhurried
@given(a=wide, factor=limb, shift=st.integers(1, 127))
@example(a=TOP, factor=TOP, shift=64)  # a shift by whole limbs leaves nothing to merge
@example(a=(1 << 128) - 1, factor=1, shift=64)
@example(a=(1 << 127) + 1, factor=TOP, shift=127)
def test_multiplying_and_shifting_floors_once(a: int, factor: int, shift: int) -> None:
    assume(a * factor >> shift <= TOP)
    assert wei.mul_shift(*limbs(a), np.uint64(factor), shift) == a * factor >> shift


@unhurried
@given(bits=st.integers(0, TOP), shift=st.integers(1, 127), factor=limb.filter(bool))
def test_multiplying_and_shifting_reaches_every_result_that_fits(bits: int, shift: int, factor: int) -> None:
    a = min((bits << shift) // factor, (1 << 128) - 1)
    assert wei.mul_shift(*limbs(a), np.uint64(factor), shift) == a * factor >> shift


@unhurried
@given(value=st.floats(0, 2.0**128, exclude_max=True, allow_subnormal=True))
@example(value=math.nextafter(2.0**64, 0))
@example(value=2.0**64)
@example(value=math.nextafter(2.0**128, 0))
@example(value=0.9999999999999999)
def test_a_float_becomes_its_floor_without_rounding(value: float) -> None:
    assert whole(*wei.from_float(value)) == math.floor(value)


below_112_bits = st.integers(0, 112).flatmap(lambda bits: st.integers(0, (1 << bits) - 1))
reserve = below_112_bits.filter(bool)


@unhurried
@given(amount=reserve, reserve_in=reserve, reserve_out=reserve, fee_bp=st.integers(0, 9_999))
@example(amount=(1 << 112) - 1, reserve_in=(1 << 112) - 1, reserve_out=(1 << 112) - 1, fee_bp=0)
def test_a_pool_gives_the_formula_s_integer_at_any_size(
    amount: int, reserve_in: int, reserve_out: int, fee_bp: int
) -> None:
    kept = amount * (10_000 - fee_bp)
    status, *out = pools.amount_out(*limbs(amount, reserve_in, reserve_out), fee_bp)
    assert status == pools.SwapStatus.OK
    assert whole(*out) == kept * reserve_out // (reserve_in * 10_000 + kept)


@unhurried
@given(amount=reserve, reserve_in=reserve, reserve_out=reserve, fee_bp=st.integers(0, 9_999))
def test_a_pool_asks_for_the_formula_s_integer_or_says_that_it_overflows(
    amount: int, reserve_in: int, reserve_out: int, fee_bp: int
) -> None:
    amount %= reserve_out
    assume(amount)
    asked = reserve_in * amount * 10_000 // ((reserve_out - amount) * (10_000 - fee_bp)) + 1
    status, *got = pools.amount_in(*limbs(amount, reserve_in, reserve_out), fee_bp)
    if asked < 1 << 112:
        assert (status, whole(*got)) == (pools.SwapStatus.OK, asked)
    else:
        assert (status, whole(*got)) == (pools.SwapStatus.OVERFLOW, 0)


@unhurried
@given(amount=reserve, reserve_in=reserve, reserve_out=reserve, fee_bp=st.integers(0, 9_999))
def test_what_a_pool_asks_for_buys_at_least_what_was_wanted(
    amount: int, reserve_in: int, reserve_out: int, fee_bp: int
) -> None:
    amount %= reserve_out
    assume(amount)
    status, *asked = pools.amount_in(*limbs(amount, reserve_in, reserve_out), fee_bp)
    assume(status == pools.SwapStatus.OK)
    _, *out = pools.amount_out(*limbs(whole(*asked), reserve_in, reserve_out), fee_bp)
    assert whole(*out) >= amount


@unhurried
@given(amount=reserve, reserve_a=reserve, reserve_b=reserve)
def test_a_quote_is_the_proportion_rounded_down(amount: int, reserve_a: int, reserve_b: int) -> None:
    worth = amount * reserve_b // reserve_a
    status, *got = pools.quote(*limbs(amount, reserve_a, reserve_b))
    expected = (pools.SwapStatus.OK, worth) if worth < 1 << 128 else (pools.SwapStatus.OVERFLOW, 0)
    assert (status, whole(*got)) == expected
