"""The review of many sessions in one compiled pass: cheap gates first, then the window, the triggers and the bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulation.autopilot.guardrails import BP, PAUSED, REFUSALS, Bound, clamp
from simulation.autopilot.outcomes import OutcomeKind, judge
from simulation.autopilot.triggers import AT_ONCE, SAFETY, TYPES, WINDOW, AdjustmentType, Metric
from simulation.choices import Reason
from simulation.jit import compiled
from simulation.state import RECENT_TRADES, SESSION
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAFETY_TRADES = 3
"""Even a reaction for safety waits for this many closed trades since the parameter's last change."""

MOST_PROFIT_FACTOR = 999.999
"""Profit factor of a window without a loss; also the most that losses are told to outweigh wins."""

MARKET = np.dtype([("volatility_percent", np.float64), ("gas_percent", np.float64), ("regime", np.int64)], align=True)
"""What a review looks at of the market; one record an analyst."""

ADJUSTMENT = np.dtype(
    [
        ("row", np.int64),
        ("trigger", np.int64),  # row of the table; -1 for a reversal
        ("type", np.int64),
        ("parameter", np.int64),
        ("old", np.int64),
        ("wanted", np.int64),
        ("new", np.int64),
        ("bound", np.int64),  # Bound
        ("regime", np.int64),
        ("confidence", np.float64),
    ],
    align=True,
)

JUDGEMENT = np.dtype([("row", np.int64), ("kind", np.int64), ("disables", np.int64)], align=True)

assert SESSION.fields is not None
COLUMNS = np.array([SESSION.fields[name][1] // 8 for name in PARAMETERS], np.int64)
"""Where the parameters stand in a SESSION record taken as words of 64 bits."""


class Shown(NamedTuple):
    """What a review reads; arrays of one row a session unless said otherwise."""

    sessions: NDArray[Any]  # SESSION
    words: NDArray[Any]  # the same as int64, (n_sessions, words)
    tuning: NDArray[Any]  # TUNING
    policies: NDArray[Any]  # POLICY
    markets: NDArray[Any]  # MARKET, one an analyst
    triggers: NDArray[Any]  # TRIGGER, the table
    confidence: NDArray[Any]  # (TYPES, REGIMES)
    against: NDArray[Any]  # (TYPES, REGIMES), int64
    block_time_ms: int
    day_offset_ms: int


class Found(NamedTuple):
    """What a review writes."""

    metrics: NDArray[Any]  # (n_sessions, n_metrics): those of a session that was judged or whose window was looked at
    adjustments: NDArray[Any]  # ADJUSTMENT
    judgements: NDArray[Any]  # JUDGEMENT
    refusals: NDArray[Any]  # int64, by REFUSALS


_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000.0
_STOPPED, _TARGETED = int(Reason.STOP_LOSS), int(Reason.TAKE_PROFIT)
_UNJUDGED, _NEGATIVE, _UNKNOWN = int(OutcomeKind.PENDING), int(OutcomeKind.NEGATIVE), int(OutcomeKind.UNKNOWN)
_PAUSE, _SMALLER = TYPES.index(AdjustmentType.PAUSE_TRADING), TYPES.index(AdjustmentType.POSITION_SIZE_DECREASE)
_RESUME = TYPES.index(AdjustmentType.RESUME_TRADING)
_ON_ITS_OWN = (int(Bound.NONE), int(Bound.STRATEGY), int(Bound.ACCOUNT))
(
    _DISABLED, _SELF_DISABLED, _COOLDOWN, _DAILY_CAP, _FEW_TRADES, _PENDING, _NO_TRIGGER, _AT_BOUND, _DANGEROUS,
    _TAUGHT_NOT,
) = range(len(REFUSALS))  # fmt: skip
TRADES, WIN_RATE, PROFIT_FACTOR = int(Metric.TRADES), int(Metric.WIN_RATE_PERCENT), int(Metric.PROFIT_FACTOR)
NET, DRAWDOWN, STREAK = int(Metric.NET_USD), int(Metric.DRAWDOWN_PERCENT), int(Metric.LOSING_STREAK)
LOSS_TO_WIN, STOPS, RECOVERED = int(Metric.LOSS_TO_WIN), int(Metric.STOPS), int(Metric.RECOVERED_STOPS_PERCENT)
TARGETS, TARGETS_PERCENT, RAN_ON = int(Metric.TARGETS), int(Metric.TARGETS_PERCENT), int(Metric.RAN_ON_PERCENT)
GIVEN_BACK, COST, ORDERS = int(Metric.GIVEN_BACK_PERCENT), int(Metric.COST_PERCENT), int(Metric.ORDERS)
SLIPPED, LATE, PER_PERIOD = int(Metric.SLIPPED_PERCENT), int(Metric.LATE_PERCENT), int(Metric.TRADES_PER_PERIOD)
PAUSED_HOURS, VOLATILITY = int(Metric.PAUSED_HOURS), int(Metric.VOLATILITY_PERCENT)
GAS = int(Metric.GAS_PERCENT)


@compiled
def review_all(shown, found):
    """Review every session; return how many adjustments and judgements were written to ``found``.

    Each session comes to one adjustment or to one refusal, which is counted.
    """
    n_adjustments, n_judgements = 0, 0
    for row in range(len(shown.sessions)):
        kind = _judged(shown, row)
        if kind != _UNJUDGED:
            session = shown.sessions[row]
            market = shown.markets[session.analyst]
            measure(session, shown.tuning[row], shown.policies[row], market, shown.block_time_ms, found.metrics[row])
            found.judgements[n_judgements].row = row
            found.judgements[n_judgements].kind = kind
            found.judgements[n_judgements].disables = 0
            if kind == _NEGATIVE:
                failures = shown.tuning[row].failures + 1
                found.judgements[n_judgements].disables = int(failures >= shown.policies[row].failures)
            n_judgements += 1
        if kind == _NEGATIVE:
            _write_reversal(shown, row, found.adjustments[n_adjustments])
            n_adjustments += 1
        else:
            is_pending = shown.tuning[row].pending_log >= 0 and kind == _UNJUDGED
            refusal = _review_one(shown, row, is_pending, found.metrics[row], found.adjustments[n_adjustments])
            if refusal >= 0:
                found.refusals[refusal] += 1
            else:
                n_adjustments += 1
                if is_pending:  # a reaction for safety doesn't wait; what it interrupts will never be known
                    found.judgements[n_judgements].row = row
                    found.judgements[n_judgements].kind = _UNKNOWN
                    found.judgements[n_judgements].disables = 0
                    n_judgements += 1
    return n_adjustments, n_judgements


@compiled
def _judged(shown, row):
    tuning = shown.tuning[row]
    if tuning.pending_log < 0:
        return _UNJUDGED
    return judge(tuning.difference_count, tuning.difference_mean, tuning.difference_m2, tuning.pending_trades)


@compiled
def _write_reversal(shown, row, adjustment):
    tuning = shown.tuning[row]
    adjustment.row, adjustment.trigger, adjustment.type = row, -1, tuning.pending_type
    adjustment.parameter = tuning.pending_parameter
    adjustment.old = shown.words[row, COLUMNS[tuning.pending_parameter]]
    adjustment.wanted = adjustment.new = tuning.pending_old
    adjustment.bound, adjustment.regime = 0, shown.markets[shown.sessions[row].analyst].regime
    adjustment.confidence = shown.confidence[tuning.pending_type, tuning.pending_regime]


@compiled
def _review_one(shown, row, is_pending, metrics, adjustment):
    """Write the session's adjustment and return -1, or return why there is none."""
    refusal = _gate(shown, row)
    if refusal >= 0:
        return refusal
    session, tuning, policy = shown.sessions[row], shown.tuning[row], shown.policies[row]
    market = shown.markets[session.analyst]
    is_short = session.closed_trades < policy.window_trades
    if (is_pending or is_short) and tuning.disabled == 0 and not _is_urgent(shown, row, market, metrics):
        return _untriggered(is_pending, is_short)
    measure(session, tuning, policy, market, shown.block_time_ms, metrics)
    refusal = -1
    for place in range(len(shown.triggers)):
        trigger = shown.triggers[place]
        if fires(trigger, metrics):
            why_not = _try(shown, row, place, is_pending, adjustment)
            if why_not < 0:
                return -1
            if refusal < 0:  # of several, that of the most urgent one
                refusal = why_not
    if refusal >= 0:
        return refusal
    return _untriggered(is_pending, is_short)


@compiled
def _is_urgent(shown, row, market, metrics):
    """Tell whether a trigger fires that needs no window of trades: most often none does, and the rest can be spared."""
    session, tuning = shown.sessions[row], shown.tuning[row]
    _measure_state(session, tuning, market, shown.block_time_ms, metrics)
    metrics[STREAK] = _losing_streak(session, min(shown.policies[row].window_trades, session.closed_trades))
    for place in range(len(shown.triggers)):
        trigger = shown.triggers[place]
        if trigger.evidence != WINDOW and fires(trigger, metrics):
            return True
    return False


@compiled
def _losing_streak(session, count):
    for back in range(1, min(count, RECENT_TRADES) + 1):
        if session.recent_pnl_micro_usd[(session.closed_trades - back) % RECENT_TRADES] > 0:
            return back - 1
    return min(count, RECENT_TRADES)


@compiled
def _untriggered(is_pending, is_short):
    """Return why there is no adjustment where no trigger that counts has fired."""
    if is_pending:
        return _PENDING
    return _FEW_TRADES if is_short else _NO_TRIGGER


@compiled
def _gate(shown, row):
    """Return why the session may not be adjusted at all now, or -1."""
    session, policy = shown.sessions[row], shown.policies[row]
    if policy.enabled == 0:
        return _DISABLED
    if shown.tuning[row].disabled != 0 and session.paused == 0:
        return _SELF_DISABLED
    block, last = session.next_block, session.last_adjustment_block
    if last < 0:
        return -1
    if (block - last) * shown.block_time_ms < policy.cooldown_ms:
        return _COOLDOWN
    day = (block * shown.block_time_ms + shown.day_offset_ms) // _DAY_MS
    if day == session.adjustment_day and session.adjustments_today >= policy.daily_adjustments:
        return _DAILY_CAP
    return -1


@compiled
def fires(trigger, metrics):
    """Tell whether the metrics show the symptom."""
    return _holds(metrics[trigger.metric], trigger.threshold, trigger.is_above) and _holds(
        metrics[trigger.also_metric], trigger.also_threshold, trigger.also_is_above
    )


@compiled
def _holds(value, threshold, is_above):
    return value >= threshold if is_above != 0 else value < threshold


@compiled
def _try(shown, row, place, is_pending, adjustment):
    """Write the adjustment that a trigger asks for and return -1, or return what speaks against it."""
    session, tuning, policy, trigger = (
        shown.sessions[row],
        shown.tuning[row],
        shown.policies[row],
        shown.triggers[place],
    )
    parameter, regime = trigger.parameter, shown.markets[session.analyst].regime
    is_safety = trigger.type in (_PAUSE, _SMALLER)
    if tuning.disabled != 0 and trigger.type != _RESUME:  # what it has paused it may still resume
        return _SELF_DISABLED
    if is_pending and (not is_safety or parameter == tuning.pending_parameter):
        return _PENDING
    if not _has_evidence(session, tuning, policy, trigger):
        return _FEW_TRADES
    if not is_safety and trigger.type != _RESUME and shown.against[trigger.type, regime] != 0:
        return _TAUGHT_NOT
    old = shown.words[row, COLUMNS[parameter]]
    confidence = shown.confidence[trigger.type, regime]
    wanted = old + _step(parameter, old, trigger.step, policy.step_factor * (0.5 + confidence))
    new, bound = clamp(session, policy, parameter, wanted)
    if (new - old) * trigger.step <= 0:  # a bound may allow no step, or only one back
        return _AT_BOUND if bound in _ON_ITS_OWN else _DANGEROUS
    adjustment.row, adjustment.trigger, adjustment.type = row, place, trigger.type
    adjustment.parameter, adjustment.old, adjustment.wanted, adjustment.new = parameter, old, wanted, new
    adjustment.bound, adjustment.regime, adjustment.confidence = bound, regime, confidence
    return -1


@compiled
def _step(parameter, old, share, factor):
    """Return the step in the unit of the field, rounded; a count moves by at least one, what is on or off flips."""
    if parameter == PAUSED:
        return np.int64(share)
    step = np.int64(round(old * share * factor))
    if step == 0 and old < BP // 100:  # positions, and intervals of few blocks
        return 1 if share > 0 else -1
    return step


@compiled
def _has_evidence(session, tuning, policy, trigger):
    closed = session.closed_trades - tuning.closed_then[trigger.parameter]
    if trigger.evidence == AT_ONCE:
        return True
    if trigger.evidence == SAFETY:
        return tuning.changed_block[trigger.parameter] < 0 or closed >= SAFETY_TRADES
    return closed >= policy.window_trades


@compiled
def measure(session, tuning, policy, market, block_time_ms, metrics):
    """Write the metrics of a session at a review."""
    _measure_state(session, tuning, market, block_time_ms, metrics)
    _measure_window(session, tuning, min(policy.window_trades, session.closed_trades, RECENT_TRADES), metrics)
    metrics[ORDERS] = tuning.orders
    metrics[SLIPPED] = _percent(tuning.slipped_orders, tuning.orders)
    metrics[LATE] = _percent(tuning.late_orders, tuning.orders)
    periods = session.return_count
    metrics[PER_PERIOD] = session.closed_trades / periods if periods > 0 else MOST_PROFIT_FACTOR


@compiled
def _measure_state(session, tuning, market, block_time_ms, metrics):
    """Write the metrics that need no trades."""
    metrics[VOLATILITY], metrics[GAS] = market.volatility_percent, market.gas_percent
    peak, equity = session.peak_equity_micro_usd, session.equity_micro_usd
    metrics[DRAWDOWN] = 100.0 * (peak - equity) / peak
    metrics[PAUSED_HOURS] = 0.0
    if session.paused != 0:
        metrics[PAUSED_HOURS] = (session.next_block - tuning.changed_block[PAUSED]) * block_time_ms / _HOUR_MS


@compiled
def _measure_window(session, tuning, count, metrics):
    won, lost, wins, cost = 0, 0, 0, 0
    stops, recovered, targets, ran_on, peaks_bp, given_bp = 0, 0, 0, 0, 0, 0
    for back in range(1, count + 1):
        place = (session.closed_trades - back) % RECENT_TRADES
        net = session.recent_pnl_micro_usd[place]
        if net > 0:
            won, wins = won + net, wins + 1
        else:
            lost -= net
        cost += tuning.cost_micro_usd[place]
        if tuning.exit_reason[place] == _STOPPED:
            stops += 1
            recovered += int(2 * tuning.after_bp[place] >= session.stop_loss_bp)
        elif tuning.exit_reason[place] == _TARGETED:
            targets += 1
            ran_on += int(4 * tuning.after_bp[place] >= session.take_profit_bp)
        if tuning.peak_bp[place] > 0:
            peaks_bp += tuning.peak_bp[place]
            given_bp += tuning.given_back_bp[place]
    losses = count - wins
    metrics[TRADES], metrics[WIN_RATE], metrics[NET] = count, _percent(wins, count), (won - lost) / 1e6
    metrics[PROFIT_FACTOR] = _ratio(won, lost)
    metrics[STREAK] = _losing_streak(session, count)
    metrics[LOSS_TO_WIN] = _ratio(lost * wins, won * losses)
    metrics[STOPS], metrics[RECOVERED] = stops, _percent(recovered, stops)
    metrics[TARGETS], metrics[TARGETS_PERCENT] = targets, _percent(targets, count)
    metrics[RAN_ON], metrics[GIVEN_BACK] = _percent(ran_on, targets), _percent(given_bp, peaks_bp)
    metrics[COST] = _percent(max(cost, 0), won + max(cost, 0))


@compiled
def _percent(part, whole):
    return 100.0 * part / whole if whole > 0 else 0.0


@compiled
def _ratio(over, under):
    if under == 0:
        return MOST_PROFIT_FACTOR if over > 0 else 0.0
    return min(np.float64(over) / np.float64(under), MOST_PROFIT_FACTOR)
