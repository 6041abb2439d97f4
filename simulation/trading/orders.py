"""Orders on their way: quoted at the decision block, due some blocks later."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import rng, wei
from simulation.choices import Lane, Side
from simulation.jit import compiled
from simulation.rng import Stream
from simulation.trading import routing
from simulation.trading.account import basis_points, gas_cost, value_at
from simulation.trading.positions import is_open
from simulation.trading.rules import (
    ANALYSIS_MS,
    DROPPED_BP,
    NETWORK_ISSUE_BLOCKS,
    NETWORK_ISSUE_BP,
    WORTHWHILE_SHARE,
)

SENDING = np.uint64(0)
INCLUSION = np.uint64(1)
"""The two purposes for which an order draws random words."""
_PURPOSES = np.uint64(2)

_BP = 10_000
_U0 = np.uint64(0)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_SWAP = int(Side.SWAP)
_AWAY = int(Side.AWAY)
_NONE = -1
_NEVER = np.int64(2**62)
_SMART = int(Lane.SMART)
_SESSION_STREAM = np.uint64(Stream.SESSION)
_PRIVATE_MISS_BP = 2_000


class Bid(NamedTuple):
    """What an account offers for gas at a block, wei per unit of it."""

    max_fee_wei: int  # the fee cap
    tip_wei: int  # the priority fee


class Order(NamedTuple):
    """An order as it is wanted, with the best that the pools promise for it at that block."""

    side: int
    in_hi: np.uint64
    in_lo: np.uint64
    value_micro_usd: int  # of the input, at the mid
    route: int
    out_hi: np.uint64
    out_lo: np.uint64
    worth_micro_usd: int  # of the output, at the mid; 0 only if it is nothing
    from_token: int  # of a swap, else -1
    from_route: int
    most_gas: int  # that it can burn


@compiled
def draw(session, decided_block, token_row, purpose, rules):
    """Return the four random words of one order and purpose.

    They follow from when and for what the order was sent, not from how many were before it: so a session and its twin
    that differ in one order have the same luck with all others.
    """
    counter = _PURPOSES * np.uint64(token_row) + purpose
    return rng.words(rules.seed, _SESSION_STREAM + session.stream, np.uint64(decided_block), counter)


@compiled
def bid_of(session, gas):
    """Return the bid of an account: room for the base fee to double, scaled by the account and by Auto Pilot."""
    by, again = np.uint64(session.gas_price_multiplier_bp), np.uint64(session.gas_bid_bp)
    tip = np.uint64(gas.priority_fee_wei) * by // wei.BP * again // wei.BP
    most = np.uint64(2 * gas.base_fee_wei + gas.priority_fee_wei) * by // wei.BP * again // wei.BP
    return Bid(np.int64(most), np.int64(tip))


@compiled
def most_gas_cost(bid, gas_used, gas):
    """Return the most that the gas of one order can cost at a bid, micro-USD.

    The fee of layer 1 is taken twice: it isn't bid for and may rise before inclusion.
    """
    return gas_cost(gas_used, bid.max_fee_wei, 2 * gas.l1_fee_wei, gas.native_price_q)


@compiled
def usual_gas_cost(bid, gas_used, gas):
    """Return what the gas of one order costs if the base fee stays as it is, micro-USD."""
    return gas_cost(gas_used, gas.base_fee_wei + bid.tip_wei, gas.l1_fee_wei, gas.native_price_q)


@compiled
def largest_position(session):
    """Return the largest cost that a position may have, micro-USD."""
    share_bp = min(session.max_position_size_bp, session.account_max_position_size_bp)
    return basis_points(session.equity_micro_usd, share_bp)


@compiled
def size_of_sale(session, value_micro_usd):
    """Return how much of a position one sale may sell: all, unless that is clearly above the largest trade."""
    largest = session.max_trade_size_micro_usd
    return largest if value_micro_usd - largest >= largest // WORTHWHILE_SHARE else value_micro_usd


@compiled
def purchase(spot, size_micro_usd):
    """Return the order that buys the token for so many micro-USD."""
    size = np.uint64(size_micro_usd)
    route, hi, lo = routing.best_route(spot.token, routing.PAYS_OTHER, _U0, size, spot)
    worth = _worth(spot.token, spot.mid, hi, lo)
    most_gas = spot.token.max_swap_gas
    return Order(_BUY, _U0, size, size_micro_usd, route, hi, lo, worth, _NONE, _NONE, most_gas)


@compiled
def sale(holding, spot, value_micro_usd, size_micro_usd):
    """Return the order that sells as much of a holding as is worth the size, of the value that all of it has."""
    in_hi, in_lo = holding.quantity_hi, holding.quantity_lo
    if size_micro_usd < value_micro_usd:
        whole = np.uint64(value_micro_usd)
        in_hi, in_lo = wei.mul_div(in_hi, in_lo, _U0, np.uint64(size_micro_usd), _U0, whole)
        value_micro_usd = value_at(in_hi, in_lo, spot.mid.price_q, spot.token.price_shift)
    route, hi, lo = routing.best_route(spot.token, routing.PAYS_TOKEN, in_hi, in_lo, spot)
    most_gas = spot.token.max_swap_gas
    return Order(_SELL, in_hi, in_lo, value_micro_usd, route, hi, lo, np.int64(lo), _NONE, _NONE, most_gas)


@compiled
def swap(rival, rival_row, spot, value_micro_usd):
    """Return the order that swaps all of another holding, which is worth so much, into the token, by way of USDC."""
    in_hi, in_lo, sold = rival.quantity_hi, rival.quantity_lo, spot.tokens[rival_row]
    from_route, usd_hi, usd_lo = routing.best_route(sold, routing.PAYS_TOKEN, in_hi, in_lo, spot)
    route, hi, lo = routing.best_route(spot.token, routing.PAYS_OTHER, usd_hi, usd_lo, spot)
    worth = _worth(spot.token, spot.mid, hi, lo)
    most_gas = spot.token.max_swap_gas + sold.max_swap_gas
    return Order(_SWAP, in_hi, in_lo, value_micro_usd, route, hi, lo, worth, rival_row, from_route, most_gas)


@compiled
def _worth(token, mid, hi, lo):
    if wei.is_zero(hi, lo):
        return 0
    return max(value_at(hi, lo, mid.price_q, token.price_shift), 1)


@compiled
def send(session, holdings, spot, order, bid, lane, reason):
    """Send an order: set its terms, reserve what it needs, of which gas is in its case. Return its trade ordinal."""
    holding, trade = holdings[spot.token_row], session.next_trade
    session.next_trade += 1
    session.trades_today += 1
    session.orders_in_flight += 1
    holding.order_side = order.side
    holding.order_lane = lane
    holding.order_reason = reason
    holding.order_trade = trade
    holding.order_decision = session.next_decision
    holding.order_decided_block = spot.block
    _set_delay(session, holding, spot, lane)
    _set_terms(session, holding, spot, order)
    holding.order_max_fee_wei, holding.order_tip_wei = bid.max_fee_wei, bid.tip_wei
    reserved = spot.case.exit_gas_micro_usd
    holding.order_opens = int(order.side == _BUY and not is_open(holding))
    session.buys_in_flight += holding.order_opens
    if order.side == _BUY:
        reserved += order.value_micro_usd
    elif order.side == _SWAP:
        given_up = holdings[order.from_token]
        given_up.order_side, given_up.order_due_block = _AWAY, _NEVER
    holding.order_reserved_micro_usd = reserved
    session.reserved_micro_usd += reserved
    return trade


@compiled
def _set_terms(session, holding, spot, order):
    """Set input, route and quote, the least output that is accepted, and what the costs will be counted from."""
    holding.order_in_hi, holding.order_in_lo = order.in_hi, order.in_lo
    holding.order_route = order.route
    holding.order_from, holding.order_from_route = order.from_token, order.from_route
    holding.order_quote_hi, holding.order_quote_lo = order.out_hi, order.out_lo
    min_hi, min_lo = wei.basis_points(order.out_hi, order.out_lo, np.uint64(_BP - session.max_slippage_bp))
    if wei.is_zero(min_hi, min_lo):  # nobody accepts nothing
        min_lo = np.uint64(1)
    holding.order_min_hi, holding.order_min_lo = min_hi, min_lo
    holding.order_price_q = spot.mid.price_q
    holding.order_value_micro_usd = order.value_micro_usd
    fee = 0
    if order.side == _SWAP:
        fee = routing.fees(spot.routes[order.from_route], order.value_micro_usd, spot)
    fee += routing.fees(spot.routes[order.route], order.value_micro_usd - fee, spot)
    holding.order_fee_micro_usd = fee


@compiled
def _set_delay(session, holding, spot, lane):
    """Set when the order is due: the account's delay, the lane's thinking, and bad luck on the way."""
    delay_ms = session.execution_delay_ms + ANALYSIS_MS[lane]
    blocks = 1 + delay_ms // spot.rules.block_time_ms
    has_issues, is_dropped = session.simulate_network_issues != 0, False
    if has_issues or lane == _SMART:
        network, late_by, private, loss = draw(session, spot.block, spot.token_row, SENDING, spot.rules)
        is_dropped = has_issues and rng.below(loss, _BP) < DROPPED_BP
        if has_issues and rng.below(network, _BP) < NETWORK_ISSUE_BP:
            blocks += 1 + rng.below(late_by, NETWORK_ISSUE_BLOCKS)
        if lane == _SMART:
            blocks += _private_blocks(rng.below(private, _BP))
    holding.order_delay_ms = delay_ms
    holding.order_due_block = spot.block + blocks
    holding.order_deadline_block = spot.block + blocks + spot.rules.deadline_blocks
    holding.order_dropped = int(is_dropped)
    if is_dropped:  # nobody hears of it before its deadline
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
def settle(session, holdings, holding):
    """Take a finished order off the books and free what was reserved for it."""
    session.reserved_micro_usd -= holding.order_reserved_micro_usd
    session.orders_in_flight -= 1
    session.buys_in_flight -= holding.order_opens
    if holding.order_side == _SWAP:
        holdings[holding.order_from].order_side = 0
    holding.order_side = 0
    holding.order_reserved_micro_usd = 0
