"""Whole runs out of the database into files, and back.

A run is deleted only when its files have been read back and hold every byte of it, in the same transaction that
locked it. Whatever is killed on the way: the run is in the database, in complete files, or in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from psycopg2 import sql
from sqlalchemy import text

from storage import archive_folder
from storage.archive_folder import Manifest, Table, damage_of, read_manifest, verify, writing
from storage.committing import copy
from storage.digest import copy_out, digest
from storage.ended_runs import hold, keys_of
from storage.errors import AnotherArchive, DamagedArchive, OtherSchema, RunIsThere, StorageError
from storage.installed import paperdex_version
from storage.records import ArchivedRun
from storage.run_files import RUN_TABLES, RowsWriter, columns_of, copy_text, file_of
from storage.schema import current_revision, require_current

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from storage.ended_runs import Held

_NAME = text("SELECT name, status FROM runs WHERE run_id = :run")
_IS_THERE = text("SELECT 1 FROM runs WHERE run_id = :run")


def archive(connection: Connection, run_id: UUID, place: Path) -> ArchivedRun:
    """Move a run that has ended into a folder of its own in ``place``: write it, read it back, then delete it.

    Raises RunNotFound, RunGoesOn, ContentChanged, ArchiveNotWritten, AnotherArchive or DamagedArchive; then the
    caller's transaction must be rolled back and the run is where it was.
    """
    held = hold(connection, run_id)
    folder = place.resolve() / str(run_id)
    partial = folder.with_name(f".{run_id}.partial")
    with writing(folder):
        archive_folder.begin(partial)
        manifest = _write(connection, held, partial)
    verify(partial, manifest)
    _keep(partial, folder, manifest)
    _delete(connection, run_id, manifest)
    return _archived(folder, manifest)


def restore(connection: Connection, folder: Path) -> ArchivedRun:
    """Put an archived run back, with the digest that it had; the files stay.

    Raises NoArchive, DamagedArchive, OtherSchema or RunIsThere; then the caller's transaction must be rolled back.
    """
    require_current(connection)
    manifest = read_manifest(folder)
    needed = current_revision(connection)
    if manifest.schema != needed:
        raise OtherSchema(folder=folder, found=manifest.schema, needed=needed, version=manifest.version)
    run_id = UUID(manifest.run_id)
    if connection.execute(_IS_THERE, {"run": run_id}).one_or_none() is not None:
        raise RunIsThere(run=run_id)
    verify(folder, manifest)
    _insert(connection, folder)
    found = digest(connection, run_id)
    if found != manifest.digest:
        raise DamagedArchive(folder=folder, why=f"restored, it has the digest {found}, not {manifest.digest}")
    return _archived(folder.resolve(), manifest)


def _write(connection: Connection, held: Held, folder: Path) -> Manifest:
    run = connection.execute(_NAME, {"run": held.run_id}).one()
    manifest = Manifest(
        run_id=str(held.run_id),
        name=run.name,
        status=run.status,
        schema=current_revision(connection),
        digest=held.digest,
        version=paperdex_version(),
        tables={table: _write_table(connection, held.run_id, table, folder) for table in RUN_TABLES},
    )
    archive_folder.write_manifest(folder, manifest)
    return manifest


def _write_table(connection: Connection, run_id: UUID, table: str, folder: Path) -> Table:
    path = file_of(folder, table)
    rows = RowsWriter(table, path)
    fields: list[sql.Composable] = [sql.Identifier(name) for name in columns_of(table)]
    copy_out(connection, rows, table, RUN_TABLES[table], fields, run_id)
    content = rows.close()
    return Table(rows.rows, content, archive_folder.file_sha256(path))


def _keep(partial: Path, folder: Path, manifest: Manifest) -> None:
    """Give the files their name, unless an archive that was killed before it deleted has done so."""
    if not folder.exists():
        with writing(folder):
            archive_folder.publish(partial, folder)
        return
    there = read_manifest(folder)
    if not archive_folder.same_rows(there, manifest):
        raise AnotherArchive(folder=folder)
    verify(folder, there)
    with writing(folder):
        archive_folder.settle(folder)
        archive_folder.remove(partial)


def _delete(connection: Connection, run_id: UUID, manifest: Manifest) -> None:
    """Delete a run from its last table to its first, exactly the rows that are in the files."""
    for table, owner in reversed(RUN_TABLES.items()):
        statement = text(f"DELETE FROM {table} WHERE {owner} BETWEEN :low AND :high")  # noqa: S608 -- names of ours
        deleted = connection.execute(statement, keys_of(run_id)).rowcount
        if deleted != manifest.tables[table].rows:
            raise StorageError(why=f"{table} has {deleted} rows of run {run_id}, not {manifest.tables[table].rows}")


def _insert(connection: Connection, folder: Path) -> None:
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    for table in RUN_TABLES:
        with damage_of(folder, table):
            for rows in copy_text(file_of(folder, table), table):
                copy(connection, table, columns_of(table), rows)


def _archived(folder: Path, manifest: Manifest) -> ArchivedRun:
    return ArchivedRun(
        UUID(manifest.run_id),
        manifest.name,
        manifest.rows,
        archive_folder.size_bytes(folder),
        manifest.digest,
        folder,
    )
