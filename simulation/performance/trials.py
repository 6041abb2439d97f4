"""How many trials were looked at, and how many independent ones those were.

The rule of counting, which the deflated figures stand on (docs/luck.md):

- a trial that was started counts once, whatever became of it: finished, pruned at a rung, or failed;
- a trial that repeats a point and a market of an earlier one is no further look and does not count, because a run is a
  function and gives the same again;
- a trial that a constraint skipped was never run and does not count;
- the variance is over the Sharpe ratios of all that have one: finished ones, and pruned ones as far as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.performance.sharpe import STILL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrialCount:
    """What became of the trials of a sweep, or of several on the same market."""

    finished: int
    pruned: int = 0
    failed: int = 0
    repeated: int = 0
    """Of a point and a market that an earlier trial had; in none of the other numbers."""
    skipped: int = 0
    """Broke a constraint and never ran."""

    @property
    def looked_at(self) -> int:
        """The N of the deflated Sharpe ratio: finished, pruned and failed."""
        return self.finished + self.pruned + self.failed

    def __add__(self, other: TrialCount) -> TrialCount:
        return TrialCount(
            self.finished + other.finished,
            self.pruned + other.pruned,
            self.failed + other.failed,
            self.repeated + other.repeated,
            self.skipped + other.skipped,
        )


def mean_correlation(returns: Array) -> float:
    """Return the mean correlation between different columns of ``returns``, shape (T, N); a still column has none.

    The sum of all correlations is ``|sum of the standardised columns|**2``, so that no N x N matrix is made: O(T N)
    time and one column's worth of memory beside the input. 0.0 with fewer than two columns that move.
    """
    total, n_columns = np.zeros(len(returns)), 0
    for column in returns.T:
        centered = column - column.mean()
        size = float(np.linalg.norm(centered))
        if size > STILL * float(np.abs(column).max()) * len(column):
            total += centered / size
            n_columns += 1
    if n_columns < 2:
        return 0.0
    return (float(total @ total) - n_columns) / (n_columns * (n_columns - 1))


def effective_trials(n_trials: float, mean_correlation: float) -> float:
    """Return the number of independent trials that ``n_trials`` correlated ones amount to, ``r + (1 - r) N``.

    Between one, for trials that do the same, and N, for independent ones; a negative mean counts as none. Bailey and
    López de Prado, The Deflated Sharpe Ratio, 2014, appendix A.3.
    """
    correlation = min(max(mean_correlation, 0.0), 1.0)
    return correlation + (1.0 - correlation) * n_trials
