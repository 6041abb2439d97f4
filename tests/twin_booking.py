"""What filled orders do to the books, for the kernel's twin: average cost, exits and the score, in Python integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin_arithmetic import BP

from simulation.state import RECENT_TRADES

if TYPE_CHECKING:
    from types import SimpleNamespace


@dataclass(frozen=True, slots=True)
class Sold:
    """What was sold, and the position that it was sold from."""

    cost: int = 0
    realized_micro_usd: int = 0
    net_micro_usd: int = 0
    closes: int = 0
    invested_micro_usd: int = 0
    earned_micro_usd: int = 0


def book_purchase(
    session: SimpleNamespace, holding: SimpleNamespace, block: int, paid: int, got_wei: int, gas: int
) -> None:
    """Enter a purchase, or a further one of the same token."""
    session.cash_micro_usd -= paid
    if holding.quantity_wei == 0:
        session.open_positions += 1
        holding.position, session.next_position = session.next_position, session.next_position + 1
        holding.opened_block = block
        holding.invested_micro_usd = holding.earned_micro_usd = holding.net_micro_usd = 0
    holding.quantity_wei += got_wei
    holding.cost_micro_usd += paid
    holding.invested_micro_usd += paid
    holding.gas_micro_usd += gas
    _set_exits(session, holding)


def book_sale(session: SimpleNamespace, holding: SimpleNamespace, sold_wei: int, got: int, gas: int) -> Sold:
    """Enter a sale of all or of a part."""
    cost = holding.cost_micro_usd * sold_wei // holding.quantity_wei
    bought_for = holding.gas_micro_usd * sold_wei // holding.quantity_wei
    realized, net = got - cost, got - cost - gas - bought_for
    session.cash_micro_usd += got
    session.realized_micro_usd += realized
    holding.quantity_wei -= sold_wei
    holding.cost_micro_usd -= cost
    holding.gas_micro_usd -= bought_for
    holding.earned_micro_usd += realized
    holding.net_micro_usd += net
    closes = holding.quantity_wei == 0
    if closes:
        session.open_positions -= 1
        _score(session, holding.net_micro_usd)
    else:
        _set_exits(session, holding)
    return Sold(cost, realized, net, int(closes), holding.invested_micro_usd, holding.earned_micro_usd)


def _set_exits(session: SimpleNamespace, holding: SimpleNamespace) -> None:
    stop_loss_bp = min(session.stop_loss_bp, session.account_stop_loss_bp)
    holding.stop_micro_usd = holding.cost_micro_usd * (BP - stop_loss_bp) // BP
    holding.target_micro_usd = holding.cost_micro_usd * (BP + session.take_profit_bp) // BP


def _score(session: SimpleNamespace, net: int) -> None:
    won, lost = max(net, 0), max(-net, 0)
    session.winning_trades += net > 0
    session.losing_trades += net <= 0
    session.won_micro_usd += won
    session.lost_micro_usd += lost
    session.largest_win_micro_usd = max(session.largest_win_micro_usd, won)
    session.largest_loss_micro_usd = max(session.largest_loss_micro_usd, lost)
    session.period_largest_win_micro_usd = max(session.period_largest_win_micro_usd, won)
    session.period_largest_loss_micro_usd = max(session.period_largest_loss_micro_usd, lost)
    session.recent_pnl_micro_usd[session.closed_trades % RECENT_TRADES] = net
    session.closed_trades += 1
