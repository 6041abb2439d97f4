"""Strategies, and what sessions thought when they followed them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from decimal import Decimal  # noqa: TC003
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped  # noqa: TC002

from simulation.choices import DecisionType, Lane, Reason
from simulation.settings.strategy import TradingMode
from storage.models.base import (
    ADDRESS,
    ARRAY,
    JSON,
    KEY,
    NOT_NEGATIVE,
    OBJECT,
    PERCENT,
    PERCENTAGE,
    TIME,
    USD,
    Base,
    between,
    choice,
    column,
    recorded,
    reference,
)

CONFIDENCE_LEVELS = ("VERY_HIGH", "HIGH", "MEDIUM", "LOW", "VERY_LOW")
AGGRESSIVENESS = ("CONSERVATIVE", "MODERATE", "AGGRESSIVE")
TAKE_PROFIT_PERCENT = Numeric(6, 2)


class PaperStrategyConfiguration(Base):
    """How an account's session decides, what it may risk, and how far Auto Pilot may go."""

    __tablename__ = "paper_strategy_configs"

    config_id: Mapped[UUID] = column(KEY, "Key of the strategy.", primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account it trades for.")
    name: Mapped[str] = column(String(100), "Name of the strategy, unique in its account.")
    is_active: Mapped[bool] = column(Boolean(), "Whether it is in use.", default="true")
    decision_interval_blocks: Mapped[int] = column(
        Integer(), "A session analyses each token once in so many blocks.", default="100", check=between(1, 7200)
    )
    enable_dca: Mapped[bool] = column(Boolean(), "Whether it buys in instalments.", default="false")
    enable_grid: Mapped[bool] = column(Boolean(), "Whether it trades a price grid.", default="false")
    enable_twap: Mapped[bool] = column(Boolean(), "Whether it spreads orders evenly in time.", default="false")
    enable_vwap: Mapped[bool] = column(Boolean(), "Whether it spreads orders by volume.", default="false")
    dca_num_intervals: Mapped[int] = column(Integer(), "Instalments.", default="5", check=between(2, 20))
    dca_interval_hours: Mapped[int] = column(
        Integer(), "Hours between instalments.", default="2", check=between(1, 168)
    )
    grid_num_levels: Mapped[int] = column(Integer(), "Levels of the grid.", default="7", check=between(3, 20))
    grid_profit_target_percent: Mapped[Decimal] = column(
        PERCENT, "Profit of one level of the grid.", default="2.0", check=between("0.1", "10.0")
    )
    trading_mode: Mapped[str] = choice(20, TradingMode, "Preset that filled the limits left open.", "MODERATE")
    intel_level: Mapped[int] = column(Integer(), "Depth of analysis.", default="5", check=between(1, 10))
    use_fast_lane: Mapped[bool] = column(Boolean(), "Whether the FAST lane is open.", default="true")
    use_smart_lane: Mapped[bool] = column(Boolean(), "Whether the SMART lane is open.", default="false")
    fast_lane_threshold_usd: Mapped[Decimal] = column(
        USD, "Trades up to this size take the FAST lane when both are open.", default="100", check=NOT_NEGATIVE
    )
    max_position_size_percent: Mapped[Decimal] = column(
        PERCENT, "Largest cost of a position, in percent of equity.", default="5.0", check=between("0.1", 100)
    )
    max_trade_size_usd: Mapped[Decimal] = column(
        USD,
        "Largest purchase and slice, in USD; an exit at the stop or target sells all.",
        default="1000.00",
        check=between(10, 100000),
    )
    stop_loss_percent: Mapped[Decimal] = column(
        PERCENT, "Loss at which a position is left.", default="5.0", check=between("0.1", 50)
    )
    take_profit_percent: Mapped[Decimal] = column(
        TAKE_PROFIT_PERCENT, "Profit at which a position is left.", default="10.0", check=between("0.1", 1000)
    )
    max_hold_hours: Mapped[int] = column(
        Integer(), "Longest time a position is held, in hours.", default="72", check=between(1, 720)
    )
    max_daily_trades: Mapped[int] = column(
        Integer(), "Most orders a simulated day.", default="20", check=between(1, 1000)
    )
    max_concurrent_positions: Mapped[int] = column(
        Integer(), "Most positions at a time.", default="5", check=between(1, 100)
    )
    min_liquidity_usd: Mapped[Decimal] = column(
        USD, "Smallest USD side of a pool that is traded in.", default="10000", check=NOT_NEGATIVE
    )
    max_slippage_percent: Mapped[Decimal] = column(
        PERCENT, "Shortfall against the quote beyond which a swap reverts.", default="1.0", check=between("0.01", 10)
    )
    confidence_threshold: Mapped[Decimal] = column(
        PERCENT, "Confidence that a purchase needs, in percent.", default="60", check=PERCENTAGE
    )
    allowed_tokens: Mapped[list[Any]] = column(
        JSON, "Symbols that may be traded; empty means all.", default="'[]'::jsonb", check=ARRAY
    )
    blocked_tokens: Mapped[list[Any]] = column(
        JSON, "Symbols that may not be traded.", default="'[]'::jsonb", check=ARRAY
    )
    custom_parameters: Mapped[dict[str, Any]] = column(
        JSON, "Parameters of a user's own.", default="'{}'::jsonb", check=OBJECT
    )
    autopilot_enabled: Mapped[bool] = column(Boolean(), "Whether Auto Pilot may adjust it.", default="false")
    autopilot_started_at: Mapped[datetime | None] = column(TIME, "Simulated time since which it may.")
    autopilot_adjustments_count: Mapped[int] = column(Integer(), "Adjustments made.", default="0", check=NOT_NEGATIVE)
    autopilot_last_adjustment: Mapped[datetime | None] = column(TIME, "Simulated time of the last adjustment.")
    min_position_size_percent: Mapped[Decimal] = column(
        PERCENT, "Lower bound of Auto Pilot for the position size.", default="1.0", check=between("0.1", 25)
    )
    max_position_size_percent_limit: Mapped[Decimal] = column(
        PERCENT, "Upper bound of Auto Pilot for the position size.", default="20.0", check=between(1, 50)
    )
    min_confidence_threshold: Mapped[Decimal] = column(
        PERCENT, "Lower bound of Auto Pilot for the confidence threshold.", default="40.0", check=between(10, 95)
    )
    max_confidence_threshold_limit: Mapped[Decimal] = column(
        PERCENT, "Upper bound of Auto Pilot for the confidence threshold.", default="95.0", check=between(50, 100)
    )
    learning_rate: Mapped[Decimal] = column(
        Numeric(5, 4), "Scales Auto Pilot's steps.", default="0.1000", check=between("0.0001", "1.0")
    )
    adaptation_aggressiveness: Mapped[str] = choice(20, AGGRESSIVENESS, "Scales Auto Pilot's steps.", "MODERATE")
    performance_window_trades: Mapped[int] = column(
        Integer(), "Closed trades that Auto Pilot judges by.", default="20", check=between(5, 100)
    )
    adjustment_cooldown_minutes: Mapped[int] = column(
        Integer(), "Simulated minutes between adjustments.", default="30", check=between(1, 1440)
    )
    max_daily_adjustments: Mapped[int] = column(
        Integer(), "Most adjustments a simulated day.", default="10", check=between(1, 100)
    )
    auto_disable_after_failures: Mapped[int] = column(
        Integer(),
        "Failed adjustments in a row after which Auto Pilot disables itself.",
        default="5",
        check=between(1, 20),
    )
    created_at: Mapped[datetime] = column(TIME, "Simulated time of the beginning.")
    updated_at: Mapped[datetime] = column(TIME, "Simulated time of the last change.")
    recorded_at: Mapped[datetime] = recorded()
    analyst: Mapped[str] = column(
        String(200), "Whose scores it listens to: a name, or module:Class.", default="'multi_factor'"
    )
    autopilot_disabled_reason: Mapped[str] = column(
        Text(), "Why Auto Pilot has switched itself off, as a sentence; nothing while it has not.", default="''"
    )

    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        CheckConstraint("min_position_size_percent <= max_position_size_percent_limit", name="position_size_bounds"),
        CheckConstraint("min_confidence_threshold <= max_confidence_threshold_limit", name="confidence_bounds"),
        CheckConstraint("use_fast_lane OR use_smart_lane", name="a_lane_is_open"),
        Index(None, "account_id", "is_active"),
        Index(None, "autopilot_enabled"),
        Index(None, "created_at"),
        Index(None, "updated_at"),
    )


class PaperAIThoughtLog(Base):
    """A decision about a token, with the numbers and the reasons it was made for."""

    __tablename__ = "paper_ai_thought_logs"

    thought_id: Mapped[UUID] = column(KEY, "Key of the thought.", primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account it was made for.")
    session_id: Mapped[UUID] = reference("paper_trading_sessions.session_id", "The session that made it.")
    strategy_config_id: Mapped[UUID] = reference(
        "paper_strategy_configs.config_id", "The strategy of that session.", index=True
    )
    paper_trade_id: Mapped[UUID | None] = reference("paper_trades.trade_id", "The order that it sent.", index=True)
    ordinal: Mapped[int] = column(BigInteger(), "Number of the decision in its account.", check=NOT_NEGATIVE)
    block: Mapped[int] = column(BigInteger(), "Block of the decision.", check=NOT_NEGATIVE)
    decision_type: Mapped[str] = choice(20, DecisionType.__members__, "What was decided.")
    reason: Mapped[str] = choice(30, Reason.__members__, "Which rule decided.")
    observed_value: Mapped[int] = column(BigInteger(), "What the rule saw, in the unit of the reason.")
    limit_value: Mapped[int] = column(BigInteger(), "What the rule held it against, in the same unit.")
    token_address: Mapped[str] = column(String(42), "Address of the token.", check=ADDRESS)
    token_symbol: Mapped[str] = column(String(20), "Symbol of the token.")
    confidence_level: Mapped[str] = choice(20, CONFIDENCE_LEVELS, "Confidence as a word.")
    confidence_percent: Mapped[Decimal] = column(PERCENT, "Confidence, in percent.", check=PERCENTAGE)
    risk_score: Mapped[Decimal] = column(PERCENT, "Risk, from 0 to 100.", check=PERCENTAGE)
    opportunity_score: Mapped[Decimal] = column(PERCENT, "Opportunity, from 0 to 100.", check=PERCENTAGE)
    primary_reasoning: Mapped[str] = column(Text(), "The reason as a sentence.")
    risk_assessment: Mapped[str] = column(Text(), "The risk as a sentence.")
    key_factors: Mapped[list[Any]] = column(JSON, "Factors and their weights.", default="'[]'::jsonb", check=ARRAY)
    positive_signals: Mapped[list[Any]] = column(JSON, "What spoke for it.", default="'[]'::jsonb", check=ARRAY)
    negative_signals: Mapped[list[Any]] = column(JSON, "What spoke against it.", default="'[]'::jsonb", check=ARRAY)
    market_data: Mapped[dict[str, Any]] = column(
        JSON, "The market that it was based on.", default="'{}'::jsonb", check=OBJECT
    )
    strategy_name: Mapped[str] = column(String(100), "Name of the strategy.")
    lane_used: Mapped[str] = choice(20, Lane.__members__, "Lane that it was made in.", "FAST")
    created_at: Mapped[datetime] = column(TIME, "Simulated time of the decision.")
    analysis_time_ms: Mapped[int] = column(
        Integer(), "Simulated time that the analysis took, in milliseconds.", default="0", check=NOT_NEGATIVE
    )
    recorded_at: Mapped[datetime] = recorded()
    inputs: Mapped[dict[str, Any]] = column(
        JSON, "All numbers that the rule looked at: asked again with them, it says the same.", default="'{}'::jsonb",
        check=OBJECT,
    )  # fmt: skip

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        Index(None, "account_id", "created_at"),
        Index(
            "ix_paper_ai_thought_logs_surest_of_a_kind",
            "account_id",
            "reason",
            "decision_type",
            "confidence_percent",
            "ordinal",
        ),
        Index(None, "decision_type"),
        Index(None, "confidence_level"),
        Index(None, "token_address"),
    )
