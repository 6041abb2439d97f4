"""A writer of a run or a sweep: commits what many sessions or trials came to together, each exactly once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Batch
    from storage.trial_rows import CohortBatch


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
        return f"Writer({self._store.address})"

    def commit(self, *groups: Sequence[Batch]) -> Committed:
        """Commit the batches in one transaction and return what it came to; repeats are harmless."""
        batches = [batch for group in groups for batch in group]
        began = time.perf_counter()
        self._store.commit(batches)
        return Committed(sum(batch.n_rows for batch in batches), time.perf_counter() - began)


class TrialWriter:
    """The writer of a sweep: holds one connection to Postgres; what it is given is durable when it returns."""

    def __init__(self, database_url: str) -> None:
        self._store = Store(database_url)

    def __repr__(self) -> str:
        return f"TrialWriter({self._store.address})"

    def commit(self, *batches: CohortBatch) -> Committed:
        """Commit cohorts in one transaction and return what it came to; repeats are harmless."""
        began = time.perf_counter()
        self._store.commit_cohorts(batches)
        return Committed(sum(batch.n_rows for batch in batches), time.perf_counter() - began)
