"""A worker of a sweep: trades whole cohorts of trials on a market, and keeps nothing between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.market.segment import terms_of
from simulation.sweeping.figures import figure
from simulation.sweeping.samplers import sampler_of
from simulation.trials import TRIAL, Setter, advance, columns_of, results
from storage.trial_rows import CohortBatch, Results, SweepContext, batch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.market.segment import Segment, TokenInfo
    from simulation.scenario import AccountSpec
    from simulation.sweeping.settings import Sweep
    from simulation.sweeping.space import Point
    from simulation.trading.rules import Rules


@dataclass(frozen=True, slots=True)
class Terms:
    """What a worker must know of a market beside its segments."""

    account: AccountSpec
    tokens: tuple[TokenInfo, ...]
    rules: Rules
    periods_per_year: float


@dataclass(frozen=True, slots=True)
class Task:
    """Some consecutive points of a sweep on one of its markets."""

    market: int
    first_point: int
    n_points: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the conductor sees of a cohort: counts, and the figures that a sampler learns from."""

    trials: int
    skipped: int
    failed: int
    session_blocks: int
    figures: Any
    """(n_points, n_figures): by point, in the order of the sweep's objectives; nan where there is none."""


class TrialWorker:
    """A function of the task and the market, so that it may die at any time."""

    def __init__(
        self, sweep: Sweep, markets: Sequence[Terms], sweep_id: Any, prefix: int, conductor: int, number: int
    ) -> None:
        self._sweep, self._markets = sweep, tuple(markets)
        self._sweep_id, self._prefix, self._conductor = sweep_id, prefix, conductor
        self._number = number
        self._sampler = sampler_of(sweep)
        self._space = sweep.space
        self._setters: dict[int, Setter] = {}

    def __repr__(self) -> str:
        return f"TrialWorker({self._sweep.name}, {self._number})"

    def trade(self, task: Task, points: Sequence[Point] | None, *segments: Segment) -> tuple[Receipt, CohortBatch]:
        """Trade a task's points through all segments of its market, from the first block to the last.

        ``points`` are those of a sampler that learns; one that does not is asked here.
        """
        numbers = range(task.first_point, task.first_point + task.n_points)
        asked = self._sampler.ask(numbers) if points is None else points
        kept = [(number, point) for number, point in zip(numbers, asked, strict=True) if self._space.allows(point)]
        traded = self._traded(task.market, kept, segments)
        return self._receipt(task, traded), batch_of(traded, self._conductor, task.first_point, task.n_points)

    def _traded(self, market: int, kept: Sequence[tuple[int, Point]], segments: Sequence[Segment]) -> Results:
        terms = self._markets[market]
        context = SweepContext(self._sweep_id, self._prefix, terms.periods_per_year)
        if not kept:
            return Results(context, market, [], [], [], np.zeros(0, TRIAL), np.zeros((0, 0)))
        numbers, points = [number for number, _ in kept], [point for _, point in kept]
        if market not in self._setters:
            self._setters = {market: Setter(terms.account, terms.tokens, terms.rules)}
        cohort, errors = self._setters[market].cohort(columns_of(points))
        pool_terms, parts = terms_of(terms.tokens), []
        for segment in segments:
            cohort, returns = advance(cohort, segment, pool_terms, terms.rules)
            parts.append(returns)
        told, returns = results(cohort), np.concatenate(parts, axis=1)
        failed = errors != ""
        told[failed], returns[failed] = _untraded(told[failed]), 0.0
        return Results(context, market, numbers, points, errors.tolist(), told, returns)

    def _receipt(self, task: Task, traded: Results) -> Receipt:
        failed = np.array([bool(error) for error in traded.errors], bool)
        figures = np.full((task.n_points, len(self._sweep.objectives)), np.nan)
        rows = np.array(traded.numbers, np.int64) - task.first_point
        for place, objective in enumerate(self._sweep.objectives):
            values = figure(objective.figure, traded.kept)
            values[failed] = np.nan
            figures[rows, place] = values
        return Receipt(
            trials=len(traded.numbers),
            skipped=task.n_points - len(traded.numbers),
            failed=int(failed.sum()),
            session_blocks=int(traded.told["next_block"].sum()),
            figures=figures,
        )


def _untraded(told: Any) -> Any:
    """Return the records of trials that could not be run: the balance of their account, and nothing else."""
    nothing = np.zeros(len(told), TRIAL)
    nothing["initial_micro_usd"] = nothing["equity_micro_usd"] = told["initial_micro_usd"]
    return nothing
