"""A worker of a sweep: trades cohorts of trials from rung to rung of a market, and keeps nothing between two calls.

What the next call needs of this one is handed back with what the conductor looks at, and goes by reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.analysts import UnusableAnalystError, load, searched_by
from actors.listening import listen_to_all
from actors.warming import compile_sessions, settle
from simulation.copies import taken
from simulation.intelligence.roster import AnalystSpec
from simulation.market.segment import terms_of
from simulation.sweeping.columns import columns_of
from simulation.sweeping.figures import figure
from simulation.sweeping.samplers import unlearning_of
from simulation.sweeping.settings import ADAPTIVE
from simulation.trials import TRIAL, Setter, advance, results
from storage.trial_rows import CohortBatch, Results, SweepContext, batch_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from simulation.autopilot.knowledge import Knowledge
    from simulation.cohort import Cohort
    from simulation.market.segment import Breakdown, Segment, TokenInfo
    from simulation.scenario import AccountSpec
    from simulation.sweeping.columns import Column
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
    is_tuned: bool
    """Whether Auto Pilot may change anything; if so, no segment spans a review."""
    knowledge: Knowledge
    """What it has learned in earlier runs."""


@dataclass(frozen=True, slots=True)
class Task:
    """Some consecutive points of a sweep on one of its markets."""

    market: int
    first_point: int
    n_points: int
    points: tuple[Point, ...] | None = None
    """Those of a sampler that learns; one that does not is asked by the worker."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A cohort at a rung: all of those that came so far, and the rows of those that ended before."""

    task: Task
    legs: int
    """How many have been traded: to the first rung, from rung to rung, and from the last one to the end."""
    numbers: NDArray[np.int64]
    """Of the points that came so far, (n_trials,)."""
    columns: list[Column]
    """Their points."""
    cohort: Cohort
    analysts: tuple[AnalystSpec, ...]
    """To which the sessions listen, each by its row; none where all listen to the market's."""
    policies: NDArray[np.void] | None
    """POLICY, (n_trials,), where Auto Pilot tunes."""
    returns: NDArray[np.float64]
    """Of each period, (n_trials, n_periods)."""
    skipped: int
    failed: int
    ended: bytes
    """COPY text."""

    def only(self, rows: NDArray[np.bool_]) -> Carried:
        """Return it with some of its trials alone, (n_trials,); where that is not all, it shares nothing with this."""
        if rows.all():
            return self
        return replace(
            self,
            numbers=self.numbers[rows],
            columns=[column.only(rows) for column in self.columns],
            cohort=self.cohort.some(rows),
            policies=None if self.policies is None else taken(self.policies, rows),
            returns=self.returns[rows],
        )

    @property
    def blocks(self) -> int:
        """How many blocks its trials have traded, all together."""
        return int(self.cohort.sessions["next_block"].sum())


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the conductor sees of a cohort after a leg: counts of its trials so far, and the figures of this leg."""

    trials: int
    """That have ended."""
    skipped: int
    failed: int
    pruned: int
    session_blocks: int
    """Traded in this leg."""
    figures: Any
    """(n_points, n_figures): by point, in the order of the sweep's objectives; nan for those not traded in this leg."""


ANALYSTS_MAX = 256
"""So many analysts a worker keeps."""


class TrialWorker:
    """A function of what it is given, so that it may die at any time.

    ``folder`` is where the modules of plug-ins are looked for first; the current one where it is None.
    """

    def __init__(
        self,
        sweep: Sweep,
        markets: Sequence[Terms],
        sweep_id: Any,
        prefix: int,
        conductor: int,
        number: int,
        folder: str | None = None,
    ) -> None:
        compile_sessions()
        self._folder, self._analysts = folder, dict[str, Any]()
        self._sweep, self._markets = sweep, tuple(markets)
        self._sweep_id, self._prefix, self._conductor = sweep_id, prefix, conductor
        self._number = number
        self._sampler = None if sweep.sampler.kind in ADAPTIVE else unlearning_of(sweep)
        self._space = sweep.space
        self._setters: dict[int, Setter] = {}
        if sweep.varies_analyst:  # where a module is missing no trial may begin: its row would depend on the node
            searched_by(markets[0].account, self._space, folder)
        settle()

    def __repr__(self) -> str:
        return f"TrialWorker({self._sweep.name}, {self._number})"

    def trade(
        self, cohort: Task | Carried, goes_on: NDArray[np.bool_] | None, *segments: Segment
    ) -> tuple[Receipt, Carried | CohortBatch]:
        """Trade a cohort through the segments of its next leg; return what is seen of it, and what is to be handed on.

        A Task begins it. ``goes_on``, (n_points,), says which points of a Carried go on; the others are pruned. With
        the last leg it ends, and what is handed on is its batch.
        """
        begun = self._begun(cohort) if isinstance(cohort, Task) else self._thinned(cohort, goes_on)
        carried, session_blocks = self._advanced(begun, segments)
        came = self._results(carried)
        is_last = carried.legs > len(self._sweep.rungs)
        receipt = self._receipt(carried, came, session_blocks, is_last=is_last)
        return receipt, self._batch(carried, came) if is_last else carried

    def _begun(self, task: Task) -> Carried:
        """Return a cohort before its first block; those that cannot be run have ended."""
        numbers = np.arange(task.first_point, task.first_point + task.n_points)
        asked = self._columns(task, numbers)
        allowed = self._space.allowed(asked)
        numbers, columns = numbers[allowed], [column.only(allowed) for column in asked]
        setter, analysts = self._setter(task.market), list[AnalystSpec]()
        cohort, errors = setter.cohort(columns)
        if self._sweep.varies_analyst:
            analysts, cohort.sessions["analyst"] = setter.analysts(columns)
            errors = np.where(errors == "", self._refusals(analysts)[cohort.sessions["analyst"]], errors)
        begun = Carried(
            task,
            legs=0,
            numbers=numbers,
            columns=columns,
            cohort=cohort,
            analysts=tuple(analysts),
            policies=setter.policies(columns, cohort) if self._markets[task.market].is_tuned else None,
            returns=np.zeros((len(numbers), 0)),
            skipped=task.n_points - len(numbers),
            failed=0,
            ended=b"",
        )
        return self._without_failed(begun, errors)

    def _without_failed(self, carried: Carried, errors: NDArray[np.object_]) -> Carried:
        """Return a cohort without the trials that have an error, (n_trials,), which have ended."""
        failed = errors != ""
        if not failed.any():
            return carried
        ended = self._results(carried.only(failed))
        nothing = np.zeros((len(ended.numbers), 0))
        ended = replace(ended, errors=errors[failed].tolist(), told=_untraded(ended.told), returns=nothing)
        n_failed = carried.failed + len(ended.numbers)
        return replace(carried.only(~failed), failed=n_failed, ended=carried.ended + rows_of(ended))

    def _columns(self, task: Task, numbers: NDArray[np.int64]) -> list[Column]:
        """Return the points of a task, those included that a constraint skips."""
        if task.points is not None:
            return columns_of(task.points)
        assert self._sampler is not None, "the conductor asks a sampler that learns"
        return self._sampler.columns(numbers)

    def _thinned(self, carried: Carried, goes_on: NDArray[np.bool_] | None) -> Carried:
        """Return a cohort without those that the rung ends."""
        assert goes_on is not None, "a rung decides"
        stays = goes_on[carried.numbers - carried.task.first_point]
        pruned = replace(self._results(carried.only(~stays)), status="PRUNED")
        left = carried.only(stays)
        cohort = left.cohort.copy() if left is carried else left.cohort  # another worker may be given it again
        return replace(left, cohort=cohort, ended=carried.ended + rows_of(pruned))

    def _advanced(self, carried: Carried, segments: Sequence[Segment]) -> tuple[Carried, int]:
        """Return a cohort after one more leg, traded where it lies, and how many blocks that were, all together.

        Trials whose analyst has failed on the way have ended.
        """
        if not len(carried.numbers):
            return replace(carried, legs=carried.legs + 1), 0
        terms, before = self._markets[carried.task.market], carried.blocks
        heard = self._heard(carried, segments) if carried.analysts else segments
        cohort, returns, breakdowns = advance(
            carried.cohort, heard, terms_of(terms.tokens), terms.rules, carried.policies, terms.knowledge
        )
        returns = np.concatenate([carried.returns, returns], axis=1)
        carried = replace(carried, cohort=cohort, returns=returns, legs=carried.legs + 1)
        session_blocks = carried.blocks - before
        if any(breakdowns):
            told = np.array([f"{one}" if one else "" for one in breakdowns], np.object_)
            carried = self._without_failed(carried, told[cohort.sessions["analyst"]])
        return carried, session_blocks

    def _heard(self, carried: Carried, segments: Sequence[Segment]) -> Iterator[Segment]:
        """Yield segments with what the analysts say in them to whom trials of a cohort listen."""
        tokens, asked = self._markets[carried.task.market].tokens, set(carried.cohort.sessions["analyst"].tolist())
        analysts = [
            (spec.name, self._analyst(spec) if row in asked else None) for row, spec in enumerate(carried.analysts)
        ]
        breakdowns: tuple[Breakdown | None, ...] = (None,) * len(analysts)
        for segment in segments:
            assert segment.past is not None, "the market was asked to keep it"
            mids, gas = (np.concatenate(parts) for parts in zip(segment.past, (segment.mids, segment.gas), strict=True))
            signals, breakdowns = listen_to_all(analysts, breakdowns, segment.first_block, mids, gas, tokens)
            yield replace(segment, signals=signals, breakdowns=breakdowns)

    def _refusals(self, analysts: Sequence[AnalystSpec]) -> NDArray[np.object_]:
        """Return why each of the analysts cannot be had, nothing where it can, (n_analysts,)."""
        found = [self._analyst(spec) for spec in analysts]
        return np.array([one if isinstance(one, str) else "" for one in found], np.object_)

    def _analyst(self, spec: AnalystSpec) -> Any:
        """Return an analyst, or why it cannot be had."""
        key = repr((spec.name, sorted(spec.parameters.items())))
        if key not in self._analysts:
            if len(self._analysts) >= ANALYSTS_MAX:
                self._analysts.clear()
            try:
                self._analysts[key] = load(spec, self._folder)
            except UnusableAnalystError as error:
                self._analysts[key] = str(error)
        return self._analysts[key]

    def _results(self, carried: Carried) -> Results:
        """Return what a cohort's trials have come to."""
        numbers = carried.numbers.tolist()
        return Results(
            self._context(carried.task.market),
            carried.task.market,
            numbers,
            carried.columns,
            [""] * len(numbers),
            results(carried.cohort),
            carried.returns,
        )

    def _receipt(self, carried: Carried, came: Results, session_blocks: int, *, is_last: bool) -> Receipt:
        task = carried.task
        figures = np.full((task.n_points, len(self._sweep.objectives)), np.nan)
        for place, objective in enumerate(self._sweep.objectives):
            figures[carried.numbers - task.first_point, place] = figure(objective.figure, came.kept)
        begun = task.n_points - carried.skipped
        pruned = begun - carried.failed - len(carried.numbers)
        return Receipt(
            trials=begun if is_last else carried.failed + pruned,
            skipped=carried.skipped,
            failed=carried.failed,
            pruned=pruned,
            session_blocks=session_blocks,
            figures=figures,
        )

    def _batch(self, carried: Carried, came: Results) -> CohortBatch:
        """Return all trials of a cohort that has come to its end."""
        task = carried.task
        rows = carried.ended + rows_of(came)
        place = task.market, task.first_point, task.n_points
        return batch_of(self._context(task.market), self._conductor, *place, carried.skipped, rows)

    def _setter(self, market: int) -> Setter:
        if market not in self._setters:
            terms = self._markets[market]
            self._setters = {market: Setter(terms.account, terms.tokens, terms.rules)}
        return self._setters[market]

    def _context(self, market: int) -> SweepContext:
        return SweepContext(self._sweep_id, self._prefix, self._markets[market].periods_per_year)


def _untraded(told: Any) -> Any:
    """Return the records of trials that could not be run: the balance of their account, and nothing else."""
    nothing = np.zeros(len(told), TRIAL)
    nothing["initial_micro_usd"] = nothing["equity_micro_usd"] = told["initial_micro_usd"]
    return nothing
