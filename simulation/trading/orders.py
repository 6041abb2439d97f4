"""Orders on their way: quoted at the decision block, due some blocks later."""

from __future__ import annotations

import numpy as np

from simulation import rng, wei
from simulation.choices import Lane, Side
from simulation.jit import compiled
from simulation.rng import Stream
from simulation.trading import routing
from simulation.trading.account import basis_points, gas_cost, value_at
from simulation.trading.rules import (
    ANALYSIS_MS,
    DEADLINE_MS,
    DROPPED_BP,
    NETWORK_ISSUE_BLOCKS,
    NETWORK_ISSUE_BP,
)

SENDING = np.uint64(0)
INCLUSION = np.uint64(1)
"""The two purposes for which an order draws random words."""

_BP = 10_000
_U0 = np.uint64(0)
_BUY = int(Side.BUY)
_SMART = int(Lane.SMART)
_SESSION_STREAM = np.uint64(Stream.SESSION)
_PRIVATE_MISS_BP = 2_000


@compiled
def draw(session, trade, purpose, rules):
    """Return the four random words of one order and purpose."""
    return rng.words(rules.seed, _SESSION_STREAM + session.stream, np.uint64(trade), purpose)


@compiled
def max_gas_cost(session, spot):
    """Return the most that the gas of one order can cost at the account's bid, micro-USD.

    The fee of layer 1 is taken twice: it isn't bid for and may rise before inclusion.
    """
    gas = spot.gas
    max_fee_wei, _ = bid(session, gas)
    return gas_cost(spot.token.max_swap_gas, max_fee_wei, 2 * gas.l1_fee_wei, gas.native_price_q)


@compiled
def bid(session, gas):
    """Return (fee cap, priority fee) in wei per gas: room for the base fee to double, scaled by the account."""
    tip = gas.priority_fee_wei * session.gas_price_multiplier_bp // _BP
    return (2 * gas.base_fee_wei + gas.priority_fee_wei) * session.gas_price_multiplier_bp // _BP, tip


@compiled
def size_of_purchase(session, spot):
    """Return the USD to spend on a new position within every limit, micro-USD; it may be too small to send.

    The gas of the purchase and of the later sale is kept back.
    """
    share_bp = min(session.max_position_size_bp, session.account_max_position_size_bp)
    share = basis_points(session.equity_micro_usd, share_bp)
    free = session.cash_micro_usd - session.reserved_micro_usd - 2 * max_gas_cost(session, spot)
    return min(share, session.max_trade_size_micro_usd, free)


@compiled
def promised_worth(spot, side, in_hi, in_lo):
    """Return what the best route's promise for an input is worth at the mid, micro-USD; 0 only if it is nothing."""
    _, hi, lo = routing.best_route(side, in_hi, in_lo, spot)
    if wei.is_zero(hi, lo):
        return 0
    return max(np.int64(lo) if side != _BUY else value_at(hi, lo, spot.mid.price_q, spot.token.price_shift), 1)


@compiled
def usual_gas_cost(session, spot):
    """Return what the gas of one order costs if the base fee stays as it is, micro-USD."""
    gas = spot.gas
    _, tip_wei = bid(session, gas)
    return gas_cost(spot.token.max_swap_gas, gas.base_fee_wei + tip_wei, gas.l1_fee_wei, gas.native_price_q)


@compiled
def send(session, holding, spot, side, lane, reason, in_hi, in_lo):
    """Send an order: quote it, set its terms, reserve what it needs. Return its trade ordinal."""
    trade = session.next_trade
    session.next_trade += 1
    session.trades_today += 1
    session.orders_in_flight += 1
    holding.order_side = side
    holding.order_lane = lane
    holding.order_reason = reason
    holding.order_trade = trade
    holding.order_decision = session.next_decision
    holding.order_decided_block = spot.block
    _set_delay(session, holding, spot, lane)
    holding.order_in_hi, holding.order_in_lo = in_hi, in_lo
    _set_quote(session, holding, spot)
    holding.order_max_fee_wei, holding.order_tip_wei = bid(session, spot.gas)
    reserved = max_gas_cost(session, spot)
    if side == _BUY:
        session.buys_in_flight += 1
        reserved += np.int64(in_lo)
    holding.order_reserved_micro_usd = reserved
    session.reserved_micro_usd += reserved
    return trade


@compiled
def _set_quote(session, holding, spot):
    """Set route and quote, the least output that is accepted, and what the costs will be counted from."""
    side, in_hi, in_lo = holding.order_side, holding.order_in_hi, holding.order_in_lo
    route, hi, lo = routing.best_route(side, in_hi, in_lo, spot)
    kept = np.uint64(_BP - session.max_slippage_bp)
    value = np.int64(in_lo) if side == _BUY else value_at(in_hi, in_lo, spot.mid.price_q, spot.token.price_shift)
    holding.order_route = route
    holding.order_quote_hi, holding.order_quote_lo = hi, lo
    min_hi, min_lo = wei.mul_div(hi, lo, _U0, kept, _U0, np.uint64(_BP))
    if wei.is_zero(min_hi, min_lo):  # nobody accepts nothing
        min_lo = np.uint64(1)
    holding.order_min_hi, holding.order_min_lo = min_hi, min_lo
    holding.order_price_q = spot.mid.price_q
    holding.order_value_micro_usd = value
    holding.order_fee_micro_usd = routing.fees(spot.routes[route], value, spot)


@compiled
def _set_delay(session, holding, spot, lane):
    """Set when the order is due: the account's delay, the lane's thinking, and bad luck on the way."""
    network, late_by, private, loss = draw(session, holding.order_trade, SENDING, spot.rules)
    delay_ms = session.execution_delay_ms + ANALYSIS_MS[lane]
    blocks = 1 + delay_ms // spot.rules.block_time_ms
    has_issues = session.simulate_network_issues != 0
    if has_issues and rng.below(network, _BP) < NETWORK_ISSUE_BP:
        blocks += 1 + rng.below(late_by, NETWORK_ISSUE_BLOCKS)
    if lane == _SMART:
        blocks += _private_blocks(rng.below(private, _BP))
    holding.order_delay_ms = delay_ms
    holding.order_due_block = spot.block + blocks
    holding.order_deadline_block = spot.block + blocks + max(DEADLINE_MS // spot.rules.block_time_ms, 1)
    holding.order_dropped = int(has_issues and rng.below(loss, _BP) < DROPPED_BP)
    if holding.order_dropped != 0:  # nobody hears of it before its deadline
        holding.order_due_block = holding.order_deadline_block


@compiled
def _private_blocks(luck_bp):
    """Return how many blocks a private builder misses: each with probability 0.2, at most four."""
    missed, threshold = 0, _PRIVATE_MISS_BP
    while missed < 4 and luck_bp < threshold:
        missed += 1
        threshold = threshold * _PRIVATE_MISS_BP // _BP
    return missed


@compiled
def settle(session, holding):
    """Take a finished order off the books and free what was reserved for it."""
    session.reserved_micro_usd -= holding.order_reserved_micro_usd
    session.orders_in_flight -= 1
    if holding.order_side == _BUY:
        session.buys_in_flight -= 1
    holding.order_side = 0
    holding.order_reserved_micro_usd = 0
