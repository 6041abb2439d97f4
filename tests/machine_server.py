"""The machine's own Postgres, where there is one: a cluster of its own in a folder, on a TCP port, behind a password."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import homes
import pytest
from sqlalchemy.engine import URL

NAME = "the machine's server"
"""The parameter of the fixture ``server`` that a test names to run on it too."""

HOST, USER, PASSWORD = "127.0.0.1", "postgres", "s3cret of the machine"
ADMITTED = f"host all all {HOST}/32 scram-sha-256\n"
"""Whoever comes by TCP gives a password, and nobody comes by a socket."""

IN_A_HURRY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""The data dies with the tests anyway."""

_UNPRIVILEGED = ("postgres", "nobody")
"""Whom root becomes, as Postgres never runs as root."""


def binaries():
    """Return the folder of the machine's server programs, the newest; skip the test where there are none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for folder in (*reversed(debian), *on_path):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip("this machine has no Postgres of its own: no initdb on PATH or in /usr/lib/postgresql/*/bin")


@dataclass
class MachineServer:
    """A running cluster, like the embedded server, but reached by TCP."""

    home: Path
    port: int
    user: str | None

    @property
    def folder(self):
        """Where its data is."""
        return self.home / "data"

    def url(self, database="postgres", **changes):
        """Return the URL of a database on it, for the administrator; ``changes`` are of the URL's parts."""
        parts = {"username": USER, "password": PASSWORD, "host": HOST, "port": self.port, "database": database}
        return URL.create("postgresql+psycopg2", **{**parts, **changes}).render_as_string(hide_password=False)

    def control(self, *arguments):
        """Run pg_ctl and wait until it is done."""
        self.run("pg_ctl", "-D", str(self.folder), "-w", *arguments)

    def run(self, program, *arguments):
        """Run a program of the server's, as its user."""
        command, who = [binaries() / program, *arguments], {} if self.user is None else {"user": self.user}
        said = self.home / f"{program}.said"  # a file, as the server would keep a pipe open
        with said.open("w") as output:
            ended = subprocess.run(
                command, cwd=self.home, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **who,
            )  # fmt: skip
        assert ended.returncode == 0, said.read_text()

    def stop(self):
        """Stop it and forget its data."""
        self.control("-m", "immediate", "stop")
        shutil.rmtree(self.home)


def start(rules=ADMITTED, files=(), **settings):
    """Make a cluster in a folder of its own and start it; ``files`` are copied into it, for its user alone."""
    binaries()
    server = MachineServer(homes.new_home(), _free_port(), _server_user())
    password = server.home / "password"
    password.write_text(PASSWORD)
    _give(server.home, server.user)
    server.run("initdb", "-D", str(server.folder), "-U", USER, "--pwfile", str(password), "-A", "scram-sha-256",
               "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")  # fmt: skip
    for file in files:
        shutil.copy(file, server.folder)
        (server.folder / file.name).chmod(0o600)
    (server.folder / "pg_hba.conf").write_text(rules)
    chosen = {"listen_addresses": HOST, "port": server.port, "unix_socket_directories": "", **IN_A_HURRY, **settings}
    with (server.folder / "postgresql.conf").open("a") as written:
        written.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
    _give(server.home, server.user)
    server.control("-l", str(server.home / "log"), "start")
    return server


def _free_port():
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


def _server_user():
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _give(folder, user):
    """Let all in a folder belong to a user."""
    if user is None:
        return
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user)
