"""The statistics of selection against every published number of theirs that was found.

Sources stand in data/selection.json. Two vectors need what is not here: the 50 returns of rubenbriones'
``returns_for_tests.csv``, and R's random numbers for the test of the R package pbo.
"""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from simulation.performance import restated, sharpe, splits
from simulation.performance.moments import moments
from simulation.performance.overfitting import block_sums, overfitting

VECTORS = json.loads((Path(__file__).parent / "data" / "selection.json").read_text())
EXACT = 1e-9


@pytest.mark.parametrize("vector", VECTORS["expected_maximum"], ids=lambda vector: vector["n_trials"])
def test_the_best_of_many_is_expected_where_published(vector):
    assert sharpe.expected_maximum(1.0, vector["n_trials"]) == pytest.approx(vector["value"], abs=EXACT)


@pytest.mark.parametrize("vector", VECTORS["psr"], ids=lambda vector: vector["skewness"])
def test_the_probabilistic_sharpe_ratio_is_the_published_one(vector):
    value = sharpe.probabilistic_sharpe_ratio(
        vector["sharpe"], 0.0, vector["length"], vector["skewness"], vector["kurtosis"]
    )
    assert value == pytest.approx(vector["value"], abs=EXACT)
    assert round(value, 3) == vector["published"]


@pytest.mark.parametrize("vector", VECTORS["deviation"], ids=lambda vector: vector["sharpe"])
def test_the_deviation_of_a_sharpe_ratio_is_the_published_one(vector):
    value = sharpe.sharpe_deviation(vector["sharpe"], vector["length"], vector["skewness"], vector["kurtosis"])
    assert round(value, 4) == vector["deviation"]


@pytest.mark.parametrize("vector", VECTORS["deviation"], ids=lambda vector: vector["sharpe"])
def test_the_shortest_track_record_is_the_published_one(vector):
    months = sharpe.min_track_record_length(vector["sharpe"], 0.0, vector["skewness"], vector["kurtosis"])
    assert months / 12 == pytest.approx(vector["min_track_record_years"], abs=1e-4)


@pytest.mark.parametrize("vector", VECTORS["min_track_record"], ids=lambda vector: vector["annual_sharpe"])
def test_the_shortest_track_record_is_the_recomputed_one(vector):
    root = math.sqrt(vector["per_year"])
    periods = sharpe.min_track_record_length(
        vector["annual_sharpe"] / root, vector["annual_benchmark"] / root, vector["skewness"], vector["kurtosis"]
    )
    assert periods / vector["per_year"] == pytest.approx(vector["years"], abs=EXACT)


def test_five_years_are_too_short_for_45_trials():
    assert sharpe.min_backtest_years(45, 1.0) == pytest.approx(4.998087004443402, abs=EXACT)
    assert round(sharpe.min_backtest_years_bound(45, 1.0), 4) == 7.6133


def deflated(annual_sharpe, annual_variance, n_trials, per_year, length, skewness, kurtosis):
    """Return (SR0 per day, DSR) from annual figures."""
    sr0 = sharpe.expected_maximum(annual_variance / per_year, n_trials)
    daily = annual_sharpe / math.sqrt(per_year)
    return sr0, sharpe.probabilistic_sharpe_ratio(daily, sr0, length, skewness, kurtosis)


def test_the_example_of_the_deflated_sharpe_ratio_is_the_published_one():
    sr0, value = deflated(2.5, 0.5, 100, 250, 1250, -3.0, 10.0)
    assert sr0 == pytest.approx(0.11317200186513214, abs=EXACT)
    assert round(sr0 * math.sqrt(250), 4) == 1.7894
    assert value == pytest.approx(0.9003968344493904, abs=EXACT)
    assert round(value, 4) == 0.9004


def test_that_example_is_significant_with_46_trials():
    _, value = deflated(2.5, 0.5, 46, 250, 1250, -3.0, 10.0)
    assert round(value, 7) == 0.9505017


def test_excess_kurtosis_would_give_another_number():
    _, value = deflated(2.5, 0.5, 100, 250, 1250, -3.0, 10.0 - 3.0)
    assert round(value, 5) == 0.90178


@pytest.mark.parametrize("vector", VECTORS["third_party"], ids=lambda vector: vector["n_trials"])
def test_a_third_party_has_the_same_deflated_sharpe_ratios(vector):
    _, value = deflated(1.8, 1.0, vector["n_trials"], 252, 504, -0.6, 4.5)
    assert round(value, 3) == vector["value"]


# LEAN, Tests/Common/Statistics/ProbabilisticSharpeRatioTests.cs

ONE, OTHER = np.array([0.01, 0.02, 0.01, 0.0, 0.0, 3.0]), np.array([0.0, 0.0, 0.0, -0.1, 0.0, 0.01, 0.0])


def against(returns, others):
    """Return the probability that the Sharpe ratio of one series is above that of another."""
    return sharpe.probability_above(moments(returns), moments(others).sharpe)


def test_a_series_is_as_likely_as_not_above_itself():
    assert against(ONE, ONE) == against(OTHER, OTHER) == 0.5


@pytest.mark.parametrize(("returns", "others", "value"), [(ONE, OTHER, 1.0), (OTHER, ONE, 0.0)], ids=["above", "below"])
def test_a_much_better_series_is_on_the_side_that_lean_says(returns, others, value):
    """To two digits: LEAN passes a kurtosis in excess where the equation has none, see docs/luck.md."""
    assert round(against(returns, others), 2) == value


def test_a_series_of_zeros_shows_nothing():
    assert sharpe.probability_above(moments(np.zeros(6)), 0.0) == 0.0


# 2026: mean 0.036, deviation 0.079, 24 months

SHARPE = 0.036 / 0.079
SHAPE = restated.Shape(24, -2.448, 10.164)
LAGGED = restated.Shape(24, -2.448, 10.164, autocorrelation=0.2)


@pytest.mark.parametrize(
    ("value", "digits", "published"),
    [
        (restated.restated_deviation(SHARPE, SHAPE), 3, 0.329),
        (restated.restated_deviation(SHARPE, restated.Shape(24)), 3, 0.214),
        (restated.restated_probability(SHARPE, 0.0, SHAPE), 3, 0.987),
        (restated.restated_probability(SHARPE, 0.1, SHAPE), 3, 0.939),
        (restated.restated_track_record_length(SHARPE, 0.0, SHAPE), 3, 13.029),
        (restated.miss_probability(0.0, 0.5, SHAPE), 3, 0.315),
        (restated.planned_false_discovery(0.0, 0.5, 0.05, SHAPE), 3, 0.581),
        (restated.observed_false_discovery(SHARPE, 0.0, 0.5, 0.05, SHAPE), 3, 0.306),
        (restated.restated_deviation(SHARPE, LAGGED), 4, 0.3795),
        (restated.restated_probability(SHARPE, 0.0, LAGGED), 5, 0.96583),
        (restated.restated_probability(SHARPE, 0.1, LAGGED), 5, 0.90048),
        (restated.restated_track_record_length(SHARPE, 0.0, LAGGED), 3, 19.543),
        (sharpe.expected_maximum(0.1, 10), 5, 0.49793),
        (restated.variance_of_maximum(10), 5, 0.34434),
        (restated.restated_deflated(SHARPE, 0.1, 10, SHAPE), 5, 0.41636),
        (restated.restated_deflated(SHARPE, 0.1, 10, SHAPE, adjusted=False), 5, 0.45068),
    ],
    ids=lambda value: str(value) if isinstance(value, float) else "",
)
def test_the_restated_figure_is_the_published_one(value, digits, published):
    assert round(value, digits) == published


@pytest.mark.parametrize("vector", VECTORS["pbo"], ids=lambda vector: f"{vector['n_blocks']}-{vector['planted']}")
def test_the_probability_of_overfitting_is_the_portable_one(vector):
    returns = np.random.default_rng(42).standard_normal((240, 10))
    returns[:, 3] += vector["planted"]
    assert overfitting(block_sums(returns, vector["n_blocks"])).probability == vector["value"]


@pytest.mark.parametrize(("n_blocks", "n_splits"), VECTORS["halves"])
def test_there_are_as_many_halves_as_published(n_blocks, n_splits):
    returns = np.random.default_rng(1).standard_normal((2 * n_blocks, 2))
    assert len(overfitting(block_sums(returns, n_blocks)).logits) == n_splits


def noisy_pbo(seed, planted=0.0):
    """Return the PBO of T=1000, N=200, S=16, ``planted`` deviations added to 20 columns."""
    returns = np.random.default_rng(seed).standard_normal((1000, 200))
    returns[:, :20] += planted
    return overfitting(block_sums(returns, 16)).probability


def test_pure_noise_overfits_as_often_as_published():
    """0.476, by 60 matrices with a deviation of 0.137: the mean of 8 is within three of its own (pbo.marketmaker.cc)."""
    assert np.mean([noisy_pbo(seed) for seed in range(8)]) == pytest.approx(0.476, abs=3 * 0.137 * math.sqrt(1 / 8))


def test_a_planted_edge_is_no_overfitting_as_published():
    """0.001 (pbo.marketmaker.cc)."""
    assert noisy_pbo(1, planted=0.15) < 0.01


@pytest.mark.parametrize(("n_groups", "n_test", "n_splits", "n_paths"), VECTORS["cpcv"])
def test_there_are_as_many_splits_and_paths_as_published(n_groups, n_test, n_splits, n_paths):
    assert len(list(splits.combinatorial_splits(100, n_groups, n_test))) == n_splits
    assert splits.n_paths(n_groups, n_test) == n_paths
    assert splits.paths(n_groups, n_test).shape == (n_paths, n_groups)


@pytest.mark.parametrize(("n_groups", "n_test", "n_splits"), VECTORS["cpcv_splits"])
def test_many_groups_give_as_many_splits_as_published(n_groups, n_test, n_splits):
    assert len(list(islice(splits.combinatorial_splits(50, n_groups, n_test), n_splits + 1))) == n_splits
