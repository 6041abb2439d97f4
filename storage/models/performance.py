"""Sessions, and their figures at the end of each review period."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from decimal import Decimal  # noqa: TC003
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped  # noqa: TC002

from storage.models.base import (
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
    choice,
    column,
    named,
    recorded,
    reference,
)

SESSION_STATUSES = ("RUNNING", "PAUSED", "STOPPED", "COMPLETED", "ERROR")


class PaperTradingSession(Base):
    """One strategy trading on one account from start to stop."""

    __tablename__ = "paper_trading_sessions"

    session_id: Mapped[UUID] = column(KEY, "Key of the session.", primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account that it trades on.")
    strategy_config_id: Mapped[UUID | None] = reference(
        "paper_strategy_configs.config_id", "The strategy that it follows.", index=True
    )
    status: Mapped[str] = choice(20, SESSION_STATUSES, "How far the session has come.", "RUNNING")
    started_at: Mapped[datetime] = column(TIME, "Simulated time of the start.")
    stopped_at: Mapped[datetime | None] = column(TIME, "Simulated time of the stop.")
    last_activity: Mapped[datetime] = column(TIME, "Simulated time up to which it has traded.")
    total_trades: Mapped[int] = column(Integer(), "Orders that have ended.", default="0", check=NOT_NEGATIVE)
    successful_trades: Mapped[int] = column(Integer(), "Orders that were filled.", default="0", check=NOT_NEGATIVE)
    failed_trades: Mapped[int] = column(Integer(), "Orders that were not.", default="0", check=NOT_NEGATIVE)
    equity_usd: Mapped[Decimal] = column(USD, "Cash and value of what is held.", default="0", check=NOT_NEGATIVE)
    reserved_usd: Mapped[Decimal] = column(USD, "Cash promised to orders in flight.", default="0", check=NOT_NEGATIVE)
    gas_paid_usd: Mapped[Decimal] = column(USD, "Gas paid.", default="0", check=NOT_NEGATIVE)
    realized_pnl_usd: Mapped[Decimal] = column(USD, "Proceeds of sales less their cost basis, before gas.", default="0")
    max_drawdown_percent: Mapped[Decimal] = column(
        PERCENT, "Largest fall of equity from its peak.", default="0", check=PERCENTAGE
    )
    extra: Mapped[dict[str, Any]] = named("metadata", JSON, "Anything else.", default="'{}'::jsonb", check=OBJECT)
    error_message: Mapped[str] = column(Text(), "Why it ended in ERROR.", default="''")
    recorded_at: Mapped[datetime] = recorded()
    status_reason: Mapped[str] = column(
        Text(), "Why it has its status, in a sentence; nothing while it runs.", default="''"
    )

    __table_args__ = (
        CheckConstraint("total_trades = successful_trades + failed_trades", name="trades_add_up"),
        Index(
            "unique_running_session_per_account", "account_id", unique=True, postgresql_where=text("status = 'RUNNING'")
        ),
        Index(None, "account_id", "status"),
        Index(None, "started_at"),
        Index(None, "status"),
    )


class PaperPerformanceMetrics(Base):
    """A session's figures in one review period."""

    __tablename__ = "paper_performance_metrics"

    metric_id: Mapped[UUID] = column(KEY, "Key of the row.", primary_key=True)
    session_id: Mapped[UUID] = reference("paper_trading_sessions.session_id", "The session.")
    ordinal: Mapped[int] = column(BigInteger(), "Number of the mark in its account.", check=NOT_NEGATIVE)
    block: Mapped[int] = column(BigInteger(), "Last block of the period.", check=NOT_NEGATIVE)
    period_start: Mapped[datetime] = column(TIME, "Simulated time of the start of its first block.")
    period_end: Mapped[datetime] = column(TIME, "Simulated time of the end of its last block.")
    equity_usd: Mapped[Decimal] = column(
        USD, "Cash and value of what is held, at its end.", default="0", check=NOT_NEGATIVE
    )
    cash_usd: Mapped[Decimal] = column(USD, "Cash at its end.", default="0", check=NOT_NEGATIVE)
    gas_paid_usd: Mapped[Decimal] = column(USD, "Gas paid in it.", default="0", check=NOT_NEGATIVE)
    total_trades: Mapped[int] = column(Integer(), "Orders that ended in it.", default="0", check=NOT_NEGATIVE)
    winning_trades: Mapped[int] = column(
        Integer(), "Positions closed with a profit after gas.", default="0", check=NOT_NEGATIVE
    )
    losing_trades: Mapped[int] = column(Integer(), "Positions closed without one.", default="0", check=NOT_NEGATIVE)
    win_rate: Mapped[float] = column(
        RATIO, "Share of closed positions with a profit, in percent.", default="0", check=PERCENTAGE
    )
    total_pnl_usd: Mapped[Decimal] = column(USD, "Equity at its end less that at its start.", default="0")
    total_pnl_percent: Mapped[float] = column(RATIO, "The same in percent of that at its start.", default="0")
    average_win_usd: Mapped[Decimal] = column(USD, "Average profit of a win.", default="0", check=NOT_NEGATIVE)
    average_loss_usd: Mapped[Decimal] = column(
        USD, "Average loss of a losing position, as a positive number.", default="0", check=NOT_NEGATIVE
    )
    largest_win_usd: Mapped[Decimal] = column(USD, "Largest profit.", default="0", check=NOT_NEGATIVE)
    largest_loss_usd: Mapped[Decimal] = column(
        USD, "Largest loss, as a positive number.", default="0", check=NOT_NEGATIVE
    )
    max_drawdown_percent: Mapped[float] = column(
        RATIO, "Largest fall of equity from its peak since the session's start.", default="0", check=PERCENTAGE
    )
    sharpe_ratio: Mapped[float] = column(
        RATIO, "Annualised Sharpe ratio of the returns of all periods until its end.", default="0"
    )
    profit_factor: Mapped[float] = column(RATIO, "Sum of profits over sum of losses.", default="0", check=NOT_NEGATIVE)
    created_at: Mapped[datetime] = column(TIME, "Simulated time of the mark.")
    recorded_at: Mapped[datetime] = recorded()

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        CheckConstraint("period_start <= period_end", name="period"),
        CheckConstraint("winning_trades + losing_trades <= total_trades", name="scores"),
        Index(None, "session_id", "period_end"),
        Index(None, "win_rate"),
        Index(None, "total_pnl_percent"),
    )
