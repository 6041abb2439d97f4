"""The verdict on the winner of a sweep: what is counted, what is judged, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.performance.moments import moments
from simulation.performance.overfitting import block_sums, overfitting
from simulation.performance.reselection import Periods, path_sharpes
from simulation.performance.splits import combinatorial_splits
from simulation.performance.trials import TrialCount, likeness
from simulation.performance.verdict import in_words, judge


def track(sharpe, length=500, seed=3):
    """Return the track record of exactly this Sharpe ratio per period."""
    noise = np.random.default_rng(seed).standard_normal(length)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    return moments(0.01 * (noise + sharpe))


def test_pruned_and_failed_trials_were_looked_at_and_repeated_and_skipped_ones_were_not():
    assert TrialCount(finished=70, pruned=20, failed=10, repeated=5, skipped=7).looked_at == 100


def test_only_finished_trials_are_seen_to_resemble_one_another():
    assert TrialCount(finished=70, pruned=20, failed=10).effective(0.9) == pytest.approx(30 + 0.9 + 0.1 * 70)
    assert TrialCount(finished=70).effective(0.9) == pytest.approx(0.9 + 0.1 * 70)
    assert TrialCount(finished=0, pruned=20).effective(0.0) == 20


def test_the_trials_of_several_sweeps_add_up():
    assert TrialCount(1, 2, 3, 4, 5) + TrialCount(10, 20, 30, 40, 50) == TrialCount(11, 22, 33, 44, 55)


def test_what_is_significant_alone_is_luck_as_the_best_of_many():
    alone = judge(track(0.12), variance_of_sharpes=0.0, n_trials=1)
    best = judge(track(0.12), variance_of_sharpes=1 / 500, n_trials=1_000)
    assert alone.dsr == alone.psr > 0.95
    assert not alone.luck_is_sufficient
    assert best.psr == alone.psr
    assert best.luck_is_sufficient


def test_trials_that_do_the_same_deflate_less_than_independent_ones():
    independent = judge(track(0.15), 1 / 500, n_trials=1_000)
    alike = judge(track(0.15), 1 / 500, n_trials=1_000, n_effective=3.0)
    assert (independent.luck_is_sufficient, alike.luck_is_sufficient) == (True, False)


def test_a_track_record_that_is_too_short_says_so():
    assert not judge(track(0.12, length=50), 0.0, n_trials=1).long_enough
    assert judge(track(0.12, length=500), 0.0, n_trials=1).long_enough


@pytest.mark.parametrize("returns", [np.zeros(100), np.full(100, 0.001), np.zeros(0), np.array([0.5])])
def test_a_winner_that_never_moved_is_luck(returns):
    verdict = judge(moments(returns), 0.01, n_trials=10)
    assert (verdict.dsr, verdict.psr, verdict.luck_is_sufficient, verdict.long_enough) == (0.0, 0.0, True, False)


def test_the_verdict_says_that_luck_is_a_sufficient_explanation():
    assert in_words(judge(track(0.12), 1 / 500, n_trials=1_000)) == (
        "Luck is a sufficient explanation: the deflated Sharpe ratio is 0.2854, the best of 1,000 trials. "
        "It takes 192 returns to show a Sharpe ratio above zero; the track record has 500."
    )


def test_the_verdict_says_that_luck_is_no_sufficient_explanation():
    assert in_words(judge(track(0.5), 1 / 500, n_trials=1_000)).startswith("Luck is no sufficient explanation: ")


def test_the_verdict_says_that_a_loser_needs_no_longer_track_record():
    verdict = judge(track(-0.1), 1 / 500, n_trials=5)
    assert verdict.min_track_record_length is None
    assert "No track record is long enough for a Sharpe ratio that is not above zero" in in_words(verdict)


def test_the_best_in_sample_may_lose_out_of_sample_and_that_is_counted():
    returns = np.zeros((8, 2))
    returns[:4] = [[0.02, -0.02], [0.01, -0.01], [0.02, -0.02], [0.01, -0.01]]
    returns[4:] = -returns[:4]
    found = overfitting(block_sums(returns, 2))
    assert (found.probability, found.loss_probability) == (1.0, 1.0)
    assert found.slope == 0.0


def test_the_slope_is_that_of_least_squares():
    returns = np.random.default_rng(5).standard_normal((240, 10))
    found = overfitting(block_sums(returns, 6))
    assert found.slope == pytest.approx(np.polyfit(found.in_sample, found.out_of_sample, 1)[0])


def test_a_small_spread_around_a_large_mean_keeps_its_digits():
    returns = np.random.default_rng(5).standard_normal((240, 10))
    far = overfitting(block_sums(1e6 + 1e-3 * returns, 6))
    assert far.in_sample == pytest.approx(overfitting(block_sums(1e6 + 1e-3 * returns[:, ::-1], 6)).in_sample, rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "n_blocks", "sentence"),
    [
        ((100, 5), 5, "n_blocks 5 is not an even number from 2 on"),
        ((100, 5), 0, "n_blocks 0 is not an even number from 2 on"),
        ((15, 5), 8, "15 returns are too few for 8 blocks of 2 or more"),
        ((100, 1), 4, "one trial is no selection; the probability of overfitting needs two or more"),
    ],
)
def test_what_cannot_be_cut_into_blocks_is_refused(shape, n_blocks, sentence):
    with pytest.raises(ValueError, match=sentence):
        overfitting(block_sums(np.zeros(shape), n_blocks))


def test_the_oldest_rows_are_left_out_where_blocks_are_uneven():
    returns = np.random.default_rng(5).standard_normal((242, 10))
    there, here = overfitting(block_sums(returns, 6)), overfitting(block_sums(returns[2:], 6))
    assert (there.logits == here.logits).all()


@pytest.mark.parametrize(("n_groups", "n_test"), [(1, 1), (11, 2), (4, 4), (4, 0)])
def test_groups_that_leave_nothing_to_train_or_test_are_refused(n_groups, n_test):
    with pytest.raises(ValueError, match="is not between"):
        list(combinatorial_splits(10, n_groups, n_test))


def test_a_purge_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(ValueError, match="rows are left to train on beside groups"):
        path_sharpes(Periods(np.random.default_rng(1).standard_normal((12, 3))), 3, 1, horizon=6)


def test_still_columns_have_no_correlation():
    returns = np.random.default_rng(5).standard_normal((50, 3))
    with_still = np.column_stack([returns, np.zeros(50), np.full(50, 0.1)])
    assert likeness(with_still).mean_correlation == likeness(returns).mean_correlation
    assert likeness(np.full((50, 4), 0.1)).mean_correlation == 0.0
