"""Sweeps that vary what an analyst is told: each trial listens to it with its own parameters, as a run with them does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from busy import busy_scenario, busy_strategy, tuned_strategy
from eventful import BREAKS, FAILS_AT, fee_of
from searched import SWEEP_ID, searched

from actors.analysts import UnusableAnalystError
from actors.autopilot import AutoPilot
from actors.market import Market
from actors.trials import TrialWorker
from cluster.sweeping.plan import sweep_of, sweep_plan
from simulation import cohort as cohorts
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.guardrails import Calendar
from simulation.autopilot.policy import Review
from simulation.market.segment import terms_of
from simulation.scenario import AccountSpec
from simulation.trading.rules import rules_of
from simulation.trials import with_settings

LOOKBACK, STOP = "strategy.custom_parameters.lookback_blocks", "strategy.stop_loss_percent"
VARY = {LOOKBACK: {"grid": [20, 60, 300, 1_801]}, STOP: {"grid": [0.3, 3]}}
REFUSED = "1801"
FIRST = np.zeros(1, np.int64)


def plan(strategy=busy_strategy, blocks=1_200, analyst="momentum", **changes):
    """Return the plan of a sweep of an account that listens to this analyst."""
    account = AccountSpec(name="searched", strategy=strategy("searched", analyst=analyst, **changes.pop("fields", {})))
    document = {"scenario": {"made": "below"}, "vary": VARY, "sampler": {"kind": "grid"}, **changes}
    return sweep_plan(sweep_of(document, "the sweep"), busy_scenario(blocks=blocks, accounts=(account,)))


def alone(made, settings):
    """Return the session of a run with these settings, reviewed by the actor of a run where Auto Pilot tunes it."""
    (market,) = made.markets
    account = with_settings(market.scenario.accounts[0], settings)
    actor, rules = Market(market.scenario.model_copy(update={"accounts": (account,)})), rules_of(market.scenario)
    pilot, calendar = AutoPilot([[account.strategy]], rules, [account.trading]), Calendar(12_000, rules.day_offset_ms)
    state, carried = cohorts.begin([account], [0], actor.tokens, rules), actor.begin()
    for _ in range(market.blocks // 300):
        _, segment, carried = actor.segment(carried, 300)
        state, _ = cohorts.advance(state, segment, terms_of(actor.tokens), rules)
        review = Review(FIRST, FIRST, state.sessions, state.tuning)
        state = carry_out(state, pilot.review(segment, (), review)[0].changes, calendar)
    return state.sessions[0]


@pytest.mark.parametrize("strategy", [busy_strategy, tuned_strategy])
def test_a_trial_comes_to_what_a_run_with_its_parameters_comes_to(strategy):
    made = plan(strategy)
    found = searched(made)
    completed = {key: found.rows[key] for key in found.of_status("COMPLETED")}
    assert len(completed) == 6
    assert len({row["equity_usd"] for row in completed.values()}) > 3
    for row in completed.values():
        session = alone(made, json.loads(row["settings"]))
        assert row["equity_usd"] == f"{session['equity_micro_usd']}e-6"
        assert int(row["total_trades"]) == session["completed_trades"] + session["failed_trades"]


def test_parameters_that_the_analyst_refuses_are_rows_with_its_reason():
    found = searched(plan())
    errors = {key: found.rows[key]["error_message"] for key in found.of_status("ERROR")}
    assert len(errors) == 2
    assert all(f"lookback_blocks {REFUSED} is not from 1 to" in message for message in errors.values())


@pytest.mark.parametrize("strategy", [busy_strategy, tuned_strategy])
@pytest.mark.parametrize("rungs", [(), [{"at_percent": 50}]])
def test_the_rows_are_the_same_however_trials_are_cut_into_cohorts_and_whoever_dies(strategy, rungs):
    made = plan(strategy, rungs=rungs)
    whole = searched(made)
    assert searched(made, size=3, in_flight=2, seed=5, deaths=0.3).rows == whole.rows
    assert bool(whole.of_status("PRUNED")) == bool(rungs)


FEE = "strategy.custom_parameters.base_fee_gwei"


@pytest.mark.parametrize("strategy", [busy_strategy, tuned_strategy])
@pytest.mark.parametrize("rungs", [(), [{"at_percent": 75}]])
def test_a_trial_whose_analyst_fails_on_the_way_is_a_row_with_its_error_and_stops_no_other(strategy, rungs):
    """It fails in the second period of four; without a rung others go on in the same leg."""
    made = plan(
        strategy, analyst=BREAKS, vary={FEE: {"grid": [0.0, fee_of(FAILS_AT)]}, STOP: {"grid": [0.3, 3]}}, rungs=rungs
    )
    found = searched(made)
    errors = {found.rows[key]["error_message"] for key in found.of_status("ERROR")}
    assert len(found.of_status("ERROR")) == 2
    assert errors == {f"Analyst {BREAKS} failed at block {FAILS_AT}: ValueError: no idea of row 0, by <object object>."}
    living = plan(strategy, analyst=BREAKS, vary={STOP: {"grid": [0.3, 3]}}, rungs=rungs)
    others = [row for row in found.rows.values() if row["status"] != "ERROR"]
    if not rungs:
        assert {row["equity_usd"] for row in others} == {row["equity_usd"] for row in searched(living).rows.values()}
    assert len(others) == 2
    assert searched(made, size=1, deaths=0.3).rows == found.rows


def test_a_worker_on_a_node_without_the_analyst_s_module_does_not_start_rather_than_let_trials_fail():
    made = plan(analyst=BREAKS, vary={FEE: {"grid": [0.0, 1.0]}})
    (terms,) = made.terms()
    elsewhere = terms.account.strategy.model_copy(update={"analyst": "not_there:Breaks"})
    account = terms.account.model_copy(update={"strategy": elsewhere})
    with pytest.raises(UnusableAnalystError, match="there is no module not_there"):
        TrialWorker(made.sweep, (replace(terms, account=account),), SWEEP_ID, 0, 1, 0)


def test_where_the_analyst_of_all_fails_all_trials_are_rows_with_its_error():
    found = searched(
        plan(
            analyst=BREAKS,
            vary={STOP: {"grid": [0.3, 3]}},
            fields={"custom_parameters": {"base_fee_gwei": fee_of(FAILS_AT)}},
        )
    )
    assert found.of_status("ERROR") == set(found.rows)
    why = f"Analyst {BREAKS} failed at block {FAILS_AT}: "
    assert all(row["error_message"].startswith(why) for row in found.rows.values())
    assert [receipt.failed for receipt in found.receipts] == [2]
