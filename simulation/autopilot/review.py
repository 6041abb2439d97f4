"""How a verdict enters the state of its session: a judged twin goes, a parameter changes, a new twin begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import BID, SLIPPAGE
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.policy import Adjustment, Judgement
from simulation.autopilot.triggers import TYPES
from simulation.cohort import Cohort
from simulation.trading.positions import derive_exits
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.autopilot.guardrails import Calendar

_PENDING_FIELDS = (
    "pending_type", "pending_parameter", "pending_old", "pending_block", "pending_regime", "pending_closed",
    "pending_trades",
    "equity_micro_usd", "twin_equity_micro_usd", "difference_count", "difference_mean", "difference_m2",
)  # fmt: skip


def apply(cohort: Cohort, row: int, adjustment: Adjustment, calendar: Calendar) -> Cohort:
    """Return the cohort with one session adjusted, what its gate looks at moved on, and a twin that goes on without it.

    A reversal gets no twin.
    """
    return carried_out(cohort, [(row, adjustment)], calendar)


def settle(cohort: Cohort, row: int, judgement: Judgement) -> Cohort:
    """Return the cohort without the twin by which an adjustment was judged, its failures counted."""
    return carried_out(cohort, [(row, judgement)], None)


def carried_out(
    cohort: Cohort, changes: Sequence[tuple[int, Judgement | Adjustment]], calendar: Calendar | None
) -> Cohort:
    """Return the cohort with all (row, change) carried out, of which each session has one adjustment at most.

    ``calendar`` may be left out where there are judgements only.
    """
    return carry_out(cohort.copy(), changes, calendar)


def carry_out(
    cohort: Cohort, changes: Sequence[tuple[int, Judgement | Adjustment]], calendar: Calendar | None
) -> Cohort:
    """Do the same to the arrays of the cohort itself, for an owner of many sessions who keeps no other state.

    Where the number of twins changes, their arrays are new; the others are those of the cohort that is given.
    """
    ended = [_end_judged(cohort.tuning[row], change) for row, change in changes if isinstance(change, Judgement)]
    made = [(row, change) for row, change in changes if isinstance(change, Adjustment)]
    assert len(dict(made)) == len(made), "a review makes one adjustment of a session"
    begun = [row for row, adjustment in made if not adjustment.is_reversal]
    twins, holdings = cohort.sessions[begun], cohort.holdings[begun]
    for row, adjustment in made:
        assert calendar is not None
        _adjust(cohort, row, adjustment, calendar)
    derive_exits(cohort.sessions, cohort.holdings, np.array([row for row, _ in made], np.int64))
    return _with_twins(cohort, begun, twins, holdings, ended)


def _end_judged(tuning: np.void, judgement: Judgement) -> int:
    """Count the outcome and forget what was pending, in place; return the row of the twin, which has ended."""
    assert int(tuning["pending_log"]) == judgement.log_ordinal, "what is judged is what was pending"
    twin = int(tuning["twin"])
    if judgement.outcome is OutcomeKind.NEGATIVE:
        tuning["failures"] += 1
    elif judgement.outcome in (OutcomeKind.POSITIVE, OutcomeKind.NEUTRAL):
        tuning["failures"] = 0
    tuning["disabled"] |= int(judgement.disables)
    tuning["pending_log"] = tuning["twin"] = -1
    for name in _PENDING_FIELDS:
        tuning[name] = 0
    return twin


def _adjust(after: Cohort, row: int, adjustment: Adjustment, calendar: Calendar) -> None:
    """Change a parameter, and what the gate looks at, in place."""
    session, tuning = after.sessions[row], after.tuning[row]
    assert int(session["next_block"]) == adjustment.block, "an adjustment takes effect at the block it was made for"
    assert int(session[adjustment.field]) == adjustment.old, "an adjustment starts from the value it was made for"
    session[adjustment.field] = adjustment.new
    parameter, log_ordinal = PARAMETERS.index(adjustment.field), int(session["next_adjustment"])
    day = calendar.day(adjustment.block)
    session["adjustments_today"] = 1 if day != int(session["adjustment_day"]) else int(session["adjustments_today"]) + 1
    session["adjustment_day"] = day
    session["last_adjustment_block"] = adjustment.block
    session["closed_at_adjustment"] = session["closed_trades"]
    session["next_adjustment"] += 1
    tuning["changed_block"][parameter] = adjustment.block
    tuning["closed_then"][parameter] = session["closed_trades"]
    if parameter in (BID, SLIPPAGE):
        for name in ("orders", "slipped_orders", "late_orders"):
            tuning[name] = 0
    if not adjustment.is_reversal:
        _await_outcome(session, tuning, adjustment, parameter, log_ordinal)


def _await_outcome(session: np.void, tuning: np.void, adjustment: Adjustment, parameter: int, log_ordinal: int) -> None:
    """Note what is being judged from here on, in place."""
    assert int(tuning["twin"]) < 0, "one adjustment of a session is judged at a time"
    for name in _PENDING_FIELDS:
        tuning[name] = 0
    tuning["pending_log"], tuning["pending_type"] = log_ordinal, TYPES.index(adjustment.type)
    tuning["pending_parameter"], tuning["pending_old"] = parameter, adjustment.old
    tuning["pending_block"], tuning["pending_regime"] = adjustment.block, adjustment.regime
    tuning["pending_closed"] = session["closed_trades"]
    tuning["equity_micro_usd"] = tuning["twin_equity_micro_usd"] = session["equity_micro_usd"]


def _with_twins(
    cohort: Cohort, begun: Sequence[int], twins: NDArray[np.void], holdings: NDArray[np.void], ended: Sequence[int]
) -> Cohort:
    """Return the cohort with the twins that sessions ``begun`` now have, and without those in the rows ``ended``.

    A new twin takes the row of one that has ended, so that the others need not be moved for it.
    """
    n = min(len(begun), len(ended))
    cohort.twins[ended[:n]], cohort.twin_holdings[ended[:n]] = twins[:n], holdings[:n]
    added = range(len(cohort.twins), len(cohort.twins) + len(begun) - n)
    cohort.tuning["twin"][begun] = [*ended[:n], *added]
    all_twins, all_holdings = cohort.twins, cohort.twin_holdings
    if added:
        all_twins = np.concatenate([all_twins, twins[n:]])
        all_holdings = np.concatenate([all_holdings, holdings[n:]])
    elif len(ended) > n:
        stays = np.ones(len(all_twins), np.bool_)
        stays[ended[n:]] = False
        places = np.append(np.cumsum(stays) - 1, -1)  # the last one for a session without a twin
        cohort.tuning["twin"] = places[cohort.tuning["twin"]]
        all_twins, all_holdings = all_twins[stays], all_holdings[stays]
    return Cohort(cohort.sessions, cohort.holdings, cohort.tuning, all_twins, all_holdings)
