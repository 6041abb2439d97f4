"""What a sweep would have earned had its winner been chosen anew each time, out of sample.

Two ways: walking forward in time, which is what a trader could have done, and along the paths of combinatorial purged
cross-validation, which give a distribution instead of one number. Splits and their sources are in ``splits``. Both
choose among N columns on a record of units of time, whether those are single periods or the sums of equal parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulation.performance.moments import column_sharpes, moments
from simulation.performance.overfitting import BlockSums, sharpes
from simulation.performance.splits import combinatorial_splits, forward_splits, group_starts, paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.performance.splits import Split

    Array = NDArray[np.float64]
    Numbers = NDArray[np.int64]


class Record(Protocol):
    """Returns of N columns, a unit of time after another."""

    @property
    def n_units(self) -> int:
        """How many there are; ``horizon`` and ``embargo`` are counted in them."""

    @property
    def rows_of_unit(self) -> int:
        """Returns in each unit."""

    def sharpes(self, units: Numbers) -> Array:
        """Return the Sharpe ratio per period, (N,), of each column over some units, which hold two returns or more."""

    def chained(self, units: Numbers, columns: Numbers) -> float:
        """Return the Sharpe ratio per period of one column in each of some units, taken together."""


@dataclass(frozen=True, slots=True)
class Periods:
    """A record of which every return is known."""

    returns: Array
    """(T, N), fractions; a unit is a period."""

    @property
    def n_units(self) -> int:
        """Periods."""
        return len(self.returns)

    @property
    def rows_of_unit(self) -> int:
        """A period has one return."""
        return 1

    def sharpes(self, units: Numbers) -> Array:
        """Return the Sharpe ratio of each column over some periods, (N,)."""
        return column_sharpes(self.returns[units])

    def chained(self, units: Numbers, columns: Numbers) -> float:
        """Return the Sharpe ratio of one column's return in each of some periods."""
        return moments(self.returns[units, columns]).sharpe


@dataclass(frozen=True, slots=True)
class Parts:
    """A record of which the sums of equal parts of time are known: 10^5 columns take no more than their sums."""

    sums: BlockSums
    """(S, N); a unit is a part."""

    @property
    def n_units(self) -> int:
        """Parts, S."""
        return len(self.sums.first)

    @property
    def rows_of_unit(self) -> int:
        """Returns in each part."""
        return self.sums.rows

    def sharpes(self, units: Numbers) -> Array:
        """Return the Sharpe ratio of each column over some parts, (N,)."""
        return sharpes(self.sums, units.tolist())

    def chained(self, units: Numbers, columns: Numbers) -> float:
        """Return the Sharpe ratio of one column in each of some parts.

        Columns were centred each at its own mean; their sums are moved to one center before they are added.
        """
        rows, centers = self.sums.rows, self.sums.center[columns]
        first, second = self.sums.first[units, columns], self.sums.second[units, columns]
        off = centers - centers.mean()
        moved = BlockSums(
            rows,
            centers.mean(keepdims=True),
            (first + rows * off)[:, np.newaxis],
            (second + 2.0 * off * first + rows * off**2)[:, np.newaxis],
        )
        return float(sharpes(moved, list(range(len(units))))[0])


@dataclass(frozen=True, slots=True)
class WalkForward:
    """The winners of each step and what followed them."""

    chosen: tuple[int, ...]
    """The column that was best in each training window."""
    sharpe: float
    """The Sharpe ratio per period of those columns in the windows after, out of sample."""


def walk_forward(
    record: Record, n_groups: int, n_train: int | None = None, horizon: int = 0, first: int = 1
) -> WalkForward:
    """Return what choosing the best column before each group of units and trading it there would have given.

    The best has the highest Sharpe ratio in training, of equals it is the first. ``n_train`` groups are trained on, by
    default all before; ``horizon`` units are left between. Group ``first`` is the first that is tested. A ValueError
    says that there is none, or that nothing is left to train on.
    """
    splits = [split for split in forward_splits(record.n_units, n_groups, n_train, horizon) if split.groups[0] >= first]
    if not splits:
        raise ValueError(f"first {first} leaves none of the {n_groups} groups to test")
    chosen = tuple(best_column(record, split) for split in splits)
    tested = [np.flatnonzero(split.test) for split in splits]
    columns = np.repeat(chosen, [len(units) for units in tested])
    return WalkForward(chosen, record.chained(np.concatenate(tested), columns))


def path_sharpes(record: Record, n_groups: int, n_test: int, horizon: int = 0, embargo: int = 0) -> Array:
    """Return the Sharpe ratio per period, out of sample, along each path of the combinatorial splits.

    In every split the best column of the purged training units is taken into the tested groups. A ValueError says that
    a split leaves nothing to train on. Shape (n_test * C(n_groups, n_test) / n_groups,).
    """
    splits = combinatorial_splits(record.n_units, n_groups, n_test, horizon, embargo)
    chosen = np.array([best_column(record, split) for split in splits])
    lengths = np.diff(group_starts(record.n_units, n_groups))
    units = np.arange(record.n_units)
    along = [np.repeat(chosen[of_groups], lengths) for of_groups in paths(n_groups, n_test)]
    return np.array([record.chained(units, columns) for columns in along])


def best_column(record: Record, split: Split) -> int:
    """Return the column with the highest Sharpe ratio in the training units; of equals the first."""
    train = np.flatnonzero(split.train)
    rows = len(train) * record.rows_of_unit
    if rows < 2:
        raise ValueError(f"{rows} rows are left to train on beside groups {split.groups}; two are needed")
    return int(np.argmax(record.sharpes(train)))
