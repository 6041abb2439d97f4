"""Runs, the user they belong to, where each session of a run stands, and what operators ask of it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from enum import StrEnum
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped  # noqa: TC002

from storage.models.base import JSON, KEY, NOT_NEGATIVE, OBJECT, TIME, Base, choice, column, recorded, reference


class RunStatus(StrEnum):
    """How far a run has come."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    STOPPED = "STOPPED"


class User(Base):
    """Who owns accounts."""

    __tablename__ = "users"

    user_id: Mapped[UUID] = column(KEY, "Key of the user.", primary_key=True)
    name: Mapped[str] = column(String(100), "Name of the user.", unique=True)
    recorded_at: Mapped[datetime] = recorded()


class Run(Base):
    """One execution of a scenario."""

    __tablename__ = "runs"

    run_id: Mapped[UUID] = column(
        KEY, "Key of the run; all its rows' keys begin with the same 48 bits.", primary_key=True
    )
    name: Mapped[str] = column(String(100), "Name of the scenario.")
    seed: Mapped[int] = column(BigInteger(), "Seed of all random numbers of the run.", check=NOT_NEGATIVE)
    scenario: Mapped[dict[str, Any]] = column(JSON, "The scenario as it was run.", check=OBJECT)
    scenario_hash: Mapped[str] = column(
        String(64),
        "SHA-256 of the scenario without its segment length, which changes nothing.",
        check="{0} ~ '^[0-9a-f]{{64}}$'",
    )
    tokens: Mapped[list[Any]] = column(JSON, "The market's tokens and pools.", check="jsonb_typeof({0}) = 'array'")
    version: Mapped[str] = column(String(50), "Version of paperdex that began the run.")
    blocks: Mapped[int] = column(BigInteger(), "Length of the run in blocks.", check="{0} > 0")
    status: Mapped[str] = choice(20, RunStatus, "How far the run has come.", "RUNNING")
    digest: Mapped[str | None] = column(String(64), "Hash of the content of the run, once it has ended.")
    error_message: Mapped[str] = column(Text(), "Why the run ended in ERROR.", default="''")
    started_at: Mapped[datetime] = column(TIME, "Wall-clock time of the beginning.", default="now()")
    finished_at: Mapped[datetime | None] = column(TIME, "Wall-clock time of the end.")
    digest_revision: Mapped[str | None] = column(
        String(32), "Revision of the schema by which that hash was taken; others have other columns."
    )
    pruned_at: Mapped[datetime | None] = column(
        TIME, "Wall-clock time at which it was thinned; from then on that hash is no longer the one of its rows."
    )
    plug_ins: Mapped[list[Any]] = column(
        JSON,
        "Its analysts that are not built in: name, version and parameters of each.",
        default="'[]'::jsonb",
        check="jsonb_typeof({0}) = 'array'",
    )
    incarnation: Mapped[int] = column(
        BigInteger(),
        "Number of the run's current conductor; an older one can neither claim, fail nor close anything of it.",
        default="1",
        check="{0} > 0",
    )

    __table_args__ = (Index(None, "started_at"), Index(None, "status"), Index(None, "name"))


class SessionCheckpoint(Base):
    """Where a session stands: what its next owner goes on from."""

    __tablename__ = "session_checkpoints"

    session_id: Mapped[UUID] = reference("paper_trading_sessions.session_id", "The session.", primary_key=True)
    incarnation: Mapped[int] = column(
        BigInteger(), "Number of the session's current owner; older owners' batches are refused.", default="0"
    )
    seq: Mapped[int] = column(BigInteger(), "Number of the last committed batch.", default="0", check=NOT_NEGATIVE)
    next_block: Mapped[int] = column(BigInteger(), "First block not traded yet.", default="0", check=NOT_NEGATIVE)
    state: Mapped[bytes] = column(LargeBinary(), "The session's state before that block.", default="''::bytea")
    recorded_at: Mapped[datetime] = recorded()


COMMANDS = ("REVERSE_ADJUSTMENT", "PAUSE", "RESUME", "STOP")
COMMAND_STATUSES = ("PENDING", "ACCEPTED", "REFUSED")


class Command(Base):
    """What an operator asked of a run or a sweep while it went on."""

    __tablename__ = "commands"

    command_id: Mapped[UUID] = column(KEY, "Key of the command.", primary_key=True)
    run_id: Mapped[UUID | None] = reference("runs.run_id", "The run; none where it is a sweep.", index=True)
    session_id: Mapped[UUID | None] = reference(
        "paper_trading_sessions.session_id",
        "The session commanded; none where it is the whole run or a sweep.",
        index=True,
    )
    ordinal: Mapped[int] = column(BigInteger(), "Number of the command in its run or sweep.", check=NOT_NEGATIVE)
    kind: Mapped[str] = choice(50, COMMANDS, "What is to be done.")
    arguments: Mapped[dict[str, Any]] = column(JSON, "To what: keys of rows.", check=OBJECT)
    given_at: Mapped[datetime] = column(TIME, "Wall-clock time at which it was given.", default="now()")
    status: Mapped[str] = choice(20, COMMAND_STATUSES, "What became of it.", "PENDING")
    block: Mapped[int | None] = column(
        BigInteger(),
        "First block that trades with its effect, once it is accepted; a sweep has none.",
        check=NOT_NEGATIVE,
    )
    status_reason: Mapped[str] = column(Text(), "Why it was refused, as a sentence.", default="''")
    recorded_at: Mapped[datetime] = recorded()
    sweep_id: Mapped[UUID | None] = reference("sweeps.sweep_id", "The sweep; none where it is a run.", index=True)

    __table_args__ = (
        CheckConstraint(
            "(status = 'ACCEPTED' AND sweep_id IS NULL) = (block IS NOT NULL)", name="accepted_for_a_block"
        ),
        CheckConstraint("(status = 'REFUSED') = (status_reason <> '')", name="refused_for_a_reason"),
        CheckConstraint("kind <> 'REVERSE_ADJUSTMENT' OR session_id IS NOT NULL", name="reversal_of_a_session"),
        CheckConstraint("num_nonnulls(run_id, sweep_id) = 1", name="of_a_run_or_a_sweep"),
        CheckConstraint("session_id IS NULL OR run_id IS NOT NULL", name="session_of_a_run"),
    )
