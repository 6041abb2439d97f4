"""Parts of sweeps: what is left to trade, moments of several series as one, and plans."""

from __future__ import annotations

from io import StringIO
from uuid import UUID

import numpy as np
import pytest
from busy import busy_scenario
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rich.console import Console

from cluster.errors import UsageError
from cluster.sweeping.brackets import Uncovered, shared_size
from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.ranking import Ranking
from cluster.sweeping.runs import SweepSummary
from cluster.sweeping.summary import print_summary
from cluster.sweeping.tracks import pooled
from simulation.performance.moments import moments, row_moments
from simulation.sweeping.columns import columns_of

RETURNS = arrays(np.int64, st.integers(2, 30), elements=st.integers(-999, 999)).map(lambda bp: bp / 1e4)


def ranges(sizes):
    """Return consecutive ranges of these sizes, every other one covered."""
    first, covered, left = 0, [], []
    for number, size in enumerate(sizes):
        (covered if number % 2 else left).append((first, size))
        first += size
    return first, covered, left


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 5))
def test_what_no_cohort_covers_is_taken_once_in_order(sizes, size):
    end, covered, left = ranges(sizes)
    uncovered, taken = Uncovered(0, end, covered[::-1]), []
    while uncovered:
        first, stop = uncovered.take(size)
        assert 1 <= stop - first <= size
        taken += range(first, stop)
    assert taken == [point for first, count in left for point in range(first, first + count)]


@given(st.integers(1, 2_000), st.integers(1, 64), st.integers(1, 10_000), st.integers(1, 9))
def test_cohorts_become_smaller_towards_the_end_so_that_all_workers_end_together(fitting, least, left, workers):
    sizes = []
    while left:
        sizes.append(min(shared_size(fitting, least, left, workers), left))
        assert 1 <= sizes[-1] <= fitting
        assert sizes[-1] <= max(-(-left // workers), least)
        left -= sizes[-1]
    assert sizes == sorted(sizes, reverse=True)


@given(st.lists(RETURNS, min_size=1, max_size=4))
def test_several_series_have_the_moments_of_all_their_returns(series):
    whole = moments(np.concatenate(series))
    each = [moments(one) for one in series]
    stored = ("length", "mean", "deviation", "skewness", "kurtosis")
    both = pooled(*(np.array([[getattr(one, name) for one in each], [0.0] * len(each)]) for name in stored))
    found = both.one(0)
    assert both.one(1).deviation == both.sharpe[1] == 0.0
    assert found.length == whole.length
    assert found.mean == pytest.approx(whole.mean, abs=1e-12)
    assert found.deviation == pytest.approx(whole.deviation, abs=1e-9)
    if whole.deviation > 1e-4:
        assert (found.skewness, found.kurtosis) == pytest.approx((whole.skewness, whole.kurtosis), rel=1e-6, abs=1e-6)


@given(arrays(np.int64, (3, 12), elements=st.integers(-999, 999)).map(lambda bp: bp / 1e4))
def test_moments_of_rows_are_those_of_each(returns):
    for row, *found in zip(returns, *row_moments(returns), strict=True):
        whole = moments(row)
        expected = [whole.mean, whole.deviation, whole.skewness, whole.kurtosis]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_points_become_columns_of_distinct_values():
    points = [{"a": 1, "b": True}, {"a": 1.0, "b": 1}, {"a": 1, "b": True}]
    first, second = columns_of(points)
    assert (first.path, first.values, first.codes.tolist()) == ("a", [1, 1.0], [0, 1, 0])
    assert (second.path, second.codes.tolist()) == ("b", [0, 1, 0])  # true and 1 are not the same setting


def document(**changes):
    """Return a small sweep."""
    vary = {"strategy.stop_loss_percent": {"grid": [1, 2]}}
    return {"scenario": {"made": "below"}, "vary": vary, "sampler": {"kind": "grid"}, **changes}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"account": "nobody"}, "account 'nobody' is not in the scenario, which has tuned, plain, smart."),
        (
            {"rungs": [{"at_percent": 20}]},
            "rungs.0.at_percent 20: lies after 1 of the 4 review periods; figures need 2.",
        ),
        (
            {"rungs": [{"at_percent": 40}, {"at_percent": 50}]},
            "rungs.1.at_percent 50: lies after 2 of the 4 review periods, as the one before does.",
        ),
        (
            {"rungs": [{"at_percent": 90}]},
            "rungs.0.at_percent 90: lies after 4 of the 4 review periods, which is no rung but the end.",
        ),
        (
            {"vary": {"strategy.name": {"choice": ["one", "another"]}}},
            "vary.strategy.name: every trial of a sweep has the same; run another sweep for another value.",
        ),
        (
            {"vary": {"strategy.analyst": {"choice": ["momentum", "momentun"]}}},
            "vary: accounts.tuned.strategy.analyst 'momentun': is not known; give multi_factor, momentum, mean_reversion, buy_and_hold, or module:Class of your own.",
        ),
        (
            {"vary": {"strategy.custom_parameters.lookback": {"integer": [10, 20]}}},
            "vary: accounts.tuned.strategy.analyst 'multi_factor': its class refuses the custom_parameters (lookback): TypeError: MultiFactor.__init__() got an unexpected keyword argument 'lookback'.",
        ),
    ],
)
def test_what_cannot_be_swept_is_one_sentence(changes, sentence):
    with pytest.raises(UsageError) as raised:
        sweep_plan(sweep_of(document(**changes), "the sweep"), busy_scenario())
    assert str(raised.value) == f"the sweep: {sentence}"


def test_the_summary_says_how_many_were_pruned_failed_and_skipped():
    ranking = Ranking((), None, None, None, points=24, pruned=12, failed=8, repeated=2)
    console = Console(file=StringIO(), width=200)
    summary = SweepSummary(UUID(int=1), "exits", "COMPLETED", "", 36, 2, 1.5, ranking, "no lane is left.")
    print_summary(console, sweep_of(document(), "it"), summary)
    first, second, *_ = console.file.getvalue().splitlines()
    assert first == "24 settings on 2 markets, 12 pruned, 8 failed, 2 skipped, 2 repeated; 1.5 s."
    assert second == "The first that failed: no lane is left."


def test_a_plan_has_one_market_for_each_seed_with_one_account_and_nothing_written():
    plan = sweep_plan(sweep_of(document(markets={"seeds": [3, 4], "regimes": ["calm", "bull"]}), "it"), busy_scenario())
    scenarios = [market.scenario for market in plan.markets]
    assert [(scenario.seed, scenario.market.regime) for scenario in scenarios] == [
        (3, "calm"),
        (3, "bull"),
        (4, "calm"),
        (4, "bull"),
    ]
    assert {(scenario.record, len(scenario.accounts)) for scenario in scenarios} == {("none", 1)}


def test_no_segment_spans_a_review_where_auto_pilot_tunes_or_may_be_switched_on():
    tuned, plain = busy_scenario().accounts[:2]
    lengths = {}
    for name, account, vary, autopilot in (
        ("tuned", tuned, {}, True),
        ("switched", plain, {"strategy.autopilot_enabled": {"choice": [True, False]}}, True),
        ("plain", plain, {}, True),
        ("off", tuned, {}, False),
    ):
        base = busy_scenario(accounts=(account,), blocks=900, autopilot=autopilot)
        plan = sweep_plan(sweep_of(document(vary={**document()["vary"], **vary}), "it"), base)
        assert [terms.is_tuned for terms in plan.terms()] == [len(plan.legs(0)[0]) > 1] * len(plan.markets)
        lengths[name] = plan.legs(0)
    assert lengths == {"tuned": ((300,) * 3,), "switched": ((300,) * 3,), "plain": ((900,),), "off": ((900,),)}


def test_the_pace_and_the_name_of_a_sweep_change_nothing_of_what_defines_it():
    plans = [
        sweep_plan(sweep_of(document(name=name), "it"), busy_scenario(segment_blocks=length))
        for name, length in (("one", 100), ("another", 300))
    ]
    assert plans[0].spec_hash == plans[1].spec_hash
    other = sweep_plan(sweep_of(document(), "it"), busy_scenario(seed=8))
    assert other.spec_hash != plans[0].spec_hash
