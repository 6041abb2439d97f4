"""The embedded server of a run or a sweep dies under it: it is started again, and what comes out is the same."""

from __future__ import annotations

import signal

import homes
import psutil
import pytest
import small_sweeps
from busy import busy_scenario
from watcher import Watcher, finished

from cluster import database
from cluster.runs import Place, prepare
from cluster.sweeping import conductor
from cluster.sweeping.runs import execute as search
from storage import embedded

STRUCK_AT, SEGMENT_BLOCKS = 450, 50
"""With more segments still to come than may be on their way."""
TRIALS = 24
"""So many are done when a sweep loses its server, of 96."""


@pytest.fixture
def home(monkeypatch):
    """Let paperdex keep its own server in a folder of this test, and stop it in the end."""
    monkeypatch.delenv(database.URL_FILE, raising=False)
    monkeypatch.setattr(database, "_OWN", {})
    with homes.a_home() as home:
        monkeypatch.setenv("PAPERDEX_HOME", str(home))
        yield home
        embedded.start().stop()


def strike(home):
    """Kill the server, and wait until nobody listens."""
    postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGKILL)
    postmaster.wait()


def is_told_once(said):
    """Tell whether it was said once that the server is started again."""
    return len([text for text in said if "had died and is started again; the " in text]) == 1


@pytest.mark.slow  # that one dies which has a URL is in test_absent_database.py, and that this one starts again in postgres/
def test_a_run_whose_embedded_server_is_killed_starts_it_again_and_has_the_same_digest(home, ray_address, undisturbed):
    watcher, said = Watcher(STRUCK_AT, lambda: strike(home)), []
    watcher.say = said.append
    result = finished(prepare(busy_scenario(segment_blocks=SEGMENT_BLOCKS)), Place(None, ray_address), watcher)
    assert (result.digest, result.accounts) == (undisturbed.summary.digest, undisturbed.summary.accounts)
    assert is_told_once(said)
    store, _ = database.open_store(None)
    assert store.check() == []
    store.close()


@pytest.mark.slow  # a sweep waits by the same code as a run
def test_a_sweep_whose_embedded_server_is_killed_starts_it_again_and_has_the_same_digest(
    home, ray_address, whole, monkeypatch
):
    for bound in ("FIRST_COHORT", "MOST_IN_COHORT"):  # so that the server is missed in between
        monkeypatch.setattr(conductor, bound, 4)
    watcher, said = small_sweeps.Watcher(TRIALS, lambda: strike(home)), []
    watcher.say = said.append
    summary = search(small_sweeps.plan(), Place(None, ray_address), 2, watcher)
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)
    assert is_told_once(said)
