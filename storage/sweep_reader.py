"""The verbs of the Store that look at sweeps as a whole: by name, how far they are, what came of them, to a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from storage import queries, sweep_rows
from storage.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from storage.sweep_records import Covered, Exported, Outcomes


class SweepReader(Verbs):
    """The part of the Store that reports, shows and exports sweeps."""

    def resolve_sweep(self, name: str) -> UUID:
        """Return the key of a sweep from its key, an unambiguous beginning of it, its name, or "latest".

        A name that several sweeps have means the latest of them.
        """
        with self._transaction() as connection:
            return queries.resolve_sweep(connection, name)

    def resolve_run_or_sweep(self, name: str) -> UUID:
        """Return the key of a run or of a sweep; "latest" is the latest run, "latest-sweep" the latest sweep."""
        with self._transaction() as connection:
            return queries.resolve_run_or_sweep(connection, name)

    def covered(self, sweep_id: UUID) -> Covered:
        """Return how many of a sweep's trials are committed or were skipped."""
        with self._transaction() as connection:
            return sweep_rows.covered(connection, sweep_id)

    def outcomes_between(self, sweep_id: UUID, first: int, end: int) -> Outcomes:
        """Return what the trials of the points from ``first`` to before ``end`` came to, in their order."""
        with self._transaction() as connection:
            return sweep_rows.between(connection, sweep_id, first, end)

    def failure_of_trials(self, sweep_id: UUID) -> str:
        """Return why the first trial failed that did; nothing where none did."""
        with self._transaction() as connection:
            return sweep_rows.failure(connection, sweep_id)

    def settings_of_points(self, sweep_id: UUID, points: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the settings of those of these points of which there is a trial on the first market."""
        with self._transaction() as connection:
            return sweep_rows.settings(connection, sweep_id, points)

    def export_sweep(self, sweep_id: UUID, path: Path) -> Exported:
        """Write all trials of a sweep to a Parquet file, whole or not at all; raises ExportNotWritten."""
        with self._transaction() as connection:
            return import_module("storage.trial_files").export(connection, sweep_id, path)  # type: ignore[no-any-return]
