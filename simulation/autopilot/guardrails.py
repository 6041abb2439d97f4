"""The bounds of every parameter that Auto Pilot may change, and why it may change none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.jit import compiled
from simulation.settings.strategy import Aggressiveness, TradingConfig
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.settings.strategy import Strategy

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
    for policy, strategy in zip(policies, strategies, strict=True):
        policy["enabled"] = int(strategy.autopilot_enabled)
        policy["window_trades"] = strategy.performance_window_trades
        policy["cooldown_ms"] = strategy.adjustment_cooldown_minutes * _MS_PER_MINUTE
        policy["daily_adjustments"] = strategy.max_daily_adjustments
        policy["failures"] = strategy.auto_disable_after_failures
        rate = float(strategy.learning_rate) / DEFAULT_LEARNING_RATE
        policy["step_factor"] = rate * STEP_FACTOR[strategy.adaptation_aggressiveness]
        policy["low"], policy["high"] = zip(*own_bounds(strategy), strict=True)
    percents = [(trading.max_position_size_percent, trading.stop_loss_percent) for trading in tradings]
    limits = np.array([[int(percent * _BP_PER_PERCENT) for percent in pair] for pair in percents]).reshape(-1, 2)
    _limit(policies, limits[:, 0], limits[:, 1])
    return policies


def policies_from(begun: NDArray[np.void], strategy: Strategy) -> NDArray[np.void]:
    """Return the POLICY records of sessions before their first block, SESSION records of (n_sessions,).

    They differ from ``strategy`` in what they begin with and in the limits of their accounts alone.
    """
    one = policies_of([strategy], [TradingConfig()])
    policies = np.repeat(one, len(begun))
    stated = own_bounds(strategy)
    for parameter in (SIZE, CONFIDENCE):
        policies["low"][:, parameter], policies["high"][:, parameter] = stated[parameter]
    for parameter, (low, high) in _own_bounds_from(begun).items():
        policies["low"][:, parameter], policies["high"][:, parameter] = low, high
    _limit(policies, begun["account_max_position_size_bp"], begun["account_stop_loss_bp"])
    return policies


def _limit(policies: NDArray[np.void], size_bp: NDArray[np.int64], stop_loss_bp: NDArray[np.int64]) -> None:
    """Let no bound exceed the limit of its account, unless the lower one does."""
    for parameter, limit in ((SIZE, size_bp), (STOP, stop_loss_bp)):
        low, high = policies["low"][:, parameter], policies["high"][:, parameter]
        policies["high_is_account"][:, parameter] = limit < high
        policies["high"][:, parameter] = np.maximum(np.minimum(high, limit), low)


def own_bounds(strategy: Strategy) -> tuple[tuple[int, int], ...]:
    """Return lowest and highest value of each of ``PARAMETERS``, in the units of their SESSION fields.

    Where the strategy states none they are half and twice what it begins with, within what a scenario may say; the
    number of positions is at most the strategy's own.
    """
    percent = _BP_PER_PERCENT
    begins = {
        "stop_loss_bp": int(strategy.stop_loss_percent * percent),
        "take_profit_bp": int(strategy.take_profit_percent * percent),
        "decision_interval_blocks": strategy.decision_interval_blocks,
        "max_slippage_bp": int(strategy.max_slippage_percent * percent),
        "max_concurrent_positions": strategy.max_concurrent_positions,
    }
    bounds = {
        SIZE: (strategy.min_position_size_percent * percent, strategy.max_position_size_percent_limit * percent),
        CONFIDENCE: (strategy.min_confidence_threshold * percent, strategy.max_confidence_threshold_limit * percent),
        BID: (BP // 2, 2 * BP),
        PAUSED: (0, 1),
        **_own_bounds_from(begins),
    }
    return tuple((int(bounds[parameter][0]), int(bounds[parameter][1])) for parameter in range(len(PARAMETERS)))


_AROUND = {
    STOP: ("stop_loss_bp", 10, 5_000),
    TARGET: ("take_profit_bp", 10, 100_000),
    INTERVAL: ("decision_interval_blocks", 1, 7_200),
    SLIPPAGE: ("max_slippage_bp", 1, 1_000),
}
"""Parameters that stay between half and twice what a session begins with, and what a scenario may say of them."""


def _own_bounds_from(begins: Any) -> dict[int, tuple[Any, Any]]:
    """Return the bounds that follow from what sessions begin with, numbers or arrays by the SESSION fields."""
    bounds = {
        parameter: (np.maximum(begins[field] // 2, least), np.minimum(2 * begins[field], most))
        for parameter, (field, least, most) in _AROUND.items()
    }
    return {**bounds, CONCURRENT: (1, begins["max_concurrent_positions"])}


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
