"""Positions: opened by a filled purchase, closed by a filled sale, one per token."""

from __future__ import annotations

from simulation import wei
from simulation.jit import compiled
from simulation.state import RECENT_TRADES
from simulation.trading.account import basis_points

_BP = 10_000


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
def open_position(session, holding, block, cost_micro_usd, gas_micro_usd, quantity_hi, quantity_lo):
    """Enter a filled purchase into the books, except its gas."""
    session.cash_micro_usd -= cost_micro_usd
    session.open_positions += 1
    holding.quantity_hi = quantity_hi
    holding.quantity_lo = quantity_lo
    holding.cost_micro_usd = cost_micro_usd
    holding.gas_micro_usd = gas_micro_usd
    holding.opened_block = block
    holding.position = session.next_position
    session.next_position += 1
    set_exits(session, holding)


@compiled
def close_position(session, holding, proceeds_micro_usd, gas_micro_usd):
    """Enter a filled sale of the whole position into the books, except its gas; return its net result."""
    realized = proceeds_micro_usd - holding.cost_micro_usd
    net = realized - gas_micro_usd - holding.gas_micro_usd
    session.cash_micro_usd += proceeds_micro_usd
    session.realized_micro_usd += realized
    session.open_positions -= 1
    holding.quantity_hi = 0
    holding.quantity_lo = 0
    holding.cost_micro_usd = 0
    holding.gas_micro_usd = 0
    _score(session, net)
    return net


@compiled
def _score(session, net_micro_usd):
    if net_micro_usd > 0:
        session.winning_trades += 1
        session.won_micro_usd += net_micro_usd
        session.largest_win_micro_usd = max(session.largest_win_micro_usd, net_micro_usd)
    else:
        session.losing_trades += 1
        session.lost_micro_usd -= net_micro_usd
        session.largest_loss_micro_usd = max(session.largest_loss_micro_usd, -net_micro_usd)
    session.recent_pnl_micro_usd[session.closed_trades % RECENT_TRADES] = net_micro_usd
    session.closed_trades += 1
