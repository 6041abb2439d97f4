"""Asks for memory ahead of watching and of a review, which look at more sessions than the processor's cache holds.

It changes nothing but how long they wait.
"""

from __future__ import annotations

from simulation.jit import CACHE_LINE_BYTES, compiled, prefetch
from simulation.state import RECENT_TRADES, SESSION
from simulation.tuning import TUNING

AHEAD, HEAD_BYTES = 6, 192
"""So many sessions ahead the beginning of their records is asked for, which is all that is read of most of them."""

COMPARED_BYTES = 128
"""The beginning of both records that comparing a session with its twin reads."""

TRADES_AHEAD = 2
"""So many sessions ahead, whose beginning has come by then, their latest closed trade is asked for."""

assert SESSION.fields is not None
assert TUNING.fields is not None
_RESULTS, _COSTS = SESSION.fields["recent_pnl_micro_usd"][1], TUNING.fields["cost_micro_usd"][1]
_RINGS = tuple(TUNING.fields[name][1] for name in ("exit_reason", "peak_bp", "given_back_bp", "after_bp"))


@compiled
def fetch_watched(watched, row):
    """Ask for what is looked at once the session in this row has been stepped: its twin; and for the next one's TUNING.

    Its own was asked for a row before.
    """
    twin = watched.tuning[row].twin
    for offset in range(0, COMPARED_BYTES, CACHE_LINE_BYTES):
        if twin >= 0:
            prefetch(watched.twins[twin], offset)
        if row + 1 < len(watched.tuning):
            prefetch(watched.tuning[row + 1], offset)


@compiled
def fetch_heads(shown, row):
    """Ask for what a review reads of every session: the beginnings of the records in this row."""
    for offset in range(0, HEAD_BYTES, CACHE_LINE_BYTES):
        prefetch(shown.sessions[row], offset)
        prefetch(shown.tuning[row], offset)
    prefetch(shown.policies[row], 0)


@compiled
def fetch_latest_trade(session):
    """Ask for the result of the latest closed trade, where most losing streaks end."""
    prefetch(session, _RESULTS + 8 * ((session.closed_trades + RECENT_TRADES - 1) % RECENT_TRADES))


@compiled
def fetch_trades(session, tuning, count):
    """Ask for the rings from the latest closed trade back, ``count`` of them at most, all at once."""
    newest = (session.closed_trades + RECENT_TRADES - 1) % RECENT_TRADES
    for back in range(0, count, CACHE_LINE_BYTES // 8):
        place = newest - back if newest >= back else newest - back + RECENT_TRADES
        prefetch(session, _RESULTS + 8 * place)
        prefetch(tuning, _COSTS + 8 * place)
    for back in range(0, count, CACHE_LINE_BYTES // 4):
        place = newest - back if newest >= back else newest - back + RECENT_TRADES
        for ring in _RINGS:
            prefetch(tuning, ring + 4 * place)
