"""A database that goes away in the middle of a run and comes back: the run waits, says so, and loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from busy import busy_scenario
from watcher import Watcher

from cluster.commit_queue import IN_FLIGHT_MAX
from cluster.runs import Place, execute, prepare
from storage import embedded
from storage.store import Store

STOPPED_AT = 450
"""With more segments still to come than may be on their way."""


@pytest.fixture
def home():
    """Make a folder that the server's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Restarter(Watcher):
    """Kills the server after a segment, and starts it again when the run says that it waits."""

    def __init__(self, folder, blow):
        super().__init__(STOPPED_AT, self._strike)
        self.said = []
        self.server = embedded.start(folder)
        self._folder = folder
        self._blow = blow

    def _strike(self):
        postmaster = int((self._folder / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, self._blow)

    def say(self, text):
        self.said.append(text)
        if "waits for it" in text:
            self.server = embedded.start(self._folder)


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGQUIT, id="stopped at once", marks=pytest.mark.slow),
    ],
)
def test_a_run_waits_for_its_database_and_ends_as_if_it_had_never_been_away(
    blow, home, ray_address, undisturbed, monkeypatch
):
    monkeypatch.setenv("PAPERDEX_LOG_FILE", str(home / "log"))
    watcher = Restarter(home / "postgres", blow)
    try:
        url = watcher.server.url()
        told = []
        plan = prepare(busy_scenario(segment_blocks=50))
        execute(plan, Place(url, ray_address), watcher, lambda summary, _: told.append(summary))
        (result,) = told
        store = Store(url)
        assert max(progress.writer_lag_segments for progress in watcher.progress) == IN_FLIGHT_MAX
        assert any("The run waits for it" in text for text in watcher.said)
        logged = [json.loads(line)["message"] for line in (home / "log").read_text().splitlines()]
        assert (logged[0], logged[-1]) == ("run begun", "run ended")
        assert {"database away", "database back"} <= set(logged)
        assert result.digest == undisturbed.summary.digest
        assert store.check() == []
        store.close()
    finally:
        watcher.server.stop()
