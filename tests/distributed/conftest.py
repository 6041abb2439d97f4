"""One real Ray cluster and one real Postgres for all tests here; each run is a job of its own in a namespace of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import ray
import small_sweeps
from busy import busy_scenario, contexts_of
from ray.cluster_utils import Cluster
from watcher import Watcher, finished

from cluster.runs import Place, RunSummary, prepare
from cluster.sweeping.runs import execute as execute_sweep
from storage.ids import prefix_of

OBJECT_STORE_BYTES = 128 * 1024 * 1024


@pytest.fixture(scope="session")
def ray_address():
    """Start a cluster of this machine's two cores, without authentication and without a dashboard."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 2,
                "include_dashboard": False,
                "dashboard_port": None,  # else Ray tries the usual one, and leaves its socket open if that is taken
                "object_store_memory": OBJECT_STORE_BYTES,
                "include_log_monitor": False,  # it would look for what actors print, which no driver here asks for
            },
        )
        yield cluster.address
        cluster.shutdown()


@dataclass(frozen=True)
class Undisturbed:
    """A run in which nobody died."""

    summary: RunSummary
    actors: list[str]


@pytest.fixture
def url(new_url, template):
    """Name an upgraded database for this test."""
    return new_url(template)


@pytest.fixture
def run(url, ray_address):
    """Return a function that runs a scenario on the cluster to its end."""

    def run(scenario=None, watcher=None, writers=1):
        plan = prepare(scenario or busy_scenario())
        return finished(plan, Place(url, ray_address, writers=writers), watcher or Watcher())

    return run


@pytest.fixture(scope="session")
def undisturbed(server, execute, template, ray_address):
    """Run the busy scenario to its end, in a database of its own, and note the names of its actors."""
    execute(f"CREATE DATABASE undisturbed TEMPLATE {template}")
    names = []
    watcher = Watcher(1200, lambda: names.extend(ray.util.list_named_actors()))
    place = Place(server.url("undisturbed"), ray_address)
    return Undisturbed(finished(prepare(busy_scenario()), place, watcher), names)


@pytest.fixture(scope="session")
def whole(server, execute, template, ray_address):
    """Run the small sweep once, undisturbed."""
    execute(f"CREATE DATABASE undisturbed_sweep TEMPLATE {template}")
    place = Place(server.url("undisturbed_sweep"), ray_address)
    return execute_sweep(small_sweeps.plan(), place, 1, small_sweeps.Watcher()), server.url("undisturbed_sweep")


@pytest.fixture
def owners(store):
    """Return a function that tells how many owners each session of a run has had."""

    def owners(result):
        contexts = contexts_of(prepare(busy_scenario()), prefix_of(result.run_id))
        return {context.account.name: store.checkpoint(context.session_id).incarnation for context in contexts}

    return owners
