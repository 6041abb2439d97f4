"""Tables of text in CSV or Parquet files, and the sentence about what is wrong with one.

Cells stay text until a parser takes them: a liquidity of 128 bits is a number that no column type of a CSV reader
holds. Polars reads the files; where it stumbles, or a cell is refused, the standard library's stricter reader of CSV
is asked for the plainest cause and for the line.
"""

from __future__ import annotations

import csv
import errno
import io
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from cluster.recordings import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCEPTED = "a recording is a CSV or Parquet file"
PARQUET_MAGIC = b"PAR1"
PARQUET_SUFFIX = ".parquet"

MAX_BYTES = 4 * 10**9
"""Of one file: a year of all events of the busiest pool is a tenth of it."""

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)
"""What polars raises for bytes that are not what they should be."""

Value = TypeVar("Value")


class RecordingError(ValueError):
    """A recording can't be read; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's rows as text; columns go by their name in lower case, and stand in the frame under their number."""

    path: Path
    columns: tuple[str, ...]
    frame: pl.DataFrame
    sha256: str
    is_parquet: bool

    def __len__(self) -> int:
        return len(self.frame)

    def has(self, name: str) -> bool:
        """Tell whether there is a column of this name, in upper or lower case."""
        return name.casefold() in self.columns

    def cells(self, name: str) -> list[str]:
        """Return the text of one column."""
        column = self.frame[str(self.columns.index(name.casefold()))]
        if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        try:
            return column.cast(pl.String).str.strip_chars().fill_null("").to_list()
        except _UNREADABLE:
            raise self.error(f"column {name} holds {column.dtype}, neither numbers nor text") from None

    def parse(self, name: str, parser: Callable[[str], Value], accepted: str) -> list[Value]:
        """Return a column's cells as values; the first that ``parser`` refuses is reported with what is accepted."""
        known: dict[str, Value] = {}
        values = []
        for row, cell in enumerate(self.cells(name)):
            if cell not in known:
                try:
                    known[cell] = parser(cell)
                except (ArithmeticError, ValueError):
                    raise self.cell_error(row, name, cell, accepted) from None
            values.append(known[cell])
        return values

    def times(self, name: str) -> list[int]:
        """Return a column's times in Unix milliseconds."""
        found = self.cells(name)
        if found and all(map(cells.is_year, found)):
            raise self.error(
                f"column {name} holds years alone, such as {shorten(found[0])}; a time is ISO 8601, such as "
                "2024-01-05, or Unix seconds"
            )
        return self.parse(name, cells.parse_time, cells.TIME)

    def single(self, name: str) -> str | None:
        """Return what every row of a column holds, None where there is no such column or it is empty."""
        if not self.has(name):
            return None
        values = sorted(set(self.cells(name)))
        if len(values) > 1:
            raise self.error(f"column {name} has {values[0]} and {values[1]}; a recording is of one token")
        return values[0] if values and values[0] else None

    def cell_error(self, row: int, name: str, cell: str, accepted: str) -> RecordingError:
        """Return the error about one cell, unless the file is not even a table."""
        return self.row_error(row, f", column {name}: {shorten(cell)} is not {accepted}")

    def row_error(self, row: int, what: str) -> RecordingError:
        """Return the error that says ``what`` of a row, unless the file is not even a table."""
        if self.is_parquet:
            return self.error(f"row {row + 1}{what}")
        data = self.path.read_bytes()
        _check_csv(self.path, data)
        return self.error(f"line {_line(data, row)}{what}")

    def error(self, what: str) -> RecordingError:
        """Return the error that says ``what`` is wrong in this file."""
        return RecordingError(f"{self.path}: {what}")


def read_table(path: Path) -> Table:
    """Return the table in a CSV or Parquet file; RecordingError says what is wrong with one that can't be read."""
    data = _read_bytes(path)
    is_parquet = path.suffix.casefold() == PARQUET_SUFFIX or data.startswith(PARQUET_MAGIC)
    columns, frame = (_read_parquet if is_parquet else _read_csv)(path, data)
    table = Table(path, columns, frame, sha256(data).hexdigest(), is_parquet)
    for name in columns:
        if name and columns.count(name) > 1:
            raise table.error(f"column {shorten(name)} is there twice; each column needs a name of its own")
    return table


def shorten(text: str) -> str:
    """Return ``text`` fit for a sentence: quoted, on one line, not longer than 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _read_bytes(path: Path) -> bytes:
    try:
        _check_file(path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecordingError(f"{path}: can't be read ({reason}); {ACCEPTED}") from None


def _check_file(path: Path) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe might never end
        raise OSError(errno.EINVAL, "not a file")
    if path.stat().st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MAX_BYTES / 10**9:g} GB")


def _read_parquet(path: Path, data: bytes) -> tuple[tuple[str, ...], pl.DataFrame]:
    if not data.startswith(PARQUET_MAGIC):
        raise RecordingError(f"{path}: is not Parquet, whose files begin with PAR1; {ACCEPTED}")
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except _UNREADABLE as error:
        raise RecordingError(f"{path}: is not Parquet that can be read ({_reason(error)}); {ACCEPTED}") from None
    return tuple(name.strip().casefold() for name in frame.columns), _numbered(frame)


def _read_csv(path: Path, data: bytes) -> tuple[tuple[str, ...], pl.DataFrame]:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: byte {error.start} is not UTF-8 text; {ACCEPTED}") from None
    if not data.strip():
        raise RecordingError(f"{path}: is empty; {ACCEPTED} with a header and at least two rows")
    columns = _header(path, data)
    try:
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    except _UNREADABLE as error:
        _check_csv(path, data)
        raise RecordingError(f"{path}: is not CSV that can be read ({_reason(error)}); {ACCEPTED}") from None
    if frame.width != len(columns):
        raise RecordingError(f"{path}: is not CSV that can be read (lines must end in a line feed); {ACCEPTED}")
    if b'"' in data or frame.to_series(frame.width - 1).null_count():  # what polars takes more lightly than it should
        _check_csv(path, data)
    filled = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return columns, _numbered(filled)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({name: str(number) for number, name in enumerate(frame.columns)})


def _header(path: Path, data: bytes) -> tuple[str, ...]:
    try:
        columns = next(row for _, row in _numbered_rows(data))
    except csv.Error as error:
        raise RecordingError(f"{path}: line 1 is not CSV ({error})") from None
    return tuple(name.strip().casefold() for name in columns)


def _check_csv(path: Path, data: bytes) -> None:
    """Refuse a file with a broken quote or with a row of another length than the header."""
    last, width = 1, 0
    try:
        for line, row in _numbered_rows(data):
            last, width = line, width or len(row)
            if len(row) != width:
                raise RecordingError(f"{path}: line {line} has {len(row)} cells; the header has {width} columns")
    except csv.Error as error:
        raise RecordingError(f"{path}: line {last + 1} is not CSV ({error})") from None


def _line(data: bytes, row: int) -> int:
    """Return the line on which a row stands that is not empty."""
    filled = (line for line, cells in _numbered_rows(data) if any(cells))
    return next(line for at, line in enumerate(filled) if at == row + 1)


def _numbered_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), strict=True)
    return ((reader.line_num, row) for row in reader if row)


def _reason(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:120] or type(error).__name__
