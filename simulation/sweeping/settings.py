"""A sweep file: which fields vary and how, on which markets, by which figures, and how the points are chosen.

Frozen pydantic models like those of a scenario; the JSON Schema of the file is theirs. The base scenario is a path or
stands in the file; whoever reads files resolves it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from simulation.settings.base import Name, Part
from simulation.settings.market import Recorded, Regime
from simulation.sweeping.constraints import Constraint, parsed
from simulation.sweeping.fields import is_heard
from simulation.sweeping.mistakes import mistake
from simulation.sweeping.space import Continuous, Listed, Space
from simulation.sweeping.varying import Vary  # noqa: TC001 -- pydantic reads the annotations

if TYPE_CHECKING:
    from simulation.sweeping.fields import Value

TRIALS_MAX = 10**12
SOBOL_TRIALS_MAX = 2**30
"""Sobol sequences of scipy have 30 bits."""

DIMENSIONS_MAX = 100

CARRIED_TRIALS_MAX = 131_072
"""Of one bracket on all its markets: between two rungs each takes about five kilobytes."""


class MarketChoice(Part):
    """What one market of a sweep changes in the base scenario; None leaves it."""

    seed: int | None = None
    regime: Regime | None = None
    recording: Recorded | None = None


class Markets(Part):
    """The markets that every point is tried on: each seed with each regime and each recording."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field((), max_length=100_000)
    """By default that of the base scenario."""
    regimes: tuple[Regime, ...] = Field((), max_length=len(Regime))
    """Of a synthetic market."""
    recordings: tuple[Recorded, ...] = Field((), max_length=1_000)
    """Each is replayed as a market of its own."""

    @field_validator("seeds", "regimes", "recordings")
    @classmethod
    def _check_twice(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        shown = [str(entry) for entry in entries]
        if len(set(shown)) < len(shown):
            raise ValueError("has an entry twice, which is no further market")
        return entries

    @property
    def size(self) -> int:
        """How many markets there are."""
        return max(len(self.seeds), 1) * max(len(self.regimes) + len(self.recordings), 1)

    def choice(self, number: int) -> MarketChoice:
        """Return market ``number``; the seed changes last."""
        weathers: list[dict[str, Any]] = [{"regime": regime} for regime in self.regimes]
        weathers += [{"recording": recording} for recording in self.recordings]
        seed, weather = divmod(number, max(len(weathers), 1))
        chosen = weathers[weather] if weathers else {}
        return MarketChoice(seed=self.seeds[seed] if self.seeds else None, **chosen)


class Figure(StrEnum):
    """What a trial is judged by."""

    SHARPE_RATIO = "sharpe_ratio"
    RETURN_PERCENT = "return_percent"
    MAX_DRAWDOWN_PERCENT = "max_drawdown_percent"
    PROFIT_FACTOR = "profit_factor"
    WIN_RATE_PERCENT = "win_rate_percent"
    TOTAL_TRADES = "total_trades"
    FAILED_TRADES = "failed_trades"
    GAS_PAID_USD = "gas_paid_usd"


class Direction(StrEnum):
    """Whether more or less of a figure is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Across(StrEnum):
    """How the figures of one point on several markets become one."""

    MEAN = "mean"
    MEDIAN = "median"
    WORST = "worst"


class Objective(Part):
    """One figure that the sweep makes good."""

    figure: Figure = Figure.SHARPE_RATIO
    direction: Direction = Direction.MAXIMIZE
    across: Across = Across.MEAN


class SamplerKind(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    TPE = "optuna:tpe"
    CMAES = "optuna:cmaes"
    NSGA2 = "optuna:nsga2"


ADAPTIVE = (SamplerKind.TPE, SamplerKind.CMAES, SamplerKind.NSGA2)


class Sampling(Part):
    """Which sampler chooses the points, and what it depends on."""

    kind: SamplerKind = SamplerKind.RANDOM
    seed: int = Field(1, ge=0, lt=2**32)
    batch: int = Field(64, ge=1, le=10_000)
    """Points that a sampler of Optuna chooses at once, knowing the results of all batches before."""


class Rung(Part):
    """A part of each market after which the worse points end."""

    at_percent: float = Field(gt=0, lt=100)
    """Of the blocks of a market; rounded up to a whole review period."""
    keep_percent: float = Field(50, gt=0, lt=100)
    """Of the points of a bracket that have come so far; the best go on, one at least."""


class Sweep(Part):
    """Everything that defines a search."""

    name: Name = "unnamed"
    scenario: Annotated[
        Any, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]})
    ]
    """The base: a path to a scenario file, or a scenario itself."""
    account: Name | None = None
    """Whose fields vary, by name; by default the first account. The others are not traded."""
    vary: dict[str, Vary] = Field(min_length=1, max_length=DIMENSIONS_MAX)
    """How each field varies, by its path within the account, such as strategy.stop_loss_percent."""
    constraints: tuple[str, ...] = Field((), max_length=100)
    """Comparisons of two varied fields, such as strategy.stop_loss_percent <= strategy.take_profit_percent."""
    markets: Markets = Markets()
    objectives: tuple[Objective, ...] = Field((Objective(),), min_length=1, max_length=8)
    """The first one sorts; several have a Pareto front."""
    trials: int | None = Field(None, ge=1, le=TRIALS_MAX)
    """Points to try, each on every market; a grid tries all of its own."""
    sampler: Sampling = Sampling()
    rungs: tuple[Rung, ...] = Field((), max_length=20)
    """Successive halving: where the worse points are pruned, in the order of their blocks."""
    bracket: int = Field(4_096, ge=2, le=CARRIED_TRIALS_MAX)
    """So many consecutive points are compared with one another at a rung; of a sampler of Optuna, each batch."""

    @field_validator("scenario")
    @classmethod
    def _check_scenario(cls, value: Any) -> Any:
        if not isinstance(value, str | dict) or not value:
            raise ValueError(f"{value!r} is neither a path nor a scenario")
        return value

    @field_validator("vary")
    @classmethod
    def _check_fields(cls, vary: dict[str, Vary]) -> dict[str, Vary]:
        for path, how in vary.items():
            try:
                how.dimension(path)
            except ValueError as error:
                raise mistake(str(error), path) from error
        return vary

    @field_validator("constraints")
    @classmethod
    def _check_written(cls, constraints: tuple[str, ...]) -> tuple[str, ...]:
        for number, constraint in enumerate(constraints):
            try:
                parsed(constraint)
            except ValueError as error:
                raise mistake(str(error), number) from error
        return constraints

    @field_validator("objectives")
    @classmethod
    def _check_figures(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        figures = [objective.figure for objective in objectives]
        if len(set(figures)) < len(figures):
            raise ValueError("has a figure twice")
        return objectives

    @field_validator("rungs")
    @classmethod
    def _check_rungs(cls, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
        for lower, higher in pairwise(rungs):
            if higher.at_percent <= lower.at_percent:
                raise ValueError(f"at_percent {higher.at_percent} is not after {lower.at_percent}")
        return rungs

    @model_validator(mode="after")
    def _check_constraints(self) -> Sweep:
        for number, constraint in enumerate(self._parsed_constraints()):
            pair = (constraint.left, constraint.right)
            for path in pair:
                if path not in self.vary:
                    raise mistake(f"names {path}, which does not vary", "constraints", number)
            if len({isinstance(value, str) for path in pair for value in self._examples(path)}) > 1:
                raise mistake("compares a text with a number", "constraints", number)
        return self

    @model_validator(mode="after")
    def _check_budget(self) -> Sweep:
        kind = self.sampler.kind
        if kind is SamplerKind.GRID:
            self._check_grid()
        elif self.trials is None:
            raise mistake(f"is missing; sampler {kind} must be told how many points to try", "trials")
        elif kind is SamplerKind.SOBOL and self.trials > SOBOL_TRIALS_MAX:
            raise mistake(f"{self.trials} are more than the {SOBOL_TRIALS_MAX} of a Sobol sequence", "trials")
        if kind is SamplerKind.CMAES and len(self.objectives) > 1:
            raise mistake("are several, and optuna:cmaes knows one; take optuna:nsga2", "objectives")
        return self

    @model_validator(mode="after")
    def _check_bracket(self) -> Sweep:
        carried = self.bracket_points * self.markets.size
        if self.rungs and carried > CARRIED_TRIALS_MAX:
            path = ("sampler", "batch") if self.sampler.kind in ADAPTIVE else ("bracket",)
            points = f"{self.bracket_points:,} points on {self.markets.size:,} markets"
            raise mistake(
                f"{points} are {carried:,} trials carried at once; {CARRIED_TRIALS_MAX:,} are the most", *path
            )
        return self

    def _check_grid(self) -> None:
        for path, how in self.vary.items():
            if isinstance(how.dimension(path), Continuous):
                raise mistake("has no end of values for a grid; give values or a step", "vary", path, how.way)
        if self.trials is not None:
            raise mistake("goes with the other samplers; a grid tries all of its points", "trials")
        if self.n_points > TRIALS_MAX:
            raise mistake(f"makes a grid of {self.n_points:,} points; {TRIALS_MAX:,} are the most", "vary")

    @property
    def unused(self) -> dict[tuple[str, ...], str]:
        """The fields that nothing of this sweep depends on, by their path, each with why."""
        kind = self.sampler.kind
        told: dict[tuple[str, ...], str] = {}
        if not self.rungs:
            told["bracket",] = "is what is compared at rungs, and there are none; give rungs, or leave it out"
        elif kind in ADAPTIVE:
            told["bracket",] = f"is the batch of sampler {kind}; give sampler.batch instead"
        if kind not in ADAPTIVE:
            told["sampler", "batch"] = f"goes with a sampler of Optuna; leave it out, as {kind} learns from no results"
        if kind is SamplerKind.GRID:
            told["sampler", "seed"] = "goes with the other samplers; leave it out, as a grid draws nothing"
        return told

    @property
    def varies_analyst(self) -> bool:
        """Whether each trial listens to an analyst of its own, or to one with parameters of its own."""
        return any(is_heard(path) for path in self.vary)

    @property
    def n_analysts(self) -> int:
        """How many combinations of an analyst and its parameters the trials have at most."""
        heard = [dimension for dimension in self.space.dimensions if is_heard(dimension.path)]
        sizes = (dimension.size if isinstance(dimension, Listed) else self.n_points for dimension in heard)
        return min(math.prod(sizes), self.n_points)

    @cached_property
    def space(self) -> Space:
        """What is searched; made once, since a field may have a million values and each is held against it."""
        dimensions = tuple(how.dimension(path) for path, how in self.vary.items())
        return Space(dimensions, self._parsed_constraints())

    @property
    def may_repeat(self) -> bool:
        """Whether two points may have the same setting; those of a grid never do."""
        return self.sampler.kind is not SamplerKind.GRID

    @property
    def n_points(self) -> int:
        """Points to try on each market, those included that a constraint skips."""
        if self.trials is not None:
            return self.trials
        size = self.space.size
        assert size is not None, "a grid was checked to have no continuous dimension"
        return size

    @property
    def bracket_points(self) -> int:
        """So many consecutive points are compared with one another at each rung, and committed together."""
        return min(self.sampler.batch if self.sampler.kind in ADAPTIVE else self.bracket, self.n_points)

    def _parsed_constraints(self) -> tuple[Constraint, ...]:
        return tuple(parsed(constraint) for constraint in self.constraints)

    def _examples(self, path: str) -> tuple[Value, ...]:
        """Return values of a field of all kinds that it has: the listed ones, or a number."""
        dimension = self.vary[path].dimension(path)
        if isinstance(dimension, Continuous):
            return (dimension.rounded(dimension.low),)
        return dimension.values if isinstance(dimension.values, tuple) else (dimension.values[0],)
