"""What must hold for every swap in a pool of concentrated liquidity, whatever the numbers."""

from __future__ import annotations

import concentrated_calls as compiled
import pytest
import twin_concentrated as twin
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from random_pools import after, farthest, pools, sized, swaps

from simulation.market.concentrated import TICK_SPACINGS, SwapStatus

tiers = st.sampled_from(sorted(TICK_SPACINGS.items()))
many = settings(deadline=None, max_examples=200)


def swapped(*request):
    """Return what a swap came to; one that the contract refuses is no case."""
    try:
        return compiled.swap(*request)
    except twin.RevertError:
        reject()


@many
@given(request=swaps())
def test_the_price_moves_one_way_and_never_past_the_limit(request):
    pool, zero_for_one, _, limit = request
    done = swapped(*request)
    low, high = (limit, pool.sqrt_price) if zero_for_one else (pool.sqrt_price, limit)
    assert low <= done.sqrt_price <= high
    assert done.complete or done.sqrt_price == limit


@many
@given(request=swaps())
def test_nobody_pays_more_or_gets_more_than_was_specified(request):
    specified = request[2]
    done = swapped(*request)
    assert done.amount_in <= specified if specified > 0 else done.amount_out <= -specified
    assert not done.complete or abs(specified) in (done.amount_in, done.amount_out)


@many
@given(request=swaps())
def test_the_fee_is_at_least_its_share_of_the_input_and_the_protocol_s_part_of_the_fee(request):
    pool, done = request[0], swapped(*request)
    assert done.amount_in * pool.fee_pips <= done.fee * 10**6
    most = done.fee // pool.fee_protocol if pool.fee_protocol else 0
    assert done.protocol_fee <= most


@many
@given(request=swaps())
def test_the_tick_after_a_swap_is_that_of_the_price(request):
    done = swapped(*request)
    at = twin.get_tick_at_sqrt_ratio(done.sqrt_price)
    came_down_to_it = request[1] and done.sqrt_price == twin.get_sqrt_ratio_at_tick(at)
    stood_there = (done.sqrt_price, done.tick) == (request[0].sqrt_price, request[0].tick)
    assert done.tick == at or (came_down_to_it and done.tick == at - 1) or stood_there


@many
@given(request=swaps())
def test_liquidity_after_a_swap_is_the_sum_of_the_nets_up_to_its_tick(request):
    pool, done = request[0], swapped(*request)
    assert done.liquidity == sum(net for tick, net in pool.ticks.items() if tick <= done.tick)


@many
@given(pool=pools(), zero_for_one=st.booleans(), amount=sized(128))
def test_a_round_trip_never_profits(pool, zero_for_one, amount):
    reach = 700 * pool.tick_spacing * (-1 if zero_for_one else 1)
    limit = twin.get_sqrt_ratio_at_tick(max(-887_000, min(pool.tick + reach, 887_000)))
    there = swapped(pool, zero_for_one, amount, limit)
    assume(there.amount_out > 0 and there.sqrt_price != pool.sqrt_price)
    back = swapped(after(pool, there), not zero_for_one, there.amount_out, pool.sqrt_price)
    assert back.amount_out <= there.amount_in


@many
@given(request=swaps())
def test_buying_what_an_input_gave_never_asks_for_more_than_that_input(request):
    pool, zero_for_one, specified, limit = request
    given_away = swapped(pool, zero_for_one, abs(specified), limit)
    assume(given_away.amount_out > 0)
    asked = swapped(pool, zero_for_one, -given_away.amount_out, limit)
    assert asked.complete
    assert asked.amount_in <= given_away.amount_in


@st.composite
def fine_grained(draw):
    """Draw (price, liquidity, direction, output) where one unit of sqrt price is worth less than one of the output."""
    tick, zero_for_one = draw(st.integers(-400_000, 400_000)), draw(st.booleans())
    price = twin.get_sqrt_ratio_at_tick(tick)
    finest = twin.Q96 if zero_for_one else price * price // twin.Q96
    liquidity = draw(st.integers(1 << 30, 1 << 110)) % finest
    assume(liquidity >> 30)
    return price, tick, liquidity, zero_for_one


@many
@given(state=fine_grained(), share=st.integers(1, 999), tier=tiers)
def test_exact_input_and_exact_output_agree_within_one_wei(state, share, tier):
    price, tick, liquidity, zero_for_one = state
    pool = twin.Pool(price, tick, liquidity, {}, *tier)
    target = twin.get_sqrt_ratio_at_tick(tick + (-1 if zero_for_one else 1) * 50)
    reachable = compiled.swap(pool, zero_for_one, twin.TOP_128, target).amount_out
    wanted = reachable * share // 1000
    assume(wanted > 0)
    bought = compiled.swap(pool, zero_for_one, -wanted, target)
    assert compiled.swap(pool, zero_for_one, bought.amount_in, target).amount_out >= wanted - 1
    assume(bought.amount_in > 1)
    assert compiled.swap(pool, zero_for_one, bought.amount_in - 1, target).amount_out <= wanted


@settings(deadline=None, max_examples=100)
@given(pool=pools(liquidity_bits=60).filter(lambda pool: pool.tick_spacing >= 60), zero_for_one=st.booleans())
def test_a_closed_tick_map_lets_the_price_run_to_the_limit_and_says_so(pool, zero_for_one):
    assert sum(pool.ticks.values()) == 0
    done = swapped(pool, zero_for_one, -twin.TOP_128, farthest(zero_for_one))
    assert (done.complete, done.sqrt_price) == (False, farthest(zero_for_one))
    assert done.liquidity == sum(net for tick, net in pool.ticks.items() if tick <= done.tick)


@pytest.mark.parametrize("status", list(SwapStatus)[1:], ids=lambda status: status.name)
def test_each_refusal_can_be_had(status):
    one, full = 1 << 96, {-60: 10**18, 60: -(10**18)}
    requests = {
        SwapStatus.PRICE_LIMIT: (twin.Pool(one, 0, 10**18, full, 3_000, 60), True, 10**30, one // 2),
        SwapStatus.AS: (twin.Pool(one, 0, 10**18, full, 3_000, 60), True, 0, one // 2),
        SwapStatus.SPL: (twin.Pool(one, 0, 10**18, full, 3_000, 60), True, 1, one),
        SwapStatus.LS: (twin.Pool(one, 0, 10**17, full, 3_000, 60), True, 10**30, one // 2),
        SwapStatus.LA: (twin.Pool(one, 0, twin.TOP_128, {-60: -1, 60: 1}, 3_000, 60), True, twin.TOP_128, one // 2),
        SwapStatus.OVERFLOW: (twin.Pool(one, 0, twin.TOP_128, {}, 3_000, 60), True, -twin.TOP_128, one // 2),
    }
    pool, zero_for_one, specified, limit = requests[status]
    if status is SwapStatus.PRICE_LIMIT:
        assert not compiled.swap(pool, zero_for_one, specified, limit).complete
    else:
        with pytest.raises(twin.RevertError, match=rf"^{status.name}$"):
            compiled.swap(pool, zero_for_one, specified, limit)
