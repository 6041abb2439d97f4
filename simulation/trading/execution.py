"""Inclusion of an order in a block: lost, expired, unaffordable, reverted, sandwiched or filled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import rng, wei
from simulation.choices import Failure, Lane, Side, TradeStatus
from simulation.jit import compiled
from simulation.market.gas import is_included, price_paid
from simulation.market.swap_gas import early_failure_gas, revert_gas, swap_gas
from simulation.trading import attacks, orders, positions, routing
from simulation.trading.account import gas_cost, value_at

_BP = 10_000
_PIPS_PER_BP = 100
_U0 = np.uint64(0)
_BUY = int(Side.BUY)
_FAST = int(Lane.FAST)
_COMPLETED = int(TradeStatus.COMPLETED)
_FAILED = int(TradeStatus.FAILED)
_CANCELLED = int(TradeStatus.CANCELLED)
_NONE = int(Failure.NONE)
_SLIPPAGE = int(Failure.SLIPPAGE)
_REVERTED = int(Failure.REVERTED)
_EXPIRED = int(Failure.EXPIRED)
_UNAFFORDABLE = int(Failure.UNAFFORDABLE)
_DROPPED = int(Failure.DROPPED)
_NO_LIQUIDITY = int(Failure.NO_LIQUIDITY)


class Costs(NamedTuple):
    """What an order cost against the mid of its decision block, micro-USD: the parts, and with the gas the total.

    The gas of an order that filled is none of the parts; that of one that did not is its ``failure``.
    """

    total: int
    fee: int
    impact: int
    drift: int
    sandwich: int
    failure: int


class Ending(NamedTuple):
    """How an order ended; status 0 stands for one that is still in flight."""

    status: int
    failure: int
    side: int
    position: int  # -1 for a purchase that never filled
    opened_block: int
    out_hi: np.uint64
    out_lo: np.uint64
    gas_price_wei: int
    gas_used: int
    gas_micro_usd: int
    cost_micro_usd: int
    realized_micro_usd: int
    net_micro_usd: int
    costs: Costs


class Gas(NamedTuple):
    """What the inclusion of an order burns."""

    price_wei: int
    used: int
    micro_usd: int


@compiled
def include(session, holding, spot):
    """Try to include the due order of a holding; it stays in flight while the block has no place for its bid."""
    if holding.order_dropped != 0:
        return _unfilled(session, holding, _CANCELLED, _DROPPED, Gas(0, 0, 0))
    if not _has_place(holding, spot.gas):
        if spot.block < holding.order_deadline_block:
            return Ending(0, _NONE, 0, -1, 0, _U0, _U0, 0, 0, 0, 0, 0, 0, Costs(0, 0, 0, 0, 0, 0))
        return _unfilled(session, holding, _CANCELLED, _EXPIRED, Gas(0, 0, 0))
    luck, adverse, gas_luck, attack_luck = orders.draw(session, holding.order_trade, orders.INCLUSION, spot.rules)
    met = routing.met(holding, spot, _push_pips(session, holding, adverse))
    failure = _failure(session, holding, luck, met)
    gas = _gas(holding, spot, failure, gas_luck, attack_luck)
    spent = np.int64(holding.order_in_lo) if holding.order_side == _BUY else 0
    if gas.micro_usd > session.cash_micro_usd - spent:
        return _unfilled(session, holding, _CANCELLED, _UNAFFORDABLE, Gas(gas.price_wei, 0, 0))
    session.cash_micro_usd -= gas.micro_usd
    session.gas_paid_micro_usd += gas.micro_usd
    if failure != _NONE:
        return _unfilled(session, holding, _FAILED, failure, gas)
    is_attacked = attacks.is_sandwiched(session, holding, spot, met, attack_luck)
    return _fill(session, holding, spot, met, is_attacked, gas)


@compiled
def _push_pips(session, holding, adverse):
    """Return how far others' swaps move the price just before the order: uniform up to the account's base slippage.

    A private order (SMART lane) is not preceded by them.
    """
    if holding.order_lane != _FAST:
        return 0
    return rng.below(adverse, session.base_slippage_bp * _PIPS_PER_BP + 1)


@compiled
def _failure(session, holding, luck, met):
    if wei.is_zero(met.out_hi, met.out_lo):
        return _NO_LIQUIDITY
    if wei.less(met.out_hi, met.out_lo, holding.order_min_hi, holding.order_min_lo):
        return _SLIPPAGE
    if rng.below(luck, _BP) < session.failure_rate_bp:
        return _REVERTED
    return _NONE


@compiled
def _has_place(holding, gas):
    return is_included(
        gas.base_fee_wei, holding.order_max_fee_wei, holding.order_tip_wei, gas.marginal_tip_wei, gas.is_missed
    )


@compiled
def _gas(holding, spot, failure, gas_luck, failure_luck):
    """Return the gas of an order: all of a swap's, what had been used when it reverted, or hardly any."""
    gas, route = spot.gas, spot.routes[holding.order_route]
    used = swap_gas(1 if route.usd_pool < 0 else 2, spot.pairs[route.pool].swap_kind, gas_luck)
    if failure == _REVERTED:
        used = early_failure_gas(failure_luck)
    elif failure != _NONE:
        used = revert_gas(used, failure_luck)
    price_wei = price_paid(gas.base_fee_wei, holding.order_max_fee_wei, holding.order_tip_wei)
    return Gas(price_wei, used, gas_cost(used, price_wei, gas.l1_fee_wei, gas.native_price_q))


@compiled
def _unfilled(session, holding, status, failure, gas):
    """Take an order off the books that did not fill; where it was included, its gas has been paid."""
    side, position, opened_block = holding.order_side, holding.position, holding.opened_block
    if side == _BUY:  # what the holding remembers is an earlier position
        position, opened_block = -1, -1
    session.failed_trades += 1
    session.failure_micro_usd += gas.micro_usd
    orders.settle(session, holding)
    return Ending(
        status, failure, side, position, opened_block, _U0, _U0, gas.price_wei, gas.used, gas.micro_usd, 0, 0, 0,
        Costs(gas.micro_usd, 0, 0, 0, 0, gas.micro_usd),
    )  # fmt: skip


@compiled
def _fill(session, holding, spot, met, is_attacked, gas):
    """Open or close the position; the gas has been paid. A victim gets exactly the least it accepts."""
    out_hi, out_lo = met.out_hi, met.out_lo
    if is_attacked:
        out_hi, out_lo = holding.order_min_hi, holding.order_min_lo
    costs = _costs(holding, spot, met, out_hi, out_lo, gas)
    _note_costs(session, costs)
    side = holding.order_side
    realized, net = 0, 0
    session.completed_trades += 1
    if side == _BUY:
        cost = np.int64(holding.order_in_lo)
        positions.open_position(session, holding, spot.block, cost, gas.micro_usd, out_hi, out_lo)
    else:
        cost = holding.cost_micro_usd
        realized = np.int64(out_lo) - cost
        net = positions.close_position(session, holding, np.int64(out_lo), gas.micro_usd)
    orders.settle(session, holding)
    return Ending(
        _COMPLETED, _NONE, side, holding.position, holding.opened_block, out_hi, out_lo, gas.price_wei, gas.used,
        gas.micro_usd, cost, realized, net, costs,
    )  # fmt: skip


@compiled
def _costs(holding, spot, met, out_hi, out_lo, gas):
    """Attribute the difference between the decision block's mid and the result; the parts add up by construction."""
    quoted = _worth(holding, spot, holding.order_quote_hi, holding.order_quote_lo)
    fair = _worth(holding, spot, met.out_hi, met.out_lo)
    got = _worth(holding, spot, out_hi, out_lo)
    value, fee = holding.order_value_micro_usd, holding.order_fee_micro_usd
    return Costs(value - got + gas.micro_usd, fee, value - quoted - fee, quoted - fair, fair - got, 0)


@compiled
def _worth(holding, spot, out_hi, out_lo):
    """Return what an output is worth at the mid of the decision block, micro-USD."""
    if holding.order_side == _BUY:
        return value_at(out_hi, out_lo, holding.order_price_q, spot.token.price_shift)
    return np.int64(out_lo)


@compiled
def _note_costs(session, costs):
    session.fees_micro_usd += costs.fee
    session.impact_micro_usd += costs.impact
    session.drift_micro_usd += costs.drift
    session.sandwich_micro_usd += costs.sandwich
