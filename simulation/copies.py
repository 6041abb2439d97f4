"""Struct arrays moved as they lie: numpy copies records field by field, which takes up to forty times as long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Records = NDArray[np.void]


def whole(records: Records) -> Records:
    """Return a view of records without their fields, of the same shape: read from it and written to, they are moved."""
    return records.view(f"V{records.itemsize}")


def copied(records: Records) -> Records:
    """Return a copy, in one piece."""
    return whole(records).copy().view(records.dtype)


def taken(records: Records, rows: Any) -> Records:
    """Return a copy of some rows, by their places or by a mask."""
    rows_of_it: Records = whole(records)[rows].view(records.dtype)
    return rows_of_it


def contiguous(records: Records) -> Records:
    """Return the same records without gaps between them; themselves where there are none."""
    return records if records.flags.c_contiguous else copied(records)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to: what Ray hands out, so that compiled code has one signature, not two."""
    view = array.view()
    view.flags.writeable = False
    return view


def stacked(parts: Sequence[Records]) -> Records:
    """Return records of one kind one after another, at least one array of them."""
    return np.concatenate([whole(part) for part in parts]).view(parts[0].dtype)
