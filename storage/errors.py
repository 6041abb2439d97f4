"""What can go wrong with storage. The driver's errors become these in ``storage.driver``.

The docstring of each class is its message, with the fields it is raised with put in.
"""

from __future__ import annotations

import inspect
from typing import Any


class StorageError(Exception):
    """The database reported a problem: {why}."""

    def __init__(self, **fields: Any) -> None:
        """Fill the class's docstring with ``fields``."""
        self.fields = fields
        super().__init__(inspect.cleandoc(type(self).__doc__ or "").format(**fields))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes by class and fields."""
        return _rebuild, (type(self), self.fields)


class InvalidDatabaseUrl(StorageError):
    """The database URL is not of the form postgresql://user:password@host:port/database: {why}."""


class DatabaseUnreachable(StorageError):
    """The database at {url} cannot be reached: {why}."""

    # Whatever is of this kind is not the fault of the run, which stays RUNNING and can go on from what was committed.


class DatabaseExhausted(DatabaseUnreachable):
    """The database at {url} has run out of disk, memory or connections: {why}; make room, nothing else is needed."""


class DatabaseReadOnly(DatabaseUnreachable):
    """The database at {url} takes no changes at the moment, as a standby or by its settings: {why}."""


class AccessRefused(DatabaseUnreachable):
    """The database at {url} refuses this login: {why}; nothing but another right, password or URL helps."""


class EmbeddedServerFailed(StorageError):
    """The embedded Postgres server in {folder} does not start: {why}."""


class SchemaOutdated(StorageError):
    """The database has schema {found}, this paperdex needs {needed}; run "paperdex db upgrade"."""


class ConstraintViolated(StorageError):
    """The database refused a row of {table} by its rule {constraint}: {why}."""


class LockTimeout(StorageError):
    """The database was too busy to finish in time: {why}."""


class StaleOwner(StorageError):
    """Session {session_id} belongs to incarnation {stored}; a batch of incarnation {given} is refused."""


class StaleConductor(StorageError):
    """Run {run} has been taken up by its conductor {stored}; this one was its conductor {given} and leaves it alone."""


class SequenceGap(StorageError):
    """Session {session_id} stands at batch {stored}; batch {given} does not follow it."""


class SessionNotFound(StorageError):
    """There is no session {session_id}; "paperdex show run" names those of a run."""


class RunNotFound(StorageError):
    """There is no run {text}; name one by its id, the beginning of its id, or "latest"."""


class RunHeld(StorageError):
    """Run {run} is conducted by {holder}; it goes on there, or ends when that process does."""


class SweepNotFound(StorageError):
    """There is no sweep {text}; name one by its id, the beginning of its id, its name, or "latest"."""


class NothingSoCalled(StorageError):
    """There is no run {text}, and no sweep; "latest" is the latest run, "latest-sweep" the latest sweep."""


class ExportNotWritten(StorageError):
    """The file {path} can't be written: {why}; name another with --output."""


class TrialNotFound(StorageError):
    """There is no trial {text}; name one as SWEEP:POINT, such as latest-sweep:0, or by its id."""


class SweepHasEnded(StorageError):
    """Sweep {sweep} is COMPLETED; only a sweep that was interrupted can be resumed."""


class StaleSweep(StorageError):
    """Sweep {sweep} has been taken up by its conductor {stored}; what conductor {given} sends is refused."""


class RunHasEnded(StorageError):
    """Run {run} is COMPLETED; only a run that was interrupted can be resumed."""


class RunWasPruned(StorageError):
    """Run {run} has been pruned; only a run that is whole can be resumed."""


class NothingGoesOn(StorageError):
    """Every session of run {run} has ended in ERROR; there is nothing to resume, see "paperdex show run"."""


class DecisionNotFound(StorageError):
    """There is no decision {text}; a run ends with the ids of some, and paper_ai_thought_logs.thought_id has all."""


class TradeNotFound(StorageError):
    """There is no trade {text}; "paperdex show decision" names that of a decision, paper_trades.trade_id has all."""


class AmbiguousRun(StorageError):
    """Run {text} could be {candidates}; give more digits."""


class RunGoesOn(StorageError):
    """Run {run} is RUNNING; only a run that has ended can be archived or pruned."""


class ContentChanged(StorageError):
    """Run {run} is not what it was when it ended: its digest is {found} and was {stored}; see "paperdex db check"."""


class NotSound(StorageError):
    """Run {run} is left alone, because a check finds something in it: {finding}."""


class ArchiveNotWritten(StorageError):
    """The archive {folder} can't be written: {why}; the run is still in the database."""


class AnotherArchive(StorageError):
    """The folder {folder} holds another archive of this run; move it away, or name another folder with --to."""


class NoArchive(StorageError):
    """{folder} is no archive of a run: {why}; name a folder that "paperdex db archive" has written."""


class DamagedArchive(StorageError):
    """The archive {folder} is damaged: {why}; the database is as it was."""


class OtherSchema(StorageError):
    """The archive {folder} has schema {found}, this database {needed}; restore it with paperdex {version}."""


class RunIsThere(StorageError):
    """Run {run} is in the database already; nothing was restored."""


def _rebuild(kind: type[StorageError], fields: dict[str, Any]) -> StorageError:
    return kind(**fields)
