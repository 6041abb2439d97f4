"""Ray's control service dies: where it keeps its tables on a disk the run outlives that, elsewhere it can be resumed."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest
import ray
import small_sweeps
from busy import busy_scenario
from command import TENTH, Command
from ray.cluster_utils import Cluster
from waiting import until
from watcher import Watcher, finished

from cluster.control_service import RECONNECT
from cluster.runs import Place, prepare
from cluster.sweeping import conductor
from cluster.sweeping.runs import execute as search
from storage.store import Store

AWAY_FROM, SESSION_DIES_AT = 300, 600
SMALL = {"object_store_memory": 80 * 2**20}


class Striker(Watcher):
    """Kills the control service after a segment and a session after a later one, and starts the former once it is missed.

    Ray ends what it starts with the thread that started it: that of ``beside`` outlives the run.
    """

    def __init__(self, node, beside):
        super().__init__()
        self._node, self._beside = node, beside
        self._session, self._is_waited_for = None, False

    def say(self, text):
        if self._is_waited_for and text.startswith("Ray's control service is away."):
            self._is_waited_for = False
            self._beside.submit(self._node.start_gcs_server)

    def show(self, progress):
        super().show(progress)
        if progress.block == AWAY_FROM:
            actor = ray.get_actor("AccountSession tuned")
            self._session = ray.get(actor.__ray_call__.remote(lambda _actor: os.getpid()), timeout=60)
            self._node.kill_gcs_server()
        if progress.block == SESSION_DIES_AT:
            os.kill(self._session, signal.SIGKILL)
            self._is_waited_for = True


@pytest.fixture
def durable(monkeypatch, tmp_path):
    """Start a cluster of two nodes whose control service keeps its tables on a disk; give it and a thread beside it."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    tables = {"gcs_storage": "rocksdb", "gcs_storage_path": str(tmp_path / "tables")}
    first = {"num_cpus": 0, "include_dashboard": False, "dashboard_port": None, "_system_config": tables, **SMALL}
    with ThreadPoolExecutor(max_workers=1) as beside:
        cluster = Cluster(initialize_head=True, head_node_args=first)
        cluster.add_node(num_cpus=2, **SMALL)
        yield cluster, beside
        cluster.shutdown()


@pytest.fixture
def busy(tmp_path):
    """Write the busy scenario into a file."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))
    return str(file)


@pytest.mark.slow  # it starts a cluster of its own; whoever else dies does so in test_kills.py
def test_a_run_outlives_the_control_service_and_a_session_that_dies_while_it_is_away(durable, url, undisturbed):
    cluster, beside = durable
    watcher = Striker(cluster.head_node, beside)
    summary = finished(prepare(busy_scenario(segment_blocks=50)), Place(url, cluster.address), watcher)
    assert summary.digest == undisturbed.summary.digest
    assert watcher.progress[-1].recoveries == {"AccountSession": 1, "Market": 0, "Writer": 0, "AutoPilot": 0}
    with closing(Store(url)) as store:
        assert store.check() == []
        assert store.digest(summary.run_id) == undisturbed.summary.digest


@pytest.mark.slow  # whom a conductor takes over is in test_services.py
def test_a_service_outlives_the_control_service_and_its_conductor_that_dies_while_it_is_away(
    durable, busy, paperdex, url, store, sql, undisturbed
):
    cluster, _ = durable
    status, stdout, _ = paperdex("up", busy, "--database-url", url, "--ray-address", cluster.address)
    assert status == 0
    run_id = store.resolve_run(stdout.strip())
    until(lambda: sql("SELECT min(next_block) FROM session_checkpoints")[0][0])
    cluster.head_node.kill_gcs_server()
    (service,) = children("ray::Service")
    service.kill()
    cluster.head_node.start_gcs_server()
    until(lambda: store.run(run_id).status != "RUNNING")
    assert store.run(run_id).digest == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # that a conductor leaves is in tests/unit/test_vigil.py
def test_a_run_whose_control_service_stays_away_ends_with_a_sentence_and_can_be_resumed(url, store, busy, undisturbed):
    where = ["--database-url", url]
    command = Command([busy, *where], **{RECONNECT: "30"})
    *_, last = lines = list(struck(command))
    assert command.end()[:2] == (2, "")
    (run,) = store.runs()
    assert any(line.startswith("Ray's control service is away.") for line in lines)
    assert re.fullmatch(
        rf"Ray's control service has been away for \d+ s; `paperdex run --resume {run.run_id}` goes on "
        r"from what was committed last\.",
        last,
    )
    assert run.status == "RUNNING"
    assert Command(["--resume", "latest", *where]).summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


class SweepStriker(small_sweeps.Watcher):
    """Kills the control service and an actor of a sweep on its first market; starts the former once it is missed."""

    def __init__(self, node, beside, actor):
        super().__init__(16, self._strike)
        self._node, self._beside, self._actor, self.is_missed = node, beside, actor, False

    def _strike(self):
        struck = children(f"ray::{self._actor}") if self._actor else []
        self._node.kill_gcs_server()
        for process in struck:
            process.kill()

    def say(self, text):
        if text.startswith("Ray's control service is away.") and not self.is_missed:
            self.is_missed = True
            self._beside.submit(self._node.start_gcs_server)


def children(name):
    """Return the processes that this one's clusters have started whose names begin so."""
    return [one for one in psutil.Process().children(recursive=True) if one.name().startswith(name)]


@pytest.mark.slow  # it starts a cluster of its own; whoever else dies does so in test_sweeps.py
@pytest.mark.parametrize("actor", ["TrialWorker", "TrialWriter", None])
def test_a_sweep_outlives_the_control_service_whoever_dies_while_it_is_away_and_though_its_next_market_is_due(
    durable, url, whole, monkeypatch, actor
):
    cluster, beside = durable
    for bound in ("FIRST_COHORT", "MOST_IN_COHORT"):
        monkeypatch.setattr(conductor, bound, 16)
    watcher = SweepStriker(cluster.head_node, beside, actor)
    summary = search(small_sweeps.plan(), Place(url, cluster.address), 1, watcher)
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)
    assert watcher.is_missed
    assert watcher.progress[-1].recoveries == {
        name: int(name == actor) for name in ("TrialWorker", "TrialWriter", "Market")
    }


@pytest.mark.slow  # that a conductor leaves is in tests/unit/test_vigil.py
def test_a_sweep_whose_control_service_stays_away_ends_with_a_sentence_and_can_be_resumed(url, store, whole, tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(small_sweeps.file()))
    where = ["--workers", "1", "--database-url", url]
    command = Command([file, *where], what="sweep", **{RECONNECT: "30"})
    lines = []
    for line in command.lines():
        lines.append(line)
        if line.startswith("trial ") and len(lines) == [one.startswith("trial ") for one in lines].index(True) + 1:
            command.pause()
            command.child("gcs_server").kill()
            command.child("ray::TrialWorker").kill()
            command.signal(signal.SIGCONT)
    assert command.end()[:2] == (2, "")
    sweep_id = store.resolve_sweep("latest")
    assert any(line.startswith("Ray's control service is away.") for line in lines)
    assert re.fullmatch(
        rf"Ray's control service has been away for \d+ s; `paperdex sweep --resume {sweep_id}` goes on "
        r"from what was committed last\.",
        lines[-1],
    )
    assert store.sweep(sweep_id).status == "RUNNING"
    assert Command(["--resume", "latest", *where], what="sweep").summary()["digest"] == whole[0].digest


def struck(command):
    """Yield what a command says, whose control service is killed after two tenths, and a session right after it."""
    for line in command.lines():
        yield line
        if line.startswith(f"block {2 * TENTH} "):
            command.child("gcs_server").kill()
            command.child("ray::AccountSession").kill()
