"""The folder of an archived run: a Parquet file for each table, and a manifest that says what must be in them."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING
from uuid import UUID

from polars.exceptions import PolarsError

from storage.errors import ArchiveNotWritten, DamagedArchive, NoArchive
from storage.run_files import RUN_TABLES, copy_text, digest_of, file_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Table:
    """What the file of a table holds."""

    rows: int
    content_sha256: str
    """Of its rows as the text that COPY writes, all columns."""
    file_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the folder of a run."""

    run_id: str
    name: str
    status: str
    schema: str
    """Revision of the database that it comes from."""
    digest: str
    """Of the rows."""
    version: str
    """Of the paperdex that wrote it."""
    tables: dict[str, Table]

    @property
    def rows(self) -> int:
        """In all tables."""
        return sum(table.rows for table in self.tables.values())


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an archive; raises NoArchive or DamagedArchive."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise NoArchive(folder=folder, why=f"{MANIFEST} can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DamagedArchive(folder=folder, why=f"{MANIFEST} is no text") from error
    try:
        fields = json.loads(text)
        fields["tables"] = {name: Table(**table) for name, table in fields["tables"].items()}
        manifest = Manifest(**fields)
        UUID(manifest.run_id)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedArchive(folder=folder, why=f"{MANIFEST} does not say what it must") from error
    return manifest


def same_rows(one: Manifest, other: Manifest) -> bool:
    """Return whether two archives hold the same rows, whatever the bytes of their files."""
    return _contents(one) == _contents(other)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an archive."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def verify(folder: Path, manifest: Manifest) -> None:
    """Read all files back and raise DamagedArchive unless they hold, to the byte, what the manifest says."""
    if set(manifest.tables) != set(RUN_TABLES):
        raise DamagedArchive(folder=folder, why=f"{MANIFEST} does not name the tables of a run")
    for table, stated in manifest.tables.items():
        with damage_of(folder, table):
            found = _read_back(folder, table)
        if found != stated:
            raise DamagedArchive(folder=folder, why=f"{table}.parquet is not as it was written")
    with damage_of(folder, "runs"):
        found_digest = digest_of(folder)
    if found_digest != manifest.digest:
        raise DamagedArchive(folder=folder, why=f"its rows have the digest {found_digest}, not {manifest.digest}")


@contextmanager
def damage_of(folder: Path, table: str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into DamagedArchive."""
    try:
        yield
    except (PolarsError, OSError, ValueError) as error:
        why = f"{table}.parquet can't be read ({_first_line(error)})"
        raise DamagedArchive(folder=folder, why=why) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what goes wrong while files are written into ArchiveNotWritten."""
    try:
        yield
    except OSError as error:
        raise ArchiveNotWritten(folder=folder, why=error.strerror or _first_line(error)) from error
    except PolarsError as error:
        raise ArchiveNotWritten(folder=folder, why=_first_line(error)) from error


def begin(folder: Path) -> None:
    """Make an empty folder; what an archive that was killed had left there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    new = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(parents=True)
    for parent in new:
        _to_disk(parent.parent)


def publish(partial: Path, folder: Path) -> None:
    """Give a complete archive its name, once everything in it is on the disk."""
    settle(partial)
    partial.rename(folder)
    settle(folder)


def settle(folder: Path) -> None:
    """Return when the files of an archive and the names of all of them are on the disk."""
    for path in (*folder.iterdir(), folder, folder.parent):
        _to_disk(path)


def remove(folder: Path) -> None:
    """Remove a folder of ours."""
    shutil.rmtree(folder)


def size_bytes(folder: Path) -> int:
    """Return how much the files of an archive hold."""
    return sum(path.stat().st_size for path in folder.iterdir())


def file_sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _read_back(folder: Path, table: str) -> Table:
    path, hasher, rows = file_of(folder, table), sha256(), 0
    for part in copy_text(path, table):
        hasher.update(part)
        rows += part.count(b"\n")
    return Table(rows, hasher.hexdigest(), file_sha256(path))


def _contents(manifest: Manifest) -> dict[str, str]:
    return {name: table.content_sha256 for name, table in manifest.tables.items()}


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
