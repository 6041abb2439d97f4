"""The columns of every table that a session writes, in the order of their COPY text; the first of each is the key."""

from __future__ import annotations

from storage.position_rows import POSITIONS
from storage.row_types import (
    AccountRow,
    CheckpointRow,
    LogRow,
    MetricRow,
    OutcomeRow,
    SessionRow,
    SnapshotRow,
    StrategyRow,
)
from storage.thought_rows import THOUGHTS
from storage.trade_rows import TRADES

UPDATED: dict[str, tuple[str, ...]] = {
    "session_checkpoints": CheckpointRow._fields,
    "paper_trading_accounts": AccountRow._fields,
    "paper_strategy_configs": StrategyRow._fields,
    "paper_trading_sessions": SessionRow._fields,
}
"""Columns of the rows that exist since the beginning and change; the first is the key."""

UPSERTED: dict[str, tuple[str, ...]] = {
    "paper_positions": POSITIONS.names,
    "paper_trades": TRADES.names,
}
"""Columns of the rows that appear and change later; the first is the key."""

APPENDED: dict[str, tuple[str, ...]] = {
    "paper_ai_thought_logs": THOUGHTS.names,
    "paper_performance_metrics": MetricRow._fields,
    "autopilot_performance_snapshots": SnapshotRow._fields,
}
"""Columns of the rows that are written once."""

LOG, OUTCOMES = "autopilot_logs", "autopilot_outcomes"
CHAINED: dict[str, tuple[str, ...]] = {LOG: LogRow._fields, OUTCOMES: OutcomeRow._fields}
"""Columns of the rows that are written once, each with its hash, and of what is filled into them once (which is no
table of its own). They come before snapshots, which refer to them."""
