"""Brackets: which cohort may be traded next, and which points go on at a rung. Runs nothing and waits for nothing.

A bracket is traded leg by leg: all of its cohorts on all of its markets to the first rung, where its points are
compared; those that go on to the next; and so to the end, when its batches are committed together. So a sweep that is
taken up finds a bracket whole or not at all, and which points go on depends on the bracket alone. Without rungs nothing
is compared, and each cohort is a bracket of its own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.trials import Task
from simulation.sweeping.halving import survivors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from actors.trials import Receipt
    from simulation.sweeping.settings import Sweep
    from simulation.sweeping.space import Point


LAST_COHORTS = 2
"""What is left is always enough for so many cohorts of each worker."""


@dataclass(slots=True, eq=False)
class Cohort:
    """A cohort as the conductor knows it: by reference."""

    task: Task
    legs: int = 0
    """How many it has been traded through."""
    carried: Any = None
    """What the last call handed on; in the end its batch. Ray's reference to it, never looked at here."""
    receipt: Receipt | None = None


class Bracket:
    """Consecutive points on some markets that are compared at each rung and committed together."""

    def __init__(
        self, sweep: Sweep, first: int, end: int, markets: Sequence[int], points: Sequence[Point] | None = None
    ) -> None:
        """Take the points from ``first`` to before ``end``; ``points`` are those that a sampler that learns chose."""
        self._sweep, self._first, self._end, self._points = sweep, first, end, points
        self._markets = tuple(markets)
        self._uncut = deque((market, first) for market in markets)
        self._waiting: deque[Cohort] = deque()
        self._cohorts: list[Cohort] = []
        self._figures = np.full((end - first, len(self._markets)), np.nan)
        self._rungs: list[NDArray[np.bool_]] = []
        self._under_way = 0

    def take(self, size: int) -> Cohort | None:
        """Return a cohort that may be traded now, of at most ``size`` points where it is new; None while all wait."""
        if self._waiting:
            cohort = self._waiting.popleft()
        elif self._uncut:
            cohort = Cohort(self._cut(size))
            self._cohorts.append(cohort)
        else:
            return None
        self._under_way += 1
        return cohort

    def put_back(self, cohort: Cohort, *, is_lost: bool) -> None:
        """Take a cohort back whose leg was not traded; where what it carried is lost, it begins again."""
        if is_lost:
            cohort.legs, cohort.carried = 0, None
        self._under_way -= 1
        self._waiting.append(cohort)

    def settle(self, cohort: Cohort, carried: Any, receipt: Receipt) -> None:
        """Take what became of a cohort."""
        cohort.carried, cohort.receipt = carried, receipt
        cohort.legs += 1
        self._under_way -= 1
        if cohort.legs <= len(self._rungs):  # it was traded again, and the rung behind it decided long ago
            self._waiting.append(cohort)
            return
        self._figures[self._place(cohort.task), self._markets.index(cohort.task.market)] = receipt.figures[:, 0]
        if not self._waiting and not self._uncut and not self._under_way:
            self._pass_rung()

    @property
    def batches(self) -> list[Any] | None:
        """What is to be committed, once all has been traded; None before."""
        if self._uncut or self._waiting or self._under_way:
            return None
        return [cohort.carried for cohort in self._cohorts]

    def goes_on(self, cohort: Cohort) -> NDArray[np.bool_] | None:
        """Tell which points of a cohort go on in its next leg, (n_points,); None at the beginning."""
        return self._rungs[cohort.legs - 1][self._place(cohort.task)] if cohort.legs else None

    def _pass_rung(self) -> None:
        """Choose who goes on, where there is another rung."""
        passed = len(self._rungs)
        if passed == len(self._sweep.rungs):
            return
        came = self._rungs[-1] if self._rungs else np.ones(self._end - self._first, np.bool_)
        rung = self._sweep.rungs[passed]
        self._rungs.append(survivors(self._figures, came, self._sweep.objectives[0], rung.keep_percent))
        self._waiting.extend(self._cohorts)

    def _cut(self, size: int) -> Task:
        market, first = self._uncut.popleft()
        n_points = min(size, self._end - first)
        if first + n_points < self._end:
            self._uncut.appendleft((market, first + n_points))
        place = first - self._first
        points = None if self._points is None else tuple(self._points[place : place + n_points])
        return Task(market, first, n_points, points)

    def _place(self, task: Task) -> slice:
        return slice(task.first_point - self._first, task.first_point - self._first + task.n_points)


def shared_size(fitting: int, least: int, n_left: int, n_workers: int) -> int:
    """Return how many points a cohort is to have, ``fitting`` at most, where so many are left.

    Towards the end fewer, but not below ``least``: no worker is to wait long for another's last cohort.
    """
    return min(max(math.ceil(n_left / (LAST_COHORTS * n_workers)), least), fitting)


class Uncovered:
    """The points of one market that no committed cohort has, taken from the front in cohorts of any size."""

    def __init__(self, first: int, end: int, covered: Sequence[tuple[int, int]]) -> None:
        """Take the points from ``first`` to before ``end``; ``covered`` are (first, n) of committed cohorts."""
        self._ranges: deque[tuple[int, int]] = deque()
        for start, count in sorted(covered):
            if start >= end or start + count <= first:
                continue
            if start > first:
                self._ranges.append((first, start))
            first = start + count
        if first < end:
            self._ranges.append((first, end))

    def __len__(self) -> int:
        return sum(end - first for first, end in self._ranges)

    def take(self, size: int) -> tuple[int, int]:
        """Return (first, end) of the next cohort, of at most ``size`` points."""
        first, end = self._ranges.popleft()
        if first + size < end:
            self._ranges.appendleft((first + size, end))
        return first, min(first + size, end)
