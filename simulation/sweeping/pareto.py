"""The trials that no other trial beats in every objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pareto_front(figures: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows of ``figures``, shape (N, objectives), no other row dominates: (N,).

    More is better in every column; negate what is to be small. A row dominates another that it equals or exceeds in all
    columns and exceeds in one, so equal rows are on the front together. A row with a NaN is never on it. O(N log N) for
    one and two objectives (Kung, Luccio and Preparata, J. ACM 22(4), 1975), O(N times the front) for more.
    """
    known = ~np.isnan(figures).any(axis=1)
    front = np.zeros(len(figures), dtype=np.bool_)
    if not known.any():
        return front
    rows, places = np.unique(figures[known], axis=0, return_inverse=True)
    best_first = rows[::-1]  # by the first column, then by the second: who comes later dominates nobody before
    kept = _in_order(best_first[:, -1]) if figures.shape[1] <= 2 else _by_peeling(best_first)
    front[known] = kept[::-1][places.reshape(-1)]
    return front


def _in_order(last: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of distinct rows, sorted best first, exceed all before them in their last column."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(last)[:-1]])
    exceeds: NDArray[np.bool_] = last > before
    exceeds[0] = True
    return exceeds


def _by_peeling(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of distinct rows, sorted best first, none dominates: one on the front removes what it dominates."""
    kept = np.zeros(len(rows), dtype=np.bool_)
    left = np.arange(len(rows))
    while len(left):
        kept[left[0]] = True
        left = left[(rows[left] > rows[left[0]]).any(axis=1)]
    return kept
