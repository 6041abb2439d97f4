"""The Auto Pilot on small markets through the kernel: each type of adjustment, each refusal, reversal, the end of it."""

from __future__ import annotations

import pytest
from played import (
    FOR_NOTHING,
    GAVE_BACK,
    RAN_AWAY,
    RAN_ON,
    SOLD_LOWER,
    STOPPED_IN_TIME,
    STOPPED_TOO_SOON,
    WON,
    WON_LITTLE,
    cycles,
    flown,
)
from reviewable import adjusting

from simulation.autopilot.guardrails import Refusal
from simulation.autopilot.knowledge import IGNORANT, learned
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.triggers import TYPES, AdjustmentType
from simulation.autopilot.words import replayed
from simulation.tuning import PARAMETERS

LARGE = {"max_position_size_percent": 50, "max_position_size_percent_limit": 50, "max_trade_size_usd": 5_000,
         "stop_loss_percent": 50, "max_concurrent_positions": 2}  # fmt: skip
SLOW = {"decision_interval_blocks": 10}


def fallen(share, recovers_at=None, n_blocks=1_000):
    """A market in which what is bought at block 0 soon falls to a share of its price, and may recover."""
    made = cycles(WON._replace(steps=((4, share),), then=share), idle_blocks=n_blocks - 20)
    if recovers_at is not None:
        made.price(2.0, recovers_at)
    return made


def rough(made):
    made.segment.signals["volatility_bp"] = -6_000
    return made


def late_orders():
    """Five wins, then purchases that the base fee leaves behind."""
    made = cycles(*[WON] * 5, *[FOR_NOTHING] * 5)
    for number in range(5, 10):
        made.base_fee(100, slice(number * 20 + 1, number * 20 + 15))
    return made


def rough_then_calm():
    made = rough(cycles(*[SOLD_LOWER] * 5, *[WON] * 60))
    made.segment.signals["volatility_bp"][:, 100:] = 3_000
    return made


FIRST = [
    ("PAUSE_TRADING", fallen(0.6), LARGE),
    ("POSITION_SIZE_DECREASE", fallen(0.8), LARGE),
    ("RISK_TOLERANCE_ADJUST", rough(cycles(*[SOLD_LOWER] * 5)), {}),
    ("FREQUENCY_DECREASE", cycles(*[FOR_NOTHING] * 5), SLOW),
    ("STOP_LOSS_LOOSEN", cycles(STOPPED_TOO_SOON, WON, STOPPED_TOO_SOON, WON, STOPPED_TOO_SOON), {}),
    ("STOP_LOSS_TIGHTEN", cycles(WON_LITTLE, WON_LITTLE, *[STOPPED_IN_TIME] * 3), {"take_profit_percent": 6}),
    ("CONFIDENCE_INCREASE", cycles(WON, *[SOLD_LOWER] * 4), {"take_profit_percent": 15}),
    ("TAKE_PROFIT_DECREASE", cycles(*[GAVE_BACK] * 5), {}),
    ("TAKE_PROFIT_INCREASE", cycles(*[RAN_ON] * 5), {}),
    ("POSITION_SIZE_INCREASE", cycles(*[WON] * 5), {}),
]
LATER = [
    ("RESUME_TRADING", fallen(0.6, recovers_at=450, n_blocks=3_000), LARGE),
    ("RESUME_TRADING", fallen(0.6, n_blocks=9_000), LARGE),
    ("GAS_STRATEGY_ADJUST", cycles(*[FOR_NOTHING] * 60), {}),
    ("GAS_STRATEGY_ADJUST", late_orders(), {"max_position_size_percent_limit": 5}),
    (
        "GAS_STRATEGY_ADJUST",
        cycles(*[WON] * 5, *[RAN_AWAY] * 5),
        {"max_position_size_percent_limit": 5, "max_slippage_percent": 1},
    ),
    ("FREQUENCY_INCREASE", cycles(*[WON] * 5, idle_blocks=3_000), SLOW),
    ("CONFIDENCE_DECREASE", cycles(*[WON] * 5, idle_blocks=15_000), SLOW),
]


@pytest.mark.parametrize(("kind", "made", "strategy"), FIRST)
def test_a_market_with_a_symptom_leads_to_its_adjustment_first(kind, made, strategy):
    assert flown(made, **strategy).types[:1] == [kind]


@pytest.mark.parametrize(("kind", "made", "strategy"), LATER)
def test_a_market_with_a_lasting_symptom_leads_to_its_adjustment(kind, made, strategy):
    assert kind in flown(made, **strategy).types


def test_each_of_the_14_types_is_made_by_trading():
    assert {kind for kind, _, _ in (*FIRST, *LATER)} == set(TYPES)


def test_fewer_positions_in_a_wild_market_and_more_again_in_a_calm_one():
    made = flown(rough_then_calm(), max_position_size_percent_limit=5).adjustments
    steps = [(one.old, one.new) for one in made if one.type is AdjustmentType.RISK_TOLERANCE_ADJUST]
    assert steps[:2] == [(5, 4), (4, 5)]


# Each gate refuses.


def count_of(refusal, made, **strategy):
    return flown(made, **strategy).refusals[refusal]


REFUSED = [
    (Refusal.DISABLED, cycles(*[WON] * 5), {"autopilot_enabled": False}),
    (Refusal.COOLDOWN, cycles(*[WON] * 10), {"adjustment_cooldown_minutes": 1_440}),
    (Refusal.DAILY_CAP, cycles(*[WON] * 10), {"max_daily_adjustments": 1}),
    (Refusal.FEW_TRADES, cycles(*[WON] * 5), {"performance_window_trades": 6}),
    (Refusal.PENDING, cycles(*[WON] * 10), {}),
    (Refusal.NO_TRIGGER, cycles(WON, GAVE_BACK, *[SOLD_LOWER] * 3), {}),
    (Refusal.AT_BOUND, cycles(*[WON] * 5), {"max_position_size_percent_limit": 5}),
    (Refusal.DANGEROUS, cycles(*[WON] * 5), {"max_position_size_percent": 20, "max_trade_size_usd": 5_000,
                                             "max_position_size_percent_limit": 50}),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "made", "strategy"), REFUSED, ids=[case[0].name for case in REFUSED])
def test_a_gate_refuses_in_a_run(refusal, made, strategy):
    assert count_of(refusal, made, **strategy) > 0


def test_what_was_learned_refuses_in_a_run():
    growth = TYPES.index(AdjustmentType.POSITION_SIZE_INCREASE)
    plain = flown(cycles(*[WON] * 5))
    regime = plain.adjustments[0].regime
    taught = learned(IGNORANT, [(growth, regime, OutcomeKind.NEGATIVE)] * 5)
    assert flown(cycles(*[WON] * 5), knowledge=taught).refusals[Refusal.TAUGHT_NOT] == 1


# A pause.


def pauses(flight):
    return [(one.type.value, one.block) for one in flight.adjustments if one.field == "paused"]


def test_a_pause_ends_after_a_day_though_the_drawdown_of_one_that_buys_nothing_never_does():
    made = pauses(flown(fallen(0.6, n_blocks=9_000), **LARGE, max_hold_hours=1))
    assert made == [("PAUSE_TRADING", 100), ("RESUME_TRADING", 7_300)]


def test_a_session_that_is_paused_sells_and_does_not_buy():
    made = fallen(0.6, n_blocks=2_000)
    made.signal(8_000, slice(400, None))
    paused = flown(made, **LARGE, max_hold_hours=1)
    session = paused.cohort.sessions[0]
    assert pauses(paused) == [("PAUSE_TRADING", 100)]
    assert (int(session["closed_trades"]), int(session["open_positions"])) == (1, 0)


def test_one_that_was_resumed_is_paused_again_after_three_more_closed_trades_only():
    made = fallen(0.6, n_blocks=9_000)
    for number in range(3):
        first = 7_400 + 20 * number
        made.signal(8_000, slice(first, first + 1))
        made.signal(2_000, slice(first + 10, first + 11))
    assert [kind for kind, _ in pauses(flown(made, **LARGE, max_hold_hours=1))] == [
        "PAUSE_TRADING", "RESUME_TRADING", "PAUSE_TRADING",
    ]  # fmt: skip


# What did harm is undone, and too much of it ends the Auto Pilot.


def quadrupled(times, every=10):
    """Plant the fourfold position size, so many times, wherever it is not there yet."""
    planted = []

    def plant(number, session, _is_pending):
        if len(planted) == times or number % every or int(session["max_position_size_bp"]) != 500:
            return None
        planted.append(number)
        return adjusting(session, "max_position_size_bp", 2_000, type=AdjustmentType.POSITION_SIZE_INCREASE)

    return plant


LOSING = {"performance_window_trades": 100, "max_trade_size_usd": 5_000, "min_position_size_percent": 5}


def test_a_bad_adjustment_is_judged_negative_and_reversed_by_one_that_names_it():
    flight = flown(cycles(*[FOR_NOTHING] * 50), plant=quadrupled(1), **LOSING)
    bad, undone = flight.adjustments
    assert [judged.outcome for judged in flight.judgements] == [OutcomeKind.NEGATIVE]
    assert (undone.is_reversal, undone.reverses_log_ordinal, undone.old, undone.new) == (True, 0, 2_000, 500)
    assert undone.block == bad.block + 600  # after six review periods
    assert int(flight.cohort.sessions[0]["max_position_size_bp"]) == 500
    assert replayed(dict.fromkeys(PARAMETERS, 500), flight.adjustments, 10_000)["max_position_size_bp"] == 500


@pytest.mark.parametrize(("failures", "is_off"), [(2, True), (3, False)])
def test_so_many_failures_in_a_row_switch_it_off_and_no_fewer(failures, is_off):
    flight = flown(cycles(*[FOR_NOTHING] * 150), plant=quadrupled(2), auto_disable_after_failures=failures, **LOSING)
    assert [judged.disables for judged in flight.judgements[:2]] == [False, is_off]
    assert [judged.outcome for judged in flight.judgements[:2]] == [OutcomeKind.NEGATIVE] * 2
    assert int(flight.cohort.tuning[0]["disabled"]) == is_off
    assert (flight.refusals[Refusal.SELF_DISABLED] > 0) == is_off


def test_a_good_adjustment_stays_and_ends_the_streak():
    flight = flown(cycles(*[FOR_NOTHING] * 50, *[WON] * 100), plant=quadrupled(2), **LOSING)
    assert [judged.outcome for judged in flight.judgements] == [OutcomeKind.NEGATIVE, OutcomeKind.POSITIVE]
    assert int(flight.cohort.tuning[0]["failures"]) == 0
    assert int(flight.cohort.sessions[0]["max_position_size_bp"]) == 2_000
