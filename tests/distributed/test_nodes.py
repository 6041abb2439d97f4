"""A cluster of several nodes, of which some die and some processes sleep: the run is the undisturbed one to the last row."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import head_node
import psutil
import pytest
import ray
import small_sweeps
from busy import busy_scenario
from command import TENTH, Command
from ray.cluster_utils import Cluster
from watcher import Watcher, finished

from actors.remote import HEAD, ROLE, SESSION, SESSIONS, SWEEPS
from cluster import conductor, remote_calls
from cluster.runs import Place, prepare
from cluster.sweeping import conductor as conductor_of_sweeps
from cluster.sweeping.runs import execute as search
from storage.store import Store

SMALL = {"object_store_memory": 80 * 2**20}
SOON = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 2,
}
"""How Ray looks after its nodes, so that a dead one is missed within seconds."""
MISSED_AFTER_SECONDS = 8
"""So long a session that sleeps is waited for, by which time any other has answered long ago."""


@dataclass
class Nodes:
    """A cluster whose first node, where the conductor is, takes no sessions; the others have names."""

    cluster: Cluster
    named: dict = field(default_factory=dict)

    def add(self, name, role, sessions=0, **environment):
        """Add a node of a role with room for so many sessions."""
        memory = max(sessions, 1) * SESSION.memory_bytes
        self.named[name] = self.cluster.add_node(
            num_cpus=1 if sessions else 0, memory=memory, labels={ROLE: role} if role else {},
            env_vars=environment or None, **SMALL,
        )  # fmt: skip

    def kill(self, name):
        """Kill a node as a power cut would, with all that runs on it."""
        raylet = self.named[name].all_processes["raylet"][0].process
        workers = psutil.Process(raylet.pid).children(recursive=True)
        self.cluster.remove_node(self.named[name], allow_graceful=False)
        for worker in workers:
            if worker.is_running():
                worker.kill()

    def where(self, actor):
        """Return the name of the node of an actor."""
        return self._names().get(told_by(actor)[0], "first")

    def _names(self):
        return {node.node_id: name for name, node in self.named.items()}


def told_by(actor):
    """Return the node and the process of an actor."""
    handle = ray.get_actor(actor)
    told = handle.__ray_call__.remote(lambda _actor: (ray.get_runtime_context().get_node_id(), os.getpid()))
    return ray.get(told, timeout=60)


@pytest.fixture
def nodes(monkeypatch):
    """Start a cluster of one node, which a test adds others to."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    first = {"num_cpus": 0, "include_dashboard": False, "dashboard_port": None, "_system_config": SOON,
             "include_log_monitor": False, **SMALL}  # fmt: skip
    cluster = Cluster(initialize_head=True, head_node_args=first)
    yield Nodes(cluster)
    cluster.shutdown()


@pytest.fixture
def nodes_that_fail(monkeypatch, request):
    """Start a cluster whose processes lose calls and are late."""
    lost = {"num_failures": 3, "req_failure_prob": 5, "resp_failure_prob": 5}
    monkeypatch.setenv("RAY_testing_rpc_failure", json.dumps({"CoreWorkerService.grpc_client.PushTask": lost}))
    monkeypatch.setenv("RAY_testing_asio_delay_us", "CoreWorkerService.grpc_server.PushTask=1000:5000")
    nodes = request.getfixturevalue("nodes")
    nodes.add("sessions", SESSIONS, sessions=9)
    return nodes


class Chaos(Watcher):
    """Watches a run and does something after the segments that end at certain blocks, and when it is told of something."""

    def __init__(self, told=lambda _text: None, **acts):
        super().__init__()
        self._told, self._acts = told, {int(at.removeprefix("at_")): act for at, act in acts.items()}

    def say(self, text):
        self._told(text)

    def show(self, progress):
        self.progress.append(progress)
        if act := self._acts.pop(progress.block, None):
            act()


def test_a_run_outlives_a_node_and_a_session_that_sleeps(nodes, url, undisturbed, monkeypatch):
    """The first node takes no session, the one for sweeps neither; the light actors sit together."""
    nodes.add("sweeps", SWEEPS, sessions=9)
    nodes.add("small", SESSIONS, sessions=2)
    nodes.add("large", SESSIONS, sessions=3)
    seen, sleepers, patience_seconds = {}, [], remote_calls.CALL_SECONDS_MAX

    def look():
        seen.update({actor: nodes.where(actor) for actor in undisturbed.actors})

    def kill_the_small():
        nodes.kill("small")

    def lull():
        (name,) = [one["name"] for one in ray.util.list_named_actors(all_namespaces=True) if "plain" in one["name"]]
        sleepers.append(psutil.Process(told_by(name)[1]))
        sleepers[0].send_signal(signal.SIGSTOP)
        monkeypatch.setattr(remote_calls, "CALL_SECONDS_MAX", MISSED_AFTER_SECONDS)

    def wait_longer(text):
        if "has not answered" in text:  # whoever takes its place has to start first
            monkeypatch.setattr(remote_calls, "CALL_SECONDS_MAX", patience_seconds)

    def await_its_end():
        sleepers[0].wait(60)

    watcher = Chaos(wait_longer, at_300=look, at_600=kill_the_small, at_900=lull, at_1200=await_its_end)
    summary = finished(prepare(busy_scenario()), Place(url, nodes.cluster.address), watcher)
    assert summary.digest == undisturbed.summary.digest
    assert {seen[actor] for actor in ("Market", "AutoPilot", "Writer")} == {"first"}
    assert {place for actor, place in seen.items() if actor.startswith("AccountSession")} == {"small", "large"}
    lost = sum(place == "small" for place in seen.values())
    assert watcher.progress[-1].restarts == lost + 1
    with closing(Store(url)) as store:
        assert store.check() == []
        assert store.digest(summary.run_id) == undisturbed.summary.digest


@pytest.mark.slow  # that what is lost is taken up again is in the unit tests of the conductor's parts
def test_a_run_outlives_the_node_of_its_market_with_segments_and_batches_on_their_way(
    nodes, url, undisturbed, monkeypatch
):
    """All nodes are of one machine here, so each of them reaches the database by its socket."""
    monkeypatch.setattr(conductor, "is_of_this_machine", lambda _url: False)
    nodes.add("home", HEAD)
    nodes.add("sessions", SESSIONS, sessions=3)
    seen = {}

    def look():
        seen.update({actor: nodes.where(actor) for actor in ("Market", "AutoPilot", "Writer")})

    summary = finished(
        prepare(busy_scenario()),
        Place(url, nodes.cluster.address),
        Chaos(at_300=look, at_600=lambda: nodes.kill("home")),
    )
    assert set(seen.values()) == {"home"}
    assert summary.digest == undisturbed.summary.digest
    with closing(Store(url)) as store:
        assert store.check() == []
        assert store.run(summary.run_id).status == "COMPLETED"


@pytest.mark.slow  # processes that die and calls that fail come to the same for a conductor
def test_a_run_outlives_calls_that_are_late_or_lost(nodes_that_fail, url, undisturbed, tmp_path):
    """Ray's own switches: each process loses some of its calls to actors, on the way there or back, and all are late."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=50).model_dump(mode="json")))
    command = Command([str(file), "--ray-address", nodes_that_fail.cluster.address, "--database-url", url])
    lines = list(command.lines())
    status, told, _ = command.end()
    assert status == 0, lines
    assert json.loads(told)["digest"] == undisturbed.summary.digest
    assert re.search(r" \d+ restarts?", lines[-1])
    with closing(Store(url)) as store:
        assert store.check() == []


@pytest.mark.slow  # those above show a node's death, test_sweeps.py a worker's
def test_a_sweep_outlives_the_node_of_a_worker_whose_place_is_not_replaced(nodes, url, new_url, template):
    """A worker fills its node, so the other one ends the sweep alone."""
    place = Place(url, nodes.cluster.address)
    for name in ("here", "there"):
        nodes.add(name, SWEEPS, sessions=5)
    whole = search(small_sweeps.plan(), place, None, small_sweeps.Watcher())
    watcher = small_sweeps.Watcher(20, lambda: nodes.kill("there"))
    again = search(small_sweeps.plan(), Place(new_url(template), nodes.cluster.address), None, watcher)
    assert (again.digest, again.ranking) == (whole.digest, whole.ranking)
    assert watcher.progress[-1].restarts == 1


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Return the environment of a node that has what the project depends on, and not the project."""
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "sitecustomize.py").write_text(head_node.UNINSTALLED)
    monkeypatch.chdir(tmp_path)  # Ray lets actors on this machine import from where the command was called
    return {"PYTHONPATH": str(tmp_path / "node")}


@pytest.mark.slow  # that a run is taken up where paperdex was brought is in tests/unit/test_conductor_parts.py
def test_a_run_goes_on_on_a_node_that_has_come_meanwhile_and_does_not_have_the_project(nodes, url, undisturbed, bare):
    nodes.add("sessions", SESSIONS, sessions=3)
    file = Path("busy.yaml")
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))
    command, said = Command([str(file), "--ray-address", nodes.cluster.address, "--database-url", url]), []
    for line in command.lines():
        said.append(line)
        if line.startswith(f"block {5 * TENTH} "):
            command.pause()
            nodes.add("new", SESSIONS, sessions=3, **bare)
            nodes.kill("sessions")
            command.signal(signal.SIGCONT)
    assert command.summary()["digest"] == undisturbed.summary.digest
    assert said.count("bringing paperdex to the nodes, of which not all have it as it is here") == 1
    assert [line for line in said if "raylet" in line] == []
    with closing(Store(url)) as store:
        assert store.check() == []


@pytest.mark.slow  # as above
def test_a_sweep_goes_on_on_a_node_that_has_come_meanwhile_and_does_not_have_the_project(nodes, url, whole, bare):
    nodes.add("sweeps", SWEEPS, sessions=5)

    def change():
        nodes.add("new", SWEEPS, sessions=5, **bare)
        nodes.kill("sweeps")

    watcher = small_sweeps.Watcher(20, change)
    summary = search(small_sweeps.plan(), Place(url, nodes.cluster.address), 1, watcher)
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)
    assert watcher.progress[-1].recoveries["TrialWorker"] > 0


@pytest.mark.slow  # that one that has died is replaced is in test_sweeps.py
def test_a_sweep_outlives_a_worker_that_sleeps(ray_address, url, whole, monkeypatch):
    monkeypatch.setattr(remote_calls, "CALL_SECONDS_MAX", 10)
    monkeypatch.setattr(remote_calls, "TELL_SECONDS", 5)
    monkeypatch.setattr(conductor_of_sweeps, "FIRST_COHORT", 8)
    monkeypatch.setattr(conductor_of_sweeps, "MOST_IN_COHORT", 8)  # so many are left that whoever sleeps is given one
    sleepers = []

    def lull():
        sleepers.append(psutil.Process(told_by("TrialWorker 1")[1]))
        sleepers[0].send_signal(signal.SIGSTOP)

    watcher = small_sweeps.Watcher(20, lull)
    summary = search(small_sweeps.plan(), Place(url, ray_address), 2, watcher)
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)
    assert watcher.progress[-1].recoveries["TrialWorker"] == 1
    sleepers[0].wait(60)
