"""Inclusion of an order in a block: lost, expired, unaffordable, reverted, sandwiched or filled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import rng, wei
from simulation.addresses import address_of
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
_SELL = int(Side.SELL)
_SWAP = int(Side.SWAP)
_FAST = int(Lane.FAST)
_IN_FLIGHT = np.int64(0)
_NO_GAS = np.int64(0)
_COMPLETED = np.int64(TradeStatus.COMPLETED)
_FAILED = np.int64(TradeStatus.FAILED)
_CANCELLED = np.int64(TradeStatus.CANCELLED)
_NONE = np.int64(Failure.NONE)
_SLIPPAGE = np.int64(Failure.SLIPPAGE)
_REVERTED = np.int64(Failure.REVERTED)
_EXPIRED = np.int64(Failure.EXPIRED)
_UNAFFORDABLE = np.int64(Failure.UNAFFORDABLE)
_DROPPED = np.int64(Failure.DROPPED)
_NO_LIQUIDITY = np.int64(Failure.NO_LIQUIDITY)
_SESSION_ENDED = np.int64(Failure.SESSION_ENDED)


class Gas(NamedTuple):
    """What the inclusion of an order burns."""

    price_wei: int
    used: int
    micro_usd: int


@compiled
def include(session, holdings, spot):
    """Try to include the due order of a token; it stays in flight while the block has no place for its bid.

    Return its status, 0 while it is in flight; the rest of how it ended is written to ``spot.trade``.
    """
    holding = holdings[spot.token_row]
    if holding.order_dropped != 0:
        return _unfilled(session, holdings, holding, spot.trade, _CANCELLED, _DROPPED, Gas(0, 0, 0))
    if not _has_place(holding, spot.gas):
        if spot.block < holding.order_deadline_block:
            return _IN_FLIGHT
        return _unfilled(session, holdings, holding, spot.trade, _CANCELLED, _EXPIRED, Gas(0, 0, 0))
    luck, adverse, gas_luck, attack_luck = orders.draw(
        session, holding.order_decided_block, spot.token_row, orders.INCLUSION, spot.rules
    )
    met = address_of(routing.met(holding, spot, _push_pips(session, holding, adverse)))
    failure = _failure(session, holding, luck, met)
    gas = _gas(holding, spot, failure, gas_luck, attack_luck)
    spent = np.int64(holding.order_in_lo) if holding.order_side == _BUY else 0
    if gas.micro_usd > session.cash_micro_usd - spent:
        nothing_burnt = Gas(gas.price_wei, 0, 0)
        return _unfilled(session, holdings, holding, spot.trade, _CANCELLED, _UNAFFORDABLE, nothing_burnt)
    session.cash_micro_usd -= gas.micro_usd
    session.gas_paid_micro_usd += gas.micro_usd
    if failure != _NONE:
        return _unfilled(session, holdings, holding, spot.trade, _FAILED, failure, gas)
    is_attacked = attacks.is_sandwiched(session, holding, spot, met, attack_luck)
    return _fill(session, holdings, holding, spot, met, is_attacked, gas)


@compiled
def has_order(holding):
    """Tell whether an order for the token is on its way; what is held may be promised to that of another one."""
    return holding.order_side in (_BUY, _SELL, _SWAP)


@compiled
def withdraw(session, holdings, holding, trade):
    """Take back the order of a holding, whose session ends; ``trade`` gets how it ended."""
    return _unfilled(session, holdings, holding, trade, _CANCELLED, _SESSION_ENDED, Gas(0, 0, 0))


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
    hops = routing.hops(route)
    if holding.order_side == _SWAP:
        hops += routing.hops(spot.routes[holding.order_from_route])
    used = swap_gas(hops, spot.pairs[route.pool].swap_kind, gas_luck)
    if failure == _REVERTED:
        used = early_failure_gas(failure_luck)
    elif failure != _NONE:
        used = revert_gas(used, failure_luck)
    price_wei = price_paid(gas.base_fee_wei, holding.order_max_fee_wei, holding.order_tip_wei)
    return Gas(price_wei, used, gas_cost(used, price_wei, gas.l1_fee_wei, gas.native_price_q))


@compiled
def _unfilled(session, holdings, holding, trade, status, failure, gas):
    """Take an order off the books that did not fill; where it was included, its gas has been paid."""
    _begin(trade, holdings, holding, status, failure, gas)
    if holding.order_side == _SELL:
        trade.position, trade.opened_block = holding.position, holding.opened_block
    trade.out_hi = trade.out_lo = _U0
    trade.cost_micro_usd = 0
    _write_sold(trade, positions.NOTHING_SOLD)
    trade.fee_micro_usd = trade.impact_micro_usd = trade.drift_micro_usd = trade.sandwich_micro_usd = 0
    trade.execution_cost_micro_usd = trade.failure_micro_usd = gas.micro_usd
    session.failed_trades += 1
    session.failure_micro_usd += gas.micro_usd
    orders.settle(session, holdings, holding)
    return status


@compiled
def _begin(trade, holdings, holding, status, failure, gas):
    """Write how an order ended, as far as it is the same whether it filled or not."""
    trade.status, trade.failure, trade.side = status, failure, holding.order_side
    trade.position = trade.opened_block = trade.from_position = trade.from_opened_block = -1
    if holding.order_side == _SWAP:
        given_up = holdings[holding.order_from]
        trade.from_position, trade.from_opened_block = given_up.position, given_up.opened_block
    trade.gas_price_wei, trade.gas_used, trade.gas_micro_usd = gas.price_wei, gas.used, gas.micro_usd


@compiled
def _write_sold(trade, sold):
    trade.realized_micro_usd, trade.net_micro_usd, trade.closes = sold.realized, sold.net, sold.closes
    trade.invested_micro_usd, trade.earned_micro_usd = sold.invested, sold.earned


@compiled
def _fill(session, holdings, holding, spot, met, is_attacked, gas):
    """Enter an order that fills into the books; the gas has been paid. A victim gets exactly the least it accepts."""
    trade, out_hi, out_lo = spot.trade, met.out_hi, met.out_lo
    if is_attacked:
        out_hi, out_lo = holding.order_min_hi, holding.order_min_lo
    _begin(trade, holdings, holding, _COMPLETED, _NONE, gas)
    trade.out_hi, trade.out_lo = out_hi, out_lo
    _attribute(trade, holding, spot, met)
    _note_costs(session, trade)
    sold = positions.NOTHING_SOLD
    cost = np.int64(met.usd)
    session.completed_trades += 1
    if holding.order_side == _SELL:
        sold = positions.sell(
            session, holding, holding.order_in_hi, holding.order_in_lo, np.int64(out_lo), gas.micro_usd
        )
        cost = sold.cost
    elif holding.order_side == _SWAP:
        given_up = holdings[holding.order_from]
        sold = positions.sell(session, given_up, holding.order_in_hi, holding.order_in_lo, cost, _NO_GAS)
    if holding.order_side != _SELL:
        positions.buy(session, holding, spot.block, cost, gas.micro_usd, out_hi, out_lo)
    trade.cost_micro_usd = cost
    trade.position, trade.opened_block = holding.position, holding.opened_block
    _write_sold(trade, sold)
    orders.settle(session, holdings, holding)
    return _COMPLETED


@compiled
def _attribute(trade, holding, spot, met):
    """Attribute the difference between the decision block's mid and the result; the parts add up by construction."""
    quoted = _worth(holding, spot, holding.order_quote_hi, holding.order_quote_lo)
    fair = _worth(holding, spot, met.out_hi, met.out_lo)
    got = _worth(holding, spot, trade.out_hi, trade.out_lo)
    value, fee = holding.order_value_micro_usd, holding.order_fee_micro_usd
    trade.execution_cost_micro_usd = value - got + trade.gas_micro_usd
    trade.fee_micro_usd, trade.impact_micro_usd = fee, value - quoted - fee
    trade.drift_micro_usd, trade.sandwich_micro_usd = quoted - fair, fair - got
    trade.failure_micro_usd = 0


@compiled
def _worth(holding, spot, out_hi, out_lo):
    """Return what an output is worth at the mid of the decision block, micro-USD."""
    if holding.order_side != _SELL:
        return value_at(out_hi, out_lo, holding.order_price_q, spot.token.price_shift)
    return np.int64(out_lo)


@compiled
def _note_costs(session, trade):
    session.fees_micro_usd += trade.fee_micro_usd
    session.impact_micro_usd += trade.impact_micro_usd
    session.drift_micro_usd += trade.drift_micro_usd
    session.sandwich_micro_usd += trade.sandwich_micro_usd
