"""How many actors a cluster has room for, and what a user is told where that is too few."""

from __future__ import annotations

import pytest

from actors.remote import HEAD, SESSION, SESSIONS, SWEEPS, WORKER
from cluster.database import is_of_this_machine
from cluster.errors import UsageError
from cluster.room import Node, crew_of, make_room, what_lacks

GIB = 2**30


def node(role="", cpus=2.0, gib=1.0, used_gib=0.0, used_cpus=0.0):
    return Node(role, cpus - used_cpus, (gib - used_gib) * GIB, cpus, gib * GIB)


@pytest.mark.parametrize(
    ("one", "sessions"),
    [
        (node(gib=1), 8),
        (node(gib=1, used_gib=0.5), 4),
        (node(cpus=0.05, gib=16), 5),
        (node(cpus=0.1, gib=16), 10),
        (node(HEAD, cpus=0, gib=16), 0),
        (node(SESSIONS, gib=1), 8),
        (node(SWEEPS, gib=1), 0),
        (node(cpus=1, used_cpus=1.005), 0),
    ],
)
def test_a_node_takes_what_fits_by_cores_and_by_memory_and_what_its_role_allows(one, sessions):
    assert one.takes(SESSION) == sessions


def test_a_fleet_that_fits_lacks_nothing():
    assert what_lacks(16, "sessions", SESSION, [node(), node()]) == ""


def test_a_fleet_that_does_not_fit_is_told_how_many_do_and_what_to_add():
    assert what_lacks(40, "sessions", SESSION, [node(gib=1), node(SWEEPS, gib=64), node(gib=2, used_gib=1)]) == (
        "There is room for 16 of 40 sessions, which ask for 0.01 CPUs and 128 MiB each; add 0.2 CPUs and 3.0 GiB on "
        "nodes without the label paperdex=sweeps, which is 2 nodes like its largest, or run fewer"
    )


def test_one_node_is_no_nodes():
    lacking = what_lacks(17, "sessions", SESSION, [node(gib=1), node(gib=2, used_gib=1)])
    assert lacking.endswith(", which is 1 node like its largest, or run fewer")


def test_where_no_node_takes_any_nothing_is_said_of_its_largest():
    lacking = what_lacks(4, "workers", WORKER, [node(SESSIONS), node(HEAD, cpus=0)])
    assert lacking.startswith("There is room for 0 of 4 workers, which ask for 0.9 CPUs and 384 MiB each; add 3.6 CPUs")
    assert "largest" not in lacking


@pytest.mark.parametrize(
    ("wanted", "found", "crew"),
    [
        (None, [node(cpus=2)], (2, 0.9)),
        (None, [node(cpus=16), node(SESSIONS, cpus=2), node(HEAD, cpus=0)], (16, 0.9)),
        (1, [node(cpus=2)], (1, 0.9)),
        (4, [node(cpus=2)], (4, 0.45)),
        (7, [node(cpus=2)], (7, 0.2571)),
        (None, [node(SESSIONS, cpus=2)], (1, 0.9)),
        (32, [node(SESSIONS, cpus=2)], (32, 0.9)),
    ],
)
def test_a_sweep_has_a_worker_for_each_core_that_it_may_have_and_leaves_a_tenth_of_it(wanted, found, crew):
    made = crew_of(wanted, found)
    assert (made.count, made.share.cpus) == crew


def test_a_cluster_that_cannot_grow_refuses_at_once(monkeypatch):
    monkeypatch.setattr("cluster.room.nodes", lambda: [node(gib=1)])
    with pytest.raises(UsageError, match=r"^There is room for 8 of 9 sessions, .* or run fewer\.$"):
        make_room(9, "sessions", SESSION, may_grow=False, say=pytest.fail)


def test_a_cluster_that_grows_is_asked_for_nodes_and_waited_for(monkeypatch):
    growing = iter([[node()], [node()], [node(), node()]])
    asked, said = [], []
    monkeypatch.setattr("cluster.room.nodes", lambda: next(growing))
    monkeypatch.setattr("cluster.room.request_resources", lambda **bundles: asked.append(bundles))
    monkeypatch.setattr("cluster.room.LOOK_SECONDS", 0)
    make_room(12, "sessions", SESSION, may_grow=True, say=said.append)
    assert len(said) == 1
    assert said[0].endswith("or run fewer; the run waits for it.")
    assert [len(bundles["bundles"]) for bundles in asked] == [12, 0]
    assert asked[0]["bundle_label_selectors"] == [{"paperdex": "!sweeps"}] * 12


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("postgresql:///paperdex", True),
        ("postgresql:///paperdex?host=/tmp/sockets", True),
        ("postgresql://me@localhost/paperdex", True),
        ("postgresql://me@127.0.0.1:5433/paperdex", True),
        ("postgresql://me@[::1]/paperdex", True),
        ("postgresql://me@db.example.org/paperdex", False),
        ("postgresql://me@10.0.0.7/paperdex", False),
    ],
)
def test_a_database_that_only_this_machine_reaches_is_known_by_its_host(url, is_here):
    assert is_of_this_machine(url) == is_here
