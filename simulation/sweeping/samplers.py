"""Which point each trial number is: grid, random and Sobol, as functions of the number; Optuna by its batches.

``ask`` gives the points of some numbers, ``tell`` takes what became of them. The three built in answer any number at
any time and learn nothing, and give the points of many numbers as columns at once; those of Optuna (``adaptive``)
answer batch by batch. Either way the points depend on the sweep file and the results alone, never on the order in which
results arrive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulation import rng
from simulation.jit import compiled
from simulation.sweeping.adaptive import AdaptiveSampler
from simulation.sweeping.columns import points_of
from simulation.sweeping.settings import ADAPTIVE, SamplerKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.stats import qmc

    from simulation.sweeping.columns import Column
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


class Unlearning(ABC):
    """Chooses without regard to results."""

    __slots__ = ()

    @abstractmethod
    def columns(self, numbers: NDArray[np.int64]) -> list[Column]:
        """Return the points of these numbers, (n_points,), as columns in the order of the sweep file."""

    def ask(self, numbers: Sequence[int]) -> list[Point]:
        """Return the points of these numbers."""
        return points_of(self.columns(np.array(numbers, np.int64)))

    def tell(self, numbers: Sequence[int], results: Sequence[Results]) -> None:  # noqa: B027 -- that is all it does
        """Take results and learn nothing."""


@dataclass(frozen=True, slots=True)
class GridSampler(Unlearning):
    """Every combination once, the last dimension changing fastest."""

    space: Space

    def columns(self, numbers: NDArray[np.int64]) -> list[Column]:
        """Return the points of these numbers."""
        return self.space.grid(numbers)


@dataclass(frozen=True, slots=True)
class RandomSampler(Unlearning):
    """Independent points: each field's value is a function of the seed, the path of the field and the number."""

    space: Space
    seed: int

    def columns(self, numbers: NDArray[np.int64]) -> list[Column]:
        """Return the points of these numbers."""
        streams = [rng.Stream.SWEEP | rng.key_of(part.path) for part in self.space.dimensions]
        units = np.empty((len(numbers), len(streams)))
        _draw(np.uint64(self.seed), np.array(streams, np.uint64), numbers.astype(np.uint64), units)
        return self.space.at(units)


@compiled
def _draw(seed, streams, numbers, units):
    """Fill ``units``, (n_numbers, n_streams), with a float in [0, 1) for each number and stream."""
    for row in range(len(numbers)):
        for column in range(len(streams)):
            word, _, _, _ = rng.words(seed, streams[column], numbers[row], np.uint64(0))
            units[row, column] = rng.uniform(word)


@dataclass(frozen=True, slots=True)
class SobolSampler(Unlearning):
    """Points that fill the space evenly: scipy's Sobol sequence, scrambled by the seed (Owen, 1998).

    Best balanced where the number of trials is a power of two. A run of numbers is found from the first one on, which
    takes scipy's ``fast_forward`` a few nanoseconds for each point before it.
    """

    space: Space
    seed: int

    def columns(self, numbers: NDArray[np.int64]) -> list[Column]:
        """Return the points of these numbers."""
        from scipy.stats import qmc  # noqa: PLC0415 -- half a second, which others need not wait

        engine = qmc.Sobol(len(self.space.dimensions), scramble=True, rng=self.seed)
        inner, which = np.unique(numbers, return_inverse=True)
        runs = np.split(inner, np.flatnonzero(np.diff(inner) > 1) + 1)
        units = np.concatenate([_drawn(engine, run) for run in runs])
        return self.space.at(units[which])


def _drawn(engine: qmc.Sobol, run: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return these consecutive points of a sequence that is not beyond them, (n_points, n_dimensions)."""
    if not len(run):
        return np.empty((0, engine.d))
    if run[0] > engine.num_generated:
        engine.fast_forward(int(run[0]) - engine.num_generated)
    if engine.num_generated:
        return np.asarray(engine.random(len(run)))
    # The first draw warns unless it is of a power of two: whether all trials are one is the sweep's choice.
    return np.concatenate([engine.random(1), engine.random(len(run) - 1)])


def sampler_of(sweep: Sweep) -> Sampler:
    """Return the sampler that a sweep names."""
    if sweep.sampler.kind not in ADAPTIVE:
        return unlearning_of(sweep)
    from simulation.sweeping.optuna_study import optuna_study  # noqa: PLC0415 -- others need not wait for Optuna

    return AdaptiveSampler(sweep.space, optuna_study(sweep), sweep.sampler.batch)


def unlearning_of(sweep: Sweep) -> Unlearning:
    """Return the sampler that a sweep names, which is none that learns."""
    space, sampling = sweep.space, sweep.sampler
    if sampling.kind is SamplerKind.GRID:
        return GridSampler(space)
    if sampling.kind is SamplerKind.RANDOM:
        return RandomSampler(space, sampling.seed)
    assert sampling.kind is SamplerKind.SOBOL, "nothing else learns nothing"
    return SobolSampler(space, sampling.seed)
