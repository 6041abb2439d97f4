"""A run that a cluster conducts: whoever dies, the conductor first of all, those who live are taken over."""

from __future__ import annotations

import json

import psutil
import pytest
from busy import busy_scenario
from waiting import until

from cluster import jobs
from cluster.service import Service, namespace_of

ACTORS = ("Service", "Market", "Writer", "AutoPilot", "AccountSession")


@pytest.fixture
def up(paperdex, url, ray_address, tmp_path, store, sql):
    """Return a function that has the cluster conduct the busy scenario, and waits until it stands still."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))

    def up():
        status, stdout, stderr = paperdex("up", str(file), "--database-url", url, "--ray-address", ray_address)
        assert (status, stderr) == (0, "")
        run_id = stdout.strip()
        assert store.command(run_id, "PAUSE").status == "PENDING"
        until(lambda: sql("SELECT block FROM commands WHERE run_id = %s AND status = 'ACCEPTED'", run_id))
        return run_id

    return up


def alive():
    """Return the processes of actors in this test's own cluster, each as the name of its class and its number."""
    children = psutil.Process().children(recursive=True)
    named = {(child.name().removeprefix("ray::").partition(".")[0], child) for child in children if child.is_running()}
    return {(name, child.pid) for name, child in named if name in ACTORS}


def test_a_run_outlives_its_conductor_whose_successor_takes_over_whoever_lives(up, store, sql, undisturbed):
    run_id = up()
    before = alive()
    assert sorted(name for name, _ in before) == sorted([*ACTORS, *["AccountSession"] * 2])
    dying = {next(one for one in sorted(before) if one[0] == name) for name in ("Service", "AccountSession")}
    for _, pid in dying:
        psutil.Process(pid).kill()
    until(lambda: len(alive() - before) == 2)
    after = alive()
    assert before - after == dying
    assert {name for name, _ in after - before} == {"Service", "AccountSession"}
    assert sql("SELECT status, incarnation FROM runs") == [("RUNNING", 3)]
    store.command(run_id, "RESUME")
    until(lambda: store.run(store.resolve_run(run_id)).status != "RUNNING")
    assert store.run(store.resolve_run(run_id)).digest == undisturbed.summary.digest
    assert store.check() == []
    until(lambda: not alive())


@pytest.mark.slow  # it is stopped and resumed as in test_life_cycle.py, and its actors end as above
def test_a_run_is_taken_down_with_all_its_actors_and_can_be_resumed(up, paperdex, url, ray_address, undisturbed):
    run_id, where = up(), ("--database-url", url, "--ray-address", ray_address)
    status, said, _ = paperdex("down", *where)
    assert (status, said) == (0, f"Run {run_id} is STOPPED, and none of its actors is left.\n")
    until(lambda: not alive())
    status, _, said = paperdex("down", *where)
    assert (status, said.startswith(f"Run {run_id} has no conductor in the cluster at {ray_address};")) == (2, True)
    status, stdout, _ = paperdex("run", "--resume", run_id, "--json", *where)
    assert json.loads(stdout)["digest"] == undisturbed.summary.digest


def test_services_are_listed_by_the_class_of_their_conductors():
    assert Service.__name__ == jobs.CONDUCTOR
    assert namespace_of("RUN") == f"{jobs.STARTS_WITH}RUN"


def test_a_service_needs_a_cluster_that_outlives_it(paperdex, url, store):
    status, stdout, stderr = paperdex("up", "--database-url", url, "--ray-address", "127.0.0.1:1")
    assert (status, stdout, store.runs()) == (2, "", [])
    assert stderr.endswith("A service needs a cluster that outlives it: `ray start --head`.\n")
