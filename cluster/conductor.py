"""The conductor: a plain loop that hands what one actor returned to the next.

    Market --Segment--> AccountSession --Review--> AutoPilot --Adjustments--> AccountSession
                              |
                              +--Batch--> Writer --one transaction--> Postgres

It bounds what is in flight and replaces what died; segments, batches and reviews pass as references.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from actors import remote
from cluster.commit_queue import Commits
from cluster.database import is_of_this_machine
from cluster.market_feed import MarketFeed
from cluster.operator import Operator
from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of
from cluster.session_fleet import SessionFleet
from simulation.autopilot.records import UNCHANGED
from storage.ids import run_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.autopilot import Verdict
    from actors.session import Receipt
    from cluster.latency import Written
    from cluster.patience import Patience
    from cluster.plan import Plan
    from cluster.session_fleet import Advanced
    from cluster.start import Start
    from cluster.tally import Tally
    from simulation.autopilot.commanding import Answer, Reversal
    from simulation.autopilot.guardrails import Refusal
    from simulation.autopilot.records import Changes
    from storage.store import Store


class Ending(NamedTuple):
    """How a run is to be closed, and why so."""

    status: str
    why: str


COMPLETED = Ending("COMPLETED", "")
STOPPED = Ending("STOPPED", "Stopped by the user.")
ALL_FAILED = Ending("ERROR", "Every session of the run has failed.")


def never() -> bool:
    """Tell a conductor in a process that nobody interrupts that it is not to end."""
    return False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, for whoever watches."""

    block: int
    blocks: int
    receipts: Sequence[Receipt]
    writer_lag_segments: int
    written: Written
    commit_seconds: Sequence[float]
    """Of the commits that have been acknowledged since the last progress."""
    adjustments: int
    outcomes: Mapping[int, int]
    """How many adjustments have come to each OutcomeKind."""
    refusals: Mapping[Refusal, int]
    recoveries: Mapping[str, int]
    """How many actors have been replaced, by their class."""
    is_paused: bool = False
    """Whether it waits for the command that it is to go on."""

    @property
    def restarts(self) -> int:
        """How many actors have been replaced."""
        return sum(self.recoveries.values())


REPLACED = ("AccountSession", "Market", "Writer", "AutoPilot")
"""The classes of actors that a conductor replaces."""


class Conductor:
    """Runs one plan from its start to its last block."""

    def __init__(
        self,
        plan: Plan,
        prefix: int,
        start: Start,
        store: Store,
        database_url: str,
        writers: int,
        observe: Callable[[Progress], None],
        tally: Tally,
        patience: Patience,
        is_interrupted: Callable[[], bool] = never,
    ) -> None:
        self._plan = plan
        self._observe = observe
        self._tally = tally
        self._first_block = start.first_block
        self._home = remote.Home(is_here=is_of_this_machine(database_url))
        self._feed = MarketFeed(
            lambda: remote.spawn_market(self._home, plan.scenario, plan.recording),
            start.first_block,
            start.segment_lengths(plan),
            Restarts("Market", tally.recoveries, patience.say),
        )
        self._commits = Commits(
            lambda shard: remote.spawn_writer(self._home, database_url, shard), writers, patience, tally
        )
        self._pilot = self._spawn_pilot()
        self._pilot_restarts = Restarts("AutoPilot", tally.recoveries, patience.say)
        self._fleet = SessionFleet(plan.lines(prefix), start, plan.rules, store, patience, tally.recoveries)
        self._operator = Operator(run_id_of(prefix), start.conductor, store, patience, is_interrupted)

    def run(self) -> Ending:
        """Step through the segments until the last one, or until nobody trades on or the user stops it; return which.

        Everything is durable on return, and the actors are gone.
        """
        try:
            return self._step_through()
        finally:
            self._dismiss()

    def _step_through(self) -> Ending:
        changes = UNCHANGED
        first_block = self._first_block
        for block, segment in self._feed.segments():
            self._fleet.succeed(first_block, self._commits.drain)
            first_block = block
            advanced = self._fleet.advance(block, segment, changes, self._commits.drain)
            self._commits.put(advanced.batches)
            changes = self._next_changes(block, segment, advanced)
            if self._operator.is_stopping or not self._fleet.actors:
                break
        self._tell_when_durable(first_block)
        if self._operator.is_stopping:
            return STOPPED
        return COMPLETED if self._fleet.actors or self._fleet.has_stopped else ALL_FAILED

    def _next_changes(self, block: int, segment: Any, advanced: Advanced) -> Changes:
        """Return what sessions carry out before they trade ``block``; a run that is paused waits here."""
        goes_on = block < self._plan.blocks
        if goes_on:
            self._operator.listen(block)
        changes = self._review(block, segment, advanced.reviews)
        self._observe(self._progress(block))
        if not goes_on or not self._fleet.actors:
            return changes

        def pause(*, begins: bool) -> None:
            self._tell_when_durable(block, is_paused=begins)

        return changes._replace(instructions=self._operator.instructions(block, self._fleet.living, pause))

    def _tell_when_durable(self, block: int, *, is_paused: bool = False) -> None:
        self._commits.drain()
        self._observe(self._progress(block, is_paused=is_paused))

    def _dismiss(self) -> None:
        """End the actors at once: left to themselves they take seconds to tidy up what nobody needs."""
        for actor in (*self._fleet.actors, self._feed.market, *self._commits.writers, self._pilot):
            discard(actor)

    def _review(self, block: int, segment: Any, reviews: Sequence[Any]) -> Changes:
        if not self._plan.is_review(block):
            return UNCHANGED
        asked = self._operator.reversals(block, self._commits.drain)
        verdict, answers = self._verdict(segment, asked, reviews)
        if answers:
            self._operator.is_told(block, answers)
        self._tally.adjustments += len(verdict.changes.adjustments)
        self._tally.outcomes.update(verdict.changes.judgements["kind"].tolist())
        self._tally.refusals.update(verdict.refusals)
        return verdict.changes

    def _verdict(
        self, segment: Any, asked: Sequence[Reversal], reviews: Sequence[Any]
    ) -> tuple[Verdict, Sequence[Answer]]:
        while True:
            try:
                verdict: tuple[Verdict, Sequence[Answer]] = result_of(
                    self._pilot.review.remote(segment, asked, *reviews), self._pilot_restarts.tell_of_silence
                )
            except ACTOR_LOST as lost:
                self._pilot_restarts.note(lost)
                discard(self._pilot)
                self._pilot = self._spawn_pilot()
            else:
                return verdict

    def _spawn_pilot(self) -> Any:
        return remote.spawn_autopilot(
            self._home,
            self._plan.strategies(),
            self._plan.rules,
            [account.trading for account in self._plan.scenario.accounts],
            self._plan.knowledge,
        )

    def _progress(self, block: int, *, is_paused: bool = False) -> Progress:
        return Progress(
            block=block,
            blocks=self._plan.blocks,
            receipts=self._fleet.receipts,
            writer_lag_segments=self._commits.lag,
            written=self._tally.written(len(self._commits.writers)),
            commit_seconds=self._tally.latencies.take_new(),
            adjustments=self._tally.adjustments,
            outcomes=self._tally.outcomes,
            refusals=self._tally.refusals,
            recoveries={kind: self._tally.recoveries[kind] for kind in REPLACED},
            is_paused=is_paused,
        )
