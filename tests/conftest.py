"""One real Postgres server for all tests that need one, and databases of their own made from an upgraded template."""

from __future__ import annotations

import os
import sys
from functools import partial
from itertools import count
from pathlib import Path

import homes
import machine_server
import own_cache  # noqa: F401 -- first: it says where compiled code is kept
import pytest
from hypothesis import settings
from questions import questions
from xdist.scheduler import LoadScopeScheduling

from cluster import cli
from cluster.connect import quiet_ray
from storage import embedded
from storage.store import Store

settings.register_profile("paperdex", deadline=None)  # no test asserts wall-clock time
settings.load_profile("paperdex")

quiet_ray()  # before any test imports Ray, which reads these settings only then
_names = count()


_ended_with = pytest.StashKey[int]()


def pytest_sessionfinish(session, exitstatus):
    """Note how the tests ended."""
    session.config.stash[_ended_with] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """End the process at once, with the status of the tests, if Ray ran in it.

    Threads of Ray's C++ core outlive its shutdown. With a dozen clusters come and gone in one process, one of them once
    crashed the teardown of the interpreter after all tests had passed. How a command ends is tested on real processes.
    """
    if "ray" in sys.modules and _ended_with in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_ended_with])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let what runs on the machine's server come last, so that each server is started once."""
    items.sort(key=_is_on_the_machine)


def _is_on_the_machine(item):
    return hasattr(item, "callspec") and item.callspec.params.get("server") == machine_server.NAME


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give what shares a cluster, a server or a file's fixtures to one of the processes of ``pytest -n``."""
    return _Together(config, log)


WITH_CLUSTERS_OF_THEIR_OWN = {"test_absent_database", "test_kills", "test_refusals"}
"""Distributed tests that mostly run the command itself; where there are many, they have another cluster than the rest."""


class _Together(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        if machine_server.NAME in nodeid:
            return machine_server.NAME
        file = nodeid.partition("::")[0]
        if "/distributed/" not in file:
            return file
        is_apart = Path(file).stem in WITH_CLUSTERS_OF_THEIR_OWN and not self._are_few
        return "with clusters of their own" if is_apart else "on one cluster"

    @property
    def _are_few(self):
        """Tell whether the slow ones are left out: a second cluster, and its undisturbed run, are not worth it then."""
        return self.config.option.markexpr == "not slow"


@pytest.fixture(scope="session")
def server(request):
    """Start a server in a folder of its own, never the user's: the embedded one, or the machine's if a test names it."""
    if getattr(request, "param", None) == machine_server.NAME:
        server = machine_server.start()
        yield server
        server.stop()
        return
    with homes.a_home() as home:
        server = embedded.start(home / "postgres")
        _hurry(server)
        yield server
        server.stop()


def _hurry(server):
    """Let the server forget everything in a power cut: its data dies with the tests anyway."""
    for setting in machine_server.IN_A_HURRY:
        _execute(server, f"ALTER SYSTEM SET {setting} = off")
    _execute(server, "SELECT pg_reload_conf()")


def _execute(server, statement):
    with questions(server.url("postgres")) as run:
        run(statement)


@pytest.fixture(scope="session")
def execute(server):
    """Run one statement outside any transaction and database of a test."""
    return partial(_execute, server)


@pytest.fixture(scope="session")
def template(server, execute):
    """Make an upgraded, empty database to copy."""
    execute("CREATE DATABASE template_paperdex")
    store = Store(server.url("template_paperdex"))
    store.upgrade()
    store.close()
    return "template_paperdex"


@pytest.fixture(scope="session")
def copied(server):
    """Return how a database is copied the quickest: by its files, as every server did before 15."""
    with questions(server.url("postgres")) as run:
        return "STRATEGY FILE_COPY" if run("SELECT current_setting('server_version_num')::int >= 150000")[0][0] else ""


@pytest.fixture
def new_url(server, execute, copied):
    """Return the URLs of new databases, made from a template or empty."""
    made = []

    def new(template="template0"):
        name = f"test_{os.getpid()}_{next(_names)}"
        execute(f"CREATE DATABASE {name} TEMPLATE {template} {copied}")
        made.append(name)
        return server.url(name)

    yield new
    for name in made:
        execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(url):
    """Open that database."""
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def sql(url):
    """Run SQL on the test's database and return the rows, if any."""
    with questions(url) as run:
        yield run


@pytest.fixture
def paperdex(monkeypatch, capsys, tmp_path):
    """Return a function that runs a command in an empty folder: (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERDEX_DATABASE_URL", raising=False)
    monkeypatch.setenv("PAPERDEX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PAPERDEX_TRACEBACK", "1")  # whatever is not a sentence fails the test

    def paperdex(*arguments):
        monkeypatch.setattr("sys.argv", ["paperdex", *arguments])
        status = cli._status()
        return status, *capsys.readouterr()

    return paperdex
