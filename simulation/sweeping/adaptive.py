"""Samplers that learn, batch by batch: a batch is chosen when all results of the batches before it are known.

Batches are of a size that the sweep file names, and results are learnt in the order of their numbers whatever order
they arrive in. So the points are a function of the file and the results: not of workers, speed or interruptions, and a
sweep that is taken up arrives at the same points by telling what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.sweeping.samplers import Results
    from simulation.sweeping.space import Point, Space


class Study(Protocol):
    """What learns: one trial after another."""

    def choose(self) -> Point:
        """Return the next point."""
        ...

    def learn(self, number: int, results: Results) -> None:
        """Take the results of point ``number``."""
        ...


class AdaptiveSampler:
    """Asks a study for whole batches and tells it results in the order of their numbers."""

    def __init__(self, space: Space, study: Study, batch: int) -> None:
        """Take a study that nobody has asked yet."""
        self._space, self._study, self._batch = space, study, batch
        self._points: list[Point] = []
        self._told: dict[int, Results] = {}
        self._learnt: list[int] = []

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these numbers; all trials of the batches before theirs have been told."""
        for _ in range(len(self._points) // self._batch, (max(numbers, default=-1) // self._batch) + 1):
            self._learn_batch()
            self._points.extend([self._study.choose() for _ in range(self._batch)])
        return [self._points[number] for number in numbers]

    def tell(self, numbers: Sequence[int], results: Sequence[Results]) -> None:
        """Take what became of these trials; a trial that was told keeps its first results."""
        for number, result in zip(numbers, results, strict=True):
            assert number < len(self._points), "a trial is asked for before it is told"
            self._told.setdefault(number, result)

    def _learn_batch(self) -> None:
        """Tell the study all that was chosen, in order; what breaks a constraint has no results to be told."""
        for number in range(len(self._learnt), len(self._points)):
            if number not in self._told and self._space.allows(self._points[number]):
                raise ValueError(f"trial {number} was not told, and the next batch depends on it")
            self._study.learn(number, self._told.get(number))
            self._learnt.append(number)
