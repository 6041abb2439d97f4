"""A writer of a run: commits the batches of many sessions together, each exactly once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Batch


class Committed(NamedTuple):
    """What a commit came to."""

    rows: int
    """Of all its batches, those that had been committed before included."""
    seconds: float
    """By the wall clock, from the first lock to the server's answer; no part of a run's content."""


class Writer:
    """Holds one connection to Postgres; everything it is given is durable when it returns."""

    def __init__(self, database_url: str) -> None:
        self._store = Store(database_url)

    def __repr__(self) -> str:
        return "Writer(postgres)"

    def commit(self, *groups: Sequence[Batch]) -> Committed:
        """Commit the batches in one transaction and return what it came to; repeats are harmless."""
        batches = [batch for group in groups for batch in group]
        began = time.perf_counter()
        self._store.commit(batches)
        return Committed(sum(batch.n_rows for batch in batches), time.perf_counter() - began)
