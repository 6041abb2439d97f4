"""How sure a Sharpe ratio is: its deviation, the probability that it is real, and the track record that shows it.

The convention of Bailey and López de Prado (2012, 2014) throughout: Sharpe ratios are those of a period, never annual;
kurtosis is not in excess, a Gaussian has 3; the variance is taken at the estimate and divided by T - 1. The restatement
of 2026 has another convention and other numbers, in ``restated``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.performance.moments import Moments

    Numbers = float | NDArray[np.float64]

EULER_GAMMA = 0.577215664901532860606512090082402431
"""The Euler-Mascheroni constant."""

_LEAST_VARIANCE = float(np.finfo(np.float64).tiny)
"""Returns of two values only can have a Sharpe ratio without any variance to first order; a division needs some."""


def sharpe_deviation(sharpe: Numbers, length: Numbers, skewness: Numbers = 0.0, kurtosis: Numbers = 3.0) -> Numbers:
    """Return the standard deviation of an estimated Sharpe ratio.

    ``sqrt((1 - skewness * SR + (kurtosis - 1) / 4 * SR**2) / (T - 1))``; all per period, floats or arrays that
    broadcast. Mertens (2002) as in Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, J. of Risk
    15(2), 2012.
    """
    return np.sqrt(_variance(sharpe, skewness, kurtosis) / (length - 1.0))


def deviations_above(
    sharpe: Numbers, benchmark: Numbers, length: Numbers, skewness: Numbers = 0.0, kurtosis: Numbers = 3.0
) -> Numbers:
    """Return how many of its deviations a Sharpe ratio is above ``benchmark``.

    It sorts as the probability does that follows from it, which has no digits left beyond eight of them.
    """
    return (sharpe - benchmark) / sharpe_deviation(sharpe, length, skewness, kurtosis)


def probabilistic_sharpe_ratio(
    sharpe: Numbers, benchmark: Numbers, length: Numbers, skewness: Numbers = 0.0, kurtosis: Numbers = 3.0
) -> Numbers:
    """Return the probability that the true Sharpe ratio is above ``benchmark``, given the estimate ``sharpe``.

    ``PSR(SR*) = Phi((SR - SR*) / sharpe_deviation)``; both per period, ``length`` T of at least two returns. Floats, or
    arrays that broadcast. Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, 2012.
    """
    probability: Numbers = ndtr(deviations_above(sharpe, benchmark, length, skewness, kurtosis))
    return probability


def probability_above(track: Moments, benchmark: float) -> float:
    """Return the probabilistic Sharpe ratio of a track record; 0.0 where it never moves, which shows nothing."""
    if not track.moves:
        return 0.0
    return float(probabilistic_sharpe_ratio(track.sharpe, benchmark, track.length, track.skewness, track.kurtosis))


def expected_maximum(variance: float, n_trials: float) -> float:
    """Return SR0: the largest Sharpe ratio to expect of ``n_trials`` independent trials without any skill.

    ``sqrt(V) * ((1 - g) * Phi^-1(1 - 1/N) + g * Phi^-1(1 - 1/(N e)))`` with g the Euler-Mascheroni constant.
    ``variance`` is that of the Sharpe ratios of all trials, per period squared; ``n_trials`` may be a fraction, as an
    effective number is. One trial has had no choice and gives 0.0, the least that is returned: below two, the
    approximation is negative. Bailey and López de Prado, The Deflated Sharpe Ratio, J. Portfolio Management
    40(5), 2014.
    """
    if n_trials <= 1.0:
        return 0.0
    above_all = -float(ndtri(1.0 / n_trials))  # 1 - 1/N would lose the digits of a large N
    far_above_all = -float(ndtri(1.0 / (n_trials * math.e)))
    return max(math.sqrt(variance) * ((1.0 - EULER_GAMMA) * above_all + EULER_GAMMA * far_above_all), 0.0)


def min_track_record_length(
    sharpe: float, benchmark: float, skewness: float = 0.0, kurtosis: float = 3.0, confidence: float = 0.95
) -> float:
    """Return the number of returns from which on the Sharpe ratio is above ``benchmark`` with that confidence.

    ``1 + (1 - skewness * SR + (kurtosis - 1) / 4 * SR**2) * (Phi^-1(confidence) / (SR - SR*))**2``; Sharpe ratios per
    period, the answer in periods and not rounded. Infinite where the estimate is not above the benchmark.
    Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, 2012.
    """
    if sharpe <= benchmark:
        return math.inf
    variance = float(_variance(sharpe, skewness, kurtosis))
    return 1.0 + variance * (float(ndtri(confidence)) / (sharpe - benchmark)) ** 2


def min_backtest_years(n_trials: float, annual_sharpe: float) -> float:
    """Return the years below which the best of so many trials without skill is expected to reach ``annual_sharpe``.

    ``(E[max of N] / annual_sharpe)**2``, below ``min_backtest_years_bound``. Bailey, Borwein, López de Prado and Zhu,
    Pseudo-Mathematics and Financial Charlatanism, Notices of the AMS 61(5), 2014.
    """
    return (expected_maximum(1.0, n_trials) / annual_sharpe) ** 2


def min_backtest_years_bound(n_trials: float, annual_sharpe: float) -> float:
    """Return ``2 ln N / annual_sharpe**2``, the plain upper bound of ``min_backtest_years``; the same source."""
    return 2.0 * math.log(n_trials) / annual_sharpe**2


def _variance(sharpe: Numbers, skewness: Numbers, kurtosis: Numbers) -> Numbers:
    """Return the variance of an estimate times T - 1; moments of real returns never make it negative."""
    return np.maximum(1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2, _LEAST_VARIANCE)
