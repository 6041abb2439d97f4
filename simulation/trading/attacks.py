"""Whether an order in the public mempool is sandwiched: by its pool's mathematics, after gas and bribe."""

from __future__ import annotations

import math

import numpy as np

from simulation import rng
from simulation.choices import Lane, Side
from simulation.jit import compiled
from simulation.market import mev
from simulation.market.swap_gas import max_swap_gas
from simulation.trading import routing
from simulation.trading.account import gas_cost

_BP = 10_000
_SELL = int(Side.SELL)
_FAST = int(Lane.FAST)
_TWO_64 = 2.0**64
_PIPS = 1e6
_SWAPS = 2
"""One before the victim and one after it."""


@compiled
def is_sandwiched(session, holding, spot, met, luck):
    """Tell whether somebody attacks an order that would fill: it is public, the attack pays, and luck decides."""
    if session.simulate_mev == 0 or holding.order_lane != _FAST or rng.below(luck, _BP) >= mev.ATTACK_BP:
        return False
    return _earned_micro_usd(holding, spot, met) * mev.KEPT_SHARE > _gas_micro_usd(holding, spot)


@compiled
def _earned_micro_usd(holding, spot, met):
    """Return what the largest attack on the pool of the order's token earns before gas and bribe; 0 where none pays."""
    route = spot.routes[holding.order_route]
    gamma = 1.0 - spot.pairs[route.pool].fee_pips / _PIPS
    victim = _float(met.paid_hi, met.paid_lo)
    reserve_in, reserve_out = _float(met.state.in_hi, met.state.in_lo), _float(met.state.out_hi, met.state.out_lo)
    if not mev.can_pay(victim, reserve_in, gamma):
        return 0.0
    least = _least_out(holding, spot, route)
    front = mev.front_run(victim, least, reserve_in, reserve_out, gamma)
    if front <= 0.0:
        return 0.0
    return mev.profit(front, victim, least, reserve_in, reserve_out, gamma) * _price_of_input(holding, spot, route)


@compiled
def _least_out(holding, spot, route):
    """Return the output of the token's pool that leaves the victim its minimum at the end of the route."""
    hi, lo = holding.order_min_hi, holding.order_min_lo
    if holding.order_side == _SELL and route.usd_pool >= 0:
        pair = spot.pairs[route.usd_pool]
        usd_pool = routing.state_of(spot.pools[route.usd_pool], pair, routing.PAYS_TOKEN)
        hi, lo = routing.asked(usd_pool, pair, hi, lo, spot.ticks)
    return max(_float(hi, lo), 1.0)


@compiled
def _price_of_input(holding, spot, route):
    """Return micro-USD per base unit of what is paid into the token's pool."""
    if holding.order_side == _SELL:
        return math.ldexp(np.float64(spot.mid.price_q), -spot.token.price_shift)
    against = spot.pairs[route.pool].against
    if against < 0:
        return 1.0
    return math.ldexp(np.float64(spot.mids[against].price_q), -spot.tokens[against].price_shift)


@compiled
def _gas_micro_usd(holding, spot):
    used = _SWAPS * max_swap_gas(1, spot.pairs[spot.routes[holding.order_route].pool].swap_kind)
    return gas_cost(used, spot.gas.base_fee_wei, _SWAPS * spot.gas.l1_fee_wei, spot.gas.native_price_q)


@compiled
def _float(hi, lo):
    return np.float64(hi) * _TWO_64 + np.float64(lo)
