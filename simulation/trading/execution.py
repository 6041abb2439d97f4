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
_SELL = int(Side.SELL)
_SWAP = int(Side.SWAP)
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
_SESSION_ENDED = int(Failure.SESSION_ENDED)


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
    position: int  # of its token; -1 for a purchase or swap that did not fill
    opened_block: int
    from_position: int  # of a swap, else -1
    from_opened_block: int
    out_hi: np.uint64
    out_lo: np.uint64
    gas_price_wei: int
    gas_used: int
    gas_micro_usd: int
    cost_micro_usd: int  # basis that was bought, or by a sale sold
    sold: positions.Sold
    costs: Costs


class Gas(NamedTuple):
    """What the inclusion of an order burns."""

    price_wei: int
    used: int
    micro_usd: int


@compiled
def include(session, holdings, spot):
    """Try to include the due order of a token; it stays in flight while the block has no place for its bid."""
    holding = holdings[spot.token_row]
    if holding.order_dropped != 0:
        return _unfilled(session, holdings, holding, _CANCELLED, _DROPPED, Gas(0, 0, 0))
    if not _has_place(holding, spot.gas):
        if spot.block < holding.order_deadline_block:
            return _still_in_flight()
        return _unfilled(session, holdings, holding, _CANCELLED, _EXPIRED, Gas(0, 0, 0))
    luck, adverse, gas_luck, attack_luck = orders.draw(
        session, holding.order_decided_block, spot.token_row, orders.INCLUSION, spot.rules
    )
    met = routing.met(holding, spot, _push_pips(session, holding, adverse))
    failure = _failure(session, holding, luck, met)
    gas = _gas(holding, spot, failure, gas_luck, attack_luck)
    spent = np.int64(holding.order_in_lo) if holding.order_side == _BUY else 0
    if gas.micro_usd > session.cash_micro_usd - spent:
        return _unfilled(session, holdings, holding, _CANCELLED, _UNAFFORDABLE, Gas(gas.price_wei, 0, 0))
    session.cash_micro_usd -= gas.micro_usd
    session.gas_paid_micro_usd += gas.micro_usd
    if failure != _NONE:
        return _unfilled(session, holdings, holding, _FAILED, failure, gas)
    is_attacked = attacks.is_sandwiched(session, holding, spot, met, attack_luck)
    return _fill(session, holdings, holding, spot, met, is_attacked, gas)


@compiled
def has_order(holding):
    """Tell whether an order for the token is on its way; what is held may be promised to that of another one."""
    return holding.order_side in (_BUY, _SELL, _SWAP)


@compiled
def withdraw(session, holdings, holding):
    """Take back the order of a holding, whose session ends."""
    return _unfilled(session, holdings, holding, _CANCELLED, _SESSION_ENDED, Gas(0, 0, 0))


@compiled
def _still_in_flight():
    return Ending(0, _NONE, 0, -1, -1, -1, -1, _U0, _U0, 0, 0, 0, 0, positions.NOTHING_SOLD, Costs(0, 0, 0, 0, 0, 0))


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
def _unfilled(session, holdings, holding, status, failure, gas):
    """Take an order off the books that did not fill; where it was included, its gas has been paid."""
    side, position, opened_block, source, source_opened = holding.order_side, -1, -1, -1, -1
    if side == _SELL:
        position, opened_block = holding.position, holding.opened_block
    elif side == _SWAP:
        given_up = holdings[holding.order_from]
        source, source_opened = given_up.position, given_up.opened_block
    session.failed_trades += 1
    session.failure_micro_usd += gas.micro_usd
    orders.settle(session, holdings, holding)
    return Ending(
        status, failure, side, position, opened_block, source, source_opened, _U0, _U0, gas.price_wei, gas.used,
        gas.micro_usd, 0, positions.NOTHING_SOLD, Costs(gas.micro_usd, 0, 0, 0, 0, gas.micro_usd),
    )  # fmt: skip


@compiled
def _fill(session, holdings, holding, spot, met, is_attacked, gas):
    """Enter an order that fills into the books; the gas has been paid. A victim gets exactly the least it accepts."""
    out_hi, out_lo = met.out_hi, met.out_lo
    if is_attacked:
        out_hi, out_lo = holding.order_min_hi, holding.order_min_lo
    costs = _costs(holding, spot, met, out_hi, out_lo, gas)
    _note_costs(session, costs)
    side, source, source_opened = holding.order_side, -1, -1
    sold = positions.NOTHING_SOLD
    cost = np.int64(met.usd)
    session.completed_trades += 1
    if side == _SELL:
        sold = positions.sell(
            session, holding, holding.order_in_hi, holding.order_in_lo, np.int64(out_lo), gas.micro_usd
        )
        cost = sold.cost
    elif side == _SWAP:
        given_up = holdings[holding.order_from]
        source, source_opened = given_up.position, given_up.opened_block
        sold = positions.sell(session, given_up, holding.order_in_hi, holding.order_in_lo, cost, 0)
    if side != _SELL:
        positions.buy(session, holding, spot.block, cost, gas.micro_usd, out_hi, out_lo)
    orders.settle(session, holdings, holding)
    return Ending(
        _COMPLETED, _NONE, side, holding.position, holding.opened_block, source, source_opened, out_hi, out_lo,
        gas.price_wei, gas.used, gas.micro_usd, cost, sold, costs,
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
    if holding.order_side != _SELL:
        return value_at(out_hi, out_lo, holding.order_price_q, spot.token.price_shift)
    return np.int64(out_lo)


@compiled
def _note_costs(session, costs):
    session.fees_micro_usd += costs.fee
    session.impact_micro_usd += costs.impact
    session.drift_micro_usd += costs.drift
    session.sandwich_micro_usd += costs.sandwich
