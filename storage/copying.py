"""Rows to the text format of Postgres' COPY.

Every field type has one encoder, looked up by exact type, so that a numpy scalar or another stranger is an error
here and not a surprise in the database.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return ``rows`` as COPY text, one line each; empty for no rows."""
    encoders = _ENCODERS
    lines = ["\t".join([encoders[type(field)](field) for field in row]) for row in rows]
    if not lines:
        return b""
    lines.append("")
    return "\n".join(lines).encode()


def to_json(value: Any) -> str:
    """Return ``value`` as compact JSON; a NaN or an infinity is an error."""
    return _JSON.encode(value)


def escaped(value: str) -> str:
    """Return ``value`` as a field of COPY text."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value:
        value = value.replace("\n", "\\n")
    if "\t" in value:
        value = value.replace("\t", "\\t")
    if "\r" in value:
        value = value.replace("\r", "\\r")
    return value


def _null(_: None) -> str:
    return "\\N"


def _boolean(value: bool) -> str:  # noqa: FBT001 -- the value itself
    return "t" if value else "f"


def _time(value: datetime) -> str:
    assert value.tzinfo is not None, "a time without a zone means nothing"
    return value.isoformat()


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


def _structure(value: Any) -> str:
    return escaped(to_json(value))


_ENCODERS: dict[type, Callable[[Any], str]] = {
    str: escaped,
    int: str,
    float: repr,
    bool: _boolean,
    type(None): _null,
    UUID: str,
    Decimal: str,
    datetime: _time,
    bytes: _bytes,
    dict: _structure,
    list: _structure,
    tuple: _structure,
}
