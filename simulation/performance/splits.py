"""Cuts of time into training and test rows: combinatorial purged cross-validation, and walking forward.

López de Prado, Advances in Financial Machine Learning (2018), chapter 7 for purging and embargo and chapter 12 for the
combinations. Rows are consecutive periods; the outcome of what is decided at row t is known at row t + ``horizon``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """One way to train and test: masks over rows, and the groups that are tested."""

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    groups: tuple[int, ...]


def n_paths(n_groups: int, n_test: int) -> int:
    """Return how many paths through all groups the splits give, ``n_test * C(n_groups, n_test) / n_groups``."""
    return n_test * comb(n_groups, n_test) // n_groups


def n_splits(n_groups: int, n_test: int) -> int:
    """Return how many ways there are to test ``n_test`` of the groups, ``C(n_groups, n_test)``."""
    return comb(n_groups, n_test)


def leave_training(n_rows: int, n_groups: int, n_test: int, horizon: int = 0, embargo: int = 0) -> bool:
    """Tell whether each of the combinatorial splits leaves a row to train on."""
    return all(split.train.any() for split in combinatorial_splits(n_rows, n_groups, n_test, horizon, embargo))


def combinatorial_splits(
    n_rows: int, n_groups: int, n_test: int, horizon: int = 0, embargo: int = 0
) -> Iterator[Split]:
    """Yield the C(n_groups, n_test) splits of ``n_rows`` rows, in the order of ``itertools.combinations``.

    Groups are consecutive and differ by one row at most. From the training rows are purged those whose outcome
    overlaps that of a test row, ``horizon`` rows on both sides of a tested group, and after it ``embargo`` rows more.
    """
    starts = group_starts(n_rows, n_groups)
    if not 1 <= n_test < n_groups:
        raise ValueError(f"n_test {n_test} is not between 1 and the {n_groups - 1} groups that leave one to train")
    for groups in combinations(range(n_groups), n_test):
        train, test = np.ones(n_rows, dtype=np.bool_), np.zeros(n_rows, dtype=np.bool_)
        for group in groups:
            start, end = starts[group], starts[group + 1]
            test[start:end] = True
            train[max(start - horizon, 0) : end + horizon + embargo] = False
        yield Split(train, test, groups)


def paths(n_groups: int, n_test: int) -> NDArray[np.int64]:
    """Return, of shape (paths, groups), the split whose test of a group belongs to each path.

    A group is tested in as many splits as there are paths; path p takes the p-th of them.
    """
    tested: list[list[int]] = [[] for _ in range(n_groups)]
    for number, groups in enumerate(combinations(range(n_groups), n_test)):
        for group in groups:
            tested[group].append(number)
    return np.array(tested, dtype=np.int64).T


def group_starts(n_rows: int, n_groups: int) -> list[int]:
    """Return where each of ``n_groups`` groups of rows begins, and the end of the last."""
    if not 2 <= n_groups <= n_rows:
        raise ValueError(f"n_groups {n_groups} is not between 2 and the {n_rows} rows")
    return [n_rows * group // n_groups for group in range(n_groups + 1)]


def forward_splits(n_rows: int, n_groups: int, n_train: int | None = None, horizon: int = 0) -> Iterator[Split]:
    """Yield the splits that test each group, from the second on, after training on what came before.

    Training takes the ``n_train`` groups before, by default all, without the last ``horizon`` rows, whose outcome
    reaches into the test.
    """
    starts = group_starts(n_rows, n_groups)
    for group in range(1 if n_train is None else n_train, n_groups):
        train, test = np.zeros(n_rows, dtype=np.bool_), np.zeros(n_rows, dtype=np.bool_)
        begin = 0 if n_train is None else starts[group - n_train]
        train[begin : max(starts[group] - horizon, begin)] = True
        test[starts[group] : starts[group + 1]] = True
        yield Split(train, test, (group,))
