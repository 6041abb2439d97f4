"""Optuna's samplers as studies that are asked and told: TPE, CMA-ES and NSGA-II.

Chooses the index of a listed value and the number of a continuous one, so that Optuna knows which values are near one
another. A trial without results is a failed one to it. A pruned one is told as such, with its figure at the rung: TPE
ranks it below all that ran to the end, and evolution leaves it out. Told as a result, that figure would be one of a
short time among those of the whole, whose noise would often look best.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from simulation.sweeping.halving import Pruned
from simulation.sweeping.settings import SamplerKind
from simulation.sweeping.space import Continuous

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.sweeping.samplers import Results
    from simulation.sweeping.settings import Sweep
    from simulation.sweeping.space import Dimension, Point, Space

_LEAST_POPULATION = 4
"""What evolution needs to choose among, however small the batches are."""

_SAMPLERS: dict[SamplerKind, Callable[[int, int], Any]] = {
    SamplerKind.TPE: lambda seed, _: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
    SamplerKind.CMAES: lambda seed, population: optuna.samplers.CmaEsSampler(
        seed=seed, popsize=population, warn_independent_sampling=False
    ),
    SamplerKind.NSGA2: lambda seed, population: optuna.samplers.NSGAIISampler(seed=seed, population_size=population),
}
"""Each by its seed and its population, which is a batch."""


class OptunaStudy:
    """A study in memory; its trials are those of the sweep, by the same numbers."""

    def __init__(self, space: Space, study: Any) -> None:
        """Take an empty study of Optuna."""
        self._space, self._study = space, study
        self._distributions = {part.path: _distribution(part) for part in space.dimensions}
        self._chosen: dict[int, Any] = {}

    def choose(self) -> Point:
        """Return the next point."""
        trial = self._study.ask(self._distributions)
        self._chosen[trial.number] = trial
        return {part.path: _value(part, trial.params[part.path]) for part in self._space.dimensions}

    def learn(self, number: int, results: Results) -> None:
        """Take the results of point ``number``."""
        trial = self._chosen.pop(number)
        if isinstance(results, Pruned):
            if len(self._study.directions) == 1:  # Optuna compares pruned trials by one figure or not at all
                trial.report(results.figure, results.periods)
            self._study.tell(trial, state=TrialState.PRUNED)
        elif results is None or any(math.isnan(result) for result in results):
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, list(results))


def optuna_study(sweep: Sweep) -> OptunaStudy:
    """Return an empty study with the sampler, seed and objectives of a sweep."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    population = max(sweep.sampler.batch, _LEAST_POPULATION)
    sampler = _SAMPLERS[sweep.sampler.kind](sweep.sampler.seed, population)
    directions = [objective.direction.value for objective in sweep.objectives]
    return OptunaStudy(sweep.space, optuna.create_study(sampler=sampler, directions=directions))


def _distribution(dimension: Dimension) -> Any:
    if isinstance(dimension, Continuous):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.is_log)
    if dimension.ordered:
        return IntDistribution(0, dimension.size - 1)
    return CategoricalDistribution(list(range(dimension.size)))


def _value(dimension: Dimension, chosen: float) -> Any:
    return dimension.rounded(chosen) if isinstance(dimension, Continuous) else dimension.values[int(chosen)]
