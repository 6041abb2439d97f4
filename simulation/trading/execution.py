"""Inclusion of an order in a block: expired, unaffordable, reverted or filled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import rng, wei
from simulation.jit import compiled
from simulation.market import pools
from simulation.state import Failure, Lane, Side, TradeStatus
from simulation.trading import orders, positions
from simulation.trading.account import gas_cost
from simulation.trading.rules import GAS_SPREAD_BP, REVERT_GAS_BP

_BP = 10_000
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
_SLIPPAGE_SCALE = np.uint64(2_000_000)


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


@compiled
def include(session, holding, spot):
    """Try to include the due order of a holding; it stays in flight while the base fee is above its cap."""
    gas = spot.gas
    if gas.base_fee_wei > holding.order_max_fee_wei:
        if spot.block < holding.order_deadline_block:
            return Ending(0, _NONE, 0, -1, 0, _U0, _U0, 0, 0, 0, 0, 0, 0)
        return _give_up(session, holding, _EXPIRED, 0)
    luck, adverse, gas_luck, _ = orders.draw(session, holding.order_trade, orders.INCLUSION, spot.rules)
    out_hi, out_lo = _output(session, holding, adverse, spot.pool, spot.token)
    failure = _outcome(session, holding, luck, out_hi, out_lo)
    gas_used = spot.rules.swap_gas * (_BP - GAS_SPREAD_BP + rng.below(gas_luck, 2 * GAS_SPREAD_BP + 1)) // _BP
    if failure != _NONE:
        gas_used = gas_used * REVERT_GAS_BP // _BP
    price_wei = gas.base_fee_wei + min(holding.order_tip_wei, holding.order_max_fee_wei - gas.base_fee_wei)
    gas_micro_usd = gas_cost(gas_used, price_wei, gas.native_price_q)
    spent = np.int64(holding.order_in_lo) if holding.order_side == _BUY else 0
    if gas_micro_usd > session.cash_micro_usd - spent:
        return _give_up(session, holding, _UNAFFORDABLE, price_wei)
    session.cash_micro_usd -= gas_micro_usd
    session.gas_paid_micro_usd += gas_micro_usd
    if failure != _NONE:
        return _revert(session, holding, failure, price_wei, gas_used, gas_micro_usd)
    return _fill(session, holding, spot, out_hi, out_lo, price_wei, gas_used, gas_micro_usd)


@compiled
def _output(session, holding, adverse, pool, token):
    """Return what the pool gives now, after other swaps of the block have moved it against the order.

    Their size is uniform up to the one that moves the price by the account's base slippage (2*a/x for an input
    a into a reserve x); a private order (SMART lane) is not preceded by them.
    """
    usd_hi, usd_lo = _U0, pool.reserve_micro_usd
    token_hi, token_lo = pool.reserve_hi, pool.reserve_lo
    if holding.order_side == _BUY:
        x_hi, x_lo, y_hi, y_lo = usd_hi, usd_lo, token_hi, token_lo
    else:
        x_hi, x_lo, y_hi, y_lo = token_hi, token_lo, usd_hi, usd_lo
    if holding.order_lane == _FAST:
        share = np.uint64(rng.below(adverse, session.base_slippage_bp * 100 + 1))
        noise_hi, noise_lo = wei.mul_div(x_hi, x_lo, _U0, share, _U0, _SLIPPAGE_SCALE)
        _, taken_hi, taken_lo = pools.amount_out(noise_hi, noise_lo, x_hi, x_lo, y_hi, y_lo, token.fee_bp)
        x_hi, x_lo = wei.add(x_hi, x_lo, noise_hi, noise_lo)
        y_hi, y_lo = wei.sub(y_hi, y_lo, taken_hi, taken_lo)
    _, hi, lo = pools.amount_out(holding.order_in_hi, holding.order_in_lo, x_hi, x_lo, y_hi, y_lo, token.fee_bp)
    return hi, lo


@compiled
def _outcome(session, holding, luck, out_hi, out_lo):
    if wei.is_zero(out_hi, out_lo) or wei.less(out_hi, out_lo, holding.order_min_hi, holding.order_min_lo):
        return _SLIPPAGE
    if rng.below(luck, _BP) < session.failure_rate_bp:
        return _REVERTED
    return _NONE


@compiled
def _give_up(session, holding, failure, price_wei):
    """Take an order off the books that was never included: nothing is paid."""
    return _unfilled(session, holding, _CANCELLED, failure, price_wei, 0, 0)


@compiled
def _revert(session, holding, failure, price_wei, gas_used, gas_micro_usd):
    """Take an order off the books whose swap reverted: its gas has been paid."""
    return _unfilled(session, holding, _FAILED, failure, price_wei, gas_used, gas_micro_usd)


@compiled
def _unfilled(session, holding, status, failure, price_wei, gas_used, gas_micro_usd):
    side, position, opened_block = holding.order_side, holding.position, holding.opened_block
    if side == _BUY:  # what the holding remembers is an earlier position
        position, opened_block = -1, -1
    session.failed_trades += 1
    orders.settle(session, holding)
    return Ending(status, failure, side, position, opened_block, _U0, _U0, price_wei, gas_used, gas_micro_usd, 0, 0, 0)


@compiled
def _fill(session, holding, spot, out_hi, out_lo, price_wei, gas_used, gas_micro_usd):
    """Open or close the position; the gas has been paid."""
    side = holding.order_side
    realized, net = 0, 0
    session.completed_trades += 1
    if side == _BUY:
        cost = np.int64(holding.order_in_lo)
        positions.open_position(session, holding, spot.block, cost, gas_micro_usd, out_hi, out_lo)
    else:
        cost = holding.cost_micro_usd
        realized = np.int64(out_lo) - cost
        net = positions.close_position(session, holding, np.int64(out_lo), gas_micro_usd)
    orders.settle(session, holding)
    return Ending(
        _COMPLETED, _NONE, side, holding.position, holding.opened_block, out_hi, out_lo, price_wei, gas_used,
        gas_micro_usd, cost, realized, net,
    )  # fmt: skip
