"""Records are moved as they lie: every byte comes along, and nothing is shared."""

import numpy as np
import pytest

from simulation.copies import copied, read_only, stacked, taken, whole
from simulation.state import HOLDING, SESSION, TRADE
from simulation.tuning import TUNING

KINDS = pytest.mark.parametrize("kind", [SESSION, HOLDING, TRADE, TUNING])


def some(kind, *shape):
    """Return records full of arbitrary bytes."""
    n_bytes = int(np.prod(shape)) * kind.itemsize
    return np.random.default_rng(7).integers(0, 256, n_bytes, np.uint8).view(kind).reshape(shape)


@KINDS
@pytest.mark.parametrize("shape", [(0,), (5,), (5, 3), (0, 3)])
def test_a_copy_has_every_byte_and_shares_none(kind, shape):
    records = some(kind, *shape)
    found = copied(records)
    assert (found.dtype, found.shape, found.tobytes()) == (records.dtype, records.shape, records.tobytes())
    assert not np.shares_memory(found, records)
    assert found.flags.c_contiguous


@KINDS
@pytest.mark.parametrize("rows", [[3, 0, 3], [], np.array([True, False, True, False, True])])
def test_rows_that_are_taken_are_numpy_s(kind, rows):
    records = some(kind, 5, 2)
    rows = np.asarray(rows, np.intp) if isinstance(rows, list) else rows
    found = taken(records, rows)
    assert found.tobytes() == records[rows].tobytes()
    assert (found.dtype, found.shape) == (records.dtype, records[rows].shape)
    assert not np.shares_memory(found, records)


@KINDS
def test_records_of_a_segment_s_rows_come_along_from_a_view_with_gaps(kind):
    records = some(kind, 4, 3)[:, 1]
    assert copied(records).tobytes() == records.tobytes()


@KINDS
def test_records_stand_one_after_another(kind):
    one, other = some(kind, 2, 3), some(kind, 4, 3)
    assert stacked([one, other]).tobytes() == one.tobytes() + other.tobytes()
    assert stacked([one]).dtype == kind


@KINDS
def test_a_record_is_written_whole(kind):
    records, one = np.zeros(3, kind), some(kind, 1)
    whole(records)[[0, 2]] = whole(one)
    assert records.tobytes() == one.tobytes() + bytes(kind.itemsize) + one.tobytes()


def test_a_view_to_read_refuses_to_be_written_to_and_its_array_does_not():
    numbers = np.zeros(3)
    view = read_only(numbers)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    numbers[0] = 1.0
    assert view[0] == 1.0
