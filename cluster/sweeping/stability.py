"""Whether the best point of one market is good on the others, and whether the markets rank points alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stability:
    """How alike the markets of a sweep are in what does well on them."""

    beats_percent: Array
    """(n_markets, n_markets): how many of the sampled points the best of one market is no worse than on another."""
    correlation: Array
    """(n_markets, n_markets): Spearman's rank correlation of the sampled points; nan where all do equally."""

    @property
    def mean_correlation(self) -> float:
        """Over pairs of different markets; nan where there is none."""
        pairs = self.correlation[np.triu_indices(len(self.correlation), 1)]
        known = pairs[~np.isnan(pairs)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def mean_elsewhere_percent(self) -> float:
        """Of how many points a market's best is no worse than on the other markets, on average."""
        others = ~np.eye(len(self.beats_percent), dtype=bool)
        return float(self.beats_percent[others].mean())


def stability(scores: Array, champions: Array) -> Stability:
    """Return how stable the best is, from scores of which more is better.

    ``scores`` are those of the sampled points, (n_points, n_markets); ``champions`` those of each market's best point
    on all markets, (n_markets, n_markets).
    """
    beats = (scores[np.newaxis] <= champions[:, np.newaxis]).mean(axis=1)
    return Stability(100.0 * beats, rank_correlation(scores))


def rank_correlation(scores: Array) -> Array:
    """Return Spearman's rank correlation of the columns of (n_points, n_columns); equals share the mean rank."""
    ranks = rankdata(scores, axis=0)
    centred = ranks - ranks.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    products = centred.T @ centred
    scale = np.outer(lengths, lengths)
    correlation: Array = np.divide(products, scale, where=scale > 0, out=np.full_like(products, np.nan))
    return correlation
