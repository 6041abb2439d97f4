"""Questions about many trials of a sweep at once, a few thousand points at a time or chosen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import text

from storage.sweep_records import JUDGED, Covered, Outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection

_COVERED = text(
    """
    SELECT coalesce(sum(n_points - skipped), 0), coalesce(sum(skipped), 0)
    FROM sweep_cohorts WHERE sweep_id = :sweep
    """
)
_JUDGED = ", ".join(f"{name}::float8" for name in JUDGED)
_BETWEEN = text(
    f"SELECT point, market, status = 'ERROR', status = 'PRUNED', {_JUDGED}"  # noqa: S608 -- columns of ours
    " FROM trials WHERE sweep_id = :sweep AND point >= :first AND point < :end ORDER BY point, market"
)
_SETTINGS = text("SELECT point, settings FROM trials WHERE sweep_id = :sweep AND market = 0 AND point = ANY(:points)")

_FAILURE = text(
    "SELECT error_message FROM trials WHERE sweep_id = :sweep AND status = 'ERROR' ORDER BY point, market LIMIT 1"
)


def failure(connection: Connection, sweep_id: UUID) -> str:
    """Return why the first trial failed that did; nothing where none did."""
    return str(connection.execute(_FAILURE, {"sweep": sweep_id}).scalar() or "")


def covered(connection: Connection, sweep_id: UUID) -> Covered:
    """Return how many trials are committed, and how many a constraint forbade, over all markets."""
    trials, skipped = connection.execute(_COVERED, {"sweep": sweep_id}).one()
    return Covered(int(trials), int(skipped))


def between(connection: Connection, sweep_id: UUID, first: int, end: int) -> Outcomes:
    """Return what the trials of the points from ``first`` to before ``end`` came to."""
    rows = connection.execute(_BETWEEN, {"sweep": sweep_id, "first": first, "end": end}).all()
    values = np.array([tuple(row) for row in rows], np.float64).reshape(len(rows), 4 + len(JUDGED))
    point, market = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
    return Outcomes(point, market, values[:, 2] > 0, values[:, 3] > 0, values[:, 4:])


def settings(connection: Connection, sweep_id: UUID, points: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the settings of these points, of those that have a trial on the first market."""
    rows = connection.execute(_SETTINGS, {"sweep": sweep_id, "points": list(points)})
    return {int(row.point): dict(row.settings) for row in rows}
