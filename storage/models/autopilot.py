"""What Auto Pilot changed and why, and what it saw."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from decimal import Decimal  # noqa: TC003
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped  # noqa: TC002

from simulation.autopilot.knowledge import REGIMES
from simulation.autopilot.triggers import AdjustmentType
from storage.models.base import (
    ARRAY,
    GWEI,
    JSON,
    KEY,
    NOT_NEGATIVE,
    OBJECT,
    PERCENT,
    PERCENTAGE,
    RATIO,
    TIME,
    USD,
    Base,
    between,
    choice,
    column,
    recorded,
    reference,
)

OUTCOMES = ("PENDING", "POSITIVE", "NEUTRAL", "NEGATIVE", "UNKNOWN")
PARAMETER = Numeric(20, 6)
SHA256 = "{0} ~ '^[0-9a-f]{{64}}$'"


class AutoPilotLog(Base):
    """One parameter change of one session, with its reason."""

    __tablename__ = "autopilot_logs"

    log_id: Mapped[UUID] = column(KEY, "Key of the adjustment.", primary_key=True)
    strategy_config_id: Mapped[UUID] = reference("paper_strategy_configs.config_id", "The strategy adjusted.")
    session_id: Mapped[UUID | None] = reference("paper_trading_sessions.session_id", "The session adjusted.")
    ordinal: Mapped[int] = column(BigInteger(), "Number of the adjustment in its session.", check=NOT_NEGATIVE)
    block: Mapped[int] = column(BigInteger(), "First block that trades with the new value.", check=NOT_NEGATIVE)
    timestamp: Mapped[datetime] = column(TIME, "Simulated time of that block.")
    adjustment_type: Mapped[str] = choice(50, AdjustmentType, "What kind of change it is.")
    parameter_name: Mapped[str] = column(String(50), "The parameter changed.")
    old_value: Mapped[Decimal] = column(PARAMETER, "Its value before.")
    new_value: Mapped[Decimal] = column(PARAMETER, "Its value from that block on.")
    change_percent: Mapped[Decimal] = column(
        Numeric(20, 2), "The change in percent of the value before, rounded down; 0 if that was 0."
    )
    reason: Mapped[str] = column(Text(), "Why, as a sentence.")
    trigger_metric: Mapped[str] = column(String(50), "The figure that called for it.")
    trigger_value: Mapped[float] = column(RATIO, "That figure.")
    trigger_threshold: Mapped[float] = column(RATIO, "What it was held against.", default="0")
    performance_before: Mapped[dict[str, Any]] = column(
        JSON, "Figures before the change.", default="'{}'::jsonb", check=OBJECT
    )
    performance_after: Mapped[dict[str, Any] | None] = column(
        JSON, "Figures at the evaluation.", default="'{}'::jsonb", check=OBJECT
    )
    outcome: Mapped[str] = choice(20, OUTCOMES, "What it turned out to be.", "PENDING")
    outcome_evaluated_at: Mapped[datetime | None] = column(TIME, "Simulated time of the evaluation.")
    outcome_notes: Mapped[str] = column(Text(), "How it was judged.", default="''")
    trades_since_adjustment: Mapped[int] = column(
        Integer(), "Trades that the evaluation rests on.", default="0", check=NOT_NEGATIVE
    )
    market_conditions: Mapped[dict[str, Any]] = column(
        JSON, "The market at the change.", default="'{}'::jsonb", check=OBJECT
    )
    confidence_in_adjustment: Mapped[Decimal] = column(
        PERCENT, "How sure Auto Pilot was, in percent.", default="50", check=PERCENTAGE
    )
    is_reversal: Mapped[bool] = column(Boolean(), "Whether it undoes an earlier one.", default="false")
    reverses_log_id: Mapped[UUID | None] = reference("autopilot_logs.log_id", "The one that it undoes.", index=True)
    recorded_at: Mapped[datetime] = recorded()
    regime: Mapped[int | None] = column(
        Integer(), "Number of the market's regime, of volatility, trend and gas.", check=between(0, REGIMES - 1)
    )
    row_hash: Mapped[str] = column(
        String(64), "SHA-256 of the row as it was written and of the hash of the session's row before.", check=SHA256
    )
    outcome_hash: Mapped[str | None] = column(
        String(64), "SHA-256 of that hash and the outcome, once it is there.", check=SHA256
    )

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        CheckConstraint("(outcome = 'PENDING') = (outcome_hash IS NULL)", name="outcome_has_a_hash"),
        CheckConstraint("is_reversal = (reverses_log_id IS NOT NULL)", name="reversal_names_what_it_undoes"),
        CheckConstraint("reverses_log_id <> log_id", name="does_not_undo_itself"),
        Index(None, "strategy_config_id", "timestamp"),
        Index(None, "adjustment_type"),
        Index(None, "outcome"),
        Index(None, "timestamp"),
        Index(None, "session_id", "timestamp"),
    )


class AutoPilotPerformanceSnapshot(Base):
    """A session's parameters and figures at the end of a review period, with the market they met."""

    __tablename__ = "autopilot_performance_snapshots"

    snapshot_id: Mapped[UUID] = column(KEY, "Key of the snapshot.", primary_key=True)
    strategy_config_id: Mapped[UUID] = reference("paper_strategy_configs.config_id", "The strategy.")
    session_id: Mapped[UUID | None] = reference("paper_trading_sessions.session_id", "The session.")
    ordinal: Mapped[int] = column(BigInteger(), "Number of the mark in its account.", check=NOT_NEGATIVE)
    block: Mapped[int] = column(BigInteger(), "Last block of the period.", check=NOT_NEGATIVE)
    timestamp: Mapped[datetime] = column(TIME, "Simulated time of the end of that block.")
    current_parameters: Mapped[dict[str, Any]] = column(
        JSON, "The parameters then, in the units of the session's state.", default="'{}'::jsonb", check=OBJECT
    )
    win_rate: Mapped[float] = column(
        RATIO, "Share of closed positions with a profit, in percent.", default="0", check=PERCENTAGE
    )
    total_trades: Mapped[int] = column(Integer(), "Orders that have ended.", default="0", check=NOT_NEGATIVE)
    winning_trades: Mapped[int] = column(
        Integer(), "Positions closed with a profit after gas.", default="0", check=NOT_NEGATIVE
    )
    losing_trades: Mapped[int] = column(Integer(), "Positions closed without one.", default="0", check=NOT_NEGATIVE)
    total_pnl_usd: Mapped[Decimal] = column(USD, "Equity less that at the session's start.", default="0")
    average_profit_per_trade: Mapped[Decimal] = column(
        USD, "Average result of a closed position after gas, rounded down.", default="0"
    )
    average_win_usd: Mapped[Decimal] = column(USD, "Average profit of a win.", default="0", check=NOT_NEGATIVE)
    average_loss_usd: Mapped[Decimal] = column(
        USD, "Average loss of a losing position, as a positive number.", default="0", check=NOT_NEGATIVE
    )
    largest_win_usd: Mapped[Decimal] = column(USD, "Largest profit.", default="0", check=NOT_NEGATIVE)
    largest_loss_usd: Mapped[Decimal] = column(
        USD, "Largest loss, as a positive number.", default="0", check=NOT_NEGATIVE
    )
    max_drawdown_percent: Mapped[float] = column(
        RATIO, "Largest fall of equity from its peak.", default="0", check=PERCENTAGE
    )
    sharpe_ratio: Mapped[float] = column(
        RATIO, "Annualised Sharpe ratio of the returns from mark to mark.", default="0"
    )
    profit_factor: Mapped[float] = column(RATIO, "Sum of profits over sum of losses.", default="0", check=NOT_NEGATIVE)
    market_volatility: Mapped[Decimal] = column(
        PERCENT, "Mean volatility score of the tokens at the mark: 0 calm, 100 wild.", default="0", check=PERCENTAGE
    )
    avg_gas_price_gwei: Mapped[Decimal] = column(
        GWEI, "Base fee and usual priority fee at the mark, in gwei.", default="0", check=NOT_NEGATIVE
    )
    market_trend: Mapped[str] = choice(
        20, ("bullish", "neutral", "bearish"), "Mean trend score of the tokens at the mark, as a word.", "neutral"
    )
    market_conditions_detail: Mapped[dict[str, Any]] = column(
        JSON, "Mean scores of the tokens and fees at the mark.", default="'{}'::jsonb", check=OBJECT
    )
    autopilot_active: Mapped[bool] = column(Boolean(), "Whether Auto Pilot could adjust the session.", default="false")
    adjustments_made_count: Mapped[int] = column(
        Integer(), "Adjustments since the start.", default="0", check=NOT_NEGATIVE
    )
    last_adjustment_log_id: Mapped[UUID | None] = reference("autopilot_logs.log_id", "The last of them.", index=True)
    last_adjustment_type: Mapped[str] = column(String(50), "Its kind.", default="''")
    snapshot_period_hours: Mapped[Decimal] = column(
        Numeric(12, 6), "Length of the review period, in simulated hours.", default="1", check="{0} >= 0"
    )
    notes: Mapped[str] = column(Text(), "Anything else.", default="''")
    recorded_at: Mapped[datetime] = recorded()
    twin_equity_usd: Mapped[Decimal | None] = column(
        USD, "Equity of the twin that trades without the adjustment being judged.", check=NOT_NEGATIVE
    )

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        CheckConstraint("winning_trades + losing_trades <= total_trades", name="scores"),
        Index(None, "strategy_config_id", "timestamp"),
        Index(None, "autopilot_active"),
        Index(None, "win_rate"),
        Index(None, "timestamp"),
        Index(None, "session_id", "timestamp"),
    )


class AutoPilotKnowledge(Base):
    """Outcomes counted over earlier runs, by type of adjustment and market regime; a version is never changed."""

    __tablename__ = "autopilot_knowledge"

    version: Mapped[int] = column(
        Integer(), "Number of the version, from 1.", primary_key=True, autoincrement=False, check="{0} > 0"
    )
    from_version: Mapped[int] = column(
        Integer(), "The version that was added to, 0 for none.", check="{0} = version - 1"
    )
    from_run: Mapped[UUID] = column(
        KEY, "Key of the run whose outcomes were added, which may be archived by now.", unique=True
    )
    outcomes: Mapped[int] = column(Integer(), "How many outcomes that were.", check="{0} > 0")
    counts: Mapped[list[Any]] = column(
        JSON, "Outcomes of each type and regime: POSITIVE, NEUTRAL, NEGATIVE.", check=ARRAY
    )
    hash: Mapped[str] = column(String(64), "SHA-256 of version and counts.", check=SHA256)
    recorded_at: Mapped[datetime] = recorded()
