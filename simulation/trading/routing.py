"""Which pools an order is swapped through, and what they give: the one place that knows the kinds of pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation import wei, wide
from simulation.choices import PoolKind, Side
from simulation.jit import compiled
from simulation.market import concentrated, pools
from simulation.market.tick_maps import write_tick_map
from simulation.market.tick_math import get_sqrt_ratio_at_tick, get_tick_at_sqrt_ratio

if TYPE_CHECKING:
    from simulation.wide import Limbs

_U0 = np.uint64(0)
_SELL = int(Side.SELL)
_SWAP = int(Side.SWAP)
_CONCENTRATED = int(PoolKind.CONCENTRATED)
_U1 = np.uint64(1)
_PIPS = np.uint64(1_000_000)
_HALF_SHARE = np.uint64(2_000_000)
_PIPS_PER_BP = 100

EXACT_IN, EXACT_OUT = np.bool_(1), np.bool_(0)  # for Python's own literals functions would be compiled twice
PAYS_OTHER, PAYS_TOKEN = EXACT_IN, EXACT_OUT


class PoolState(NamedTuple):
    """A pool as an order meets it: (virtual) reserves on the side paid into and the side paid from, and its curve."""

    in_hi: np.uint64
    in_lo: np.uint64
    out_hi: np.uint64
    out_lo: np.uint64
    is_concentrated: bool
    zero_for_one: bool  # the direction, in the contract's words
    sqrt_price: Limbs
    liquidity: Limbs


@compiled
def state_of(pool, pair, pays_other):
    """Return the state of a POOL record for swaps that pay with the other side, or with the traded token."""
    is_concentrated = pair.kind == _CONCENTRATED
    sqrt_price, liquidity = (pool.sqrt_2, pool.sqrt_1, pool.sqrt_0), (pool.liquidity_hi, pool.liquidity_lo)
    other_hi, other_lo, reserve_hi, reserve_lo = pool.other_hi, pool.other_lo, pool.reserve_hi, pool.reserve_lo
    if pays_other:
        zero_for_one = pair.token_is_zero == 0
        return PoolState(
            other_hi, other_lo, reserve_hi, reserve_lo, is_concentrated, zero_for_one, sqrt_price, liquidity
        )
    zero_for_one = pair.token_is_zero != 0
    return PoolState(reserve_hi, reserve_lo, other_hi, other_lo, is_concentrated, zero_for_one, sqrt_price, liquidity)


@compiled
def given(state, pair, in_hi, in_lo, ticks):
    """Return what a pool gives for an exact input, ``(hi, lo)``; zero when it refuses. ``ticks`` is room for a map."""
    if state.is_concentrated:
        return _concentrated(state, pair, in_hi, in_lo, ticks, EXACT_IN)
    fee_bp = pair.fee_pips // _PIPS_PER_BP
    _, hi, lo = pools.amount_out(in_hi, in_lo, state.in_hi, state.in_lo, state.out_hi, state.out_lo, fee_bp)
    return hi, lo


@compiled
def asked(state, pair, out_hi, out_lo, ticks):
    """Return what a pool asks for an exact output, ``(hi, lo)``; zero when it refuses. ``ticks`` as above."""
    if state.is_concentrated:
        return _concentrated(state, pair, out_hi, out_lo, ticks, EXACT_OUT)
    fee_bp = pair.fee_pips // _PIPS_PER_BP
    _, hi, lo = pools.amount_in(out_hi, out_lo, state.in_hi, state.in_lo, state.out_hi, state.out_lo, fee_bp)
    return hi, lo


@compiled
def _concentrated(state, pair, hi, lo, ticks, exact_in):
    """Return the other side of a swap in a concentrated pool; zero when the map ends before the swap does."""
    if (hi | lo) == _U0 or (state.liquidity[0] | state.liquidity[1]) == _U0:
        return _U0, _U0
    is_price, tick = get_tick_at_sqrt_ratio(state.sqrt_price)
    if not is_price:
        return _U0, _U0
    write_tick_map(ticks, tick, pair.tick_spacing, state.liquidity[0], state.liquidity[1])
    _, limit = get_sqrt_ratio_at_tick(ticks[0 if state.zero_for_one else len(ticks) - 1].tick)
    before = concentrated.PoolState(state.sqrt_price, tick, state.liquidity)
    swap = concentrated.swap(
        ticks, before, pair.fee_pips, pair.tick_spacing, 0, state.zero_for_one, exact_in, (hi, lo), limit
    )
    if swap.status != concentrated.OK:
        return _U0, _U0
    return swap.amount_out if exact_in else swap.amount_in


@compiled
def pushed(state, pair, share_pips, ticks):
    """Return a pool after a swap by others in the same direction that moves its price by ``share_pips``, less its fee.

    An input a into a reserve x moves the price by about 2*a/x, and its square root by half of that.
    """
    if share_pips == 0:
        return state
    share = np.uint64(share_pips)
    noise_hi, noise_lo = wei.mul_div(state.in_hi, state.in_lo, _U0, share, _U0, _HALF_SHARE)
    in_hi, in_lo = wei.add(state.in_hi, state.in_lo, noise_hi, noise_lo)
    sqrt_price = state.sqrt_price
    if state.is_concentrated:
        taken_hi, taken_lo = wei.mul_div(state.out_hi, state.out_lo, _U0, share, _U0, _HALF_SHARE + share)
        moved = wide.mul_div(sqrt_price, (share,), (_HALF_SHARE,))[-3:]
        sqrt_price = wide.sub(sqrt_price, moved) if state.zero_for_one else wide.add(sqrt_price, moved)[1:]
    else:
        taken_hi, taken_lo = given(state, pair, noise_hi, noise_lo, ticks)
    out_hi, out_lo = wei.sub(state.out_hi, state.out_lo, taken_hi, taken_lo)
    return PoolState(
        in_hi, in_lo, out_hi, out_lo, state.is_concentrated, state.zero_for_one, sqrt_price, state.liquidity
    )


class Met(NamedTuple):
    """What an order meets at inclusion: what it would get, and the pool of its token with what is paid into it."""

    out_hi: np.uint64
    out_lo: np.uint64
    paid_hi: np.uint64
    paid_lo: np.uint64
    state: PoolState
    usd: np.uint64  # USDC paid for the token, got for it, or passed on by a swap; base units, which are micro-USD


@compiled
def met(holding, spot, push_pips):
    """Return what the route of an order gives for its input, after others have moved its token's pool."""
    route = spot.routes[holding.order_route]
    buys = holding.order_side != _SELL
    hi, lo = holding.order_in_hi, holding.order_in_lo
    if holding.order_side == _SWAP:
        hi, lo = promised(spot.routes[holding.order_from_route], PAYS_TOKEN, hi, lo, spot)
    usd = lo
    if buys and route.usd_pool >= 0:
        hi, lo = _passed(route.usd_pool, PAYS_OTHER, hi, lo, spot)
    pair = spot.pairs[route.pool]
    state = pushed(state_of(spot.pools[route.pool], pair, buys), pair, push_pips, spot.ticks)
    out_hi, out_lo = given(state, pair, hi, lo, spot.ticks)
    if not buys and route.usd_pool >= 0:
        out_hi, out_lo = _passed(route.usd_pool, PAYS_TOKEN, out_hi, out_lo, spot)
    return Met(out_hi, out_lo, hi, lo, state, usd if buys else out_lo)


@compiled
def _passed(pool, pays_other, hi, lo, spot):
    """Return what a pool of the market gives for an exact input as it stands."""
    pair = spot.pairs[pool]
    return given(state_of(spot.pools[pool], pair, pays_other), pair, hi, lo, spot.ticks)


@compiled
def promised(route, buys, hi, lo, spot):
    """Return the output that a route promises now, ``(hi, lo)``; zero when a pool refuses."""
    if buys and route.usd_pool >= 0:
        hi, lo = _passed(route.usd_pool, PAYS_OTHER, hi, lo, spot)
    hi, lo = _passed(route.pool, buys, hi, lo, spot)
    if not buys and route.usd_pool >= 0:
        hi, lo = _passed(route.usd_pool, PAYS_TOKEN, hi, lo, spot)
    return hi, lo


@compiled
def best_route(token, buys, in_hi, in_lo, spot):
    """Return (route, hi, lo): the route that promises most of a TOKEN, or of USDC for it, the first among equals."""
    best, best_hi, best_lo = token.first_route, _U0, _U0
    for row in range(token.first_route, token.first_route + token.n_routes):
        hi, lo = promised(spot.routes[row], buys, in_hi, in_lo, spot)
        if wei.less(best_hi, best_lo, hi, lo):
            best, best_hi, best_lo = row, hi, lo
    return best, best_hi, best_lo


@compiled
def hops(route):
    """Return how many pools a route goes through."""
    return 1 if route.usd_pool < 0 else 2


@compiled
def fees(route, value_micro_usd, spot):
    """Return what the pools of a route keep of ``value_micro_usd``, each rounded up."""
    kept = _kept(spot.pairs[route.pool], value_micro_usd)
    if route.usd_pool >= 0:
        kept += _kept(spot.pairs[route.usd_pool], value_micro_usd - kept)
    return kept


@compiled
def _kept(pair, value_micro_usd):
    """Return the fee of a pool, rounded up; the value is divided first, so that no product is wider than 64 bits."""
    value, fee_pips = np.uint64(value_micro_usd), np.uint64(pair.fee_pips)
    return np.int64(value // _PIPS * fee_pips + (value % _PIPS * fee_pips + _PIPS - _U1) // _PIPS)
