"""How a verdict enters the state of its session: a judged twin goes, a parameter changes, a new twin begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import BID, SLIPPAGE
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.triggers import TYPES
from simulation.cohort import Cohort, set_field
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.policy import Adjustment, Judgement

_PENDING_FIELDS = (
    "pending_type", "pending_parameter", "pending_old", "pending_block", "pending_regime", "pending_closed",
    "pending_trades",
    "equity_micro_usd", "twin_equity_micro_usd", "difference_count", "difference_mean", "difference_m2",
)  # fmt: skip


def apply(cohort: Cohort, row: int, adjustment: Adjustment, calendar: Calendar) -> Cohort:
    """Return the cohort with one session adjusted, what its gate looks at moved on, and a twin that goes on without it.

    A reversal gets no twin.
    """
    before = cohort.sessions[row]
    assert int(before["next_block"]) == adjustment.block, "an adjustment takes effect at the block it was made for"
    assert int(before[adjustment.field]) == adjustment.old, "an adjustment starts from the value it was made for"
    after = set_field(cohort, row, adjustment.field, adjustment.new)
    session, tuning = after.sessions[row], after.tuning[row]
    parameter, log_ordinal = PARAMETERS.index(adjustment.field), int(before["next_adjustment"])
    day = calendar.day(adjustment.block)
    session["adjustments_today"] = 1 if day != int(before["adjustment_day"]) else int(before["adjustments_today"]) + 1
    session["adjustment_day"] = day
    session["last_adjustment_block"] = adjustment.block
    session["closed_at_adjustment"] = session["closed_trades"]
    session["next_adjustment"] += 1
    tuning["changed_block"][parameter] = adjustment.block
    tuning["closed_then"][parameter] = session["closed_trades"]
    if parameter in (BID, SLIPPAGE):
        for name in ("orders", "slipped_orders", "late_orders"):
            tuning[name] = 0
    if adjustment.is_reversal:
        return after
    assert int(tuning["twin"]) < 0, "one adjustment of a session is judged at a time"
    for name in _PENDING_FIELDS:
        tuning[name] = 0
    tuning["pending_log"], tuning["pending_type"] = log_ordinal, TYPES.index(adjustment.type)
    tuning["pending_parameter"], tuning["pending_old"] = parameter, adjustment.old
    tuning["pending_block"], tuning["pending_regime"] = adjustment.block, adjustment.regime
    tuning["pending_closed"] = session["closed_trades"]
    tuning["equity_micro_usd"] = tuning["twin_equity_micro_usd"] = session["equity_micro_usd"]
    tuning["twin"] = len(after.twins)
    return Cohort(
        after.sessions,
        after.holdings,
        after.tuning,
        np.concatenate([after.twins, cohort.sessions[row : row + 1]]),
        np.concatenate([after.twin_holdings, cohort.holdings[row : row + 1]]),
    )


def settle(cohort: Cohort, row: int, judgement: Judgement) -> Cohort:
    """Return the cohort without the twin by which an adjustment was judged, its failures counted."""
    after = cohort.copy()
    tuning, twin = after.tuning[row], int(cohort.tuning[row]["twin"])
    assert int(tuning["pending_log"]) == judgement.log_ordinal, "what is judged is what was pending"
    if judgement.outcome is OutcomeKind.NEGATIVE:
        tuning["failures"] += 1
    elif judgement.outcome in (OutcomeKind.POSITIVE, OutcomeKind.NEUTRAL):
        tuning["failures"] = 0
    tuning["disabled"] |= int(judgement.disables)
    tuning["pending_log"] = tuning["twin"] = -1
    for name in _PENDING_FIELDS:
        tuning[name] = 0
    after.tuning["twin"][after.tuning["twin"] > twin] -= 1
    return Cohort(
        after.sessions,
        after.holdings,
        after.tuning,
        np.delete(after.twins, twin),
        np.delete(after.twin_holdings, twin, axis=0),
    )
