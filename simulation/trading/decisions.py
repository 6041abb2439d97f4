"""The decisions of a session: its case is put together, judged, and carried out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.choices import DecisionType, Reason
from simulation.jit import compiled
from simulation.state import UNASKED, Case
from simulation.trading import orders
from simulation.trading.account import basis_points, free_cash, value_at
from simulation.trading.judging import judge, lane_of, order_size, wants_order
from simulation.trading.positions import is_open
from simulation.trading.rules import MAX_ROUND_TRIP_SHARE, SMALLEST_TRADE_MICRO_USD, WORTHWHILE_SHARE

_BUY = int(DecisionType.BUY)
_STOPPED = int(DecisionType.STOP_LOSS)
_TARGETED = int(DecisionType.TAKE_PROFIT)
_FULL = int(Reason.CONCURRENT_POSITIONS)
_NO_RIVAL = -1


class Verdict(NamedTuple):
    """A decision, its reason, the order it sent and the case it was made on; type 0 stands for none."""

    type: int
    reason: int
    lane: int
    trade: int  # ordinal of the order, -1 for none
    observed: int
    limit: int
    case: Case


@compiled
def check_exits(session, holdings, spot):
    """Leave a position whose value has reached its stop or its target, if the gas can be paid."""
    case = _case(session, holdings[spot.token_row], spot)
    ruling = judge(case)
    if ruling.type in (_STOPPED, _TARGETED):
        verdict = _ordered(session, holdings, spot, case, ruling)
        if verdict.trade >= 0:
            return verdict
    return Verdict(0, 0, 0, -1, 0, 0, case)


@compiled
def decide(session, holdings, spot):
    """Analyse one token for one session."""
    case = _case(session, holdings[spot.token_row], spot)
    ruling = judge(case)
    if ruling.reason == _FULL:
        case = _with_rival(session, holdings, spot, case)
        ruling = judge(case)
    if wants_order(ruling):
        return _ordered(session, holdings, spot, case, ruling)
    return _verdict(case, ruling, -1)


@compiled
def is_repetition(holding, verdict, spot):
    """Tell whether a HOLD or SKIP only repeats the token's latest thought, or changes it too soon."""
    if wants_order(verdict) or holding.said == 0:
        return False
    rest_blocks = spot.rules.repeat_blocks if holding.said == _said(verdict) else spot.rules.change_blocks
    return spot.block - holding.said_block < rest_blocks


@compiled
def note(holding, verdict, spot):
    """Remember a thought that is written down; after an order whatever is thought is new."""
    holding.said, holding.said_block = 0 if wants_order(verdict) else _said(verdict), spot.block


@compiled
def _said(verdict):
    return 1_000 * verdict.type + verdict.reason


@compiled
def _ordered(session, holdings, spot, case, ruling):
    """Ask the pools about the order that a ruling wants, judge the case with that, and send it if it still stands."""
    order = _order(holdings, spot, case, ruling)
    round_trip = 0
    if ruling.type == _BUY:
        usual_gas = orders.usual_gas_cost(session, order.most_gas, spot.gas)
        round_trip = 2 * (case.size_micro_usd - order.worth_micro_usd + usual_gas)
    case = _informed(case, order.worth_micro_usd, round_trip)
    ruling = judge(case)
    if not wants_order(ruling):
        return _verdict(case, ruling, -1)
    trade = orders.send(session, holdings, spot, order, lane_of(case, ruling.type), ruling.reason)
    return _verdict(case, ruling, trade)


@compiled
def _order(holdings, spot, case, ruling):
    if ruling.type != _BUY:
        size = order_size(case, ruling.type)
        return orders.sale(holdings[spot.token_row], spot, case.value_micro_usd, size)
    if case.rival_token >= 0:
        return orders.swap(holdings[case.rival_token], case.rival_token, spot, case.size_micro_usd)
    return orders.purchase(spot, case.size_micro_usd)


@compiled
def _verdict(case, ruling, trade):
    lane = lane_of(case, ruling.type)
    return Verdict(ruling.type, ruling.reason, lane, trade, ruling.observed, ruling.limit, case)


@compiled
def _case(session, holding, spot):
    """Return the case of a token as it is without a look at its pools or at other tokens."""
    signal = spot.signals[spot.token_row]
    gas = orders.most_gas_cost(session, spot.token.max_swap_gas, spot.gas)
    free, largest = free_cash(session), orders.largest_position(session)
    held_blocks, value, sale, stop, target, least = 0, 0, 0, 0, 0, SMALLEST_TRADE_MICRO_USD
    most = min(largest, session.max_trade_size_micro_usd)
    size = most
    is_held = is_open(holding)
    if is_held:
        held_blocks = spot.block - holding.opened_block
        value = value_at(holding.quantity_hi, holding.quantity_lo, spot.mid.price_q, spot.token.price_shift)
        sale, stop, target = orders.size_of_sale(session, value), holding.stop_micro_usd, holding.target_micro_usd
        size = min(largest - holding.cost_micro_usd, most)
        least = max(most // WORTHWHILE_SHARE, least)
    size = min(size, free - 2 * gas)  # the gas of the purchase and of the later sale is kept back
    return Case(
        int(is_held), np.int64(signal.opportunity_bp), np.int64(signal.confidence_bp),
        session.confidence_threshold_bp, session.paused | session.paused_by_operator << 1,
        np.int64(spot.mid.depth_micro_usd), session.min_liquidity_micro_usd,
        session.trades_today, min(session.max_daily_trades, session.account_max_daily_trades),
        session.open_positions + session.buys_in_flight, session.max_concurrent_positions,
        size, least, most,
        session.use_fast_lane, session.use_smart_lane, session.fast_lane_threshold_micro_usd,
        UNASKED, 0, _dearest_round_trip(session, size),
        free, gas,
        held_blocks, session.max_hold_blocks, value, sale, stop, target,
        _NO_RIVAL, 0,
    )  # fmt: skip


@compiled
def _with_rival(session, holdings, spot, case):
    """Return the case of a token for which the book is full, with the weakest token held weighed against it."""
    weakest = _weakest(holdings, spot)
    if weakest < 0:
        return case
    holding, token = holdings[weakest], spot.tokens[weakest]
    size = value_at(holding.quantity_hi, holding.quantity_lo, spot.mids[weakest].price_q, token.price_shift)
    gas = orders.most_gas_cost(session, spot.token.max_swap_gas + token.max_swap_gas, spot.gas)
    return Case(
        case.is_held, case.opportunity_bp, case.confidence_bp, case.confidence_threshold_bp, case.paused,
        case.liquidity_micro_usd, case.min_liquidity_micro_usd, case.orders_today, case.max_daily_trades,
        case.positions, case.max_concurrent_positions, size, case.least_size_micro_usd, case.most_size_micro_usd,
        case.use_fast_lane, case.use_smart_lane, case.fast_lane_threshold_micro_usd,
        UNASKED, 0, _dearest_round_trip(session, size),
        case.free_micro_usd, gas,
        0, case.max_hold_blocks, 0, 0, 0, 0,
        weakest, np.int64(spot.signals[weakest].opportunity_bp),
    )  # fmt: skip


@compiled
def _weakest(holdings, spot):
    """Return the row of the token of least opportunity among those held that have no order on its way; -1 for none."""
    weakest = _NO_RIVAL
    for row in range(len(holdings)):
        is_free = is_open(holdings[row]) and holdings[row].order_side == 0 and holdings[row].tradable != 0
        opportunity_bp = spot.signals[row].opportunity_bp
        if is_free and (weakest < 0 or opportunity_bp < spot.signals[weakest].opportunity_bp):
            weakest = row
    return weakest


@compiled
def _informed(case, promised_micro_usd, round_trip_micro_usd):
    """Return a case with what the pools have answered."""
    return Case(
        case.is_held, case.opportunity_bp, case.confidence_bp, case.confidence_threshold_bp, case.paused,
        case.liquidity_micro_usd, case.min_liquidity_micro_usd, case.orders_today, case.max_daily_trades,
        case.positions, case.max_concurrent_positions, case.size_micro_usd, case.least_size_micro_usd,
        case.most_size_micro_usd, case.use_fast_lane, case.use_smart_lane, case.fast_lane_threshold_micro_usd,
        promised_micro_usd, round_trip_micro_usd, case.max_round_trip_micro_usd,
        case.free_micro_usd, case.exit_gas_micro_usd,
        case.held_blocks, case.max_hold_blocks, case.value_micro_usd, case.sale_micro_usd, case.stop_micro_usd,
        case.target_micro_usd, case.rival_token, case.rival_opportunity_bp,
    )  # fmt: skip


@compiled
def _dearest_round_trip(session, size_micro_usd):
    """Return the most that going in and out may cost the SMART lane, micro-USD."""
    return basis_points(max(size_micro_usd, 0), session.take_profit_bp) // MAX_ROUND_TRIP_SHARE
