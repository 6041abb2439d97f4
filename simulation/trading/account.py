"""The account of a session: free cash, equity, drawdown, the simulated day."""

from __future__ import annotations

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.market.segment import NATIVE_SHIFT
from simulation.trading.rules import DAY_MS

_BP = 10_000


@compiled
def free_cash(session):
    """Return the cash that no order in flight has been promised, micro-USD."""
    return session.cash_micro_usd - session.reserved_micro_usd


@compiled
def gas_cost(gas_used, price_wei, l1_fee_wei, native_price_q):
    """Return the price of gas and of the data on layer 1: the next whole micro-USD above it."""
    hi, lo = wei.mul64(np.uint64(gas_used), np.uint64(price_wei))
    hi, lo = wei.add(hi, lo, wei.U0, np.uint64(l1_fee_wei))
    return np.int64(wei.mul_shift(hi, lo, native_price_q, NATIVE_SHIFT)) + 1


@compiled
def basis_points(amount, bp):
    """Return floor(amount * bp / 10000) of numbers from 0 on, whose product may be wider than 64 bits.

    Without a sign, as dividing by a constant takes half the time.
    """
    whole, share = np.uint64(amount), np.uint64(bp)
    return np.int64(whole // wei.BP * share + whole % wei.BP * share // wei.BP)


@compiled
def value_at(quantity_hi, quantity_lo, price_q, price_shift):
    """Return what base units are worth at a mid price, micro-USD, rounded down."""
    return np.int64(wei.mul_shift(quantity_hi, quantity_lo, price_q, price_shift))


@compiled
def note_equity(session, equity):
    """Mark the account at ``equity`` micro-USD: peak and deepest drawdown.

    The drawdown in bp is floor((peak - equity) * 10000 / peak). Its division is only made when the equity
    has reached the level at which the result would grow.
    """
    session.equity_micro_usd = equity
    if equity > session.peak_equity_micro_usd:
        session.peak_equity_micro_usd = equity
        session.drawdown_floor_micro_usd = basis_points(equity, max(_BP - 1 - session.max_drawdown_bp, 0))
    elif equity <= session.drawdown_floor_micro_usd:
        peak = session.peak_equity_micro_usd
        _, fallen_bp = wei.mul_div(wei.U0, np.uint64(peak - equity), wei.U0, np.uint64(_BP), wei.U0, np.uint64(peak))
        session.max_drawdown_bp = np.int64(fallen_bp)
        session.drawdown_floor_micro_usd = basis_points(peak, max(_BP - 1 - session.max_drawdown_bp, 0))


@compiled
def note_return(session):
    """Add the return since the previous mark to the running mean and sum of squared deviations (Welford, 1962)."""
    before, equity = session.mark_equity_micro_usd, session.equity_micro_usd
    change = equity / before - 1.0 if before > 0 else 0.0
    delta = change - session.return_mean
    session.return_count += 1
    session.return_mean += delta / session.return_count
    session.return_m2 += delta * (change - session.return_mean)


@compiled
def begin_period(session):
    """Count the figures of a period from here on."""
    session.mark_equity_micro_usd = session.equity_micro_usd
    session.mark_completed_trades = session.completed_trades
    session.mark_failed_trades = session.failed_trades
    session.mark_winning_trades = session.winning_trades
    session.mark_losing_trades = session.losing_trades
    session.mark_won_micro_usd = session.won_micro_usd
    session.mark_lost_micro_usd = session.lost_micro_usd
    session.mark_gas_paid_micro_usd = session.gas_paid_micro_usd
    session.period_largest_win_micro_usd = 0
    session.period_largest_loss_micro_usd = 0


@compiled
def start_day(session, block, rules):
    """Reset the daily counters when ``block`` is in a new simulated UTC day."""
    if block >= session.day_end_block:
        session.trades_today = 0
        session.day_end_block = day_end_block(block, rules.block_time_ms, rules.day_offset_ms)


@compiled
def day_end_block(block, block_time_ms, day_offset_ms):
    """Return the first block of the UTC day after that of ``block``; block 0 is ``day_offset_ms`` into its day."""
    day = (block * block_time_ms + day_offset_ms) // DAY_MS
    return -((day_offset_ms - (day + 1) * DAY_MS) // block_time_ms)
