"""Compiled concentrated liquidity against its slow twin: the same integers, the same refusals."""

from __future__ import annotations

from collections import Counter
from random import Random

import concentrated_calls as compiled
import pytest
import twin_concentrated as twin
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_pools import prices, random_swap, sized, swaps

from simulation.market import tick_math

ticks = st.integers(twin.MIN_TICK, twin.MAX_TICK)
liquidities = sized(128)
amounts = st.just(0) | sized(128)
unhurried = settings(deadline=None, max_examples=500)
THOUSANDS = 5_000
"""Of swaps: the rarest of their ends is one of some hundreds."""


def outcome(function, *arguments):
    """Return what a function gives, or that it reverts."""
    try:
        return function(*arguments)
    except twin.RevertError:
        return "reverts"


def test_the_powers_of_a_tick_are_those_of_the_definition():
    assert list(tick_math._POWERS) == twin.powers()


@unhurried
@given(tick=ticks)
def test_a_tick_has_the_twin_s_price(tick):
    assert compiled.get_sqrt_ratio_at_tick(tick) == twin.get_sqrt_ratio_at_tick(tick)


@unhurried
@given(tick=ticks.filter(lambda tick: tick < twin.MAX_TICK))
def test_a_tick_begins_exactly_at_its_price(tick):
    price = twin.get_sqrt_ratio_at_tick(tick)
    assert compiled.get_tick_at_sqrt_ratio(price) == tick
    assert outcome(compiled.get_tick_at_sqrt_ratio, price - 1) == (tick - 1 if tick > twin.MIN_TICK else "reverts")


@unhurried
@given(price=prices)
def test_a_price_has_the_twin_s_tick(price):
    assert compiled.get_tick_at_sqrt_ratio(price) == twin.get_tick_at_sqrt_ratio(price)


@pytest.mark.parametrize("way", ["input", "output"])
@unhurried
@given(price=prices, liquidity=liquidities, amount=amounts, zero_for_one=st.booleans())
def test_an_amount_moves_the_price_as_the_twin_s(way, price, liquidity, amount, zero_for_one):
    name = f"get_next_sqrt_price_from_{way}"
    got = outcome(getattr(compiled, name), price, liquidity, amount, zero_for_one, 2)
    assert got == outcome(getattr(twin, name), price, liquidity, amount, zero_for_one)


@unhurried
@given(price=prices, liquidity=liquidities, amount=st.integers(0, twin.TOP_256), zero_for_one=st.booleans())
def test_so_does_an_amount_of_256_bits(price, liquidity, amount, zero_for_one):
    got = outcome(compiled.get_next_sqrt_price_from_input, price, liquidity, amount, zero_for_one)
    assert got == outcome(twin.get_next_sqrt_price_from_input, price, liquidity, amount, zero_for_one)


@unhurried
@given(one=prices, other=prices, liquidity=st.just(0) | liquidities, round_up=st.booleans())
@example(one=twin.MIN_SQRT_RATIO, other=twin.MAX_SQRT_RATIO, liquidity=twin.TOP_128, round_up=True)
def test_amounts_between_two_prices_are_the_twin_s(one, other, liquidity, round_up):
    for name in ("get_amount0_delta", "get_amount1_delta"):
        arguments = one, other, liquidity, round_up
        assert getattr(compiled, name)(*arguments) == getattr(twin, name)(*arguments)


def fitting_step(*arguments):
    """Return the twin's step if its amounts are below 2**128."""
    step = twin.compute_swap_step(*arguments)
    for amount in step[1:]:
        twin.uint(amount, twin.TOP_128)
    return step


@unhurried
@given(
    price=prices, target=prices, liquidity=st.just(0) | liquidities, amount=amounts, sign=st.sampled_from((1, -1)),
    fee_pips=st.integers(1, 999_999),
)  # fmt: skip
def test_a_step_is_the_twin_s(price, target, liquidity, amount, sign, fee_pips):
    arguments = price, target, liquidity, amount * sign, fee_pips
    assert outcome(compiled.compute_swap_step, *arguments) == outcome(fitting_step, *arguments)


def refusal_or_result(maker, pool, zero_for_one, specified, limit):
    """Return what a swap came to, or the reason of its revert."""
    try:
        return maker.swap(pool, zero_for_one, specified, limit)
    except twin.RevertError as revert:
        return str(revert)


@unhurried
@given(request=swaps())
def test_a_swap_is_the_twin_s(request):
    assert refusal_or_result(compiled, *request) == refusal_or_result(twin, *request)


@settings(deadline=None, max_examples=300)
@given(request=swaps(), liquidity=st.just(0) | st.just(twin.TOP_128) | liquidities)
def test_a_tick_map_of_another_liquidity_is_refused_as_by_the_twin(request, liquidity):
    request[0].liquidity = liquidity
    assert refusal_or_result(compiled, *request) == refusal_or_result(twin, *request)


def test_thousands_of_swaps_that_reach_what_they_are_meant_to_reach_are_the_twin_s():
    seen, luck = Counter(), Random(9)
    for _ in range(THOUSANDS):
        request = random_swap(luck)
        done = refusal_or_result(compiled, *request)
        assert done == refusal_or_result(twin, *request), request
        if isinstance(done, str):
            seen[done] += 1
        else:
            seen.update({"complete": done.complete, "limit": not done.complete, "crossed": done.crossed > 0})
            seen.update({"crossed many": done.crossed > 3, "out": done.amount_out > 0})
    assert min(seen[name] for name in ("complete", "limit", "crossed", "crossed many", "out", "SPL", "OVERFLOW")) > 0
