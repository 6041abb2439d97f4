"""A database that goes away in the middle of a run or a sweep and comes back: it is waited for, and nothing is lost.

In a run its market and its Auto Pilot die too, each by itself.
"""

from __future__ import annotations

import json
import signal

import homes
import psutil
import pytest
import small_sweeps
from busy import busy_scenario
from watcher import Killer, Several, Watcher

from cluster.commit_queue import IN_FLIGHT_MAX
from cluster.errors import Stopped
from cluster.runs import Place, execute, prepare
from cluster.sweeping import conductor
from cluster.sweeping.runs import execute as search
from cluster.sweeping.runs import plan_again
from storage import embedded
from storage.errors import DatabaseUnreachable
from storage.store import Store

MARKET_DIES_AT, STOPPED_AT, AUTO_PILOT_DIES_AT = 150, 450, 750
"""With more segments still to come than may be on their way."""
TRIALS = 24
"""So many are done when a sweep loses its database, of 96."""


class Mortal:
    """A server in a folder of its own, which can be killed and started again."""

    def __init__(self, folder):
        self._folder = folder
        self.url = embedded.start(folder).url()

    def strike(self, blow=signal.SIGKILL):
        """Kill it, and wait until nobody listens."""
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(blow)
        postmaster.wait()

    def start(self):
        """Start it again."""
        return embedded.start(self._folder)


@pytest.fixture
def home():
    """Make a folder that the server's own user may enter."""
    with homes.a_home() as folder:
        yield folder


@pytest.fixture
def mortal(home):
    """Start a server for this test alone."""
    mortal = Mortal(home / "postgres")
    yield mortal
    mortal.start().stop()


@pytest.fixture
def mortal_store(mortal):
    """Open its database."""
    store = Store(mortal.url)
    yield store
    store.close()


class Restarter(Watcher):
    """Kills the server after a segment, and starts it again when the run says that it waits."""

    def __init__(self, mortal, blow):
        super().__init__(STOPPED_AT, lambda: mortal.strike(blow))
        self.said, self._mortal = [], mortal

    def say(self, text):
        self.said.append(text)
        if "waits for it" in text:
            self._mortal.start()


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGQUIT, id="stopped at once", marks=pytest.mark.slow),
    ],
)
def test_a_run_outlives_its_market_and_its_auto_pilot_and_waits_for_its_database_as_if_it_had_never_been_away(
    blow, home, mortal, mortal_store, ray_address, undisturbed, monkeypatch
):
    monkeypatch.setenv("PAPERDEX_LOG_FILE", str(home / "log"))
    restarter, told = Restarter(mortal, blow), []
    watcher = Several(restarter, Killer(MARKET_DIES_AT, "Market"), Killer(AUTO_PILOT_DIES_AT, "AutoPilot"))
    plan = prepare(busy_scenario(segment_blocks=50))
    execute(plan, Place(mortal.url, ray_address), watcher, lambda summary, _: told.append(summary))
    (result,) = told
    assert max(progress.writer_lag_segments for progress in watcher.progress) == IN_FLIGHT_MAX
    assert any("The run waits for it" in text for text in restarter.said)
    assert watcher.progress[-1].recoveries == {"AccountSession": 0, "Market": 1, "Writer": 0, "AutoPilot": 1}
    logged = [json.loads(line)["message"] for line in (home / "log").read_text().splitlines()]
    assert (logged[0], logged[-1]) == ("run begun", "run ended")
    assert {"database away", "database back"} <= set(logged)
    assert (result.digest, result.accounts) == (undisturbed.summary.digest, undisturbed.summary.accounts)
    assert mortal_store.check() == []


class Operator(small_sweeps.Watcher):
    """Acts once when some trials of a sweep are done, and starts the server again when the sweep says that it waits."""

    def __init__(self, mortal, act):
        super().__init__(TRIALS, act)
        self._mortal, self.has_waited = mortal, False

    def say(self, text):
        if "waits for it" in text:
            self._mortal.start()
            self.has_waited = True


@pytest.fixture
def in_cohorts(monkeypatch):
    """Have sweeps traded in small cohorts, so that operators come in between."""
    for bound in ("FIRST_COHORT", "MOST_IN_COHORT"):
        monkeypatch.setattr(conductor, bound, 4)


@pytest.mark.usefixtures("in_cohorts")
@pytest.mark.slow  # that it holds what it was told is in tests/postgres/test_sweep_steering.py
def test_a_sweep_that_was_told_to_stop_does_so_though_its_database_goes_away_and_is_taken_up(
    mortal, mortal_store, ray_address, paperdex, whole
):
    told = []

    def stop():
        told.append(paperdex("stop", "latest-sweep", "--database-url", mortal.url)[0])
        mortal.strike()

    place, watcher = Place(mortal.url, ray_address), Operator(mortal, stop)
    with pytest.raises(Stopped, match=r"is stopped and keeps what it has; `paperdex sweep --resume \S+` goes on\.$"):
        search(small_sweeps.plan(), place, 2, watcher)
    assert (told, watcher.has_waited) == ([0], True)
    sweep_id = mortal_store.resolve_sweep("latest")
    assert mortal_store.sweep(sweep_id).status == "STOPPED"
    assert [(one.kind, one.status) for one in mortal_store.commands_of(sweep_id)] == [("STOP", "ACCEPTED")]
    last = watcher.progress[-1].trials
    assert TRIALS <= last == mortal_store.covered(sweep_id).trials <= TRIALS + 2 * 4  # the cohorts in hand
    again = search(plan_again(mortal_store, sweep_id), place, 1, small_sweeps.Watcher(), sweep_id)
    assert (again.digest, again.ranking) == (whole[0].digest, whole[0].ranking)


@pytest.mark.usefixtures("in_cohorts")
@pytest.mark.slow  # how a command tells of it is in test_commands.py
def test_a_sweep_that_is_told_to_stop_while_its_database_is_away_is_not_and_goes_on(
    mortal, mortal_store, ray_address, paperdex, whole
):
    told = []

    def stop():
        mortal.strike()
        told.append(paperdex("stop", "latest-sweep", "--database-url", mortal.url))

    watcher = Operator(mortal, stop)
    summary = search(small_sweeps.plan(), Place(mortal.url, ray_address), 2, watcher)
    ((status, stdout, stderr),) = told
    assert (status, stdout) == (2, "")
    assert stderr.startswith("The database at ")
    assert stderr.count("\n") == 1
    assert watcher.has_waited
    assert mortal_store.commands_of(summary.sweep_id) == []
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)


@pytest.mark.slow  # that a sampler comes to the same points when it is taken up is in test_sweeps.py
def test_a_sampler_waits_for_what_it_is_to_learn_from(url, ray_address, monkeypatch, new_url, template):
    sampler = {"kind": "optuna:tpe", "seed": 3, "batch": 8}
    vary = {"strategy.stop_loss_percent": {"uniform": [0.3, 5]}, "strategy.take_profit_percent": {"uniform": [0.3, 5]}}
    learning = small_sweeps.plan(vary=vary, sampler=sampler, trials=16, markets={"seeds": [9]}, constraints=[])
    undisturbed = search(learning, Place(new_url(template), ray_address), 1, small_sweeps.Watcher())
    read, away = Store.trials_between, iter([True])

    def missed_once(store, *between):
        if next(away, False):
            raise DatabaseUnreachable(url=store.address, why="nothing listens there")
        return read(store, *between)

    monkeypatch.setattr(Store, "trials_between", missed_once)
    again = search(learning, Place(url, ray_address), 1, small_sweeps.Watcher())
    assert next(away, None) is None
    assert again.digest == undisturbed.digest
