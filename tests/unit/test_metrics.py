"""The figures of a session: from the sums of a MARK record to what a person reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from simulation.performance.metrics import (
    PROFIT_FACTOR_CAP,
    mark_figures,
    period_figures,
    periods_per_year,
    profit_factor,
    sharpe_ratio,
)
from simulation.state import MARK

INITIAL_MICRO_USD = 10_000 * 10**6
HOURS_PER_YEAR = 8760.0


def mark(**fields: float) -> Any:
    record = np.zeros(1, MARK)
    for name, value in fields.items():
        record[name] = value
    return record[0]


def welford(returns: np.ndarray) -> tuple[int, float, float]:
    count, mean, m2 = 0, 0.0, 0.0
    for value in returns:
        count += 1
        delta = value - mean
        mean += delta / count
        m2 += delta * (value - mean)
    return count, mean, m2


@pytest.mark.parametrize("seed", range(5))
def test_the_sharpe_ratio_of_streamed_sums_is_that_of_the_whole_series(seed: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0002, 0.01, 500)
    expected = returns.mean() / returns.std(ddof=1) * math.sqrt(HOURS_PER_YEAR)
    assert sharpe_ratio(*welford(returns), HOURS_PER_YEAR) == pytest.approx(expected, rel=1e-9)


def test_the_sharpe_ratio_uses_the_deviation_of_a_sample() -> None:
    assert sharpe_ratio(*welford(np.array([0.01, 0.03])), 1.0) == pytest.approx(0.02 / (0.02 / math.sqrt(2)))


def test_the_sharpe_ratio_has_the_sign_of_the_mean_return() -> None:
    assert sharpe_ratio(*welford(np.array([-0.01, -0.03, -0.02])), 1.0) < 0


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01], [0.0] * 20])
def test_the_sharpe_ratio_is_zero_where_it_is_undefined(returns: list[float]) -> None:
    assert sharpe_ratio(*welford(np.array(returns)), HOURS_PER_YEAR) == 0.0


def test_the_sharpe_ratio_of_a_deviation_too_small_to_divide_by_is_zero() -> None:
    assert sharpe_ratio(100, 0.01, 5e-324, 1.0) == 0.0


def test_the_sharpe_ratio_grows_with_the_square_root_of_the_periods() -> None:
    sums = welford(np.array([0.01, 0.02, -0.005]))
    assert sharpe_ratio(*sums, 400.0) == pytest.approx(20 * sharpe_ratio(*sums, 1.0))


def test_a_year_has_8760_reviews_of_300_blocks_of_12_seconds() -> None:
    assert periods_per_year(300, 12_000) == 8760.0


@pytest.mark.parametrize(
    ("won", "lost", "factor"),
    [(0, 0, 0.0), (0, 5, 0.0), (5, 0, PROFIT_FACTOR_CAP), (3, 2, 1.5), (10**15, 1, PROFIT_FACTOR_CAP)],
)
def test_the_profit_factor_is_always_finite(won: int, lost: int, factor: float) -> None:
    assert profit_factor(won, lost) == factor


def test_a_session_that_never_traded_has_figures_of_zero() -> None:
    figures = mark_figures(mark(equity_micro_usd=INITIAL_MICRO_USD), INITIAL_MICRO_USD, HOURS_PER_YEAR)
    assert (figures.total_pnl_micro_usd, figures.win_rate_percent, figures.sharpe_ratio) == (0, 0.0, 0.0)
    assert (figures.average_win_usd, figures.average_loss_usd, figures.profit_factor) == (0.0, 0.0, 0.0)


def test_profit_is_equity_over_the_initial_balance() -> None:
    figures = mark_figures(mark(equity_micro_usd=9_750_000_001), INITIAL_MICRO_USD, HOURS_PER_YEAR)
    assert figures.total_pnl_micro_usd == -249_999_999
    assert figures.total_pnl_percent == pytest.approx(-2.49999999)


def test_wins_and_losses_are_averaged_over_their_own_number() -> None:
    record = mark(
        winning_trades=3,
        losing_trades=1,
        won_micro_usd=30_000_000,
        lost_micro_usd=5_000_000,
        largest_win_micro_usd=20_000_000,
        largest_loss_micro_usd=5_000_000,
    )
    figures = mark_figures(record, INITIAL_MICRO_USD, HOURS_PER_YEAR)
    assert figures.win_rate_percent == 75.0
    assert (figures.average_win_usd, figures.average_loss_usd) == (10.0, 5.0)
    assert (figures.largest_win_usd, figures.largest_loss_usd, figures.profit_factor) == (20.0, 5.0, 6.0)


def test_the_figures_take_drawdown_and_returns_from_the_mark() -> None:
    record = mark(max_drawdown_bp=1234, return_count=10, return_mean=0.001, return_m2=0.0009)
    figures = mark_figures(record, INITIAL_MICRO_USD, HOURS_PER_YEAR)
    assert figures.max_drawdown_percent == 12.34
    assert figures.sharpe_ratio == sharpe_ratio(10, 0.001, 0.0009, HOURS_PER_YEAR) > 0


def test_the_figures_of_a_period_are_those_of_its_own_trades_and_its_own_equity() -> None:
    record = mark(
        equity_micro_usd=10_500_000_000,
        before_micro_usd=10_000_000_000,
        winning_trades=9,
        won_micro_usd=90_000_000,
        period_winning_trades=1,
        period_losing_trades=1,
        period_won_micro_usd=4_000_000,
        period_lost_micro_usd=2_000_000,
        period_largest_win_micro_usd=4_000_000,
        period_largest_loss_micro_usd=2_000_000,
    )
    figures = period_figures(record, HOURS_PER_YEAR)
    assert (figures.total_pnl_micro_usd, figures.total_pnl_percent) == (500_000_000, 5.0)
    assert (figures.win_rate_percent, figures.profit_factor) == (50.0, 2.0)
    assert (figures.average_win_usd, figures.largest_win_usd) == (4.0, 4.0)
    assert (figures.average_loss_usd, figures.largest_loss_usd) == (2.0, 2.0)


def test_a_period_without_trades_has_a_value_for_every_figure() -> None:
    figures = period_figures(mark(equity_micro_usd=7, before_micro_usd=7), HOURS_PER_YEAR)
    assert {getattr(figures, name) for name in figures.__slots__} == {0}


def test_all_figures_are_plain_numbers() -> None:
    figures = mark_figures(mark(equity_micro_usd=1, return_count=2, return_m2=1.0), INITIAL_MICRO_USD, HOURS_PER_YEAR)
    assert all(type(getattr(figures, name)) in {int, float} for name in figures.__slots__)
