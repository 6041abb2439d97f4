"""What Auto Pilot knows of earlier runs: versions that are never changed, each the one before and one more run.

A run names its version and reads it at its start. What its outcomes teach is put into the next version by a command,
not by its end: a version then never depends on which runs happened to end in which order, or how often one was
repeated, and a sweep of thousands does not wait for one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from simulation.autopilot.knowledge import IGNORANT, Knowledge, learned
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.triggers import TYPES
from storage import queries
from storage.chain import chain_findings
from storage.copying import to_json
from storage.errors import StorageError
from storage.pilot_records import KnowledgeRecord
from storage.records import Finding

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

TABLE = "autopilot_knowledge"

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_LEARNING = 0x6C6561726E696E67
"""Advisory lock of learning, so that two commands at the same moment make two versions."""

_VERSION = text("SELECT version, counts, hash FROM autopilot_knowledge WHERE version = :version")
_LATEST = text("SELECT coalesce(max(version), 0) FROM autopilot_knowledge")
_ALL = text(
    """
    SELECT version, from_version, from_run, outcomes, hash FROM autopilot_knowledge ORDER BY version
    """
)
_OF_RUN = text("SELECT version FROM autopilot_knowledge WHERE from_run = :run")
_OUTCOMES = text(
    """
    SELECT adjustment_type AS type, regime, outcome FROM autopilot_logs AS logs
    JOIN paper_trading_sessions USING (session_id) JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE accounts.run_id = :run AND outcome NOT IN ('PENDING', 'UNKNOWN') AND regime IS NOT NULL
    ORDER BY logs.log_id
    """
)
_INSERT = text(
    """
    INSERT INTO autopilot_knowledge (version, from_version, from_run, outcomes, counts, hash)
    VALUES (:version, :from_version, :from_run, :outcomes, CAST(:counts AS jsonb), :hash)
    """
)


class NoSuchKnowledge(StorageError):
    """There is no knowledge of version {version}, the latest is {latest}; see "paperdex autopilot knowledge"."""


class AlteredKnowledge(StorageError):
    """Knowledge of version {version} is not what was learned: its hash is {found} and was {stored}."""


class NothingToLearn(StorageError):
    """Nothing is learned from run {run}: {why}."""


def knowledge(connection: Connection, version: int) -> Knowledge:
    """Return what Auto Pilot knows by a version, nothing by 0; raises NoSuchKnowledge or AlteredKnowledge."""
    if version == IGNORANT.version:
        return IGNORANT
    row = connection.execute(_VERSION, {"version": version}).one_or_none()
    if row is None:
        raise NoSuchKnowledge(version=version, latest=latest(connection))
    stored = Knowledge(row.version, tuple(row.counts))
    if stored.hash != row.hash:
        raise AlteredKnowledge(version=version, found=stored.hash, stored=row.hash)
    return stored


def latest(connection: Connection) -> int:
    """Return the latest version, 0 before the first."""
    return int(connection.execute(_LATEST).scalar_one())


def versions(connection: Connection) -> list[KnowledgeRecord]:
    """Return the versions that there are, in order."""
    return [KnowledgeRecord(**row) for row in connection.execute(_ALL).mappings()]


def learn(connection: Connection, run_id: UUID) -> Knowledge:
    """Add the outcomes of a run to the latest version and store the next one.

    Raises RunNotFound; or NothingToLearn where the run is not COMPLETED, has been learned from, has no outcome that
    teaches, or where the chain of its log is broken.
    """
    connection.execute(_LOCK, {"key": _LEARNING})
    outcomes = connection.execute(_OUTCOMES, {"run": run_id}).all()
    why_not = _why_not(connection, run_id, len(outcomes))
    if why_not:
        raise NothingToLearn(run=run_id, why=why_not)
    before = knowledge(connection, latest(connection))
    made = learned(before, [(_TYPES[row.type], row.regime, OutcomeKind[row.outcome]) for row in outcomes])
    row = {
        "version": made.version,
        "from_version": before.version,
        "from_run": run_id,
        "outcomes": len(outcomes),
        "counts": to_json(made.counts),
        "hash": made.hash,
    }
    connection.execute(_INSERT, row)
    return made


_TYPES = {str(kind): number for number, kind in enumerate(TYPES)}


def _why_not(connection: Connection, run_id: UUID, outcomes: int) -> str:
    status = queries.run(connection, run_id).status
    if status != "COMPLETED":
        return f"it is {status}, and only what has come to its end teaches"
    if (version := connection.execute(_OF_RUN, {"run": run_id}).scalar_one_or_none()) is not None:
        return f"version {version} has its outcomes already"
    if not outcomes:
        return "none of its adjustments was judged POSITIVE, NEUTRAL or NEGATIVE"
    broken = chain_findings(connection, run_id)
    return str(broken[0]).rstrip(".") if broken else ""


def findings(connection: Connection) -> list[Finding]:
    """Return the versions whose counts are not those that were hashed."""
    found = []
    for version in versions(connection):
        try:
            knowledge(connection, version.version)
        except AlteredKnowledge as altered:
            row, hashed = str(version.version), altered.fields["found"]
            found.append(Finding(TABLE, "", row, "hash", version.hash, hashed))
    return found
