"""How sure a Sharpe ratio is: its deviation, the probability that it is real, and the track record that shows it.

The convention of Bailey and López de Prado (2012, 2014) throughout: Sharpe ratios are those of a period, never annual;
kurtosis is not in excess, a Gaussian has 3; the variance is taken at the estimate and divided by T - 1. The restatement
of 2026 has another convention and other numbers, in ``restated``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Numbers = float | Array

EULER_GAMMA = 0.577215664901532860606512090082402431
"""The Euler-Mascheroni constant."""

_LEAST_VARIANCE = float(np.finfo(np.float64).tiny)
"""Returns of two values only can have a Sharpe ratio without any variance to first order; a division needs some."""

STILL = 1e-13
"""Returns whose deviation is no more than this share of the largest differ by what rounding leaves: they never move."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What the statistics of selection need of a series of returns."""

    length: int
    """The number of returns, T."""
    mean: float
    """The mean return of a period."""
    deviation: float
    """The standard deviation (ddof 1) of a period's return; 0.0 where the returns never differ."""
    skewness: float = 0.0
    kurtosis: float = 3.0
    """Not in excess: a Gaussian has 3."""

    @property
    def moves(self) -> bool:
        """Whether the returns differ at all."""
        return self.deviation > 0.0

    @property
    def sharpe(self) -> float:
        """The Sharpe ratio of a period; 0.0 where the returns never differ."""
        return self.mean / self.deviation if self.moves else 0.0


def moments(returns: Array) -> Moments:
    """Return the moments of ``returns``, shape (T,), fractions of a period.

    Skewness and kurtosis are ``m3 / m2**1.5`` and ``m4 / m2**2`` with the central moments of a population. Returns that
    never differ, or fewer than two, have the deviation 0.0 and those of a Gaussian.
    """
    mean = float(returns.mean()) if len(returns) else 0.0
    if len(returns) < 2:
        return Moments(len(returns), mean, 0.0)
    centered = returns - mean
    variance = float((centered**2).mean())
    if math.sqrt(variance) <= STILL * float(np.abs(returns).max()):
        return Moments(len(returns), mean, 0.0)
    scaled = centered / math.sqrt(variance)  # powers of tiny returns would lose their digits, and then all of them
    deviation = math.sqrt(variance * len(returns) / (len(returns) - 1))
    squared = scaled * scaled  # a power's last digit differs between builds, and takes longer
    return Moments(len(returns), mean, deviation, float((squared * scaled).mean()), float((squared * squared).mean()))


def row_moments(returns: Array) -> tuple[Array, Array, Array, Array]:
    """Return mean, deviation, skewness and kurtosis of each row of ``returns``, shape (N, T): four of (N,).

    As in ``moments``.
    """
    length = returns.shape[1]
    if length < 2:
        mean = returns.mean(axis=1) if length else np.zeros(len(returns))
        return mean, np.zeros(len(returns)), np.zeros(len(returns)), np.full(len(returns), 3.0)
    mean = returns.mean(axis=1)
    centered = returns - mean[:, None]
    variance = (centered**2).mean(axis=1)
    moves = np.sqrt(variance) > STILL * np.abs(returns).max(axis=1)
    scaled = centered / np.sqrt(np.where(moves, variance, 1.0))[:, None]
    deviation = np.where(moves, np.sqrt(variance * length / (length - 1)), 0.0)
    squared = scaled * scaled  # as above
    skewness = np.where(moves, (squared * scaled).mean(axis=1), 0.0)
    return mean, deviation, skewness, np.where(moves, (squared * squared).mean(axis=1), 3.0)


def column_sharpes(returns: Array) -> Array:
    """Return the Sharpe ratio per period of each column of ``returns``, shape (T, N) with T of at least two: (N,).

    As in ``moments``: ddof 1, and 0.0 for a column that never moves.
    """
    mean, deviation = returns.mean(axis=0), returns.std(axis=0, ddof=1)
    moves = deviation > STILL * np.abs(returns).max(axis=0)
    ratio: Array = np.zeros_like(mean)
    np.divide(mean, deviation, where=moves, out=ratio)
    return ratio


def sharpe_deviation(sharpe: Numbers, length: Numbers, skewness: Numbers = 0.0, kurtosis: Numbers = 3.0) -> Numbers:
    """Return the standard deviation of an estimated Sharpe ratio.

    ``sqrt((1 - skewness * SR + (kurtosis - 1) / 4 * SR**2) / (T - 1))``; all per period, floats or arrays that
    broadcast. Mertens (2002) as in Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, J. of Risk
    15(2), 2012.
    """
    return np.sqrt(_variance(sharpe, skewness, kurtosis) / (length - 1.0))


def probabilistic_sharpe_ratio(
    sharpe: Numbers, benchmark: Numbers, length: Numbers, skewness: Numbers = 0.0, kurtosis: Numbers = 3.0
) -> Numbers:
    """Return the probability that the true Sharpe ratio is above ``benchmark``, given the estimate ``sharpe``.

    ``PSR(SR*) = Phi((SR - SR*) / sharpe_deviation)``; both per period, ``length`` T of at least two returns. Floats, or
    arrays that broadcast. Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, 2012.
    """
    probability: Numbers = ndtr((sharpe - benchmark) / sharpe_deviation(sharpe, length, skewness, kurtosis))
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
