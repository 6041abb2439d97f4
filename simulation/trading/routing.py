"""Which pools an order is swapped through, and what they give: the one place that knows the kinds of pools."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.market import pools
from simulation.state import PoolKind, Side

_U0 = np.uint64(0)
_U1 = np.uint64(1)
_BUY = int(Side.BUY)
_CONCENTRATED = int(PoolKind.CONCENTRATED)
_PIPS = np.uint64(1_000_000)
_HALF_SHARE = np.uint64(2_000_000)
_PIPS_PER_BP = 100


class PoolState(NamedTuple):
    """A pool as an order meets it: reserves on the side that is paid into, and on the side that is paid from."""

    in_hi: np.uint64
    in_lo: np.uint64
    out_hi: np.uint64
    out_lo: np.uint64


@compiled
def state_of(pool, pays_other):
    """Return the state of a POOL record for swaps that pay with the other side, or with the traded token."""
    if pays_other:
        return PoolState(pool.other_hi, pool.other_lo, pool.reserve_hi, pool.reserve_lo)
    return PoolState(pool.reserve_hi, pool.reserve_lo, pool.other_hi, pool.other_lo)


@compiled
def given(state, pair, in_hi, in_lo):
    """Return what a pool gives for an exact input, ``(hi, lo)``; zero when it refuses."""
    fee_bp = pair.fee_pips // _PIPS_PER_BP
    _, hi, lo = pools.amount_out(in_hi, in_lo, state.in_hi, state.in_lo, state.out_hi, state.out_lo, fee_bp)
    return hi, lo


@compiled
def asked(state, pair, out_hi, out_lo):
    """Return what a pool asks for an exact output, ``(hi, lo)``; zero when it refuses."""
    fee_bp = pair.fee_pips // _PIPS_PER_BP
    _, hi, lo = pools.amount_in(out_hi, out_lo, state.in_hi, state.in_lo, state.out_hi, state.out_lo, fee_bp)
    return hi, lo


@compiled
def pushed(state, pair, share_pips):
    """Return a pool after a swap by others in the same direction that moves its price by ``share_pips``, less its fee.

    An input a into a reserve x moves the price by about 2*a/x.
    """
    share = np.uint64(share_pips)
    noise_hi, noise_lo = wei.mul_div(state.in_hi, state.in_lo, _U0, share, _U0, _HALF_SHARE)
    taken_hi, taken_lo = given(state, pair, noise_hi, noise_lo)
    in_hi, in_lo = wei.add(state.in_hi, state.in_lo, noise_hi, noise_lo)
    out_hi, out_lo = wei.sub(state.out_hi, state.out_lo, taken_hi, taken_lo)
    return PoolState(in_hi, in_lo, out_hi, out_lo)


class Met(NamedTuple):
    """What an order meets at inclusion: what it would get, and the pool of its token with what is paid into it."""

    out_hi: np.uint64
    out_lo: np.uint64
    paid_hi: np.uint64
    paid_lo: np.uint64
    state: PoolState


@compiled
def met(holding, spot, push_pips):
    """Return what the route of an order gives for its input, after others have moved its token's pool."""
    route = spot.routes[holding.order_route]
    buys = holding.order_side == _BUY
    hi, lo = holding.order_in_hi, holding.order_in_lo
    if buys and route.usd_pool >= 0:
        hi, lo = given(state_of(spot.pools[route.usd_pool], True), spot.pairs[route.usd_pool], hi, lo)  # noqa: FBT003
    state = pushed(state_of(spot.pools[route.pool], buys), spot.pairs[route.pool], push_pips)
    out_hi, out_lo = given(state, spot.pairs[route.pool], hi, lo)
    if not buys and route.usd_pool >= 0:
        usd_pool = state_of(spot.pools[route.usd_pool], False)  # noqa: FBT003
        out_hi, out_lo = given(usd_pool, spot.pairs[route.usd_pool], out_hi, out_lo)
    return Met(out_hi, out_lo, hi, lo, state)


@compiled
def promised(route, buys, hi, lo, spot):
    """Return the output that a route promises now, ``(hi, lo)``; zero when a pool refuses."""
    if buys and route.usd_pool >= 0:
        hi, lo = given(state_of(spot.pools[route.usd_pool], True), spot.pairs[route.usd_pool], hi, lo)  # noqa: FBT003
    hi, lo = given(state_of(spot.pools[route.pool], buys), spot.pairs[route.pool], hi, lo)
    if not buys and route.usd_pool >= 0:
        hi, lo = given(state_of(spot.pools[route.usd_pool], False), spot.pairs[route.usd_pool], hi, lo)  # noqa: FBT003
    return hi, lo


@compiled
def best_route(side, in_hi, in_lo, spot):
    """Return (route, hi, lo): the route of the token that promises most, the first among equals."""
    best, best_hi, best_lo = spot.token.first_route, _U0, _U0
    for row in range(spot.token.first_route, spot.token.first_route + spot.token.n_routes):
        hi, lo = promised(spot.routes[row], side == _BUY, in_hi, in_lo, spot)
        if wei.less(best_hi, best_lo, hi, lo):
            best, best_hi, best_lo = row, hi, lo
    return best, best_hi, best_lo


@compiled
def fees(route, value_micro_usd, spot):
    """Return what the pools of a route keep of ``value_micro_usd``, each rounded up."""
    kept = _kept(spot.pairs[route.pool], value_micro_usd)
    if route.usd_pool >= 0:
        kept += _kept(spot.pairs[route.usd_pool], value_micro_usd - kept)
    return kept


@compiled
def _kept(pair, value_micro_usd):
    hi, lo = wei.mul64(np.uint64(value_micro_usd), np.uint64(pair.fee_pips))
    hi, lo = wei.add(hi, lo, _U0, _PIPS - _U1)
    _, kept, _, _ = wei.div(_U0, _U0, hi, lo, _U0, _PIPS)
    return np.int64(kept)
