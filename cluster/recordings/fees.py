"""Recorded base fees of a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cluster.recordings import cells
from cluster.recordings.tables import shorten
from simulation.market.replay import RecordedFees

if TYPE_CHECKING:
    from cluster.recordings.tables import Table

FEE_TIME_COLUMNS = ("block_timestamp", "timestamp", "unix", "time", "date", "datetime")
FEE_COLUMNS = {
    "base_fee_gwei": (cells.parse_gwei, cells.BASE_FEE),
    "baseFeeGwei": (cells.parse_gwei, cells.BASE_FEE),
    "base_fee_wei": (cells.parse_wei, cells.BASE_FEE),
    "base_fee_per_gas": (cells.parse_wei, cells.BASE_FEE),
    "baseFeePerGas": (cells.parse_wei, cells.BASE_FEE),
}
"""By whose name the unit goes; that of a node's own field is wei."""


def read_fees(table: Table) -> tuple[RecordedFees, bool]:
    """Return the base fees in a table, oldest first, and whether they ran newest first."""
    time_column = next(filter(table.has, FEE_TIME_COLUMNS), None)
    fee_column = next(filter(table.has, FEE_COLUMNS), None)
    if time_column is None or fee_column is None:
        raise table.error(
            f"the columns {shorten(', '.join(table.columns))} hold no base fees; accepted are one of "
            f"{', '.join(FEE_TIME_COLUMNS)} and one of {', '.join(FEE_COLUMNS)}"
        )
    if not len(table):
        raise table.error("holds no base fee; at least one is needed")
    since_ms = np.array(table.times(time_column), np.int64)
    base_fees_wei = np.array(table.parse(fee_column, *FEE_COLUMNS[fee_column]), np.int64)
    newest_first = bool(since_ms[0] > since_ms[-1])
    steps = -np.diff(since_ms) if newest_first else np.diff(since_ms)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        raise table.row_error(
            at,
            f": the time {cells.iso(since_ms[at])} comes after {cells.iso(since_ms[at - 1])}; times must be all "
            "different and in one order",
        )
    order = slice(None, None, -1 if newest_first else 1)
    return RecordedFees(since_ms[order].copy(), base_fees_wei[order].copy()), newest_first
