"""Adjustments and outcomes as a person reads them, made from their records."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from simulation.autopilot.conditions import Conditions
from simulation.autopilot.guardrails import BID, BOUND_WORDS, CONCURRENT, INTERVAL, PAUSED, Bound
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.records import BY_OPERATOR
from simulation.autopilot.triggers import TRIGGERS, TYPES, AdjustmentType, Metric
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

NAMES = (
    "max_position_size_percent", "confidence_threshold", "stop_loss_percent", "take_profit_percent",
    "decision_interval_blocks", "gas_bid_multiplier", "max_slippage_percent", "max_concurrent_positions", "paused",
)  # fmt: skip
"""The parameters in the user's words, in the order of ``PARAMETERS``."""

DIVISORS = tuple({BID: 10_000, INTERVAL: 1, CONCURRENT: 1, PAUSED: 1}.get(p, 100) for p in range(len(PARAMETERS)))
"""Units of the SESSION field in one of the user's."""

DID_HARM = "The session did worse with it than its twin without it."
COMMANDED = "An operator reversed it by command."
OPERATOR = "operator"
"""What called for a reversal by command, in the place of a metric."""

_METRIC_NAMES = tuple(metric.name.lower() for metric in Metric)


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
    reverses_log_ordinal: int  # of the session's log; -1 for one that reverses nothing
    performance_before: dict[str, float]
    market_conditions: dict[str, float | str]

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
    standard_error: float  # of that mean; 0 for fewer than two periods
    performance_after: dict[str, float]
    by_operator: bool = False
    """A command has ended the comparison."""


def adjustment_of(record: np.void) -> Adjustment:
    """Return what an ADJUSTMENT record says."""
    parameter = int(record["parameter"])
    cause = _reversal(record) if record["reverses"] >= 0 else _triggered(record)
    return Adjustment(
        session=int(record["session"]),
        block=int(record["block"]),
        type=TYPES[int(record["type"])],
        field=PARAMETERS[parameter],
        parameter_name=NAMES[parameter],
        old=int(record["old"]),
        new=int(record["new"]),
        divisor=DIVISORS[parameter],
        reason=cause.reason,
        trigger_metric=cause.metric,
        trigger_value=cause.value,
        trigger_threshold=cause.threshold,
        confidence_percent=100 * float(record["confidence"]),
        regime=int(record["regime"]),
        reverses_log_ordinal=int(record["reverses"]),
        performance_before=cause.performance,
        market_conditions=Conditions.of(record["market"]).as_dict(),
    )


def judgement_of(record: np.void) -> Judgement:
    """Return what a JUDGEMENT record says."""
    count = int(record["periods"])
    return Judgement(
        session=int(record["session"]),
        block=int(record["block"]),
        log_ordinal=int(record["log"]),
        type=TYPES[int(record["type"])],
        regime=int(record["regime"]),
        outcome=OutcomeKind(int(record["kind"])),
        periods=count,
        trades=int(record["trades"]),
        mean_difference=float(record["mean"]),
        disables=bool(record["disables"]),
        standard_error=sqrt(float(record["m2"]) / (count - 1) / count) if count > 1 else 0.0,
        performance_after=_performance(record),
        by_operator=bool(record["by_operator"]),
    )


def replayed(start: dict[str, int], adjustments: Sequence[Adjustment], block: int) -> dict[str, int]:
    """Return the parameters of a session at ``block``, from those at its start and its adjustments alone."""
    values = dict(start)
    for adjustment in adjustments:
        if adjustment.block <= block:
            assert values[adjustment.field] == adjustment.old, "an adjustment starts from the value before it"
            values[adjustment.field] = adjustment.new
    return values


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why an adjustment was made."""

    reason: str
    metric: str
    value: float
    threshold: float
    performance: dict[str, float]


def _triggered(record: np.void) -> _Cause:
    trigger, metrics = TRIGGERS[int(record["trigger"])], record["metrics"].tolist()
    metric, threshold, is_above = trigger.symptom
    relation = "at or above" if is_above else "below"
    bound = BOUND_WORDS[Bound(int(record["bound"]))]
    cut = f" The step was cut short by {bound}." if bound else ""
    reason = (
        f"{_METRIC_NAMES[metric]} {metrics[metric]:.2f} is {relation} {threshold:g} over {metrics[Metric.TRADES]:.0f} "
        f"trades: {trigger.why}.{cut}"
    )
    return _Cause(reason, _METRIC_NAMES[metric], metrics[metric], threshold, _performance(record))


def _reversal(record: np.void) -> _Cause:
    if record["trigger"] == BY_OPERATOR:
        return _Cause(COMMANDED, OPERATOR, 0.0, 0.0, {})
    return _Cause(DID_HARM, "mean_return_difference_bp", 1e4 * float(record["difference"]), 0.0, {})


def _performance(record: np.void) -> dict[str, float]:
    return dict(zip(_METRIC_NAMES, record["metrics"].tolist(), strict=True))
