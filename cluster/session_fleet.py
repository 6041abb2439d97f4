"""The session actors of a run: advanced together; one that dies is replaced where it was, one that fails is let go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ray.exceptions import RayError

from actors.analysts import in_words
from actors.remote import find_session, spawn_session
from actors.session import Owner, receipt_of
from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of
from simulation.cohort import Cohort
from simulation.succession import NOTHING_BEFORE, Totals, succeed

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from actors.session import Receipt
    from cluster.patience import Patience
    from cluster.start import Start
    from simulation.autopilot.records import Changes
    from simulation.trading.rules import Rules
    from storage.context import SessionContext
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Advanced:
    """What the sessions that traded one segment returned by reference."""

    batches: dict[int, Any]
    """By ordinal of the account."""
    reviews: list[Any]


class SessionFleet:
    """One actor per account session that lives; ``lines`` are the sessions of each account, one after another."""

    def __init__(
        self,
        lines: Sequence[Sequence[SessionContext]],
        start: Start,
        rules: Rules,
        store: Store,
        patience: Patience,
        recoveries: Counter[str],
    ) -> None:
        self._lines = lines
        self._conductor = start.conductor
        self._rules = rules
        self._store = store
        self._patience = patience
        self._restarts = [
            Restarts(f"AccountSession {line[0].account.name}", recoveries, patience.say) for line in lines
        ]
        self._numbers = [latest.number for latest in start.accounts]
        self._receipts: dict[int, Receipt] = {}
        self._incarnations: dict[int, int] = {}
        self._actors = {}
        for index, latest in enumerate(start.accounts):
            if latest.has_ended:
                self._receipts[index] = replace(
                    self._last_receipt(index), error_message=latest.error_message, is_stopped=latest.is_stopped
                )
            else:
                self._actors[index] = self._taken_over(index) or self._spawn(index)

    @property
    def actors(self) -> list[Any]:
        """The actors of the sessions that live."""
        return list(self._actors.values())

    @property
    def receipts(self) -> list[Receipt]:
        """What is to be seen of all sessions, of those that have ended as they did."""
        return [self._receipts[index] for index in range(len(self._lines))]

    @property
    def has_stopped(self) -> bool:
        """Whether operators have stopped any of the sessions."""
        return any(receipt.is_stopped for receipt in self._receipts.values())

    def living(self) -> dict[UUID, int]:
        """Return the sessions that can trade on, with the first block that each has not traded."""
        standing = [(self._current(index), self._receipts[index].next_block) for index in self._actors]
        return {context.session_id: block for context, block in standing if context.until_block != block}

    def succeed(self, block: int, drain: Callable[[], None]) -> None:
        """Begin the sessions whose accounts go on with them at ``block``, each on what the one before has committed.

        Accounts whose session has failed or been stopped stay as they are.
        """
        due = [index for index in self._actors if self._current(index).until_block == block]
        if due:
            drain()
        for index in due:
            discard(self._actors[index])
            self._begin(self._lines[index][self._numbers[index]], self._lines[index][self._numbers[index] + 1])
            self._numbers[index] += 1
            self._actors[index] = self._spawn(index)

    def _current(self, index: int) -> SessionContext:
        return self._lines[index][self._numbers[index]]

    def _begin(self, before: SessionContext, context: SessionContext) -> None:
        """Begin a session where the one before has ended."""
        checkpoint = self._patience(lambda: self._store.checkpoint(before.session_id))
        ended = Cohort.from_bytes(checkpoint.state)
        begun = succeed(ended, context.account, context.analyst, context.tokens, self._rules)
        self._patience(lambda: self._store.begin_session(context, begun.to_bytes()))

    def advance(self, block: int, segment: Any, changes: Changes, drain: Callable[[], None]) -> Advanced:
        """Trade every session through the segment that ends before ``block``, except those that have been.

        ``drain`` makes all earlier batches durable first, if needed. A session that fails or is stopped is let go: with
        the batch that says so, or where its code raised, without one.
        """

        def ask(index: int) -> Any:
            actor = self._actors[index]
            if self._receipts[index].next_block >= block:
                return actor.standing.options(num_returns=3).remote()
            return actor.advance.options(num_returns=3).remote(segment, changes, self._incarnations[index])

        calls = [(index, ask(index)) for index in self._actors]
        batches: dict[int, Any] = {}
        reviews = []
        for index, call in calls:
            settled = self._settled(index, call, ask, drain)
            if settled is not None:
                self._receipts[index], written, shown = settled
                batches[index] = written
                if self._receipts[index].next_block <= block:  # else its review here has been had
                    reviews.append(shown)
            if self._receipts[index].has_ended:
                discard(self._actors.pop(index))
        return Advanced(batches, reviews)

    def _settled(
        self, index: int, call: Any, ask: Callable[[int], Any], drain: Callable[[], None]
    ) -> tuple[Receipt, Any, Any] | None:
        """Wait for one session's receipt; while its actor is lost, replace it and ask again.

        None for a session whose own code raised: asked again it would raise again.
        """
        while True:
            receipts, batches, reviews = call
            try:
                return result_of(receipts, self._restarts[index].tell_of_silence)[0], batches, reviews
            except ACTOR_LOST as lost:
                self._restarts[index].note(lost, session=self._current(index).session_id)
                drain()
                discard(self._actors[index])
                self._actors[index] = self._spawn(index)
                call = ask(index)
            except RayError:
                raise  # the cluster is in trouble, not the session
            except Exception as error:  # noqa: BLE001 -- whatever it is, the other sessions have no part in it
                drain()
                self._fail(index, error)
                return None

    def _fail(self, index: int, error: Exception) -> None:
        """End a session whose code raised, with what it has committed."""
        context = self._current(index)
        block = self._patience(lambda: self._store.checkpoint(context.session_id)).next_block
        message = f"AccountSession failed in the segment that begins at block {block}: {in_words(error)}."
        self._patience(lambda: self._store.fail_session(context.session_id, message, self._conductor))
        self._receipts[index] = replace(self._receipts[index], error_message=message)

    def _spawn(self, index: int) -> Any:
        """Start an actor that owns the account's session from now on, where its last committed batch left it."""
        return spawn_session([self._current(index)], [self._claimed(index)], self._rules)

    def _taken_over(self, index: int) -> Any | None:
        """Return the actor of the session that outlived an earlier conductor, owned by this one; None for none."""
        actor = find_session(self._current(index))
        if actor is None:
            return None
        try:
            result_of(actor.restore.remote([self._current(index)], [self._claimed(index)]))
        except ACTOR_LOST:
            return None
        return actor

    def _claimed(self, index: int) -> Owner:
        """Take the account's session from its owner; return the next one."""
        context = self._current(index)
        incarnation = self._patience(lambda: self._store.claim(context.session_id, self._conductor))
        owner = self._owner(context, incarnation)
        self._receipts[index] = receipt_of(context, owner, self._rules)
        self._incarnations[index] = incarnation
        return owner

    def _last_receipt(self, index: int) -> Receipt:
        """Return what is to be seen of a session that has ended."""
        context = self._current(index)
        return receipt_of(context, self._owner(context, incarnation=0), self._rules)

    def _owner(self, context: SessionContext, incarnation: int) -> Owner:
        def owner() -> Owner:
            checkpoint = self._store.checkpoint(context.session_id)
            return Owner(incarnation, checkpoint.seq, checkpoint.state or None, self._before(context))

        return self._patience(owner)

    def _before(self, context: SessionContext) -> Totals:
        """Return what the account's earlier sessions came to."""
        totals = NOTHING_BEFORE
        for earlier in self._lines[context.session][: context.number]:
            ended = Cohort.from_bytes(self._store.checkpoint(earlier.session_id).state)
            totals = totals.plus(Totals.of(ended.sessions[0]))
        return totals
