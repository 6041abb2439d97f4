"""The schema as a page for a person, made from the models: ``docs/schema.md`` is what ``make schema`` writes."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql

from storage.models import Base, autopilot, intelligence, performance, runs, sweeps, trading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from sqlalchemy import Column, Constraint, ForeignKeyConstraint, Index, Table

ROOMS = (runs, trading, intelligence, performance, autopilot, sweeps)
"""Modules of tables, in the order in which a run fills them."""

_DIALECT = postgresql.dialect()

_INTRODUCTION = """\
# The schema

{tables} tables with {columns} columns, and {indexes} indexes beside the primary keys. The database itself refuses what
may not be: rules are CHECK constraints, and no foreign key cascades. Every sentence below is the comment of its table
or column too, which `psql` shows with `\\d+`. Why it is so: [architecture](architecture.md); the words:
[concepts](concepts.md).

Amounts of tokens are integers in base units (`NUMERIC(78, 0)`), money is USD with six decimals, floats are ratios and
scores only. Times are simulated, except `recorded_at` and those of `runs`, which the wall clock gives. Keys are made of
run, kind, session and ordinal: the database draws none.

This page is made from `storage/models` by `make schema`; a test fails when they differ.
"""

_COLUMNS_HEAD = "| column | type | null | default | rule | what it is |\n|---|---|---|---|---|---|"


def page() -> str:
    """Return the page as Markdown."""
    rooms = {room: _tables_of(room) for room in ROOMS}
    tables = [table for declared in rooms.values() for table in declared]
    parts = [
        _INTRODUCTION.format(
            tables=len(tables),
            columns=sum(len(table.columns) for table in tables),
            indexes=sum(len(table.indexes) + len(list(_uniques(table))) for table in tables),
        ),
        _diagram(tables),
    ]
    for room, declared in rooms.items():
        parts.append(f"## {inspect.cleandoc(room.__doc__ or '').removesuffix('.')}")
        parts += [_section(table) for table in declared]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _tables_of(room: ModuleType) -> list[Table]:
    """Return the tables that a module declares, in its order."""
    declared = [mapper for mapper in Base.registry.mappers if mapper.class_.__module__ == room.__name__]
    declared.sort(key=lambda mapper: inspect.getsourcelines(mapper.class_)[1])
    return [Base.metadata.tables[mapper.class_.__tablename__] for mapper in declared]


def _diagram(tables: Iterable[Table]) -> str:
    lines = ["```mermaid", "erDiagram"]
    for table in tables:
        lines += (f"    {line}" for line in _entity(table))
    for table in tables:
        lines += (f"    {_relation(rule)}" for rule in _references(table))
    return "\n".join((*lines, "```"))


def _entity(table: Table) -> Iterator[str]:
    """Yield a table of the diagram: its keys alone."""
    yield f"{table.name} {{"
    for column in table.columns:
        marks = [mark for mark, holds in (("PK", column.primary_key), ("FK", column.foreign_keys)) if holds]
        if marks:
            yield f"    {_type(column).lower()} {column.name} {', '.join(marks)}"
    yield "}"


def _relation(rule: ForeignKeyConstraint) -> str:
    (column,) = rule.columns
    one = "|o" if column.nullable else "||"
    many = "o|" if column.primary_key or column.unique else "o{"
    return f"{rule.referred_table.name} {one}--{many} {column.table.name} : {column.name.removesuffix('_id')}"


def _section(table: Table) -> str:
    parts = [f"### {table.name}", table.comment or "", _columns(table)]
    for title, lines in (
        ("Primary key", [_listed(table.primary_key.columns)]),
        ("Rules of several columns", [f"`{rule.sqltext}`" for rule in _checks(table)]),
        ("Refers to", [_reference(rule) for rule in _references(table)]),
        ("Unique", [_listed(rule.columns) for rule in _uniques(table)]),
        ("Indexes", [_index(index) for index in _indexes(table)]),
    ):
        if lines:
            parts.append("\n".join((f"{title}:", "", *(f"- {line}" for line in lines))))
    return "\n\n".join(parts)


def _columns(table: Table) -> str:
    rows = [_COLUMNS_HEAD]
    for column in table.columns:
        null = "yes" if column.nullable else "no"
        cells = (f"`{column.name}`", _type(column), null, _code(_default(column)), _code(_rule(column)), column.doc)
        rows.append(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows)


def _type(column: Column[object]) -> str:
    return str(column.type.compile(dialect=_DIALECT)).replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def _default(column: Column[object]) -> str:
    if column.identity is not None:
        return "identity"
    return "" if column.server_default is None else str(getattr(column.server_default, "arg", ""))


def _rule(column: Column[object]) -> str:
    return str(column.info.get("check", "")).format(column.name)


def _code(sql: str) -> str:
    return f"`{sql}`" if sql else ""


def _checks(table: Table) -> list[CheckConstraint]:
    """Return the rules that are about more than one column."""
    of_columns = {_rule(column) for column in table.columns}
    checks = [rule for rule in table.constraints if isinstance(rule, CheckConstraint)]
    return sorted((rule for rule in checks if str(rule.sqltext) not in of_columns), key=_name)


def _references(table: Table) -> list[ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda rule: list(table.columns).index(*rule.columns))


def _uniques(table: Table) -> list[UniqueConstraint]:
    return sorted((rule for rule in table.constraints if isinstance(rule, UniqueConstraint)), key=_name)


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=_name)


def _name(rule: Constraint | Index) -> str:
    return str(rule.name)


def _reference(rule: ForeignKeyConstraint) -> str:
    (column,) = rule.columns
    (element,) = rule.elements
    target = element.column
    return f"`{column.name}`: [{target.table.name}](#{target.table.name}), `{target.name}`"


def _index(index: Index) -> str:
    where = index.dialect_options["postgresql"]["where"]
    return (
        _listed(index.columns)
        + (", unique" if index.unique else "")
        + (f" where `{where}`" if where is not None else "")
    )


def _listed(columns: Iterable[Column[object]]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


if __name__ == "__main__":
    sys.stdout.write(page())
