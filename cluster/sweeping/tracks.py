"""Track records of points: the moments of each one's returns on all its markets, as one series.

Markets on which prices move alike, as one seed's do in all regimes, show no more of a point than one of them: a track
record is as long as its independent returns are many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulation.performance.moments import Moments
from simulation.performance.sharpe import deviations_above, probabilistic_sharpe_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.sweeping.settings import Sweep
    from storage.sweep_records import TrialFigures

    Array = NDArray[np.float64]

COLUMNS = "periods", "return_mean", "return_deviation", "skewness", "kurtosis"
"""What is stored of a trial's returns."""


class Tracks(NamedTuple):
    """The fields of ``Moments``, of many series: arrays of (n_points,)."""

    length: Array
    mean: Array
    deviation: Array
    skewness: Array
    kurtosis: Array

    def one(self, place: int) -> Moments:
        """Return the moments of one series."""
        length, *others = (float(field[place]) for field in self)
        return Moments(int(length), *others)

    @property
    def sharpe(self) -> Array:
        """The Sharpe ratio of a period; 0.0 where returns never differ."""
        moves = self.deviation > 0.0
        return np.divide(self.mean, self.deviation, out=np.zeros(len(self.mean)), where=moves)

    def deviations_above(self, benchmark: float) -> Array:
        """Return by how many deviations of it each Sharpe ratio is above the benchmark, which sorts points.

        Returns that never differ have the Sharpe ratio of a point that does not trade: zero, as surely as any.
        """
        length = np.maximum(self.length, 2)
        return np.asarray(deviations_above(self.sharpe, benchmark, length, self.skewness, self.kurtosis))

    def probability_above(self, benchmark: float) -> Array:
        """Return the probabilistic Sharpe ratio of each; 0.0 where returns never differ, which shows nothing."""
        moves = self.deviation > 0.0
        length, _, _, skewness, kurtosis = (field[moves] for field in self)
        found = np.zeros(len(self.mean))
        found[moves] = probabilistic_sharpe_ratio(self.sharpe[moves], benchmark, length, skewness, kurtosis)
        return found


def tracks_of(sweep: Sweep, trials: TrialFigures, n_paths: int) -> Tracks:
    """Return the track records of points that were traded on all markets, whose prices take so many paths."""
    n_markets = sweep.markets.size
    tracks = pooled(*(trials.column(name).reshape(-1, n_markets) for name in COLUMNS))
    independent = np.round(tracks.length * n_paths / n_markets)
    return tracks._replace(length=np.maximum(independent, np.minimum(tracks.length, 2)))


def pooled(length: Any, mean: Any, deviation: Any, skewness: Any, kurtosis: Any) -> Tracks:
    """Return the moments of several series of returns taken as one, from those of each: arrays of (n_points, n_series).

    By the central moments of a mixture: those of each series about the common mean, weighted by its length.
    """
    total = length.sum(axis=1)
    weight = length / np.maximum(total, 1)[:, np.newaxis]
    middle = (weight * mean).sum(axis=1)
    off = mean - middle[:, np.newaxis]
    second = deviation**2 * np.maximum(length - 1, 0) / np.maximum(length, 1)
    third, fourth = skewness * second**1.5, kurtosis * second**2
    m2 = (weight * (second + off**2)).sum(axis=1)
    m3 = (weight * (third + 3 * off * second + off**3)).sum(axis=1)
    m4 = (weight * (fourth + 4 * off * third + 6 * off**2 * second + off**4)).sum(axis=1)
    moves = (m2 > 0.0) & (total >= 2)
    m2 = np.where(moves, m2, 1.0)
    return Tracks(
        total,
        middle,
        np.where(moves, np.sqrt(m2 * total / np.maximum(total - 1, 1)), 0.0),
        np.where(moves, m3 / m2**1.5, 0.0),
        np.where(moves, m4 / m2**2, 3.0),
    )
