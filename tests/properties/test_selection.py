"""What must hold of the statistics of selection whatever the returns are."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.performance import overfitting as pbo
from simulation.performance import sharpe, splits
from simulation.performance.moments import moments
from simulation.performance.reselection import Parts, Periods, path_sharpes, walk_forward
from simulation.performance.trials import effective_trials, likeness

MOMENTS = st.tuples(st.floats(-3, 3), st.floats(1, 20)).filter(lambda pair: pair[1] >= pair[0] ** 2 + 1)
"""Skewness and kurtosis that a distribution can have."""

SEEDS = st.integers(0, 2**32)


def noise(seed, n_rows, n_columns):
    return np.random.default_rng(seed).standard_normal((n_rows, n_columns))


def slow_overfitting(returns, n_blocks):
    """The definition, on the returns themselves."""
    blocks = np.split(returns, n_blocks)
    logits = []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        train = np.concatenate([blocks[b] for b in chosen])
        test = np.concatenate([blocks[b] for b in range(n_blocks) if b not in chosen])
        best = int(np.argmax(train.mean(0) / train.std(0, ddof=1)))
        ratios = test.mean(0) / test.std(0, ddof=1)
        rank = int((ratios <= ratios[best]).sum()) / (returns.shape[1] + 1)
        logits.append(math.log(rank / (1 - rank)))
    return sorted(logits)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(2, 5000), MOMENTS)
def test_the_probability_of_a_sharpe_ratio_is_one(estimate, benchmark, length, shape):
    assert 0.0 <= sharpe.probabilistic_sharpe_ratio(estimate, benchmark, length, *shape) <= 1.0


@given(st.floats(-1, 1), st.lists(st.floats(-1, 1), min_size=2, max_size=2), st.integers(2, 5000), MOMENTS)
def test_a_higher_benchmark_is_never_more_probably_beaten(estimate, benchmarks, length, shape):
    low, high = sorted(benchmarks)
    likely, unlikely = (
        sharpe.probabilistic_sharpe_ratio(estimate, benchmark, length, *shape) for benchmark in (low, high)
    )
    assert unlikely <= likely


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=2), st.integers(2, 5000))
def test_a_higher_sharpe_ratio_is_never_less_probable(estimates, length):
    low, high = (sharpe.probabilistic_sharpe_ratio(estimate, 0.0, length) for estimate in sorted(estimates))
    assert low <= high


@given(st.floats(0.01, 1), st.floats(0.001, 0.009), MOMENTS, st.floats(0.6, 0.999))
def test_the_shortest_track_record_just_reaches_its_confidence(estimate, benchmark, shape, confidence):
    length = sharpe.min_track_record_length(estimate, benchmark, *shape, confidence)
    if length > 1.0 + 1e-6:
        reached = sharpe.probabilistic_sharpe_ratio(estimate, benchmark, length, *shape)
        assert reached == pytest.approx(confidence, abs=1e-6)


@given(st.floats(0, 10), st.lists(st.floats(1, 1e9), min_size=2, max_size=2))
def test_more_trials_are_expected_to_reach_more(variance, numbers):
    few, many = sorted(numbers)
    assert 0.0 <= sharpe.expected_maximum(variance, few) <= sharpe.expected_maximum(variance, many)


@given(SEEDS, st.floats(-2, 2), st.floats(1e-9, 1e3))
def test_moments_but_the_sharpe_ratio_are_free_of_place_and_all_are_free_of_scale(seed, place, scale):
    returns = noise(seed, 100, 1)[:, 0]
    plain, scaled = moments(returns + place), moments((returns + place) * scale)
    assert (scaled.sharpe, scaled.skewness, scaled.kurtosis) == pytest.approx(
        (plain.sharpe, plain.skewness, plain.kurtosis), rel=1e-9, abs=1e-9
    )
    assert moments(returns).kurtosis == pytest.approx(plain.kurtosis, rel=1e-9)


@given(st.floats(-1e6, 1e6), st.integers(0, 300))
def test_a_series_that_never_moves_has_no_moments(value, length):
    still = moments(np.full(length, value))
    assert (still.sharpe, still.moves) == (0.0, False)
    assert sharpe.probability_above(still, 0.0) == 0.0


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([2, 4, 6]), st.integers(2, 12))
def test_block_sums_give_what_the_definition_gives(seed, n_blocks, n_columns):
    returns = noise(seed, 5 * n_blocks, n_columns)
    found = pbo.overfitting(pbo.block_sums(returns, n_blocks))
    assert sorted(found.logits) == pytest.approx(slow_overfitting(returns, n_blocks))


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 12), st.floats(0.1, 10))
def test_overfitting_is_a_probability_and_does_not_depend_on_the_scale(seed, n_columns, scale):
    returns = noise(seed, 24, n_columns)
    found = pbo.overfitting(pbo.block_sums(returns, 4))
    assert 0.0 <= found.probability <= 1.0
    assert pbo.overfitting(pbo.block_sums(returns * scale, 4)).probability == found.probability


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 12), st.booleans())
def test_the_order_of_trials_changes_nothing_of_overfitting(seed, n_columns, with_equals):
    """To the bit, trials that are equal and trials that never traded included."""
    generator = np.random.default_rng(seed)
    returns = noise(seed, 24, n_columns)
    if with_equals:
        returns = np.concatenate([returns, returns[:, ::2], np.zeros((24, 3))], axis=1)
    there = pbo.overfitting(pbo.block_sums(returns, 4))
    again = pbo.overfitting(pbo.block_sums(returns[:, generator.permutation(returns.shape[1])], 4))
    assert (there.logits == again.logits).all()
    assert (there.out_of_sample == again.out_of_sample).all()


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 5))
def test_sums_may_be_made_of_a_few_trials_at_a_time(seed, cut):
    returns = noise(seed, 24, 6)
    parts = pbo.joined([pbo.block_sums(returns[:, :cut], 4), pbo.block_sums(returns[:, cut:], 4)])
    assert (pbo.overfitting(parts).logits == pbo.overfitting(pbo.block_sums(returns, 4)).logits).all()


def test_pure_noise_overfits_half_of_the_time():
    """The deviation of one matrix is about 0.3 with few columns: the mean of 60 has 0.04."""
    mean = np.mean([pbo.overfitting(pbo.block_sums(noise(seed, 96, 20), 8)).probability for seed in range(60)])
    assert mean == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_edge_is_not_overfitting(seed):
    returns = noise(seed, 480, 20)
    returns[:, 7] += 0.4
    assert pbo.overfitting(pbo.block_sums(returns, 8)).probability < 0.02


def test_trials_that_are_all_the_same_are_all_at_the_median():
    returns = np.repeat(noise(1, 24, 1), 5, axis=1)
    assert (pbo.overfitting(pbo.block_sums(returns, 4)).logits == 0.0).all()


CUTS = st.tuples(
    st.integers(12, 60), st.integers(2, 6), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4)
).filter(lambda cut: cut[2] < cut[1])


@given(CUTS)
def test_no_training_row_has_an_outcome_that_overlaps_one_of_the_test(cut):
    n_rows, n_groups, n_test, horizon, embargo = cut
    for split in splits.combinatorial_splits(n_rows, n_groups, n_test, horizon, embargo):
        test, train = np.flatnonzero(split.test), np.flatnonzero(split.train)
        apart = train[:, None] - test[None, :]
        assert not ((apart >= -horizon) & (apart <= horizon)).any()
        after = [row for row in train if any(row - embargo - horizon <= end < row for end in test)]
        assert after == []


@given(CUTS)
def test_no_more_rows_are_purged_than_must_be(cut):
    n_rows, n_groups, n_test, horizon, embargo = cut
    for split in splits.combinatorial_splits(n_rows, n_groups, n_test, horizon, embargo):
        test = np.flatnonzero(split.test)
        for row in np.flatnonzero(~split.train & ~split.test):
            assert ((row - test >= -horizon) & (row - test <= horizon + embargo)).any()


@given(CUTS)
def test_without_purging_every_row_is_either_trained_on_or_tested(cut):
    n_rows, n_groups, n_test, _, _ = cut
    for split in splits.combinatorial_splits(n_rows, n_groups, n_test):
        assert (split.train ^ split.test).all()


@given(CUTS)
def test_every_path_passes_every_group_and_every_test_belongs_to_one_path(cut):
    n_rows, n_groups, n_test, _, _ = cut
    tests = {
        (number, group)
        for number, split in enumerate(splits.combinatorial_splits(n_rows, n_groups, n_test))
        for group in split.groups
    }
    passed = [(split, group) for path in splits.paths(n_groups, n_test).tolist() for group, split in enumerate(path)]
    assert sorted(passed) == sorted(tests)


@given(st.integers(12, 60), st.integers(2, 6), st.sampled_from([None, 1, 2]), st.integers(0, 3))
def test_walking_forward_trains_on_the_past_alone(n_rows, n_groups, n_train, horizon):
    for split in splits.forward_splits(n_rows, n_groups, n_train, horizon):
        test, train = np.flatnonzero(split.test), np.flatnonzero(split.train)
        assert train.size == 0 or train.max() + horizon < test.min()


@given(CUTS)
def test_a_cut_leaves_training_exactly_where_no_split_is_without(cut):
    splits_of_cut = list(splits.combinatorial_splits(*cut))
    assert splits.leave_training(*cut) == (min(split.train.sum() for split in splits_of_cut) > 0)
    assert splits.n_splits(*cut[1:3]) == len(splits_of_cut)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("made", [Periods, lambda returns: Parts(pbo.block_sums(returns, 6))], ids=["periods", "parts"])
def test_choosing_again_finds_a_planted_edge_and_none_in_noise(seed, made):
    returns = noise(seed, 600, 20)
    assert abs(walk_forward(made(returns), 6).sharpe) < 0.15
    assert abs(np.mean(path_sharpes(made(returns), 6, 2))) < 0.15
    returns[:, 7] += 0.4
    assert walk_forward(made(returns), 6).chosen == (7,) * 5
    assert walk_forward(made(returns), 6).sharpe == pytest.approx(moments(returns[100:, 7]).sharpe)
    assert path_sharpes(made(returns), 6, 2) == pytest.approx(moments(returns[:, 7]).sharpe)


@st.composite
def cut_records(draw):
    """Return periods and the same in parts, with how many of either make a horizon and an embargo."""
    n_parts, rows = draw(st.sampled_from([4, 6, 8])), draw(st.integers(2, 9))
    seed, n_columns, spread = draw(SEEDS), draw(st.integers(1, 12)), draw(st.floats(0.001, 10))
    returns = spread * noise(seed, n_parts * rows, n_columns) + draw(st.floats(-1, 1))
    if draw(st.booleans()):
        returns = np.concatenate([returns, returns[:, ::2]], axis=1)
    return returns, n_parts, rows, draw(st.integers(0, 2)), draw(st.integers(0, 2))


def in_both(compute, returns, n_parts, rows):
    """Return what is computed of periods and of parts: a sentence where nothing is left to train on."""
    found = []
    for record, unit in ((Periods(returns), rows), (Parts(pbo.block_sums(returns, n_parts)), 1)):
        try:
            found.append(compute(record, unit))
        except ValueError as error:
            found.append(str(error))
    return found


@given(cut_records(), st.sampled_from([None, 1, 2]), st.integers(1, 3))
def test_walking_forward_over_sums_is_walking_forward_over_returns(cut, n_train, first):
    returns, n_parts, rows, horizon, _ = cut
    slow, fast = in_both(
        lambda record, unit: walk_forward(record, n_parts, n_train, horizon * unit, first), returns, n_parts, rows
    )
    if isinstance(slow, str):
        assert fast == slow
    else:
        assert fast.chosen == slow.chosen
        assert fast.sharpe == pytest.approx(slow.sharpe, rel=1e-6, abs=1e-9)


@given(cut_records(), st.integers(1, 2), st.sampled_from([1, 2]))
def test_the_paths_over_sums_are_the_paths_over_returns(cut, n_test, parts_of_group):
    returns, n_parts, rows, horizon, embargo = cut
    n_groups = n_parts // parts_of_group
    if n_groups <= n_test:
        return
    slow, fast = in_both(
        lambda record, unit: path_sharpes(record, n_groups, n_test, horizon * unit, embargo * unit),
        returns, n_parts, rows,
    )  # fmt: skip
    if isinstance(slow, str):
        assert fast == slow
    else:
        assert fast == pytest.approx(slow, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_position_that_is_held_from_one_part_into_the_next_is_purged(seed):
    """One column has a single gain, over two parts, and another a small edge: a gain is no news of its other half."""
    returns = noise(seed, 6_400, 2)
    returns[:, 1] += 0.15
    returns[1_200:2_000, 0] += 5.0
    record = Parts(pbo.block_sums(returns, 16))
    leaked, purged = (path_sharpes(record, 16, 2, horizon) for horizon in (0, 1))
    assert np.median(leaked) > 0.25
    assert purged.max() < 0.2
    walked = [walk_forward(record, 16, horizon=horizon, first=2).sharpe for horizon in (0, 1)]
    assert walked[0] > walked[1] + 0.1


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 12))
def test_the_mean_correlation_is_that_of_the_matrix(seed, n_columns):
    returns = noise(seed, 30, n_columns)
    matrix = np.corrcoef(returns.T)
    mean = (matrix.sum() - n_columns) / (n_columns * (n_columns - 1))
    assert likeness(returns).mean_correlation == pytest.approx(mean, abs=1e-12)


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 5))
def test_the_likeness_of_parts_of_a_sweep_adds_up(seed, cut):
    returns = noise(seed, 30, 6)
    parts = likeness(returns[:, :cut]) + likeness(returns[:, cut:])
    assert parts.mean_correlation == pytest.approx(likeness(returns).mean_correlation, abs=1e-12)


@given(st.integers(1, 10**6), st.floats(-1, 1))
def test_there_are_between_one_and_all_independent_trials(n_trials, correlation):
    assert 1.0 <= effective_trials(n_trials, correlation) <= n_trials
