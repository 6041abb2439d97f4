"""Sweeps: searches over settings, and what each trial came to."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from decimal import Decimal  # noqa: TC003
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped  # noqa: TC002

from storage.models.base import (
    ARRAY,
    JSON,
    KEY,
    NOT_NEGATIVE,
    OBJECT,
    PERCENTAGE,
    RATIO,
    TIME,
    USD,
    Base,
    choice,
    column,
    recorded,
    reference,
)
from storage.models.runs import RunStatus

JSON_IN_ORDER = postgresql.JSON()
"""Keeps the order of the fields, by which points are numbered; JSONB would sort them."""

TRIAL_STATUSES = ("COMPLETED", "PRUNED", "ERROR")


class Sweep(Base):
    """One search over the settings of an account, on one market or several."""

    __tablename__ = "sweeps"

    sweep_id: Mapped[UUID] = column(
        KEY, "Key of the sweep; all its rows' keys begin with the same 48 bits.", primary_key=True
    )
    name: Mapped[str] = column(String(100), "Name of the sweep.")
    spec: Mapped[dict[str, Any]] = column(
        JSON_IN_ORDER, "The sweep as it was begun, its fields in their order.", check="json_typeof({0}) = 'object'"
    )
    spec_hash: Mapped[str] = column(
        String(64), "SHA-256 of what defines its results.", check="{0} ~ '^[0-9a-f]{{64}}$'"
    )
    markets: Mapped[list[Any]] = column(JSON, "The scenario of each market, in order.", check=ARRAY)
    points: Mapped[int] = column(BigInteger(), "Settings to try on each market.", check="{0} > 0")
    version: Mapped[str] = column(String(50), "Version of paperdex that began the sweep.")
    status: Mapped[str] = choice(20, RunStatus, "How far the sweep has come.", "RUNNING")
    digest: Mapped[str | None] = column(String(64), "Hash of its trials, once it has ended.")
    error_message: Mapped[str] = column(Text(), "Why the sweep ended in ERROR.", default="''")
    verdict: Mapped[dict[str, Any] | None] = column(
        JSON, "Whether luck is a sufficient explanation of the winner, in figures.", check=OBJECT
    )
    incarnation: Mapped[int] = column(
        BigInteger(),
        "Number of its current conductor; an older one is refused.",
        default="1",
        check="{0} > 0",
    )
    started_at: Mapped[datetime] = column(TIME, "Wall-clock time of the beginning.", default="now()")
    finished_at: Mapped[datetime | None] = column(TIME, "Wall-clock time of the end.")

    __table_args__ = (Index(None, "started_at"), Index(None, "name"))


class SweepCohort(Base):
    """Trials that were committed together: what a sweep that is taken up need not do again."""

    __tablename__ = "sweep_cohorts"

    cohort_id: Mapped[UUID] = column(KEY, "Key of the cohort.", primary_key=True)
    sweep_id: Mapped[UUID] = reference("sweeps.sweep_id", "The sweep.")
    market: Mapped[int] = column(Integer(), "Number of the market in the sweep.", check=NOT_NEGATIVE)
    first_point: Mapped[int] = column(BigInteger(), "Number of its first setting.", check=NOT_NEGATIVE)
    n_points: Mapped[int] = column(Integer(), "How many settings it has.", check="{0} > 0")
    skipped: Mapped[int] = column(Integer(), "How many of them a constraint forbids.", check=NOT_NEGATIVE)
    recorded_at: Mapped[datetime] = recorded()

    __table_args__ = (UniqueConstraint("sweep_id", "market", "first_point"),)


class Trial(Base):
    """One setting on one market, and what it came to."""

    __tablename__ = "trials"

    trial_id: Mapped[UUID] = column(KEY, "Key of the trial.", primary_key=True)
    sweep_id: Mapped[UUID] = reference("sweeps.sweep_id", "The sweep.")
    market: Mapped[int] = column(Integer(), "Number of the market in the sweep.", check=NOT_NEGATIVE)
    point: Mapped[int] = column(BigInteger(), "Number of the setting in the sweep.", check=NOT_NEGATIVE)
    settings: Mapped[dict[str, Any]] = column(JSON, "The setting: values by the path of their field.", check=OBJECT)
    status: Mapped[str] = choice(20, TRIAL_STATUSES, "How it ended.")
    error_message: Mapped[str] = column(Text(), "Why it ended in ERROR.", default="''")
    blocks: Mapped[int] = column(BigInteger(), "Blocks that it traded.", check=NOT_NEGATIVE)
    equity_usd: Mapped[Decimal] = column(USD, "Cash and value of what is held in the end.", check=NOT_NEGATIVE)
    return_percent: Mapped[float] = column(RATIO, "Equity less that of the beginning, in percent of it.")
    sharpe_ratio: Mapped[float] = column(RATIO, "Annualised Sharpe ratio of the returns of its periods.")
    max_drawdown_percent: Mapped[float] = column(RATIO, "Largest fall of equity from its peak.", check=PERCENTAGE)
    total_trades: Mapped[int] = column(Integer(), "Orders that have ended.", check=NOT_NEGATIVE)
    failed_trades: Mapped[int] = column(Integer(), "Orders that were not filled.", check=NOT_NEGATIVE)
    winning_trades: Mapped[int] = column(Integer(), "Positions closed with a profit after gas.", check=NOT_NEGATIVE)
    losing_trades: Mapped[int] = column(Integer(), "Positions closed without one.", check=NOT_NEGATIVE)
    won_usd: Mapped[Decimal] = column(USD, "Sum of profits.", check=NOT_NEGATIVE)
    lost_usd: Mapped[Decimal] = column(USD, "Sum of losses, as a positive number.", check=NOT_NEGATIVE)
    gas_paid_usd: Mapped[Decimal] = column(USD, "Gas paid.", check=NOT_NEGATIVE)
    fee_usd: Mapped[Decimal] = column(USD, "Kept by the pools of its orders.")
    price_impact_usd: Mapped[Decimal] = column(USD, "Lost to the size of its orders.")
    drift_usd: Mapped[Decimal] = column(USD, "Lost to moves while its orders waited.")
    sandwich_usd: Mapped[Decimal] = column(USD, "Lost to attacks on its orders.")
    failure_usd: Mapped[Decimal] = column(USD, "Gas of its orders that were not filled.")
    periods: Mapped[int] = column(Integer(), "Review periods that its returns are of.", check=NOT_NEGATIVE)
    return_mean: Mapped[float] = column(RATIO, "Mean return of a period.")
    return_deviation: Mapped[float] = column(RATIO, "Deviation of those returns, ddof 1.", check=NOT_NEGATIVE)
    skewness: Mapped[float] = column(RATIO, "Skewness of those returns; 0 where they do not differ.")
    kurtosis: Mapped[float] = column(RATIO, "Kurtosis of those returns; 3 where they do not differ.")
    part_sums: Mapped[bytes] = column(
        LargeBinary(), "Sums and sums of squares of the returns in equal parts of its time: little-endian doubles."
    )
    recorded_at: Mapped[datetime] = recorded()

    __table_args__ = (
        UniqueConstraint("sweep_id", "point", "market"),
        Index(None, "sweep_id", "sharpe_ratio"),
        Index(None, "sweep_id", "return_percent"),
    )
