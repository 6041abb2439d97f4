"""The decisions of a session: what to buy, when to leave, and what held it back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation.choices import DecisionType, Reason, Side
from simulation.jit import compiled
from simulation.trading import orders
from simulation.trading.account import free_cash
from simulation.trading.positions import is_open
from simulation.trading.rules import SMALLEST_TRADE_MICRO_USD

NEUTRAL_BP = 5_000
_U0 = np.uint64(0)
_BUY_SIDE = int(Side.BUY)
_SELL_SIDE = int(Side.SELL)
_BUY = int(DecisionType.BUY)
_SELL = int(DecisionType.SELL)
_HOLD = int(DecisionType.HOLD)
_SKIP = int(DecisionType.SKIP)
_STOPPED = int(DecisionType.STOP_LOSS)
_TARGETED = int(DecisionType.TAKE_PROFIT)
_SIGNAL = int(Reason.SIGNAL)
_STOP_LOSS = int(Reason.STOP_LOSS)
_TAKE_PROFIT = int(Reason.TAKE_PROFIT)
_HOLD_TIME = int(Reason.HOLD_TIME)
_NO_OPPORTUNITY = int(Reason.NO_OPPORTUNITY)
_LOW_CONFIDENCE = int(Reason.LOW_CONFIDENCE)
_LOW_LIQUIDITY = int(Reason.LOW_LIQUIDITY)
_DAILY_TRADES = int(Reason.DAILY_TRADES)
_CONCURRENT = int(Reason.CONCURRENT_POSITIONS)
_NO_CASH = int(Reason.INSUFFICIENT_CASH)
_NO_GAS = int(Reason.GAS_UNAFFORDABLE)
_PAUSED = int(Reason.PAUSED)


class Verdict(NamedTuple):
    """A decision, its reason, and the order it sent; type 0 stands for none."""

    type: int
    reason: int
    lane: int
    trade: int  # ordinal of the order, -1 for none
    observed: int
    limit: int


@compiled
def nothing():
    """Return the verdict that there was nothing to decide."""
    return Verdict(0, 0, 0, -1, 0, 0)


@compiled
def check_exits(session, holding, spot, value):
    """Leave a position whose value has reached its stop or its target."""
    if free_cash(session) < orders.max_gas_cost(session, spot):
        return nothing()
    if value <= holding.stop_micro_usd:
        return _leave(session, holding, spot, _STOPPED, _STOP_LOSS, value, holding.stop_micro_usd)
    return _leave(session, holding, spot, _TARGETED, _TAKE_PROFIT, value, holding.target_micro_usd)


@compiled
def decide(session, holding, spot):
    """Analyse one token for one session."""
    if is_open(holding):
        return _decide_exit(session, holding, spot)
    return _decide_entry(session, holding, spot)


@compiled
def _decide_exit(session, holding, spot):
    held = spot.block - holding.opened_block
    confidence, threshold = np.int64(spot.signal.confidence_bp), session.confidence_threshold_bp
    expired = held >= session.max_hold_blocks
    if not expired and (spot.signal.opportunity_bp >= NEUTRAL_BP or confidence < threshold):
        return Verdict(_HOLD, _SIGNAL, 0, -1, confidence, threshold)
    gas_needed = orders.max_gas_cost(session, spot)
    if free_cash(session) < gas_needed:
        return Verdict(_SKIP, _NO_GAS, 0, -1, free_cash(session), gas_needed)
    if expired:
        return _leave(session, holding, spot, _SELL, _HOLD_TIME, held, session.max_hold_blocks)
    return _leave(session, holding, spot, _SELL, _SIGNAL, confidence, threshold)


@compiled
def _leave(session, holding, spot, decision, reason, observed, limit):
    lane = orders.lane_for(session, holding.cost_micro_usd)
    trade = orders.send(session, holding, spot, _SELL_SIDE, lane, reason, holding.quantity_hi, holding.quantity_lo)
    return Verdict(decision, reason, lane, trade, observed, limit)


@compiled
def _decide_entry(session, holding, spot):
    reason, observed, limit = _doubt(session, spot)
    if reason != _SIGNAL:
        return Verdict(_SKIP, reason, orders.lane_for(session, 0), -1, observed, limit)
    size = orders.size_of_purchase(session, spot)
    if size < SMALLEST_TRADE_MICRO_USD:
        return Verdict(_SKIP, _NO_CASH, orders.lane_for(session, 0), -1, max(size, 0), SMALLEST_TRADE_MICRO_USD)
    lane = orders.lane_for(session, size)
    trade = orders.send(session, holding, spot, _BUY_SIDE, lane, reason, _U0, np.uint64(size))
    return Verdict(_BUY, reason, lane, trade, observed, limit)


@compiled
def _doubt(session, spot):
    """Return (reason, observed, limit): SIGNAL when nothing speaks against buying, else the first thing that does."""
    opportunity, confidence = np.int64(spot.signal.opportunity_bp), np.int64(spot.signal.confidence_bp)
    liquidity = np.int64(spot.mid.depth_micro_usd)
    positions = session.open_positions + session.buys_in_flight
    daily_trades = min(session.max_daily_trades, session.account_max_daily_trades)
    if opportunity <= NEUTRAL_BP:
        return _NO_OPPORTUNITY, opportunity, NEUTRAL_BP
    if confidence < session.confidence_threshold_bp:
        return _LOW_CONFIDENCE, confidence, session.confidence_threshold_bp
    if session.paused != 0:
        return _PAUSED, 0, 0
    if liquidity < session.min_liquidity_micro_usd:
        return _LOW_LIQUIDITY, liquidity, session.min_liquidity_micro_usd
    if session.trades_today >= daily_trades:
        return _DAILY_TRADES, session.trades_today, daily_trades
    if positions >= session.max_concurrent_positions:
        return _CONCURRENT, positions, session.max_concurrent_positions
    return _SIGNAL, confidence, session.confidence_threshold_bp
