"""Decisions as rows: the numbers of the DECISION and its signal, and the words that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.choices import DecisionType, Lane, Reason
from simulation.intelligence.explanations import confidence_level, decided, explain
from simulation.state import DECISION, SIGNAL
from simulation.trading.rules import ANALYSIS_MS
from storage import units
from storage.ids import Kind
from storage.row_types import ThoughtRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from simulation.market.segment import Segment
    from storage.context import SessionContext

_TYPES: dict[int, str] = {kind: kind.name for kind in DecisionType}
_LANES: dict[int, str] = {lane: lane.name for lane in Lane}
_REASONS: dict[int, str] = {reason: reason.name for reason in Reason}


def thought_rows(context: SessionContext, decisions: NDArray[np.void], segment: Segment) -> Iterator[ThoughtRow]:
    """Yield the decisions of the segment."""
    for decision in decisions:
        yield _row(context, decision, segment)


def _row(context: SessionContext, decision: np.void, segment: Segment) -> ThoughtRow:
    noted = dict(zip(DECISION.names or (), decision.item(), strict=True))
    block, token, trade = noted["block"], noted["token"], noted["trade"]
    at = block - segment.first_block
    signal = segment.signals[context.analyst, at, token]
    scores = dict(zip(SIGNAL.names or (), signal.item(), strict=True))
    info, strategy = context.tokens[token], context.account.strategy
    made = decided(decision)
    rival = None if made.case.rival_token < 0 else context.tokens[made.case.rival_token]
    told = explain(made, signal, segment.mids[at, token], segment.gas[at], info, strategy, rival)
    return ThoughtRow(
        thought_id=context.key(Kind.THOUGHT, noted["decision"]),
        account_id=context.account_key,
        session_id=context.session_key,
        strategy_config_id=context.strategy_key,
        paper_trade_id=None if trade < 0 else context.key(Kind.TRADE, trade),
        ordinal=noted["decision"],
        block=block,
        decision_type=_TYPES[noted["type"]],
        reason=_REASONS[noted["reason"]],
        observed_value=noted["observed"],
        limit_value=noted["limit"],
        token_address=context.addresses[token],
        token_symbol=info.symbol,
        confidence_level=confidence_level(scores["confidence_bp"]),
        confidence_percent=units.percent(scores["confidence_bp"]),
        risk_score=units.percent(scores["risk_bp"]),
        opportunity_score=units.percent(scores["opportunity_bp"]),
        primary_reasoning=told.primary_reasoning,
        risk_assessment=told.risk_assessment,
        key_factors=told.key_factors,
        positive_signals=told.positive_signals,
        negative_signals=told.negative_signals,
        market_data=told.market_data,
        strategy_name=strategy.name,
        lane_used=_LANES[noted["lane"]],
        analysis_time_ms=int(ANALYSIS_MS[noted["lane"]]),
        inputs=made.case._asdict(),
        created_at=context.clock.at(block),
    )
