"""The Sharpe ratio's statistics as restated in 2026, beside those of 2012 and 2014 in ``sharpe``: other numbers.

The variance of an estimate is taken where the hypothesis puts it (at SR0 for a test against SR0), is divided by T and
not by T - 1, and knows autocorrelation. Source of all equations: López de Prado, Lipton and Zoonekynd, Sharpe Ratio
Inference: A New Standard for Decision-Making and Reporting, SSRN 5520741. Sharpe ratios per period, kurtosis not in
excess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from simulation.performance.sharpe import expected_maximum

_REACH = 12.0
_POINTS = 4_001
"""The variance of a maximum is summed over so many points within so many deviations: far beyond double precision."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the variance of an estimated Sharpe ratio depends on beside the ratio itself."""

    length: int
    """The number of returns, T."""
    skewness: float = 0.0
    kurtosis: float = 3.0
    """Not in excess."""
    autocorrelation: float = 0.0
    """Of first order, of an AR(1) process; below 1."""


def restated_deviation(sharpe: float, shape: Shape, n_trials: int = 1) -> float:
    """Return the standard deviation of an estimate whose true Sharpe ratio is ``sharpe``.

    ``sqrt((a - b * skewness * SR + c * (kurtosis - 1) / 4 * SR**2) / T)`` with a = (1 + r) / (1 - r),
    b = (1 + r + r^2) / (1 - r^2), c = (1 + r^2) / (1 - r^2) for the autocorrelation r. Of the best of ``n_trials``,
    times the deviation of the largest of so many Gaussians.
    """
    r = shape.autocorrelation
    constant = (1.0 + r) / (1.0 - r)
    linear = (1.0 + r + r * r) / (1.0 - r * r) * shape.skewness * sharpe
    square = (1.0 + r * r) / (1.0 - r * r) * (shape.kurtosis - 1.0) / 4.0 * sharpe**2
    return math.sqrt((constant - linear + square) / shape.length * variance_of_maximum(n_trials))


def restated_probability(sharpe: float, benchmark: float, shape: Shape, n_trials: int = 1) -> float:
    """Return ``Phi((SR - SR0) / deviation at SR0)``: the probabilistic Sharpe ratio, and with SR0 the deflated one."""
    return float(ndtr((sharpe - benchmark) / restated_deviation(benchmark, shape, n_trials)))


def restated_deflated(sharpe: float, variance: float, n_trials: int, shape: Shape, *, adjusted: bool = True) -> float:
    """Return the probability above the expected maximum of ``n_trials``, their Sharpe ratios having this ``variance``.

    ``adjusted`` takes the deviation of a maximum of so many, else that of one estimate.
    """
    benchmark = expected_maximum(variance, n_trials)
    return restated_probability(sharpe, benchmark, shape, n_trials if adjusted else 1)


def restated_track_record_length(sharpe: float, benchmark: float, shape: Shape, confidence: float = 0.95) -> float:
    """Return the least T at which ``sharpe`` is significant, ``T * (deviation at SR0 * z / (SR - SR0))**2``."""
    if sharpe <= benchmark:
        return math.inf
    deviation = restated_deviation(benchmark, shape)
    return shape.length * (deviation * float(ndtri(confidence)) / (sharpe - benchmark)) ** 2


def miss_probability(benchmark: float, alternative: float, shape: Shape, confidence: float = 0.95) -> float:
    """Return beta: how probably a test against ``benchmark`` misses a true Sharpe ratio of ``alternative``."""
    critical = benchmark + restated_deviation(benchmark, shape) * float(ndtri(confidence))
    return float(ndtr((critical - alternative) / restated_deviation(alternative, shape)))


def planned_false_discovery(
    benchmark: float, alternative: float, skilled_share: float, shape: Shape, confidence: float = 0.95
) -> float:
    """Return pFDR: how probably a strategy that passes the test has no skill, where ``skilled_share`` of all have."""
    false = (1.0 - confidence) * (1.0 - skilled_share)
    true = (1.0 - miss_probability(benchmark, alternative, shape, confidence)) * skilled_share
    return false / (false + true)


def observed_false_discovery(
    sharpe: float, benchmark: float, alternative: float, skilled_share: float, shape: Shape
) -> float:
    """Return oFDR: how probably a strategy with a Sharpe ratio of at least ``sharpe`` has no skill."""
    false = (1.0 - restated_probability(sharpe, benchmark, shape)) * (1.0 - skilled_share)
    true = (1.0 - restated_probability(sharpe, alternative, shape)) * skilled_share
    return false / (false + true)


def variance_of_maximum(n_trials: int) -> float:
    """Return the variance of the largest of ``n_trials`` independent standard Gaussians.

    By its density ``N * phi(x) * Phi(x)**(N - 1)``, summed on an even grid, which for a smooth density that ends in
    zeros is exact to rounding.
    """
    if n_trials == 1:
        return 1.0
    x = np.linspace(-_REACH, _REACH, _POINTS)
    weights = n_trials * np.exp(-0.5 * x * x) * ndtr(x) ** (n_trials - 1)
    mean = float((weights * x).sum() / weights.sum())
    return float((weights * (x - mean) ** 2).sum() / weights.sum())
