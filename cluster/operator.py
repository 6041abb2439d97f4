"""What an operator asks of a run while it goes on: taken up at reviews, and durable before it has any effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.logs import note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from cluster.patience import Patience
    from simulation.autopilot.commanding import Answer, Reversal
    from storage.store import Store


class Operator:
    """The commands of a run, for its conductor."""

    def __init__(self, run_id: UUID, conductor: int, store: Store, patience: Patience) -> None:
        self._run_id = run_id
        self._conductor = conductor
        self._store = store
        self._patience = patience

    def asks(self, block: int, drain: Callable[[], None]) -> list[Reversal]:
        """Return what sessions are commanded at the review before ``block``.

        Most often nothing, which is one short question; else ``drain`` makes all earlier batches durable first, since
        it depends on the log what can be done.
        """
        if not self._patience(lambda: self._store.has_commands(self._run_id, block)):
            return []
        drain()
        asked = self._patience(lambda: self._store.due_reversals(self._run_id, block, self._conductor))
        for reversal in asked:
            note("command taken", command=reversal.command, block=block, account=reversal.session)
        return asked

    def is_told(self, block: int, answers: Sequence[Answer]) -> None:
        """Write down what becomes of the commands; only then may anything be traded with it."""
        self._patience(lambda: self._store.settle_commands(self._run_id, block, answers, self._conductor))
        for answer in answers:
            note("command answered", command=answer.command, block=block, refused=answer.why_not)
