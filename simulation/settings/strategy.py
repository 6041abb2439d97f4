"""What a session is told: how it decides, what it may risk, and how real the exchange is to its account."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from simulation.settings.base import Name, Part, Percent, Usd


class TradingMode(StrEnum):
    """A preset of strategy limits; CUSTOM takes every field as given."""

    CONSERVATIVE = "CONSERVATIVE"
    MODERATE = "MODERATE"
    AGGRESSIVE = "AGGRESSIVE"
    CUSTOM = "CUSTOM"


class Aggressiveness(StrEnum):
    """How large the steps of Auto Pilot are."""

    CONSERVATIVE = "CONSERVATIVE"
    MODERATE = "MODERATE"
    AGGRESSIVE = "AGGRESSIVE"


MODE_PRESETS: dict[TradingMode, dict[str, str | int]] = {
    TradingMode.CONSERVATIVE: {
        "max_position_size_percent": "3",
        "stop_loss_percent": "3",
        "take_profit_percent": "6",
        "max_daily_trades": 8,
        "max_concurrent_positions": 3,
        "max_slippage_percent": "0.5",
        "confidence_threshold": "70",
    },
    TradingMode.MODERATE: {},
    TradingMode.AGGRESSIVE: {
        "max_position_size_percent": "12",
        "stop_loss_percent": "8",
        "take_profit_percent": "20",
        "max_daily_trades": 60,
        "max_concurrent_positions": 8,
        "max_slippage_percent": "3",
        "confidence_threshold": "50",
    },
    TradingMode.CUSTOM: {},
}
"""What each mode sets where the scenario is silent; MODERATE is the defaults themselves."""


BUILT_IN_ANALYST = "multi_factor"
"""The analyst of every strategy that names none."""


class Strategy(Part):
    """A named configuration of how a session decides, what it may risk, and how far Auto Pilot may go."""

    name: Name = "moderate"
    trading_mode: TradingMode = TradingMode.MODERATE
    analyst: Name = BUILT_IN_ANALYST
    """Who scores the tokens: a built-in or installed analyst by name, or ``module:Class`` of a file of your own."""
    custom_parameters: dict[Name, int | float | Name | bool] = Field(default={}, max_length=100)
    """Keyword arguments of the analyst's class."""
    decision_interval_blocks: int = Field(100, ge=1, le=7200)
    """A session analyses each of its tokens once in this many blocks."""
    use_fast_lane: bool = True
    use_smart_lane: bool = False
    fast_lane_threshold_usd: Usd = Field(Decimal(100), ge=0, le=1_000_000)
    """Trades up to this size take the FAST lane when both lanes are open."""
    max_position_size_percent: Percent = Field(Decimal(5), ge=Decimal("0.1"), le=100)
    """Largest cost of a position, in percent of the account's equity; it may be bought in several orders."""
    max_trade_size_usd: Usd = Field(Decimal(1000), ge=10, le=100_000)
    """Largest purchase and slice of a sale. What is not clearly larger is sold whole, and at a stop or target all."""
    stop_loss_percent: Percent = Field(Decimal(5), ge=Decimal("0.1"), le=50)
    take_profit_percent: Percent = Field(Decimal(10), ge=Decimal("0.1"), le=1000)
    max_hold_hours: int = Field(72, ge=1, le=720)
    max_daily_trades: int = Field(20, ge=1, le=1000)
    """Orders a simulated UTC day; an exit is never held back by it."""
    max_concurrent_positions: int = Field(5, ge=1, le=100)
    min_liquidity_usd: Usd = Field(Decimal(10_000), ge=0, le=Decimal(10) ** 12)
    """Least USD, on that side of all pools of a token together, at which it is bought."""
    max_slippage_percent: Percent = Field(Decimal(1), ge=Decimal("0.01"), le=10)
    """Slippage tolerance between quote and fill; beyond it the swap reverts and still pays gas."""
    confidence_threshold: Percent = Field(Decimal(60), ge=0, le=100)
    allowed_tokens: tuple[str, ...] = ()
    """Symbols that may be traded; empty means all of the market's."""
    blocked_tokens: tuple[str, ...] = ()

    autopilot_enabled: bool = False
    min_position_size_percent: Percent = Field(Decimal(1), ge=Decimal("0.1"), le=25)
    max_position_size_percent_limit: Percent = Field(Decimal(20), ge=1, le=50)
    min_confidence_threshold: Percent = Field(Decimal(40), ge=10, le=95)
    max_confidence_threshold_limit: Percent = Field(Decimal(95), ge=50, le=100)
    learning_rate: Decimal = Field(Decimal("0.1"), ge=Decimal("0.0001"), le=1, decimal_places=4)
    adaptation_aggressiveness: Aggressiveness = Aggressiveness.MODERATE
    performance_window_trades: int = Field(20, ge=5, le=100)
    adjustment_cooldown_minutes: int = Field(30, ge=1, le=1440)
    max_daily_adjustments: int = Field(10, ge=1, le=100)
    auto_disable_after_failures: int = Field(5, ge=1, le=20)
    """Adjustments in a row that did harm, after which Auto Pilot switches itself off."""

    @field_validator("custom_parameters", mode="before")
    @classmethod
    def _check_parameters(cls, value: Any) -> Any:
        """Refuse a parameter that is no single value, in one sentence and not in one for each type that it could be."""
        for name, parameter in value.items() if isinstance(value, dict) else ():
            if not isinstance(parameter, int | float | str | bool):
                raise ValueError(  # noqa: TRY004 -- the kind that pydantic reports
                    f"{name} is {parameter!r}; give a number, a text, true or false"
                )
        return value

    @model_validator(mode="before")
    @classmethod
    def _apply_mode(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        mode = data.get("trading_mode")
        preset = next((preset for named, preset in MODE_PRESETS.items() if named == mode), {})
        return {**preset, **data}

    @model_validator(mode="after")
    def _check_pairs(self) -> Strategy:
        if not (self.use_fast_lane or self.use_smart_lane):
            raise ValueError("use_fast_lane and use_smart_lane are both false; open at least one lane")
        for low, high in (
            ("min_position_size_percent", "max_position_size_percent_limit"),
            ("min_confidence_threshold", "max_confidence_threshold_limit"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} {getattr(self, low)} is above {high} {getattr(self, high)}")
        return self

    @model_validator(mode="after")
    def _check_autopilot(self) -> Strategy:
        """Refuse a start outside Auto Pilot's bounds: its first step would be a jump back into them."""
        bounds = {
            "max_position_size_percent": ("min_position_size_percent", "max_position_size_percent_limit"),
            "confidence_threshold": ("min_confidence_threshold", "max_confidence_threshold_limit"),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if self.autopilot_enabled and not getattr(self, low) <= value <= getattr(self, high):
                raise ValueError(
                    f"{name} {value} is outside the bounds of Auto Pilot, {low} {getattr(self, low)} and {high} "
                    f"{getattr(self, high)}"
                )
        return self


class TradingConfig(Part):
    """How real the simulated exchange is to one account, and what the account allows whatever its strategy says.

    An account's limit holds for every strategy on it: the stricter of the two counts. As they are, the account sets no
    limit of its own.
    """

    base_slippage_percent: Percent = Field(Decimal("0.5"), ge=0, le=10)
    """Largest adverse price move by other swaps that land just before an order in its block."""
    gas_price_multiplier: Percent = Field(Decimal(1), ge=Decimal("0.1"), le=10)
    """Scales the account's bid: its fee cap and its priority fee."""
    execution_delay_ms: int = Field(500, ge=0, le=600_000)
    max_position_size_percent: Percent = Field(Decimal(100), ge=Decimal("0.1"), le=100)
    """Largest cost of a position on this account, in percent of its equity; a strategy's smaller one counts."""
    max_daily_trades: int = Field(1000, ge=1, le=1000)
    """Orders a simulated UTC day on this account; a strategy's lower number counts."""
    stop_loss_percent: Percent = Field(Decimal(50), ge=Decimal("0.1"), le=50)
    """Loss at which a position of this account is left; a strategy's nearer stop counts."""
    simulate_network_issues: bool = True
    """Some orders reach the chain a few blocks late, and a few never."""
    simulate_mev: bool = True
    """Orders in the public mempool are sandwiched where that pays the attacker."""
    failure_rate_percent: Percent = Field(Decimal(2), ge=0, le=100)
    """Share of included orders that revert for reasons of their own; they pay gas."""
