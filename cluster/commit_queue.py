"""Batches on their way to Postgres: a bounded number, acknowledged in order, sent again when their writer dies.

While Postgres is away no more are taken, and those on their way are sent again as often as it takes.

Accounts are shared out among writers, and an account stays with its writer. So the batches of a session are committed
in order and each with its checkpoint, exactly once, whatever the other writers do. The sessions of one writer stand at
the same block after each of its commits; those of two writers may stand ``IN_FLIGHT_MAX`` segments apart, and one more
for the segment that is being put.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of
from storage.errors import DatabaseUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cluster.patience import Patience
    from cluster.tally import Tally

IN_FLIGHT_MAX = 8
"""So many segments of one writer's accounts may be on their way."""


class Commits:
    """The writers of a run and what is on its way to them; ``spawn`` starts the writer of a shard."""

    def __init__(self, spawn: Callable[[int], Any], writers: int, patience: Patience, tally: Tally) -> None:
        self._shards = [CommitQueue(spawn, shard, patience, tally) for shard in range(writers)]

    @property
    def writers(self) -> list[Any]:
        """The actors."""
        return [shard.writer for shard in self._shards]

    @property
    def lag(self) -> int:
        """How many segments the writer that is furthest behind does not yet know to be durable."""
        return max(shard.lag for shard in self._shards)

    def put(self, batches: Mapping[int, Any]) -> None:
        """Send the batches of one segment, references by ordinal of the account, each to its account's writer."""
        for number, shard in enumerate(self._shards):
            mine = [batch for account, batch in batches.items() if account % len(self._shards) == number]
            if mine:
                shard.put(mine)

    def drain(self) -> None:
        """Wait until everything sent is durable."""
        for shard in self._shards:
            shard.drain()


class CommitQueue:
    """Keeps one writer busy and alive; a slow database slows the run down and loses nothing."""

    def __init__(
        self, spawn: Callable[[int], Any], shard: int, patience: Patience, tally: Tally, who: str = "Writer"
    ) -> None:
        self._spawn = spawn
        self._shard = shard
        self._patience = patience
        self._tally = tally
        self._is_refused = False
        self.writer = spawn(shard)
        self._pending: deque[tuple[Sequence[Any], Any]] = deque()
        self._restarts = Restarts(f"{who} {shard + 1}" if shard else who, tally.recoveries, patience.say)

    @property
    def lag(self) -> int:
        """How many segments are not yet known to be durable."""
        return len(self._pending)

    def put(self, batches: Sequence[Any]) -> None:
        """Send the batches of one segment, references all; waits while too many are on their way."""
        while len(self._pending) >= IN_FLIGHT_MAX:
            self._patience(self._await_oldest)
        self._pending.append((batches, self.writer.commit.remote(*batches)))

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
            committed = result_of(self._pending[0][1], self._restarts.tell_of_silence)
        except DatabaseUnreachable:
            self._is_refused = True
            raise
        except ACTOR_LOST as lost:
            self._replace(lost)
        else:
            self._pending.popleft()
            self._tally.rows += committed.rows
            self._tally.latencies.note(committed.seconds)

    def _replace(self, lost: BaseException) -> None:
        """Start another writer and send it everything unacknowledged."""
        self._restarts.note(lost)
        discard(self.writer)
        self.writer = self._spawn(self._shard)
        self._send_again()

    def _send_again(self) -> None:
        """Send everything unacknowledged; what was committed nevertheless is skipped as a repeat."""
        self._pending = deque((batches, self.writer.commit.remote(*batches)) for batches, _ in self._pending)
