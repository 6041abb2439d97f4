"""Sweeps that vary the analyst or what it is told: each trial listens to its own, as a run with its settings does."""

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
from cluster.errors import UsageError
from cluster.sweeping.plan import sweep_of, sweep_plan
from simulation import cohort as cohorts
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.guardrails import Calendar
from simulation.autopilot.policy import Review
from simulation.intelligence.roster import PlugIn
from simulation.market.segment import terms_of
from simulation.scenario import AccountSpec
from simulation.trading.rules import rules_of
from simulation.trials import with_settings

LOOKBACK, STOP = "strategy.custom_parameters.lookback_blocks", "strategy.stop_loss_percent"
VARY = {LOOKBACK: {"grid": [20, 60, 300, 1_801]}, STOP: {"grid": [0.3, 3]}}
REFUSED = "1801"
ANALYST = "strategy.analyst"
OWN = "examples.analyst:CheapGasMomentum"
ANALYSTS = {ANALYST: {"choice": ["momentum", OWN, "multi_factor"]}, "strategy.confidence_threshold": {"grid": [20, 70]}}
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
@pytest.mark.parametrize("vary", [VARY, ANALYSTS])
def test_a_trial_comes_to_what_a_run_with_its_settings_comes_to(strategy, vary):
    made = plan(strategy, vary=vary)
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


def test_a_plug_in_among_the_analysts_is_tried_and_is_a_part_of_what_the_sweep_is():
    made = plan(vary=ANALYSTS)
    assert [market.plug_ins for market in made.markets] == [(PlugIn(OWN, "1", {}),)]
    without = replace(made, markets=tuple(replace(market, plug_ins=()) for market in made.markets))
    assert without.spec_hash != made.spec_hash


def test_analysts_that_cannot_be_had_are_refused_before_anything_begins(monkeypatch):
    with pytest.raises(
        UsageError, match=r"^the sweep: vary: accounts\.searched\.strategy\.analyst 'multi_factor': its class refuses"
    ):
        plan(vary={ANALYST: {"choice": ["momentum", "multi_factor"]}, LOOKBACK: {"grid": [20, 60]}})
    monkeypatch.setenv("PAPERDEX_FORBID_PLUG_INS", "1")
    with pytest.raises(
        UsageError, match=f"^the sweep: vary: accounts.searched.strategy.analyst '{OWN}': is not built in, and "
    ):
        plan(vary=ANALYSTS)


@pytest.mark.parametrize("strategy", [busy_strategy, tuned_strategy])
@pytest.mark.parametrize("rungs", [(), [{"at_percent": 50}]])
@pytest.mark.parametrize("vary", [VARY, ANALYSTS])
def test_the_rows_are_the_same_however_trials_are_cut_into_cohorts_and_whoever_dies(strategy, rungs, vary):
    made = plan(strategy, rungs=rungs, vary=vary)
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
