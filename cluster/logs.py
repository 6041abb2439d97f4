"""The log of what the service does: one JSON object a line, with its time, its level, and the run or sweep it is of.

It goes to a file that is rotated, and nowhere else: what a command prints is for whoever started it. The file is
``$PAPERDEX_LOG_FILE``; else, on a cluster that was named, ``paperdex.log`` among Ray's own logs of the node, where
Ray's dashboard and ``ray logs`` find it; else ``$PAPERDEX_HOME/log/paperdex.log``, or in the platform's folder for a
user's logs. Several processes may write to one file.
"""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from filelock import FileLock

from cluster.connect import ROTATION_BACKUP_COUNT, ROTATION_MAX_BYTES, ray_log_folder
from cluster.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOG_FILE = "PAPERDEX_LOG_FILE"
NAME = "paperdex.log"
TURN_SECONDS = 5
"""Longer than any line takes to be written, unless its process was stopped just then."""

_LOG = logging.getLogger("paperdex")
_LOG.setLevel(logging.INFO)
_LOG.propagate = False
_LOG.addHandler(logging.NullHandler())  # without any, logging would print to stderr

_PASSWORDS = (
    (re.compile(r"(://[^\s:/@]*):[^\s@]*@"), r"\1:***@"),
    (re.compile(r"((?:password|token)\s*[=:]\s*)[^\s,;&]+", re.IGNORECASE), r"\1***"),
)
"""No error is expected to tell one; of what a driver or a plug-in says, that is not for us to promise."""


def note(message: str, level: int = logging.INFO, **about: object) -> None:
    """Log that something has happened; ``about`` are the facts, such as the session it happened to."""
    _LOG.log(level, message, extra={"about": about})


def warn(message: str, **about: object) -> None:
    """Log what a person may want to look at."""
    note(message, logging.WARNING, **about)


@contextmanager
def log_of(about: Mapping[str, object], ray_address: str | None, say: Callable[[str], None]) -> Iterator[None]:
    """Log to the file until the end, each line with what it is ``about``; raises UsageError where it was named in vain.

    A user's folder that cannot be written costs the log, not the run.
    """
    named = os.environ.get(LOG_FILE)
    path = Path(named) if named else _default_file(ray_address)
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _RotatedTogether(path)
    except OSError as error:
        if named:
            raise UsageError(f"{LOG_FILE}={named} can't be written ({error.strerror}); name another file.") from error
        say(f"No log is kept: {path} can't be written ({error.strerror}); {LOG_FILE} names another file.")
        handler = logging.NullHandler()
    handler.setFormatter(_Lines(about))
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
        handler.close()


def _default_file(ray_address: str | None) -> Path:
    if ray_address is not None:
        return ray_log_folder() / NAME
    if home := os.environ.get("PAPERDEX_HOME"):
        return Path(home).absolute() / "log" / NAME
    return platformdirs.user_log_path("paperdex") / NAME


class _Lines(logging.Formatter):
    """Makes a line of a record."""

    def __init__(self, about: Mapping[str, object]) -> None:
        super().__init__()
        self._about = about

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object, without what looks like a password."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **self._about,
            **getattr(record, "about", {}),
        }
        told = {key: value if isinstance(value, int | float) else _safe(value) for key, value in said.items()}
        return json.dumps({key: value for key, value in told.items() if value != ""})


def _safe(value: object) -> str:
    text = str(value)
    for pattern, instead in _PASSWORDS:
        text = pattern.sub(instead, text)
    return text


class _RotatedTogether(RotatingFileHandler):
    """A rotated file that several processes write to: one at a time opens it, and rotates it where it is full."""

    def __init__(self, path: Path) -> None:
        self._turn = FileLock(path.with_name(f".{path.name}.lock"), timeout=TURN_SECONDS)
        with self._turn, path.open("a", encoding="utf-8"):  # fails here, where it can be told
            super().__init__(
                path, maxBytes=ROTATION_MAX_BYTES, backupCount=ROTATION_BACKUP_COUNT, encoding="utf-8", delay=True
            )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record and let go of the file, which another process may rotate."""
        try:
            with self._turn:
                super().emit(record)
                if self.stream is not None:
                    self.stream.close()
                    self.stream = None
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """Go on without a line that could not be written: a run is kept by its database."""
