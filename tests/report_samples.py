"""Reports and their parts, made by hand for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from cluster.report_facts import RunReport
from storage.pilot_records import AdjustmentRecord, PilotedSession
from storage.records import AccountCosts, AccountResult, NotableDecision, SessionFailure, SessionLine

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = UUID("0197a3b2-c4d5-8001-8000-000000000000")


def curve_of(*equity_usd: float) -> list[tuple[datetime, Decimal]]:
    return [(START + timedelta(hours=hour), Decimal(usd)) for hour, usd in enumerate(equity_usd)]


def report_of(*names: str) -> RunReport:
    """Return the report of a run of a day and a half, in which every account wins ten percent in the first hour."""
    return RunReport(
        run_id=RUN,
        name="a run",
        status="COMPLETED",
        error_message="",
        version="0.1.0",
        seed=7,
        blocks=10_800,
        start_at=START,
        end_at=START + timedelta(hours=36),
        digest="d1" * 32,
        market="a synthetic market",
        tokens=("WETH", "PEPE"),
        scenario_yaml="seed: 7\n",
        leaderboard=tuple(result_of(name) for name in names),
        equity={name: curve_of(10_000, 11_000, *[11_000] * 10, 11_000) for name in names},
        costs=tuple(costs_of(name) for name in names),
        decisions=(),
        adjustments=(),
        gas_usd=Decimal("12.5"),
        slippage_usd=Decimal("3.25"),
    )


def filled_with(text: str) -> RunReport:
    """Return a report in which every text is this one."""
    return replace(
        report_of(text),
        name=text,
        status=text,
        error_message=text,
        version=text,
        digest=text,
        market=text,
        tokens=(text,),
        scenario_yaml=text,
        leaderboard=(replace(result_of(text), strategy=text),),
        costs=(costs_of(text),),
        decisions=(replace(decision_of(text, text), token=text, reasoning=text, risk_assessment=text),),
        adjustments=(replace(adjustment_of(text, hours=1), parameter=text, reason=text, strategy=text),),
        failures=(replace(failure_of(text), message=text, strategy=text),),
        sessions=(replace(session_of(text, text), status=text, status_reason=text),),
        piloted=(
            replace(
                piloted_of(
                    text,
                    replace(adjustment_of(text, hours=3), parameter=text, outcome=text, outcome_notes=text),
                    why_off=text,
                ),
                strategy=text,
            ),
        ),
    )


def result_of(name: str) -> AccountResult:
    return AccountResult(
        name=name,
        strategy="moderate",
        return_percent=Decimal(5),
        max_drawdown_percent=Decimal("1.20"),
        sharpe_ratio=1.5,
        win_rate_percent=55.0,
        trades=40,
        failed_trades=2,
        gas_usd=Decimal(30),
        slippage_usd=Decimal(4),
        cost_usd=Decimal("34.251003"),
        realized_pnl_usd=Decimal(520),
        initial_balance_usd=Decimal(10_000),
        final_equity_usd=Decimal(10_500),
    )


def costs_of(name: str) -> AccountCosts:
    return AccountCosts(
        name=name,
        fee_usd=Decimal("2.500001"),
        impact_usd=Decimal("0.649002"),
        drift_usd=Decimal("-0.500000"),
        sandwich_usd=Decimal("1.252000"),
        gas_usd=Decimal("28.000000"),
        failure_usd=Decimal("2.350000"),
        total_usd=Decimal("34.251003"),
    )


def failure_of(account: str) -> SessionFailure:
    return SessionFailure(
        account=account,
        strategy="moderate",
        block=5_000,
        at=START + timedelta(hours=16, minutes=40),
        message="Analyst mine:Own failed at block 5000: ValueError: no idea.",
    )


def session_of(account: str, strategy: str) -> SessionLine:
    return SessionLine(
        session_id=UUID(int=5),
        account=account,
        strategy=strategy,
        started_at=START,
        stopped_at=START + timedelta(hours=12),
        status="COMPLETED",
        status_reason="Its account went on with its next session.",
        trades=20,
        realized_pnl_usd=Decimal(260),
        gas_usd=Decimal(15),
        equity_usd=Decimal(10_250),
        initial_balance_usd=Decimal(10_000),
    )


def decision_of(account: str, decision: str, net_pnl_usd: Decimal | None = None) -> NotableDecision:
    return NotableDecision(
        thought_id=UUID(int=8),
        account=account,
        at=START + timedelta(hours=6, minutes=24),
        block=1_920,
        token="PEPE",
        decision=decision,
        reason="STOP_LOSS",
        reasoning="Selling PEPE: below its stop.",
        risk_assessment="High risk.",
        confidence_percent=Decimal("72.10"),
        net_pnl_usd=net_pnl_usd,
    )


def adjustment_of(account: str, hours: int) -> AdjustmentRecord:
    return AdjustmentRecord(
        account=account,
        strategy="adaptive",
        at=START + timedelta(hours=hours),
        block=300 * hours,
        type="CONFIDENCE_INCREASE",
        parameter="confidence_threshold",
        old_value=Decimal("60.000000"),
        new_value=Decimal("63.000000"),
        change_percent=Decimal("5.00"),
        reason="Too few trades win.",
        trigger_metric="win_rate_percent",
        trigger_value=35.0,
        trigger_threshold=40.0,
        confidence_percent=Decimal(50),
        outcome="PENDING",
        log_id=UUID(int=10),
        session_id=UUID(int=5),
        ordinal=3,
        outcome_notes="",
        mean_difference_bp=None,
        regime=0,
        reverses=None,
    )


def piloted_of(account: str, *adjustments: AdjustmentRecord, why_off: str = "") -> PilotedSession:
    """Return an adjusted session of six hours; a twin is beside it in the fourth and the fifth."""
    curve = tuple(
        (START + timedelta(hours=hour), Decimal(10_000 + 100 * hour), Decimal(10_150) if hour in (4, 5) else None)
        for hour in range(1, 7)
    )
    return PilotedSession(UUID(int=5), account, "adaptive", why_off, adjustments, curve)
