"""A decision as a function of its case: all numbers that the rule looks at, and what follows from them.

A case is stored with the thought, so that the rule can be asked again at any time and must say the same.
"""

from __future__ import annotations

from typing import NamedTuple

from simulation.choices import DecisionType, Lane, Reason
from simulation.jit import compiled
from simulation.trading.rules import SMALLEST_TRADE_MICRO_USD, SWAP_LEAD_BP

NEUTRAL_BP = 5_000
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
_TOO_COSTLY = int(Reason.TOO_COSTLY)
_NO_LIQUIDITY = int(Reason.NO_LIQUIDITY)
_BETTER = int(Reason.BETTER_CANDIDATE)
_FAST = int(Lane.FAST)
_SMART = int(Lane.SMART)


class Ruling(NamedTuple):
    """What follows from a case, and the comparison that settled it."""

    type: int
    reason: int
    observed: int
    limit: int


@compiled
def judge(case):
    """Return the ruling on a case."""
    ruling = _judge_entry(case) if case.is_held == 0 else _judge_exit(case)
    if wants_order(ruling) and case.promised_micro_usd == 0:
        return Ruling(_SKIP, _NO_LIQUIDITY, 0, 1)
    return ruling


@compiled
def wants_order(ruling):
    """Tell whether a ruling asks for an order."""
    return ruling.type not in (_HOLD, _SKIP)


@compiled
def order_size(case, decision_type):
    """Return what the order of a decision is worth, micro-USD; where none is sent, what one would be."""
    if decision_type in (_STOPPED, _TARGETED):
        return case.value_micro_usd
    if case.is_held != 0 and decision_type != _BUY:
        return case.sale_micro_usd
    return case.size_micro_usd


@compiled
def lane_of(case, decision_type):
    """Return the lane of a decision: small trades are worth no long thought."""
    if case.use_smart_lane == 0:
        return _FAST
    if case.use_fast_lane == 0 or order_size(case, decision_type) > case.fast_lane_threshold_micro_usd:
        return _SMART
    return _FAST


@compiled
def _judge_exit(case):
    if case.free_micro_usd >= case.exit_gas_micro_usd:
        if case.value_micro_usd <= case.stop_micro_usd:
            return Ruling(_STOPPED, _STOP_LOSS, case.value_micro_usd, case.stop_micro_usd)
        if case.value_micro_usd >= case.target_micro_usd:
            return Ruling(_TARGETED, _TAKE_PROFIT, case.value_micro_usd, case.target_micro_usd)
    return _judge_stay(case)


@compiled
def _judge_stay(case):
    is_over = case.held_blocks >= case.max_hold_blocks
    is_sale = case.opportunity_bp < NEUTRAL_BP and case.confidence_bp >= case.confidence_threshold_bp
    if not is_over and not is_sale:
        return _judge_addition(case)
    if case.free_micro_usd < case.exit_gas_micro_usd:
        return Ruling(_SKIP, _NO_GAS, case.free_micro_usd, case.exit_gas_micro_usd)
    if is_over:
        return Ruling(_SELL, _HOLD_TIME, case.held_blocks, case.max_hold_blocks)
    return Ruling(_SELL, _SIGNAL, case.confidence_bp, case.confidence_threshold_bp)


@compiled
def _judge_addition(case):
    """Return a further purchase of a token that is held, if nothing speaks against it, or else to hold it."""
    if case.size_micro_usd >= case.least_size_micro_usd:
        ruling = _judge_entry(case)
        if ruling.type == _BUY:
            return ruling
    return Ruling(_HOLD, _SIGNAL, case.confidence_bp, case.confidence_threshold_bp)


@compiled
def _judge_entry(case):
    """Return the first thing that speaks against buying, or the purchase."""
    if case.opportunity_bp <= NEUTRAL_BP:
        return Ruling(_SKIP, _NO_OPPORTUNITY, case.opportunity_bp, NEUTRAL_BP)
    if case.confidence_bp < case.confidence_threshold_bp:
        return Ruling(_SKIP, _LOW_CONFIDENCE, case.confidence_bp, case.confidence_threshold_bp)
    if case.paused != 0:
        return Ruling(_SKIP, _PAUSED, case.paused >> 1, 0)
    if case.liquidity_micro_usd < case.min_liquidity_micro_usd:
        return Ruling(_SKIP, _LOW_LIQUIDITY, case.liquidity_micro_usd, case.min_liquidity_micro_usd)
    if case.orders_today >= case.max_daily_trades:
        return Ruling(_SKIP, _DAILY_TRADES, case.orders_today, case.max_daily_trades)
    is_full = case.is_held == 0 and case.positions >= case.max_concurrent_positions
    if is_full and not _may_swap(case):
        return Ruling(_SKIP, _CONCURRENT, case.positions, case.max_concurrent_positions)
    if case.size_micro_usd < case.least_size_micro_usd:
        return Ruling(_SKIP, _NO_CASH, max(case.size_micro_usd, 0), case.least_size_micro_usd)
    if lane_of(case, _BUY) == _SMART and case.round_trip_micro_usd > case.max_round_trip_micro_usd:
        return Ruling(_SKIP, _TOO_COSTLY, case.round_trip_micro_usd, case.max_round_trip_micro_usd)
    if is_full:
        return Ruling(_BUY, _BETTER, case.opportunity_bp - case.rival_opportunity_bp, SWAP_LEAD_BP)
    return Ruling(_BUY, _SIGNAL, case.confidence_bp, case.confidence_threshold_bp)


@compiled
def _may_swap(case):
    """Tell whether the weakest token held may be given up for this one, within every limit on the new position."""
    return (
        case.rival_token >= 0
        and case.opportunity_bp - case.rival_opportunity_bp >= SWAP_LEAD_BP
        and SMALLEST_TRADE_MICRO_USD <= case.size_micro_usd <= case.most_size_micro_usd
        and case.free_micro_usd >= case.exit_gas_micro_usd
    )
