"""How far an equity curve could have come otherwise: the stationary bootstrap of its returns.

Blocks of random length, geometric with a given mean, are taken from anywhere in the series, which goes on at its
beginning after its end (Politis and Romano, The Stationary Bootstrap, Journal of the American Statistical Association
89(428), 1994, section 2). So the dependence between near returns is kept, which drawing them singly would lose.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation import rng

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATHS = 400
"""Resampled series: the 5 % quantile of so many is known to about a percent of probability."""

LEVEL = 0.90
"""Share of the resampled series that is within the band at each time."""

_STREAM = np.uint64(rng.Stream.SWEEP | rng.key_of("stationary bootstrap"))
_TWO_MINUS_64 = 2.0**-64


def mean_block(n_returns: int) -> float:
    """Return the mean length of blocks: the cube root of the number of returns.

    The best length grows so (Politis and White, Econometric Reviews 23(1), 2004); its factor, which is not estimated
    here, depends on how the returns are correlated.
    """
    return max(1.0, math.cbrt(n_returns))


def resampled(n_returns: int, block: float, seed: int, path: int) -> NDArray[np.int64]:
    """Return which returns resampled series number ``path`` is made of, (n_returns,); ``block`` is the mean length."""
    chosen = np.empty(n_returns, np.int64)
    goes_on = 1.0 - 1.0 / block
    filled = counter = 0
    while filled < n_returns:
        length_word, start_word, _, _ = rng.words(np.uint64(seed), _STREAM, np.uint64(path), np.uint64(counter))
        above_zero = 1.0 - int(length_word) * _TWO_MINUS_64
        length = 1 + int(math.log(above_zero) / math.log(goes_on)) if goes_on > 0 and above_zero > 0 else 1
        taken = min(length, n_returns - filled)
        start = int(start_word) * n_returns >> 64
        chosen[filled : filled + taken] = (start + np.arange(taken)) % n_returns
        filled += taken
        counter += 1
    return chosen


def growth_band(
    returns: NDArray[np.float64], at: NDArray[np.int64], seed: int = 1, n_paths: int = PATHS, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper end of growth after the returns ``at``, each (n_at,); 1.0 is no growth.

    Pointwise quantiles of resampled series, compounded: at each time alone, a share ``level`` of them is inside.
    """
    grown = np.empty((n_paths, len(at)))
    for path in range(n_paths):
        series = returns[resampled(len(returns), mean_block(len(returns)), seed, path)]
        grown[path] = np.cumprod(1.0 + series)[at]
    low, high = np.quantile(grown, [(1.0 - level) / 2, (1.0 + level) / 2], axis=0)
    return low, high
