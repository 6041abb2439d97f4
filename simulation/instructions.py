"""What operators have sessions do from a block on: pause their buying, resume it, or stop.

An instruction is a record like those of a review and travels with them, so whoever repeats a segment obeys it again.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from simulation.cohort import Cohort


class Instructed(IntEnum):
    """What a session is to do."""

    PAUSE = 1
    """It buys nothing; it holds and sells, and its orders on their way go on."""
    RESUME = 2
    STOP = 3
    """It trades no more: its orders are withdrawn, and what it holds stays open."""


INSTRUCTION = np.dtype(
    [
        ("session", np.int64),  # ordinal in the run
        ("row", np.int64),  # of the session in the cohort
        ("block", np.int64),  # first one that trades by it
        ("what", np.int64),  # Instructed
    ],
    align=True,
)

NONE_GIVEN = np.zeros(0, INSTRUCTION)


def instructions_of(given: Iterable[tuple[int, Instructed]], block: int) -> NDArray[np.void]:
    """Return what sessions, by their ordinals, are to do from a block on; of one session in its order."""
    records = [(session, -1, block, int(what)) for session, what in given]
    return np.array(records, INSTRUCTION) if records else NONE_GIVEN


def hold_back(cohort: Cohort, instructions: NDArray[np.void]) -> None:
    """Pause and resume the buying of sessions in place, and that of their twins, which are compared with them."""
    for instruction in instructions[instructions["what"] != Instructed.STOP]:
        row, is_paused = instruction["row"], int(instruction["what"] == Instructed.PAUSE)
        twin = cohort.tuning["twin"][row]
        assert cohort.sessions["next_block"][row] == instruction["block"], "it is obeyed at the block it was given for"
        cohort.sessions["paused_by_operator"][row] = is_paused
        if twin >= 0:
            cohort.twins["paused_by_operator"][twin] = is_paused


def stopped_rows(instructions: NDArray[np.void]) -> set[int]:
    """Return the rows of the sessions that are to stop."""
    return set(instructions["row"][instructions["what"] == Instructed.STOP].tolist())
