"""The stationary bootstrap: blocks of random length that keep what near returns have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.performance.bootstrap import growth_band, mean_block, resampled


@given(st.integers(1, 200), st.floats(1.0, 30.0), st.integers(0, 2**32 - 1), st.integers(0, 999))
def test_a_resampled_series_is_as_long_and_made_of_the_same_returns(n_returns, block, seed, path):
    chosen = resampled(n_returns, block, seed, path)
    assert len(chosen) == n_returns
    assert ((chosen >= 0) & (chosen < n_returns)).all()


def test_it_is_a_function_of_its_seed_and_its_number():
    assert resampled(50, 4.0, 1, 7).tolist() == resampled(50, 4.0, 1, 7).tolist()
    assert resampled(50, 4.0, 1, 7).tolist() != resampled(50, 4.0, 1, 8).tolist()
    assert resampled(50, 4.0, 1, 7).tolist() != resampled(50, 4.0, 2, 7).tolist()


def test_blocks_have_the_mean_length_that_is_asked_for():
    breaks = sum((np.diff(resampled(10_000, 5.0, 1, path)) % 10_000 != 1).sum() for path in range(20))
    assert 20 * 10_000 / breaks == pytest.approx(5.0, rel=0.05)


def test_every_return_is_taken_equally_often():
    counts = np.bincount(np.concatenate([resampled(10, 3.0, 1, path) for path in range(2_000)]), minlength=10)
    assert counts == pytest.approx(np.full(10, 2_000), rel=0.1)


def test_a_mean_length_of_one_draws_returns_singly():
    steps = np.diff(resampled(1_000, 1.0, 1, 0)) % 1_000
    assert (steps == 1).mean() < 0.01


def test_blocks_grow_with_the_cube_root_of_the_returns():
    assert [mean_block(n) for n in (1, 8, 1_000)] == pytest.approx([1.0, 2.0, 10.0])


def test_a_series_without_luck_has_a_band_without_width():
    low, high = growth_band(np.full(24, 0.01), np.array([0, 23]))
    assert low == pytest.approx([1.01, 1.01**24])
    assert high == pytest.approx(low)


def test_the_band_of_independent_returns_is_that_of_their_sum():
    returns = np.array([0.001, -0.001] * 500)
    low, high = growth_band(returns, np.array([999]), n_paths=1_000)
    spread = 1.645 * 0.001 * np.sqrt(1_000)
    assert high[0] - low[0] < 2 * spread  # blocks of neighbours that cancel out: narrower than by single draws
    shuffled = np.where(resampled(1_000, 1.0, 3, 0) % 2 == 0, 0.001, -0.001)
    low, high = growth_band(shuffled, np.array([999]), n_paths=1_000)
    assert high[0] - low[0] == pytest.approx(2 * spread, rel=0.2)
