"""From what the kernel wrote in one segment to the Batch that the Writer commits. No database here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.autopilot.records import UNCHANGED
from simulation.scenario import Record
from simulation.succession import NOTHING_BEFORE, Totals
from storage import units
from storage.batch import Batch, SessionEnd
from storage.context import SessionContext
from storage.copying import encode
from storage.mark_rows import log_rows, metric_rows, snapshot_rows
from storage.outcome_rows import outcome_rows, why_off
from storage.position_rows import POSITIONS, positions_of
from storage.row_types import AccountRow, SessionRow, StrategyRow
from storage.thought_rows import THOUGHTS, Thoughts
from storage.trade_rows import TRADES, orders_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulation.market.segment import Segment

_STANDINGS = (
    ("RUNNING", ""),
    ("PAUSED", "Auto Pilot has paused its buying; it holds and sells."),
    ("PAUSED", "An operator has paused its buying; it holds and sells."),
    ("PAUSED", "An operator and Auto Pilot have paused its buying; it holds and sells."),
)
"""Status and reason of a session that goes on; who has paused it numbers them, as in a Case."""

__all__ = ["SessionContext", "batch_of"]


def batch_of(
    context: SessionContext,
    *,
    incarnation: int,
    seq: int,
    session: np.void,
    holdings: NDArray[np.void],
    trades: NDArray[np.void],
    decisions: NDArray[np.void],
    marks: NDArray[np.void],
    adjustments: NDArray[np.void],
    segment: Segment,
    state: bytes,
    end: SessionEnd | None = None,
    before: Totals = NOTHING_BEFORE,
    tuning: np.void | None = None,
    judgements: NDArray[np.void] = UNCHANGED.judgements,
) -> Batch:
    """Return the rows of one session and segment, and the state after it.

    ``session`` (a SESSION record) and ``holdings`` (HOLDING, shape ``(n_tokens,)``) are those after the segment;
    ``trades``, ``decisions`` and ``marks`` those of this session alone; ``adjustments`` (ADJUSTMENT) those that took
    effect in the segment, in order, which the session counts already. With an ``end`` this is the session's last
    batch. ``before`` is what earlier sessions of the account came to. ``tuning`` is the TUNING record after the
    segment, and ``judgements`` (JUDGEMENT) those of the review before it.
    """
    encoded = {
        "paper_trading_accounts": encode([_account_row(context, session, before)]),
        "paper_trading_sessions": encode([_session_row(context, session, end)]),
        "paper_strategy_configs": encode(_strategy_rows(context, session, adjustments, tuning)),
        "paper_ai_thought_logs": THOUGHTS.encode(Thoughts.of(context, decisions, segment)),
        "paper_performance_metrics": encode(metric_rows(context, marks)),
        "autopilot_logs": encode(log_rows(context, session, adjustments)),
        "autopilot_outcomes": encode(outcome_rows(context, judgements)),
        "autopilot_performance_snapshots": encode(snapshot_rows(context, session, marks, segment, tuning)),
    }
    # In a segment of no blocks nothing was traded: what is held is stored since the one before, and what is on its way,
    # unless it was withdrawn.
    if context.record is not Record.NONE and len(segment.gas):
        encoded["paper_positions"] = POSITIONS.encode(positions_of(context, holdings, trades, segment))
    if context.record is not Record.NONE and (len(segment.gas) or len(trades)):
        encoded["paper_trades"] = TRADES.encode(orders_of(context, session, holdings, trades, before.finished_trades))
    return Batch(
        session_id=context.session_id,
        incarnation=incarnation,
        seq=seq,
        next_block=int(session["next_block"]),
        rows={table: rows for table, rows in encoded.items() if rows},
        state=state,
    )


def _account_row(context: SessionContext, session: np.void, before: Totals) -> AccountRow:
    totals = before.plus(Totals.of(session))
    return AccountRow(
        account_id=context.account_key,
        current_balance_usd=units.usd(int(session["cash_micro_usd"])),
        last_activity=context.clock.at(int(session["next_block"])),
        total_trades=totals.finished_trades,
        winning_trades=totals.winning_trades,
        losing_trades=totals.losing_trades,
        total_profit_loss_usd=units.usd(totals.realized_micro_usd - totals.gas_paid_micro_usd),
    )


def _session_row(context: SessionContext, session: np.void, end: SessionEnd | None) -> SessionRow:
    completed, failed = int(session["completed_trades"]), int(session["failed_trades"])
    now = context.clock.at(int(session["next_block"]))
    status, reason = _standing(session, end)
    return SessionRow(
        session_id=context.session_key,
        last_activity=now,
        total_trades=completed + failed,
        successful_trades=completed,
        failed_trades=failed,
        equity_usd=units.usd(int(session["equity_micro_usd"])),
        reserved_usd=units.usd(int(session["reserved_micro_usd"])),
        gas_paid_usd=units.usd(int(session["gas_paid_micro_usd"])),
        realized_pnl_usd=units.usd(int(session["realized_micro_usd"])),
        max_drawdown_percent=units.percent(int(session["max_drawdown_bp"])),
        status=status,
        stopped_at=None if end is None else now,
        error_message=reason if status == "ERROR" else "",
        status_reason=reason,
        fee_usd=units.usd(int(session["fees_micro_usd"])),
        price_impact_usd=units.usd(int(session["impact_micro_usd"])),
        drift_usd=units.usd(int(session["drift_micro_usd"])),
        sandwich_usd=units.usd(int(session["sandwich_micro_usd"])),
        failure_usd=units.usd(int(session["failure_micro_usd"])),
    )


def _standing(session: np.void, end: SessionEnd | None) -> tuple[str, str]:
    """Return the status of a session and the reason for it."""
    if end is not None:
        return end.status, end.reason
    return _STANDINGS[session["paused"] | session["paused_by_operator"] << 1]


def _strategy_rows(
    context: SessionContext, session: np.void, adjustments: NDArray[np.void], tuning: np.void | None
) -> list[StrategyRow]:
    if not len(adjustments):
        return []
    at = context.clock.at(int(adjustments[-1]["block"]))
    return [StrategyRow(context.strategy_key, int(session["next_adjustment"]), at, at, why_off(session, tuning))]
