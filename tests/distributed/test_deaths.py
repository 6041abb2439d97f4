"""Whoever is killed in the middle of a run, it ends with the digest of one in which nobody was.

Here one by one, which is slow. Together they are never left out: market and Auto Pilot die with their database in
test_absent_database.py, writers in test_kills.py, sessions in test_nodes.py, test_services.py and test_life_cycle.py.
"""

from __future__ import annotations

import pytest
from busy import busy_scenario
from watcher import Killer

KILLED_AT = 450
"""Between two reviews, with half of the segments still to come."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("actor", "owned_by"),
    [
        ("AccountSession tuned", {"tuned": 2, "plain": 1, "smart": 1}),
        ("Writer", {"tuned": 1, "plain": 1, "smart": 1}),
        ("Market", {"tuned": 1, "plain": 1, "smart": 1}),
        ("AutoPilot", {"tuned": 1, "plain": 1, "smart": 1}),
    ],
)
def test_a_run_survives_the_death_of_its(actor, owned_by, run, store, owners, undisturbed):
    killer = Killer(KILLED_AT, actor)
    result = run(busy_scenario(segment_blocks=50), killer)
    assert result.digest == undisturbed.summary.digest
    assert killer.progress[-1].restarts == 1
    assert owners(result) == owned_by
    assert store.check() == []


@pytest.mark.slow
def test_a_run_survives_the_death_of_one_of_its_writers(run, store, undisturbed):
    killer = Killer(KILLED_AT, "Writer 2")
    result = run(busy_scenario(segment_blocks=50), killer, writers=2)
    assert result.digest == undisturbed.summary.digest
    assert killer.progress[-1].restarts == 1
    assert store.check() == []
