"""Waiting for actors: bounded, and telling a dead actor from a mistake in its work."""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError

from cluster.logs import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

CALL_SECONDS_MAX = 300
"""No single call takes nearly as long, compiling included; past this its actor is taken for dead, and is fenced off."""

TELL_SECONDS = 20
"""So long nobody wonders why nothing goes on. A host that is cut off is missed by Ray after a minute."""

RESTARTS_MAX, RESTARTS_SECONDS = 10, 600
"""So often in so long one actor is replaced before the run gives up: one that goes on for months loses many."""

UNANSWERED_MAX = 3
"""So many calls in a row may go unanswered: a node takes minutes to come, and one that never comes is to be told of."""

ACTOR_LOST = (RayActorError, WorkerCrashedError, GetTimeoutError)

VALUE_LOST = ObjectLostError
"""What was returned by reference has died with its node: no actor can be asked for it again."""


class GaveUpError(RuntimeError):
    """An actor of the run died more often than a run tolerates."""


def result_of(reference: Any, tell: Callable[[int], None] | None = None) -> Any:
    """Wait for a result; raises what the actor raised as it raised it, and one of ACTOR_LOST when it died or sleeps.

    Raises VALUE_LOST where the result, or what its call was given, was on a node that has died. ``tell`` hears now and
    then how many seconds it has been.
    """
    waits = range(TELL_SECONDS, CALL_SECONDS_MAX, TELL_SECONDS) if tell else ()
    try:
        for seconds in waits:
            with suppress(GetTimeoutError):
                return ray.get(reference, timeout=TELL_SECONDS)
            assert tell is not None
            tell(seconds)
        return ray.get(reference, timeout=CALL_SECONDS_MAX - TELL_SECONDS * len(waits))
    except RayTaskError as error:
        # Its own text is the actor's whole traceback, where a user is owed the sentence of the cause.
        raise error.cause from error


def first_of(references: Sequence[Any], tell: Callable[[int], None]) -> list[Any]:
    """Wait for the first result; none within CALL_SECONDS_MAX. ``tell`` as above."""
    for seconds in range(TELL_SECONDS, CALL_SECONDS_MAX + 1, TELL_SECONDS):
        if ready := ray.wait(references, num_returns=1, timeout=TELL_SECONDS)[0]:
            return list(ready)
        tell(seconds)
    return []


def discard(handle: Any) -> None:
    """Make sure that an actor which was given up is dead."""
    ray.kill(handle, no_restart=True)


class Restarts:
    """Counts the replacements of one actor and refuses one too many at a time.

    ``who`` is its class and what else it is called; ``recoveries`` counts by class, over all actors.
    """

    def __init__(self, who: str, recoveries: Counter[str], say: Callable[[str], None]) -> None:
        self._who = who
        self._recoveries = recoveries
        self._say = say
        self._latest: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
        self._count = self._unanswered = 0

    def note(self, reason: BaseException, **about: object) -> None:
        """Count one more; raises GaveUpError past a bound, or when the actor could not even be constructed.

        ``about`` is what the log says of it besides.
        """
        self._count += 1
        self._recoveries[self._who.partition(" ")[0]] += 1
        self._latest.append(time.monotonic())
        lines = [line.strip().rstrip(".") for line in str(reason).strip().splitlines()] or [type(reason).__name__]
        kind = type(reason).__name__
        warn("actor lost", actor=self._who, times=self._count, kind=kind, why=". ".join(lines), **about)
        if getattr(reason, "actor_init_failed", False):
            raise GaveUpError(f"{self._who} could not start: {lines[-1]}.") from reason
        self._note_silence(reason)
        if len(self._latest) > RESTARTS_MAX and self._latest[-1] - self._latest[0] < RESTARTS_SECONDS:
            raise GaveUpError(f"{self._who} died {len(self._latest)} times; the last time: {lines[0]}.") from reason

    def tell_of_silence(self, seconds: int) -> None:
        """Say that the actor is waited for."""
        self._say(
            f"{self._who} has not answered for {seconds} s and is waited for, until Ray misses its node or for "
            f"{CALL_SECONDS_MAX} s."
        )

    def _note_silence(self, reason: BaseException) -> None:
        """Tell of an actor that did not answer, which may not have found a place; raises GaveUpError after a few."""
        if not isinstance(reason, GetTimeoutError):
            self._unanswered = 0
            return
        is_in_a_row = len(self._latest) > 1 and self._latest[-1] - self._latest[-2] < 2 * CALL_SECONDS_MAX
        self._unanswered = 1 + self._unanswered * is_in_a_row
        silent = f"{self._who} has not answered for {self._unanswered * CALL_SECONDS_MAX} s"
        if self._unanswered == UNANSWERED_MAX:
            raise GaveUpError(f"{silent}; `ray status` tells whether the cluster has room for it.") from reason
        self._say(f"{silent}. Another is started in its place.")


def through_losses(
    conduct: Callable[[], T], take_up: Callable[[], None], bring: Callable[[], bool], say: Callable[[str], None]
) -> T:
    """Return what ``conduct`` returns; where values on their way are lost, conduct again from what is committed.

    So too where an actor died again and again, if ``bring`` finds a node that came without paperdex, and has it now.
    """
    losses = Restarts("A node with segments or batches on their way", Counter(), say)
    while True:
        try:
            return conduct()
        except VALUE_LOST as lost:
            losses.note(lost)
        except GaveUpError:
            if not bring():
                raise
        take_up()
