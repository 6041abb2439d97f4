"""A run that a cluster conducts: whoever dies, the conductor first of all, those who live are taken over."""

from __future__ import annotations

import json
from uuid import UUID

import psutil
import pytest
from busy import busy_scenario
from small_sweeps import Interruption
from waiting import until
from watcher import Watcher, finished

from cluster import jobs
from cluster.runs import Place, prepare
from cluster.service import Service, namespace_of

ACTORS = ("Service", "Market", "Writer", "AutoPilot", "AccountSession")
WRITERS = 2


@pytest.fixture
def up(paperdex, url, ray_address, tmp_path, store, sql):
    """Return a function that has the cluster conduct the busy scenario, and waits until it stands still."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))

    def up():
        where = ("--database-url", url, "--ray-address", ray_address)
        status, stdout, stderr = paperdex("up", str(file), "--writers", str(WRITERS), *where)
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
    assert sorted(name for name, _ in before) == sorted([*ACTORS, *["AccountSession"] * 2, *["Writer"] * (WRITERS - 1)])
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
def test_a_run_is_taken_down_with_all_its_actors_and_can_be_resumed_and_that_as_a_service(
    up, paperdex, url, ray_address, store, sql, undisturbed
):
    run_id, where = up(), ("--database-url", url, "--ray-address", ray_address)
    status, said, _ = paperdex("down", *where)
    assert (status, said) == (0, f"Run {run_id} is STOPPED, and none of its actors is left.\n")
    until(lambda: not alive())
    no_conductor = f"Run {run_id} has no conductor in the cluster at {ray_address}; it is STOPPED already.\n"
    assert paperdex("down", *where) == (2, "", no_conductor)
    assert paperdex("up", "--resume", run_id, *where) == (0, f"{run_id}\n", "")
    store.command(run_id, "PAUSE")
    status, _, said = paperdex("up", "--resume", run_id, *where)
    assert (status, said) == (
        2,
        f"Run {run_id} has a conductor in the cluster at {ray_address}; `paperdex down {run_id}` ends it.\n",
    )
    store.command(run_id, "RESUME")
    until(lambda: sql("SELECT status FROM runs") != [("RUNNING",)])
    assert store.run(UUID(run_id)).digest == undisturbed.summary.digest
    assert store.check() == []
    until(lambda: not alive())
    ended = f"Run {run_id} is COMPLETED; only a run that was interrupted can be resumed.\n"
    assert paperdex("up", "--resume", run_id, *where) == (2, "", ended)


@pytest.mark.slow  # as above
def test_a_run_that_a_command_conducted_goes_on_as_a_service(paperdex, url, ray_address, store, sql, undisturbed):
    def die():
        raise Interruption

    place = Place(url, ray_address)
    with pytest.raises(Interruption):
        finished(prepare(busy_scenario(segment_blocks=10)), place, Watcher(300, die))
    ((run_id,),) = sql("SELECT run_id::text FROM runs WHERE status = 'ERROR'")
    assert paperdex("up", "--resume", "latest", "--database-url", url, "--ray-address", ray_address)[0] == 0
    until(lambda: sql("SELECT status FROM runs") != [("RUNNING",)])
    assert store.run(UUID(run_id)).digest == undisturbed.summary.digest


def test_services_are_listed_by_the_class_of_their_conductors():
    assert Service.__name__ == jobs.CONDUCTOR
    assert namespace_of("RUN") == f"{jobs.STARTS_WITH}RUN"


def test_a_service_needs_a_cluster_that_outlives_it(paperdex, url, store):
    status, stdout, stderr = paperdex("up", "--database-url", url, "--ray-address", "127.0.0.1:1")
    assert (status, stdout, store.runs()) == (2, "", [])
    assert stderr.endswith("A service needs a cluster that outlives it: `ray start --head`.\n")
