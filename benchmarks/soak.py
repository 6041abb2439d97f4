"""Whether memory grows: a run that goes on for minutes while its actors are killed one after another, and is weighed.

    .venv/bin/python benchmarks/soak.py [--minutes 10] [--sessions 6] [--kill-every 30]

The built-in scenario without its end, on a private Ray, against one Postgres; every 30 seconds one actor is killed, in
turn. What is weighed is the memory that a process has for itself (USS), once a second: of the driver, and of
the heaviest actor of each class. The slope is that of a straight line through the second half of the time, with its
standard error; it is called growth if it is above zero by three of these and a megabyte an hour. In the end the run is
stopped, `db check` is asked, and the exit status is 1 if anything grew or was found.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import psutil
from heading import heading
from processes import KINDS, processes

from cluster.connect import quiet_ray
from cluster.runs import Place, execute, prepare
from cluster.scenarios import Overrides, load
from storage import embedded
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.conductor import Progress

MB = 1e6
SIGNIFICANT_ERRORS = 3
HARMLESS_MB_PER_HOUR = 1.0
ENDLESS_BLOCKS = 100_000_000


class Enough(Exception):
    """The time is up."""


class Scales:
    """Watches a run, weighs its processes and kills its actors."""

    def __init__(self, seconds: float, kill_every: float) -> None:
        now = time.monotonic()
        self._ends, self._next_blow, self._next_look = now + seconds, now + kill_every, now
        self._kill_every = kill_every
        self._victims = itertools.cycle(KINDS)
        self.weights: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.kills = 0
        self.last: Progress | None = None

    def say(self, text: str) -> None:
        """Hear what is being prepared."""

    def close(self) -> None:
        """Make room for the result."""

    def show(self, progress: Progress) -> None:
        """Weigh and kill when it is time; raises Enough in the end."""
        self.last = progress
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + 1
            self._weigh(now)
        if now >= self._next_blow:
            self._next_blow = now + self._kill_every
            self._kill(next(self._victims))
        if now >= self._ends:
            raise Enough

    def _weigh(self, now: float) -> None:
        heaviest: dict[str, float] = {}
        for kind, process in processes():
            try:
                heaviest[kind] = max(heaviest.get(kind, 0), process.memory_full_info().uss)
            except psutil.NoSuchProcess:  # it has just been replaced
                continue
        for kind, weight in heaviest.items():
            self.weights[kind].append((now, weight))

    def _kill(self, kind: str) -> None:
        alive = [process for name, process in processes() if name == kind]
        if alive:  # else the last blow to one of them is not overcome yet
            os.kill(min(alive, key=psutil.Process.create_time).pid, signal.SIGKILL)
            self.kills += 1


def slope_of(weights: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of (seconds, bytes) over the second half of the time in MB an hour, and its standard error."""
    seconds, weight = np.array(weights).T
    late = seconds >= (seconds[0] + seconds[-1]) / 2
    (slope, _), covariance = np.polyfit(seconds[late], weight[late], 1, cov=True)
    return slope * 3600 / MB, float(np.sqrt(covariance[0, 0])) * 3600 / MB


def soak(minutes: float, sessions: int, kill_every: float) -> bool:
    """Run, print what became of it, and tell whether nothing grew and nothing was found."""
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    server = embedded.start(home / "postgres")
    try:
        url = server.url()
        scales = Scales(60 * minutes, kill_every)
        plan = prepare(load(None, Overrides(accounts=sessions, blocks=ENDLESS_BLOCKS)))
        with suppress(Enough):
            execute(plan, Place(url), scales, lambda *_: None)  # type: ignore[arg-type]
        return told(scales, url)
    finally:
        server.stop()
        shutil.rmtree(home)


def told(scales: Scales, url: str) -> bool:
    """Print the table, and tell whether nothing grew and nothing was found."""
    assert scales.last is not None
    print(f"{scales.last.block:,} blocks, {scales.kills} kills, {scales.last.restarts} restarts")
    print(f"{'process':16}{'first MB':>10}{'last MB':>10}{'peak MB':>10}{'slope MB/h':>14}{'error':>8}")
    grown = []
    for kind, weights in sorted(scales.weights.items()):
        slope, error = slope_of(weights)
        own = [weight / MB for _, weight in weights]
        print(f"{kind:16}{own[0]:10.1f}{own[-1]:10.1f}{max(own):10.1f}{slope:14.2f}{error:8.2f}")
        if slope > SIGNIFICANT_ERRORS * error and slope > HARMLESS_MB_PER_HOUR:
            grown.append(kind)
    with closing(Store(url)) as store:
        findings = store.check()
    print(f"grew: {', '.join(grown) or 'nothing'}; `db check`: {len(findings)} findings")
    return not grown and not findings


def main() -> None:
    """Read the options and soak."""
    parser = argparse.ArgumentParser(description="Does memory grow?")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=6)
    parser.add_argument("--kill-every", type=float, default=30, metavar="SECONDS")
    arguments = parser.parse_args()
    quiet_ray()
    print(heading())
    sys.exit(0 if soak(arguments.minutes, arguments.sessions, arguments.kill_every) else 1)


if __name__ == "__main__":
    main()
