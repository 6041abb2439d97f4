"""The review of many sessions in one compiled pass: cheap gates first, then the window, the triggers and the bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulation.autopilot.fetching import AHEAD, TRADES_AHEAD, fetch_heads, fetch_latest_trade, fetch_trades
from simulation.autopilot.guardrails import BP, PAUSED, REFUSALS, Bound, clamp, day_of
from simulation.autopilot.outcomes import OutcomeKind, judge
from simulation.autopilot.records import COLUMNS, OWN_REVERSAL
from simulation.autopilot.triggers import AT_ONCE, SAFETY, TYPES, WINDOW, AdjustmentType, Metric, trigger_records
from simulation.choices import Reason
from simulation.jit import compiled
from simulation.state import RECENT_TRADES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAFETY_TRADES = 3
"""Even a reaction for safety waits for this many closed trades since the parameter's last change."""

MOST_PROFIT_FACTOR = 999.999
"""Profit factor of a window without a loss; also the most that losses are told to outweigh wins."""


class Shown(NamedTuple):
    """What a review reads; arrays of one row a session unless said otherwise."""

    ordinals: NDArray[Any]  # of the sessions in the run
    sessions: NDArray[Any]  # SESSION
    integers: NDArray[Any]  # the same as int64, (n_sessions, n_integers)
    tuning: NDArray[Any]  # TUNING
    policies: NDArray[Any]  # POLICY
    markets: NDArray[Any]  # MARKET, one an analyst
    confidence: NDArray[Any]  # (TYPES, REGIMES)
    against: NDArray[Any]  # (TYPES, REGIMES), int64
    block_time_ms: int
    day_offset_ms: int


class Found(NamedTuple):
    """What a review writes."""

    metrics: NDArray[Any]  # (n_metrics,): those of the session that is looked at
    adjustments: NDArray[Any]  # ADJUSTMENT
    judgements: NDArray[Any]  # JUDGEMENT
    refusals: NDArray[Any]  # int64, by REFUSALS


_TRIGGERS, _URGENT = trigger_records(), trigger_records(lambda trigger: trigger.evidence != WINDOW)
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

    Each session comes to one adjustment or to one refusal, which is counted. Most come to one soon: what is asked of
    all is asked of three records alone.
    """
    n_adjustments, n_judgements, last = 0, 0, len(shown.sessions) - 1
    for row in range(last + 1):
        fetch_heads(shown, min(row + AHEAD, last))
        fetch_latest_trade(shown.sessions[min(row + TRADES_AHEAD, last)])
        session, tuning, policy = shown.sessions[row], shown.tuning[row], shown.policies[row]
        kind = _judged(tuning)
        if kind != _UNJUDGED:
            _measure_row(shown, row, found.metrics)
            _write_judgement(shown, row, kind, found.metrics, found.judgements[n_judgements])
            n_judgements += 1
        if kind == _NEGATIVE:
            _write_reversal(shown, row, found.adjustments[n_adjustments])
            n_adjustments += 1
            continue
        is_pending = tuning.pending_log >= 0 and kind == _UNJUDGED
        refusal = _gate(session, tuning, policy, shown.block_time_ms, shown.day_offset_ms)
        if refusal < 0:
            market = shown.markets[session.analyst]
            refusal = _soon(session, tuning, policy, market, shown.block_time_ms, is_pending, found.metrics)
        if refusal < 0:
            refusal = _review_one(shown, row, is_pending, found.metrics, found.adjustments[n_adjustments])
        if refusal >= 0:
            found.refusals[refusal] += 1
            continue
        n_adjustments += 1
        if is_pending:  # a reaction for safety doesn't wait; what it interrupts will never be known
            _write_judgement(shown, row, _UNKNOWN, found.metrics, found.judgements[n_judgements])
            n_judgements += 1
    return n_adjustments, n_judgements


@compiled
def _judged(tuning):
    if tuning.pending_log < 0:
        return _UNJUDGED
    return judge(tuning.difference_count, tuning.difference_mean, tuning.difference_m2, tuning.pending_trades)


@compiled
def interrupt(shown, row, metrics, judgements, place):
    """Write that what is being judged of a session will never be known, because of a command."""
    _measure_row(shown, row, metrics)
    _write_judgement(shown, row, _UNKNOWN, metrics, judgements[place])
    judgements[place].by_operator = 1


@compiled
def _write_judgement(shown, row, kind, metrics, judgement):
    tuning = shown.tuning[row]
    judgement.session, judgement.row, judgement.block = shown.ordinals[row], row, shown.sessions[row].next_block
    judgement.log, judgement.type, judgement.regime = tuning.pending_log, tuning.pending_type, tuning.pending_regime
    judgement.kind = kind
    judgement.disables = int(kind == _NEGATIVE and tuning.failures + 1 >= shown.policies[row].failures)
    judgement.by_operator = 0
    judgement.periods, judgement.trades = tuning.difference_count, tuning.pending_trades
    judgement.mean, judgement.m2 = tuning.difference_mean, tuning.difference_m2
    for at in range(len(metrics)):
        judgement.metrics[at] = metrics[at]


@compiled
def _write_reversal(shown, row, adjustment):
    tuning, parameter = shown.tuning[row], shown.tuning[row].pending_parameter
    _write_change(shown, row, parameter, tuning.pending_old, adjustment)
    adjustment.trigger, adjustment.type = OWN_REVERSAL, tuning.pending_type
    adjustment.wanted, adjustment.bound = tuning.pending_old, 0
    adjustment.confidence = shown.confidence[tuning.pending_type, tuning.pending_regime]
    adjustment.reverses, adjustment.difference = tuning.pending_log, tuning.difference_mean
    for at in range(len(adjustment.metrics)):
        adjustment.metrics[at] = 0.0


@compiled
def _write_change(shown, row, parameter, new, adjustment):
    """Write what all adjustments have."""
    session = shown.sessions[row]
    adjustment.session, adjustment.row, adjustment.block = shown.ordinals[row], row, session.next_block
    adjustment.parameter, adjustment.old, adjustment.new = parameter, shown.integers[row, COLUMNS[parameter]], new
    market, seen = shown.markets[session.analyst], adjustment.market
    adjustment.regime = seen.regime = market.regime
    seen.trend, seen.risk_percent = market.trend, market.risk_percent
    seen.volatility_percent, seen.gas_percent = market.volatility_percent, market.gas_percent
    seen.base_fee_gwei = market.base_fee_gwei


@compiled
def _soon(session, tuning, policy, market, block_time_ms, is_pending, metrics):
    """Return why a session past its gate is not adjusted where no trigger can count, or -1.

    One that is judged, or has no window of trades yet, is adjusted by an urgent trigger at most; often none fires.
    """
    is_short = session.closed_trades < policy.window_trades
    if (not is_pending and not is_short) or tuning.disabled != 0:
        return -1
    _measure_state(session, tuning, market, block_time_ms, metrics)
    count = min(policy.window_trades, session.closed_trades, RECENT_TRADES)
    for place in range(len(_URGENT)):
        trigger = _URGENT[place]
        if is_pending and _has_to_wait(trigger, tuning):
            continue
        if trigger.metric == STREAK:  # the one metric here that has to be looked for, where it can be long enough
            metrics[STREAK] = _losing_streak(session, count) if count >= trigger.threshold else 0.0
        if fires(trigger, metrics):
            return -1
    return _untriggered(is_pending, is_short)


@compiled
def _has_to_wait(trigger, tuning):
    """Tell whether a trigger waits for what is being judged."""
    return trigger.type not in (_PAUSE, _SMALLER) or trigger.parameter == tuning.pending_parameter


@compiled
def _review_one(shown, row, is_pending, metrics, adjustment):
    """Write the session's adjustment and return -1, or return why there is none."""
    is_short = shown.sessions[row].closed_trades < shown.policies[row].window_trades
    _measure_row(shown, row, metrics)
    refusal = -1
    for place in range(len(_TRIGGERS)):
        trigger = _TRIGGERS[place]
        if fires(trigger, metrics):
            why_not = _try(shown, row, place, is_pending, metrics, adjustment)
            if why_not < 0:
                return -1
            if refusal < 0:  # of several, that of the most urgent one
                refusal = why_not
    if refusal >= 0:
        return refusal
    return _untriggered(is_pending, is_short)


@compiled
def _losing_streak(session, count):
    """Return how many of the latest ``count`` closed trades, which are all remembered, lost one after another."""
    place = session.closed_trades % RECENT_TRADES
    for back in range(count):
        place = (place if place > 0 else RECENT_TRADES) - 1
        if session.recent_pnl_micro_usd[place] > 0:
            return back
    return count


@compiled
def _untriggered(is_pending, is_short):
    """Return why there is no adjustment where no trigger that counts has fired."""
    if is_pending:
        return _PENDING
    return _FEW_TRADES if is_short else _NO_TRIGGER


@compiled
def _gate(session, tuning, policy, block_time_ms, day_offset_ms):
    """Return why the session may not be adjusted at all now, or -1."""
    if policy.enabled == 0:
        return _DISABLED
    if tuning.disabled != 0 and session.paused == 0:
        return _SELF_DISABLED
    block, last = session.next_block, session.last_adjustment_block
    if last < 0:
        return -1
    if (block - last) * block_time_ms < policy.cooldown_ms:
        return _COOLDOWN
    day = day_of(block, block_time_ms, day_offset_ms)
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
def _try(shown, row, place, is_pending, metrics, adjustment):
    """Write the adjustment that a trigger asks for and return -1, or return what speaks against it."""
    session, tuning, policy, trigger = (
        shown.sessions[row],
        shown.tuning[row],
        shown.policies[row],
        _TRIGGERS[place],
    )
    parameter, regime = trigger.parameter, shown.markets[session.analyst].regime
    is_safety = trigger.type in (_PAUSE, _SMALLER)
    if tuning.disabled != 0 and trigger.type != _RESUME:  # what it has paused it may still resume
        return _SELF_DISABLED
    if is_pending and _has_to_wait(trigger, tuning):
        return _PENDING
    if not _has_evidence(session, tuning, policy, trigger):
        return _FEW_TRADES
    if not is_safety and trigger.type != _RESUME and shown.against[trigger.type, regime] != 0:
        return _TAUGHT_NOT
    old = shown.integers[row, COLUMNS[parameter]]
    confidence = shown.confidence[trigger.type, regime]
    wanted = old + _step(parameter, old, trigger.step, policy.step_factor * (0.5 + confidence))
    new, bound = clamp(session, policy, parameter, wanted)
    if (new - old) * trigger.step <= 0:  # a bound may allow no step, or only one back
        return _AT_BOUND if bound in _ON_ITS_OWN else _DANGEROUS
    _write_change(shown, row, parameter, new, adjustment)
    adjustment.trigger, adjustment.type, adjustment.wanted, adjustment.bound = place, trigger.type, wanted, bound
    adjustment.confidence, adjustment.reverses, adjustment.difference = confidence, -1, 0.0
    for at in range(len(metrics)):
        adjustment.metrics[at] = metrics[at]
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
def _measure_row(shown, row, metrics):
    session = shown.sessions[row]
    market = shown.markets[session.analyst]
    measure(session, shown.tuning[row], shown.policies[row], market, shown.block_time_ms, metrics)


@compiled
def measure(session, tuning, policy, market, block_time_ms, metrics):
    """Write the metrics of a session at a review."""
    count = min(policy.window_trades, session.closed_trades, RECENT_TRADES)
    fetch_trades(session, tuning, count)
    _measure_state(session, tuning, market, block_time_ms, metrics)
    _measure_window(session, tuning, count, metrics)
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
    place = session.closed_trades % RECENT_TRADES
    for _ in range(count):
        place = (place if place > 0 else RECENT_TRADES) - 1
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
