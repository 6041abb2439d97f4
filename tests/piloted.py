"""A run of the plain actors in this process that is committed to a store, as the conductor does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from busy import contexts_of
from reviewable import told

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession, Owner
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.autopilot.records import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Piloted:
    """A run whose verdicts are applied and whose batches are stored."""

    plan: Any
    store: Any
    prefix: int
    cohorts: tuple[tuple[int, ...], ...] = ((0, 1, 2),)
    knowledge: Knowledge = IGNORANT
    verdicts: list[Any] = field(default_factory=list)
    before_review: Callable[[int], None] = lambda _block: None
    """Called with the block before which a review is made; an operator may act."""

    def __post_init__(self) -> None:
        plan, scenario = self.plan, self.plan.scenario
        self.contexts = contexts_of(plan, self.prefix)
        self.ids = self.store.begin_run(scenario, plan.tokens, plan.blocks, self.prefix)
        self.market = Market(scenario, plan.recording)
        tradings = [account.trading for account in scenario.accounts]
        self.pilot = AutoPilot(plan.strategies(), plan.rules, tradings, self.knowledge)
        self.claim()

    def claim(self) -> None:
        """Start new actors for all sessions where their last committed batches left them, as a new owner does."""
        self.actors = [
            AccountSession([self.contexts[at] for at in members], [self._owner(at) for at in members], self.plan.rules)
            for members in self.cohorts
        ]

    def _owner(self, at: int) -> Owner:
        incarnation = self.store.claim(self.ids.sessions[at])
        checkpoint = self.store.checkpoint(self.ids.sessions[at])
        return Owner(incarnation, checkpoint.seq, checkpoint.state or None)

    def go(self, together: int = 1, claimed_after: int = 0) -> Any:
        """Trade to the end, so many segments in a commit, finish the run and return its key.

        With ``claimed_after`` all sessions get new owners after every so many commits.
        """
        carried, changes, waiting = self.market.begin(), UNCHANGED, []
        for number, length in enumerate(self.plan.segment_lengths(), 1):
            block, segment, carried = self.market.segment(carried, length)
            shown = []
            for actor in self.actors:
                _, batches, review = actor.advance(segment, changes)
                waiting += batches
                shown.append(review)
            changes = UNCHANGED
            if self.plan.is_review(block):
                self.before_review(block)
                asked = []
                if block < self.plan.blocks and self.store.asked_for(self.ids.run_id, block):
                    self.store.commit(waiting)
                    waiting, asked = [], self.store.due_reversals(self.ids.run_id, block)
                verdict, answers = self.pilot.review(segment, asked, *shown)
                self.store.settle_commands(self.ids.run_id, block, answers)
                self.verdicts.append(told(verdict))
                changes = verdict.changes
            if number % together == 0:
                self.store.commit(waiting)
                waiting = []
                if claimed_after and number % (claimed_after * together) == 0:
                    self.claim()
        self.store.commit(waiting)
        self.store.finish_run(self.ids.run_id, "COMPLETED")
        return self.ids.run_id
