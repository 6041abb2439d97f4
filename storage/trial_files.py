"""The trials of a sweep as one Parquet file: a row for each in the order of points and markets, settings as columns.

Beside the number of a market stand its seed and what it is, which only the row of the sweep has in the database.

Figures have the Parquet type that holds them exactly: doubles as doubles, USD as decimals. The file's metadata say
which sweep it is, what defines it and which digest its trials have.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PolarsError
from psycopg2 import sql
from sqlalchemy import BigInteger, Float, Integer, LargeBinary, Numeric, text

from simulation.sweeping.settings import Sweep
from simulation.sweeping.space import Continuous
from storage import sweeps
from storage.errors import ExportNotWritten
from storage.models import Trial
from storage.run_files import NULL, plain_text
from storage.sweep_records import Exported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

    from simulation.sweeping.space import Dimension
    from storage.sweep_records import SweepDetail

CHUNK_ROWS = 20_000
"""So many trials are in memory at once, and in one row group of the file."""

NOT_KEPT = ("sweep_id", "settings", "recorded_at")
"""Columns of a trial that have no column in the file: the sweep is in the metadata, each setting has a column."""

OF_MARKET = {"seed": pl.Int64(), "regime": pl.String(), "recording": pl.String()}
"""Columns that say which market it is: a regime if it is synthetic, and paths of recordings if it is replayed."""

HEX = "\\x"
"""What COPY writes before the digits of bytes."""

_READ_ONLY = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_NO_LIMIT = text("SET LOCAL statement_timeout = 0")


def export(connection: Connection, sweep_id: UUID, path: Path) -> Exported:
    """Write the trials of a sweep to ``path``, as they are at one moment; raises SweepNotFound or ExportNotWritten."""
    connection.execute(_READ_ONLY)
    connection.execute(_NO_LIMIT)  # it grows with the sweep
    detail = sweeps.detail(connection, sweep_id)
    dimensions = Sweep.model_validate(detail.spec).space.dimensions
    with _writing(path), _folder_beside(path) as folder:
        rows = TrialWriter(folder, schema_of(dimensions), markets_of(detail))
        _copy_out(connection, sweep_id, dimensions, rows)
        whole = rows.close(metadata_of(detail))
        whole.replace(path)
        return Exported(rows.rows, path.stat().st_size, detail.digest)


def schema_of(dimensions: tuple[Dimension, ...]) -> dict[str, pl.DataType]:
    """Return the columns of the COPY and their types: which trial, its settings by their path, what it came to."""
    kept = {column.name: _type_of(column.type) for column in Trial.__table__.columns if column.name not in NOT_KEPT}
    first = ("trial_id", "point", "market")
    return {
        **{name: kept[name] for name in first},
        **{dimension.path: _setting_type(dimension) for dimension in dimensions},
        **{name: kind for name, kind in kept.items() if name not in first},
    }


def markets_of(detail: SweepDetail) -> pl.DataFrame:
    """Return what each market of a sweep is, a row each in the order of their numbers."""
    told = []
    for scenario in detail.markets:
        market = scenario["market"]
        paths = [recorded["path"] for recorded in market.get("recordings", ())]
        told.append((scenario["seed"], market.get("regime"), "; ".join(paths) or None))
    return pl.DataFrame(told, schema=OF_MARKET, orient="row")


def metadata_of(detail: SweepDetail) -> dict[str, str]:
    """Return what a file says of its sweep."""
    return {
        "paperdex.sweep_id": detail.sweep_id,
        "paperdex.name": detail.name,
        "paperdex.status": detail.status,
        "paperdex.digest": detail.digest or "",
        "paperdex.version": detail.version,
        "paperdex.spec_hash": detail.spec_hash,
        "paperdex.spec": json.dumps(detail.spec),
    }


class TrialWriter:
    """A file to COPY trials into, which become parts of a Parquet file, a row group each."""

    def __init__(self, folder: Path, schema: Mapping[str, pl.DataType], markets: pl.DataFrame) -> None:
        """Write parts into ``folder``, with what each market is after its number."""
        self._folder, self._schema, self._markets = folder, dict(schema), markets
        self._text = dict.fromkeys(schema, pl.String())
        self._bytes: list[bytes] = []
        self._lines = 0
        self._parts: list[Path] = []
        self.rows = 0

    def write(self, part: bytes) -> None:
        """Take the next bytes of the COPY."""
        self._bytes.append(part)
        self._lines += part.count(b"\n")
        if self._lines >= CHUNK_ROWS:
            whole, _, rest = b"".join(self._bytes).rpartition(b"\n")
            self._write_part(whole)
            self._bytes, self._lines = [rest], 0

    def close(self, metadata: dict[str, str]) -> Path:
        """Complete the file and return where it is."""
        if self._lines or not self._parts:
            self._write_part(b"".join(self._bytes))
        whole = self._folder / "whole"
        pl.scan_parquet(self._parts).sink_parquet(whole, row_group_size=CHUNK_ROWS, metadata=metadata)
        return whole

    def _write_part(self, lines: bytes) -> None:
        read = pl.DataFrame(schema=self._text)
        if lines:
            read = pl.read_csv(BytesIO(lines), has_header=False, separator="\t", quote_char=None, schema=self._text)
        typed = read.select(_typed(read[name].fill_null(""), kind) for name, kind in self._schema.items())
        place = typed.columns.index("market") + 1
        for column in self._markets[typed["market"]].iter_columns():
            typed.insert_column(place, column)
            place += 1
        self._parts.append(self._folder / f"{len(self._parts):06}")
        typed.write_parquet(self._parts[-1])
        self.rows += len(typed)


def _copy_out(connection: Connection, sweep_id: UUID, dimensions: tuple[Dimension, ...], rows: TrialWriter) -> None:
    """Write the columns of the file as COPY text; a setting is taken out of its JSON by the path of its field."""
    paths = {dimension.path for dimension in dimensions}
    fields = [
        sql.SQL("settings ->> {}").format(sql.Literal(name)) if name in paths else sql.Identifier(name)
        for name in schema_of(dimensions)
    ]
    statement = sql.SQL("COPY (SELECT {} FROM trials WHERE sweep_id = {} ORDER BY point, market) TO STDOUT").format(
        sql.SQL(", ").join(fields), sql.Literal(str(sweep_id))
    )
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, rows)


def _typed(column: pl.Series, kind: pl.DataType) -> pl.Series:
    """Return a column of COPY text as what it says."""
    column = column.set(column == NULL, None)
    if isinstance(kind, pl.Boolean):
        return column == "true"
    if not isinstance(kind, pl.String | pl.Binary):
        return column.cast(kind)
    if column.str.contains("\\", literal=True).any():
        column = column.map_elements(plain_text, pl.String())
    return column.str.strip_prefix(HEX).str.decode("hex") if isinstance(kind, pl.Binary) else column


def _type_of(kind: TypeEngine[Any]) -> pl.DataType:
    if isinstance(kind, Integer | BigInteger):
        return pl.Int64()
    if isinstance(kind, Float):
        return pl.Float64()
    if isinstance(kind, Numeric):
        return pl.Decimal(kind.precision, kind.scale or 0)
    return pl.Binary() if isinstance(kind, LargeBinary) else pl.String()


def _setting_type(dimension: Dimension) -> pl.DataType:
    """Return the type of a field's values: that of all of them, or text where they have none in common."""
    if isinstance(dimension, Continuous):
        return pl.Int64() if dimension.places == 0 else pl.Float64()
    kinds = {int} if isinstance(dimension.values, range) else {type(value) for value in dimension.values}
    if kinds == {bool}:
        return pl.Boolean()
    if kinds <= {int, float}:
        return pl.Int64() if kinds == {int} else pl.Float64()
    return pl.String()


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder for parts where the file will be, so that it takes its place in one step, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=path.resolve().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while the file is written into ExportNotWritten."""
    try:
        yield
    except OSError as error:
        raise ExportNotWritten(path=path, why=error.strerror or str(error)) from error
    except PolarsError as error:
        raise ExportNotWritten(path=path, why=str(error).partition("\n")[0].rstrip(".")) from error
