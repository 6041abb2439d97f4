"""What a session hands to the Writer: the rows of one segment and the state after it, committed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID


class SessionEnd(NamedTuple):
    """How a session ends before its run does."""

    status: str
    reason: str
    """In a sentence."""


GOES_ON = SessionEnd("COMPLETED", "Its account went on with its next session.")
STOPPED_BY_COMMAND = SessionEnd("STOPPED", "An operator stopped it by command.")
"""Not as the sessions of a run that the user stopped: those go on when it is taken up again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows that a session produced in one segment, plus its state."""

    session_id: UUID
    incarnation: int
    """Of the owner that produced it; an older owner's batch is refused."""
    seq: int
    """One more than the session's previous batch; the first is 1."""
    next_block: int
    rows: dict[str, bytes]
    """COPY text by table, in the column order of ``storage.written``."""
    state: bytes

    @property
    def n_rows(self) -> int:
        """How many rows there are: a line of COPY text each."""
        return sum(rows.count(b"\n") for rows in self.rows.values())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a session stands: what its next owner goes on from."""

    incarnation: int
    seq: int
    next_block: int
    state: bytes
