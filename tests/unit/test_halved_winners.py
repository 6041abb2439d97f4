"""Whether halving finds the winner, and whether it makes the verdict on it any milder: on twenty small markets.

``PYTHONPATH=.:tests python tests/unit/test_halved_winners.py`` prints the figures of docs/sweeps.md.
"""

from __future__ import annotations

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


def searched_and_ranked(seed, rungs):
    """Return what a sweep on the market of a seed came to, and its ranking."""
    strategy = busy_strategy("plain", decision_interval_blocks=25, trading_mode="CUSTOM")
    base = busy_scenario(blocks=BLOCKS, accounts=(AccountSpec(name="plain", strategy=strategy),))
    plan = sweep_plan(sweep_of({**SWEEP, "markets": {"seeds": [seed]}, "rungs": rungs}, "the sweep"), base)
    found = searched(plan)
    return found, rank(Stored(found, 1), None, plan.sweep, plan.terms()[0].periods_per_year)


def all_of_them():
    return [(searched_and_ranked(seed, []), searched_and_ranked(seed, RUNGS)) for seed in SEEDS]


@pytest.fixture(scope="module")
def sweeps():
    """Search each market whole, and halved."""
    return all_of_them()


def places(sweeps):
    """Return which place in the whole sweep the winner of each halved one has, from 0 on."""
    found = []
    for (whole, _), (halved, _) in sweeps:
        ratios = whole.figures("sharpe_ratio")
        best_first = sorted(ratios, key=lambda key: (-ratios[key], key))
        found.append(min(best_first.index(key) for key in halved.of_status("COMPLETED")))
    return found


def test_the_winner_of_a_halved_sweep_is_mostly_that_of_the_whole_one_or_nearly(sweeps):
    found = places(sweeps)
    assert sum(place == 0 for place in found) >= 14
    assert sum(place < 3 for place in found) >= 17


def test_a_halved_sweep_trades_half_of_the_blocks(sweeps):
    for (whole, _), (halved, _) in sweeps:
        assert halved.session_blocks == whole.session_blocks / 2


def test_those_that_ran_to_the_end_are_ranked_and_all_that_were_begun_count(sweeps):
    for (_, whole), (found, halved) in sweeps:
        assert {one.point for one in halved.ranked} == {point for _, point in found.of_status("COMPLETED")}
        assert (halved.points, halved.pruned, halved.failed) == (64, 48, 0)
        assert whole.verdict.n_trials == halved.verdict.n_trials == 64


def test_halving_seldom_makes_the_verdict_milder(sweeps):
    pairs = [(whole, halved) for (_, whole), (_, halved) in sweeps]
    assert all(halved.verdict.n_effective > whole.verdict.n_effective for whole, halved in pairs)
    assert sum(halved.verdict.sr0 > whole.verdict.sr0 for whole, halved in pairs) >= 17
    assert sum(halved.overfitting > whole.overfitting for whole, halved in pairs) >= 17


def told(sweeps):
    """Yield the figures of the page."""
    found = places(sweeps)
    yield f"winner of the whole sweep: {found.count(0)} of {len(found)}; among its best three: {sum(p < 3 for p in found)}"
    pairs = [(whole, halved) for (_, whole), (_, halved) in sweeps]
    for what in ("sr0", "n_effective"):
        ratios = [getattr(halved.verdict, what) / getattr(whole.verdict, what) for whole, halved in pairs]
        above = sum(ratio > 1 for ratio in ratios)
        yield f"{what}: {min(ratios):.2f} to {max(ratios):.2f} times that of the whole sweep, above it in {above}"
    above = sum(halved.overfitting > whole.overfitting for whole, halved in pairs)
    yield f"probability of overfitting: above that of the whole sweep in {above}"


if __name__ == "__main__":
    print("\n".join(told(all_of_them())))  # noqa: T201 -- whoever runs it asks for them
