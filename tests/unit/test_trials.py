"""Trials: a cohort of settings is, session by session, what a run of each of them is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from busy import busy_scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.autopilot import AutoPilot
from actors.market import Market
from simulation import cohort as cohorts
from simulation import trials
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT, LEARNED_FROM, REGIMES, TYPES, Knowledge
from simulation.autopilot.policy import Review
from simulation.market.segment import terms_of
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.sweeping.columns import Column
from simulation.trading.rules import rules_of
from simulation.trials import INDEPENDENT, TRIAL, Setter, advance, results, with_settings

BLOCKS = 600
SCENARIO = busy_scenario(record="none", autopilot=False)
ACCOUNT = SCENARIO.accounts[1]
RULES = rules_of(SCENARIO)

VALUES = {
    "strategy.trading_mode": ["CONSERVATIVE", "AGGRESSIVE", "CUSTOM"],
    "strategy.use_smart_lane": [True, False],
    "strategy.use_fast_lane": [True, False],
    "strategy.allowed_tokens": [["WETH"], []],
    "strategy.max_position_size_percent": ["3", "5.25", 7],
    "strategy.confidence_threshold": [5, "22.5", 200],
    "strategy.stop_loss_percent": ["0.5", 2, "0.01"],
    "strategy.take_profit_percent": ["0.5", 3],
    "strategy.max_hold_hours": [1, 72],
    "strategy.decision_interval_blocks": [5, 11],
    "strategy.max_trade_size_usd": [100, "250.5"],
    "trading.execution_delay_ms": [0, 30_000],
    "trading.simulate_mev": [True, False],
    "trading.failure_rate_percent": [0, 20],
}


@cache
def market():
    return Market(SCENARIO)


@cache
def segments(length):
    carried, made = market().begin(), []
    for _ in range(BLOCKS // length):
        _, segment, carried = market().segment(carried, length)
        made.append(segment)
    return made


def setter():
    return Setter(ACCOUNT, market().tokens, RULES)


@st.composite
def columns(draw):
    paths = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6, unique=True))
    n_trials = draw(st.integers(1, 12))
    return [
        Column(
            path,
            VALUES[path],
            np.array(draw(st.lists(st.integers(0, len(VALUES[path]) - 1), min_size=n_trials, max_size=n_trials))),
        )
        for path in paths
    ]


@settings(max_examples=60)
@given(columns())
def test_a_trial_begins_as_the_account_with_its_settings_does(columns):
    cohort, errors = setter().cohort(columns)
    for row, error in enumerate(errors):
        point = {column.path: column.values[column.codes[row]] for column in columns}
        try:
            account = with_settings(ACCOUNT, point)
        except ValueError:
            assert error
            continue
        assert error == ""
        alone = cohorts.begin([account], [0], market().tokens, RULES)
        assert cohort.sessions[row : row + 1].tobytes() == alone.sessions.tobytes()
        assert cohort.one(row).to_bytes() == alone.to_bytes()


def test_why_settings_cannot_be_is_said_with_the_field_and_the_value():
    column = Column("strategy.stop_loss_percent", ["0.01", "2"], np.array([1, 0]))
    lanes = Column("strategy.use_fast_lane", [False, True], np.array([0, 1]))
    _, errors = setter().cohort([column, lanes])
    assert errors.tolist() == [
        "strategy: use_fast_lane and use_smart_lane are both false; open at least one lane",
        "strategy.stop_loss_percent '0.01': Input should be greater than or equal to 0.1",
    ]


WRITTEN = st.one_of(
    st.integers(-1, 10**6),
    st.floats(-1, 1e6),
    st.tuples(st.floats(0, 200), st.integers(0, 7)).map(lambda number: round(*number)),
    st.booleans(),
    st.sampled_from(["2", "0.50", "1e1", "true", "much", "", -0.0, 1e300, 10**30]),
)


def refusal(settings):
    """Return what pydantic says of settings that cannot be; nothing of others."""
    try:
        with_settings(ACCOUNT, settings)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


@settings(max_examples=300)
@given(st.sampled_from(sorted(INDEPENDENT)), WRITTEN)
def test_a_field_asked_alone_says_what_its_account_does(path, value):
    cohort, errors = setter().cohort([Column(path, [value], np.zeros(1, np.int64))])
    refused = refusal({path: value})
    assert bool(errors[0]) == bool(refused)
    assert errors[0].endswith(refused)
    account = ACCOUNT if refused else with_settings(ACCOUNT, {path: value})
    assert cohort.to_bytes() == cohorts.begin([account], [0], market().tokens, RULES).to_bytes()


def test_a_setter_says_the_same_when_it_has_forgotten(monkeypatch):
    stops = Column("strategy.stop_loss_percent", [1, "0.01", 2, 3], np.arange(8) % 4)
    lanes = Column("strategy.use_fast_lane", [True, False], np.arange(8) // 4)
    remembers, forgets = setter(), setter()
    before, why = remembers.cohort([stops, lanes])
    monkeypatch.setattr(trials, "NUMBERS_MAX", 2)
    monkeypatch.setattr(trials, "COMBINATIONS_MAX", 1)
    for _ in range(2):
        cohort, errors = forgets.cohort([stops, lanes])
        assert cohort.to_bytes() == before.to_bytes()
        assert errors.tolist() == why.tolist()


def test_settings_of_no_trial_are_a_cohort_of_none():
    nothing = np.zeros(0, np.int64)
    columns = [Column("strategy.stop_loss_percent", [], nothing), Column("strategy.confidence_threshold", [], nothing)]
    cohort, errors = setter().cohort(columns)
    assert len(cohort.sessions) == len(errors) == 0


def test_every_field_that_no_rule_ties_to_others_is_one_of_a_strategy_or_of_an_account():
    names = {f"strategy.{name}" for name in Strategy.model_fields} | {
        f"trading.{name}" for name in TradingConfig.model_fields
    }
    assert set(INDEPENDENT) <= names


@pytest.mark.parametrize("length", [100, 300])
def test_trials_trade_as_alone_and_for_any_cutting(length):
    columns = [
        Column("strategy.stop_loss_percent", ["0.3", "1", "3"], np.arange(12) % 3),
        Column("strategy.take_profit_percent", ["0.3", "2"], np.arange(12) % 2),
        Column("strategy.confidence_threshold", [5, 20], np.arange(12) // 6),
    ]
    terms = terms_of(market().tokens)
    cohort, _ = setter().cohort(columns)
    cohort, returns, _ = advance(cohort, segments(length), terms, RULES)
    told = results(cohort)
    assert returns.shape == (12, BLOCKS // SCENARIO.review_blocks)
    assert len({int(equity) for equity in told["equity_micro_usd"]}) > 6
    for row in range(12):
        point = {column.path: column.values[column.codes[row]] for column in columns}
        alone = cohorts.begin([with_settings(ACCOUNT, point)], [0], market().tokens, RULES)
        for segment in segments(300):
            alone, outcome = cohorts.advance(alone, segment, terms, RULES)
            assert len(outcome.trades) == 0
        assert [int(told[name][row]) for name in TRIAL.names] == [int(alone.sessions[name][0]) for name in TRIAL.names]
        growth = np.prod(1 + returns[row])
        assert growth == pytest.approx(told["equity_micro_usd"][row] / told["initial_micro_usd"][row], rel=1e-12)


def tuned_segments():
    carried, made = market().begin(), []
    for _ in range(8):
        _, segment, carried = market().segment(carried, SCENARIO.review_blocks)
        made.append(segment)
    return made


TUNED = SCENARIO.accounts[0]
TUNED_COLUMNS = [
    Column("strategy.autopilot_enabled", [True, False], np.arange(16) % 2),
    Column("strategy.stop_loss_percent", ["0.3", "1"], np.arange(16) // 2 % 2),
    Column("strategy.adaptation_aggressiveness", ["AGGRESSIVE", "CONSERVATIVE"], np.arange(16) // 4 % 2),
    Column("trading.max_position_size_percent", [3, 25], np.arange(16) // 8),
]


HALF_TAUGHT = Knowledge(1, tuple(9 * (number % 6 == 2) for number in range(TYPES * REGIMES * len(LEARNED_FROM))))
"""Harm alone is known, of every second regime."""


@pytest.mark.parametrize("known", [IGNORANT, HALF_TAUGHT])
def test_auto_pilot_tunes_each_trial_as_it_would_alone(known):
    terms, of_tuned = terms_of(market().tokens), Setter(TUNED, market().tokens, RULES)
    cohort, errors = of_tuned.cohort(TUNED_COLUMNS)
    assert set(errors) == {""}
    policies = of_tuned.policies(TUNED_COLUMNS, cohort)
    cohort, *_ = advance(cohort, tuned_segments()[:4], terms, RULES, policies, known)
    assert len(cohort.twins) > 0
    odd = np.arange(16) % 4 != 3  # as some would be pruned at a rung
    cohort, policies, left = cohort.some(odd), policies[odd], np.flatnonzero(odd)
    cohort, *_ = advance(cohort, tuned_segments()[4:], terms, RULES, policies, known)
    told = results(cohort)
    for place, row in enumerate(left):
        account = with_settings(TUNED, {column.path: column.values[column.codes[row]] for column in TUNED_COLUMNS})
        alone = played_alone(account, known)
        assert [int(told[name][place]) for name in TRIAL.names] == [
            int(alone.sessions[name][0]) for name in TRIAL.names
        ]
        assert (cohort.sessions["next_adjustment"][place] > 0) == account.strategy.autopilot_enabled


def test_what_auto_pilot_has_learned_changes_what_trials_come_to():
    ends = {known: played_alone(TUNED, known).to_bytes() for known in (IGNORANT, HALF_TAUGHT)}
    assert ends[IGNORANT] != ends[HALF_TAUGHT]


def played_alone(account, known):
    """Return what a session comes to whose reviews go to the actor of a run."""
    pilot = AutoPilot([[account.strategy]], RULES, [account.trading], known)
    alone, calendar = cohorts.begin([account], [0], market().tokens, RULES), Calendar(12_000, RULES.day_offset_ms)
    place = np.zeros(1, np.int64)
    for segment in tuned_segments():
        alone, _ = cohorts.advance(alone, segment, terms_of(market().tokens), RULES)
        changes = pilot.review(segment, (), Review(place, place, alone.sessions, alone.tuning))[0].changes
        alone = carry_out(alone, changes, calendar)
    return alone


@settings(max_examples=40)
@given(columns())
def test_how_far_auto_pilot_may_go_with_a_trial_is_what_it_may_with_its_account(columns):
    cohort, errors = setter().cohort(columns)
    policies = setter().policies(columns, cohort)
    for row in np.flatnonzero(errors == ""):
        account = with_settings(ACCOUNT, {column.path: column.values[column.codes[row]] for column in columns})
        assert policies[row] == policies_of([account.strategy], [account.trading])[0]
