"""What Auto Pilot learns from closed trades and ended orders: a pass over a segment after the kernel.

It sees what happened and the mids, and changes nothing that trading depends on. Peaks and excursions are running
maxima over blocks, and the end of an excursion is a block, so it makes no difference how a run is cut into segments.
"""

from __future__ import annotations

import numpy as np

from simulation.autopilot.outcomes import compare
from simulation.choices import Failure, Side, TradeStatus
from simulation.jit import compiled, prefetch
from simulation.state import HOLDING, RECENT_TRADES

IDLE, HELD, LEFT = 0, 1, 2
"""What HOLDING.watch says of a token: not watched, held, or left a short while ago."""

AFTER_BLOCKS = 150
"""So many blocks after an exit still tell whether it came too soon: half an hour on Ethereum."""

AHEAD = 4
"""So many sessions ahead their records are asked for."""

_LAST_BYTE = HOLDING.itemsize - 1
_WATCH_BYTE = _LAST_BYTE - 55  # the seven fields that are watched come last
_MOST_BP = 1_000_000
_BP = 10_000.0
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_COMPLETED = int(TradeStatus.COMPLETED)
_SLIPPAGE = int(Failure.SLIPPAGE)
_EXPIRED = int(Failure.EXPIRED)


@compiled
def note(trades, holdings, tuning, mids, first_block, block_time_ms):
    """Enter what has become of orders into TUNING and the watched fields of HOLDING, in place.

    ``trades`` are TRADE records of a segment, in order within each session; all of it, or one stretch after another.
    """
    for place in range(len(trades)):
        trade = trades[place]
        row = trade.session
        if tuning[row].is_watched != 0:
            _note_order(tuning[row], trade, block_time_ms)
            if trade.status == _COMPLETED:
                _note_fill(tuning[row], holdings[row], trade, mids, first_block)


@compiled
def watch(sessions, holdings, tuning, twins, mids, highest_q, first_block, review_blocks):
    """Bring TUNING and the watched fields of HOLDING up to the end of a segment whose trades were noted, in place.

    ``highest_q`` are the highest of each token's ``mids``: most positions are held all through. Where a review period
    has just ended, a session's return is compared with its twin's.
    """
    after_block, last = first_block + len(mids), len(sessions) - 1
    for row in range(last + 1):
        _fetch(sessions, holdings, tuning, min(row + AHEAD, last))
        record = tuning[row]
        if record.is_watched != 0:
            end_block = sessions[row].next_block
            if record.twin >= 0 and sessions[row].next_mark_block == end_block - 1 + review_blocks:
                compare(sessions[row], twins[record.twin], record)
            for t in range(holdings.shape[1]):
                holding = holdings[row, t]
                if holding.watch == HELD and holding.watched_block == first_block and end_block == after_block:
                    holding.watch_best_q = max(holding.watch_best_q, highest_q[t])
                    holding.watched_block = end_block
                elif holding.watch != IDLE:
                    _look(record, holding, t, mids, first_block, end_block)


@compiled
def _fetch(sessions, holdings, tuning, row):
    """Ask for what is looked at of every session."""
    prefetch(sessions[row], 0)
    prefetch(tuning[row], 0)
    for t in range(holdings.shape[1]):
        prefetch(holdings[row, t], _WATCH_BYTE)
        prefetch(holdings[row, t], _LAST_BYTE)


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
def _note_fill(tuning, holdings, trade, mids, first_block):
    """Follow a position: a swap ends one and begins or raises another."""
    sold = trade.token if trade.side == _SELL else trade.from_token
    if trade.side == _SELL:
        holdings[sold].watch_cost_micro_usd += trade.execution_cost_micro_usd
    if trade.side != _BUY and trade.closes != 0:
        _note_exit(tuning, holdings[sold], sold, trade, mids, first_block)
    if trade.side != _SELL:
        bought = holdings[trade.token]
        if trade.opened_block == trade.block:
            _look(tuning, bought, trade.token, mids, first_block, trade.block)
            bought.watch, bought.watched_block = HELD, trade.block
            bought.watch_start_q = bought.watch_best_q = mids[trade.block - first_block, trade.token].price_q
            bought.watch_cost_micro_usd = 0
        bought.watch_cost_micro_usd += trade.execution_cost_micro_usd


@compiled
def _note_exit(tuning, holding, token_row, trade, mids, first_block):
    """Enter a closed trade into the rings, and go on watching the token for a while."""
    price_q = mids[trade.block - first_block, token_row].price_q
    place = tuning.watched_trades % RECENT_TRADES
    peak_bp, exit_bp = 0, 0
    if holding.watch == HELD:
        _look(tuning, holding, token_row, mids, first_block, trade.block + 1)
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
def _look(tuning, holding, token_row, mids, first_block, end_block):
    """Look at the mids of a watched token up to the block before ``end_block``."""
    if holding.watch == IDLE:
        return
    is_left = holding.watch == LEFT
    end = min(end_block, holding.watch_until_block) if is_left else end_block
    best_q = holding.watch_best_q
    for block in range(holding.watched_block, end):
        best_q = max(best_q, mids[block - first_block, token_row].price_q)
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
