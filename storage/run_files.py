"""The rows of a run as Parquet files, one for each table, and back to the text that Postgres writes and reads.

Integers, booleans, times and numbers of up to 38 digits have a Parquet type that holds each of them exactly. The rest
is the text that Postgres writes: amounts of 78 digits, keys, JSON, bytes, and floats, whose shortest digits are not the
same in every program. So what Postgres wrote can be made again from the file alone, to the byte.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import BigInteger, Boolean, DateTime, Float, Integer, Numeric

from storage.digest import CONTENT, GIVEN_BY_DATABASE, OWNERS
from storage.ids import TAIL_START
from storage.models import Base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.types import TypeEngine

CHUNK_ROWS = 10_000
"""So many rows are in memory at once."""

_OWNED = {"runs": "run_id", "session_checkpoints": "session_id", "commands": "run_id", **OWNERS}
RUN_TABLES = {table.name: _OWNED[table.name] for table in Base.metadata.sorted_tables if table.name in _OWNED}
"""All tables that hold rows of a run, in the order of their foreign keys, with the column that says whose they are."""

DECIMAL_DIGITS = 38
NULL = "\\N"

_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
"""What COPY writes for these characters; the backslash first, as the others bring new ones."""
_MEANT = {escaped: character for character, escaped in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\.")


class RowsWriter:
    """A file to COPY a table into: its rows go to Parquet, and their text is hashed as it was."""

    def __init__(self, table: str, path: Path) -> None:
        """Write rows of ``table`` to ``path``."""
        self._columns, self._path = columns_of(table), path
        self._schema = schema_of(table)
        self._lines: list[list[str | None]] = []
        self._rest = b""
        self._parts: list[Path] = []
        self._hash = sha256()
        self.rows = 0

    def write(self, part: bytes) -> None:
        """Take the next bytes of the COPY."""
        self._hash.update(part)
        *lines, self._rest = (self._rest + part).split(b"\n")
        self._lines += [_fields(line.decode()) for line in lines]
        if len(self._lines) >= CHUNK_ROWS:
            self._write_part()

    def close(self) -> str:
        """Complete the file; return the hash of the text."""
        assert not self._rest, "COPY ends with a line"
        if self._lines or not self._parts:
            self._write_part()
        if len(self._parts) == 1:
            self._parts[0].rename(self._path)
        else:
            pl.scan_parquet(self._parts).sink_parquet(self._path, row_group_size=CHUNK_ROWS)
            for part in self._parts:
                part.unlink()
        return self._hash.hexdigest()

    def _write_part(self) -> None:
        text = pl.DataFrame(self._lines, schema=dict.fromkeys(self._columns, pl.String), orient="row")
        typed = text.select(_typed(name, kind) for name, kind in self._schema.items())
        self._parts.append(self._path.with_name(f"{self._path.name}.{len(self._parts)}"))
        typed.write_parquet(self._parts[-1])
        self.rows += len(self._lines)
        self._lines.clear()


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of a table that are kept: all but numbers that the database gives itself."""
    given = GIVEN_BY_DATABASE.get(table, set())
    names = Base.metadata.tables[table].columns.keys()
    return tuple(name for name in names if name not in given)


def schema_of(table: str) -> dict[str, pl.DataType]:
    """Return the Parquet types of a table's columns."""
    described = Base.metadata.tables[table].columns
    return {name: _parquet_type(described[name].type) for name in columns_of(table)}


def copy_text(
    path: Path, table: str, columns: tuple[str, ...] = (), keys: frozenset[str] = frozenset()
) -> Iterator[bytes]:
    """Yield the rows of a file as the text of a COPY of ``columns``, all by default; of ``keys`` only the tails."""
    rows = pl.scan_parquet(path)
    if dict(rows.collect_schema()) != schema_of(table):
        raise ValueError(f"{path.name} has other columns than {table}")
    lines = rows.select(_line(table, columns or columns_of(table), keys))
    start, chunk = 0, None
    while chunk is None or len(chunk) == CHUNK_ROWS:
        chunk = lines.slice(start, CHUNK_ROWS).collect().to_series()
        start += len(chunk)
        if len(chunk):
            yield ("\n".join(chunk) + "\n").encode()


@cache  # it has hundreds of parts, which take longer to put together than a small table to read
def _line(table: str, columns: tuple[str, ...], keys: frozenset[str]) -> pl.Expr:
    schema = schema_of(table)
    return pl.concat_str([_text(name, schema[name], tail=name in keys) for name in columns], separator="\t")


def file_of(folder: Path, table: str) -> Path:
    """Return the file of a table in the folder of a run."""
    return folder / f"{table}.parquet"


def digest_of(folder: Path) -> str:
    """Return the digest of the run in ``folder`` from its files, by the definition of ``storage.digest``."""
    hasher = sha256()
    for content in CONTENT:
        hasher.update(content.heading)
        for part in copy_text(file_of(folder, content.table), content.table, content.columns, content.keys):
            hasher.update(part)
    return hasher.hexdigest()


def plain_text(field: str) -> str:
    """Return what a field of COPY text means."""
    return _ESCAPED.sub(lambda found: _MEANT[found[0]], field) if "\\" in field else field


def _parquet_type(kind: TypeEngine[object]) -> pl.DataType:
    if isinstance(kind, Boolean):
        return pl.Boolean()
    if isinstance(kind, Integer | BigInteger):
        return pl.Int64()
    if isinstance(kind, DateTime):
        return pl.Datetime("us", "UTC")
    if isinstance(kind, Numeric) and not isinstance(kind, Float) and (kind.precision or 0) <= DECIMAL_DIGITS:
        return pl.Decimal(kind.precision, kind.scale or 0)
    return pl.String()


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.Boolean):
        return column == "t"
    if isinstance(kind, pl.Datetime):
        return column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC")
    return column.cast(kind)


def _text(name: str, kind: pl.DataType, *, tail: bool) -> pl.Expr:
    column = pl.col(name)
    text: pl.Expr
    if isinstance(kind, pl.Boolean):
        text = pl.when(column).then(pl.lit("t")).when(~column).then(pl.lit("f"))
    elif isinstance(kind, pl.Datetime):
        digits = column.dt.strftime("%Y-%m-%d %H:%M:%S.%6f").str.strip_chars_end("0").str.strip_chars_end(".")
        text = digits + "+00"
    elif isinstance(kind, pl.String):
        text = column.str.slice(TAIL_START - 1) if tail else column
        for character, escaped in _ESCAPES.items():
            text = text.str.replace_all(character, escaped, literal=True)
    else:
        text = column.cast(pl.String)
    return text.fill_null(NULL)


def _fields(line: str) -> list[str | None]:
    return [None if field == NULL else plain_text(field) for field in line.split("\t")]
