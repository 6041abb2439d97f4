"""What an operator asks of what goes on: taken up between the segments of a run, before a cohort of a sweep is begun.

It is durable before it has any effect.
"""

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
"""So often a run or a sweep that is paused asks whether it is to go on."""

PAUSED = "Paused {where}; `paperdex resume {whole}` goes on, `paperdex stop {whole}` ends it."


class Pause(Protocol):
    """What a run or a sweep does that waits for an operator."""

    def __call__(self, *, begins: bool) -> None:
        """Do what is due as it begins to wait, or goes on."""


class _Halts:
    """The standstills and the stop of a run or a sweep; ``is_interrupted`` tells whether its process is to end."""

    def __init__(
        self, whole: UUID, conductor: int, store: Store, patience: Patience, is_interrupted: Callable[[], bool]
    ) -> None:
        self._whole = whole
        self._conductor = conductor
        self._store = store
        self._patience = patience
        self._is_interrupted = is_interrupted
        self.is_stopping = False
        """Whether it is to go no further."""

    def _obey(self, hear: Callable[[], str], pause: Pause, where: str, **about: int) -> None:
        """Return once it is to go on, or to stop; ``hear`` tells whether it is to PAUSE or to STOP now, or neither.

        One that is paused waits here and hears what else is commanded meanwhile; ``pause`` makes everything durable
        first, and shows that it waits, and in the end that it goes on. ``about`` is what the log says of it.
        """
        is_paused = False
        while (heard := hear()) == PAUSE and not self._is_interrupted():
            if not is_paused:
                pause(begins=True)
                note("paused", **about)
                self._patience.say(PAUSED.format(where=where, whole=self._whole))
                is_paused = True
            time.sleep(POLL_SECONDS)
        self.is_stopping = heard == STOP or self._is_interrupted()
        if is_paused and not self.is_stopping:
            pause(begins=False)
            note("goes on", **about)


class Operator(_Halts):
    """The commands of a run, for its conductor."""

    _asked: frozenset[str] = frozenset()

    def listen(self, block: int) -> None:
        """Ask once what is commanded before ``block``: most often nothing, which is one short question."""
        self._asked = self._patience(lambda: self._store.asked_for(self._whole, block))

    def reversals(self, block: int, drain: Callable[[], None]) -> list[Reversal]:
        """Return what sessions are to undo at the review before ``block``.

        Where there is any, ``drain`` makes all earlier batches durable first: it depends on the log what can be done.
        """
        if REVERSE not in self._asked:
            return []
        drain()
        asked = self._patience(lambda: self._store.due_reversals(self._whole, block, self._conductor))
        for reversal in asked:
            note("command taken", command=reversal.command, block=block, account=reversal.session)
        return asked

    def is_told(self, block: int, answers: Sequence[Answer]) -> None:
        """Write down what becomes of the commands; only then may anything be traded with it."""
        self._patience(lambda: self._store.settle_commands(self._whole, block, answers, self._conductor))
        for answer in answers:
            note("command answered", command=answer.command, block=block, refused=answer.why_not)

    def instructions(self, block: int, living: Callable[[], Mapping[UUID, int]], pause: Pause) -> NDArray[np.void]:
        """Return what sessions are to do from ``block`` on, once the run is to go on."""
        given = NONE_GIVEN

        def hear() -> str:
            nonlocal given
            if not self._asked - {REVERSE}:
                return ""
            steered = self._patience(
                lambda: self._store.take_up_commands(self._whole, block, living(), self._conductor)
            )
            given = instructions_of(steered.instructions, block)
            return steered.run

        self._obey(hear, pause, f"before block {block:,}", block=block)
        return given


class SweepOperator(_Halts):
    """The commands of a sweep, for its conductor."""

    def halt(self, pause: Pause) -> None:
        """Return once another cohort may be begun, or none is to be; most often at once, after one short question."""

        def hear() -> str:
            return self._patience(lambda: self._store.take_up_commands_of_sweep(self._whole, self._conductor))

        self._obey(hear, pause, "between cohorts")
