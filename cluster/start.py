"""Where a run begins: at its first block, or where the sessions of an interrupted one stand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster.plan import Plan
    from storage.context import SessionContext
    from storage.records import Reopened


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest session of an account that has begun."""

    number: int = 0
    """Place among those of its account."""
    error_message: str = ""
    """Why it has ended in ERROR; nothing where it goes on."""
    is_stopped: bool = False
    """Whether an operator has stopped it."""

    @property
    def has_ended(self) -> bool:
        """Whether it trades no more, and its account neither."""
        return self.is_stopped or self.error_message != ""


@dataclass(frozen=True, slots=True)
class Start:
    """Where each account is taken up, and the first block that not every session has traded."""

    accounts: tuple[Latest, ...]
    block: int = 0
    conductor: int = 1
    """The number of the conductor among those that the run has had."""
    cuts: tuple[int, ...] = ()
    """Blocks from which on accepted commands hold."""

    @property
    def first_block(self) -> int:
        """The first block of the first segment.

        In the middle of a run it is the last one that every session has traded: nobody trades it again, but the
        review at its end is made again, whose adjustments nobody has committed.
        """
        return max(self.block - 1, 0)

    def segment_lengths(self, plan: Plan) -> Iterator[int]:
        """Yield the lengths of the segments that are left."""
        return chain([self.block - self.first_block] if self.block else [], plan.segment_lengths(self.block, self.cuts))


def beginning(plan: Plan) -> Start:
    """Return the start of a run that nobody has conducted yet."""
    return Start((Latest(),) * len(plan.scenario.accounts))


def taken_up(lines: Sequence[Sequence[SessionContext]], run: Reopened) -> Start:
    """Return the start of a run that was interrupted; the sessions of each account are in ``lines``."""
    stored = run.standings
    latest = [max((one for one in line if one.session_id in stored), key=lambda one: one.number) for line in lines]
    standings = [stored[context.session_id] for context in latest]
    accounts = [
        Latest(context.number, standing.error_message, standing.is_stopped)
        for context, standing in zip(latest, standings, strict=True)
    ]
    living = [standing.next_block for standing in standings if not (standing.error_message or standing.is_stopped)]
    block = min(living) if living else max(standing.next_block for standing in standings)
    return Start(tuple(accounts), block, run.conductor, run.cuts)
