"""What the statistics of selection ask of returns: mean, deviation, skewness, kurtosis, and the ratio of the first two.

Skewness and kurtosis are a population's and the deviation a sample's (ddof 1), in all of them; kurtosis is not in
excess, a Gaussian has 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

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
