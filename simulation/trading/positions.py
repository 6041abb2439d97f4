"""Positions, one per token: opened and raised by purchases, reduced and closed by sales, at the average cost.

A swap is both at once, of two tokens: the USDC that passed between them is what one was sold and the other bought for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.state import RECENT_TRADES
from simulation.trading.account import basis_points

_BP = 10_000
_U0 = np.uint64(0)


class Sold(NamedTuple):
    """What was sold, and how the position that it was sold from stands after that; micro-USD."""

    cost: int  # basis of what was sold
    realized: int
    net: int
    closes: int
    invested: int
    earned: int


NOTHING_SOLD = Sold(0, 0, 0, 0, 0, 0)


@compiled
def is_open(holding):
    """Tell whether the token is held."""
    return not wei.is_zero(holding.quantity_hi, holding.quantity_lo)


@compiled
def set_exits(session, holding):
    """Derive the stop and target values of a position from its cost, micro-USD; the nearer stop of two counts."""
    stop_loss_bp = min(session.stop_loss_bp, session.account_stop_loss_bp)
    holding.stop_micro_usd = basis_points(holding.cost_micro_usd, _BP - stop_loss_bp)
    holding.target_micro_usd = basis_points(holding.cost_micro_usd, _BP + session.take_profit_bp)


@compiled
def derive_exits(sessions, holdings, rows):
    """Set the exits of all positions of some sessions anew, after their parameters have changed."""
    for row in rows:
        derive_exits_of(sessions[row], holdings[row])


@compiled
def derive_exits_of(session, holdings):
    """Set the exits of all positions of one session anew."""
    for t in range(len(holdings)):
        set_exits(session, holdings[t])


@compiled
def buy(session, holding, block, cost_micro_usd, gas_micro_usd, quantity_hi, quantity_lo):
    """Enter a filled purchase into the books, except that its gas has been paid."""
    session.cash_micro_usd -= cost_micro_usd
    if not is_open(holding):
        _open(session, holding, block)
    hi, lo = wei.add(holding.quantity_hi, holding.quantity_lo, quantity_hi, quantity_lo)
    holding.quantity_hi, holding.quantity_lo = hi, lo
    holding.cost_micro_usd += cost_micro_usd
    holding.gas_micro_usd += gas_micro_usd
    holding.invested_micro_usd += cost_micro_usd
    set_exits(session, holding)


@compiled
def sell(session, holding, quantity_hi, quantity_lo, proceeds_micro_usd, gas_micro_usd):
    """Enter a filled sale into the books, except that its gas has been paid; return what was sold.

    The basis of a part is its share of the cost and of the purchases' gas, rounded down; the last part takes the rest.
    """
    cost = _share(holding.cost_micro_usd, quantity_hi, quantity_lo, holding)
    bought_for = _share(holding.gas_micro_usd, quantity_hi, quantity_lo, holding)
    realized = proceeds_micro_usd - cost
    net = realized - gas_micro_usd - bought_for
    session.cash_micro_usd += proceeds_micro_usd
    session.realized_micro_usd += realized
    hi, lo = wei.sub(holding.quantity_hi, holding.quantity_lo, quantity_hi, quantity_lo)
    holding.quantity_hi, holding.quantity_lo = hi, lo
    holding.cost_micro_usd -= cost
    holding.gas_micro_usd -= bought_for
    holding.earned_micro_usd += realized
    holding.net_micro_usd += net
    closes = int(not is_open(holding))
    if closes:
        session.open_positions -= 1
        _score(session, holding.net_micro_usd)
    else:
        set_exits(session, holding)
    return Sold(cost, realized, net, closes, holding.invested_micro_usd, holding.earned_micro_usd)


@compiled
def _open(session, holding, block):
    session.open_positions += 1
    holding.opened_block = block
    holding.position = session.next_position
    holding.invested_micro_usd = 0
    holding.earned_micro_usd = 0
    holding.net_micro_usd = 0
    session.next_position += 1


@compiled
def _share(amount, part_hi, part_lo, holding):
    """Return floor(amount * part / quantity) of a non-negative amount."""
    if part_hi == holding.quantity_hi and part_lo == holding.quantity_lo:
        return amount
    _, lo = wei.mul_div(_U0, np.uint64(amount), part_hi, part_lo, holding.quantity_hi, holding.quantity_lo)
    return np.int64(lo)


@compiled
def _score(session, net_micro_usd):
    if net_micro_usd > 0:
        session.winning_trades += 1
        session.won_micro_usd += net_micro_usd
        session.largest_win_micro_usd = max(session.largest_win_micro_usd, net_micro_usd)
        session.period_largest_win_micro_usd = max(session.period_largest_win_micro_usd, net_micro_usd)
    else:
        session.losing_trades += 1
        session.lost_micro_usd -= net_micro_usd
        session.largest_loss_micro_usd = max(session.largest_loss_micro_usd, -net_micro_usd)
        session.period_largest_loss_micro_usd = max(session.period_largest_loss_micro_usd, -net_micro_usd)
    session.recent_pnl_micro_usd[session.closed_trades % RECENT_TRADES] = net_micro_usd
    session.closed_trades += 1
