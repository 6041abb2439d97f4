"""The bounds of every parameter that Auto Pilot may change, and why it may change none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.settings.strategy import Aggressiveness
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.settings.strategy import Strategy, TradingConfig

BP = 10_000
_BP_PER_PERCENT = 100
_MS_PER_MINUTE = 60_000
_MS_PER_DAY = 86_400_000

SIZE, CONFIDENCE, STOP, TARGET, INTERVAL, BID, SLIPPAGE, CONCURRENT, PAUSED = range(len(PARAMETERS))
"""Places of the parameters in ``PARAMETERS``."""

DEFAULT_LEARNING_RATE = 0.1

STEP_FACTOR = {
    Aggressiveness.CONSERVATIVE: 0.5,
    Aggressiveness.MODERATE: 1.0,
    Aggressiveness.AGGRESSIVE: 2.0,
}


class Refusal(StrEnum):
    """Why no adjustment was made at a review; ``REFUSALS`` numbers them."""

    DISABLED = "Auto Pilot is off for this strategy"
    SELF_DISABLED = "Auto Pilot has switched itself off after adjustments that did harm"
    COOLDOWN = "the last adjustment is too recent"
    DAILY_CAP = "the day's adjustments are used up"
    FEW_TRADES = "too few trades were closed since the last adjustment"
    PENDING = "the last adjustment is still being judged"
    NO_TRIGGER = "no metric asks for a change"
    AT_BOUND = "the parameter stands at its bound"
    DANGEROUS = "the change would make a dangerous combination"
    TAUGHT_NOT = "earlier outcomes speak against it in this market"


REFUSALS = tuple(Refusal)


class Bound(IntEnum):
    """What cut a step short."""

    NONE = 0
    STRATEGY = 1
    ACCOUNT = 2
    STOP_BELOW_TARGET = 3
    EXPOSURE = 4


BOUND_WORDS = {
    Bound.NONE: "",
    Bound.STRATEGY: "the strategy's bound",
    Bound.ACCOUNT: "the account's limit",
    Bound.STOP_BELOW_TARGET: "the stop loss having to stay below the take profit",
    Bound.EXPOSURE: "position size times concurrent positions having to stay within 100 %",
}

POLICY = np.dtype(
    [
        ("enabled", np.int64),
        ("window_trades", np.int64),
        ("cooldown_ms", np.int64),
        ("daily_adjustments", np.int64),
        ("failures", np.int64),  # in a row, after which it switches itself off
        ("step_factor", np.float64),
        ("low", np.int64, (len(PARAMETERS),)),  # in the units of the SESSION fields
        ("high", np.int64, (len(PARAMETERS),)),
        ("high_is_account", np.int64, (len(PARAMETERS),)),
    ],
    align=True,
)
"""What a strategy and its account allow; one record a session, made once."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Simulated time in blocks."""

    block_time_ms: int
    day_offset_ms: int

    def day(self, block: int) -> int:
        """Return the number of the simulated UTC day of ``block``, counted from that of block 0."""
        return int(day_of(block, self.block_time_ms, self.day_offset_ms))


@compiled
def day_of(block, block_time_ms, day_offset_ms):
    """Return the number of the simulated UTC day of ``block``."""
    return (block * block_time_ms + day_offset_ms) // _MS_PER_DAY


def policies_of(strategies: Sequence[Strategy], tradings: Sequence[TradingConfig]) -> NDArray[np.void]:
    """Return the POLICY records of sessions with these strategies on accounts with these trading configs."""
    policies = np.zeros(len(strategies), POLICY)
    for policy, strategy, trading in zip(policies, strategies, tradings, strict=True):
        policy["enabled"] = int(strategy.autopilot_enabled)
        policy["window_trades"] = strategy.performance_window_trades
        policy["cooldown_ms"] = strategy.adjustment_cooldown_minutes * _MS_PER_MINUTE
        policy["daily_adjustments"] = strategy.max_daily_adjustments
        policy["failures"] = strategy.auto_disable_after_failures
        rate = float(strategy.learning_rate) / DEFAULT_LEARNING_RATE
        policy["step_factor"] = rate * STEP_FACTOR[strategy.adaptation_aggressiveness]
        limits = {
            SIZE: int(trading.max_position_size_percent * _BP_PER_PERCENT),
            STOP: int(trading.stop_loss_percent * _BP_PER_PERCENT),
        }
        for parameter, (low, high) in enumerate(own_bounds(strategy)):
            limit = limits.get(parameter, high)
            policy["low"][parameter], policy["high"][parameter] = low, max(min(high, limit), low)
            policy["high_is_account"][parameter] = int(limit < high)
    return policies


def own_bounds(strategy: Strategy) -> tuple[tuple[int, int], ...]:
    """Return lowest and highest value of each of ``PARAMETERS``, in the units of their SESSION fields.

    Where the strategy states none they are half and twice what it begins with, within what a scenario may say; the
    number of positions is at most the strategy's own.
    """
    percent = _BP_PER_PERCENT
    return (
        (int(strategy.min_position_size_percent * percent), int(strategy.max_position_size_percent_limit * percent)),
        (int(strategy.min_confidence_threshold * percent), int(strategy.max_confidence_threshold_limit * percent)),
        _around(int(strategy.stop_loss_percent * percent), 10, 5_000),
        _around(int(strategy.take_profit_percent * percent), 10, 100_000),
        _around(strategy.decision_interval_blocks, 1, 7_200),
        (BP // 2, 2 * BP),
        _around(int(strategy.max_slippage_percent * percent), 1, 1_000),
        (1, strategy.max_concurrent_positions),
        (0, 1),
    )


def _around(value: int, least: int, most: int) -> tuple[int, int]:
    return max(value // 2, least), min(2 * value, most)


_STRATEGY, _ACCOUNT = int(Bound.STRATEGY), int(Bound.ACCOUNT)
_STOP_BELOW_TARGET, _EXPOSURE = int(Bound.STOP_BELOW_TARGET), int(Bound.EXPOSURE)


@compiled
def clamp(session, policy, parameter, wanted):
    """Return the allowed value of a parameter nearest to ``wanted``, and the Bound that kept it from that."""
    low, high = policy.low[parameter], policy.high[parameter]
    lower, upper = _STRATEGY, _ACCOUNT if policy.high_is_account[parameter] != 0 else _STRATEGY
    if parameter == STOP and session.take_profit_bp - 1 < high:
        high, upper = session.take_profit_bp - 1, _STOP_BELOW_TARGET
    elif parameter == TARGET and min(session.stop_loss_bp, session.account_stop_loss_bp) + 1 > low:
        low, lower = min(session.stop_loss_bp, session.account_stop_loss_bp) + 1, _STOP_BELOW_TARGET
    elif parameter == SIZE and BP // session.max_concurrent_positions < high:
        high, upper = BP // session.max_concurrent_positions, _EXPOSURE
    elif parameter == CONCURRENT and BP // max(session.max_position_size_bp, 1) < high:
        high, upper = BP // max(session.max_position_size_bp, 1), _EXPOSURE
    if wanted > high:
        return max(high, policy.low[parameter]), upper
    if wanted < low:
        return min(low, policy.high[parameter]), lower
    return wanted, 0
