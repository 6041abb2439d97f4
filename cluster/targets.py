"""Files that a command writes: where they may go."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.errors import UsageError


def report_target(path: Path | None, option: str, *, wanted: bool) -> Path | None:
    """Return the file or folder a report goes to; raises UsageError when it could not be written there."""
    if path is not None:
        return file_target(path, option)
    if not wanted:
        return None
    folder = Path("reports") if Path("reports").exists() else Path()
    _check_folder(folder, "reports", option)
    return Path("reports")


def new_file(path: Path, option: str, ending: str) -> Path:
    """Return the file that something goes to, which must not be there yet; raises UsageError."""
    target = file_target(path, option, ending)
    if target.exists():
        raise UsageError(f"{option} {path} is there already; name a new file.")
    return target


def file_of(path: Path, option: str, ending: str, kind: str) -> Path:
    """Return the file that what is ``kind`` goes to, whose name must say so by its ending; raises UsageError."""
    target = file_target(path, option, ending)
    if path.suffix.lower() != f".{ending}":
        raise UsageError(f"{option} {path}: what is written is {kind}; name it {path.with_suffix(f'.{ending}')}.")
    return target


def file_target(path: Path, option: str, ending: str = "html") -> Path:
    """Return the file that something goes to; raises UsageError when it could not be written there."""
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise UsageError(f"{option} {path} can't be written ({error.strerror}); name another file.") from error
    if is_folder:
        raise UsageError(f"{option} {path} is a folder; name a file such as {path}/{option.strip('-')}.{ending}.")
    _check_folder(path.parent, str(path), option)
    return path


def _check_folder(folder: Path, said: str, option: str) -> None:
    if not folder.is_dir():
        raise UsageError(f"{option} {said}: the folder {folder} does not exist; create it or name another.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option} {said}: the folder {folder} is not writable; name another.")
