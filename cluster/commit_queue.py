"""Batches on their way to Postgres: a bounded number, acknowledged in order, sent again when the writer dies."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IN_FLIGHT_MAX = 8


class CommitQueue:
    """Keeps the writer busy and alive; a slow database slows the run down and loses nothing."""

    def __init__(self, spawn: Callable[[], Any]) -> None:
        self._spawn = spawn
        self.writer = spawn()
        self._pending: deque[tuple[Sequence[Any], Any]] = deque()
        self.restarts = Restarts("Writer")

    @property
    def lag(self) -> int:
        """How many segments are not yet known to be durable."""
        return len(self._pending)

    def put(self, batches: Sequence[Any]) -> None:
        """Send the batches of one segment, references all; waits while too many are on their way."""
        self._pending.append((batches, self.writer.commit.remote(*batches)))
        while len(self._pending) > IN_FLIGHT_MAX:
            self._await_oldest()

    def drain(self) -> None:
        """Wait until everything sent is durable."""
        while self._pending:
            self._await_oldest()

    def _await_oldest(self) -> None:
        try:
            result_of(self._pending[0][1])
        except ACTOR_LOST as lost:
            self._replace(lost)
        else:
            self._pending.popleft()

    def _replace(self, lost: BaseException) -> None:
        """Start another writer and send it everything unacknowledged; what was committed is refused as a repeat."""
        self.restarts.note(lost)
        discard(self.writer)
        self.writer = self._spawn()
        self._pending = deque((batches, self.writer.commit.remote(*batches)) for batches, _ in self._pending)
