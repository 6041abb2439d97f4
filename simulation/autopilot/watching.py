"""What Auto Pilot learns from closed trades and ended orders, as the kernel steps a session through a segment.

It sees what happened and the mids, and changes nothing that trading depends on. Peaks and excursions are running
maxima over blocks, and the end of an excursion is a block, so it makes no difference how a run is cut into segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.autopilot.outcomes import compare
from simulation.choices import Failure, Side, TradeStatus
from simulation.jit import compiled
from simulation.state import RECENT_TRADES
from simulation.trading.scene import mid_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

IDLE, HELD, LEFT = 0, 1, 2
"""What HOLDING.watch says of a token: not watched, held, or left a short while ago."""

AFTER_BLOCKS = 150
"""So many blocks after an exit still tell whether it came too soon: half an hour on Ethereum."""

_MOST_BP = 1_000_000
_BP = 10_000.0
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_COMPLETED = int(TradeStatus.COMPLETED)
_SLIPPAGE = int(Failure.SLIPPAGE)
_EXPIRED = int(Failure.EXPIRED)


class Watched(NamedTuple):
    """What is kept of sessions that are watched, and what is needed for it."""

    tuning: NDArray[np.void]  # TUNING, (n_sessions,); without any, nobody is watched
    twins: NDArray[np.void]  # SESSION, stepped already
    highest_q: NDArray[np.uint64]  # (n_tokens,): the highest mid of each in the segment
    keeps_trades: bool
    """Whether trades are to stay in the journal, or are written for this alone."""


@compiled
def note(trade, holdings, tuning, scene):
    """Enter what has become of a session's order into its TUNING and the watched fields of its HOLDINGs, in place.

    Its TRADE records come in order.
    """
    _note_order(tuning, trade, scene.rules.block_time_ms)
    if trade.status == _COMPLETED:
        _note_fill(tuning, holdings, trade, scene)


@compiled
def watch(session, holdings, tuning, twins, highest_q, scene):
    """Bring a session's TUNING and the watched fields of its HOLDINGs up to the segment's end, its trades being noted.

    Most positions are held all through. Where a review period has just ended, its return is compared with its twin's.
    """
    end_block, first_block = session.next_block, scene.first_block
    if tuning.twin >= 0 and session.next_mark_block == end_block - 1 + scene.rules.review_blocks:
        compare(session, twins[tuning.twin], tuning)
    for t in range(len(holdings)):
        holding = holdings[t]
        is_whole = holding.watched_block == first_block and end_block == first_block + len(scene.gas)
        if holding.watch == HELD and is_whole:
            holding.watch_best_q = max(holding.watch_best_q, highest_q[t])
            holding.watched_block = end_block
        elif holding.watch != IDLE:
            _look(tuning, holding, t, scene, end_block)


@compiled
def _note_order(tuning, trade, block_time_ms):
    """Count an order that has ended, and whether the bid or the slippage tolerance was too low for it."""
    due_blocks = 1 + trade.delay_ms // block_time_ms
    tuning.orders += 1
    tuning.slipped_orders += int(trade.failure == _SLIPPAGE)
    tuning.late_orders += int(
        trade.failure == _EXPIRED or (trade.status == _COMPLETED and trade.block - trade.decided_block > due_blocks)
    )


@compiled
def _note_fill(tuning, holdings, trade, scene):
    """Follow a position: a swap ends one and begins or raises another."""
    sold = trade.token if trade.side == _SELL else trade.from_token
    if trade.side == _SELL:
        holdings[sold].watch_cost_micro_usd += trade.execution_cost_micro_usd
    if trade.side != _BUY and trade.closes != 0:
        _note_exit(tuning, holdings[sold], sold, trade, scene)
    if trade.side != _SELL:
        bought = holdings[trade.token]
        if trade.opened_block == trade.block:
            _look(tuning, bought, trade.token, scene, trade.block)
            bought.watch, bought.watched_block = HELD, trade.block
            bought.watch_start_q = bought.watch_best_q = mid_of(scene, trade.block, trade.token).price_q
            bought.watch_cost_micro_usd = 0
        bought.watch_cost_micro_usd += trade.execution_cost_micro_usd


@compiled
def _note_exit(tuning, holding, token_row, trade, scene):
    """Enter a closed trade into the rings, and go on watching the token for a while."""
    price_q = mid_of(scene, trade.block, token_row).price_q
    place = tuning.watched_trades % RECENT_TRADES
    peak_bp, exit_bp = 0, 0
    if holding.watch == HELD:
        _look(tuning, holding, token_row, scene, trade.block + 1)
        peak_bp = _change_bp(holding.watch_start_q, holding.watch_best_q)
        exit_bp = _change_bp(holding.watch_start_q, price_q)
    tuning.exit_reason[place] = trade.reason
    tuning.peak_bp[place] = peak_bp
    tuning.given_back_bp[place] = peak_bp - exit_bp
    tuning.after_bp[place] = 0
    tuning.cost_micro_usd[place] = holding.watch_cost_micro_usd
    holding.watch, holding.watched_block = LEFT, trade.block + 1
    holding.watch_start_q = holding.watch_best_q = price_q
    holding.watch_exit, holding.watch_until_block = tuning.watched_trades, trade.block + 1 + AFTER_BLOCKS
    holding.watch_cost_micro_usd = 0
    tuning.watched_trades += 1


@compiled
def _look(tuning, holding, token_row, scene, end_block):
    """Look at the mids of a watched token up to the block before ``end_block``."""
    if holding.watch == IDLE:
        return
    is_left = holding.watch == LEFT
    end = min(end_block, holding.watch_until_block) if is_left else end_block
    best_q = holding.watch_best_q
    for block in range(holding.watched_block, end):
        best_q = max(best_q, mid_of(scene, block, token_row).price_q)
    holding.watch_best_q = best_q
    holding.watched_block = max(holding.watched_block, end)
    if is_left:
        if tuning.watched_trades - holding.watch_exit <= RECENT_TRADES:  # else a newer exit has its place in the ring
            tuning.after_bp[holding.watch_exit % RECENT_TRADES] = _change_bp(holding.watch_start_q, best_q)
        if end == holding.watch_until_block:
            holding.watch = IDLE


@compiled
def _change_bp(start_q, end_q):
    """Return the change of a price in whole bp, rounded towards zero; 0 where there was no price."""
    if start_q == np.uint64(0):
        return 0
    change = (np.float64(end_q) / np.float64(start_q) - 1.0) * _BP
    return np.int64(min(change, np.float64(_MOST_BP)))
