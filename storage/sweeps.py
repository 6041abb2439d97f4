"""Sweeps in the database: begun, their cohorts committed exactly once, taken up, read back and closed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql
from sqlalchemy import text

from storage import commands, conducting, steering
from storage.committing import copy
from storage.copying import encode, to_json
from storage.errors import SweepHasEnded, SweepNotFound, TrialNotFound
from storage.ids import TAIL_START
from storage.installed import paperdex_version
from storage.keys import row_of
from storage.models import Trial
from storage.sweep_records import FIGURES, SweepDetail, TrialDetail, TrialFigures
from storage.trial_rows import COHORT_COLUMNS, PARTS, TRIALS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from storage.trial_rows import CohortBatch

_DETAIL = text(
    """
    SELECT sweep_id::text, name, spec, spec_hash, markets, points, version, status, digest, error_message, verdict,
        started_at, finished_at
    FROM sweeps WHERE sweep_id = :sweep
    """
)
_LOCK = text("SELECT status FROM sweeps WHERE sweep_id = :sweep FOR UPDATE")
_HAS = text("SELECT cohort_id FROM sweep_cohorts WHERE cohort_id = ANY(:cohorts)")
_COHORTS = text(
    """
    SELECT market, first_point, n_points, skipped FROM sweep_cohorts WHERE sweep_id = :sweep
    ORDER BY market, first_point
    """
)
_REOPEN = text(
    """
    UPDATE sweeps SET status = 'RUNNING', error_message = '', finished_at = NULL, incarnation = incarnation + 1
    WHERE sweep_id = :sweep RETURNING incarnation
    """
)
_CLOSE = text(
    """
    UPDATE sweeps SET status = :status, error_message = :message, digest = :digest, verdict = CAST(:verdict AS jsonb),
        finished_at = now()
    WHERE sweep_id = :sweep
    """
)
_BETWEEN = text(
    f"SELECT point, market, status, {', '.join(FIGURES)}, part_sums FROM trials"  # noqa: S608 -- columns of ours
    " WHERE sweep_id = :sweep AND point >= :first AND point < :end ORDER BY point, market"
)
_REPEATED = text(
    """
    SELECT point FROM (
        SELECT point, row_number() OVER (
            PARTITION BY sha256(convert_to(settings::text, 'UTF8')) ORDER BY status <> 'COMPLETED', point
        ) AS turn
        FROM trials WHERE sweep_id = :sweep AND market = 0
    ) AS turns WHERE turn > 1 ORDER BY point
    """
)
_SETTINGS = text("SELECT settings FROM trials WHERE sweep_id = :sweep AND point = :point LIMIT 1")
_TRIAL = text(
    """
    SELECT trials.*, sweeps.markets -> trials.market AS scenario FROM trials JOIN sweeps USING (sweep_id)
    WHERE trial_id = :key
    """
)
_CONTENT = tuple(column.name for column in Trial.__table__.columns if column.name != "recorded_at")
_KEYS = {"trial_id", "sweep_id"}


def begin(
    connection: Connection,
    sweep_id: UUID,
    name: str,
    spec: dict[str, Any],
    spec_hash: str,
    markets: Sequence[dict[str, Any]],
    points: int,
) -> None:
    """Write a sweep of so many points on these markets, RUNNING."""
    row = {
        "sweep_id": sweep_id,
        "name": name,
        "spec": spec,
        "spec_hash": spec_hash,
        "markets": list(markets),
        "points": points,
        "version": paperdex_version(),
    }
    copy(connection, "sweeps", tuple(row), encode([tuple(row.values())]))


def commit(connection: Connection, batches: Sequence[CohortBatch]) -> int:
    """Write the cohorts that are not there yet, with their trials; return how many those were. Raises StaleSweep."""
    for sweep_id, conductor in {(batch.sweep_id, batch.conductor) for batch in batches}:
        conducting.share_sweep(connection, sweep_id, conductor)
    keys = [batch.cohort_id for batch in batches]
    there = {row.cohort_id for row in connection.execute(_HAS, {"cohorts": keys})}
    new = {batch.cohort_id: batch for batch in batches if batch.cohort_id not in there}
    copy(connection, "sweep_cohorts", COHORT_COLUMNS, b"".join(batch.cohort for batch in new.values()))
    copy(connection, "trials", TRIALS.names, b"".join(batch.trials for batch in new.values()))
    return len(new)


def cohorts(connection: Connection, sweep_id: UUID) -> list[tuple[int, int, int, int]]:
    """Return (market, first point, points, skipped ones) of every cohort that is committed."""
    return [tuple(row) for row in connection.execute(_COHORTS, {"sweep": sweep_id})]


def reopen(connection: Connection, sweep_id: UUID, *, is_asked: bool) -> int:
    """Make a sweep that was interrupted RUNNING; return the number of its conductor.

    If the user has asked for it, one goes on that was paused or stopped. Raises SweepNotFound or SweepHasEnded.
    """
    row = connection.execute(_LOCK, {"sweep": sweep_id}).one_or_none()
    if row is None:
        raise SweepNotFound(text=sweep_id)
    if row.status == "COMPLETED":
        raise SweepHasEnded(sweep=sweep_id)
    if is_asked:
        steering.release(connection, sweep_id)
    return int(connection.execute(_REOPEN, {"sweep": sweep_id}).scalar_one())


def finish(
    connection: Connection,
    sweep_id: UUID,
    conductor: int,
    status: str,
    error_message: str,
    verdict: dict[str, Any] | None,
) -> str:
    """Close a sweep and return its digest. Raises StaleSweep."""
    conducting.take_sweep(connection, sweep_id, conductor)
    if status == "COMPLETED":
        commands.refuse_all(connection, sweep_id, commands.OVER)
    content = digest(connection, sweep_id)
    values = {"sweep": sweep_id, "status": status, "message": error_message, "digest": content}
    connection.execute(_CLOSE, values | {"verdict": None if verdict is None else to_json(verdict)})
    return content


def detail(connection: Connection, sweep_id: UUID) -> SweepDetail:
    """Return a sweep with what defines it; raises SweepNotFound."""
    row = connection.execute(_DETAIL, {"sweep": sweep_id}).mappings().one_or_none()
    if row is None:
        raise SweepNotFound(text=sweep_id)
    return SweepDetail(**row)


def between(connection: Connection, sweep_id: UUID, first: int, end: int) -> TrialFigures:
    """Return the trials of the points from ``first`` to before ``end``."""
    rows = connection.execute(_BETWEEN, {"sweep": sweep_id, "first": first, "end": end}).all()
    sums = np.zeros((len(rows), 2, PARTS))
    for place, row in enumerate(rows):
        stored = np.frombuffer(row.part_sums, "<f8")
        if len(stored):
            sums[place] = stored.reshape(2, PARTS)
    return TrialFigures(
        np.array([row.point for row in rows], np.int64),
        np.array([row.market for row in rows], np.int64),
        np.array([row.status == "ERROR" for row in rows], bool),
        np.array([row.status == "PRUNED" for row in rows], bool),
        np.array([[float(value) for value in row[3:-1]] for row in rows]).reshape(len(rows), len(FIGURES)),
        sums,
    )


def repeated(connection: Connection, sweep_id: UUID) -> NDArray[np.int64]:
    """Return the points whose setting another one has, in order, but one of each: the first that ended, if any did.

    Compared by their digests: what is sorted is as long for settings of any size.
    """
    connection.execute(text("SET LOCAL statement_timeout = 0"))  # it grows with the sweep
    found = connection.execute(_REPEATED, {"sweep": sweep_id})
    return np.fromiter(found.scalars(), np.int64)


def settings(connection: Connection, sweep_id: UUID, point: int) -> dict[str, Any]:
    """Return the setting of a point of which there is a trial."""
    return dict(connection.execute(_SETTINGS, {"sweep": sweep_id, "point": point}).scalar_one())


def trial(connection: Connection, name: str) -> TrialDetail:
    """Return the trial with the key ``name``; raises TrialNotFound."""
    row = row_of(connection, _TRIAL, name)
    if row is None:
        raise TrialNotFound(text=name)
    columns = dict(row)
    return TrialDetail(columns.pop("scenario"), columns)


def digest(connection: Connection, sweep_id: UUID) -> str:
    """Return the SHA-256 of the trials of a sweep in the order of their keys, as hex; of keys only the tails count."""
    fields = [
        sql.SQL("substr({}::text, {})").format(sql.Identifier(name), sql.Literal(TAIL_START))
        if name in _KEYS
        else sql.Identifier(name)
        for name in _CONTENT
    ]
    statement = sql.SQL("COPY (SELECT {} FROM trials WHERE sweep_id = {} ORDER BY trial_id) TO STDOUT").format(
        sql.SQL(", ").join(fields), sql.Literal(str(sweep_id))
    )
    connection.execute(text("SET LOCAL statement_timeout = 0"))  # it grows with the sweep
    hasher = sha256(f"trials: {', '.join(_CONTENT)}\n".encode())
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, _File(hasher))
    return hasher.hexdigest()


class _File:
    """A file to COPY into."""

    def __init__(self, hasher: Any) -> None:
        self._hasher = hasher

    def write(self, part: bytes) -> None:
        self._hasher.update(part)
