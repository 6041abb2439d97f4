"""What a sweep would have earned had its winner been chosen anew each time, out of sample.

Two ways: walking forward in time, which is what a trader could have done, and along the paths of combinatorial purged
cross-validation, which give a distribution instead of one number. Splits and their sources are in ``splits``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.performance.sharpe import column_sharpes, moments
from simulation.performance.splits import combinatorial_splits, forward_splits, group_starts, paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.performance.splits import Split

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WalkForward:
    """The winners of each step and the returns that followed them."""

    chosen: tuple[int, ...]
    """The column that was best in each training window."""
    returns: Array
    """Returns of those columns in the windows after, one after another."""

    @property
    def sharpe(self) -> float:
        """The Sharpe ratio per period of all that, out of sample."""
        return moments(self.returns).sharpe


def walk_forward(returns: Array, n_groups: int, n_train: int | None = None, horizon: int = 0) -> WalkForward:
    """Return what choosing the best column before each group of rows and trading it there would have given.

    ``returns`` has shape (T, N), fractions of a period; the best has the highest Sharpe ratio in training, of equals
    the first. ``n_train`` groups are trained on, by default all before; ``horizon`` rows are left between.
    """
    splits = list(forward_splits(len(returns), n_groups, n_train, horizon))
    chosen = tuple(best_column(returns, split) for split in splits)
    parts = [returns[split.test, column] for split, column in zip(splits, chosen, strict=True)]
    return WalkForward(chosen, np.concatenate(parts))


def path_sharpes(returns: Array, n_groups: int, n_test: int, horizon: int = 0, embargo: int = 0) -> Array:
    """Return the Sharpe ratio per period, out of sample, along each path of the combinatorial splits.

    In every split the best column of the purged training rows is taken into the tested groups; ``returns`` has shape
    (T, N). Shape (n_test * C(n_groups, n_test) / n_groups,).
    """
    splits = combinatorial_splits(len(returns), n_groups, n_test, horizon, embargo)
    chosen = [best_column(returns, split) for split in splits]
    starts = group_starts(len(returns), n_groups)
    along = [
        np.concatenate(
            [returns[starts[group] : starts[group + 1], chosen[split]] for group, split in enumerate(of_groups)]
        )
        for of_groups in paths(n_groups, n_test).tolist()
    ]
    return np.array([moments(path).sharpe for path in along])


def best_column(returns: Array, split: Split) -> int:
    """Return the column with the highest Sharpe ratio in the training rows; of equals the first."""
    train = returns[split.train]
    if len(train) < 2:
        raise ValueError(f"{len(train)} rows are left to train on beside groups {split.groups}; two are needed")
    return int(np.argmax(column_sharpes(train)))
