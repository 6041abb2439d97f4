"""The table of Auto Pilot: which symptom asks for which change of which parameter, in order of precedence."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.autopilot.guardrails import (
    BID,
    CONCURRENT,
    CONFIDENCE,
    INTERVAL,
    PAUSED,
    SIZE,
    SLIPPAGE,
    STOP,
    TARGET,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class AdjustmentType(StrEnum):
    """The vocabulary of adjustments; ``TYPES`` numbers them."""

    POSITION_SIZE_INCREASE = "POSITION_SIZE_INCREASE"
    POSITION_SIZE_DECREASE = "POSITION_SIZE_DECREASE"
    CONFIDENCE_INCREASE = "CONFIDENCE_INCREASE"
    CONFIDENCE_DECREASE = "CONFIDENCE_DECREASE"
    FREQUENCY_INCREASE = "FREQUENCY_INCREASE"
    FREQUENCY_DECREASE = "FREQUENCY_DECREASE"
    STOP_LOSS_TIGHTEN = "STOP_LOSS_TIGHTEN"
    STOP_LOSS_LOOSEN = "STOP_LOSS_LOOSEN"
    TAKE_PROFIT_INCREASE = "TAKE_PROFIT_INCREASE"
    TAKE_PROFIT_DECREASE = "TAKE_PROFIT_DECREASE"
    PAUSE_TRADING = "PAUSE_TRADING"
    RESUME_TRADING = "RESUME_TRADING"
    GAS_STRATEGY_ADJUST = "GAS_STRATEGY_ADJUST"
    RISK_TOLERANCE_ADJUST = "RISK_TOLERANCE_ADJUST"


TYPES = tuple(AdjustmentType)


class Metric(IntEnum):
    """What triggers look at; the places of a session's row of metrics. Window: the latest closed trades."""

    TRADES = 0
    WIN_RATE_PERCENT = 1
    PROFIT_FACTOR = 2
    NET_USD = 3
    DRAWDOWN_PERCENT = 4
    LOSING_STREAK = 5
    LOSS_TO_WIN = 6
    STOPS = 7
    RECOVERED_STOPS_PERCENT = 8
    TARGETS = 9
    TARGETS_PERCENT = 10
    RAN_ON_PERCENT = 11
    GIVEN_BACK_PERCENT = 12
    COST_PERCENT = 13
    ORDERS = 14
    SLIPPED_PERCENT = 15
    LATE_PERCENT = 16
    TRADES_PER_PERIOD = 17
    PAUSED_HOURS = 18
    VOLATILITY_PERCENT = 19
    GAS_PERCENT = 20


class Condition(NamedTuple):
    """A metric at or above a threshold, or below it."""

    metric: Metric
    threshold: float
    is_above: bool


ALWAYS = Condition(Metric.TRADES, 0.0, is_above=True)


def at_least(metric: Metric, threshold: float) -> Condition:
    """Return the condition that a metric is at or above a threshold."""
    return Condition(metric, threshold, is_above=True)


def below(metric: Metric, threshold: float) -> Condition:
    """Return the condition that a metric is below a threshold."""
    return Condition(metric, threshold, is_above=False)


WINDOW, SAFETY, AT_ONCE = 0, 1, 2
"""The evidence that a trigger needs: a full window of trades closed since the parameter's last change; a few of them
or no change yet; none."""


class Trigger(NamedTuple):
    """A symptom, and the change it asks for."""

    type: AdjustmentType
    symptom: Condition
    also: Condition
    parameter: int
    step: float  # share of the old value; for what is on or off, +1 or -1
    evidence: int
    why: str


A, M = AdjustmentType, Metric

BUYING = below(M.PAUSED_HOURS, 1e-9)
"""A session that buys nothing gains nothing from smaller positions, and its pause would not be judged for them."""

TRIGGERS = (
    Trigger(A.PAUSE_TRADING, at_least(M.DRAWDOWN_PERCENT, 15), ALWAYS, PAUSED, 1, SAFETY,
            "the account is far below its peak"),
    Trigger(A.RESUME_TRADING, below(M.DRAWDOWN_PERCENT, 10), at_least(M.PAUSED_HOURS, 1e-9), PAUSED, -1, AT_ONCE,
            "the account has recovered"),
    Trigger(A.RESUME_TRADING, at_least(M.PAUSED_HOURS, 6), below(M.VOLATILITY_PERCENT, 50), PAUSED, -1, AT_ONCE,
            "the market is calm after a long enough pause"),
    Trigger(A.RESUME_TRADING, at_least(M.PAUSED_HOURS, 24), ALWAYS, PAUSED, -1, AT_ONCE,
            "the drawdown of an account that buys nothing may never end, so a pause does"),
    Trigger(A.POSITION_SIZE_DECREASE, at_least(M.DRAWDOWN_PERCENT, 5), BUYING, SIZE, -0.25, SAFETY,
            "the account is well below its peak"),
    Trigger(A.POSITION_SIZE_DECREASE, at_least(M.LOSING_STREAK, 6), BUYING, SIZE, -0.25, SAFETY,
            "the latest trades all lost"),
    Trigger(A.RISK_TOLERANCE_ADJUST, at_least(M.VOLATILITY_PERCENT, 75), below(M.NET_USD, 0), CONCURRENT, -0.2, WINDOW,
            "the market is wild and the window lost money"),
    Trigger(A.RISK_TOLERANCE_ADJUST, at_least(M.GAS_PERCENT, 75), below(M.NET_USD, 0), CONCURRENT, -0.2, WINDOW,
            "gas is dear and the window lost money"),
    Trigger(A.GAS_STRATEGY_ADJUST, at_least(M.LATE_PERCENT, 20), at_least(M.ORDERS, 10), BID, 0.2, WINDOW,
            "orders are included late or never"),
    Trigger(A.GAS_STRATEGY_ADJUST, at_least(M.SLIPPED_PERCENT, 15), at_least(M.ORDERS, 10), SLIPPAGE, 0.2, WINDOW,
            "orders revert beyond the slippage tolerance"),
    Trigger(A.FREQUENCY_DECREASE, at_least(M.COST_PERCENT, 60), below(M.NET_USD, 0), INTERVAL, 0.25, WINDOW,
            "the costs of trading eat what trades win"),
    Trigger(A.GAS_STRATEGY_ADJUST, at_least(M.COST_PERCENT, 60), below(M.LATE_PERCENT, 5), BID, -0.1, WINDOW,
            "the costs of trading eat what trades win, and no order is late"),
    Trigger(A.STOP_LOSS_LOOSEN, at_least(M.RECOVERED_STOPS_PERCENT, 60), at_least(M.STOPS, 3), STOP, 0.15, WINDOW,
            "the price came back soon after most stops"),
    Trigger(A.STOP_LOSS_TIGHTEN, at_least(M.LOSS_TO_WIN, 2), below(M.NET_USD, 0), STOP, -0.15, WINDOW,
            "the average loss is much larger than the average win"),
    Trigger(A.CONFIDENCE_INCREASE, below(M.WIN_RATE_PERCENT, 40), below(M.NET_USD, 0), CONFIDENCE, 0.05, WINDOW,
            "too few trades win and the window lost money"),
    Trigger(A.TAKE_PROFIT_DECREASE, at_least(M.GIVEN_BACK_PERCENT, 50), below(M.TARGETS_PERCENT, 10), TARGET, -0.15,
            WINDOW, "targets are rarely reached and much profit is given back"),
    Trigger(A.TAKE_PROFIT_INCREASE, at_least(M.RAN_ON_PERCENT, 60), at_least(M.TARGETS, 3), TARGET, 0.15, WINDOW,
            "the price ran on after most targets"),
    Trigger(A.CONFIDENCE_DECREASE, below(M.TRADES_PER_PERIOD, 0.05), at_least(M.PROFIT_FACTOR, 2), CONFIDENCE, -0.05,
            WINDOW, "trades pay and there are very few"),
    Trigger(A.FREQUENCY_INCREASE, below(M.TRADES_PER_PERIOD, 0.2), at_least(M.PROFIT_FACTOR, 1.5), INTERVAL, -0.2,
            WINDOW, "trades pay and there are few"),
    Trigger(A.RISK_TOLERANCE_ADJUST, below(M.VOLATILITY_PERCENT, 40), at_least(M.PROFIT_FACTOR, 1.2), CONCURRENT, 0.2,
            WINDOW, "the market is calm and trades pay"),
    Trigger(A.POSITION_SIZE_INCREASE, at_least(M.PROFIT_FACTOR, 1.5), below(M.DRAWDOWN_PERCENT, 2), SIZE, 0.2, WINDOW,
            "wins outweigh losses and the drawdown is small"),
)  # fmt: skip
"""In order of precedence: the first that fires and can move its parameter is the adjustment."""

URGENT_METRICS = {M.DRAWDOWN_PERCENT, M.LOSING_STREAK, M.PAUSED_HOURS, M.VOLATILITY_PERCENT, M.GAS_PERCENT, M.TRADES}
"""All that triggers may look at which wait for no window of trades: they are asked before it is measured."""

_URGENT = [trigger for trigger in TRIGGERS if trigger.evidence != WINDOW]
assert all({t.symptom.metric, t.also.metric} <= URGENT_METRICS for t in _URGENT)
assert all(t.symptom.is_above for t in _URGENT if t.symptom.metric == M.LOSING_STREAK)
assert all(t.also.metric != M.LOSING_STREAK for t in _URGENT)
"""A streak is looked for only where it can be long enough for the symptom."""

TRIGGER = np.dtype(
    [
        ("type", np.int64),
        ("metric", np.int64),
        ("threshold", np.float64),
        ("is_above", np.int64),
        ("also_metric", np.int64),
        ("also_threshold", np.float64),
        ("also_is_above", np.int64),
        ("parameter", np.int64),
        ("step", np.float64),
        ("evidence", np.int64),
    ],
    align=True,
)


def trigger_records(is_wanted: Callable[[Trigger], bool] = lambda _trigger: True) -> NDArray[np.void]:
    """Return the wanted rows of the table, in order, as TRIGGER records for compiled code."""
    wanted = filter(is_wanted, TRIGGERS)
    rows = [(TYPES.index(t.type), *t.symptom, *t.also, t.parameter, t.step, t.evidence) for t in wanted]
    return np.array(rows, TRIGGER)
