"""One trade, whole: as it is shown to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.errors import TradeNotFound
from storage.keys import row_of
from storage.records import TradeDetail

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TRADE = text(
    """
    SELECT trades.trade_id, accounts.run_id, accounts.name AS account, trades.session_id, trades.strategy_name,
        trades.trade_type, trades.lane, trades.reason, trades.created_at AS decided_at, trades.decided_block,
        trades.delay_ms, trades.deadline_block, trades.block, trades.executed_at, trades.execution_time_ms,
        trades.route, trades.token_in_symbol, trades.token_in_decimals, trades.token_out_symbol,
        trades.token_out_decimals, trades.amount_in, trades.amount_in_usd, trades.expected_amount_out,
        trades.min_amount_out, trades.actual_amount_out, trades.simulated_slippage_percent AS slippage_percent,
        trades.simulated_gas_price_gwei AS gas_price_gwei, trades.simulated_gas_used AS gas_used,
        trades.simulated_gas_cost_usd AS gas_usd, trades.mock_tx_hash AS tx_hash, trades.status,
        trades.error_message, trades.execution_cost_usd AS cost_usd, trades.fee_usd,
        trades.price_impact_usd AS impact_usd, trades.drift_usd, trades.sandwich_usd, trades.failure_usd,
        trades.cost_basis_usd, trades.realized_pnl_usd, trades.net_pnl_usd, trades.position_id,
        trades.sold_position_id, thoughts.thought_id, thoughts.primary_reasoning
    FROM paper_trades AS trades
    JOIN paper_trading_accounts AS accounts USING (account_id)
    LEFT JOIN paper_ai_thought_logs AS thoughts
        ON thoughts.session_id = trades.session_id AND thoughts.ordinal = trades.decision_ordinal
    WHERE trades.trade_id = :key
    """
)


def trade(connection: Connection, name: str) -> TradeDetail:
    """Return the trade with the key ``name``; raises TradeNotFound."""
    row = row_of(connection, _TRADE, name)
    if row is None:
        raise TradeNotFound(text=name)
    return TradeDetail(**row)
