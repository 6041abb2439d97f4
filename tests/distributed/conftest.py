"""One real Ray cluster and one real Postgres for all tests here; each run is a job of its own in a namespace of its own."""

from __future__ import annotations

import psycopg2
import pytest
from busy import busy_scenario
from ray.cluster_utils import Cluster

from cluster.plan import plan_of
from cluster.runs import Place, prepare
from cluster.runs import execute as execute_plan
from storage.ids import prefix_of
from storage.store import Store

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
                "object_store_memory": OBJECT_STORE_BYTES,
            },
        )
        yield cluster.address
        cluster.shutdown()


class Watcher:
    """Watches a run as the live view does, and can step in after a segment."""

    def __init__(self, at_block=None, act=None):
        self.progress = []
        self.said = []
        self._at_block, self._act = at_block, act

    def say(self, text):
        self.said.append(text)

    def show(self, progress):
        self.progress.append(progress)
        if progress.block == self._at_block:
            self._act()


@pytest.fixture
def url(new_url, template):
    """Name an upgraded database for this test."""
    return new_url(template)


@pytest.fixture
def store(url):
    """Open that database."""
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def run(url, ray_address):
    """Return a function that runs a scenario on the cluster to its end."""

    def run(scenario=None, watcher=None):
        plan = prepare(scenario or busy_scenario())
        return execute_plan(plan, Place(url, ray_address), watcher or Watcher())

    return run


@pytest.fixture
def sql(url):
    """Run SQL on the test's database and return the rows, if any."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True

    def sql(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    yield sql
    connection.close()


@pytest.fixture(scope="session")
def undisturbed(server, execute, template, ray_address):
    """Return the summary of the busy scenario's run in which nobody died."""
    execute(f"CREATE DATABASE undisturbed TEMPLATE {template}")
    return execute_plan(plan_of(busy_scenario(), None), Place(server.url("undisturbed"), ray_address), Watcher())


@pytest.fixture
def owners(store):
    """Return a function that tells how many owners each session of a run has had."""

    def owners(result):
        contexts = plan_of(busy_scenario(), None).contexts(prefix_of(result.run_id))
        return {context.account.name: store.checkpoint(context.session_id).incarnation for context in contexts}

    return owners
