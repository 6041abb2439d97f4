"""Routes, their pools and who attacks them, for the kernel's twin: in Python integers, the attack in floats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import twin_concentrated
from twin_arithmetic import SwapRefusedError, amount_in, gas_cost_micro_usd, given, most_swap_gas, swap_gas

from simulation.choices import PoolKind, Side

if TYPE_CHECKING:
    from types import SimpleNamespace

    from twin_records import Market, Spot

PIPS_PER_BP = 100
ATTACK_BP = 6_000
KEPT_SHARE = 0.15


REACHES, SHARES = (500, 2_000, 4_000, 10_000), (1_000, 550, 200, 40, 0)
"""Ticks from the price at which the liquidity of a concentrated pool changes, and its thousandths in between."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool, as a swap in one direction meets it."""

    into: int
    out_of: int
    fee_pips: int
    tick_spacing: int
    zero_for_one: bool
    sqrt_price: int = 0
    """Zero for a constant product."""
    liquidity: int = 0

    def given(self, amount: int) -> int:
        """Return what it gives for an exact input, zero when it refuses."""
        if not self.sqrt_price:
            return given(amount, self.into, self.out_of, self.fee_pips // PIPS_PER_BP)
        return self._concentrated(amount).amount_out

    def asked(self, amount: int) -> int:
        """Return what it asks for an exact output, zero when it refuses."""
        if not self.sqrt_price:
            try:
                return amount_in(amount, self.into, self.out_of, self.fee_pips // PIPS_PER_BP)
            except SwapRefusedError:
                return 0
        return self._concentrated(-amount).amount_in

    def pushed(self, pips: int) -> Pool:
        """Return it after others have moved its price in the same direction."""
        noise = self.into * pips // 2_000_000
        if not self.sqrt_price:
            return replace(self, into=self.into + noise, out_of=self.out_of - self.given(noise))
        moved = self.sqrt_price * pips // 2_000_000
        return replace(
            self,
            into=self.into + noise,
            out_of=self.out_of - self.out_of * pips // (2_000_000 + pips),
            sqrt_price=self.sqrt_price + (-moved if self.zero_for_one else moved),
        )

    def _concentrated(self, specified: int) -> twin_concentrated.Result:
        nothing = twin_concentrated.Result(*[0] * 9)
        is_price = twin_concentrated.MIN_SQRT_RATIO <= self.sqrt_price < twin_concentrated.MAX_SQRT_RATIO
        if specified == 0 or self.liquidity == 0 or not is_price:
            return nothing
        tick = twin_concentrated.get_tick_at_sqrt_ratio(self.sqrt_price)
        ticks = tick_map(tick, self.tick_spacing, self.liquidity)
        pool = twin_concentrated.Pool(
            self.sqrt_price, tick, self.liquidity, ticks, self.fee_pips, self.tick_spacing
        )  # fmt: skip
        limit = twin_concentrated.get_sqrt_ratio_at_tick(min(ticks) if self.zero_for_one else max(ticks))
        try:
            result = twin_concentrated.swap(pool, self.zero_for_one, specified, limit)
        except twin_concentrated.RevertError:
            return nothing
        return result if result.complete else nothing


def tick_map(tick: int, spacing: int, liquidity: int) -> dict[int, int]:
    """Return the liquidityNet at each boundary of the map around a tick."""
    nets = {}
    for place, reach in enumerate(REACHES):
        step = liquidity * SHARES[place] // 1_000 - liquidity * SHARES[place + 1] // 1_000
        lowest, highest = -887_272 // spacing + 4 - place, 887_272 // spacing - 4 + place
        nets[max((tick - reach) // spacing, lowest) * spacing] = step
        nets[min((tick + reach) // spacing + 1, highest) * spacing] = -step
    return nets


@dataclass(frozen=True, slots=True)
class Meeting:
    """What an order meets at inclusion: its output, and the token's pool with what is paid into it."""

    out: int
    paid: int
    pool: Pool
    usd: int
    """What was paid in USDC, or got in it, or passed on by a swap."""


@dataclass(frozen=True, slots=True)
class Way:
    """The rows of the routes that an order takes: the token's own, and of a swap that of the token given up."""

    route: int
    from_route: int = -1


def pool_of(market: Market, spot: Spot, row: int, *, pays_other: bool) -> Pool:
    """Return a pool of the market for swaps that pay with the other side, or with the traded token."""
    pool, pair = spot.pools[row], market.pairs[row]
    into, out_of = (pool.other_wei, pool.reserve_wei) if pays_other else (pool.reserve_wei, pool.other_wei)
    zero_for_one = bool(pair.token_is_zero) != pays_other
    sqrt_price = (pool.sqrt_2 << 128) + (pool.sqrt_1 << 64) + pool.sqrt_0
    if pair.kind == PoolKind.CONSTANT_PRODUCT:
        return Pool(into, out_of, pair.fee_pips, pair.tick_spacing, zero_for_one)
    if sqrt_price == 0:  # the twin's sign of the other curve: an empty pool of this one gives nothing either
        return Pool(0, 0, pair.fee_pips, pair.tick_spacing, zero_for_one)
    return Pool(into, out_of, pair.fee_pips, pair.tick_spacing, zero_for_one, sqrt_price, pool.liquidity_wei)


def swap(market: Market, spot: Spot, row: int, amount: int, *, pays_other: bool) -> int:
    """Return what a pool gives for an exact input, zero when it refuses; -1 stands for no pool, which passes it on."""
    return amount if row < 0 else pool_of(market, spot, row, pays_other=pays_other).given(amount)


def meeting(market: Market, spot: Spot, way: Way, side: int, amount: int, push_pips: int) -> Meeting:
    """Return what an order meets after others have pushed its token's pool in the same direction."""
    if way.from_route >= 0:
        amount = meeting(market, spot, Way(way.from_route), Side.SELL, amount, 0).out
    ways, buys = market.routes[way.route], side != Side.SELL
    paid = swap(market, spot, ways.usd_pool, amount, pays_other=True) if buys else amount
    pool = pool_of(market, spot, ways.pool, pays_other=buys).pushed(push_pips)
    out = pool.given(paid)
    if not buys:
        out = swap(market, spot, ways.usd_pool, out, pays_other=False)
    return Meeting(out, paid, pool, amount if buys else out)


def best_way(market: Market, token: SimpleNamespace, spot: Spot, side: int, amount: int) -> tuple[Way, int]:
    """Return the route of a token that promises most, the first among equals, and its promise."""
    first = token.first_route
    promises = [
        (meeting(market, spot, Way(route), side, amount, 0).out, -route)
        for route in range(first, first + token.n_routes)
    ]
    promise, route = max(promises)
    return Way(-route), promise


def best_swap(market: Market, spot: Spot, rival: int, amount: int) -> tuple[Way, int]:
    """Return the best way out of a token into USDC, and on into the other; and what comes out."""
    out, usd = best_way(market, market.tokens[rival], spot, Side.SELL, amount)
    into, promise = best_way(market, spot.token, spot, Side.BUY, usd)
    return Way(into.route, out.route), promise


def hops(market: Market, way: Way) -> int:
    """Return how many pools an order goes through."""
    return sum(1 if market.routes[route].usd_pool < 0 else 2 for route in (way.route, way.from_route) if route >= 0)


def gas_of(market: Market, way: Way, word: int) -> int:
    """Return the gas that a swap uses when it goes through."""
    return swap_gas(hops(market, way), market.pairs[market.routes[way.route].pool].swap_kind, word)


def most_gas_of(market: Market, token: SimpleNamespace) -> int:
    """Return the gas of the unluckiest swap through any route of a token."""
    first = token.first_route
    return max(gas_of(market, Way(route), 2**64 - 1) for route in range(first, first + token.n_routes))


def kept_by_pools(market: Market, way: Way, value: int) -> int:
    """Return what the pools on the way keep of a value, each rounded up."""
    kept = 0
    for route in (way.from_route, way.route):
        for pool in (market.routes[route].pool, market.routes[route].usd_pool) if route >= 0 else ():
            if pool >= 0:
                kept += -(-(value - kept) * market.pairs[pool].fee_pips // 1_000_000)
    return kept


def attack_pays(market: Market, spot: Spot, holding: SimpleNamespace, met: Meeting) -> bool:
    """Tell whether taking the whole tolerance of an order earns more than two swaps and the bribe."""
    ways, buys = market.routes[holding.order_route], holding.order_side != Side.SELL
    g = 1.0 - market.pairs[ways.pool].fee_pips / 1e6
    v, x, y = float(met.paid), float(met.pool.into), float(met.pool.out_of)
    if g * g * (1 + v / x) * (1 + g * v / x) <= 1:
        return False
    least = holding.order_min_wei
    if not buys and ways.usd_pool >= 0:
        least = pool_of(market, spot, ways.usd_pool, pays_other=False).asked(least)
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
