"""The compiled review's slow twin: the same verdict from the same records, in plain Python, from the table's meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.autopilot.guardrails import Refusal, own_bounds
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.outcomes import T_975, OutcomeKind
from simulation.autopilot.triggers import AT_ONCE, SAFETY, TRIGGERS, TYPES, AdjustmentType, Metric, Trigger
from simulation.choices import Reason
from simulation.state import RECENT_TRADES
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    import numpy as np

    from simulation.autopilot.conditions import Conditions
    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.knowledge import Knowledge
    from simulation.settings.strategy import Strategy

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
    session: np.void,
    tuning: np.void,
    window: int,
    factor: float,
    bounds: list[tuple[int, int]],
    market: Conditions,
    knowledge: Knowledge = IGNORANT,
    *,
    is_pending: bool = False,
) -> Refusal | tuple[AdjustmentType, str, int, int, dict[Metric, float]]:
    """Return what a session past its gate, without a limit of its account, is told."""
    seen = metrics_of(session, tuning, window, market)
    closed, refusals = int(session["closed_trades"]), []
    for trigger in TRIGGERS:
        conditions = (trigger.symptom, trigger.also)
        if not all((seen[c.metric] >= c.threshold) == c.is_above for c in conditions):
            continue
        positive, _, negative = knowledge.table()[TYPES.index(trigger.type), market.regime].tolist()
        confidence = (1 + positive) / (2 + positive + negative)
        is_taught_not = positive + negative >= 5 and confidence < 0.25
        why_not = objection(session, tuning, trigger, window, is_pending=is_pending, is_taught_not=is_taught_not)
        if why_not is not None:
            refusals.append(why_not)
            continue
        field, old = PARAMETERS[trigger.parameter], int(session[PARAMETERS[trigger.parameter]])
        new, is_dangerous = stepped(session, trigger, factor * (0.5 + confidence), bounds[trigger.parameter])
        if (new - old) * trigger.step > 0:
            return trigger.type, field, old, new, seen
        refusals.append(Refusal.DANGEROUS if is_dangerous else Refusal.AT_BOUND)
    if refusals:
        return refusals[0]
    if is_pending:
        return Refusal.PENDING
    return Refusal.NO_TRIGGER if closed >= window else Refusal.FEW_TRADES


def objection(
    session: np.void, tuning: np.void, trigger: Trigger, window: int, *, is_pending: bool, is_taught_not: bool
) -> Refusal | None:
    """Return what speaks against a trigger that fires, before its step is looked at."""
    is_safety = trigger.type in (AdjustmentType.PAUSE_TRADING, AdjustmentType.POSITION_SIZE_DECREASE)
    is_resumption = trigger.type is AdjustmentType.RESUME_TRADING
    since = int(session["closed_trades"]) - int(tuning["closed_then"][trigger.parameter])
    unchanged = int(tuning["changed_block"][trigger.parameter]) < 0
    enough = {AT_ONCE: True, SAFETY: unchanged or since >= 3}.get(trigger.evidence, since >= window)
    objections = {
        Refusal.SELF_DISABLED: tuning["disabled"] and not is_resumption,
        Refusal.PENDING: is_pending and (not is_safety or trigger.parameter == int(tuning["pending_parameter"])),
        Refusal.FEW_TRADES: not enough,
        Refusal.TAUGHT_NOT: is_taught_not and not is_safety and not is_resumption,
    }
    return next((refusal for refusal, holds in objections.items() if holds), None)


def stepped(session: np.void, trigger: Trigger, factor: float, bounds: tuple[int, int]) -> tuple[int, bool]:
    """Return the value that a trigger leads to, and whether a dangerous combination was what kept it from going on."""
    field = PARAMETERS[trigger.parameter]
    old = int(session[field])
    step = round(old * trigger.step * factor)
    if step == 0 and old < 100:
        step = 1 if trigger.step > 0 else -1
    wanted = old + (int(trigger.step) if field == "paused" else step)
    low, high = bounds
    tight_low, tight_high = tightened(session, field, low, high)
    new = wanted
    if wanted > tight_high:
        new = max(tight_high, low)
    elif wanted < tight_low:
        new = min(tight_low, high)
    return new, (wanted > tight_high and tight_high != high) or (wanted < tight_low and tight_low != low)


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


def outcome_of(tuning: np.void) -> OutcomeKind:
    """Return the outcome of what is being judged, by the definition of the test."""
    count, mean, trades = (
        int(tuning["difference_count"]),
        float(tuning["difference_mean"]),
        int(tuning["pending_trades"]),
    )
    if tuning["pending_log"] < 0 or (count < 24 and (count < 6 or trades < 10)):
        return OutcomeKind.PENDING
    if trades < 3:
        return OutcomeKind.UNKNOWN
    error = (float(tuning["difference_m2"]) / (count - 1) / count) ** 0.5
    if abs(mean) <= max(1e-5, float(T_975[count - 2]) * error):
        return OutcomeKind.NEUTRAL
    return OutcomeKind.POSITIVE if mean > 0 else OutcomeKind.NEGATIVE


def gated_twin(
    session: np.void, tuning: np.void, strategy: Strategy, calendar: Calendar, market: Conditions, knowledge: Knowledge
) -> tuple[OutcomeKind, Refusal | tuple[AdjustmentType, str, int, int, bool]]:
    """Return the outcome and what follows: a refusal, or type, field, old, new and whether it is a reversal."""
    outcome = outcome_of(tuning)
    if outcome is OutcomeKind.NEGATIVE:
        field = PARAMETERS[int(tuning["pending_parameter"])]
        kind = TYPES[int(tuning["pending_type"])]
        return outcome, (kind, field, int(session[field]), int(tuning["pending_old"]), True)
    block, last = int(session["next_block"]), int(session["last_adjustment_block"])
    is_today = calendar.day(block) == int(session["adjustment_day"])
    waited_ms = (block - last) * calendar.block_time_ms
    if not strategy.autopilot_enabled:
        return outcome, Refusal.DISABLED
    if tuning["disabled"] and not session["paused"]:
        return outcome, Refusal.SELF_DISABLED
    if last >= 0 and waited_ms < strategy.adjustment_cooldown_minutes * 60_000:
        return outcome, Refusal.COOLDOWN
    if last >= 0 and is_today and int(session["adjustments_today"]) >= strategy.max_daily_adjustments:
        return outcome, Refusal.DAILY_CAP
    is_pending = tuning["pending_log"] >= 0 and outcome is OutcomeKind.PENDING
    window = strategy.performance_window_trades
    told = review_twin(
        session, tuning, window, 1.0, own_bounds(strategy), market, knowledge, is_pending=bool(is_pending)
    )
    if isinstance(told, Refusal):
        return outcome, told
    return OutcomeKind.UNKNOWN if is_pending else outcome, (*told[:4], False)
