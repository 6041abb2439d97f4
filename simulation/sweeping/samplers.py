"""Which point each trial number is: grid, random and Sobol, as functions of the number; Optuna by its batches.

``ask`` gives the points of some numbers, ``tell`` takes what became of them. The three built in answer any number at
any time and learn nothing; those of Optuna (``adaptive``) answer batch by batch. Either way the points depend on the
sweep file and the results alone, never on the order in which results arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulation import rng
from simulation.jit import compiled
from simulation.sweeping.adaptive import AdaptiveSampler
from simulation.sweeping.settings import SamplerKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy.stats import qmc

    from simulation.sweeping.halving import Pruned
    from simulation.sweeping.settings import Sweep
    from simulation.sweeping.space import Point, Space

    Results = tuple[float, ...] | Pruned | None
    """One figure for each objective, or how far it came; None for a trial that failed, or that a constraint skipped."""


class Sampler(Protocol):
    """What chooses the points of a sweep; it runs nothing."""

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these trial numbers; the same number has the same point whenever it is asked."""
        ...

    def tell(self, numbers: Sequence[int], results: Sequence[Results]) -> None:
        """Take what became of these trials, in any order."""
        ...


class _Unlearning:
    """Chooses without regard to results."""

    def tell(self, numbers: Sequence[int], results: Sequence[Results]) -> None:
        """Take results and learn nothing."""


@dataclass(frozen=True, slots=True)
class GridSampler(_Unlearning):
    """Every combination once, the last dimension changing fastest."""

    space: Space

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these numbers."""
        return [self.space.grid_point(number) for number in numbers]


@dataclass(frozen=True, slots=True)
class RandomSampler(_Unlearning):
    """Independent points: each field's value is a function of the seed, the path of the field and the number."""

    space: Space
    seed: int

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these numbers."""
        streams = [rng.Stream.SWEEP | rng.key_of(part.path) for part in self.space.dimensions]
        units = np.empty((len(numbers), len(streams)))
        _draw(np.uint64(self.seed), np.array(streams, np.uint64), np.array(numbers, np.uint64), units)
        return [self.space.unit_point(place) for place in units.tolist()]


@compiled
def _draw(seed, streams, numbers, units):
    """Fill ``units``, (n_numbers, n_streams), with a float in [0, 1) for each number and stream."""
    for row in range(len(numbers)):
        for column in range(len(streams)):
            word, _, _, _ = rng.words(seed, streams[column], numbers[row], np.uint64(0))
            units[row, column] = rng.uniform(word)


@dataclass(frozen=True, slots=True)
class SobolSampler(_Unlearning):
    """Points that fill the space evenly: scipy's Sobol sequence, scrambled by the seed (Owen, 1998).

    Best balanced where the number of trials is a power of two. A run of numbers is found from the first one on, which
    takes scipy's ``fast_forward`` a few nanoseconds for each point before it.
    """

    space: Space
    seed: int

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these numbers."""
        from scipy.stats import qmc  # noqa: PLC0415 -- half a second, which others need not wait

        engine = qmc.Sobol(len(self.space.dimensions), scramble=True, rng=self.seed)
        points: dict[int, Point] = {}
        for first, count in _runs(numbers):
            for number, units in enumerate(_drawn(engine, first, count).tolist(), first):
                points[number] = self.space.unit_point(units)
        return [points[number] for number in numbers]


def _drawn(engine: qmc.Sobol, first: int, count: int) -> NDArray[np.float64]:
    """Return the points ``first`` to ``first + count`` of a sequence that is not beyond them, (count, dimensions)."""
    if first > engine.num_generated:
        engine.fast_forward(first - engine.num_generated)
    if engine.num_generated:
        return np.asarray(engine.random(count))
    # The first draw warns unless it is of a power of two: whether all trials are one is the sweep's choice.
    alone = engine.random(1)
    return np.concatenate([alone, engine.random(count - 1)]) if count > 1 else np.asarray(alone)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, count) of each run of consecutive numbers, in order."""
    inner = sorted(set(numbers))
    starts = [place for place, number in enumerate(inner) if not place or number != inner[place - 1] + 1]
    for start, end in zip(starts, [*starts[1:], len(inner)], strict=True):
        yield inner[start], end - start


def sampler_of(sweep: Sweep) -> Sampler:
    """Return the sampler that a sweep names."""
    space, sampling = sweep.space, sweep.sampler
    if sampling.kind is SamplerKind.GRID:
        return GridSampler(space)
    if sampling.kind is SamplerKind.RANDOM:
        return RandomSampler(space, sampling.seed)
    if sampling.kind is SamplerKind.SOBOL:
        return SobolSampler(space, sampling.seed)
    from simulation.sweeping.optuna_study import optuna_study  # noqa: PLC0415 -- others need not wait for Optuna

    return AdaptiveSampler(space, optuna_study(sweep), sampling.batch)
