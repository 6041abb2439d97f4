"""Which pools an order goes through: the route that promises most, and what each hop keeps."""

from __future__ import annotations

import pytest
from hand_made import BUY_AT, account, bare_stage, mid_at, native_price_q, only, pool_at

from simulation import wei
from simulation.market.segment import PoolInfo, TokenInfo, all_routes, price_shift_for, terms_of

HUB_USD, COIN_USD = 2_000.0, 4.0


def info(symbol: str, price_usd: float, *pools: PoolInfo) -> TokenInfo:
    return TokenInfo(symbol, symbol, 18, price_shift_for(price_usd, 18), pools)


def market(
    *pools: tuple[PoolInfo, float], hub_pools: tuple[tuple[PoolInfo, float], ...] = ((PoolInfo(fee_bp=5), 1e9),)
):
    """Return a calm market of a hub token and a coin with these pools, each of a depth in USD."""
    hub = info("HUB", HUB_USD, *(pool for pool, _ in hub_pools))
    coin = info("COIN", COIN_USD, *(pool for pool, _ in pools))
    made = bare_stage(60, (hub, coin))
    made.segment.gas["base_fee_wei"] = made.segment.gas["priority_fee_wei"] = 10**9
    made.segment.gas["native_price_q"] = native_price_q(2_000.0)
    for row, token, usd in ((0, hub, HUB_USD), (1, coin, COIN_USD)):
        made.segment.mids[:, row] = mid_at(token, usd, 1e9)
        made.signal(5_000, slice(None), token_row=row)
    listed = [(hub, HUB_USD, *pool) for pool in hub_pools] + [(coin, COIN_USD, *pool) for pool in pools]
    for column, (token, usd, pool, depth_usd) in enumerate(listed):
        other = (HUB_USD, 18) if pool.against == "HUB" else (1.0, 6)
        made.segment.pools[:, column] = pool_at(token, usd, depth_usd, *other)
    made.signal(8_000, BUY_AT, token_row=1)
    return made


def trade_of(made):
    """Return the one purchase of an account that spends 1,000 USD."""
    return only(made.run(account(max_position_size_percent=100, max_trade_size_usd=1_000)).trades)


def routes(made):
    return [(route.token, route.pool, route.usd_pool) for route in all_routes(made.infos)]


def test_a_token_is_traded_through_each_of_its_pools_and_each_way_from_there_to_usdc() -> None:
    through = PoolInfo(against="HUB")
    hubs = ((PoolInfo(fee_bp=5), 1e9), (PoolInfo(fee_bp=30), 1e8))
    made = market((PoolInfo(), 1e6), (through, 1e6), hub_pools=hubs)
    assert routes(made) == [(0, 0, -1), (0, 1, -1), (1, 2, -1), (1, 3, 0), (1, 3, 1)]
    tokens = terms_of(made.infos).tokens
    assert tokens["first_route"].tolist() == [0, 2]
    assert tokens["n_routes"].tolist() == [2, 3]


@pytest.mark.parametrize(("first_usd", "second_usd", "route"), [(1e6, 1e7, 2), (1e7, 1e6, 1), (1e7, 1e7, 1)])
def test_an_order_takes_the_deeper_of_two_pools_and_the_first_of_two_alike(first_usd, second_usd, route) -> None:
    made = market((PoolInfo(venue="uniswap_v2"), first_usd), (PoolInfo(venue="sushiswap"), second_usd))
    assert trade_of(made)["route"] == route


def test_a_cheaper_fee_beats_a_deeper_pool_for_a_small_order() -> None:
    made = market((PoolInfo(fee_bp=100), 1e9), (PoolInfo(fee_bp=5), 1e7))
    assert trade_of(made)["route"] == 2


def test_two_hops_are_taken_where_they_promise_more() -> None:
    shallow, through = (PoolInfo(), 2e4), (PoolInfo(against="HUB"), 1e8)
    assert trade_of(market(shallow, through))["route"] == 2
    assert trade_of(market((PoolInfo(), 1e8), through))["route"] == 1


def test_a_purchase_over_two_hops_is_the_product_of_two_swaps_and_pays_both_fees() -> None:
    made = market((PoolInfo(against="HUB"), 1e6))
    trade = trade_of(made)
    usd = 1_000 * 10**6
    hub_usd, hub_units = 10**15, 10**9 * 10**18 // 2_000
    hub = usd * 9_995 * hub_units // (hub_usd * 10_000 + usd * 9_995)
    coin_hub, coin_units = 10**6 * 10**18 // 2_000, 10**6 * 10**18 // 4
    coins = hub * 9_970 * coin_units // (coin_hub * 10_000 + hub * 9_970)
    assert wei.join(trade["out_hi"], trade["out_lo"]) == coins
    assert trade["fee_micro_usd"] == 500_000 + 2_998_500


def test_a_position_bought_over_two_hops_is_sold_over_two_hops() -> None:
    made = market((PoolInfo(against="HUB"), 1e8))
    made.signal(2_000, slice(30, 31), token_row=1)
    trades = made.run(account(max_position_size_percent=100, max_trade_size_usd=1_000)).trades
    assert trades["side"].tolist() == [1, 2]
    assert trades["realized_micro_usd"][1] == pytest.approx(-1_000e6 * 2 * 0.0035, rel=0.01)


def test_costs_are_counted_from_the_mid_of_the_decision() -> None:
    made = market((PoolInfo(against="HUB"), 1e6))
    trade = trade_of(made)
    worth = wei.join(trade["out_hi"], trade["out_lo"]) * 4 // 10**12
    expected = 1_000 * 10**6 - worth + int(trade["gas_micro_usd"])
    assert trade["execution_cost_micro_usd"] == pytest.approx(expected, abs=2)
