"""What is equal for all sessions of a run, and the constants of trading."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.choices import Lane

if TYPE_CHECKING:
    from simulation.scenario import Scenario

SMALLEST_TRADE_MICRO_USD = 10_000_000
"""No order below 10 USD is sent: gas would eat it."""

DEADLINE_MS = 300_000
"""An order that could not be included this long after it was due is given up."""

ANALYSIS_MS = np.zeros(2, np.int64)
ANALYSIS_MS[Lane.FAST] = 200
ANALYSIS_MS[Lane.SMART] = 3_000
"""How long a lane thinks before it sends; part of the delay of the order."""

MAX_ROUND_TRIP_SHARE = 2
"""The SMART lane buys nothing whose way in and out would cost more than the target's gain divided by this."""

REPEAT_MS, CHANGE_MS = 3_600_000, 300_000
"""A HOLD or SKIP of a token is written down if it differs from the token's latest thought and that is at least
``CHANGE_MS`` old, or if that is ``REPEAT_MS`` old: at most 288 thoughts a day and token, 24 where nothing changes."""

SWAP_LEAD_BP = 1_000
"""A full book gives up its weakest token for one whose opportunity is at least this far ahead."""

WORTHWHILE_SHARE = 4
"""A position is added to, or sold in slices, only if no piece is less than this part of the largest one."""

NETWORK_ISSUE_BP = 200
NETWORK_ISSUE_BLOCKS = 5
"""With network issues on, this share of orders is from 1 to this many blocks late."""

DROPPED_BP = 50
"""With network issues on, this share of orders is lost and never included."""

DAY_MS = 86_400_000


class Rules(NamedTuple):
    """Scalars of the run that the kernel needs; a tuple, so that compiled code reads it by name."""

    seed: np.uint64
    block_time_ms: int
    day_offset_ms: int  # block 0 after its UTC midnight
    review_blocks: int
    repeat_blocks: int  # after which a HOLD or SKIP is written down again
    change_blocks: int  # after which one that differs is
    deadline_blocks: int  # after which an order that is due is given up
    write_trades: bool
    write_decisions: bool


RULES = np.dtype([(name, np.uint64 if name == "seed" else np.int64) for name in Rules._fields])
"""The same as a record, which compiled code hands on as one address."""


def record_of(rules: Rules) -> np.void:
    """Return rules as a record."""
    record: np.void = np.array([tuple(rules)], RULES)[0]
    return record


def deadline_blocks(block_time_ms: int) -> int:
    """Return how many blocks after it was due an order is given up."""
    return max(DEADLINE_MS // block_time_ms, 1)


def rules_of(scenario: Scenario) -> Rules:
    """Return the rules of ``scenario``."""
    return Rules(
        seed=np.uint64(scenario.seed),
        block_time_ms=scenario.block_time_ms,
        day_offset_ms=int(scenario.begin_at.timestamp() * 1000) % DAY_MS,
        review_blocks=scenario.review_blocks,
        repeat_blocks=-(-REPEAT_MS // scenario.block_time_ms),
        change_blocks=-(-CHANGE_MS // scenario.block_time_ms),
        deadline_blocks=deadline_blocks(scenario.block_time_ms),
        write_trades=scenario.record != "none",
        write_decisions=scenario.record == "all",
    )
