"""The decisions of a session: its case is put together, judged, and carried out."""

from __future__ import annotations

from typing import NamedTuple

from simulation.addresses import address_of
from simulation.choices import DecisionType, Reason
from simulation.jit import compiled
from simulation.state import UNASKED
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
    """A decision, its reason and the order it sent; type 0 stands for none."""

    type: int
    reason: int
    lane: int
    trade: int  # ordinal of the order, -1 for none
    observed: int
    limit: int


@compiled
def check_exits(session, holdings, spot):
    """Leave a position whose value has reached its stop or its target, if the gas can be paid."""
    bid = orders.bid_of(session, spot.gas)
    _put_together(session, holdings[spot.token_row], spot, bid)
    ruling = judge(spot.case)
    if ruling.type in (_STOPPED, _TARGETED):
        verdict = _ordered(session, holdings, spot, ruling, bid)
        if verdict.trade >= 0:
            return verdict
    return Verdict(0, 0, 0, -1, 0, 0)


@compiled
def decide(session, holdings, spot):
    """Analyse one token for one session."""
    bid = orders.bid_of(session, spot.gas)
    _put_together(session, holdings[spot.token_row], spot, bid)
    ruling = judge(spot.case)
    if ruling.reason == _FULL:
        _weigh_rival(session, holdings, spot, bid)
        ruling = judge(spot.case)
    if wants_order(ruling):
        return _ordered(session, holdings, spot, ruling, bid)
    return _verdict(spot.case, ruling, -1)


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
def _ordered(session, holdings, spot, ruling, bid):
    """Ask the pools about the order that a ruling wants, judge the case with that, and send it if it still stands."""
    case, order = spot.case, address_of(_order(holdings, spot, ruling))
    case.promised_micro_usd = order.worth_micro_usd
    if ruling.type == _BUY:
        usual_gas = orders.usual_gas_cost(bid, order.most_gas, spot.gas)
        case.round_trip_micro_usd = 2 * (case.size_micro_usd - order.worth_micro_usd + usual_gas)
    ruling = judge(case)
    if not wants_order(ruling):
        return _verdict(case, ruling, -1)
    trade = orders.send(session, holdings, spot, order, bid, lane_of(case, ruling.type), ruling.reason)
    return _verdict(case, ruling, trade)


@compiled
def _order(holdings, spot, ruling):
    case = spot.case
    if ruling.type != _BUY:
        size = order_size(case, ruling.type)
        return orders.sale(holdings[spot.token_row], spot, case.value_micro_usd, size)
    if case.rival_token >= 0:
        return orders.swap(holdings[case.rival_token], case.rival_token, spot, case.size_micro_usd)
    return orders.purchase(spot, case.size_micro_usd)


@compiled
def _verdict(case, ruling, trade):
    lane = lane_of(case, ruling.type)
    return Verdict(ruling.type, ruling.reason, lane, trade, ruling.observed, ruling.limit)


@compiled
def _put_together(session, holding, spot, bid):
    """Write the case of a token as it is without a look at its pools or at other tokens."""
    _put_session(session, spot, bid)
    _put_holding(session, holding, spot)
    case = spot.case
    case.size_micro_usd = min(case.size_micro_usd, case.free_micro_usd - 2 * case.exit_gas_micro_usd)
    case.promised_micro_usd, case.round_trip_micro_usd = UNASKED, 0
    case.max_round_trip_micro_usd = _dearest_round_trip(session, case.size_micro_usd)
    case.rival_token, case.rival_opportunity_bp = _NO_RIVAL, 0


@compiled
def _put_session(session, spot, bid):
    """Write what the session, the analyst and the chain add to a case."""
    case, signal = spot.case, spot.signals[spot.token_row]
    case.opportunity_bp, case.confidence_bp = signal.opportunity_bp, signal.confidence_bp
    case.confidence_threshold_bp = session.confidence_threshold_bp
    case.paused = session.paused | session.paused_by_operator << 1
    case.liquidity_micro_usd, case.min_liquidity_micro_usd = spot.mid.depth_micro_usd, session.min_liquidity_micro_usd
    case.orders_today = session.trades_today
    case.max_daily_trades = min(session.max_daily_trades, session.account_max_daily_trades)
    case.positions = session.open_positions + session.buys_in_flight
    case.max_concurrent_positions = session.max_concurrent_positions
    case.use_fast_lane, case.use_smart_lane = session.use_fast_lane, session.use_smart_lane
    case.fast_lane_threshold_micro_usd = session.fast_lane_threshold_micro_usd
    case.free_micro_usd = free_cash(session)
    case.exit_gas_micro_usd = orders.most_gas_cost(bid, spot.token.max_swap_gas, spot.gas)
    case.max_hold_blocks = session.max_hold_blocks


@compiled
def _put_holding(session, holding, spot):
    """Write what is held of the token, and the size of a purchase without regard to cash."""
    case, largest = spot.case, orders.largest_position(session)
    most = min(largest, session.max_trade_size_micro_usd)
    case.most_size_micro_usd = case.size_micro_usd = most
    case.is_held = int(is_open(holding))
    if case.is_held == 0:
        case.held_blocks = case.value_micro_usd = case.sale_micro_usd = 0
        case.stop_micro_usd = case.target_micro_usd = 0
        case.least_size_micro_usd = SMALLEST_TRADE_MICRO_USD
        return
    value = value_at(holding.quantity_hi, holding.quantity_lo, spot.mid.price_q, spot.token.price_shift)
    case.held_blocks, case.value_micro_usd = spot.block - holding.opened_block, value
    case.sale_micro_usd = orders.size_of_sale(session, value)
    case.stop_micro_usd, case.target_micro_usd = holding.stop_micro_usd, holding.target_micro_usd
    case.size_micro_usd = min(largest - holding.cost_micro_usd, most)
    case.least_size_micro_usd = max(most // WORTHWHILE_SHARE, SMALLEST_TRADE_MICRO_USD)


@compiled
def _weigh_rival(session, holdings, spot, bid):
    """Weigh the weakest token held against that of a case for which the book is full, if there is one."""
    weakest = _weakest(holdings, spot)
    if weakest < 0:
        return
    case, holding, token = spot.case, holdings[weakest], spot.tokens[weakest]
    size = value_at(holding.quantity_hi, holding.quantity_lo, spot.mids[weakest].price_q, token.price_shift)
    gas_used = spot.token.max_swap_gas + token.max_swap_gas
    case.size_micro_usd, case.max_round_trip_micro_usd = size, _dearest_round_trip(session, size)
    case.exit_gas_micro_usd = orders.most_gas_cost(bid, gas_used, spot.gas)
    case.rival_token, case.rival_opportunity_bp = weakest, spot.signals[weakest].opportunity_bp


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
def _dearest_round_trip(session, size_micro_usd):
    """Return the most that going in and out may cost the SMART lane, micro-USD."""
    return basis_points(max(size_micro_usd, 0), session.take_profit_bp) // MAX_ROUND_TRIP_SHARE
