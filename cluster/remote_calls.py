"""Waiting for actors: bounded, and telling a dead actor from a mistake in its work."""

from __future__ import annotations

from typing import Any

import ray
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError

from cluster.logs import warn

CALL_SECONDS_MAX = 600
"""No single call takes nearly as long; past this the cluster is taken to be stuck."""

RESTARTS_MAX = 10
"""How often one actor is replaced in a run before the run gives up."""

ACTOR_LOST = (RayActorError, WorkerCrashedError, ObjectLostError)


class GaveUpError(RuntimeError):
    """An actor of the run died more often than a run tolerates."""


def result_of(reference: Any) -> Any:
    """Wait for a result; raises one of ACTOR_LOST when its actor died, and what the actor raised as it raised it."""
    try:
        return ray.get(reference, timeout=CALL_SECONDS_MAX)
    except RayTaskError as error:
        # Its own text is the actor's whole traceback, where a user is owed the sentence of the cause.
        raise error.cause from error


def discard(handle: Any) -> None:
    """Make sure that an actor which was given up is dead."""
    ray.kill(handle, no_restart=True)


class Restarts:
    """Counts the replacements of one actor and refuses one too many."""

    def __init__(self, who: str) -> None:
        self._who = who
        self.count = 0

    def note(self, reason: BaseException, **about: object) -> None:
        """Count one more; raises GaveUpError past the bound, or when the actor could not even be constructed.

        ``about`` is what the log says of it besides.
        """
        self.count += 1
        lines = [line.strip().rstrip(".") for line in str(reason).strip().splitlines()] or [type(reason).__name__]
        warn("actor lost", actor=self._who, times=self.count, kind=type(reason).__name__, why=". ".join(lines), **about)
        if getattr(reason, "actor_init_failed", False):
            raise GaveUpError(f"{self._who} could not start: {lines[-1]}.") from reason
        if self.count > RESTARTS_MAX:
            raise GaveUpError(f"{self._who} died {self.count} times; the last time: {lines[0]}.") from reason
