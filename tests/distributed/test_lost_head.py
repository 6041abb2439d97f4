"""A head node is lost as a whole, and its control service kept its tables on a disk: another is started with them."""

from __future__ import annotations

import json
import re
import signal
import sys

import psutil
import pytest
import small_sweeps
from busy import busy_scenario
from command import TENTH, Command
from head_node import free_ports
from ray.cluster_utils import Cluster

from actors.remote import HEAD, ROLE

SMALL = {"object_store_memory": 80 * 2**20}
CALLED_AT = "127.0.0.2"
"""The address of the node on which commands are called; the head node has the machine's own."""

AWAY_FROM_THE_HEAD = f"""
from functools import partial
from cluster.connect import quiet_ray
quiet_ray()
import ray
import cluster.conductor, cluster.sweeping.conductor
from cluster.cli import main
ray.init = partial(ray.init, _node_ip_address="{CALLED_AT}")
for conductor in (cluster.conductor, cluster.sweeping.conductor):
    conductor.is_of_this_machine = lambda _url: False
main()
"""
"""The command as on another machine than the head node's, with a database that both reach."""


class Head:
    """A cluster of a head node, where the light actors of a run sit, and of a node for the others."""

    def __init__(self, tables):
        (port,) = free_ports(1)
        on_a_disk = {"gcs_storage": "rocksdb", "gcs_storage_path": str(tables)}
        self._arguments = {
            "num_cpus": 0, "include_dashboard": False, "dashboard_port": None, "gcs_server_port": int(port),
            "labels": {ROLE: HEAD}, "_system_config": on_a_disk, **SMALL,
        }  # fmt: skip
        self.cluster = Cluster(initialize_head=True, head_node_args=self._arguments)
        self.cluster.add_node(num_cpus=2, node_ip_address=CALLED_AT, **SMALL)
        self.address = self.cluster.address

    def lose(self):
        """Kill all that runs on it, as a power cut would; return the names of the actors among that."""
        node = self.cluster.head_node
        workers = psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True)
        names = [worker.name() for worker in workers]
        self.cluster.remove_node(node, allow_graceful=False)
        for worker in workers:
            if worker.is_running():
                worker.kill()
        return {
            actor for actor in ("Market", "Writer", "AutoPilot", "TrialWriter") if f"ray::{actor}" in " ".join(names)
        }

    def start(self):
        """Start another one in its place."""
        self.cluster.add_node(**self._arguments)


@pytest.fixture
def head(monkeypatch, tmp_path):
    """Start such a cluster."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    head = Head(tmp_path / "tables")
    yield head
    head.cluster.shutdown()


@pytest.fixture
def called(head, url):
    """Return a function that calls a command on the other node."""
    where = ["--ray-address", head.address, "--database-url", url]
    return lambda arguments, what="run": Command(
        [*arguments, *where], what=what, program=(sys.executable, "-c", AWAY_FROM_THE_HEAD)
    )


@pytest.fixture
def begun(called, tmp_path):
    """Return a run that is conducted there, when it has come to its second tenth."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))
    command = called([str(file)])
    next(line for line in command.lines() if line.startswith(f"block {2 * TENTH} "))
    return command


@pytest.mark.slow  # it starts a cluster of its own; a control service that dies alone does so in test_control_service.py
def test_a_run_outlives_its_head_node_where_another_is_started_with_its_tables(head, begun, store, undisturbed):
    assert head.lose() == {"Market", "Writer", "AutoPilot"}
    next(line for line in begun.lines() if line.startswith("Ray's control service is away."))
    head.start()
    assert begun.summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # as above
def test_a_run_whose_head_node_stays_away_ends_with_a_sentence_and_goes_on_on_the_next_one(
    head, begun, called, store, undisturbed
):
    head.lose()
    *_, last = begun.lines()
    assert begun.end()[:2] == (2, "")
    (run,) = store.runs()
    assert re.fullmatch(
        rf"Ray's control service has been away for \d+ s; `paperdex run --resume {run.run_id}` goes on "
        r"from what was committed last\.",
        last,
    )
    head.start()
    assert called(["--resume", "latest"]).summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # as above
def test_a_sweep_outlives_its_head_node_where_another_is_started_with_its_tables(head, called, tmp_path, whole):
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(small_sweeps.file()))
    command = called([str(file), "--workers", "1"], "sweep")
    next(line for line in command.lines() if line.startswith("trial "))
    command.pause()
    assert head.lose() == {"TrialWriter"}
    command.signal(signal.SIGCONT)
    next(line for line in command.lines() if line.startswith("Ray's control service is away."))
    head.start()
    assert command.summary()["digest"] == whole[0].digest
