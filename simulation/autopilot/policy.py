"""From a review to at most one adjustment: symptoms in the window of recent trades, and the step they ask for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import (
    Bounds,
    Calendar,
    Refusal,
    confidence_bounds,
    gate,
    has_news,
    position_size_bounds,
    window_is_full,
)
from simulation.settings.strategy import Aggressiveness
from simulation.state import RECENT_TRADES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from simulation.settings.strategy import Strategy


class AdjustmentType(StrEnum):
    """The vocabulary of adjustments."""

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


@dataclass(frozen=True, slots=True)
class Review:
    """What a session shows the Auto Pilot: its SESSION record, from which every figure follows."""

    session: int  # ordinal in the run
    record: NDArray[np.void]  # SESSION, (1,)
    number: int = 0  # of the session among those of its account


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
    performance_before: dict[str, float] = dataclasses.field(default_factory=dict)
    market_conditions: dict[str, float | str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """Figures of the latest closed trades, and of the account now."""

    trades: int
    win_rate_percent: float
    profit_factor: float
    net_usd: float
    drawdown_percent: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name, for the log."""
        return {name: float(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Trigger:
    """A symptom, and the change it asks for."""

    type: AdjustmentType
    metric: str  # of Window
    threshold: float
    above: bool  # fires at or above the threshold, else below it
    also: Callable[[Window], bool]
    field: str
    parameter_name: str
    base_step: float  # share of the old value
    bounds: Callable[[Strategy], Bounds]
    is_safety: bool  # may act on fewer trades than a full window
    why: str

    def fires(self, window: Window) -> bool:
        """Tell whether the window shows the symptom."""
        value = getattr(window, self.metric)
        return bool((value >= self.threshold if self.above else value < self.threshold) and self.also(window))


MOST_PROFIT_FACTOR = 999.999
"""Profit factor of a window without a loss."""

DEFAULT_LEARNING_RATE = 0.1
PRIOR_CONFIDENCE_PERCENT = 50.0
"""Confidence in an adjustment before any outcome was judged."""

STEP_FACTOR = {
    Aggressiveness.CONSERVATIVE: 0.5,
    Aggressiveness.MODERATE: 1.0,
    Aggressiveness.AGGRESSIVE: 2.0,
}

TRIGGERS = (
    Trigger(
        AdjustmentType.POSITION_SIZE_DECREASE, "drawdown_percent", 5.0, above=True, also=lambda _: True,
        field="max_position_size_bp", parameter_name="max_position_size_percent", base_step=-0.25,
        bounds=position_size_bounds, is_safety=True, why="the account is well below its peak",
    ),
    Trigger(
        AdjustmentType.CONFIDENCE_INCREASE, "win_rate_percent", 40.0, above=False, also=lambda w: w.net_usd < 0,
        field="confidence_threshold_bp", parameter_name="confidence_threshold", base_step=0.05,
        bounds=confidence_bounds, is_safety=False, why="too few trades win and the window lost money",
    ),
    Trigger(
        AdjustmentType.POSITION_SIZE_INCREASE, "profit_factor", 1.5, above=True, also=lambda w: w.drawdown_percent < 2,
        field="max_position_size_bp", parameter_name="max_position_size_percent", base_step=0.2,
        bounds=position_size_bounds, is_safety=False, why="wins outweigh losses and the drawdown is small",
    ),
)  # fmt: skip
"""In order of precedence: the first that fires and can move its parameter is the adjustment."""


def review(
    strategy: Strategy, ordinal: int, session: np.void, calendar: Calendar, market: dict[str, float | str]
) -> Adjustment | Refusal:
    """Return the one adjustment that a session's SESSION record asks for, or why there is none."""
    refusal = gate(strategy, session, calendar)
    if refusal is not None:
        return refusal
    window = window_of(session, strategy.performance_window_trades)
    full, news = window_is_full(strategy, session), has_news(session)
    fired = [trigger for trigger in TRIGGERS if trigger.fires(window)]
    allowed = [trigger for trigger in fired if full or (trigger.is_safety and news)]
    if not allowed:
        return Refusal.NO_TRIGGER if full else Refusal.FEW_TRADES
    for trigger in allowed:
        adjustment = _step(trigger, strategy, ordinal, session, window, market)
        if (adjustment.new - adjustment.old) * trigger.base_step > 0:  # a bound may allow no step, or only one back
            return adjustment
    return Refusal.AT_BOUND


def window_of(session: np.void, trades: int) -> Window:
    """Return the figures of the latest ``trades`` closed trades, fewer when there were fewer."""
    closed = int(session["closed_trades"])
    count = min(trades, closed, RECENT_TRADES)
    places = np.arange(closed - count, closed) % RECENT_TRADES
    net = session["recent_pnl_micro_usd"][places]
    won, lost = int(net[net > 0].sum()), -int(net[net <= 0].sum())
    peak, equity = int(session["peak_equity_micro_usd"]), int(session["equity_micro_usd"])
    return Window(
        trades=count,
        win_rate_percent=100.0 * int((net > 0).sum()) / count if count else 0.0,
        profit_factor=_profit_factor(won, lost),
        net_usd=(won - lost) / 1e6,
        drawdown_percent=100.0 * (peak - equity) / peak,
    )


def _profit_factor(won: int, lost: int) -> float:
    if lost == 0:
        return MOST_PROFIT_FACTOR if won else 0.0
    return min(won / lost, MOST_PROFIT_FACTOR)


def _step(
    trigger: Trigger,
    strategy: Strategy,
    ordinal: int,
    session: np.void,
    window: Window,
    market: dict[str, float | str],
) -> Adjustment:
    old = int(session[trigger.field])
    rate = float(strategy.learning_rate) / DEFAULT_LEARNING_RATE
    wanted = old + round(old * trigger.base_step * rate * STEP_FACTOR[strategy.adaptation_aggressiveness])
    new = trigger.bounds(strategy).clamp(wanted)
    value = getattr(window, trigger.metric)
    return Adjustment(
        session=ordinal,
        block=int(session["next_block"]),
        type=trigger.type,
        field=trigger.field,
        parameter_name=trigger.parameter_name,
        old=old,
        new=new,
        divisor=100,
        reason=_reason(trigger, window, value, clamped=new != wanted),
        trigger_metric=trigger.metric,
        trigger_value=value,
        trigger_threshold=trigger.threshold,
        confidence_percent=PRIOR_CONFIDENCE_PERCENT,
        performance_before=window.as_dict(),
        market_conditions=market,
    )


def _reason(trigger: Trigger, window: Window, value: float, *, clamped: bool) -> str:
    relation = "at or above" if trigger.above else "below"
    bound = " The step was cut short by the strategy's bound." if clamped else ""
    return (
        f"{trigger.metric} {value:.2f} is {relation} {trigger.threshold:g} over {window.trades} trades: "
        f"{trigger.why}.{bound}"
    )
