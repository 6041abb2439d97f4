"""A run of the plain actors in this process that is committed to a store, as the conductor does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from busy import contexts_of

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession, Owner
from simulation.autopilot.knowledge import IGNORANT, Knowledge


@dataclass
class Piloted:
    """A run whose verdicts are applied and whose batches are stored."""

    plan: Any
    store: Any
    prefix: int
    cohorts: tuple[tuple[int, ...], ...] = ((0, 1, 2),)
    knowledge: Knowledge = IGNORANT
    verdicts: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan, scenario = self.plan, self.plan.scenario
        self.contexts = contexts_of(plan, self.prefix)
        self.ids = self.store.begin_run(scenario, plan.tokens, plan.blocks, self.prefix)
        incarnations = [self.store.claim(session_id) for session_id in self.ids.sessions]
        self.market = Market(scenario, plan.recording)
        tradings = [account.trading for account in scenario.accounts]
        self.pilot = AutoPilot(plan.strategies(), plan.rules, tradings, self.knowledge)
        self.actors = [
            AccountSession([self.contexts[at] for at in members], [Owner(incarnations[at]) for at in members], plan.rules)
            for members in self.cohorts
        ]  # fmt: skip

    def go(self, together: int = 1) -> Any:
        """Trade to the end, so many segments in a commit, finish the run and return its key."""
        carried, changes, waiting = self.market.begin(), (), []
        for number, length in enumerate(self.plan.segment_lengths(), 1):
            block, segment, carried = self.market.segment(carried, length)
            shown = []
            for actor in self.actors:
                _, batches, review = actor.advance(segment, changes)
                waiting += batches
                shown.append(review)
            changes = ()
            if self.plan.is_review(block):
                self.verdicts.append(self.pilot.review(segment, *shown))
                changes = self.verdicts[-1].changes
            if number % together == 0:
                self.store.commit(waiting)
                waiting = []
        self.store.commit(waiting)
        self.store.finish_run(self.ids.run_id, "COMPLETED")
        return self.ids.run_id
