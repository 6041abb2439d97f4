"""Whoever watches a run in a test, in place of the live view."""

from __future__ import annotations


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
        if progress.block == self._at_block:
            self._act()

    def close(self):
        """Make room for the result."""
