"""Swaps of one token for another, and positions bought and sold in several orders.

A swap names the position that it gives up, a better candidate is a reason, and metrics are those of their period alone;
comments say what columns mean now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

THOUGHTS, TRADES, POSITIONS = "paper_ai_thought_logs", "paper_trades", "paper_positions"
METRICS = "paper_performance_metrics"
NEW_REASON = "BETTER_CANDIDATE"
REASONS = (
    "SIGNAL", "STOP_LOSS", "TAKE_PROFIT", "HOLD_TIME", "NO_OPPORTUNITY", "LOW_CONFIDENCE", "LOW_LIQUIDITY",
    "DAILY_TRADES", "CONCURRENT_POSITIONS", "INSUFFICIENT_CASH", "GAS_UNAFFORDABLE", "PAUSED", "TOO_COSTLY",
    "NO_LIQUIDITY",
)  # fmt: skip
COMMENTS = (
    (TRADES, "position_id", "The position it opened or reduced.", "The position it opened, raised or reduced."),
    (
        TRADES,
        "deadline_block",
        "Block at which it expires, while it is pending.",
        "Block at which it expires, while it is in flight.",
    ),
    (
        TRADES,
        "amount_in_usd",
        "The same in USD; for a sale what the pool promised for it.",
        "The same in USD: for a sale what the pools promised, for a swap at the mid price.",
    ),
    (
        TRADES,
        "cost_basis_usd",
        "Cost basis that a purchase added or a sale removed.",
        "Cost basis that a purchase or swap added or a sale removed.",
    ),
    (
        TRADES,
        "realized_pnl_usd",
        "A sale's proceeds less that cost basis, before gas.",
        "Proceeds of what was sold less its cost basis, before gas.",
    ),
    (
        TRADES,
        "net_pnl_usd",
        "That less the gas of the sale and of the position's purchase.",
        "That less the gas of the sale and of the purchases of what was sold.",
    ),
    (
        POSITIONS,
        "average_entry_price_usd",
        "USD paid for one whole token, gas not included, rounded down.",
        "Average USD paid for one whole token, gas not included, rounded down.",
    ),
    (POSITIONS, "closed_block", "Block of the sale.", "Block of the last sale."),
    (POSITIONS, "closed_at", "Simulated time of the sale.", "Simulated time of the last sale."),
    (
        "paper_strategy_configs",
        "max_position_size_percent",
        "Largest purchase, in percent of equity.",
        "Largest cost of a position, in percent of equity.",
    ),
    (
        "paper_strategy_configs",
        "max_trade_size_usd",
        "Largest purchase, in USD.",
        "Largest purchase and slice, in USD; an exit at the stop or target sells all.",
    ),
    (
        "paper_trading_accounts",
        "total_profit_loss_usd",
        "Profit of closed positions less all gas paid, in USD.",
        "Profit of all sales, before gas, less all gas paid, in USD.",
    ),
    (
        "autopilot_performance_snapshots",
        "average_profit_per_trade",
        "Realised profit of a closed position, before gas, rounded down.",
        "Average result of a closed position after gas, rounded down.",
    ),
    (
        METRICS,
        "period_start",
        "Simulated time of the session's start.",
        "Simulated time of the start of its first block.",
    ),
    (METRICS, "period_end", "Simulated time of the end of that block.", "Simulated time of the end of its last block."),
    (METRICS, "equity_usd", "Cash and value of what is held.", "Cash and value of what is held, at its end."),
    (METRICS, "cash_usd", "Cash.", "Cash at its end."),
    (METRICS, "gas_paid_usd", "Gas paid.", "Gas paid in it."),
    (METRICS, "total_trades", "Orders that have ended.", "Orders that ended in it."),
    (METRICS, "total_pnl_usd", "Equity less the initial balance.", "Equity at its end less that at its start."),
    (
        METRICS,
        "total_pnl_percent",
        "The same in percent of the initial balance.",
        "The same in percent of that at its start.",
    ),
    (
        METRICS,
        "max_drawdown_percent",
        "Largest fall of equity from its peak.",
        "Largest fall of equity from its peak since the session's start.",
    ),
    (
        METRICS,
        "sharpe_ratio",
        "Annualised Sharpe ratio of the returns from mark to mark.",
        "Annualised Sharpe ratio of the returns of all periods until its end.",
    ),
    (
        "paper_trading_configs",
        "max_position_size_percent",
        "Largest purchase of the account, in percent of its equity.",
        "Largest cost of a position of the account, in percent of its equity.",
    ),
)
"""Table, column, the comment before, and the one from now on."""

TABLE_COMMENTS = (
    (
        POSITIONS,
        "A token held by an account, from its first purchase to its sale.",
        "A token held by an account, from its first purchase to its last sale.",
    ),
    (
        METRICS,
        "A session's figures since its start, at the end of a review period.",
        "A session's figures in one review period.",
    ),
)


def upgrade() -> None:
    """Apply the change; before it there were no swaps."""
    op.add_column(
        TRADES, sa.Column("sold_position_id", sa.Uuid(), comment="The position that a swap gives up.", nullable=True)
    )
    op.create_foreign_key(
        op.f(f"fk_{TRADES}_sold_position_id"),
        TRADES,
        POSITIONS,
        ["sold_position_id"],
        ["position_id"],
        ondelete="RESTRICT",
    )
    op.create_index(op.f(f"ix_{TRADES}_sold_position_id"), TRADES, ["sold_position_id"])
    op.create_check_constraint(
        op.f(f"ck_{TRADES}_swap_gives_up_a_position"),
        TRADES,
        "(trade_type = 'swap') = (sold_position_id IS NOT NULL)",
    )
    _allow_reasons(*REASONS, NEW_REASON)
    # A thought is some 2 kB: kept in its row, since compressing it takes as long as all the rest of writing it.
    op.execute(f"ALTER TABLE {THOUGHTS} SET (toast_tuple_target = 8160)")
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=after, existing_comment=before)
    for table, before, after in TABLE_COMMENTS:
        op.create_table_comment(table, after, existing_comment=before)


def downgrade() -> None:
    """Undo the change; a run with swaps can't be told without them, so its thoughts keep an old reason alone."""
    op.execute(f"UPDATE {THOUGHTS} SET reason = 'SIGNAL' WHERE reason = '{NEW_REASON}'")  # noqa: S608 -- ours
    op.execute(f"UPDATE {TRADES} SET reason = 'SIGNAL' WHERE reason = '{NEW_REASON}'")  # noqa: S608 -- ours
    _allow_reasons(*REASONS)
    op.execute(f"ALTER TABLE {THOUGHTS} RESET (toast_tuple_target)")
    op.drop_constraint(op.f(f"ck_{TRADES}_swap_gives_up_a_position"), TRADES)
    op.drop_index(op.f(f"ix_{TRADES}_sold_position_id"), TRADES)
    op.drop_column(TRADES, "sold_position_id")
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=before, existing_comment=after)
    for table, before, after in TABLE_COMMENTS:
        op.create_table_comment(table, before, existing_comment=after)


def _allow_reasons(*reasons: str) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    for table in (THOUGHTS, TRADES):
        op.drop_constraint(op.f(f"ck_{table}_reason"), table)
        op.create_check_constraint(op.f(f"ck_{table}_reason"), table, f"reason IN ({listed})")
