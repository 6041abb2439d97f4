"""The bounds of every parameter that Auto Pilot may change, and the gate it must pass before it changes one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from simulation.settings.strategy import Strategy

_BP_PER_PERCENT = 100
_MS_PER_MINUTE = 60_000
_MS_PER_DAY = 86_400_000


class Refusal(StrEnum):
    """Why no adjustment was made at a review."""

    DISABLED = "Auto Pilot is off for this strategy"
    COOLDOWN = "the last adjustment is too recent"
    DAILY_CAP = "the day's adjustments are used up"
    FEW_TRADES = "too few trades were closed since the last adjustment"
    NO_TRIGGER = "no metric asks for a change"
    AT_BOUND = "the parameter stands at its bound"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest value of a parameter, in the unit of its SESSION field."""

    low: int
    high: int

    def clamp(self, value: int) -> int:
        """Return the allowed value nearest to ``value``."""
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Simulated time in blocks."""

    block_time_ms: int
    day_offset_ms: int

    def day(self, block: int) -> int:
        """Return the number of the simulated UTC day of ``block``, counted from that of block 0."""
        return (block * self.block_time_ms + self.day_offset_ms) // _MS_PER_DAY

    def minutes_since(self, earlier: int, block: int) -> float:
        """Return the simulated minutes between two blocks."""
        return (block - earlier) * self.block_time_ms / _MS_PER_MINUTE


def position_size_bounds(strategy: Strategy) -> Bounds:
    """Return the bounds of ``max_position_size_bp``."""
    return Bounds(
        int(strategy.min_position_size_percent * _BP_PER_PERCENT),
        int(strategy.max_position_size_percent_limit * _BP_PER_PERCENT),
    )


def confidence_bounds(strategy: Strategy) -> Bounds:
    """Return the bounds of ``confidence_threshold_bp``."""
    return Bounds(
        int(strategy.min_confidence_threshold * _BP_PER_PERCENT),
        int(strategy.max_confidence_threshold_limit * _BP_PER_PERCENT),
    )


def gate(strategy: Strategy, session: np.void, calendar: Calendar) -> Refusal | None:
    """Return why the session may not be adjusted at all now, or None when it may.

    ``session`` is its SESSION record at the review; the change would hold from ``next_block`` on.
    """
    block, last = int(session["next_block"]), int(session["last_adjustment_block"])
    if not strategy.autopilot_enabled:
        return Refusal.DISABLED
    if last < 0:
        return None
    if calendar.minutes_since(last, block) < strategy.adjustment_cooldown_minutes:
        return Refusal.COOLDOWN
    same_day = calendar.day(block) == int(session["adjustment_day"])
    if same_day and int(session["adjustments_today"]) >= strategy.max_daily_adjustments:
        return Refusal.DAILY_CAP
    return None


SAFETY_TRADES = 3
"""Even a reaction for safety waits for this many closed trades since the last adjustment, to see what that one did."""


def has_news(session: np.void) -> bool:
    """Tell whether enough was traded since the last adjustment for a reaction for safety; always before the first."""
    closed = int(session["closed_trades"]) - int(session["closed_at_adjustment"])
    return int(session["last_adjustment_block"]) < 0 or closed >= SAFETY_TRADES


def window_is_full(strategy: Strategy, session: np.void) -> bool:
    """Tell whether enough trades were closed since the last adjustment to judge by."""
    closed = int(session["closed_trades"]) - int(session["closed_at_adjustment"])
    return closed >= strategy.performance_window_trades
