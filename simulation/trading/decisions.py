"""The decisions of a session: its case is put together, judged, and carried out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.choices import DecisionType, Side
from simulation.jit import compiled
from simulation.state import UNASKED, Case
from simulation.trading import orders
from simulation.trading.account import basis_points, free_cash, value_at
from simulation.trading.judging import judge, lane_of
from simulation.trading.positions import is_open
from simulation.trading.rules import MAX_ROUND_TRIP_SHARE

_U0 = np.uint64(0)
_BUY_SIDE = int(Side.BUY)
_SELL_SIDE = int(Side.SELL)
_BUY = int(DecisionType.BUY)
_HOLD = int(DecisionType.HOLD)
_SKIP = int(DecisionType.SKIP)
_STOPPED = int(DecisionType.STOP_LOSS)
_TARGETED = int(DecisionType.TAKE_PROFIT)


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
def check_exits(session, holding, spot):
    """Leave a position whose value has reached its stop or its target, if the gas can be paid."""
    case, ruling = _ruled(session, holding, spot)
    if ruling.type in (_STOPPED, _TARGETED):
        return _carried_out(session, holding, spot, case, ruling)
    return Verdict(0, 0, 0, -1, 0, 0, case)


@compiled
def decide(session, holding, spot):
    """Analyse one token for one session."""
    case, ruling = _ruled(session, holding, spot)
    return _carried_out(session, holding, spot, case, ruling)


@compiled
def _ruled(session, holding, spot):
    """Return (case, ruling); where an order is wanted the pools are asked first, and the case is judged with that."""
    case = _case(session, holding, spot, UNASKED, 0)
    ruling = judge(case)
    if ruling.type == _BUY:
        promised = orders.promised_worth(spot, _BUY_SIDE, _U0, np.uint64(case.size_micro_usd))
        round_trip = 2 * (case.size_micro_usd - promised + orders.usual_gas_cost(session, spot))
        case = _case(session, holding, spot, promised, round_trip)
    elif ruling.type not in (_HOLD, _SKIP):
        promised = orders.promised_worth(spot, _SELL_SIDE, holding.quantity_hi, holding.quantity_lo)
        case = _case(session, holding, spot, promised, 0)
    return case, judge(case)


@compiled
def is_said_again(holding, verdict, spot):
    """Tell whether a HOLD or SKIP only repeats the token's latest thought, or changes it too soon; note it if not.

    An order always is a thought of its own, and whatever is thought after it is new.
    """
    if verdict.type not in (_HOLD, _SKIP):
        holding.said = 0
        return False
    said = 1_000 * verdict.type + verdict.reason
    rest_blocks = spot.rules.repeat_blocks if holding.said == said else spot.rules.change_blocks
    if holding.said != 0 and spot.block - holding.said_block < rest_blocks:
        return True
    holding.said, holding.said_block = said, spot.block
    return False


@compiled
def _carried_out(session, holding, spot, case, ruling):
    """Send the order that a ruling asks for; return the whole as a verdict."""
    lane, trade = lane_of(case), -1
    if ruling.type == _BUY:
        size = np.uint64(case.size_micro_usd)
        trade = orders.send(session, holding, spot, _BUY_SIDE, lane, ruling.reason, _U0, size)
    elif ruling.type not in (_HOLD, _SKIP):
        hi, lo = holding.quantity_hi, holding.quantity_lo
        trade = orders.send(session, holding, spot, _SELL_SIDE, lane, ruling.reason, hi, lo)
    return Verdict(ruling.type, ruling.reason, lane, trade, ruling.observed, ruling.limit, case)


@compiled
def _case(session, holding, spot, promised_micro_usd, round_trip_micro_usd):
    is_held = is_open(holding)
    size, held_blocks, value, stop, target = orders.size_of_purchase(session, spot), 0, 0, 0, 0
    if is_held:
        size, held_blocks = holding.cost_micro_usd, spot.block - holding.opened_block
        value = value_at(holding.quantity_hi, holding.quantity_lo, spot.mid.price_q, spot.token.price_shift)
        stop, target = holding.stop_micro_usd, holding.target_micro_usd
    return Case(
        int(is_held),
        np.int64(spot.signal.opportunity_bp),
        np.int64(spot.signal.confidence_bp),
        session.confidence_threshold_bp,
        session.paused,
        np.int64(spot.mid.depth_micro_usd),
        session.min_liquidity_micro_usd,
        session.trades_today,
        min(session.max_daily_trades, session.account_max_daily_trades),
        session.open_positions + session.buys_in_flight,
        session.max_concurrent_positions,
        size,
        session.use_fast_lane,
        session.use_smart_lane,
        session.fast_lane_threshold_micro_usd,
        promised_micro_usd,
        round_trip_micro_usd,
        basis_points(max(size, 0), session.take_profit_bp) // MAX_ROUND_TRIP_SHARE,
        free_cash(session),
        orders.max_gas_cost(session, spot),
        held_blocks,
        session.max_hold_blocks,
        value,
        stop,
        target,
    )
