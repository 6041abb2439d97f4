"""Auto Pilot: the gate refuses with a reason, triggers ask for steps, bounds hold, and a change is counted."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hand_made import RULES, account, stage
from hypothesis import assume, given
from hypothesis import strategies as st
from reviewable import CALM, NOON, carried, review_of, reviewable, tuning, verdict_of

from simulation import cohort as cohorts
from simulation.autopilot.conditions import Conditions, market_conditions
from simulation.autopilot.guardrails import Calendar, Refusal, own_bounds
from simulation.autopilot.reviewing import MOST_PROFIT_FACTOR
from simulation.autopilot.triggers import TRIGGERS, AdjustmentType
from simulation.autopilot.words import Adjustment
from simulation.settings.strategy import Strategy
from simulation.state import RECENT_TRADES
from simulation.tuning import PARAMETERS

BLOCKS_A_DAY = 7200
BLOCKS_A_MINUTE = 5
MIDNIGHT = Calendar(block_time_ms=12_000, day_offset_ms=0)
USD = 1_000_000
WINDOW = 5


def tuned(**fields):
    """A strategy that Auto Pilot may adjust after five trades."""
    return Strategy(**{"autopilot_enabled": True, "performance_window_trades": WINDOW, **fields})


session = reviewable

WINNERS = (10,) * WINDOW
LOSERS = (-10,) * WINDOW
MIXED = (10, -10, 10, -10, 5)
DROWNED = {"equity_micro_usd": 9_000 * USD}


reviewed = review_of


# The gate.


def test_a_strategy_without_auto_pilot_is_left_alone():
    assert reviewed(Strategy(), session(WINNERS)) is Refusal.DISABLED


def test_a_first_adjustment_waits_for_no_cooldown():
    assert isinstance(reviewed(tuned(adjustment_cooldown_minutes=1440), session(WINNERS)), Adjustment)


@pytest.mark.parametrize(("blocks", "refused"), [(30 * BLOCKS_A_MINUTE - 1, True), (30 * BLOCKS_A_MINUTE, False)])
def test_the_cooldown_is_counted_in_simulated_minutes_to_the_block(blocks, refused):
    record = session(WINNERS, last_adjustment_block=3_000 - blocks)
    assert (reviewed(tuned(adjustment_cooldown_minutes=30), record) is Refusal.COOLDOWN) == refused


def test_the_adjustments_of_a_day_are_limited():
    strategy = tuned(max_daily_adjustments=2)
    today = {"last_adjustment_block": 2_000, "adjustment_day": NOON.day(3_000)}
    assert isinstance(reviewed(strategy, session(WINNERS, adjustments_today=1, **today)), Adjustment)
    assert reviewed(strategy, session(WINNERS, adjustments_today=2, **today)) is Refusal.DAILY_CAP


def test_the_limit_of_a_day_is_forgotten_at_simulated_midnight():
    strategy = tuned(max_daily_adjustments=1, adjustment_cooldown_minutes=1)
    spent = {"last_adjustment_block": 3_590, "adjustment_day": NOON.day(3_590), "adjustments_today": 1}
    before, after = (session(WINNERS, next_block=block, **spent) for block in (3_599, 3_600))
    assert reviewed(strategy, before) is Refusal.DAILY_CAP
    assert isinstance(reviewed(strategy, after), Adjustment)


def test_a_cooldown_does_not_end_at_midnight():
    record = session(WINNERS, next_block=3_600, last_adjustment_block=3_590)
    assert reviewed(tuned(adjustment_cooldown_minutes=30), record) is Refusal.COOLDOWN


def test_days_are_those_of_the_simulated_calendar():
    assert [NOON.day(block) for block in (0, 3_599, 3_600, 3_600 + BLOCKS_A_DAY)] == [0, 0, 1, 2]
    assert [MIDNIGHT.day(block) for block in (0, 7_199, 7_200)] == [0, 0, 1]


@pytest.mark.parametrize("trades", [0, 1, WINDOW - 1])
def test_too_few_trades_tell_nothing(trades):
    assert reviewed(tuned(), session(WINNERS[:trades])) is Refusal.FEW_TRADES


def test_trades_closed_before_the_last_adjustment_are_not_counted_again():
    record = session(WINNERS * 2, last_adjustment_block=1_000)
    assert reviewed(tuned(), record, remembered=tuning(closed_then=WINDOW + 1)) is Refusal.FEW_TRADES
    assert isinstance(reviewed(tuned(), record, remembered=tuning(closed_then=WINDOW)), Adjustment)


def test_ordinary_figures_ask_for_nothing():
    assert reviewed(tuned(), session(MIXED)) is Refusal.NO_TRIGGER


def test_a_parameter_at_its_bound_stays_there():
    assert reviewed(tuned(), session(WINNERS, max_position_size_bp=2_000)) is Refusal.AT_BOUND


def test_every_refusal_is_a_reason_in_words():
    assert all(" " in refusal.value for refusal in Refusal)


# The triggers.


def test_a_drawdown_makes_positions_smaller():
    adjustment = reviewed(tuned(), session(MIXED, **DROWNED))
    assert (adjustment.type, adjustment.field) == (AdjustmentType.POSITION_SIZE_DECREASE, "max_position_size_bp")
    assert (adjustment.old, adjustment.new, adjustment.block) == (500, 375, 3_000)
    assert (adjustment.trigger_metric, adjustment.trigger_value) == ("drawdown_percent", 10.0)


def test_a_drawdown_is_answered_before_the_window_is_full():
    assert reviewed(tuned(), session(**DROWNED)).type is AdjustmentType.POSITION_SIZE_DECREASE


@pytest.mark.parametrize(("equity_usd", "fires"), [(9_500, True), (9_501, False)])
def test_a_drawdown_counts_from_five_percent_of_the_peak(equity_usd, fires):
    result = reviewed(tuned(), session(equity_micro_usd=equity_usd * USD))
    assert isinstance(result, Adjustment) == fires


def test_few_wins_and_a_loss_ask_for_more_confidence():
    adjustment = reviewed(tuned(), session(LOSERS))
    assert (adjustment.type, adjustment.field) == (AdjustmentType.CONFIDENCE_INCREASE, "confidence_threshold_bp")
    assert (adjustment.old, adjustment.new) == (6_000, 6_300)


def test_few_wins_that_made_money_ask_for_no_more_confidence():
    result = reviewed(tuned(), session((100, -1, -1, -1, -1)))
    assert result.type is AdjustmentType.POSITION_SIZE_INCREASE


def test_wins_without_a_drawdown_make_positions_larger():
    adjustment = reviewed(tuned(), session(WINNERS))
    assert (adjustment.type, adjustment.old, adjustment.new) == (AdjustmentType.POSITION_SIZE_INCREASE, 500, 600)
    assert adjustment.trigger_value == MOST_PROFIT_FACTOR


def test_wins_on_the_way_down_do_not_make_positions_larger():
    assert reviewed(tuned(), session(WINNERS, equity_micro_usd=9_800 * USD)) is Refusal.NO_TRIGGER


def test_safety_comes_first_and_a_review_makes_one_change():
    assert reviewed(tuned(), session(LOSERS, **DROWNED)).type is AdjustmentType.POSITION_SIZE_DECREASE


def test_a_symptom_whose_parameter_is_spent_leaves_the_turn_to_the_next():
    adjustment = reviewed(tuned(), session(LOSERS, max_position_size_bp=100, **DROWNED))
    assert adjustment.type is AdjustmentType.CONFIDENCE_INCREASE


CLAMPED = [
    (AdjustmentType.POSITION_SIZE_DECREASE, session(MIXED, **DROWNED), {"min_position_size_percent": "4.5"}, 450),
    (AdjustmentType.CONFIDENCE_INCREASE, session(LOSERS), {"max_confidence_threshold_limit": "61"}, 6_100),
    (AdjustmentType.POSITION_SIZE_INCREASE, session(WINNERS), {"max_position_size_percent_limit": "5.2"}, 520),
]


@pytest.mark.parametrize(("kind", "record", "bound", "new"), CLAMPED, ids=[case[0] for case in CLAMPED])
def test_a_step_ends_at_the_bound_of_the_strategy_and_says_so(kind, record, bound, new):
    adjustment = reviewed(tuned(**bound), record)
    assert (adjustment.type, adjustment.new) == (kind, new)
    assert adjustment.reason.endswith("The step was cut short by the strategy's bound.")


@pytest.mark.parametrize(("manner", "new"), [("CONSERVATIVE", 550), ("MODERATE", 600), ("AGGRESSIVE", 700)])
def test_steps_grow_with_aggressiveness(manner, new):
    assert reviewed(tuned(adaptation_aggressiveness=manner), session(WINNERS)).new == new


@pytest.mark.parametrize(("rate", "new"), [("0.05", 550), ("0.1", 600), ("0.2", 700)])
def test_steps_grow_with_the_learning_rate(rate, new):
    assert reviewed(tuned(learning_rate=rate), session(WINNERS)).new == new


def test_a_step_too_small_for_a_basis_point_is_no_change():
    assert reviewed(tuned(learning_rate="0.0001"), session(WINNERS)) is Refusal.AT_BOUND


def test_the_reason_names_the_metric_its_value_the_threshold_and_the_window():
    assert reviewed(tuned(), session(LOSERS)).reason == (
        "win_rate_percent 0.00 is below 40 over 5 trades: too few trades win and the window lost money."
    )


def test_an_adjustment_keeps_what_it_was_decided_on():
    adjustment = reviewed(tuned(), session(LOSERS))
    assert adjustment.market_conditions == CALM.as_dict()
    figures = {"trades": 5.0, "win_rate_percent": 0.0, "profit_factor": 0.0, "net_usd": -50.0, "drawdown_percent": 0.0}
    assert figures.items() <= adjustment.performance_before.items()
    assert (adjustment.parameter_name, adjustment.divisor) == ("confidence_threshold", 100)


# The window.


def window_of(record, trades):
    """Return the figures of the window, of a review in which a drawdown asks for something."""
    record["equity_micro_usd"] = 9_000 * USD
    return reviewed(tuned(performance_window_trades=trades), record).performance_before


def test_the_window_holds_the_latest_trades_only():
    window = window_of(session((-100, -100, 10, 10, 10, -5, 10)), trades=5)
    figures = [window[name] for name in ("trades", "net_usd", "win_rate_percent", "profit_factor")]
    assert figures == [5, 35.0, 80.0, 8.0]


def test_the_window_follows_the_ring_around():
    trades = [-1.0] * RECENT_TRADES + [2.0, 3.0]
    assert window_of(session(trades), trades=5)["net_usd"] == 2.0
    assert window_of(session(trades), trades=RECENT_TRADES)["net_usd"] == 5.0 - (RECENT_TRADES - 2)


def test_a_trade_that_broke_even_did_not_win():
    window = window_of(session((0, 0)), trades=5)
    assert (window["win_rate_percent"], window["profit_factor"]) == (0.0, 0.0)


# Bounds, whatever happens.

percent = st.decimals(Decimal("0.1"), 100, places=1)
STRATEGIES = st.builds(
    dict,
    min_position_size_percent=st.decimals(Decimal("0.1"), 25, places=1),
    max_position_size_percent_limit=st.decimals(1, 50, places=1),
    min_confidence_threshold=st.decimals(10, 95, places=1),
    max_confidence_threshold_limit=st.decimals(50, 100, places=1),
    learning_rate=st.decimals(Decimal("0.0001"), 1, places=4),
    adaptation_aggressiveness=st.sampled_from(["CONSERVATIVE", "MODERATE", "AGGRESSIVE"]),
    performance_window_trades=st.integers(5, 100),
    adjustment_cooldown_minutes=st.integers(1, 1440),
    max_daily_adjustments=st.integers(1, 100),
)
RECORDS = st.builds(
    session,
    st.lists(st.floats(-1e6, 1e6), max_size=120),
    next_block=st.integers(300, 10**8),
    equity_micro_usd=st.integers(1, 10**15),
    peak_equity_micro_usd=st.integers(10**15, 10**16) | st.integers(10**6, 10**16),
    max_position_size_bp=st.integers(10, 10_000),
    confidence_threshold_bp=st.integers(0, 10_000),
    last_adjustment_block=st.integers(-1, 299),
    adjustment_day=st.integers(0, 20_000),
    adjustments_today=st.integers(0, 100),
    closed_at_adjustment=st.integers(0, 50),
)


def begun_within_bounds(fields):
    """Return the strategy of these bounds, which begins at the lower ones."""
    size, confidence = fields["min_position_size_percent"], fields["min_confidence_threshold"]
    return Strategy(autopilot_enabled=True, max_position_size_percent=size, confidence_threshold=confidence, **fields)


@given(STRATEGIES, RECORDS)
def test_no_review_ever_leaves_the_bounds_or_changes_nothing(fields, record):
    assume(fields["min_position_size_percent"] <= fields["max_position_size_percent_limit"])
    assume(fields["min_confidence_threshold"] <= fields["max_confidence_threshold_limit"])
    strategy = begun_within_bounds(fields)
    before = record.copy()
    result = reviewed(strategy, record)
    assert record == before
    if isinstance(result, Adjustment):
        low, high = own_bounds(strategy)[PARAMETERS.index(result.field)]
        assert low <= result.new <= high
        assert result.new != result.old
        assert result.type in {trigger.type for trigger in TRIGGERS}
        assert result.reason
    else:
        assert result in Refusal


@given(STRATEGIES, RECORDS)
def test_a_step_goes_the_way_its_type_says(fields, record):
    assume(fields["min_position_size_percent"] <= fields["max_position_size_percent_limit"])
    assume(fields["min_confidence_threshold"] <= fields["max_confidence_threshold_limit"])
    strategy = begun_within_bounds(fields)
    for field, (low, high) in zip(PARAMETERS, own_bounds(strategy), strict=True):
        record[field] = min(max(int(record[field]), low), high)
    result = reviewed(strategy, record)
    if isinstance(result, Adjustment):
        steps = {trigger.step > 0 for trigger in TRIGGERS if trigger.type is result.type}
        assert (result.new > result.old) in steps


# What a change does to a session.


@pytest.fixture
def cohort():
    """Two sessions with a position each that is 3000 blocks old."""
    made = stage(1)
    begun = cohorts.begin([account("one"), account("two")], [0, 1], made.infos, RULES)
    begun.sessions["next_block"] = 3_000
    begun.sessions["closed_trades"] = 9
    return begun


def change(cohort, row=0, **fields):
    block = int(cohort.sessions[row]["next_block"])
    return carried(cohort, grown(next_block=block, max_position_size_bp=500), row=row, **fields)


def grown(**fields):
    """Return the record of an adjustment of a session that wins."""
    return verdict_of(tuned(), session(WINNERS, **fields)).changes.adjustments


def unjudged(cohort):
    """Return a cohort in which nothing is being judged."""
    cohort.tuning["pending_log"] = cohort.tuning["twin"] = -1
    return cohort


def test_an_adjustment_changes_one_session_and_one_parameter(cohort):
    after = change(cohort)
    assert after.sessions["max_position_size_bp"].tolist() == [600, 500]
    assert after.sessions[1] == cohort.sessions[1]
    assert after.tuning[1] == cohort.tuning[1]
    assert (after.holdings == cohort.holdings).all()


def test_an_adjustment_leaves_the_cohort_it_was_given_alone(cohort):
    before = cohort.to_bytes()
    change(cohort)
    assert cohort.to_bytes() == before


def test_an_adjustment_is_counted_where_the_gate_looks(cohort):
    first = change(cohort).sessions[0]
    assert int(first["last_adjustment_block"]) == 3_000
    assert int(first["closed_at_adjustment"]) == 9
    assert (int(first["adjustments_today"]), int(first["next_adjustment"])) == (1, 1)


def test_adjustments_of_one_day_add_up_and_a_new_day_begins_at_one(cohort):
    once = unjudged(change(cohort))
    once.sessions["max_position_size_bp"] = 500
    once.sessions["next_block"] = 3_300
    twice = unjudged(change(once))
    twice.sessions["max_position_size_bp"] = 500
    twice.sessions["next_block"] = 3_600
    thrice = change(twice)
    counts = [int(state.sessions[0]["adjustments_today"]) for state in (once, twice, thrice)]
    assert counts == [1, 2, 1]
    assert int(thrice.sessions[0]["next_adjustment"]) == 3


def test_an_adjustment_made_for_another_block_is_refused(cohort):
    with pytest.raises(AssertionError, match="from the value and at the block that it looked at"):
        carried(cohort, grown(next_block=2_700))


def test_an_adjustment_made_from_another_value_is_refused(cohort):
    with pytest.raises(AssertionError, match="from the value and at the block that it looked at"):
        carried(cohort, grown(max_position_size_bp=700))


def test_the_market_conditions_are_those_of_the_last_block():
    made = stage(3)
    made.segment.signals["trend_bp"][0, :, 0] = (-9_000, 0, 3_000)
    made.segment.signals["risk_bp"][:, 2] = 1_250
    made.base_fee(7, slice(2, 3))
    assert Conditions.of(market_conditions(made.segment)[0]).as_dict() == {
        "trend": 0.3, "market_trend": "bullish", "mean_risk_percent": 12.5, "volatility_percent": 50.0,
        "gas_percent": 50.0, "base_fee_gwei": 7.0,
    }  # fmt: skip
