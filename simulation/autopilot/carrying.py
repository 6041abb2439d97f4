"""How a verdict enters the state of its sessions: judged twins go, parameters change, new twins begin.

One function for a live session and for a cohort of thousands: compiled passes over the records of a review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import BID, SLIPPAGE, day_of
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.policy import Review, review
from simulation.autopilot.records import COLUMNS, integers_of
from simulation.cohort import Cohort
from simulation.copies import stacked, taken, whole
from simulation.instructions import hold_back
from simulation.jit import compiled
from simulation.trading.positions import derive_exits_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.policy import Policy, Verdict
    from simulation.autopilot.records import Changes

_POSITIVE, _NEUTRAL = int(OutcomeKind.POSITIVE), int(OutcomeKind.NEUTRAL)
_NEGATIVE = int(OutcomeKind.NEGATIVE)


def piloted(cohort: Cohort, policy: Policy, markets: NDArray[np.void]) -> tuple[Cohort, Verdict]:
    """Review all sessions of a cohort, and carry out what comes of it in the arrays that are given."""
    rows = np.arange(len(cohort.sessions))
    verdict = review(Review(rows, rows, cohort.sessions, cohort.tuning), policy, markets)
    return carry_out(cohort, verdict.changes, policy.calendar), verdict


def carry_out(cohort: Cohort, changes: Changes, calendar: Calendar) -> Cohort:
    """Return the cohort with changes carried out, which alters the arrays that are given.

    Each session has one adjustment at most. One that reverses nothing gets a twin that goes on without it. Where the
    number of twins changes, their arrays are new; the others are those of the cohort that is given. Who is to stop is
    left alone here: its orders are withdrawn with ``simulation.succession``.
    """
    judgements, adjustments, instructions = changes
    ended, begun = np.empty(len(judgements), np.int64), np.empty(len(adjustments), np.int64)
    n_begun = _turn_over(cohort.tuning, judgements, adjustments, ended, begun)
    assert n_begun >= 0, "what is judged is what was pending, and one adjustment of a session is judged at a time"
    after = _with_twins(cohort, begun[:n_begun], ended)
    integers = integers_of(after.sessions)
    is_meant = _adjust(
        after.sessions, integers, after.holdings, after.tuning, adjustments, calendar.block_time_ms,
        calendar.day_offset_ms,
    )  # fmt: skip
    assert is_meant, "a review adjusts a session once, from the value and at the block that it looked at"
    if len(instructions):
        hold_back(after, instructions)
    return after


@compiled
def _turn_over(tuning, judgements, adjustments, ended, begun):
    """End what is judged, in place, and write the rows of twins that end and of sessions that are to get one.

    Return how many are to get one; -1 where something else was pending.
    """
    if not _end_judged(tuning, judgements, ended):
        return -1
    n_begun = 0
    for place in range(len(adjustments)):
        if adjustments[place].reverses < 0:
            begun[n_begun] = adjustments[place].row
            if tuning[begun[n_begun]].twin >= 0:
                return -1
            n_begun += 1
    return n_begun


@compiled
def _end_judged(tuning, judgements, ended):
    """Count the outcomes and forget what was pending, in place; write the rows of the twins, which have ended.

    Return whether it was pending.
    """
    for place in range(len(judgements)):
        judgement = judgements[place]
        record = tuning[judgement.row]
        if record.pending_log != judgement.log:
            return False
        ended[place] = record.twin
        if judgement.kind == _NEGATIVE:
            record.failures += 1
        elif judgement.kind in (_POSITIVE, _NEUTRAL):
            record.failures = 0
        record.disabled |= judgement.disables
        record.pending_log = record.twin = -1
        _forget(record)
    return True


@compiled
def _adjust(sessions, integers, holdings, tuning, adjustments, block_time_ms, day_offset_ms):
    """Change parameters, and what the gate and exits follow from, in place; ``integers`` are the sessions'.

    Return whether each is made for its session as it stands, and is its only one.
    """
    for place in range(len(adjustments)):
        adjustment = adjustments[place]
        session, record, parameter = sessions[adjustment.row], tuning[adjustment.row], adjustment.parameter
        value, block = integers[adjustment.row, COLUMNS[parameter]], session.next_block
        if value != adjustment.old or block != adjustment.block or session.last_adjustment_block == block:
            return False
        integers[adjustment.row, COLUMNS[parameter]] = adjustment.new
        derive_exits_of(session, holdings[adjustment.row])
        log, day = session.next_adjustment, day_of(adjustment.block, block_time_ms, day_offset_ms)
        session.adjustments_today = session.adjustments_today + 1 if day == session.adjustment_day else 1
        session.adjustment_day = day
        session.last_adjustment_block = adjustment.block
        session.closed_at_adjustment = session.closed_trades
        session.next_adjustment += 1
        record.changed_block[parameter] = adjustment.block
        record.closed_then[parameter] = session.closed_trades
        if parameter in (BID, SLIPPAGE):
            record.orders = record.slipped_orders = record.late_orders = 0
        if adjustment.reverses < 0:
            _await_outcome(session, record, adjustment, log)
    return True


@compiled
def _await_outcome(session, tuning, adjustment, log):
    """Note what is being judged from here on, in place."""
    _forget(tuning)
    tuning.pending_log, tuning.pending_type = log, adjustment.type
    tuning.pending_parameter, tuning.pending_old = adjustment.parameter, adjustment.old
    tuning.pending_block, tuning.pending_regime = adjustment.block, adjustment.regime
    tuning.pending_closed = session.closed_trades
    tuning.equity_micro_usd = tuning.twin_equity_micro_usd = session.equity_micro_usd


@compiled
def _forget(tuning):
    tuning.pending_type = tuning.pending_parameter = tuning.pending_old = tuning.pending_block = 0
    tuning.pending_regime = tuning.pending_closed = tuning.pending_trades = 0
    tuning.equity_micro_usd = tuning.twin_equity_micro_usd = tuning.difference_count = 0
    tuning.difference_mean = tuning.difference_m2 = 0.0


def _with_twins(cohort: Cohort, begun: NDArray[np.int64], ended: NDArray[np.int64]) -> Cohort:
    """Return the cohort with twins of the sessions ``begun``, as they are now, without those in the rows ``ended``.

    A new twin takes the row of one that has ended, so that the others need not be moved for it.
    """
    n = min(len(begun), len(ended))
    kept, added = begun[:n], begun[n:]
    whole(cohort.twins)[ended[:n]] = whole(cohort.sessions)[kept]
    whole(cohort.twin_holdings)[ended[:n]] = whole(cohort.holdings)[kept]
    cohort.tuning["twin"][kept] = ended[:n]
    cohort.tuning["twin"][added] = len(cohort.twins) + np.arange(len(added))
    twins, holdings = cohort.twins, cohort.twin_holdings
    if len(added):
        twins = stacked([twins, taken(cohort.sessions, added)])
        holdings = stacked([holdings, taken(cohort.holdings, added)])
    elif len(ended) > n:
        stays = np.ones(len(twins), np.bool_)
        stays[ended[n:]] = False
        places = np.append(np.cumsum(stays) - 1, -1)  # the last one for a session without a twin
        cohort.tuning["twin"] = places[cohort.tuning["twin"]]
        twins, holdings = taken(twins, stays), taken(holdings, stays)
    return Cohort(cohort.sessions, cohort.holdings, cohort.tuning, twins, holdings)
