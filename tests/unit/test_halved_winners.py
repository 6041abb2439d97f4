"""Whether halving finds the winner, and whether it makes the verdict on it any milder: on twenty small markets.

``PYTHONPATH=.:tests python tests/unit/test_halved_winners.py`` prints the figures of docs/sweeps.md.
"""

from __future__ import annotations

from functools import cache

import pytest
from busy import busy_scenario, busy_strategy
from searched import Stored, searched

from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.ranking import rank
from simulation.scenario import AccountSpec

SEEDS = range(1, 21)
BLOCKS = 9_600
"""As many review periods as a probability of overfitting needs at least, 32."""

RUNGS = [{"at_percent": 25}, {"at_percent": 50}]
"""Of 64 points 32 go on at the first rung and 16 at the second: half of the blocks of a whole sweep."""

SWEEP = {
    "scenario": {"made": "below"},
    "vary": {
        "strategy.stop_loss_percent": {"uniform": [0.3, 8]},
        "strategy.take_profit_percent": {"uniform": [0.3, 8]},
        "strategy.confidence_threshold": {"uniform": [5, 60]},
        "strategy.max_position_size_percent": {"uniform": [1, 10]},
    },
    "sampler": {"kind": "sobol"},
    "trials": 64,
}


@cache
def search(seed, *, halves):
    """Return the plan of a sweep on the market of a seed, and what it came to."""
    strategy = busy_strategy("plain", decision_interval_blocks=25, trading_mode="CUSTOM")
    base = busy_scenario(blocks=BLOCKS, accounts=(AccountSpec(name="plain", strategy=strategy),))
    document = {**SWEEP, "markets": {"seeds": [seed]}, "rungs": RUNGS if halves else []}
    plan = sweep_plan(sweep_of(document, "the sweep"), base)
    return plan, searched(plan)


@cache
def ranking(seed, *, halves):
    """Return the ranking of that sweep."""
    plan, found = search(seed, halves=halves)
    return rank(Stored(found, 1), None, plan.sweep, plan.terms()[0], plan.n_paths)


def places():
    """Return which place in the whole sweep the winner of each halved one has, from 0 on."""
    found = []
    for seed in SEEDS:
        ratios = search(seed, halves=False)[1].figures("sharpe_ratio")
        best_first = sorted(ratios, key=lambda key: (-ratios[key], key))
        survived = search(seed, halves=True)[1].of_status("COMPLETED")
        found.append(min(best_first.index(key) for key in survived))
    return found


def above(what, seeds):
    """Return on how many markets a figure of a ranking is above that of the whole sweep."""
    return sum(what(ranking(seed, halves=True)) > what(ranking(seed, halves=False)) for seed in seeds)


def sr0(ranked):
    """Return the Sharpe ratio to expect of the best without skill."""
    return ranked.verdict.sr0


def independent(ranked):
    """Return the effective number of trials."""
    return ranked.verdict.n_effective


def overfitting(ranked):
    """Return the probability of backtest overfitting."""
    return ranked.overfitting


def test_the_winner_of_a_halved_sweep_is_mostly_that_of_the_whole_one_or_nearly():
    found = places()
    assert sum(place == 0 for place in found) >= 14
    assert sum(place < 3 for place in found) >= 17


def test_a_halved_sweep_trades_half_of_the_blocks():
    (_, whole), (_, halved) = search(1, halves=False), search(1, halves=True)
    assert halved.session_blocks == whole.session_blocks / 2


def test_those_that_ran_to_the_end_are_ranked_and_all_that_were_begun_count():
    whole, halved = ranking(1, halves=False), ranking(1, halves=True)
    survived = search(1, halves=True)[1].of_status("COMPLETED")
    assert {one.point for one in halved.ranked} == {point for _, point in survived}
    assert (halved.points, halved.pruned, halved.failed) == (64, 48, 0)
    assert whole.verdict.n_trials == halved.verdict.n_trials == 64


def test_survivors_are_chosen_anew_only_after_the_rung_that_chose_them():
    whole, halved = (ranking(1, halves=halves).reselection for halves in (False, True))
    assert (whole.parts, whole.walk_forward.steps) == (16, 15)
    assert (halved.parts, halved.walk_forward.steps) == (8, 8)
    assert whole.part_hours == halved.part_hours == 2.0


@pytest.mark.parametrize("n_markets", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_halving_seldom_makes_the_verdict_milder(n_markets):
    seeds = SEEDS[:n_markets]
    assert above(independent, seeds) == n_markets
    assert above(sr0, seeds) >= 0.85 * n_markets
    assert above(overfitting, seeds) >= 0.85 * n_markets


def told():
    """Yield the figures of the pages."""
    found = places()
    yield f"winner of the whole sweep: {found.count(0)} of {len(found)}; among its best three: {sum(p < 3 for p in found)}"
    for what in (sr0, independent):
        ratios = [what(ranking(seed, halves=True)) / what(ranking(seed, halves=False)) for seed in SEEDS]
        yield f"{what.__name__}: {min(ratios):.2f} to {max(ratios):.2f} times that of the whole sweep"
    for what in (sr0, independent, overfitting):
        yield f"{what.__name__}: above that of the whole sweep in {above(what, SEEDS)}"


if __name__ == "__main__":
    print("\n".join(told()))  # noqa: T201 -- whoever runs it asks for them
