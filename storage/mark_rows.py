"""Marks as rows of metrics and snapshots, and adjustments as rows of the Auto Pilot's log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulation.autopilot.words import adjustment_of
from simulation.performance.metrics import mark_figures, period_figures, periods_per_year
from simulation.state import MARK
from storage import units
from storage.ids import Kind
from storage.row_types import LogRow, MetricRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from simulation.market.segment import Segment
    from simulation.performance.metrics import Figures
    from storage.context import SessionContext

PARAMETERS = (
    "decision_interval_blocks",
    "use_fast_lane",
    "use_smart_lane",
    "fast_lane_threshold_micro_usd",
    "max_position_size_bp",
    "max_trade_size_micro_usd",
    "stop_loss_bp",
    "take_profit_bp",
    "max_hold_blocks",
    "max_daily_trades",
    "max_concurrent_positions",
    "min_liquidity_micro_usd",
    "max_slippage_bp",
    "confidence_threshold_bp",
    "gas_price_multiplier_bp",
    "gas_bid_bp",
    "paused",
)
"""Fields of the SESSION record that Auto Pilot may change or a reader wants to see."""

TREND_BP = 2000
"""A mean trend score beyond this is called bullish or bearish."""

_PARAMETER_PLACES = 6
_MS_PER_HOUR = 3_600_000
_SCORES = ("trend_bp", "momentum_bp", "volatility_bp", "depth_bp", "gas_bp", "opportunity_bp", "risk_bp")


@dataclass(frozen=True, slots=True)
class Weather:
    """The market at the end of a period: mean scores of the tokens in bp, rounded down, and fees."""

    scores: dict[str, int]
    base_fee_wei: int
    priority_fee_wei: int

    @property
    def volatility_bp(self) -> int:
        """How wild it is, from 0 to 10000; the factor itself is 10000 for calm and -10000 for wild."""
        return (10_000 - self.scores["volatility_bp"]) // 2

    @property
    def trend(self) -> str:
        """The trend as a word."""
        trend_bp = self.scores["trend_bp"]
        return "bullish" if trend_bp > TREND_BP else "bearish" if trend_bp < -TREND_BP else "neutral"

    def as_json(self) -> dict[str, Any]:
        """Return it for a reader of the snapshot."""
        fees = {"base_fee_wei": self.base_fee_wei, "priority_fee_wei": self.priority_fee_wei}
        return {**self.scores, **fees}


def metric_rows(context: SessionContext, marks: NDArray[np.void]) -> Iterator[MetricRow]:
    """Yield the figures of each period that ends in the segment."""
    for mark in marks:
        values, figures = _values(mark), period_figures(mark, _periods(context))
        block = values["block"]
        yield MetricRow(
            metric_id=context.key(Kind.METRIC, values["mark"]),
            session_id=context.session_key,
            ordinal=values["mark"],
            block=block,
            period_start=context.clock.at(block + 1 - context.review_blocks),
            period_end=context.clock.at(block + 1),
            cash_usd=units.usd(values["cash_micro_usd"]),
            equity_usd=units.usd(values["equity_micro_usd"]),
            gas_paid_usd=units.usd(values["period_gas_paid_micro_usd"]),
            total_pnl_percent=float(figures.total_pnl_percent),
            created_at=context.clock.at(block + 1),
            **_shared(_of_period(values), figures),
        )


def snapshot_rows(
    context: SessionContext, session: np.void, marks: NDArray[np.void], segment: Segment, tuning: np.void | None = None
) -> Iterator[SnapshotRow]:
    """Yield the parameters, figures and market at each mark of the segment.

    Parameters are those after the segment. They are those at each of its marks too: with Auto Pilot on a segment
    ends with its only mark, and without it parameters do not change.
    """
    parameters = {name: int(session[name]) for name in PARAMETERS}
    adjustments = int(session["next_adjustment"])
    for mark in marks:
        values, figures = _values(mark), _figures(context, session, mark)
        weather = _weather(context, segment, values["block"])
        yield SnapshotRow(
            snapshot_id=context.key(Kind.SNAPSHOT, values["mark"]),
            strategy_config_id=context.strategy_key,
            session_id=context.session_key,
            ordinal=values["mark"],
            block=values["block"],
            timestamp=context.clock.at(values["block"] + 1),
            current_parameters=parameters,
            average_profit_per_trade=units.usd(_mean_result(values)),
            market_volatility=units.percent(weather.volatility_bp),
            avg_gas_price_gwei=units.gwei(weather.base_fee_wei + weather.priority_fee_wei),
            market_trend=weather.trend,
            market_conditions_detail=weather.as_json(),
            autopilot_active=context.autopilot_active and (tuning is None or not tuning["disabled"]),
            adjustments_made_count=adjustments,
            last_adjustment_log_id=context.log_key(adjustments - 1) if adjustments else None,
            snapshot_period_hours=_period_hours(context),
            twin_equity_usd=_twin_equity_usd(session, tuning, values["block"]),
            **_shared(values, figures),
        )


def log_rows(context: SessionContext, session: np.void, adjustments: NDArray[np.void]) -> Iterator[LogRow]:
    """Yield the adjustments of the segment (ADJUSTMENT), the latest of those that the session counts."""
    first = int(session["next_adjustment"]) - len(adjustments)
    assert first >= 0, "each adjustment is counted"
    for ordinal, adjustment in enumerate(map(adjustment_of, adjustments), first):
        assert adjustment.session == context.session
        yield LogRow(
            log_id=context.log_key(ordinal),
            strategy_config_id=context.strategy_key,
            session_id=context.session_key,
            ordinal=ordinal,
            block=adjustment.block,
            timestamp=context.clock.at(adjustment.block),
            adjustment_type=str(adjustment.type),
            parameter_name=adjustment.parameter_name,
            old_value=_parameter(adjustment.old, adjustment.divisor),
            new_value=_parameter(adjustment.new, adjustment.divisor),
            change_percent=units.percent(_mean((adjustment.new - adjustment.old) * 10_000, abs(adjustment.old))),
            reason=adjustment.reason,
            trigger_metric=adjustment.trigger_metric,
            trigger_value=float(adjustment.trigger_value),
            trigger_threshold=float(adjustment.trigger_threshold),
            performance_before=adjustment.performance_before,
            market_conditions=adjustment.market_conditions,
            confidence_in_adjustment=f"{adjustment.confidence_percent:.2f}",
            is_reversal=adjustment.is_reversal,
            reverses_log_id=context.log_key(adjustment.reverses_log_ordinal) if adjustment.is_reversal else None,
            regime=adjustment.regime if adjustment.regime >= 0 else None,
        )


def _twin_equity_usd(session: np.void, tuning: np.void | None, block: int) -> str | None:
    """Return the equity of the session's twin, which is compared at the mark that ends a segment."""
    if tuning is None or tuning["twin"] < 0 or block + 1 != session["next_block"]:
        return None
    return units.usd(int(tuning["twin_equity_micro_usd"]))


def _figures(context: SessionContext, session: np.void, mark: np.void) -> Figures:
    return mark_figures(mark, int(session["initial_micro_usd"]), _periods(context))


def _periods(context: SessionContext) -> float:
    return periods_per_year(context.review_blocks, context.clock.block_time_ms)


def _shared(values: dict[str, Any], figures: Figures) -> dict[str, Any]:
    """Return what metrics and snapshots have in common; money is made from the mark's integers."""
    return {
        "total_trades": values["completed_trades"] + values["failed_trades"],
        "winning_trades": values["winning_trades"],
        "losing_trades": values["losing_trades"],
        "win_rate": float(figures.win_rate_percent),
        "total_pnl_usd": units.usd(figures.total_pnl_micro_usd),
        "average_win_usd": units.usd(_mean(values["won_micro_usd"], values["winning_trades"])),
        "average_loss_usd": units.usd(_mean(values["lost_micro_usd"], values["losing_trades"])),
        "largest_win_usd": units.usd(values["largest_win_micro_usd"]),
        "largest_loss_usd": units.usd(values["largest_loss_micro_usd"]),
        "max_drawdown_percent": float(figures.max_drawdown_percent),
        "sharpe_ratio": float(figures.sharpe_ratio),
        "profit_factor": float(figures.profit_factor),
    }


def _weather(context: SessionContext, segment: Segment, block: int) -> Weather:
    at = block - segment.first_block
    signals = segment.signals[context.analyst, at]
    gas = segment.gas[at]
    scores = {name: _mean(int(signals[name].sum()), len(signals)) for name in _SCORES}
    return Weather(scores, int(gas["base_fee_wei"]), int(gas["priority_fee_wei"]))


def _period_hours(context: SessionContext) -> str:
    milliseconds = context.review_blocks * context.clock.block_time_ms
    return units.fixed(milliseconds * 10**_PARAMETER_PLACES // _MS_PER_HOUR, _PARAMETER_PLACES)


def _parameter(value: int, divisor: int) -> str:
    return units.fixed(value * 10**_PARAMETER_PLACES // divisor, _PARAMETER_PLACES)


def _values(mark: np.void) -> dict[str, Any]:
    return dict(zip(MARK.names or (), mark.item(), strict=True))


def _of_period(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a mark with what is counted replaced by the count of the period alone."""
    return {name: values.get(f"period_{name}", value) for name, value in values.items()}


def _mean_result(values: dict[str, Any]) -> int:
    closed = values["winning_trades"] + values["losing_trades"]
    return _mean(values["won_micro_usd"] - values["lost_micro_usd"], closed)


def _mean(total: int, count: int) -> int:
    return total // count if count else 0
