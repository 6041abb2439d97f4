"""What an operator asks of a run while it goes on: taken up between segments, and durable before it has any effect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from cluster.logs import note
from simulation.instructions import NONE_GIVEN, instructions_of
from storage.commands import REVERSE
from storage.steering import PAUSE, STOP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray

    from cluster.patience import Patience
    from simulation.autopilot.commanding import Answer, Reversal
    from storage.store import Store

POLL_SECONDS = 0.25
"""So often a run that is paused asks whether it is to go on."""

PAUSED = "Paused before block {block:,}; `paperdex resume {run}` goes on, `paperdex stop {run}` ends it."


class Pause(Protocol):
    """What a run does that waits for an operator."""

    def __call__(self, *, begins: bool) -> None:
        """Do what is due as it begins to wait, or goes on."""


class Operator:
    """The commands of a run, for its conductor; ``is_interrupted`` tells whether its process is to end."""

    def __init__(
        self, run_id: UUID, conductor: int, store: Store, patience: Patience, is_interrupted: Callable[[], bool]
    ) -> None:
        self._run_id = run_id
        self._conductor = conductor
        self._store = store
        self._patience = patience
        self._is_interrupted = is_interrupted
        self._asked: frozenset[str] = frozenset()
        self.is_stopping = False
        """Whether the run is to go no further."""

    def listen(self, block: int) -> None:
        """Ask once what is commanded before ``block``: most often nothing, which is one short question."""
        self._asked = self._patience(lambda: self._store.asked_for(self._run_id, block))

    def reversals(self, block: int, drain: Callable[[], None]) -> list[Reversal]:
        """Return what sessions are to undo at the review before ``block``.

        Where there is any, ``drain`` makes all earlier batches durable first: it depends on the log what can be done.
        """
        if REVERSE not in self._asked:
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

    def instructions(self, block: int, living: Callable[[], Mapping[UUID, int]], pause: Pause) -> NDArray[np.void]:
        """Return what sessions are to do from ``block`` on, once the run is to go on.

        A run that is paused waits here and takes up what else it is commanded meanwhile; ``pause`` makes everything
        durable first, and shows that it waits, and in the end that it goes on.
        """
        given, is_paused = NONE_GIVEN, False
        while self._asked - {REVERSE}:
            steered = self._patience(
                lambda: self._store.take_up_commands(self._run_id, block, living(), self._conductor)
            )
            given = instructions_of(steered.instructions, block)
            self.is_stopping = steered.run == STOP
            if steered.run != PAUSE or self._is_interrupted():
                break
            if not is_paused:
                pause(begins=True)
                note("run paused", block=block)
                self._patience.say(PAUSED.format(block=block, run=self._run_id))
                is_paused = True
            time.sleep(POLL_SECONDS)
        self.is_stopping |= self._is_interrupted()
        if is_paused and not self.is_stopping:
            pause(begins=False)
            note("run goes on", block=block)
        return given
