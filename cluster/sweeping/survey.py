"""What a report looks at in a sweep: one reading of all trials in bounded memory, and a sample of points with settings.

The sample is the sequence of Weyl, multiples of the golden ratio modulo 1, as numbers of points: even, and in step with
no grid, where every so-manieth point would have the same value of a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.sweeping.figures import across, figure
from simulation.sweeping.pareto import pareto_front
from simulation.sweeping.settings import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from numpy.typing import NDArray

    from simulation.sweeping.settings import Sweep
    from storage.store import Store
    from storage.sweep_records import Outcomes

    Array = NDArray[np.float64]

ROWS_AT_ONCE = 32_768
"""Trials that are in memory at once."""

SAMPLED_POINTS, SAMPLED_ROWS = 8_192, 262_144
"""So many points are sampled, of many markets fewer: so many trials."""

BEST = 20
"""Points that are kept as the best by the first objective."""

FRONT_MAX = 512
"""Points of the Pareto front that are kept; of more, evenly spread ones along the first objective."""

MARKETS_COMPARED = 64
"""Markets that have a champion; of more, the first ones."""

GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Points:
    """Points that were traded to the end on all markets, by their number."""

    numbers: NDArray[np.int64]
    """(n_points,)"""
    values: Array
    """(n_points, n_markets, n_objectives)"""

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: Any) -> Points:
        """Return some of them."""
        return Points(self.numbers[places], self.values[places])

    def plus(self, other: Points) -> Points:
        """Return these and others."""
        return Points(np.concatenate([self.numbers, other.numbers]), np.concatenate([self.values, other.values]))


@dataclass(frozen=True, slots=True)
class Survey:
    """What a sweep came to."""

    points: int
    """Traded to the end on all markets."""
    failed: int
    """That failed on any market."""
    pruned: int
    """That were pruned on any, and failed on none."""
    best: Points
    """By the first objective, the best first."""
    champions: Points
    """The best point of each market alone, by the first objective: point ``m`` is that of market ``m``.

    Of the first markets only, where there are more than ``MARKETS_COMPARED``.
    """
    front: Points
    """The Pareto front where there are several objectives, ordered by the first; else empty."""
    front_size: int
    """As counted before it was thinned to what is kept."""
    sample: Points
    settings: tuple[dict[str, Any], ...]
    """Of each point of the sample."""


def survey(store: Store, sweep_id: UUID, sweep: Sweep) -> Survey:
    """Read all trials of a sweep, in the order of their points, and return what its report tells of them."""
    cohorts = store.cohorts_of(sweep_id)
    end = max((first + n_points for _, first, n_points, _ in cohorts), default=0)
    wanted = sampled(end, min(SAMPLED_POINTS, max(1, SAMPLED_ROWS // sweep.markets.size)))
    best = champions = front = sample = no_points(sweep)
    points = failed = pruned = front_size = 0
    for outcomes in _chunks(store, sweep_id, sweep, end):
        chunk, n_failed, n_pruned = whole_points(sweep, outcomes)
        points, failed, pruned = points + len(chunk), failed + n_failed, pruned + n_pruned
        if not len(chunk):
            continue
        best = _best(sweep, best.plus(chunk))
        champions = _champions(sweep, champions.plus(chunk))
        if len(sweep.objectives) > 1:
            front, front_size = front_of(sweep, front.plus(chunk))
        sample = sample.plus(chunk.take(np.isin(chunk.numbers, wanted)))
    settings = store.settings_of_points(sweep_id, sample.numbers.tolist())
    told = tuple(settings[number] for number in sample.numbers.tolist())
    return Survey(points, failed, pruned, best, champions, front, front_size, sample, told)


def no_points(sweep: Sweep) -> Points:
    """Return none of the points of a sweep."""
    return Points(np.empty(0, np.int64), np.empty((0, sweep.markets.size, len(sweep.objectives))))


def sampled(n_points: int, wanted: int) -> NDArray[np.int64]:
    """Return numbers of points, ``wanted`` at most, spread evenly over all and in step with no grid, in order."""
    if n_points <= wanted:
        return np.arange(n_points)
    places = np.arange(wanted) * GOLDEN % 1.0
    return np.unique((places * n_points).astype(np.int64))


def whole_points(sweep: Sweep, outcomes: Outcomes) -> tuple[Points, int, int]:
    """Return the points that were traded to the end on all markets, and how many failed and were pruned.

    A point that has not been traded on all markets yet is none of them.
    """
    size = sweep.markets.size
    numbers, counts = np.unique(outcomes.point, return_counts=True)
    whole = counts == size
    rows = np.repeat(whole, counts)
    failed = outcomes.failed[rows].reshape(-1, size).any(axis=1)
    pruned = outcomes.pruned[rows].reshape(-1, size).any(axis=1) & ~failed
    values = np.stack([figure(one.figure, outcomes.column)[rows].reshape(-1, size) for one in sweep.objectives], axis=2)
    stands = ~failed & ~pruned
    return Points(numbers[whole][stands], values[stands]), int(failed.sum()), int(pruned.sum())


def across_markets(sweep: Sweep, points: Points) -> Array:
    """Return the objectives of points over their markets, as they are: (n_points, n_objectives)."""
    return np.stack([across(points.values[:, :, place], one) for place, one in enumerate(sweep.objectives)], axis=1)


def signs(sweep: Sweep) -> Array:
    """Return 1.0 for each objective of which more is better, and -1.0 for the others: (n_objectives,)."""
    return np.array([1.0 if one.direction is Direction.MAXIMIZE else -1.0 for one in sweep.objectives])


def _chunks(store: Store, sweep_id: UUID, sweep: Sweep, end: int) -> Iterator[Outcomes]:
    at_once = max(1, ROWS_AT_ONCE // sweep.markets.size)
    for first in range(0, end, at_once):
        yield store.outcomes_between(sweep_id, first, min(first + at_once, end))


def _best(sweep: Sweep, points: Points) -> Points:
    scores = across_markets(sweep, points)[:, 0] * signs(sweep)[0]
    return points.take(np.lexsort((points.numbers, -scores))[:BEST])


def _champions(sweep: Sweep, points: Points) -> Points:
    """Return the best point of each market; of equal ones the one with the lowest number, which comes first."""
    ordered = points.take(np.argsort(points.numbers, kind="stable"))
    return ordered.take(np.argmax(ordered.values[:, :MARKETS_COMPARED, 0] * signs(sweep)[0], axis=0))


def front_of(sweep: Sweep, points: Points) -> tuple[Points, int]:
    """Return the Pareto front of points, the first of equal ones, thinned where it is long, and its whole size."""
    scores = across_markets(sweep, points) * signs(sweep)
    _, distinct = np.unique(scores, axis=0, return_index=True)
    standing = distinct[pareto_front(scores[distinct])]
    standing = standing[np.argsort(-scores[standing, 0], kind="stable")]
    if len(standing) <= FRONT_MAX:
        return points.take(standing), len(standing)
    spread = np.linspace(0, len(standing) - 1, FRONT_MAX).round().astype(np.int64)
    return points.take(standing[spread]), len(standing)
