"""Batches on their way to Postgres: a bounded number, acknowledged in order, sent again when the writer dies.

While Postgres is away no more are taken, and those on their way are sent again as often as it takes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of
from storage.errors import DatabaseUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.patience import Patience

IN_FLIGHT_MAX = 8


class CommitQueue:
    """Keeps the writer busy and alive; a slow database slows the run down and loses nothing."""

    def __init__(self, spawn: Callable[[], Any], patience: Patience) -> None:
        self._spawn = spawn
        self._patience = patience
        self._is_refused = False
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
            self._patience(self._await_oldest)

    def drain(self) -> None:
        """Wait until everything sent is durable."""
        while self._pending:
            self._patience(self._await_oldest)

    def _await_oldest(self) -> None:
        """Wait for the oldest commit; raises DatabaseUnreachable, and asked once more, sends all of them again."""
        if self._is_refused:
            self._is_refused = False
            self._send_again()
        try:
            result_of(self._pending[0][1])
        except DatabaseUnreachable:
            self._is_refused = True
            raise
        except ACTOR_LOST as lost:
            self._replace(lost)
        else:
            self._pending.popleft()

    def _replace(self, lost: BaseException) -> None:
        """Start another writer and send it everything unacknowledged."""
        self.restarts.note(lost)
        discard(self.writer)
        self.writer = self._spawn()
        self._send_again()

    def _send_again(self) -> None:
        """Send everything unacknowledged; what was committed nevertheless is skipped as a repeat."""
        self._pending = deque((batches, self.writer.commit.remote(*batches)) for batches, _ in self._pending)
