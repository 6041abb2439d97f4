"""How an adjustment enters a session's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.cohort import Cohort, set_field

if TYPE_CHECKING:
    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.policy import Adjustment


def apply(cohort: Cohort, row: int, adjustment: Adjustment, calendar: Calendar) -> Cohort:
    """Return the cohort with one session adjusted and its gate's counters moved on."""
    before = cohort.sessions[row]
    assert int(before["next_block"]) == adjustment.block, "an adjustment takes effect at the block it was made for"
    assert int(before[adjustment.field]) == adjustment.old, "an adjustment starts from the value it was made for"
    after = set_field(cohort, row, adjustment.field, adjustment.new)
    session = after.sessions[row]
    day = calendar.day(adjustment.block)
    session["adjustments_today"] = 1 if day != int(before["adjustment_day"]) else int(before["adjustments_today"]) + 1
    session["adjustment_day"] = day
    session["last_adjustment_block"] = adjustment.block
    session["closed_at_adjustment"] = session["closed_trades"]
    session["next_adjustment"] += 1
    return after
