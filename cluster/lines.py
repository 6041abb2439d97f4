"""When progress is told off a terminal, where every line stays: at each tenth of the work, and at least each minute."""

from __future__ import annotations

import time

PARTS = 10
SECONDS_MAX = 60.0
"""So long nothing is said: a tenth of a large sweep takes days."""


class Lines:
    """Tells when the next line is due; ``first`` is the part before which nothing is said, 0 to speak at once."""

    def __init__(self, first: int) -> None:
        self._next_part, self._due_at = first, time.monotonic() + SECONDS_MAX

    def is_due(self, done: int, total: int) -> bool:
        """Tell whether so much of all the work is to be told, which counts as told."""
        if done * PARTS < self._next_part * total and time.monotonic() < self._due_at:
            return False
        self._next_part, self._due_at = done * PARTS // total + 1, time.monotonic() + SECONDS_MAX
        return True
