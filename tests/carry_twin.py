"""The slow twin of carrying a verdict out: one session after another, from the meaning of each field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.autopilot.guardrails import BID, SLIPPAGE
from simulation.autopilot.outcomes import OutcomeKind
from simulation.cohort import Cohort
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    import numpy as np

    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.records import Changes

PENDING = (
    "pending_type", "pending_parameter", "pending_old", "pending_block", "pending_regime", "pending_closed",
    "pending_trades", "equity_micro_usd", "twin_equity_micro_usd", "difference_count", "difference_mean",
    "difference_m2",
)  # fmt: skip


def carried_twin(cohort: Cohort, changes: Changes, calendar: Calendar) -> list[bytes]:
    """Return the state of each session, with its twin alone, after a verdict has been carried out."""
    states = []
    for row in range(len(cohort.sessions)):
        one = cohort.one(row).copy()
        for judgement in changes.judgements[changes.judgements["row"] == row]:
            one = ended(one, judgement)
        for adjustment in changes.adjustments[changes.adjustments["row"] == row]:
            one = adjusted(one, adjustment, calendar)
        states.append(one.to_bytes())
    return states


def ended(one: Cohort, judgement: np.void) -> Cohort:
    record, kind = one.tuning[0], OutcomeKind(int(judgement["kind"]))
    if kind is OutcomeKind.NEGATIVE:
        record["failures"] += 1
    elif kind is not OutcomeKind.UNKNOWN:
        record["failures"] = 0
    record["disabled"] = int(record["disabled"] or judgement["disables"])
    record["pending_log"] = record["twin"] = -1
    for name in PENDING:
        record[name] = 0
    return Cohort(one.sessions, one.holdings, one.tuning, one.twins[:0], one.twin_holdings[:0])


def adjusted(one: Cohort, adjustment: np.void, calendar: Calendar) -> Cohort:
    twins, twin_holdings = one.sessions.copy(), one.holdings.copy()
    session, record, parameter = one.sessions[0], one.tuning[0], int(adjustment["parameter"])
    block, day = int(adjustment["block"]), calendar.day(int(adjustment["block"]))
    is_same_day = day == int(session["adjustment_day"])
    log = int(session["next_adjustment"])
    session[PARAMETERS[parameter]] = adjustment["new"]
    session["adjustments_today"] = int(session["adjustments_today"]) + 1 if is_same_day else 1
    session["adjustment_day"], session["last_adjustment_block"] = day, block
    session["closed_at_adjustment"], session["next_adjustment"] = session["closed_trades"], log + 1
    record["changed_block"][parameter], record["closed_then"][parameter] = block, session["closed_trades"]
    if parameter in (BID, SLIPPAGE):
        for name in ("orders", "slipped_orders", "late_orders"):
            record[name] = 0
    stop_bp = min(int(session["stop_loss_bp"]), int(session["account_stop_loss_bp"]))
    for holding in one.holdings[0]:
        cost = int(holding["cost_micro_usd"])
        holding["stop_micro_usd"] = cost * (10_000 - stop_bp) // 10_000
        holding["target_micro_usd"] = cost * (10_000 + int(session["take_profit_bp"])) // 10_000
    if adjustment["reverses"] >= 0:
        return one
    for name in PENDING:
        record[name] = 0
    awaited = {
        "twin": 0, "pending_log": log, "pending_type": adjustment["type"], "pending_parameter": parameter,
        "pending_old": adjustment["old"], "pending_block": block, "pending_regime": adjustment["regime"],
        "pending_closed": session["closed_trades"], "equity_micro_usd": session["equity_micro_usd"],
        "twin_equity_micro_usd": session["equity_micro_usd"],
    }  # fmt: skip
    for name, value in awaited.items():
        record[name] = value
    return Cohort(one.sessions, one.holdings, one.tuning, twins, twin_holdings)
