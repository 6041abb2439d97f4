"""What the Store answers with about Auto Pilot: plain values, read from stored rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class AdjustmentRecord:
    """One line of the Auto Pilot's history."""

    account: str
    strategy: str
    at: datetime
    block: int
    type: str
    parameter: str
    old_value: Decimal
    new_value: Decimal
    change_percent: Decimal
    reason: str
    trigger_metric: str
    trigger_value: float
    trigger_threshold: float
    confidence_percent: Decimal
    outcome: str
    log_id: UUID
    session_id: UUID
    ordinal: int
    """In its session."""
    outcome_notes: str
    """A sentence; nothing before it is judged."""
    mean_difference_bp: float | None
    """Of returns a review period, session minus twin, when it was judged."""
    regime: int | None
    """Of the market at the change; None for what Auto Pilot did not decide."""
    reverses: int | None
    """The ordinal of the one that it undoes."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What an operator asked of a session, a run or a sweep, and what became of it."""

    sweep_id: UUID | None
    """None where it is a run or one of its sessions."""
    session_id: UUID | None
    """None where it is the whole run or a sweep."""
    account: str | None
    """Of the session."""
    ordinal: int
    """In its run or sweep."""
    given_at: datetime
    """By the wall clock."""
    kind: str
    adjustment: int | None
    """The ordinal of the one that is to be reversed, if any."""
    status: str
    block: int | None
    """First block that trades with its effect, once it is accepted; a sweep has none."""
    reason: str
    """Why it was refused, as a sentence."""


@dataclass(frozen=True, slots=True)
class PilotedSession:
    """A session that Auto Pilot may adjust, with what it did."""

    session_id: UUID
    account: str
    strategy: str
    why_off: str
    """Why Auto Pilot has switched itself off, as a sentence; nothing while it has not."""
    adjustments: tuple[AdjustmentRecord, ...]
    """In their order."""
    curve: tuple[tuple[datetime, Decimal, Decimal | None], ...]
    """Time, equity and the twin's equity at each mark, in USD; None without a twin."""
    commands: tuple[CommandRecord, ...] = ()
    """What operators asked, in its order."""


@dataclass(frozen=True, slots=True)
class KnowledgeRecord:
    """A version of what Auto Pilot knows, and where it comes from."""

    version: int
    from_version: int
    """The version that was added to."""
    from_run: UUID
    """The run whose outcomes were added."""
    outcomes: int
    """How many they were."""
    hash: str
