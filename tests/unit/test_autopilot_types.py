"""Each of the 14 types of adjustment is made, each bound and dangerous combination refuses, and symptoms are seen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hand_made import RULES, account, stage
from hypothesis import given
from hypothesis import strategies as st
from review_twin import review_twin
from reviewable import CALM, USD, review_of, reviewable, tuning

from simulation import cohort as cohorts
from simulation.autopilot.guardrails import Refusal, own_bounds
from simulation.autopilot.triggers import TYPES
from simulation.autopilot.watching import LEFT
from simulation.choices import Reason
from simulation.market.segment import terms_of
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.state import RECENT_TRADES
from simulation.tuning import PARAMETERS

TUNED = Strategy(autopilot_enabled=True, performance_window_trades=5)
STOPPED, TARGETED = [int(Reason.STOP_LOSS)] * RECENT_TRADES, [int(Reason.TAKE_PROFIT)] * RECENT_TRADES
FLAT = (10, -10, 10, -10, 5)
WIN_SOME = (10, -12, 10, -12, -1)
WILD, DEAR = CALM._replace(volatility_percent=80.0), CALM._replace(gas_percent=80.0)
DOWN = {"equity_micro_usd": 8_000 * USD}
PAUSED_ONE = {"paused": 1, "closed_trades": 0}
SELDOM = {"return_count": 200}

MADE = [
    ("PAUSE_TRADING", reviewable(**DOWN), {}, CALM, "paused", 0, 1),
    ("RESUME_TRADING", reviewable(paused=1), {"changed_block": 2_700}, CALM, "paused", 1, 0),
    ("RESUME_TRADING", reviewable(paused=1, **DOWN), {"changed_block": 1_200}, CALM, "paused", 1, 0),
    (
        "POSITION_SIZE_DECREASE",
        reviewable(FLAT, equity_micro_usd=9_300 * USD),
        {},
        CALM,
        "max_position_size_bp",
        500,
        375,
    ),
    ("POSITION_SIZE_DECREASE", reviewable([5, *[-1] * 6]), {}, CALM, "max_position_size_bp", 500, 500),
    ("POSITION_SIZE_INCREASE", reviewable((10, 10, -5, 10, -5)), {}, CALM, "max_position_size_bp", 500, 600),
    ("RISK_TOLERANCE_ADJUST", reviewable(WIN_SOME), {}, WILD, "max_concurrent_positions", 5, 4),
    ("RISK_TOLERANCE_ADJUST", reviewable(WIN_SOME), {}, DEAR, "max_concurrent_positions", 5, 4),
    ("GAS_STRATEGY_ADJUST", reviewable(FLAT), {"orders": 10, "late_orders": 2}, CALM, "gas_bid_bp", 10_000, 12_000),
    ("GAS_STRATEGY_ADJUST", reviewable(FLAT), {"orders": 10, "slipped_orders": 2}, CALM, "max_slippage_bp", 100, 120),
    (
        "FREQUENCY_DECREASE",
        reviewable(WIN_SOME),
        {"cost_micro_usd": 10 * USD},
        CALM,
        "decision_interval_blocks",
        100,
        125,
    ),
    (
        "FREQUENCY_INCREASE",
        reviewable((10, 10, -12, 10, -5), return_count=50),
        {},
        CALM,
        "decision_interval_blocks",
        100,
        80,
    ),
    ("CONFIDENCE_INCREASE", reviewable((10, -4, -4, -4, -4)), {}, CALM, "confidence_threshold_bp", 6_000, 6_300),
    (
        "CONFIDENCE_DECREASE",
        reviewable((10, 10, -5, 10, -5), **SELDOM),
        {},
        CALM,
        "confidence_threshold_bp",
        6_000,
        5_700,
    ),
    ("STOP_LOSS_LOOSEN", reviewable(FLAT), {"exit_reason": STOPPED, "after_bp": 300}, CALM, "stop_loss_bp", 500, 575),
    ("STOP_LOSS_TIGHTEN", reviewable((5, 5, 5, -20, -20)), {}, CALM, "stop_loss_bp", 500, 425),
    (
        "TAKE_PROFIT_DECREASE",
        reviewable(FLAT),
        {"peak_bp": 400, "given_back_bp": 300},
        CALM,
        "take_profit_bp",
        1_000,
        850,
    ),
    (
        "TAKE_PROFIT_INCREASE",
        reviewable(FLAT),
        {"exit_reason": TARGETED, "after_bp": 300},
        CALM,
        "take_profit_bp",
        1_000,
        1_150,
    ),
]
MADE = [row for row in MADE if row[5] != row[6]]


@pytest.mark.parametrize(("kind", "record", "remembered", "market", "field", "old", "new"), MADE)
def test_a_symptom_asks_for_its_adjustment(kind, record, remembered, market, field, old, new):
    made = review_of(TUNED, record, market=market, remembered=tuning(**remembered))
    assert (made.type, made.field, made.old, made.new) == (kind, field, old, new)
    assert made.trigger_metric in made.performance_before
    assert made.performance_before[made.trigger_metric] == made.trigger_value
    assert made.reason


def test_each_of_the_14_types_is_made():
    assert {row[0] for row in MADE} == set(TYPES)
    assert len(TYPES) == 14


def test_a_losing_streak_makes_positions_smaller():
    strategy = Strategy(autopilot_enabled=True, performance_window_trades=7)
    made = review_of(strategy, reviewable([50, *[-1] * 6]))
    assert (made.trigger_metric, made.new) == ("losing_streak", 375)


def test_a_paused_session_keeps_its_size():
    paused = reviewable(FLAT, paused=1, equity_micro_usd=8_000 * USD, next_block=3_000)
    assert review_of(TUNED, paused, remembered=tuning(changed_block=2_700)) is Refusal.AT_BOUND


# Bounds.


def test_a_stop_is_not_loosened_to_its_target():
    record = reviewable(FLAT, take_profit_bp=540)
    made = review_of(TUNED, record, remembered=tuning(exit_reason=STOPPED, after_bp=300))
    assert made.new == 539
    assert made.reason.endswith("cut short by the stop loss having to stay below the take profit.")


def test_a_stop_at_its_target_is_refused_as_a_dangerous_combination():
    record = reviewable(FLAT, take_profit_bp=501)
    assert review_of(TUNED, record, remembered=tuning(exit_reason=STOPPED, after_bp=300)) is Refusal.DANGEROUS


def test_a_target_does_not_fall_to_its_stop():
    record = reviewable(FLAT, stop_loss_bp=950)
    made = review_of(TUNED, record, remembered=tuning(peak_bp=400, given_back_bp=300))
    assert made.new == 951


def test_positions_together_stay_within_the_account():
    strategy = Strategy(autopilot_enabled=True, performance_window_trades=5, max_position_size_percent_limit=50)
    made = review_of(strategy, reviewable((10,) * 5, max_position_size_bp=1_900, max_concurrent_positions=5))
    assert made.new == 2_000
    assert "concurrent positions" in made.reason


def test_the_accounts_limit_is_a_bound_too_and_named():
    trading = TradingConfig(max_position_size_percent=Decimal("5.5"))
    made = review_of(TUNED, reviewable((10,) * 5), trading=trading)
    assert (made.new, made.reason.endswith("cut short by the account's limit.")) == (550, True)


METRICS = st.builds(
    tuning,
    orders=st.integers(0, 100), late_orders=st.integers(0, 50), slipped_orders=st.integers(0, 50),
    cost_micro_usd=st.integers(0, 10**9), after_bp=st.integers(0, 5_000), peak_bp=st.integers(0, 5_000),
    given_back_bp=st.integers(0, 5_000), exit_reason=st.integers(1, 4),
)  # fmt: skip
NEWS = st.tuples(
    METRICS, st.lists(st.floats(-1_000, 1_000), min_size=1, max_size=30), st.integers(5_000, 10_000),
    st.floats(0, 100), st.floats(0, 100), st.integers(0, 400),
)  # fmt: skip
POLICIES = st.builds(
    Strategy, performance_window_trades=st.just(5),
    learning_rate=st.decimals(Decimal("0.01"), 1, places=4), max_concurrent_positions=st.integers(1, 20),
    adaptation_aggressiveness=st.sampled_from(["CONSERVATIVE", "MODERATE", "AGGRESSIVE"]),
    decision_interval_blocks=st.integers(1, 7_200), stop_loss_percent=st.integers(1, 9),
)  # fmt: skip


@given(POLICIES, st.lists(NEWS, min_size=1, max_size=12))
def test_no_parameter_leaves_its_bounds_over_reviews_that_contradict_each_other(strategy, news):
    begun = account(autopilot_enabled=True).strategy.model_copy(update={**dict(strategy), "autopilot_enabled": True})
    values = dict(zip(PARAMETERS, started(begun), strict=True))
    bounds = dict(zip(PARAMETERS, own_bounds(begun), strict=True))
    for remembered, results, equity_usd, volatility, gas, periods in news:
        record = reviewable(results, **values, equity_micro_usd=equity_usd * USD, return_count=periods)
        market = CALM._replace(volatility_percent=volatility, gas_percent=gas)
        made = review_of(begun, record, market=market, remembered=remembered)
        if not isinstance(made, Refusal):
            assert made.old == values[made.field] != made.new
            values[made.field] = made.new
        assert all(low <= values[name] <= high for name, (low, high) in bounds.items())
        assert values["stop_loss_bp"] < values["take_profit_bp"]


def started(strategy):
    percent = 100
    return (
        int(strategy.max_position_size_percent * percent), int(strategy.confidence_threshold * percent),
        int(strategy.stop_loss_percent * percent), int(strategy.take_profit_percent * percent),
        strategy.decision_interval_blocks, 10_000, int(strategy.max_slippage_percent * percent),
        strategy.max_concurrent_positions, 0,
    )  # fmt: skip


# Symptoms as they are seen in a market.


def watched(prices, **strategy):
    """Play a market of these (block, price) steps with one purchase at block 1; return SESSION and TUNING records."""
    made = stage(400)
    for block, usd in prices:
        made.price(usd, block)
    made.signal(8_000, slice(0, 1))
    played = made.run(account(autopilot_enabled=True, **strategy))
    return played.session, played.cohort.tuning[0]


def test_a_stop_after_which_the_price_came_back_is_seen():
    session, seen = watched([(10, 1.8), (20, 2.2)])
    assert (int(session["closed_trades"]), int(seen["watched_trades"])) == (1, 1)
    assert seen["exit_reason"][0] == Reason.STOP_LOSS
    assert seen["after_bp"][0] == pytest.approx(2_222, abs=1)
    assert seen["given_back_bp"][0] == pytest.approx(1_000, abs=1)


def test_a_target_after_which_the_price_ran_on_is_seen():
    _, seen = watched([(10, 2.4), (50, 3.6)])
    assert seen["exit_reason"][0] == Reason.TAKE_PROFIT
    assert seen["after_bp"][0] == pytest.approx(5_000, abs=1)  # a whole bp below, where the mids were rounded


def test_what_comes_later_than_the_excursion_is_not_the_exits():
    _, seen = watched([(10, 2.4), (300, 3.6)])
    assert seen["after_bp"][0] == 0


@pytest.mark.parametrize(("newer_exits", "after_bp"), [(99, 5_000), (100, 77)])
def test_what_comes_after_an_exit_is_not_told_of_a_newer_one_in_its_place(newer_exits, after_bp):
    made = stage(10)
    made.price(2.0, 0)
    made.price(3.0, 5)
    state = cohorts.begin([account(autopilot_enabled=True)], [0], made.infos, RULES)
    record, holding, prices_q = state.tuning[0], state.holdings[0, 0], made.segment.mids["price_q"]
    record["watched_trades"], record["after_bp"][0] = 1 + newer_exits, 77
    holding["watch"], holding["watch_until_block"] = LEFT, 100
    holding["watch_start_q"] = holding["watch_best_q"] = prices_q[0, 0]
    after, _ = cohorts.advance(state, made.segment, terms_of(made.infos), RULES)
    assert after.tuning[0]["after_bp"][0] == pytest.approx(after_bp, abs=1)


def test_a_peak_that_was_given_back_is_seen():
    _, seen = watched([(10, 2.16), (20, 1.8)])
    assert [seen["peak_bp"][0], seen["given_back_bp"][0]] == pytest.approx([800, 1_800], abs=1)


def test_costs_of_a_closed_trade_are_those_of_its_orders():
    made = stage(100)
    made.price(2.4, 10)
    made.signal(8_000, slice(0, 1))
    played = made.run(account(autopilot_enabled=True))
    assert played.cohort.tuning[0]["cost_micro_usd"][0] == played.trades["execution_cost_micro_usd"].sum() > 0


def test_an_order_beyond_its_tolerance_and_a_late_one_are_counted():
    made = stage(60)
    made.price(2.4, 1)
    made.signal(8_000, slice(0, 1))
    slipped = made.run(account(autopilot_enabled=True, max_slippage_percent=1)).cohort.tuning[0]
    assert (int(slipped["orders"]), int(slipped["slipped_orders"]), int(slipped["late_orders"])) == (1, 1, 0)
    calm = stage(60)
    calm.base_fee(100, slice(1, 20))
    calm.signal(8_000, slice(0, 1))
    late = calm.run(account(autopilot_enabled=True)).cohort.tuning[0]
    assert (int(late["orders"]), int(late["slipped_orders"]), int(late["late_orders"])) == (1, 0, 1)


def test_sessions_without_auto_pilot_are_not_watched():
    made = stage(100)
    made.price(2.4, 10)
    made.signal(8_000, slice(0, 1))
    assert int(made.run(account()).cohort.tuning[0]["watched_trades"]) == 0


def test_what_a_run_does_not_write_is_watched_all_the_same():
    made = stage(100)
    made.price(2.4, 10)
    made.signal(8_000, slice(0, 1))
    silent = made.run(account(autopilot_enabled=True), write_trades=False)
    assert (len(silent.trades), int(silent.cohort.tuning[0]["watched_trades"])) == (0, 1)
    assert RULES.write_trades


# The compiled review against its slow twin.


@given(NEWS, st.integers(0, 1), st.integers(50, 2_000), st.integers(0, 20), st.integers(-1, 2_900))
def test_the_compiled_review_is_its_slow_twin_to_the_bit(news, paused, size_bp, closed_then, changed_block):
    remembered, results, equity_usd, volatility, gas, periods = news
    remembered["closed_then"], remembered["changed_block"] = closed_then, changed_block
    fields = {"paused": paused, "max_position_size_bp": size_bp, "return_count": periods}
    record = reviewable(results, equity_micro_usd=equity_usd * USD, **fields)
    market = CALM._replace(volatility_percent=volatility, gas_percent=gas)
    ours = review_of(TUNED, record, market=market, remembered=remembered)
    theirs = review_twin(record, remembered, 5, 1.0, own_bounds(TUNED), market)
    if isinstance(ours, Refusal):
        assert ours is theirs
    else:
        kind, field, old, new, seen = theirs
        assert (ours.type, ours.field, ours.old, ours.new) == (kind, field, old, new)
        assert ours.performance_before == {metric.name.lower(): value for metric, value in seen.items()}
