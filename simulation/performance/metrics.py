"""The figures by which a session is judged, from one MARK record: profit, drawdown, Sharpe ratio and the like.

Money lost is given as a positive number, as in the record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from simulation.state import MARK

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

MICRO = 1_000_000

YEAR_MS = 365 * 24 * 3600 * 1000
"""A year of trading: these markets have no holidays."""

PROFIT_FACTOR_CAP = 999.999
"""Stands for "nothing was lost": an infinite ratio can be neither sorted, averaged nor stored as JSON."""

_FIELDS: tuple[str, ...] = MARK.names or ()
_SCORED = (
    "winning_trades",
    "losing_trades",
    "won_micro_usd",
    "lost_micro_usd",
    "largest_win_micro_usd",
    "largest_loss_micro_usd",
)


def _picker(*names: str) -> Callable[[Any], tuple[Any, ...]]:
    return itemgetter(*(_FIELDS.index(name) for name in names))


_SCORE_OF_SESSION = _picker(*_SCORED)
_SCORE_OF_PERIOD = _picker(*(f"period_{name}" for name in _SCORED))
_EQUITIES = _picker("before_micro_usd", "equity_micro_usd")
_RISK = _picker("max_drawdown_bp", "return_count", "return_mean", "return_m2")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a session has earned and at what risk, in one period or since its start."""

    win_rate_percent: float
    """Share of closed positions that made a profit; 0 where none was closed."""
    total_pnl_micro_usd: int
    """Equity minus that of the beginning: open positions, fees and gas included."""
    total_pnl_percent: float
    average_win_usd: float
    average_loss_usd: float
    """As a positive number, like the largest loss."""
    largest_win_usd: float
    largest_loss_usd: float
    max_drawdown_percent: float
    """Since the start of the session, whatever the period."""
    sharpe_ratio: float
    """Annualised, of all returns from mark to mark since the start of the session: one period has but one."""
    profit_factor: float
    """Won over lost, at most ``PROFIT_FACTOR_CAP``."""


def mark_figures(mark: np.void, initial_micro_usd: int, periods_per_year: float) -> Figures:
    """Return the figures at one MARK record of a session that began with ``initial_micro_usd``.

    ``periods_per_year`` is the number of marks in a year, see the function of that name.
    """
    values = mark.item()  # plain Python numbers, converted once
    return _figures(values, initial_micro_usd, _SCORE_OF_SESSION(values), periods_per_year)


def period_figures(mark: np.void, periods_per_year: float) -> Figures:
    """Return the figures of the period that ends with a MARK record; ``periods_per_year`` as above."""
    values = mark.item()
    before_micro_usd, _ = _EQUITIES(values)
    return _figures(values, before_micro_usd, _SCORE_OF_PERIOD(values), periods_per_year)


def _figures(values: Any, begun_micro_usd: int, score: tuple[Any, ...], periods_per_year: float) -> Figures:
    winning, losing, won, lost, largest_win, largest_loss = score
    drawdown_bp, count, mean, m2 = _RISK(values)
    pnl_micro_usd = _EQUITIES(values)[1] - begun_micro_usd
    return Figures(
        win_rate_percent=_ratio(100 * winning, winning + losing),
        total_pnl_micro_usd=pnl_micro_usd,
        total_pnl_percent=_ratio(100 * pnl_micro_usd, begun_micro_usd),
        average_win_usd=_ratio(won, winning * MICRO),
        average_loss_usd=_ratio(lost, losing * MICRO),
        largest_win_usd=largest_win / MICRO,
        largest_loss_usd=largest_loss / MICRO,
        max_drawdown_percent=drawdown_bp / 100,
        sharpe_ratio=sharpe_ratio(count, mean, m2, periods_per_year),
        profit_factor=profit_factor(won, lost),
    )


def sharpe_ratio(count: int, mean: float, m2: float, periods_per_year: float) -> float:
    """Return the annualised Sharpe ratio of ``count`` returns from their Welford sums.

    ``mean`` is the mean return of a period, ``m2`` the sum of squared deviations from it. The deviation is
    that of a sample (ddof 1), the risk-free rate is zero, and annualising multiplies by the square root of
    the periods in a year, as for independent returns. 0.0 where the ratio is undefined: fewer than two
    returns, or returns that never differ. The figure per period, which selection statistics need, is this
    with ``periods_per_year`` 1. Source: Sharpe, The Sharpe Ratio, J. Portfolio Management 21(1), 1994.
    """
    if count < 2:
        return 0.0
    deviation = math.sqrt(m2 / (count - 1))
    return mean / deviation * math.sqrt(periods_per_year) if deviation > 0.0 else 0.0


def profit_factor(won_micro_usd: int, lost_micro_usd: int) -> float:
    """Return the money won over the money lost: 0.0 when nothing was won, the cap when nothing was lost."""
    if won_micro_usd <= 0:
        return 0.0
    if lost_micro_usd <= 0:
        return PROFIT_FACTOR_CAP
    return min(won_micro_usd / lost_micro_usd, PROFIT_FACTOR_CAP)


def periods_per_year(review_blocks: int, block_time_ms: int) -> float:
    """Return how many periods of ``review_blocks`` blocks a year of 365 days has."""
    return YEAR_MS / (review_blocks * block_time_ms)


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 0.0
