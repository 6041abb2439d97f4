"""One decision, whole: as it is shown to a person and asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from storage.errors import DecisionNotFound
from storage.keys import row_of
from storage.records import Thought

if TYPE_CHECKING:
    from sqlalchemy import Connection

_THOUGHT = text(
    """
    SELECT thoughts.thought_id, accounts.run_id, thoughts.session_id, thoughts.paper_trade_id AS trade_id,
        accounts.name AS account, thoughts.strategy_name,
        thoughts.created_at AS at, thoughts.block, thoughts.token_symbol, thoughts.decision_type, thoughts.reason,
        thoughts.observed_value, thoughts.limit_value, thoughts.lane_used, thoughts.analysis_time_ms,
        thoughts.confidence_level, thoughts.confidence_percent, thoughts.risk_score, thoughts.opportunity_score,
        thoughts.primary_reasoning, thoughts.risk_assessment, thoughts.key_factors, thoughts.positive_signals,
        thoughts.negative_signals, thoughts.market_data, thoughts.inputs, strategies.max_trade_size_usd,
        trades.trade_type, trades.status AS trade_status, trades.block AS trade_block,
        trades.error_message AS trade_error,
        CASE WHEN trades.trade_type <> 'buy' AND trades.status = 'completed' THEN trades.net_pnl_usd END AS net_pnl_usd
    FROM paper_ai_thought_logs AS thoughts
    JOIN paper_trading_accounts AS accounts USING (account_id)
    JOIN paper_strategy_configs AS strategies ON strategies.config_id = thoughts.strategy_config_id
    LEFT JOIN paper_trades AS trades ON trades.trade_id = thoughts.paper_trade_id
    WHERE thoughts.thought_id = :key
    """
)


def thought(connection: Connection, name: str) -> Thought:
    """Return the decision with the key ``name``; raises DecisionNotFound."""
    row = row_of(connection, _THOUGHT, name)
    if row is None:
        raise DecisionNotFound(text=name)
    return Thought(**row)
