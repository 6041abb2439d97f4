"""Keys of rows as a user types them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, TextClause


def row_of(connection: Connection, query: TextClause, name: str) -> RowMapping | None:
    """Return the row that ``query`` finds for the ``:key`` that ``name`` spells; None where there is none."""
    try:
        key = UUID(name)
    except ValueError:
        return None
    return connection.execute(query, {"key": key}).mappings().one_or_none()
