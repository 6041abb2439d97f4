"""The rows that a session writes, one type for each table; the names of the fields are the columns.

The first field of each is the key of the row. Keys, and numbers that must not pass through a float, are text
already.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- NamedTuple keeps the annotations
from typing import Any, NamedTuple
from uuid import UUID  # noqa: TC003


class CheckpointRow(NamedTuple):
    """Changes of ``session_checkpoints``."""

    session_id: UUID
    seq: int
    next_block: int
    state: bytes


class AccountRow(NamedTuple):
    """Changes of ``paper_trading_accounts``."""

    account_id: str
    current_balance_usd: str
    last_activity: datetime
    total_trades: int
    winning_trades: int
    losing_trades: int
    total_profit_loss_usd: str


class StrategyRow(NamedTuple):
    """Changes of ``paper_strategy_configs``."""

    config_id: str
    autopilot_adjustments_count: int
    autopilot_last_adjustment: datetime
    updated_at: datetime
    autopilot_disabled_reason: str


class SessionRow(NamedTuple):
    """Changes of ``paper_trading_sessions``."""

    session_id: str
    last_activity: datetime
    total_trades: int
    successful_trades: int
    failed_trades: int
    equity_usd: str
    reserved_usd: str
    gas_paid_usd: str
    realized_pnl_usd: str
    max_drawdown_percent: str
    fee_usd: str
    price_impact_usd: str
    drift_usd: str
    sandwich_usd: str
    failure_usd: str
    status: str
    stopped_at: datetime | None
    error_message: str
    status_reason: str


class MetricRow(NamedTuple):
    """A row of ``paper_performance_metrics``."""

    metric_id: str
    session_id: str
    ordinal: int
    block: int
    period_start: datetime
    period_end: datetime
    equity_usd: str
    cash_usd: str
    gas_paid_usd: str
    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: float
    total_pnl_usd: str
    total_pnl_percent: float
    average_win_usd: str
    average_loss_usd: str
    largest_win_usd: str
    largest_loss_usd: str
    max_drawdown_percent: float
    sharpe_ratio: float
    profit_factor: float
    created_at: datetime


class LogRow(NamedTuple):
    """A row of ``autopilot_logs`` as it is appended; all of it is hashed, in this order (``storage.chain``)."""

    log_id: str
    strategy_config_id: str
    session_id: str
    ordinal: int
    block: int
    timestamp: datetime
    adjustment_type: str
    parameter_name: str
    old_value: str
    new_value: str
    change_percent: str
    reason: str
    trigger_metric: str
    trigger_value: float
    trigger_threshold: float
    performance_before: dict[str, Any]
    market_conditions: dict[str, Any]
    confidence_in_adjustment: str
    is_reversal: bool
    reverses_log_id: str | None
    regime: int | None


class OutcomeRow(NamedTuple):
    """What of a row of ``autopilot_logs`` is filled in once; all but the key is hashed, in this order."""

    log_id: str
    outcome: str
    outcome_evaluated_at: datetime
    outcome_notes: str
    trades_since_adjustment: int
    performance_after: dict[str, Any]


class SnapshotRow(NamedTuple):
    """A row of ``autopilot_performance_snapshots``."""

    snapshot_id: str
    strategy_config_id: str
    session_id: str
    ordinal: int
    block: int
    timestamp: datetime
    current_parameters: dict[str, Any]
    win_rate: float
    total_trades: int
    winning_trades: int
    losing_trades: int
    total_pnl_usd: str
    average_profit_per_trade: str
    average_win_usd: str
    average_loss_usd: str
    largest_win_usd: str
    largest_loss_usd: str
    max_drawdown_percent: float
    sharpe_ratio: float
    profit_factor: float
    market_volatility: str
    avg_gas_price_gwei: str
    market_trend: str
    market_conditions_detail: dict[str, Any]
    autopilot_active: bool
    adjustments_made_count: int
    last_adjustment_log_id: str | None
    snapshot_period_hours: str
    twin_equity_usd: str | None
