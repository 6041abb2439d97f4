"""The slow twin of ``watch``: what Auto Pilot learns from trades, from the meaning of each figure, over a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulation.choices import Failure, Side, TradeStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AFTER_BLOCKS = 150


class Exit(NamedTuple):
    """A closed trade as it is remembered."""

    reason: int
    peak_bp: int
    given_back_bp: int
    after_bp: int
    cost_micro_usd: int


def change_bp(start_q: int, end_q: int) -> int:
    return int(min((float(end_q) / float(start_q) - 1.0) * 10_000.0, 1e6)) if start_q else 0


def sold_row(trade: np.void) -> int:
    return int(trade["token"] if trade["side"] == Side.SELL else trade["from_token"])


def bought_at(trades: list[np.void], token: int) -> list[int]:
    """Return the places of the trades that opened a position in a token."""
    return [
        at for at, trade in enumerate(trades)
        if trade["side"] != Side.SELL and trade["token"] == token and trade["opened_block"] == trade["block"]
    ]  # fmt: skip


def exits_of(rows: NDArray[np.void], prices_q: NDArray[np.uint64]) -> list[Exit]:
    """Return the closed trades of one session; ``prices_q`` are the mids of the run, (n_blocks, n_tokens)."""
    trades = [trade for trade in rows if trade["status"] == TradeStatus.COMPLETED]
    exits = []
    for at, trade in enumerate(trades):
        if trade["side"] == Side.BUY or not trade["closes"]:
            continue
        token, block = sold_row(trade), int(trade["block"])
        prices = [int(price) for price in prices_q[:, token]]
        openings = bought_at(trades, token)
        first = max(place for place in openings if place <= at)
        opened = int(trades[first]["block"])
        peak_bp = change_bp(prices[opened], max(prices[opened : block + 1]))
        reopened = [int(trades[place]["block"]) for place in openings if place > at]
        seen = prices[block : min([block + 1 + AFTER_BLOCKS, *reopened])] or [prices[block]]
        own = [
            other for other in trades[first : at + 1]
            if (other["side"] != Side.SELL and other["token"] == token)
            or (other["side"] == Side.SELL and other["token"] == token)
        ]  # fmt: skip
        cost = sum(int(other["execution_cost_micro_usd"]) for other in own)
        given_bp = peak_bp - change_bp(prices[opened], prices[block])
        exits.append(Exit(int(trade["reason"]), peak_bp, given_bp, change_bp(prices[block], max(seen)), cost))
    return exits


def orders_of(rows: NDArray[np.void], block_time_ms: int) -> tuple[int, int, int]:
    """Return how many orders have ended, those beyond the tolerance, and those expired or later than they were due."""
    late = 0
    for trade in rows:
        due = int(trade["decided_block"]) + 1 + int(trade["delay_ms"]) // block_time_ms
        is_filled_late = trade["status"] == TradeStatus.COMPLETED and int(trade["block"]) > due
        late += int(trade["failure"] == Failure.EXPIRED or is_filled_late)
    return len(rows), int((rows["failure"] == Failure.SLIPPAGE).sum()), late
