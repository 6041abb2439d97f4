"""Waiting for actors: bounded, and telling a dead actor from a mistake in its work."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError

from cluster.logs import warn

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

CALL_SECONDS_MAX = 300
"""No single call takes nearly as long, compiling included; past this its actor is taken for dead, and is fenced off."""

RESTARTS_MAX, RESTARTS_SECONDS = 10, 600
"""So often in so long one actor is replaced before the run gives up: one that goes on for months loses many."""

ACTOR_LOST = (RayActorError, WorkerCrashedError, GetTimeoutError)

VALUE_LOST = ObjectLostError
"""What was returned by reference has died with its node: no actor can be asked for it again."""


class GaveUpError(RuntimeError):
    """An actor of the run died more often than a run tolerates."""


def result_of(reference: Any) -> Any:
    """Wait for a result; raises what the actor raised as it raised it, and one of ACTOR_LOST when it died or sleeps.

    Raises VALUE_LOST where the result, or what its call was given, was on a node that has died.
    """
    try:
        return ray.get(reference, timeout=CALL_SECONDS_MAX)
    except RayTaskError as error:
        # Its own text is the actor's whole traceback, where a user is owed the sentence of the cause.
        raise error.cause from error


def discard(handle: Any) -> None:
    """Make sure that an actor which was given up is dead."""
    ray.kill(handle, no_restart=True)


class Restarts:
    """Counts the replacements of one actor and refuses one too many at a time."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._latest: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
        self.count = 0

    def note(self, reason: BaseException, **about: object) -> None:
        """Count one more; raises GaveUpError past the bound, or when the actor could not even be constructed.

        ``about`` is what the log says of it besides.
        """
        self.count += 1
        self._latest.append(time.monotonic())
        lines = [line.strip().rstrip(".") for line in str(reason).strip().splitlines()] or [type(reason).__name__]
        warn("actor lost", actor=self._who, times=self.count, kind=type(reason).__name__, why=". ".join(lines), **about)
        if getattr(reason, "actor_init_failed", False):
            raise GaveUpError(f"{self._who} could not start: {lines[-1]}.") from reason
        if len(self._latest) > RESTARTS_MAX and self._latest[-1] - self._latest[0] < RESTARTS_SECONDS:
            raise GaveUpError(f"{self._who} died {len(self._latest)} times; the last time: {lines[0]}.") from reason


def through_losses(conduct: Callable[[], T], take_up: Callable[[], None]) -> T:
    """Return what ``conduct`` returns; where values on their way are lost, conduct again from what is committed."""
    losses = Restarts("A node with segments or batches on their way")
    while True:
        try:
            return conduct()
        except VALUE_LOST as lost:
            losses.note(lost)
            take_up()
