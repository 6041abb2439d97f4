"""Two hosts with addresses of their own, as a cluster has them: what runs on both, and goes on when one is cut off."""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from pathlib import Path

import hosts
import machine_server
import pytest
import small_sweeps
from busy import busy_scenario
from command import PAPERDEX, Command
from tenacity import retry, stop_after_delay, wait_fixed

from actors.remote import SESSION
from storage.store import Store

pytestmark = pytest.mark.slow  # each host is a node that has to start

PORT = 6379
SOON = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "300",
    "RAY_health_check_timeout_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""How Ray looks after its nodes, so that one that is cut off is missed within seconds."""

RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def network():
    network = hosts.make()
    yield network
    network.remove()


@pytest.fixture
def database(network):
    """Start a server of the network's, behind a password; return the URL of an empty database."""
    rules = f"host all all {hosts.NETWORK} scram-sha-256\n"
    server = machine_server.start(rules, listen_addresses=network.router)
    yield server.url(host=network.router)
    server.stop()


@pytest.fixture
def token(network):
    """Return the environment of whoever is let in."""
    file = network.home / "token"
    file.write_text("0123456789abcdef" * 2)
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(file)}


@pytest.fixture
def both(network, token):
    """Start a node on each of two hosts, with room for all sessions on either."""
    first, second = network.add(), network.add()
    size = ["--num-cpus", 1, "--memory", 3 * SESSION.memory_bytes, "--object-store-memory", 80 * 2**20]
    size += ["--disable-usage-stats"]
    first.run(RAY, "start", "--head", "--port", PORT, "--include-dashboard=false", *size, **token, **SOON)
    second.run(RAY, "start", "--address", f"{first.address}:{PORT}", *size, **token, **SOON)
    return first, second


@pytest.fixture
def called(both, database, token, tmp_path):
    """Return a function that calls a command on a host, for the cluster of both."""

    def called(host, what, document):
        file = tmp_path / f"{what}.yaml"
        file.write_text(json.dumps(document))
        where = ["--ray-address", f"{both[0].address}:{PORT}", "--database-url", database]
        return Command([str(file), *where], what=what, program=(*host.inside, PAPERDEX), **token)

    return called


def test_a_run_goes_on_when_a_host_is_cut_off_and_a_sweep_has_workers_on_both(
    both, called, database, undisturbed, whole
):
    first, second = both
    sweep = called(second, "sweep", small_sweeps.file())
    assert sweep.summary()["digest"] == whole[0].digest
    run, lines, there = called(first, "run", busy_scenario(segment_blocks=10).model_dump(mode="json")), [], []
    for line in run.lines():
        if line.startswith("block ") and not there:
            there = [len(host.processes("ray::Account")) for host in both]
            second.cut()
        lines.append(line)
    assert min(there) > 0, lines
    assert run.summary()["digest"] == undisturbed.summary.digest
    assert re.search(r"[1-9] restarts?", lines[-1])
    second.join()
    _await_end_of_node(second)
    with closing(Store(database)) as store:
        assert store.check() == []


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True)
def _await_end_of_node(host):
    """Return when Ray has ended a node that it took for dead, with the actors that were left on it."""
    assert host.processes("ray::") == []
