"""The session actors of a run: advanced together, and replaced one by one from their last committed segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors.remote import spawn_session
from actors.session import Owner, Receipt
from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulation.autopilot.policy import Adjustment
    from simulation.trading.rules import Rules
    from storage.context import SessionContext
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Advanced:
    """What the fleet returned for one segment: receipts by value, batches and reviews by reference."""

    receipts: list[Receipt]
    batches: list[Any]
    reviews: list[Any]


class SessionFleet:
    """One actor per account session."""

    def __init__(self, contexts: Sequence[SessionContext], rules: Rules, store: Store) -> None:
        self._contexts = contexts
        self._rules = rules
        self._store = store
        self._restarts = [Restarts(f"AccountSession {context.account.name}") for context in contexts]
        self.actors = [self._spawn(context) for context in contexts]

    @property
    def restarts(self) -> int:
        """How many session actors have been replaced so far."""
        return sum(restarts.count for restarts in self._restarts)

    def advance(self, segment: Any, adjustments: Sequence[Adjustment], drain: Callable[[], None]) -> Advanced:
        """Trade every session through the segment; ``drain`` makes all earlier batches durable first, if needed."""
        calls = [self._call(actor, segment, adjustments) for actor in self.actors]
        advanced = Advanced([], [], [])
        for index, call in enumerate(calls):
            receipts, batches, reviews = self._settled(index, call, segment, adjustments, drain)
            advanced.receipts.extend(receipts)
            advanced.batches.append(batches)
            advanced.reviews.append(reviews)
        return advanced

    def _settled(
        self, index: int, call: Any, segment: Any, adjustments: Sequence[Adjustment], drain: Callable[[], None]
    ) -> tuple[list[Receipt], Any, Any]:
        """Wait for one session's receipt; while its actor is lost, replace it and repeat the segment."""
        while True:
            receipts, batches, reviews = call
            try:
                return result_of(receipts), batches, reviews
            except ACTOR_LOST as lost:
                self._restarts[index].note(lost)
                drain()
                discard(self.actors[index])
                self.actors[index] = self._spawn(self._contexts[index])
                call = self._call(self.actors[index], segment, adjustments)

    @staticmethod
    def _call(actor: Any, segment: Any, adjustments: Sequence[Adjustment]) -> Any:
        return actor.advance.options(num_returns=3).remote(segment, adjustments)

    def _spawn(self, context: SessionContext) -> Any:
        """Start an actor that owns the session from now on, where its last committed batch left it."""
        incarnation = self._store.claim(context.session_id)
        checkpoint = self._store.checkpoint(context.session_id)
        owner = Owner(incarnation, checkpoint.seq, checkpoint.state or None)
        return spawn_session([context], [owner], self._rules)
