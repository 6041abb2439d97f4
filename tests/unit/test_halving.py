"""Pruning: who goes on at a rung, and that what is pruned or goes on depends on nothing but the sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from busy import busy_scenario
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState
from searched import Stored, searched

from cluster.sweeping.figures import results_of
from cluster.sweeping.plan import sweep_of, sweep_plan
from simulation.sweeping.halving import Pruned, survivors
from simulation.sweeping.optuna_study import optuna_study
from simulation.sweeping.settings import Objective, Sweep

VARY = {
    "strategy.stop_loss_percent": {"grid": [0.3, 1, 3]},
    "strategy.take_profit_percent": {"grid": [0.3, 1, 3]},
    "strategy.use_fast_lane": {"choice": [True, False]},
    "strategy.decision_interval_blocks": {"integer": [4, 7]},
}
"""72 points, of which a constraint forbids 24 and half of the others have no lane and fail."""

BLOCKS = 2_400
RUNGS = [{"at_percent": 25}, {"at_percent": 45, "keep_percent": 40}]
"""The second one comes after 1,200 blocks, the next whole review period."""


def plan(**changes):
    """Return the plan of a small sweep on two markets."""
    document = {
        "scenario": {"made": "below"},
        "vary": VARY,
        "constraints": ["strategy.stop_loss_percent <= strategy.take_profit_percent"],
        "markets": {"seeds": [9, 10]},
        "sampler": {"kind": "grid"},
    }
    base = busy_scenario(blocks=BLOCKS, accounts=busy_scenario().accounts[1:2])
    return sweep_plan(sweep_of({**document, **changes}, "the sweep"), base)


@pytest.fixture(scope="module")
def full():
    return searched(plan())


@pytest.fixture(scope="module")
def halved():
    return searched(plan(rungs=RUNGS, bracket=40))


def blocks_of(found):
    """Return how many trials traded how many blocks, by their status."""
    ends = [(row["status"], int(row["blocks"])) for row in found.rows.values()]
    return {end: ends.count(end) for end in ends}


def test_a_rung_keeps_its_share_of_those_that_came_and_did_not_fail(halved):
    # Of the first bracket 12 points come to the first rung, of the second as many.
    assert blocks_of(halved) == {
        ("ERROR", 0): 48,
        ("PRUNED", 600): 24,
        ("PRUNED", 1_200): 12,
        ("COMPLETED", BLOCKS): 12,
    }


def test_a_survivor_is_to_the_bit_what_it_is_without_rungs(full, halved):
    survived = halved.of_status("COMPLETED")
    assert len(survived) == 12
    assert {key: halved.rows[key] for key in survived} == {key: full.rows[key] for key in survived}


def test_a_pruned_trial_came_to_what_it_does_in_so_many_blocks(halved):
    for blocks in (600, 1_200):
        base = busy_scenario(blocks=blocks, accounts=busy_scenario().accounts[1:2])
        short = searched(sweep_plan(plan().sweep, base))
        pruned = [key for key, row in halved.rows.items() if row["blocks"] == str(blocks)]
        assert pruned
        for key in pruned:
            assert {**short.rows[key], "status": "PRUNED"} == halved.rows[key]


@pytest.mark.parametrize("rungs", [[], RUNGS])
def test_no_block_is_traded_twice(rungs):
    found = searched(plan(rungs=rungs, bracket=40), size=7, in_flight=3)
    assert found.session_blocks == sum(int(row["blocks"]) for row in found.rows.values())


@pytest.mark.parametrize(("size", "in_flight", "deaths"), [(1, 4, 0.0), (7, 3, 0.2), (16, 2, 0.4)])
def test_neither_cohorts_nor_order_nor_deaths_decide_who_goes_on(halved, size, in_flight, deaths):
    found = searched(plan(rungs=RUNGS, bracket=40), size, in_flight, seed=size, deaths=deaths)
    assert found.rows == halved.rows


def test_points_are_compared_within_their_bracket_alone(halved):
    alone = searched(plan(rungs=RUNGS, bracket=72))
    assert alone.of_status("COMPLETED") != halved.of_status("COMPLETED")
    for first in (0, 40):
        assert {point for _, point in halved.of_status("COMPLETED") if first <= point < first + 40}


def test_brackets_of_which_no_point_can_be_traded_come_to_their_end(full):
    found = searched(plan(rungs=RUNGS, bracket=2))
    assert found.rows.keys() == full.rows.keys()
    assert found.of_status("ERROR") == full.of_status("ERROR")


def test_a_point_ends_on_all_markets_at_once(halved):
    for status in ("COMPLETED", "PRUNED"):
        first, second = ({point for on, point in halved.of_status(status) if on == market} for market in (0, 1))
        assert first == second


def test_receipts_count_every_trial_once_it_has_ended(halved):
    last = [receipt for receipt in halved.receipts if receipt.trials + receipt.skipped == len(receipt.figures)]
    counts = [sum(getattr(one, name) for one in last) for name in ("trials", "skipped", "failed", "pruned")]
    assert counts == [96, 48, 48, 36]


def test_a_sampler_is_told_how_far_a_pruned_point_came(halved):
    sweep = plan(rungs=RUNGS, bracket=40).sweep
    trials = Stored(halved, 2).trials_between(None, 0, 72)
    numbers = sorted({point for _, point in halved.rows})
    told = dict(zip(numbers, results_of(sweep, trials, numbers), strict=True))
    ratios = halved.figures("sharpe_ratio")
    for point, result in told.items():
        mean = (ratios[0, point] + ratios[1, point]) / 2
        blocks, status = (halved.rows[0, point][name] for name in ("blocks", "status"))
        expected = {"ERROR": None, "PRUNED": Pruned(int(blocks) // 300, mean), "COMPLETED": (mean,)}
        assert result == expected[status]


@pytest.mark.parametrize("kind", ["optuna:tpe", "optuna:cmaes", "optuna:nsga2"])
def test_optuna_hears_that_a_point_was_pruned_and_goes_on(kind):
    study = learning(kind, [{}])
    assert [trial.state for trial in study.trials[:2]] == [TrialState.PRUNED, TrialState.COMPLETE]
    assert study.trials[0].intermediate_values == {4: 1.5}


def test_of_several_objectives_optuna_hears_no_figure_of_a_pruned_point():
    study = learning("optuna:nsga2", [{}, {"figure": "return_percent"}])
    assert (study.trials[0].state, study.trials[0].intermediate_values) == (TrialState.PRUNED, {})


def learning(kind, objectives):
    """Return Optuna's study after a pruned point, another, and the choice of one more."""
    sampler = {"kind": kind, "batch": 2}
    vary = {"strategy.stop_loss_percent": {"uniform": [1, 5]}, "strategy.take_profit_percent": {"uniform": [1, 5]}}
    sweep = {"scenario": {"made": "below"}, "vary": vary, "trials": 3, "sampler": sampler, "objectives": objectives}
    asked = optuna_study(Sweep.model_validate(sweep))
    asked.choose(), asked.choose()
    asked.learn(0, Pruned(4, 1.5))
    asked.learn(1, (1.0,) * len(objectives))
    assert asked.choose()
    return asked._study


figures = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0, math.nan]), min_size=2, max_size=2), min_size=1)


@given(figures, st.data(), st.sampled_from(["maximize", "minimize"]), st.sampled_from(["mean", "median", "worst"]))
def test_the_best_share_goes_on_and_of_equals_the_lower_number(rows, data, direction, across):
    compete = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    keep_percent = data.draw(st.floats(1, 99))
    sign = 1 if direction == "maximize" else -1
    worst = min if direction == "maximize" else max
    of_two = worst if across == "worst" else lambda pair: sum(pair) / 2
    standing = [place for place, row in enumerate(rows) if compete[place] and not any(map(math.isnan, row))]
    best_first = sorted(standing, key=lambda place: (-sign * of_two(rows[place]), place))
    expected = best_first[: math.ceil(len(standing) * keep_percent / 100)]
    objective = Objective(direction=direction, across=across)
    goes_on = survivors(np.array(rows), compete, objective, keep_percent)
    assert np.flatnonzero(goes_on).tolist() == sorted(expected)
