"""One conductor for a run: the other one says who it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from storage.errors import RunHeld
from storage.ids import run_id_of
from storage.store import Store

RUN, OTHER = run_id_of(0xABCDEF), run_id_of(0xABCDEE)

HOLDER = """
import sys
from uuid import UUID
from storage.store import Store
with Store(sys.argv[1]).hold(UUID(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def elsewhere(url):
    """Start a process that holds the run, and wait until it does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, str(RUN)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout.readline() == b"held\n"
    yield holder
    holder.kill()
    holder.communicate()


def test_a_run_that_is_held_names_the_process_that_holds_it(elsewhere, store):
    with pytest.raises(RunHeld, match=f"process {elsewhere.pid} on .* since 20"), store.hold(RUN):
        pytest.fail("two processes hold one run")


@pytest.mark.usefixtures("elsewhere")
def test_another_run_is_free(store):
    assert (store.is_held(RUN), store.is_held(OTHER)) == (True, False)
    with store.hold(OTHER):
        assert store.is_held(OTHER)
    assert not store.is_held(OTHER)


def test_a_run_is_shown_with_the_command_that_goes_on_with_it_while_nobody_holds_it(begin, url, paperdex):
    live = begin()
    run, show = live.ids.run_id, ("show", "run", "latest", "--database-url", url)
    _, told, _ = paperdex(*show)
    goes_on = f"No process holds this run; if its command has ended, `paperdex run --resume {run}` goes on with it."
    assert f"RUNNING. {goes_on} seed" in " ".join(told.split())
    with live.store.hold(run):
        assert "No process" not in paperdex(*show)[1]
    live.store.finish_run(run, "STOPPED")
    assert "No process" not in paperdex(*show)[1]


@pytest.mark.usefixtures("elsewhere")
def test_in_another_database_of_the_server_nobody_holds_it(template, new_url):
    assert not Store(new_url(template)).is_held(RUN)


def test_what_a_process_held_is_free_when_it_was_killed(elsewhere, store, sql):
    os.kill(elsewhere.pid, signal.SIGKILL)
    elsewhere.wait()
    until(lambda: sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)])  # the server notices late
    with store.hold(RUN):
        pass


def test_a_hold_ends_with_its_context(store, url):
    with store.hold(RUN):
        pass
    with Store(url).hold(RUN):
        pass


def test_an_error_within_is_its_own(store):
    with pytest.raises(ZeroDivisionError), store.hold(RUN):
        raise ZeroDivisionError
    with store.hold(RUN):
        pass


@pytest.mark.usefixtures("elsewhere")
def test_a_run_that_is_held_is_neither_archived_nor_pruned(store, tmp_path):
    with pytest.raises(RunHeld):
        store.archive(RUN, tmp_path)
    with pytest.raises(RunHeld):
        store.prune(RUN)
