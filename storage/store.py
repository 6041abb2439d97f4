"""The Store: the product's verbs over one Postgres database."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from storage import (
    beginning,
    checking,
    committing,
    conducting,
    digest,
    finishing,
    holding,
    queries,
    reopening,
    sessions,
    sweeps,
    thoughts,
    trades,
)
from storage.batch import Checkpoint
from storage.driver import masked, parse_url, settings, translated
from storage.errors import SessionNotFound
from storage.models import RunStatus
from storage.pilot_verbs import PilotVerbs
from storage.steering_verbs import SteeringVerbs
from storage.sweep_reader import SweepReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path
    from types import ModuleType
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from simulation.intelligence.roster import PlugIn
    from simulation.market.segment import TokenInfo
    from simulation.scenario import Scenario
    from storage.batch import Batch
    from storage.beginning import RunIds
    from storage.context import SessionContext
    from storage.records import (
        AccountCosts,
        AccountResult,
        ArchivedRun,
        Counts,
        EndedRun,
        Finding,
        NotableDecision,
        Reopened,
        RunDetail,
        RunRecord,
        SessionDetail,
        SessionFailure,
        SessionLine,
        Thinned,
        Thought,
        TradeDetail,
    )
    from storage.sweep_records import SweepDetail, TrialDetail, TrialFigures
    from storage.trial_rows import CohortBatch

_CHECKPOINT = text("SELECT incarnation, seq, next_block, state FROM session_checkpoints WHERE session_id = :session")
_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
"""What somebody else changes meanwhile ends the transaction, instead of being deleted unread."""

_READ_ONLY = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_PRUNED_AT = text("SELECT pruned_at FROM runs WHERE run_id = :run")


class Store(PilotVerbs, SteeringVerbs, SweepReader):
    """One database. Every method is one transaction, and raises StorageErrors only."""

    def __init__(self, url: str) -> None:
        """Name the database; it is first contacted when it is used. Raises InvalidDatabaseUrl."""
        self._url = parse_url(url)
        self._engine = create_engine(self._url, pool_pre_ping=True, connect_args=settings(self._url.query))

    def __repr__(self) -> str:
        """Name the database without its password."""
        return f"Store({self.address})"

    @property
    def address(self) -> str:
        """Where the database is, as a person may see it."""
        return masked(self._url)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def upgrade(self, revision: str = "head") -> tuple[str, ...]:
        """Bring the schema up to date and return what the server warned of; two at the same moment both succeed."""
        with self._transaction() as connection:
            return _schema().upgrade(connection, revision)  # type: ignore[no-any-return]

    def downgrade(self, revision: str) -> None:
        """Take the schema back; whatever newer tables hold is gone."""
        with self._transaction() as connection:
            _schema().downgrade(connection, revision)

    def begin_run(
        self,
        scenario: Scenario,
        tokens: tuple[TokenInfo, ...],
        blocks: int,
        prefix: int,
        plug_ins: tuple[PlugIn, ...] = (),
    ) -> RunIds:
        """Write a run of ``blocks`` blocks with its accounts and their sessions, all RUNNING."""
        with self._transaction() as connection:
            _schema().require_current(connection)
            return beginning.begin(connection, scenario, tokens, blocks, prefix, plug_ins)

    @contextmanager
    def hold(self, run_id: UUID) -> Iterator[None]:
        """Conduct a run alone for as long as the context lasts; raises RunHeld, which names who does.

        The hold is lost with the database connection. Then nothing is written twice all the same: whoever claims a
        session next is its owner.
        """
        with translated(self._url), self._engine.connect() as connection:
            plain = connection.execution_options(isolation_level="AUTOCOMMIT")
            with holding.held(plain, run_id):
                yield

    def is_held(self, run_id: UUID) -> bool:
        """Tell whether somebody conducts a run or a sweep, of those who have had their connection since they began."""
        with self._transaction() as connection:
            return holding.is_held(connection, run_id)

    def claim(self, session_id: UUID, conductor: int = conducting.FIRST) -> int:
        """Make the caller the session's owner; return its incarnation. Older owners' batches are refused.

        ``conductor`` is the caller's number among the conductors of the run; raises StaleConductor for an older one.
        """
        with self._transaction() as connection:
            return conducting.claim(connection, session_id, conductor)

    def begin_session(self, context: SessionContext, state: bytes) -> None:
        """Begin a later session of an account in this state; the one before must have ended. Repeats are harmless."""
        with self._transaction() as connection:
            beginning.begin_session(connection, context, state)

    def commit(self, batches: Sequence[Batch]) -> int:
        """Commit all of ``batches`` or none; those that are stored already are skipped. Return how many were new."""
        with self._transaction() as connection:
            return committing.commit(connection, batches)

    def checkpoint(self, session_id: UUID) -> Checkpoint:
        """Return where a session stands."""
        with self._transaction() as connection:
            row = connection.execute(_CHECKPOINT, {"session": session_id}).one_or_none()
        if row is None:
            raise SessionNotFound(session_id=session_id)
        return Checkpoint(row.incarnation, row.seq, row.next_block, bytes(row.state))

    def finish_run(self, run_id: UUID, status: str, error_message: str = "", conductor: int = conducting.FIRST) -> str:
        """Close a run and its sessions as COMPLETED, STOPPED or ERROR; store and return the digest."""
        with self._transaction() as connection:
            content = finishing.finish(connection, run_id, RunStatus(status), error_message, conductor)
            digest.sign(connection, run_id)
            return content

    def reopen_run(self, run_id: UUID, *, is_asked: bool = True) -> Reopened:
        """Make a run that was interrupted RUNNING again, with the caller as its conductor.

        If the user has asked for it, a run goes on that was paused or stopped as a whole.

        Raises RunNotFound, RunHasEnded, RunWasPruned, or NothingGoesOn.
        """
        with self._transaction() as connection:
            _schema().require_current(connection)
            return reopening.reopen(connection, run_id, is_asked=is_asked)

    def fail_session(self, session_id: UUID, error_message: str, conductor: int = conducting.FIRST) -> None:
        """End a session in ERROR with what it had committed; what its owner sends later is refused."""
        with self._transaction() as connection:
            finishing.fail_session(connection, session_id, error_message, conductor)

    def failures(self, run_id: UUID) -> list[SessionFailure]:
        """Return the sessions of a run that failed while it went on, in the order of the scenario."""
        with self._transaction() as connection:
            return queries.failures(connection, run_id)

    def digest(self, run_id: UUID) -> str:
        """Return the hash of the content of a run, taken anew."""
        with self._transaction() as connection:
            return digest.digest(connection, run_id)

    def check(self, run_id: UUID | None = None) -> list[Finding]:
        """Recompute a run, or all, from the trades; return what deviates. Nothing is written."""
        with self._transaction() as connection:
            connection.execute(_READ_ONLY)
            return checking.check(connection, run_id)

    def ended_runs(self, older_than_seconds: int) -> list[EndedRun]:
        """Return the runs that ended longer ago than that, the oldest first."""
        with self._transaction() as connection:
            return _upkeep("ended_runs").older_than(connection, older_than_seconds)  # type: ignore[no-any-return]

    def ended_run(self, run_id: UUID) -> EndedRun:
        """Return a run that has ended; raises RunNotFound or RunGoesOn."""
        with self._transaction() as connection:
            return _upkeep("ended_runs").ended(connection, run_id)  # type: ignore[no-any-return]

    def archive(self, run_id: UUID, place: Path) -> ArchivedRun:
        """Move a run that has ended into a folder of its own in ``place``; it goes once the files are sound."""
        with self.hold(run_id), self._transaction() as connection:
            connection.execute(_ONE_MOMENT)
            return _upkeep("archiving").archive(connection, run_id, place)  # type: ignore[no-any-return]

    def restore(self, folder: Path) -> ArchivedRun:
        """Put an archived run back, with the digest that it had."""
        with self._transaction() as connection:
            return _upkeep("archiving").restore(connection, folder)  # type: ignore[no-any-return]

    def prune(self, run_id: UUID, *, dry_run: bool = False) -> Thinned:
        """Thin the snapshots of a run that has ended and the decisions of its failed orders; return what went."""
        if dry_run:
            with self._transaction() as connection:
                connection.execute(_READ_ONLY)
                return _upkeep("pruning").would_prune(connection, run_id)  # type: ignore[no-any-return]
        with self.hold(run_id), self._transaction() as connection:
            connection.execute(_ONE_MOMENT)
            return _upkeep("pruning").prune(connection, run_id)  # type: ignore[no-any-return]

    def pruned_at(self, run_id: UUID) -> datetime | None:
        """Return when a run was pruned; None if all of it is there."""
        with self._transaction() as connection:
            return connection.execute(_PRUNED_AT, {"run": run_id}).scalar_one_or_none()

    def resolve_run(self, name: str) -> UUID:
        """Return the key of a run from its key, an unambiguous beginning of it, or "latest"."""
        with self._transaction() as connection:
            return queries.resolve_run(connection, name)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """Return the latest runs, the newest first."""
        with self._transaction() as connection:
            return queries.runs(connection, limit)

    def run(self, run_id: UUID) -> RunDetail:
        """Return a run with what defines it; raises RunNotFound."""
        with self._transaction() as connection:
            return queries.run(connection, run_id)

    def leaderboard(self, run_id: UUID) -> list[AccountResult]:
        """Return how each account has done, the best first."""
        with self._transaction() as connection:
            return queries.leaderboard(connection, run_id)

    def equity(self, run_id: UUID) -> dict[str, list[tuple[datetime, Decimal]]]:
        """Return the equity of each account in USD, from its beginning on at each mark."""
        with self._transaction() as connection:
            return queries.equity(connection, run_id)

    def costs(self, run_id: UUID) -> list[AccountCosts]:
        """Return what trading has cost each account, part by part, in the order of the scenario."""
        with self._transaction() as connection:
            return queries.costs(connection, run_id)

    def counts(self, run_id: UUID) -> Counts:
        """Return how much a run has written."""
        with self._transaction() as connection:
            return queries.counts(connection, run_id)

    def notable_decisions(self, run_id: UUID, limit: int = 10) -> list[NotableDecision]:
        """Return decisions worth reading, of as many reasons as there are."""
        with self._transaction() as connection:
            return queries.notable_decisions(connection, run_id, limit)

    def thought(self, text: str) -> Thought:
        """Return a decision by its key; raises DecisionNotFound."""
        with self._transaction() as connection:
            return thoughts.thought(connection, text)

    def trade(self, text: str) -> TradeDetail:
        """Return an order by its key; raises TradeNotFound."""
        with self._transaction() as connection:
            return trades.trade(connection, text)

    def session(self, text: str) -> SessionDetail:
        """Return a session by its key; raises NoSuchSession."""
        with self._transaction() as connection:
            return sessions.session(connection, text)

    def sessions_of(self, run_id: UUID) -> list[SessionLine]:
        """Return the sessions of a run, in the order of the scenario's accounts."""
        with self._transaction() as connection:
            return sessions.sessions_of(connection, run_id)

    def begin_sweep(
        self, sweep_id: UUID, name: str, spec: dict[str, Any], spec_hash: str, markets: Sequence[Any], points: int
    ) -> None:
        """Write a sweep of so many points on these markets, RUNNING."""
        with self._transaction() as connection:
            _schema().require_current(connection)
            sweeps.begin(connection, sweep_id, name, spec, spec_hash, markets, points)

    def commit_cohorts(self, batches: Sequence[CohortBatch]) -> int:
        """Commit all of these cohorts or none; those that are stored already are skipped. Return how many were new."""
        with self._transaction() as connection:
            return sweeps.commit(connection, batches)

    def cohorts_of(self, sweep_id: UUID) -> list[tuple[int, int, int, int]]:
        """Return (market, first point, points, skipped ones) of every cohort that is committed."""
        with self._transaction() as connection:
            return sweeps.cohorts(connection, sweep_id)

    def reopen_sweep(self, sweep_id: UUID, *, is_asked: bool = True) -> int:
        """Make a sweep that was interrupted RUNNING again; return the number of its conductor.

        If the user has asked for it, one goes on that was paused or stopped.
        """
        with self._transaction() as connection:
            return sweeps.reopen(connection, sweep_id, is_asked=is_asked)

    def finish_sweep(
        self,
        sweep_id: UUID,
        conductor: int,
        status: str,
        error_message: str = "",
        verdict: dict[str, Any] | None = None,
    ) -> str:
        """Close a sweep as COMPLETED, STOPPED or ERROR; store and return its digest."""
        with self._transaction() as connection:
            return sweeps.finish(connection, sweep_id, conductor, status, error_message, verdict)

    def sweep(self, sweep_id: UUID) -> SweepDetail:
        """Return a sweep with what defines it; raises SweepNotFound."""
        with self._transaction() as connection:
            return sweeps.detail(connection, sweep_id)

    def trials_between(self, sweep_id: UUID, first: int, end: int) -> TrialFigures:
        """Return the trials of the points from ``first`` to before ``end``, in their order."""
        with self._transaction() as connection:
            return sweeps.between(connection, sweep_id, first, end)

    def repeated_points(self, sweep_id: UUID) -> NDArray[np.int64]:
        """Return the points whose setting another one has, but for one of each: the first that ran to the end."""
        with self._transaction() as connection:
            return sweeps.repeated(connection, sweep_id)

    def trial(self, text: str) -> TrialDetail:
        """Return a trial by its key; raises TrialNotFound."""
        with self._transaction() as connection:
            return sweeps.trial(connection, text)

    def settings_of(self, sweep_id: UUID, point: int) -> dict[str, Any]:
        """Return the setting of a point of which there is a trial."""
        with self._transaction() as connection:
            return sweeps.settings(connection, sweep_id, point)

    def sweep_digest(self, sweep_id: UUID) -> str:
        """Return the hash of the trials of a sweep, taken anew."""
        with self._transaction() as connection:
            return sweeps.digest(connection, sweep_id)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with translated(self._url), self._engine.begin() as connection:
            yield connection


def _upkeep(name: str) -> ModuleType:
    """Import what archives and prunes: no run needs it, and it reads Parquet."""
    return import_module(f"storage.{name}")


def _schema() -> ModuleType:
    """Import what knows the migrations: a writer needs none, and Alembic takes its time."""
    return import_module("storage.schema")
