"""The figures of performance, streamed by the kernel, against batches over the whole run and against empyrical.

Conventions, here and in ``simulation.performance.metrics``: the return of a period is equity over that of the mark
before, minus one; the deviation is that of a sample (ddof 1); the risk-free rate is zero; a year has 365 days, so that
12-second blocks marked one by one are 2,628,000 periods a year; a drawdown is counted from the highest equity so far,
the initial balance included, and kept in whole basis points, rounded down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import empyrical
import numpy as np
import pytest
from busy import busy_scenario, busy_strategy
from hand_made import MICRO_USD, account, stage, tempting

from actors.market import Market
from simulation import cohort as cohorts
from simulation.choices import Side, TradeStatus
from simulation.market.segment import terms_of
from simulation.performance.metrics import (
    PROFIT_FACTOR_CAP,
    Figures,
    mark_figures,
    periods_per_year,
    profit_factor,
    sharpe_ratio,
)
from simulation.scenario import AccountSpec
from simulation.trading.rules import rules_of

N_BLOCKS = 1_200
SESSIONS = range(4)
IDLE = 3
BLOCKS_A_YEAR = 365 * 24 * 3600 / 12
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Curve:
    """One session: its marks, one a block, its trades in the order they ended, and its equity with the beginning."""

    marks: Any
    trades: Any
    initial: int

    @property
    def equity(self) -> list[int]:
        return [self.initial, *self.marks["equity_micro_usd"].tolist()]

    @property
    def returns(self) -> np.ndarray:
        return np.array([after / before - 1.0 for before, after in pairwise(self.equity)])

    @property
    def figures(self) -> Figures:
        return mark_figures(self.marks[-1], self.initial, periods_per_year(1, 12_000))

    def closed(self, last_block: int = N_BLOCKS) -> list[int]:
        """Return the net results of the positions closed by a block, micro-USD."""
        sold = (self.trades["side"] == Side.SELL) & (self.trades["status"] == TradeStatus.COMPLETED)
        return self.trades["net_micro_usd"][sold & (self.trades["block"] <= last_block)].tolist()


@cache
def curves() -> tuple[Curve, ...]:
    """Return the sessions of a small run that is marked in every block; the last of them never trades."""
    idle = AccountSpec(name="idle", strategy=busy_strategy("idle", confidence_threshold=100))
    scenario = busy_scenario(review_blocks=1, blocks=N_BLOCKS)
    scenario = busy_scenario(review_blocks=1, blocks=N_BLOCKS, accounts=(*scenario.accounts, idle))
    market, rules = Market(scenario), rules_of(scenario)
    begun = cohorts.begin(scenario.accounts, SESSIONS, market.tokens, rules)
    _, segment, _ = market.segment(market.begin(), N_BLOCKS)
    after, outcome = cohorts.advance(begun, segment, terms_of(market.tokens), rules)
    return tuple(
        Curve(
            outcome.marks[outcome.marks["session"] == row],
            outcome.trades[outcome.trades["session"] == row],
            int(after.sessions[row]["initial_micro_usd"]),
        )
        for row in SESSIONS
    )


@pytest.fixture(params=SESSIONS, ids=["tuned", "plain", "smart", "idle"])
def curve(request: pytest.FixtureRequest) -> Curve:
    return curves()[request.param]


@pytest.fixture(params=SESSIONS[:IDLE], ids=["tuned", "plain", "smart"])
def busy_curve(request: pytest.FixtureRequest) -> Curve:
    return curves()[request.param]


def test_the_run_of_these_tests_wins_and_loses(busy_curve: Curve) -> None:
    assert len(busy_curve.marks) == N_BLOCKS
    assert any(net > 0 for net in busy_curve.closed())
    assert any(net <= 0 for net in busy_curve.closed())


# Streaming against batch: integers to the bit.


def test_the_drawdown_of_every_mark_is_that_of_the_whole_curve_until_then(curve: Curve) -> None:
    peak, deepest_bp, expected = curve.initial, 0, []
    for equity in curve.equity[1:]:
        peak = max(peak, equity)
        deepest_bp = max(deepest_bp, (peak - equity) * 10_000 // peak)
        expected.append(deepest_bp)
    assert curve.marks["max_drawdown_bp"].tolist() == expected


def test_the_sums_of_every_mark_are_those_of_the_trades_until_then(curve: Curve) -> None:
    for mark in curve.marks[::50]:
        block = int(mark["block"])
        ended = curve.trades[curve.trades["block"] <= block]
        filled = ended["status"] == TradeStatus.COMPLETED
        won = [net for net in curve.closed(block) if net > 0]
        lost = [-net for net in curve.closed(block) if net <= 0]
        expected = {
            "completed_trades": filled.sum(),
            "failed_trades": (~filled).sum(),
            "winning_trades": len(won),
            "losing_trades": len(lost),
            "won_micro_usd": sum(won),
            "lost_micro_usd": sum(lost),
            "largest_win_micro_usd": max(won, default=0),
            "largest_loss_micro_usd": max(lost, default=0),
            "gas_paid_micro_usd": ended["gas_micro_usd"].sum(),
            "realized_micro_usd": ended["realized_micro_usd"].sum(),
            "return_count": block + 1,
        }
        assert {name: int(mark[name]) for name in expected} == expected


# Streaming against batch: floats.


def test_mean_and_squares_of_the_returns_are_those_of_the_exact_batch(curve: Curve) -> None:
    exact = [Fraction(float(change)) for change in curve.returns]
    mean = sum(exact) / len(exact)
    squares = sum((change - mean) ** 2 for change in exact)
    assert float(curve.marks[-1]["return_mean"]) == pytest.approx(float(mean), rel=TOLERANCE, abs=TOLERANCE)
    assert float(curve.marks[-1]["return_m2"]) == pytest.approx(float(squares), rel=TOLERANCE, abs=1e-300)


def test_the_sharpe_ratio_is_that_of_the_exact_batch(busy_curve: Curve) -> None:
    exact = [Fraction(float(change)) for change in busy_curve.returns]
    mean = sum(exact) / len(exact)
    variance = sum((change - mean) ** 2 for change in exact) / (len(exact) - 1)
    expected = float(mean) / math.sqrt(variance) * math.sqrt(BLOCKS_A_YEAR)
    assert busy_curve.figures.sharpe_ratio == pytest.approx(expected, rel=TOLERANCE)


# Against empyrical.


def test_the_sharpe_ratio_is_empyricals(busy_curve: Curve) -> None:
    expected = empyrical.sharpe_ratio(busy_curve.returns, annualization=BLOCKS_A_YEAR)
    assert busy_curve.figures.sharpe_ratio == pytest.approx(expected, rel=TOLERANCE)


def test_a_single_period_of_the_sharpe_ratio_is_empyricals(busy_curve: Curve) -> None:
    count, mean, m2 = (busy_curve.marks[-1][f"return_{name}"] for name in ("count", "mean", "m2"))
    expected = empyrical.sharpe_ratio(busy_curve.returns, annualization=1)
    assert sharpe_ratio(int(count), float(mean), float(m2), 1.0) == pytest.approx(expected, rel=TOLERANCE)


def test_the_drawdown_is_empyricals_in_whole_basis_points(busy_curve: Curve) -> None:
    fallen_bp = -empyrical.max_drawdown(busy_curve.returns) * 10_000
    assert busy_curve.figures.max_drawdown_percent * 100 == pytest.approx(math.floor(fallen_bp), abs=TOLERANCE)


def test_the_return_of_the_run_is_empyricals(busy_curve: Curve) -> None:
    expected = empyrical.cum_returns_final(busy_curve.returns) * 100
    assert busy_curve.figures.total_pnl_percent == pytest.approx(expected, abs=1e-10)


# Figures of the trades.


def test_the_figures_of_trades_are_those_recomputed_from_them(busy_curve: Curve) -> None:
    closed, figures = busy_curve.closed(), busy_curve.figures
    won, lost = [net for net in closed if net > 0], [-net for net in closed if net <= 0]
    assert figures.win_rate_percent == pytest.approx(100 * len(won) / len(closed), rel=TOLERANCE)
    assert figures.profit_factor == pytest.approx(sum(won) / sum(lost), rel=TOLERANCE)
    assert figures.average_win_usd == pytest.approx(sum(won) / len(won) / MICRO_USD, rel=TOLERANCE)
    assert figures.average_loss_usd == pytest.approx(sum(lost) / len(lost) / MICRO_USD, rel=TOLERANCE)
    assert figures.largest_win_usd == max(won) / MICRO_USD
    assert figures.largest_loss_usd == max(lost) / MICRO_USD
    assert figures.total_pnl_micro_usd == busy_curve.equity[-1] - busy_curve.initial


def test_the_periods_of_a_session_add_up_to_it(busy_curve: Curve) -> None:
    marks, last = busy_curve.marks, busy_curve.marks[-1]
    for name in ("completed_trades", "failed_trades", "winning_trades", "losing_trades", "won_micro_usd"):
        assert marks[f"period_{name}"].sum() == last[name]
    for name in ("lost_micro_usd", "gas_paid_micro_usd"):
        assert marks[f"period_{name}"].sum() == last[name]
    for name in ("largest_win_micro_usd", "largest_loss_micro_usd"):
        assert marks[f"period_{name}"].max() == last[name]
    assert marks["before_micro_usd"].tolist() == busy_curve.equity[:-1]


def test_a_session_that_only_won_has_the_capped_profit_factor_and_losses_of_zero() -> None:
    made = tempting()
    made.price(2.3, since=10)
    played = made.run(account(), review_blocks=1)
    figures = mark_figures(played.outcome.marks[-1], 10_000 * MICRO_USD, BLOCKS_A_YEAR)
    (net,) = (int(net) for net in played.trades["net_micro_usd"] if net)
    assert (figures.win_rate_percent, figures.largest_win_usd) == (100.0, net / MICRO_USD)
    assert figures.profit_factor == PROFIT_FACTOR_CAP  # nothing was lost
    assert (figures.average_loss_usd, figures.largest_loss_usd) == (0.0, 0.0)


# Defined values.


def test_a_session_that_never_traded_has_a_value_for_every_figure() -> None:
    figures = curves()[IDLE].figures
    assert len(curves()[IDLE].trades) == 0
    assert {name: getattr(figures, name) for name in figures.__slots__} == dict.fromkeys(figures.__slots__, 0)


def test_where_empyrical_knows_no_ratio_there_is_a_zero() -> None:
    assert math.isnan(empyrical.sharpe_ratio(np.array([0.01])))
    played = stage(1).run(account(), review_blocks=1)
    figures = mark_figures(played.outcome.marks[-1], 10_000 * MICRO_USD, BLOCKS_A_YEAR)
    assert int(played.outcome.marks[-1]["return_count"]) == 1
    assert figures.sharpe_ratio == 0.0


def test_a_session_that_only_lost_has_a_profit_factor_of_zero() -> None:
    made = tempting()
    made.price(1.8, since=10)
    played = made.run(account(), review_blocks=1)
    figures = mark_figures(played.outcome.marks[-1], 10_000 * MICRO_USD, BLOCKS_A_YEAR)
    assert (figures.win_rate_percent, figures.profit_factor, figures.average_win_usd) == (0.0, 0.0, 0.0)
    assert figures.largest_loss_usd > 0


@pytest.mark.parametrize(("won", "lost", "factor"), [(0, 0, 0.0), (1, 0, PROFIT_FACTOR_CAP), (0, 1, 0.0)])
def test_a_profit_factor_without_trades_without_losses_and_without_wins_is_defined(
    won: int, lost: int, factor: float
) -> None:
    assert profit_factor(won, lost) == factor
