"""Whoever watches a run in a test, in place of the live view."""

from __future__ import annotations

import os
import signal

from cluster.runs import execute


def finished(plan, place, watcher):
    """Run a plan and return what it came to."""
    told = []
    execute(plan, place, watcher, lambda summary, _: told.append(summary))
    return told[0]


class Watcher:
    """Watches a run, and acts once after the segment that ends at a block."""

    def __init__(self, at_block=None, act=None):
        self.progress = []
        self._at_block, self._act = at_block, act

    def say(self, text):
        """Hear what is being prepared."""

    def show(self, progress):
        """See where the run is."""
        self.progress.append(progress)
        if progress.block == self._at_block and self._act is not None:  # a block may be shown again once it is durable
            act, self._act = self._act, None
            act()

    def close(self):
        """Make room for the result."""


class Several(Watcher):
    """Several that watch one run, each of which acts for itself."""

    def __init__(self, *watchers):
        super().__init__()
        self._watchers = watchers

    def say(self, text):
        for watcher in self._watchers:
            watcher.say(text)

    def show(self, progress):
        super().show(progress)
        for watcher in self._watchers:
            watcher.show(progress)


class Killer(Watcher):
    """Watches a run and kills the process of one actor after a segment, whatever it is doing then."""

    def __init__(self, at_block, actor, there_from=0):
        super().__init__(at_block, lambda: os.kill(self._pid, signal.SIGKILL))
        self._actor, self._there_from = actor, there_from
        self._pid = None

    def show(self, progress):
        if (
            self._pid is None and progress.block >= self._there_from
        ):  # asked for early, so that the answer need not wait behind the work to be interrupted
            import ray

            self._pid = ray.get(ray.get_actor(self._actor).__ray_call__.remote(lambda _actor: os.getpid()))
        super().show(progress)
