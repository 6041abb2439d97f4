"""The compiled review's slow twin: the same verdict from the same records, in plain Python, from the table's meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.autopilot.guardrails import Refusal
from simulation.autopilot.triggers import AT_ONCE, SAFETY, TRIGGERS, AdjustmentType, Metric
from simulation.choices import Reason
from simulation.state import RECENT_TRADES
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    import numpy as np

    from simulation.autopilot.conditions import Conditions

MOST = 999.999


def percent(part, whole):
    return 100.0 * part / whole if whole > 0 else 0.0


def ratio(over, under):
    return min(float(over) / float(under), MOST) if under else MOST if over > 0 else 0.0


def metrics_of(session: np.void, tuning: np.void, window: int, market: Conditions) -> dict[Metric, float]:
    """Return the metrics of a session by their definitions."""
    closed = int(session["closed_trades"])
    places = [(closed - back) % RECENT_TRADES for back in range(1, min(window, closed, RECENT_TRADES) + 1)]
    net = [int(session["recent_pnl_micro_usd"][at]) for at in places]
    wins, losses = [n for n in net if n > 0], [-n for n in net if n <= 0]
    first_win = next((at for at, n in enumerate(net) if n > 0), len(net))
    stops = [at for at in places if tuning["exit_reason"][at] == Reason.STOP_LOSS]
    targets = [at for at in places if tuning["exit_reason"][at] == Reason.TAKE_PROFIT]
    came_back = sum(2 * int(tuning["after_bp"][at]) >= int(session["stop_loss_bp"]) for at in stops)
    ran_on = sum(4 * int(tuning["after_bp"][at]) >= int(session["take_profit_bp"]) for at in targets)
    rose = [at for at in places if tuning["peak_bp"][at] > 0]
    cost = max(sum(int(tuning["cost_micro_usd"][at]) for at in places), 0)
    peak, orders, periods = int(session["peak_equity_micro_usd"]), int(tuning["orders"]), int(session["return_count"])
    paused_blocks = int(session["next_block"]) - int(tuning["changed_block"][PARAMETERS.index("paused")])
    return {
        Metric.TRADES: len(net),
        Metric.WIN_RATE_PERCENT: percent(len(wins), len(net)),
        Metric.PROFIT_FACTOR: ratio(sum(wins), sum(losses)),
        Metric.NET_USD: sum(net) / 1e6,
        Metric.DRAWDOWN_PERCENT: 100.0 * (peak - int(session["equity_micro_usd"])) / peak,
        Metric.LOSING_STREAK: first_win,
        Metric.LOSS_TO_WIN: ratio(sum(losses) * len(wins), sum(wins) * len(losses)),
        Metric.STOPS: len(stops),
        Metric.RECOVERED_STOPS_PERCENT: percent(came_back, len(stops)),
        Metric.TARGETS: len(targets),
        Metric.TARGETS_PERCENT: percent(len(targets), len(net)),
        Metric.RAN_ON_PERCENT: percent(ran_on, len(targets)),
        Metric.GIVEN_BACK_PERCENT: percent(
            sum(int(tuning["given_back_bp"][at]) for at in rose), sum(int(tuning["peak_bp"][at]) for at in rose)
        ),
        Metric.COST_PERCENT: percent(cost, sum(wins) + cost),
        Metric.ORDERS: orders,
        Metric.SLIPPED_PERCENT: percent(int(tuning["slipped_orders"]), orders),
        Metric.LATE_PERCENT: percent(int(tuning["late_orders"]), orders),
        Metric.TRADES_PER_PERIOD: closed / periods if periods else MOST,
        Metric.PAUSED_HOURS: paused_blocks * 12_000 / 3_600_000.0 if session["paused"] else 0.0,
        Metric.VOLATILITY_PERCENT: market.volatility_percent,
        Metric.GAS_PERCENT: market.gas_percent,
    }


def review_twin(
    session: np.void, tuning: np.void, window: int, factor: float, bounds: list[tuple[int, int]], market: Conditions
) -> Refusal | tuple[AdjustmentType, str, int, int, dict[Metric, float]]:
    """Return what a session past its gate, without knowledge and without a limit of its account, is told."""
    seen = metrics_of(session, tuning, window, market)
    closed, refusals = int(session["closed_trades"]), []
    for trigger in TRIGGERS:
        conditions = (trigger.symptom, trigger.also)
        if not all((seen[c.metric] >= c.threshold) == c.is_above for c in conditions):
            continue
        since = closed - int(tuning["closed_then"][trigger.parameter])
        unchanged = int(tuning["changed_block"][trigger.parameter]) < 0
        enough = {AT_ONCE: True, SAFETY: unchanged or since >= 3}.get(trigger.evidence, since >= window)
        if not enough:
            refusals.append(Refusal.FEW_TRADES)
            continue
        field = PARAMETERS[trigger.parameter]
        old = int(session[field])
        step = round(old * trigger.step * factor)
        if step == 0 and old < 100:
            step = 1 if trigger.step > 0 else -1
        wanted = old + (int(trigger.step) if field == "paused" else step)
        low, high = bounds[trigger.parameter]
        tight_low, tight_high = tightened(session, field, low, high)
        new = min(max(wanted, tight_low), tight_high)
        if wanted > tight_high:
            new = max(tight_high, low)
        elif wanted < tight_low:
            new = min(tight_low, high)
        if (new - old) * trigger.step > 0:
            return trigger.type, field, old, new, seen
        is_dangerous = (wanted > tight_high and tight_high != high) or (wanted < tight_low and tight_low != low)
        refusals.append(Refusal.DANGEROUS if is_dangerous else Refusal.AT_BOUND)
    if refusals:
        return refusals[0]
    return Refusal.NO_TRIGGER if closed >= window else Refusal.FEW_TRADES


def tightened(session: np.void, field: str, low: int, high: int) -> tuple[int, int]:
    """Return the bounds of a parameter narrowed so that no dangerous combination comes about."""
    stop = min(int(session["stop_loss_bp"]), int(session["account_stop_loss_bp"]))
    limits = {
        "stop_loss_bp": (low, min(high, int(session["take_profit_bp"]) - 1)),
        "take_profit_bp": (max(low, stop + 1), high),
        "max_position_size_bp": (low, min(high, 10_000 // int(session["max_concurrent_positions"]))),
        "max_concurrent_positions": (low, min(high, 10_000 // int(session["max_position_size_bp"]))),
    }
    return limits.get(field, (low, high))
