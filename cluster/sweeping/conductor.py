"""The conductor of a sweep: hands cohorts of trials to workers, and what they come to, to the writer.

    Market --all Segments of a market--> TrialWorker --CohortBatch--> TrialWriter --one transaction--> Postgres

A worker has one cohort at a time; how large a cohort should be is measured on the way. Results depend on none of it.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from actors import remote
from actors.trials import Task
from cluster.commit_queue import CommitQueue
from cluster.latency import Latencies
from cluster.market_feed import MarketFeed
from cluster.remote_calls import ACTOR_LOST, CALL_SECONDS_MAX, Restarts, discard, result_of
from cluster.sweeping.figures import results_of
from simulation.sweeping.samplers import sampler_of
from simulation.sweeping.settings import ADAPTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from actors.trials import Receipt
    from cluster.patience import Patience
    from cluster.sweeping.plan import SweepPlan
    from simulation.sweeping.space import Point
    from storage.store import Store

FIRST_COHORT = 64
MOST_IN_COHORT = 16_384
COHORT_SECONDS = 1.5
"""Long enough that a call costs nothing beside it, short enough that little is done again when a worker dies."""


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """Where a sweep is, for whoever watches."""

    trials: int
    n_trials: int
    skipped: int
    failed: int
    session_blocks: int
    best: float | None
    """Of the first objective, on one market."""
    restarts: int


@dataclass(slots=True)
class _Worker:
    number: int
    actor: Any
    restarts: Restarts
    task: Task | None = None
    batch: Any = None
    started: float = 0.0


class Uncovered:
    """The points of one market that no committed cohort has, taken from the front in cohorts of any size."""

    def __init__(self, first: int, end: int, covered: Sequence[tuple[int, int]]) -> None:
        """Take the points from ``first`` to before ``end``; ``covered`` are (first, n) of committed cohorts."""
        self._ranges: deque[tuple[int, int]] = deque()
        for start, count in sorted(covered):
            if start >= end or start + count <= first:
                continue
            if start > first:
                self._ranges.append((first, start))
            first = start + count
        if first < end:
            self._ranges.append((first, end))

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def take(self, size: int) -> tuple[int, int]:
        """Return (first, n) of the next cohort, of at most ``size`` points."""
        first, end = self._ranges.popleft()
        if first + size < end:
            self._ranges.appendleft((first + size, end))
        return first, min(size, end - first)

    def put_back(self, first: int, n_points: int) -> None:
        """Take a cohort back that was not traded."""
        self._ranges.appendleft((first, first + n_points))


class SweepConductor:
    """Trades every point of a sweep on every market, except what is committed."""

    def __init__(
        self,
        plan: SweepPlan,
        sweep_id: UUID,
        prefix: int,
        conductor: int,
        store: Store,
        database_url: str,
        workers: int,
        observe: Callable[[SweepProgress], None],
        patience: Patience,
    ) -> None:
        self._plan, self._sweep_id, self._store, self._observe = plan, sweep_id, store, observe
        self._committed = store.cohorts_of(sweep_id)
        self._cpus = min(1.0, ray.cluster_resources().get("CPU", 1.0) / workers)
        self._identity = sweep_id, prefix, conductor
        self._commits = CommitQueue(lambda _: remote.spawn_trial_writer(database_url), 0, patience, Latencies())
        self._workers = [
            _Worker(number, self._spawn(number), Restarts(f"TrialWorker {number}")) for number in range(workers)
        ]
        self._segments: dict[int, list[Any]] = {}
        self._markets: list[Any] = []
        self._size = FIRST_COHORT
        self._trials = sum(n_points - skipped for _, _, n_points, skipped in self._committed)
        self._skipped = sum(skipped for _, _, _, skipped in self._committed)
        self._failed = self._session_blocks = 0
        self._best: float | None = None

    def run(self) -> None:
        """Trade all trials; everything is durable on return, and the actors are gone."""
        try:
            for first, end, points in self._rounds():
                for market in range(len(self._plan.markets)):
                    self._trade(market, first, end, points)
                self._commits.drain()
        except BaseException:
            with suppress(Exception):  # whatever it was that failed is told; what has been traded is not to be lost
                self._commits.drain()
            raise
        finally:
            for actor in (*(worker.actor for worker in self._workers), self._commits.writer, *self._markets):
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
            sampler.tell(numbers, results_of(sweep, self._store.trials_between(self._sweep_id, first, end), numbers))

    def _trade(self, market: int, first: int, end: int, points: Sequence[Point] | None) -> None:
        """Trade the points of one round on one market."""
        covered = [(start, count) for number, start, count, _ in self._committed if number == market]
        left = Uncovered(first, end, covered)
        flights: dict[Any, _Worker] = {}
        while left or flights:
            for worker in self._workers:
                if worker.task is None and left:
                    task: Task | None = Task(market, *left.take(self._size))
                    assert task is not None
                    flights[self._send(worker, task, None if points is None else points, first)] = worker
            ready, _ = ray.wait(list(flights), num_returns=1, timeout=CALL_SECONDS_MAX)
            for reference in ready:
                worker = flights.pop(reference)
                task, worker.task = worker.task, None
                assert task is not None, "it was sent one"
                try:
                    self._settle(worker, task, result_of(reference))
                except ACTOR_LOST as lost:
                    worker.restarts.note(lost)
                    discard(worker.actor)
                    worker.actor = self._spawn(worker.number)
                    left.put_back(task.first_point, task.n_points)

    def _send(self, worker: _Worker, task: Task, points: Sequence[Point] | None, first: int) -> Any:
        worker.task, worker.started = task, time.monotonic()
        place = task.first_point - first
        mine = None if points is None else list(points[place : place + task.n_points])
        call = worker.actor.trade.options(num_returns=2)
        receipt, worker.batch = call.remote(task, mine, *self._market(task.market))
        return receipt

    def _settle(self, worker: _Worker, task: Task, receipt: Receipt) -> None:
        self._commits.put([worker.batch])
        worker.batch = None
        seconds = time.monotonic() - worker.started
        fitting = int(task.n_points * COHORT_SECONDS / max(seconds, 1e-3))
        self._size = min(max(fitting, FIRST_COHORT), 4 * self._size, MOST_IN_COHORT)
        self._trials += receipt.trials
        self._skipped += receipt.skipped
        self._failed += receipt.failed
        self._session_blocks += receipt.session_blocks
        self._note_best(receipt.figures[:, 0])
        self._observe(self._progress())

    def _note_best(self, figures: Any) -> None:
        if np.isnan(figures).all():
            return
        is_more = self._plan.sweep.objectives[0].direction == "maximize"
        best = float(np.nanmax(figures) if is_more else np.nanmin(figures))
        if self._best is None or (best > self._best) == is_more:
            self._best = best

    def _progress(self) -> SweepProgress:
        n_trials = self._plan.sweep.n_points * len(self._plan.markets)
        restarts = sum(worker.restarts.count for worker in self._workers) + self._commits.restarts.count
        return SweepProgress(
            self._trials, n_trials, self._skipped, self._failed, self._session_blocks, self._best, restarts
        )

    def _market(self, number: int) -> list[Any]:
        """Return references to all segments of a market, made once; the market before is forgotten, unless needed."""
        if number not in self._segments:
            if self._plan.sweep.sampler.kind not in ADAPTIVE:
                self._segments.clear()
            plan = self._plan.markets[number]
            feed = MarketFeed(
                lambda: remote.spawn_market(plan.scenario, plan.recording, number), 0, plan.segment_lengths()
            )
            self._segments[number] = [segment for _, segment in feed.segments()]
            self._markets.append(feed.market)
        return self._segments[number]

    def _spawn(self, number: int) -> Any:
        return remote.spawn_trial_worker(self._cpus, self._plan.sweep, self._plan.terms(), *self._identity, number)
