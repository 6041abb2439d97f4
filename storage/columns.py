"""Tables as columns: whole columns are made from struct arrays at once, then written as COPY text line by line.

A number keeps its unit until the server has read it: micro-USD are written as ``1234567e-6``, which Postgres reads
as exactly 1.234567, so that no digit is moved here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import orjson

from storage import units
from storage.copying import escaped, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from simulation.market.segment import Clock

S = TypeVar("S")
"""What the rows of a table are made from: arrays of equal length."""

TEXT, INTEGER = "%s", "%d"
USD = f"%de-{units.USD_PLACES}"
PRICE = f"%de-{units.PRICE_PLACES}"
GWEI = "%de-9"
PERCENT = "%de-2"

NULL = "\\N"

QUOTED_MAX = 4096
"""Distinct phrases that are kept as JSON."""


@dataclass(frozen=True, slots=True)
class Column(Generic[S]):
    """A column: its name, how one value is written in COPY text, and what makes the values of all rows."""

    name: str
    form: str
    values: Callable[[S], Iterable[Any]]
    """As many as there are rows, in their order, or an endless repetition of one."""


@dataclass(frozen=True, slots=True)
class Table(Generic[S]):
    """The columns of a table, one of them of finite length at least."""

    columns: tuple[Column[S], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns; the first is the key."""
        return tuple(column.name for column in self.columns)

    def encode(self, source: S) -> bytes:
        """Return the rows made from ``source`` as COPY text; empty for no rows."""
        line = "\t".join([column.form for column in self.columns]) + "\n"
        values = [column.values(source) for column in self.columns]
        return "".join([line % row for row in zip(*values, strict=False)]).encode()


def digits(numbers: NDArray[Any]) -> list[str]:
    """Return numbers as text, (n,): a float in the fewest digits that stand for no other, which takes Python long.

    JSON has no number that is none or infinite, and neither has what is stored.
    """
    assert np.isfinite(numbers).all(), "a figure is a number"
    text = orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text[1:-1].split(",") if len(numbers) else []


def or_null(values: Iterable[Any], present: Iterable[object]) -> list[Any]:
    """Return each value where its counterpart is true, NULL elsewhere; for columns of the form TEXT."""
    return [value if is_there else NULL for value, is_there in zip(values, present, strict=True)]


def names_of(names: Mapping[int, str], numbers: Iterable[int]) -> list[str]:
    """Return the name of each number."""
    return [names[number] for number in numbers]


def times_of(clock: Clock, blocks: NDArray[np.int64]) -> list[str]:
    """Return the time at which each block begins."""
    start = np.datetime64(clock.start_at.astimezone(UTC).replace(tzinfo=None), "us")
    times = np.datetime_as_string(start + blocks * np.timedelta64(clock.block_time_ms, "ms"))
    return [f"{time}+00" for time in times.tolist()]


def object_form(forms: Mapping[str, str]) -> str:
    """Return the form of a JSON object whose members have these forms, which never need an escape in COPY text."""
    return "{" + ",".join(f"{to_json(name)}:{form}" for name, form in forms.items()) + "}"


@lru_cache(maxsize=QUOTED_MAX)
def _quoted(value: str) -> str:
    return escaped(to_json(value))


def json_list(texts: Iterable[str]) -> str:
    """Return a JSON array of texts in COPY text; the phrases of an analyst come again and again, and are kept."""
    return f"[{','.join(map(_quoted, texts))}]"
