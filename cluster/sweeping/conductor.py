"""The conductor of a sweep: hands cohorts of trials to workers, and what they come to, to the writer.

    Market --Segments of a leg--> TrialWorker --CohortBatch--> TrialWriter --one transaction--> Postgres
                                    ^      |
                                    Carried, from rung to rung

A worker has one cohort at a time, for one leg; how large a cohort should be is measured on the way. Results depend on
none of it. What is large goes by reference: the conductor sees counts and figures.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from actors import remote
from cluster.commit_queue import CommitQueue
from cluster.database import is_of_this_machine
from cluster.market_feed import MarketFeed
from cluster.operator import SweepOperator
from cluster.remote_calls import ACTOR_LOST, VALUE_LOST, Restarts, discard, first_of, result_of
from cluster.sweeping.brackets import Bracket, Uncovered, shared_size
from cluster.sweeping.figures import results_of
from simulation.sweeping.samplers import sampler_of
from simulation.sweeping.settings import ADAPTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from actors.trials import Receipt
    from cluster.patience import Patience
    from cluster.room import Crew
    from cluster.sweeping.brackets import Cohort
    from cluster.sweeping.plan import SweepPlan
    from cluster.tally import Tally
    from simulation.sweeping.space import Point
    from storage.store import Store
    from storage.sweep_records import TrialFigures

FIRST_COHORT = 64
MOST_IN_COHORT = 1_024
"""So that a worker's memory does not grow with the sweep; larger ones are no faster."""
MOST_ANALYSTS = 64
"""As many are heard at once in a cohort: what each says of a segment is held until all have been stepped."""
COHORT_SECONDS = 1.5
"""Long enough that a call costs nothing beside it, short enough that little is done again when a worker dies."""

REPLACED = ("TrialWorker", "TrialWriter", "Market")
"""The classes of actors that a conductor replaces."""

COUNTED = ("trials", "skipped", "failed", "pruned")
"""What a Receipt counts."""


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """Where a sweep is, for whoever watches."""

    trials: int
    n_trials: int
    skipped: int
    failed: int
    pruned: int
    session_blocks: int
    best: float | None
    """Of the first objective, on one market."""
    workers: int
    writer_lag_commits: int
    commit_seconds: Sequence[float]
    """Of the commits that have been acknowledged since the last progress."""
    recoveries: Mapping[str, int]
    """How many actors have been replaced, by their class."""
    is_paused: bool = False
    """Whether it waits for the command that it is to go on."""

    @property
    def restarts(self) -> int:
        """How many actors have been replaced."""
        return sum(self.recoveries.values())


@dataclass(slots=True)
class _Worker:
    number: int
    actor: Any
    restarts: Restarts
    is_idle: bool = True
    started: Any = None
    """What tells that a replacement has found its place; on a full cluster that waits for a node, and others go on."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A call on its way."""

    worker: _Worker
    bracket: Bracket
    cohort: Cohort
    carried: Any
    """What it hands on."""
    started: float


class SweepConductor:
    """Trades every point of a sweep on every market, except what is committed; ``is_interrupted`` asks it to stop."""

    def __init__(
        self,
        plan: SweepPlan,
        sweep_id: UUID,
        prefix: int,
        conductor: int,
        store: Store,
        database_url: str,
        crew: Crew,
        observe: Callable[[SweepProgress], None],
        tally: Tally,
        patience: Patience,
        is_interrupted: Callable[[], bool],
    ) -> None:
        self._plan, self._sweep_id, self._store, self._observe = plan, sweep_id, store, observe
        self._committed = patience(lambda: store.cohorts_of(sweep_id))
        self._share = crew.share
        self._home = remote.Home(is_here=is_of_this_machine(database_url))
        self._identity = sweep_id, prefix, conductor
        self._tally, self._patience = tally, patience
        self._operator = SweepOperator(sweep_id, conductor, store, patience, is_interrupted)
        self._commits = CommitQueue(
            lambda _: remote.spawn_trial_writer(self._home, database_url), 0, patience, self._tally, "TrialWriter"
        )
        self._workers = [
            _Worker(number, self._spawn(number), self._restarts(f"TrialWorker {number}"))
            for number in range(crew.count)
        ]
        self._segments: dict[int, list[list[Any]]] = {}
        self._most = min(MOST_IN_COHORT, MOST_ANALYSTS) if plan.sweep.n_analysts > MOST_ANALYSTS else MOST_IN_COHORT
        self._size = min(FIRST_COHORT, self._most)
        self._counts = dict.fromkeys(COUNTED, 0)
        self._counts["trials"] = sum(n_points - skipped for _, _, n_points, skipped in self._committed)
        self._counts["skipped"] = sum(skipped for _, _, _, skipped in self._committed)
        self._best: float | None = None

    def run(self) -> bool:
        """Trade all trials, or those until the user stops it; tell whether that was all.

        Everything is durable on return, and the actors are gone.
        """
        try:
            for first, end, points in self._rounds():
                self._trade(self._brackets(first, end, points))
                self._commits.drain()
                if self._operator.is_stopping:
                    return False
        except BaseException:
            with suppress(Exception):  # whatever it was that failed is told; what has been traded is not to be lost
                self._commits.drain()
            raise
        else:
            return True
        finally:
            for actor in (*(worker.actor for worker in self._workers), self._commits.writer):
                discard(actor)

    def _rounds(self) -> Iterator[tuple[int, int, Sequence[Point] | None]]:
        """Yield the points from first to before end that are chosen at once: all, or batch by batch to learn from."""
        sweep = self._plan.sweep
        if sweep.sampler.kind not in ADAPTIVE:
            yield 0, sweep.n_points, None
            return
        sampler = sampler_of(sweep)
        for first in range(0, sweep.n_points, sweep.sampler.batch):
            end = min(first + sweep.sampler.batch, sweep.n_points)
            points = sampler.ask(range(first, end))
            yield first, end, points
            numbers = [number for number in range(first, end) if sweep.space.allows(points[number - first])]
            sampler.tell(numbers, results_of(sweep, self._trials(first, end), numbers))

    def _trials(self, first: int, end: int) -> TrialFigures:
        return self._patience(lambda: self._store.trials_between(self._sweep_id, first, end))

    def _brackets(self, first: int, end: int, points: Sequence[Point] | None) -> Iterator[Bracket]:
        """Yield the brackets of a round that are not committed, each as large as is right when it is asked for."""
        sweep = self._plan.sweep
        for start, stop, markets in self._compared(first, end) if sweep.rungs else self._uncovered(first, end):
            mine = None if points is None else points[start - first : stop - first]
            yield Bracket(sweep, start, stop, markets, mine)

    def _compared(self, first: int, end: int) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Yield the points, and all markets, of each bracket that has rungs: those of one are committed together."""
        n_points, there = self._plan.sweep.bracket_points, {start for _, start, _, _ in self._committed}
        for start in range(first, end, n_points):
            if start not in there:
                yield start, min(start + n_points, end), range(len(self._plan.markets))

    def _uncovered(self, first: int, end: int) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Yield the points of cohorts that are not committed, one market after another."""
        n_markets = len(self._plan.markets)
        for market in range(n_markets):
            left = Uncovered(first, end, [(start, count) for on, start, count, _ in self._committed if on == market])
            later = (n_markets - 1 - market) * (end - first)
            while left:
                size = shared_size(self._size, FIRST_COHORT, len(left) + later, len(self._workers))
                yield *left.take(size), (market,)

    def _trade(self, brackets: Iterator[Bracket]) -> None:
        """Trade brackets to their end, the first ones first; where the user stops it, what is under way alone."""
        begun: list[Bracket] = []
        flights: dict[Any, _Flight] = {}
        while True:
            self._send_out(begun, brackets, flights)
            is_over = self._operator.is_stopping or not (begun and self._starting())
            if not flights and is_over:
                return
            self._take_in(begun, flights)

    def _send_out(self, begun: list[Bracket], brackets: Iterator[Bracket], flights: dict[Any, _Flight]) -> None:
        """Give every idle worker what may be traded now, once the operator has nothing against it.

        The operator is asked only where there is something: one who stops a sweep of which all is traded comes late.
        """

        def pause(*, begins: bool) -> None:
            while begins and flights:
                self._take_in(begun, flights)
            self._commits.drain()
            self._observe(self._progress(is_paused=begins))

        is_asked = False
        for worker in self._workers:
            if self._operator.is_stopping:
                return
            if not worker.is_idle or (found := self._next(begun, brackets)) is None:
                continue
            if not is_asked:
                self._operator.halt(pause)
                is_asked = True
            if not self._operator.is_stopping:
                receipt, flight = self._send(worker, *found)
                flights[receipt] = flight

    def _starting(self) -> dict[Any, _Worker]:
        """Return the workers that have no place yet, by what tells when they do."""
        return {worker.started: worker for worker in self._workers if worker.started is not None}

    def _take_in(self, begun: list[Bracket], flights: dict[Any, _Flight]) -> None:
        """Wait until a worker has something to tell, and hand on to the writer what is whole with it."""
        starting, oldest = self._starting(), [*flights][:1]

        def tell(seconds: int) -> None:
            for reference in oldest:
                flights[reference].worker.restarts.tell_of_silence(seconds)

        for reference in first_of([*flights, *starting], tell) or oldest:  # which has as long again
            if reference in starting:
                starting[reference].started, starting[reference].is_idle = None, True
                continue
            flight = flights.pop(reference)
            self._land(flight, reference)
            if batches := flight.bracket.batches:
                self._commits.put(batches)
                begun.remove(flight.bracket)
            self._observe(self._progress())

    def _next(self, begun: list[Bracket], brackets: Iterator[Bracket]) -> tuple[Bracket, Cohort] | None:
        """Return a cohort that may be traded now, of the oldest bracket that has one.

        While a bracket waits for its last cohort at a rung, the workers have the next: one for each is enough.
        """
        for bracket in begun:
            if cohort := bracket.take(self._size):
                return bracket, cohort
        if len(begun) > len(self._workers) or (bracket_begun := next(brackets, None)) is None:
            return None
        begun.append(bracket_begun)
        cohort = bracket_begun.take(self._size)
        assert cohort is not None, "a bracket has points"
        return bracket_begun, cohort

    def _send(self, worker: _Worker, bracket: Bracket, cohort: Cohort) -> tuple[Any, _Flight]:
        """Return the reference to the receipt of a cohort's next leg, and the call that is on its way."""
        legs = self._market(cohort.task.market)
        call = worker.actor.trade.options(num_returns=2)
        given = cohort.carried if cohort.legs else cohort.task
        receipt, carried = call.remote(given, bracket.goes_on(cohort), *legs[cohort.legs])
        worker.is_idle = False
        return receipt, _Flight(worker, bracket, cohort, carried, time.monotonic())

    def _land(self, flight: _Flight, reference: Any) -> None:
        """Take what came of a call; where its worker died, another one has the cohort's leg to trade again."""
        worker = flight.worker
        try:
            receipt = result_of(reference, worker.restarts.tell_of_silence)
        except (*ACTOR_LOST, VALUE_LOST) as lost:
            worker.restarts.note(lost)
            discard(worker.actor)
            worker.actor = self._spawn(worker.number)
            worker.started = worker.actor.__ray_ready__.remote()
            is_lost = isinstance(lost, VALUE_LOST)
            flight.bracket.put_back(flight.cohort, is_lost=is_lost)
            if is_lost:  # it may have been a segment
                self._segments.pop(flight.cohort.task.market, None)
        else:
            self._settle(flight, receipt)
            worker.is_idle = True

    def _settle(self, flight: _Flight, receipt: Receipt) -> None:
        cohort = flight.cohort
        if cohort.legs == 0:
            seconds = time.monotonic() - flight.started
            fitting = int(cohort.task.n_points * COHORT_SECONDS / max(seconds, 1e-3))
            self._size = min(max(fitting, FIRST_COHORT), 4 * self._size, self._most)
        self._count(cohort.receipt, receipt)
        flight.bracket.settle(cohort, flight.carried, receipt)
        if cohort.legs > len(self._plan.sweep.rungs):
            self._note_best(receipt.figures[:, 0])

    def _count(self, before: Receipt | None, now: Receipt) -> None:
        """Count what a leg adds to what its cohort had come to; one that is traded again adds nothing."""
        self._tally.session_blocks += now.session_blocks
        for name in COUNTED:
            self._counts[name] += getattr(now, name) - (getattr(before, name) if before else 0)

    def _note_best(self, figures: Any) -> None:
        if np.isnan(figures).all():
            return
        is_more = self._plan.sweep.objectives[0].direction == "maximize"
        best = float(np.nanmax(figures) if is_more else np.nanmin(figures))
        if self._best is None or (best > self._best) == is_more:
            self._best = best

    def _progress(self, *, is_paused: bool = False) -> SweepProgress:
        return SweepProgress(
            n_trials=self._plan.sweep.n_points * len(self._plan.markets),
            session_blocks=self._tally.session_blocks,
            best=self._best,
            workers=len(self._workers),
            writer_lag_commits=self._commits.lag,
            commit_seconds=self._tally.latencies.take_new(),
            recoveries={kind: self._tally.recoveries[kind] for kind in REPLACED},
            is_paused=is_paused,
            **self._counts,
        )

    def _market(self, number: int) -> list[list[Any]]:
        """Return references to the segments of each leg of a market, made once.

        The market before is forgotten where no point needs it again before all others have been there.
        """
        if number not in self._segments:
            if not self._plan.sweep.rungs and self._plan.sweep.sampler.kind not in ADAPTIVE:
                self._segments.clear()
            plan, legs = self._plan.markets[number], self._plan.legs(number)
            home, restarts = self._home, self._restarts(f"Market {number + 1}" if number else "Market")
            keeps_past = self._plan.sweep.varies_analyst
            feed = MarketFeed(
                lambda: remote.spawn_market(home, plan.scenario, plan.recording, number, keeps_past=keeps_past),
                0,
                chain(*legs),
                restarts,
            )
            made = feed.segments()
            self._segments[number] = [[segment for _, segment in islice(made, len(leg))] for leg in legs]
            discard(feed.market)
        return self._segments[number]

    def _restarts(self, who: str) -> Restarts:
        return Restarts(who, self._tally.recoveries, self._patience.say)

    def _spawn(self, number: int) -> Any:
        return remote.spawn_trial_worker(self._share, self._plan.sweep, self._plan.terms(), *self._identity, number)
