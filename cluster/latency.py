"""How long something took, many times: a histogram of bounded size, from which percentiles are read.

Bucket ``i`` counts what took at most ``BOUNDS_SECONDS[i]`` and longer than the bound before; the last counts the rest.
A percentile is told as the upper bound of its bucket: never too low, and too high by at most ``RESOLUTION``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Any, NamedTuple

STEPS_PER_DOUBLING = 8
RESOLUTION = 2 ** (1 / STEPS_PER_DOUBLING) - 1
"""9 %: the relative width of a bucket."""

FIRST_BOUND_SECONDS = 0.001
DOUBLINGS = 20
BOUNDS_SECONDS = tuple(
    FIRST_BOUND_SECONDS * 2 ** (step / STEPS_PER_DOUBLING) for step in range(DOUBLINGS * STEPS_PER_DOUBLING + 1)
)
"""From a millisecond, within which all is alike, to 17 minutes, longer than any call is waited for."""

NEW_MAX = 1_024
"""So many are kept for whoever asks for the new ones: more than can be on their way between two progresses."""


class Percentiles(NamedTuple):
    """What is told of many durations, in milliseconds; all zero where there were none."""

    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


NOTHING_TIMED = Percentiles()


@dataclass(frozen=True, slots=True)
class Written:
    """What the writers of a run have done so far. Of the wall clock, so no part of the run's content."""

    writers: int = 1
    rows: int = 0
    commits: int = 0
    latency: Percentiles = NOTHING_TIMED
    """Of the commits, each measured by its writer."""

    def as_json(self) -> dict[str, Any]:
        """Return it for the machine-readable summary of a run."""
        counts = {"writers": self.writers, "rows": self.rows, "commits": self.commits}
        return {**counts, "commit_latency": self.latency._asdict()}


class Latencies:
    """Counts durations by size."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_SECONDS) + 1)
        """By bucket, as a Prometheus histogram has them but not added up."""
        self.sum_seconds = 0.0
        self.max_seconds = 0.0
        self._new: deque[float] = deque(maxlen=NEW_MAX)

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def note(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds
        self.max_seconds = max(self.max_seconds, seconds)
        self._new.append(seconds)

    def take_new(self) -> list[float]:
        """Return those that were noted since this was last asked."""
        new = list(self._new)
        self._new.clear()
        return new

    def percentiles(self) -> Percentiles:
        """Return the median, two high percentiles and the exact maximum."""
        high = (self._percentile_seconds(percent) for percent in (50, 95, 99))
        return Percentiles(*(round(1_000 * seconds, 3) for seconds in (*high, self.max_seconds)))

    def _percentile_seconds(self, percent: int) -> float:
        """Return what so many percent of all took at most: by nearest rank, and never more than the maximum."""
        rank = ceil(self.count * percent / 100)
        bucket = bisect_left(list(accumulate(self.counts)), rank)
        return min(self.max_seconds, BOUNDS_SECONDS[bucket]) if bucket < len(BOUNDS_SECONDS) else self.max_seconds
