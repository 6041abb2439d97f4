"""Sessions made by hand for the Auto Pilot, and what a review of one comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.autopilot.carrying import carry_out
from simulation.autopilot.conditions import Conditions
from simulation.autopilot.guardrails import Calendar, Refusal, policies_of
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.autopilot.policy import Policy, Review, Verdict, review
from simulation.autopilot.records import ADJUSTMENT, JUDGEMENT, MARKET, UNCHANGED, Changes
from simulation.autopilot.triggers import TRIGGERS, TYPES, AdjustmentType
from simulation.autopilot.words import Adjustment, Judgement, adjustment_of, judgement_of
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.state import RECENT_TRADES, SESSION
from simulation.tuning import PARAMETERS, TUNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.autopilot.outcomes import OutcomeKind
    from simulation.cohort import Cohort

USD = 1_000_000
NOON = Calendar(block_time_ms=12_000, day_offset_ms=12 * 3_600_000)
CALM = Conditions(trend=0.1, risk_percent=10.0, volatility_percent=45.0, gas_percent=30.0, base_fee_gwei=10.0)


def reviewable(pnl_usd: Sequence[float] = (), **fields: int) -> np.void:
    """Return a SESSION record at block 3000 after trades that closed with these net results."""
    record = np.zeros(1, SESSION)[0]
    values = {
        "next_block": 3_000, "last_adjustment_block": -1, "equity_micro_usd": 10_000 * USD,
        "peak_equity_micro_usd": 10_000 * USD, "max_position_size_bp": 500, "confidence_threshold_bp": 6_000,
        "stop_loss_bp": 500, "account_stop_loss_bp": 5_000, "take_profit_bp": 1_000, "decision_interval_blocks": 100,
        "gas_bid_bp": 10_000, "max_slippage_bp": 100, "max_concurrent_positions": 5, "closed_trades": len(pnl_usd),
        **fields,
    }  # fmt: skip
    for name, value in values.items():
        record[name] = value
    for place, usd in enumerate(pnl_usd):
        record["recent_pnl_micro_usd"][place % RECENT_TRADES] = round(usd * USD)
    return record


def tuning(**fields: Any) -> np.void:
    """Return a TUNING record as at the start, but for these fields."""
    record = np.zeros(1, TUNING)[0]
    for name, value in {"changed_block": -1, "pending_log": -1, "twin": -1, "is_watched": 1, **fields}.items():
        record[name] = value
    return record


@dataclass(frozen=True)
class Told:
    """A verdict as a person reads it, and its records."""

    adjustments: tuple[Adjustment, ...]
    judgements: tuple[Judgement, ...]
    refusals: dict[Refusal, int]
    changes: Changes = field(compare=False)


def told(verdict: Verdict) -> Told:
    """Return what a verdict says."""
    judgements, adjustments, _ = verdict.changes
    made, judged = tuple(map(adjustment_of, adjustments)), tuple(map(judgement_of, judgements))
    return Told(made, judged, verdict.refusals, verdict.changes)


def adjusting(session: np.void, field: str, new: int, **fields: Any) -> np.ndarray:
    """Return the ADJUSTMENT record, alone in an array, of a change of a parameter of a session where it is now.

    ``type`` is one of the vocabulary; a trigger is found for it, with the metrics that are given.
    """
    record = np.zeros(1, ADJUSTMENT)
    kind = AdjustmentType(fields.pop("type", AdjustmentType.CONFIDENCE_INCREASE))
    values = {
        "block": session["next_block"], "type": TYPES.index(kind), "parameter": PARAMETERS.index(field),
        "trigger": next(place for place, trigger in enumerate(TRIGGERS) if trigger.type is kind),
        "old": session[field], "wanted": new, "new": new, "confidence": 0.5, "reverses": -1, **fields,
    }  # fmt: skip
    for name, value in values.items():
        record[name] = value
    return record


def judging(kind: OutcomeKind, **fields: Any) -> np.ndarray:
    """Return a JUDGEMENT record of the first entry of a log, alone in an array."""
    record = np.zeros(1, JUDGEMENT)
    for name, value in {"kind": int(kind), "periods": 6, "trades": 10, **fields}.items():
        record[name] = value
    return record


def carried(cohort: Cohort, *changes: np.ndarray, row: int = 0, calendar: Calendar = NOON) -> Cohort:
    """Return a cohort with changes of one session carried out, the one that is given being left alone."""
    mine = [change.copy() for change in changes]
    for change in mine:
        change["row"] = row
    judgements = [change for change in mine if change.dtype == JUDGEMENT]
    adjustments = [change for change in mine if change.dtype == ADJUSTMENT]
    together = Changes(
        np.concatenate([UNCHANGED.judgements, *judgements]), np.concatenate([UNCHANGED.adjustments, *adjustments])
    )
    return carry_out(cohort.copy(), together, calendar)


def verdict_of(
    strategy: Strategy,
    session: np.void,
    calendar: Calendar = NOON,
    market: Conditions = CALM,
    remembered: np.void | None = None,
    knowledge: Knowledge = IGNORANT,
    trading: TradingConfig | None = None,
) -> Told:
    """Return the verdict on one session."""
    one, none = np.zeros(1, np.int64), tuning()
    memory = none if remembered is None else remembered
    shown = Review(one, one, np.array([session], SESSION), np.array([memory], TUNING))
    policies = policies_of([strategy], [trading or TradingConfig()])
    return told(review(shown, Policy(policies, calendar, knowledge), np.array([(*market, market.regime)], MARKET)))


def review_of(strategy: Strategy, session: np.void, *given: Any, **more: Any) -> Adjustment | Refusal:
    """Return the adjustment that a review of one session comes to, or why there is none."""
    verdict = verdict_of(strategy, session, *given, **more)
    if verdict.adjustments:
        assert not verdict.refusals
        return verdict.adjustments[0]
    (refusal,) = verdict.refusals
    return refusal
