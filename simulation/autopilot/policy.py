"""From reviews to a verdict: arrays in, the compiled review, and words for the few adjustments that were made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.autopilot.guardrails import BID, BOUND_WORDS, CONCURRENT, INTERVAL, PAUSED, REFUSALS, Bound, Refusal
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.reviewing import ADJUSTMENT, JUDGEMENT, MARKET, Found, Shown, review_all
from simulation.autopilot.triggers import TRIGGERS, TYPES, AdjustmentType, Metric, trigger_records
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.autopilot.conditions import Conditions
    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.knowledge import Knowledge

NAMES = (
    "max_position_size_percent", "confidence_threshold", "stop_loss_percent", "take_profit_percent",
    "decision_interval_blocks", "gas_bid_multiplier", "max_slippage_percent", "max_concurrent_positions", "paused",
)  # fmt: skip
"""The parameters in the user's words, in the order of ``PARAMETERS``."""

DIVISORS = tuple({BID: 10_000, INTERVAL: 1, CONCURRENT: 1, PAUSED: 1}.get(p, 100) for p in range(len(PARAMETERS)))
"""Units of the SESSION field in one of the user's."""


_METRIC_NAMES = tuple(metric.name.lower() for metric in Metric)


class _Record(NamedTuple):
    """An ADJUSTMENT record in Python's numbers."""

    row: int
    trigger: int
    type: int
    parameter: int
    old: int
    wanted: int
    new: int
    bound: int
    regime: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Review:
    """What the sessions of a cohort show the Auto Pilot: records from which every figure follows."""

    ordinals: NDArray[np.int64]  # of the sessions in the run
    numbers: NDArray[np.int64]  # of the sessions among those of their accounts
    sessions: NDArray[np.void]  # SESSION
    tuning: NDArray[np.void]  # TUNING


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One parameter change of one session, to take effect from ``block`` on."""

    session: int  # ordinal of the session in the run
    block: int  # first block that trades with the new value
    type: AdjustmentType
    field: str  # of the SESSION record
    parameter_name: str  # of the strategy, in the user's unit
    old: int  # in the unit of the field
    new: int
    divisor: int  # field units in one unit of the parameter: 100 for a percentage kept in bp
    reason: str
    trigger_metric: str
    trigger_value: float
    trigger_threshold: float
    confidence_percent: float
    regime: int
    reverses_log_ordinal: int = -1  # of the session's log; -1 for one that reverses nothing
    performance_before: dict[str, float] = dataclasses.field(default_factory=dict)
    market_conditions: dict[str, float | str] = dataclasses.field(default_factory=dict)

    @property
    def is_reversal(self) -> bool:
        """Whether it undoes an earlier one; such a one is not judged."""
        return self.reverses_log_ordinal >= 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of the adjustment of a session that was being judged."""

    session: int
    block: int
    log_ordinal: int
    type: AdjustmentType
    regime: int
    outcome: OutcomeKind
    periods: int
    trades: int
    mean_difference: float  # of returns a review period, session minus twin
    disables: bool
    """It is the last failure that was borne: Auto Pilot switches itself off."""
    standard_error: float = 0.0  # of that mean; 0 for fewer than two periods
    performance_after: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a review came to: adjustments, judged outcomes, and how often each reason spoke against an adjustment."""

    adjustments: tuple[Adjustment, ...]
    refusals: dict[Refusal, int]
    judgements: tuple[Judgement, ...] = ()

    @property
    def changes(self) -> tuple[Judgement | Adjustment, ...]:
        """What the sessions have to apply, in this order."""
        return (*self.judgements, *self.adjustments)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a review is decided by besides the sessions themselves."""

    policies: NDArray[np.void]  # POLICY, one a session shown
    calendar: Calendar
    knowledge: Knowledge


def review(shown: Review, policy: Policy, markets: Sequence[Conditions]) -> Verdict:
    """Return the verdict on sessions at the end of a segment; ``markets`` are what each analyst sees there."""
    found = reviewed(shown, policy, markets)
    judgements = tuple(_judgement(shown, found.metrics, *record) for record in found.judgements.tolist())
    conditions = [market.as_dict() for market in markets]
    records = [_Record(*record) for record in found.adjustments.tolist()]
    adjustments = tuple(_adjustment(shown, record, found.metrics, conditions) for record in records)
    refusals = {refusal: int(n) for refusal, n in zip(REFUSALS, found.refusals, strict=True) if n}
    return Verdict(adjustments, refusals, judgements)


def reviewed(shown: Review, policy: Policy, markets: Sequence[Conditions]) -> Found:
    """Return the verdict as records, without words."""
    n = len(shown.sessions)
    sessions = np.ascontiguousarray(shown.sessions)
    records = [(market.volatility_percent, market.gas_percent, market.regime) for market in markets]
    found = Found(
        np.zeros((n, len(Metric))),
        np.zeros(n + 1, ADJUSTMENT),
        np.zeros(n, JUDGEMENT),
        np.zeros(len(REFUSALS), np.int64),
    )
    arrays = Shown(
        sessions,
        sessions.view(np.int64).reshape(n, -1),
        np.ascontiguousarray(shown.tuning),
        policy.policies,
        np.array(records, MARKET),
        trigger_records(),
        policy.knowledge.confidence(),
        policy.knowledge.speaks_against(),
        policy.calendar.block_time_ms,
        policy.calendar.day_offset_ms,
    )
    n_adjustments, n_judgements = review_all(arrays, found)
    return found._replace(adjustments=found.adjustments[:n_adjustments], judgements=found.judgements[:n_judgements])


def reversal(
    session: np.void, ordinal: int, parameter: int, *, kind: AdjustmentType, log_ordinal: int, old: int, why: str
) -> Adjustment:
    """Return the adjustment that sets a parameter back to ``old``, its value before entry ``log_ordinal`` of the log.

    The same for the Auto Pilot, which reverses what did harm, and for an operator.
    """
    return Adjustment(
        session=ordinal,
        block=int(session["next_block"]),
        type=kind,
        field=PARAMETERS[parameter],
        parameter_name=NAMES[parameter],
        old=int(session[PARAMETERS[parameter]]),
        new=old,
        divisor=DIVISORS[parameter],
        reason=why,
        trigger_metric="outcome",
        trigger_value=0.0,
        trigger_threshold=0.0,
        confidence_percent=50.0,
        regime=-1,
        reverses_log_ordinal=log_ordinal,
    )


def replayed(start: dict[str, int], adjustments: Sequence[Adjustment], block: int) -> dict[str, int]:
    """Return the parameters of a session at ``block``, from those at its start and its adjustments alone."""
    values = dict(start)
    for adjustment in adjustments:
        if adjustment.block <= block:
            assert values[adjustment.field] == adjustment.old, "an adjustment starts from the value before it"
            values[adjustment.field] = adjustment.new
    return values


def _judgement(shown: Review, metrics: NDArray[np.float64], row: int, kind: int, disables: int) -> Judgement:
    session, tuning = shown.sessions[row], shown.tuning[row]
    count = int(tuning["difference_count"])
    return Judgement(
        session=int(shown.ordinals[row]),
        block=int(session["next_block"]),
        log_ordinal=int(tuning["pending_log"]),
        type=TYPES[int(tuning["pending_type"])],
        regime=int(tuning["pending_regime"]),
        outcome=OutcomeKind(kind),
        periods=count,
        trades=int(tuning["pending_trades"]),
        mean_difference=float(tuning["difference_mean"]),
        disables=bool(disables),
        standard_error=sqrt(float(tuning["difference_m2"]) / (count - 1) / count) if count > 1 else 0.0,
        performance_after=dict(zip(_METRIC_NAMES, metrics[row].tolist(), strict=True)),
    )


def _adjustment(
    shown: Review, record: _Record, seen: NDArray[np.float64], conditions: list[dict[str, float | str]]
) -> Adjustment:
    row, parameter = record.row, record.parameter
    session = shown.sessions[row]
    market = conditions[int(session["analyst"])]
    if record.trigger < 0:
        return _reversal(shown, record, market)
    trigger, metrics = TRIGGERS[record.trigger], seen[row].tolist()
    return Adjustment(
        session=int(shown.ordinals[row]),
        block=int(session["next_block"]),
        type=trigger.type,
        field=PARAMETERS[parameter],
        parameter_name=NAMES[parameter],
        old=record.old,
        new=record.new,
        divisor=DIVISORS[parameter],
        reason=_reason(record, metrics),
        trigger_metric=_METRIC_NAMES[trigger.symptom.metric],
        trigger_value=metrics[trigger.symptom.metric],
        trigger_threshold=trigger.symptom.threshold,
        confidence_percent=100 * record.confidence,
        regime=record.regime,
        performance_before=dict(zip(_METRIC_NAMES, metrics, strict=True)),
        market_conditions=market,
    )


def _reversal(shown: Review, record: _Record, market: dict[str, float | str]) -> Adjustment:
    session, tuning = shown.sessions[record.row], shown.tuning[record.row]
    made = reversal(
        session, int(shown.ordinals[record.row]), record.parameter, kind=TYPES[record.type],
        log_ordinal=int(tuning["pending_log"]), old=record.new,
        why="The session did worse with it than its twin without it.",
    )  # fmt: skip
    return dataclasses.replace(
        made,
        trigger_metric="mean_return_difference_bp",
        trigger_value=1e4 * float(tuning["difference_mean"]),
        confidence_percent=100 * record.confidence,
        regime=record.regime,
        market_conditions=market,
    )


def _reason(record: _Record, metrics: list[float]) -> str:
    trigger = TRIGGERS[record.trigger]
    metric, threshold, is_above = trigger.symptom
    relation = "at or above" if is_above else "below"
    bound = BOUND_WORDS[Bound(record.bound)]
    cut = f" The step was cut short by {bound}." if bound else ""
    return (
        f"{_METRIC_NAMES[metric]} {metrics[metric]:.2f} is {relation} {threshold:g} over {metrics[Metric.TRADES]:.0f} "
        f"trades: {trigger.why}.{cut}"
    )
