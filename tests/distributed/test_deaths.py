"""Whoever is killed in the middle of a run, it ends with the digest of one in which nobody was."""

from __future__ import annotations

import os
import signal

import pytest
import ray
from busy import busy_scenario
from watcher import Watcher

KILLED_AT = 450
"""Between two reviews, with half of the segments still to come."""


class Killer(Watcher):
    """Watches a run and kills the process of one actor after a segment, whatever it is doing then."""

    def __init__(self, actor):
        super().__init__(KILLED_AT, lambda: os.kill(self._pid, signal.SIGKILL))
        self._actor = actor
        self._pid = None

    def show(self, progress):
        if self._pid is None:  # asked for early, so that the answer need not wait behind the work to be interrupted
            self._pid = ray.get(ray.get_actor(self._actor).__ray_call__.remote(lambda _actor: os.getpid()))
        super().show(progress)


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
    killer = Killer(actor)
    result = run(busy_scenario(segment_blocks=50), killer)
    assert result.digest == undisturbed.summary.digest
    assert killer.progress[-1].restarts == 1
    assert owners(result) == owned_by
    assert store.check() == []
