"""Routes, their pools and who attacks them, for the kernel's twin: in Python integers, the attack in floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin_arithmetic import SwapRefusedError, amount_in, gas_cost_micro_usd, given, most_swap_gas, swap_gas

from simulation.state import Side

if TYPE_CHECKING:
    from types import SimpleNamespace

    from twin_records import Market, Spot

PIPS_PER_BP = 100
ATTACK_BP = 6_000
KEPT_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Meeting:
    """What an order meets at inclusion: its output, and the token's pool with what is paid into it."""

    out: int
    paid: int
    reserve_in: int
    reserve_out: int


def sides(pool: SimpleNamespace, *, pays_other: bool) -> tuple[int, int]:
    """Return the reserves that a swap pays into and is paid from."""
    return (pool.other_wei, pool.reserve_wei) if pays_other else (pool.reserve_wei, pool.other_wei)


def fee_bp(market: Market, pool: int) -> int:
    """Return the fee of a pool."""
    return int(market.pairs[pool].fee_pips // PIPS_PER_BP)


def swap(market: Market, spot: Spot, pool: int, amount: int, *, pays_other: bool) -> int:
    """Return what a pool gives for an exact input, zero when it refuses; -1 stands for no pool, which passes it on."""
    if pool < 0:
        return amount
    return given(amount, *sides(spot.pools[pool], pays_other=pays_other), fee_bp(market, pool))


def meeting(market: Market, spot: Spot, route: int, side: int, amount: int, push_pips: int) -> Meeting:
    """Return what an order meets after others have pushed its token's pool in the same direction."""
    ways, buys = market.routes[route], side == Side.BUY
    paid = swap(market, spot, ways.usd_pool, amount, pays_other=True) if buys else amount
    into, out_of = sides(spot.pools[ways.pool], pays_other=buys)
    fee = fee_bp(market, ways.pool)
    noise = into * push_pips // 2_000_000
    into, out_of = into + noise, out_of - given(noise, into, out_of, fee)
    out = given(paid, into, out_of, fee)
    if not buys:
        out = swap(market, spot, ways.usd_pool, out, pays_other=False)
    return Meeting(out, paid, into, out_of)


def best_route(market: Market, spot: Spot, side: int, amount: int) -> tuple[int, int]:
    """Return the route that promises most, the first among equals, and its promise."""
    first = spot.token.first_route
    promises = [
        (meeting(market, spot, route, side, amount, 0).out, -route)
        for route in range(first, first + spot.token.n_routes)
    ]
    promise, route = max(promises)
    return -route, promise


def hops(market: Market, route: int) -> int:
    """Return how many pools a route goes through."""
    return 1 if market.routes[route].usd_pool < 0 else 2


def gas_of(market: Market, route: int, word: int) -> int:
    """Return the gas that a swap through a route uses when it goes through."""
    return swap_gas(hops(market, route), market.pairs[market.routes[route].pool].swap_kind, word)


def most_gas_of(market: Market, spot: Spot) -> int:
    """Return the gas of the unluckiest swap through any route of a token."""
    first = spot.token.first_route
    return max(gas_of(market, route, 2**64 - 1) for route in range(first, first + spot.token.n_routes))


def kept_by_pools(market: Market, route: int, value: int) -> int:
    """Return what the pools of a route keep of a value, each rounded up."""
    kept = 0
    for pool in (market.routes[route].pool, market.routes[route].usd_pool):
        if pool >= 0:
            kept += -(-(value - kept) * market.pairs[pool].fee_pips // 1_000_000)
    return kept


def attack_pays(market: Market, spot: Spot, holding: SimpleNamespace, met: Meeting) -> bool:
    """Tell whether taking the whole tolerance of an order earns more than two swaps and the bribe."""
    ways, buys = market.routes[holding.order_route], holding.order_side == Side.BUY
    g = 1.0 - market.pairs[ways.pool].fee_pips / 1e6
    v, x, y = float(met.paid), float(met.reserve_in), float(met.reserve_out)
    if g * g * (1 + v / x) * (1 + g * v / x) <= 1:
        return False
    least = holding.order_min_wei
    if not buys and ways.usd_pool >= 0:
        try:
            least = amount_in(least, *sides(spot.pools[ways.usd_pool], pays_other=False), fee_bp(market, ways.usd_pool))
        except SwapRefusedError:
            least = 0
    m = float(max(least, 1))
    b, c = x * (1 + g) + g * g * v, x * x + g * v * x * (1 - y / m)
    if c >= 0:
        return False
    a = ((b * b - 4 * g * c) ** 0.5 - b) / (2 * g)
    bought = g * a * y / (x + g * a)
    earned = g * bought * (x + a + v) / (y - bought - m + g * bought) - a
    used = 2 * most_swap_gas(1, market.pairs[ways.pool].swap_kind)
    gas = gas_cost_micro_usd(used, spot.gas.base_fee_wei, 2 * spot.gas.l1_fee_wei, spot.gas.native_price_q)
    return earned * _price_of_input(market, spot, ways, buys=buys) * KEPT_SHARE > gas


def _price_of_input(market: Market, spot: Spot, ways: SimpleNamespace, *, buys: bool) -> float:
    against = market.pairs[ways.pool].against
    if not buys:
        return float(spot.mid.price_q) / 2.0**spot.token.price_shift
    return 1.0 if against < 0 else float(spot.mids[against].price_q) / 2.0 ** market.tokens[against].price_shift
