"""How many trials were looked at, and how many independent ones those were.

The rule of counting, which the deflated figures stand on (docs/luck.md):

- a trial that was started counts once, whatever became of it: finished, pruned at a rung, or failed;
- a trial that repeats a point and a market of an earlier one is no further look and does not count, because a run is a
  function and gives the same again;
- a trial that a constraint skipped was never run and does not count;
- the variance is over the Sharpe ratios of all that have one: finished ones, and pruned ones as far as they came;
- only finished trials can be seen to resemble one another, so every other one counts as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.performance.moments import STILL

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

    def effective(self, mean_correlation: float) -> float:
        """Return the number of independent trials, from the mean correlation between the finished ones.

        That of pruned ones with them is of another time, and unknown; each counts in full, which deflates the most.
        """
        alike = effective_trials(self.finished, mean_correlation) if self.finished else 0.0
        return self.looked_at - self.finished + alike

    def __add__(self, other: TrialCount) -> TrialCount:
        return TrialCount(
            self.finished + other.finished,
            self.pruned + other.pruned,
            self.failed + other.failed,
            self.repeated + other.repeated,
            self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much trials do the same, from as much memory as one of them takes: add those of parts of a sweep.

    In the order of trials: floats added in another order have another last digit.
    """

    total: Array
    """(T,): the sum of the standardised returns of all trials, each of length one."""
    n_moving: int
    """Trials whose returns differ at all; a still one is like no other."""

    def __add__(self, other: Likeness) -> Likeness:
        return Likeness(self.total + other.total, self.n_moving + other.n_moving)

    @property
    def mean_correlation(self) -> float:
        """The mean correlation between different trials; 0.0 with fewer than two that move.

        The squared length of the sum is the sum of all correlations, those of each trial with itself included.
        """
        if self.n_moving < 2:
            return 0.0
        return (float(self.total @ self.total) - self.n_moving) / (self.n_moving * (self.n_moving - 1))


def likeness(returns: Array) -> Likeness:
    """Return the likeness of the columns of ``returns``, shape (T, N), of periods or summed over parts of time.

    No N x N matrix is made: O(T N) time.
    """
    centered = returns - returns.mean(axis=0)
    sizes = np.linalg.norm(centered, axis=0)
    moves = sizes > STILL * np.abs(returns).max(axis=0) * len(returns)
    return Likeness((centered[:, moves] / sizes[moves]).sum(axis=1), int(moves.sum()))


def effective_trials(n_trials: float, mean_correlation: float) -> float:
    """Return the number of independent trials that ``n_trials`` correlated ones amount to, ``r + (1 - r) N``.

    Between one, for trials that do the same, and N, for independent ones; a negative mean counts as none. Bailey and
    López de Prado, The Deflated Sharpe Ratio, 2014, appendix A.3.
    """
    correlation = min(max(mean_correlation, 0.0), 1.0)
    return correlation + (1.0 - correlation) * n_trials
