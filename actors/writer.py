"""The writer of a run: commits the batches of many sessions together, each exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Batch


class Writer:
    """Holds one connection to Postgres; everything it is given is durable when it returns."""

    def __init__(self, database_url: str) -> None:
        self._store = Store(database_url)

    def __repr__(self) -> str:
        return "Writer(postgres)"

    def commit(self, *groups: Sequence[Batch]) -> int:
        """Commit the batches in one transaction and return how many there were; repeats are harmless."""
        batches = [batch for group in groups for batch in group]
        self._store.commit(batches)
        return len(batches)
