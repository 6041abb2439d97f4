"""What all tables share: column kinds, the naming of constraints, and comments made from the columns' own docs.

A column is declared with a sentence that says what it is; the sentence becomes the comment in the database, and the
rule given with it a CHECK constraint.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CheckConstraint, DateTime, Double, ForeignKey, MetaData, Numeric, String, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Table

WEI = Numeric(78, 0)
USD = Numeric(20, 6)
PRICE = Numeric(38, 18)
PERCENT = Numeric(5, 2)
GWEI = Numeric(20, 9)
RATIO: Double[float] = Double()
TIME = DateTime(timezone=True)
KEY = UUID(as_uuid=True)
JSON = JSONB()

NOT_NEGATIVE = "{0} >= 0"
PERCENTAGE = "{0} BETWEEN 0 AND 100"
ARRAY = "jsonb_typeof({0}) = 'array'"
OBJECT = "jsonb_typeof({0}) = 'object'"
ADDRESS = "{0} ~ '^0x[0-9a-f]{{40}}$'"


class Base(DeclarativeBase):
    """A table whose comments and CHECK constraints follow from its columns."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        },
    )

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Give the table its comments and the constraints its columns ask for."""
        super().__init_subclass__(**arguments)
        table = cast("Table", cls.__table__)
        table.comment = inspect.cleandoc(cls.__doc__ or "").splitlines()[0]
        for field in table.columns:
            assert field.doc, f"{field} has no sentence"
            field.comment = field.doc
            if rule := field.info.get("check"):
                table.append_constraint(CheckConstraint(rule.format(field.name), name=field.name))


def column(
    kind: Any, doc: str, *parts: Any, default: str | None = None, check: str = "", **more: Any
) -> MappedColumn[Any]:
    """Declare a column: its type, its sentence, its default as SQL and its rule with ``{0}`` for the name."""
    return named(None, kind, doc, *parts, default=default, check=check, **more)


def named(
    name: str | None, kind: Any, doc: str, *parts: Any, default: str | None = None, check: str = "", **more: Any
) -> MappedColumn[Any]:
    """Declare a column whose name in the database differs from the attribute's."""
    server_default = None if default is None else text(default)
    return mapped_column(name, kind, *parts, doc=doc, server_default=server_default, info={"check": check}, **more)


def reference(target: str, doc: str, **more: Any) -> MappedColumn[Any]:
    """Declare a foreign key. Nothing cascades: deleting is a deliberate act."""
    return mapped_column(KEY, ForeignKey(target, ondelete="RESTRICT"), doc=doc, **more)


def choice(length: int, choices: Iterable[str], doc: str, default: str | None = None) -> MappedColumn[Any]:
    """Declare a column of one of ``choices``."""
    listed = ", ".join(f"'{value}'" for value in choices)
    quoted = None if default is None else f"'{default}'"
    return column(String(length), doc, default=quoted, check=f"{{0}} IN ({listed})")


def recorded() -> MappedColumn[Any]:
    """Declare the wall-clock time of writing: with that of runs the only thing that differs between equal runs."""
    return column(TIME, "Wall-clock time at which the row was written last.", default="now()")


def between(low: str | int, high: str | int) -> str:
    """Return the rule of a column from ``low`` to ``high``."""
    return f"{{0}} BETWEEN {low} AND {high}"
