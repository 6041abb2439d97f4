"""What a sweep tells of winners that are chosen anew: how much time is purged, what is told, and in which words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from sweep_samples import sweep_of, verdict_of

from cluster.sweeping.reselecting import (
    YEAR_HOURS,
    Clock,
    in_words,
    longest_hold_hours,
    reselection,
    reselection_in,
)
from cluster.sweeping.shown import judged
from simulation.performance.overfitting import block_sums
from simulation.settings.strategy import Strategy

HOURLY = Clock(periods_per_year=YEAR_HOURS, part_periods=45, hold_hours=72, first_part=0)
"""Thirty days of hours in sixteen parts."""
YEAR = np.sqrt(YEAR_HOURS)


def noise(n_columns=2_000, edge=0.0, seed=1):
    """Return the sums of returns without skill, but for one column."""
    returns = np.random.default_rng(seed).standard_normal((16 * 45, n_columns))
    returns[:, 7] += edge
    return block_sums(returns, 16)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_of_pure_noise_comes_to_nothing_when_it_is_chosen_anew(seed):
    told = reselection(noise(seed=seed), HOURLY)
    assert told.best_sharpe_ratio > 0.1 * YEAR
    assert abs(told.walk_forward.sharpe_ratio) < 0.08 * YEAR
    assert abs(told.cross_validation.median) < 0.08 * YEAR
    assert told.cross_validation.lowest < 0.0 < told.cross_validation.share_below_zero


def test_an_edge_is_chosen_each_time_and_comes_out():
    told = reselection(noise(edge=0.8), HOURLY)
    assert (told.walk_forward.steps, told.walk_forward.winners) == (15, 1)
    assert told.walk_forward.sharpe_ratio == pytest.approx(0.8 * YEAR, rel=0.1)
    crossed = told.cross_validation
    assert (crossed.splits, len(crossed.sharpe_ratios)) == (120, 15)
    assert crossed.sharpe_ratios == pytest.approx([told.best_sharpe_ratio] * 15)
    assert (crossed.lowest, crossed.share_below_zero) == (min(crossed.sharpe_ratios), 0.0)


@pytest.mark.parametrize(
    ("hold_hours", "purged", "embargoed"),
    [(1, 1, 0), (37, 1, 0), (38, 1, 1), (45, 1, 1), (46, 2, 0), (72, 2, 0), (90, 2, 1), (720, 16, 1)],
)
def test_so_many_parts_are_purged_as_a_position_may_be_held_and_an_embargo_more(hold_hours, purged, embargoed):
    told = reselection(noise(20), replace(HOURLY, hold_hours=hold_hours))
    assert (told.purged_parts, told.embargoed_parts) == (purged, embargoed)


def test_a_part_that_ends_with_the_hold_is_not_rounded_up():
    clock = replace(HOURLY, periods_per_year=YEAR_HOURS / 0.7, part_periods=10, hold_hours=21)
    assert reselection(noise(20), clock).purged_parts == 3


def test_where_purging_leaves_nothing_to_train_on_the_paths_are_not_told():
    told = reselection(noise(20), replace(HOURLY, hold_hours=168))
    assert told.cross_validation is None
    assert told.walk_forward.steps == 15
    assert in_words(told)[1] == (
        "Combinatorial purged cross-validation is not told: the track records are too short for holds of up to 168 "
        "hours; purged around each test, 16 parts of 45 hours leave nothing to train on."
    )


@pytest.mark.parametrize(("days", "is_told"), [(17, False), (18, True)])
def test_it_takes_a_track_record_of_six_longest_holds_to_tell_the_paths(days, is_told):
    told = reselection(noise(20), replace(HOURLY, part_periods=24 * days // 16))
    assert (told.cross_validation is not None) == is_told


def test_with_rungs_only_what_comes_after_the_last_one_is_tested():
    told = reselection(noise(20), replace(HOURLY, hold_hours=24, first_part=8))
    assert (told.parts, told.walk_forward.steps) == (8, 8)
    assert (told.cross_validation.splits, len(told.cross_validation.sharpe_ratios)) == (28, 7)
    assert "before each of 8 parts of time after the last rung" in in_words(told)[0]


@pytest.mark.parametrize(("first_part", "steps"), [(14, 2), (15, 1), (16, None)])
def test_a_late_rung_leaves_no_time_to_test_and_says_so(first_part, steps):
    told = reselection(noise(20), replace(HOURLY, hold_hours=24, first_part=first_part))
    walked, crossed = in_words(told)
    assert (told.walk_forward and told.walk_forward.steps) == steps
    assert told.cross_validation is None
    assert f"the last rung leaves {16 - first_part} part" in crossed
    assert walked.startswith("Walking forward is not told" if steps is None else "Walking forward: chosen anew")


@pytest.mark.parametrize("hold_hours", [24, 168])
def test_what_is_stored_is_read_back_as_it_was(hold_hours):
    told = reselection(noise(20), replace(HOURLY, hold_hours=hold_hours))
    assert reselection_in(json.loads(json.dumps({"reselection": asdict(told)}))) == told


@pytest.mark.parametrize(
    ("how", "hours"),
    [
        (None, 30),
        ({"integer": [6, 72], "step": 7}, 69),
        ({"grid": [12, 48, 24]}, 48),
        ({"log_uniform": [1, 100]}, 100),
    ],
)
def test_the_longest_hold_is_the_highest_of_the_space_or_that_of_all_trials(how, hours):
    sweep = sweep_of() if how is None else sweep_of(vary={"strategy.max_hold_hours": how}, trials=8, sampler={})
    if how and "grid" in how:
        sweep = sweep_of(vary={"strategy.max_hold_hours": how})
    assert longest_hold_hours(sweep, Strategy(max_hold_hours=30)) == hours


def test_the_end_of_a_sweep_says_what_choosing_anew_came_to():
    _, overfit, walked, crossed = judged(verdict_of())
    assert overfit == "Probability of backtest overfitting: 0.47."
    assert walked == (
        "Walking forward: chosen anew by Sharpe ratio before each of 15 parts of time, 6 winners had a Sharpe ratio of "
        "0.41 in what followed; the best over all time has 2.10 (annualised)."
    )
    assert crossed == (
        "Combinatorial purged cross-validation: on 3 paths the median Sharpe ratio is 0.30, the lowest -0.30; 33 % are "
        "below zero."
    )


def test_a_sweep_that_was_stored_without_it_is_told_as_before():
    stored = verdict_of()
    del stored["reselection"]
    assert judged(stored)[1:] == ["Probability of backtest overfitting: 0.47."]


def test_a_sweep_of_too_few_returns_says_what_it_takes():
    (_, said) = judged(verdict_of(probability_of_overfitting=None, reselection=None))
    assert "not told: they take two points that ran to the end and differ, with 32 returns each." in said
