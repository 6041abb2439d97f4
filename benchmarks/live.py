"""What live sessions cost, and how soon a run recovers from a death.

    .venv/bin/python benchmarks/live.py [--sessions 1 10 50] [--segments 240]

Runs of the built-in scenario with so many accounts, on a private Ray and against one Postgres, in segments of 300
blocks. Costs: session-segments a second over the second half of a run, and processor time per session-segment, summed
over the processes of a kind. Recovery: actors of a run of ten accounts are killed one after another; the time goes from
the blow until every session has committed the fourth segment from there on, the market being up to three ahead. The
first line is the time without a blow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil
import psycopg2
from heading import heading
from processes import KINDS, processes

from actors.market import Market
from actors.session import AccountSession, Owner
from actors.warming import compile_kernel
from cluster.connect import quiet_ray
from cluster.runs import Place, execute, prepare
from cluster.scenarios import Overrides, load
from simulation.autopilot.records import UNCHANGED
from storage import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster.conductor import Progress
    from storage.embedded import EmbeddedServer

SEGMENT_BLOCKS = 300
BUDGET_PER_SECOND = 500
BUDGET_RECOVERY_SECONDS = 5
LATER_SEGMENTS = 4
PREFIX = 0xBE7C
MB, MICRO = 1e6, 1e6
NOBODY = "nobody"


class Watcher:
    """Watches a run."""

    def say(self, text: str) -> None:
        """Hear what is being prepared."""

    def close(self) -> None:
        """Make room for the result."""


class Meter(Watcher):
    """Notes the time and what each kind of process has used, at the middle and at the end."""

    def __init__(self, segments: int, server: Path) -> None:
        self._middle, self._end = segments // 2 * SEGMENT_BLOCKS, segments * SEGMENT_BLOCKS
        self._began, self._server = time.monotonic(), server
        self.started = 0.0
        self.seconds: dict[int, float] = {}
        self.used: dict[int, dict[str, float]] = {}
        self.own_mb: dict[str, float] = {}

    def show(self, progress: Progress) -> None:
        """Look at the processes where it is time."""
        now = time.monotonic()
        self.started = self.started or now - self._began
        if progress.block in (self._middle, self._end):
            self.seconds[progress.block], self.used[progress.block] = now, used(self._server)
            self.own_mb = own_mb(self._server)

    def halves(self) -> tuple[float, dict[str, float]]:
        """Return what the second half took, and the processor time in it by kind."""
        before, after = self.used[self._middle], self.used[self._end]
        seconds = self.seconds[self._end] - self.seconds[self._middle]
        return seconds, {kind: after[kind] - before.get(kind, 0.0) for kind in after}


def used(server: Path) -> dict[str, float]:
    """Return the processor time in seconds that each kind of process has used so far."""
    seconds: dict[str, float] = defaultdict(float)
    for kind, process in processes(server):
        times = process.cpu_times()
        seconds[kind] += times.user + times.system
    return seconds


def own_mb(server: Path) -> dict[str, float]:
    """Return the memory that the heaviest process of each kind has for itself."""
    heaviest: dict[str, float] = {}
    for kind, process in processes(server):
        heaviest[kind] = max(heaviest.get(kind, 0.0), process.memory_full_info().uss / MB)
    return heaviest


class Striker(Watcher):
    """Deals a blow now and then, by default to an actor, and times how long its run needs until it is past it."""

    def __init__(self, url: str, blows: Sequence[str] = KINDS) -> None:
        self._url = url
        self._left = iter((NOBODY, *blows))
        self._waiting: threading.Thread | None = None
        self.seconds: dict[str, float] = {}

    def show(self, progress: Progress) -> None:
        """Deal the next blow, once the run is past the last one."""
        if self._waiting is not None and self._waiting.is_alive():
            return
        if progress.block < 10 * SEGMENT_BLOCKS or (kind := next(self._left, None)) is None:
            return
        self._waiting = threading.Thread(target=self._wait, args=(kind, progress.block, time.monotonic()))
        if kind != NOBODY:
            self.strike(kind)
        self._waiting.start()

    def strike(self, kind: str) -> None:
        """Kill the oldest actor of a kind."""
        victim = min((one for name, one in processes() if name == kind), key=psutil.Process.create_time)
        os.kill(victim.pid, signal.SIGKILL)

    def _wait(self, kind: str, block: int, since: float) -> None:
        with psycopg2.connect(self._url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while True:
                cursor.execute("SELECT min(next_block) FROM session_checkpoints")
                if cursor.fetchone()[0] >= block + LATER_SEGMENTS * SEGMENT_BLOCKS:
                    break
                time.sleep(0.005)
        self.seconds[kind] = time.monotonic() - since

    def close(self) -> None:
        """Wait for the last one."""
        if self._waiting is not None:
            self._waiting.join()


def run(
    server: EmbeddedServer, database: str, sessions: int, segments: int, watcher: Watcher, address: str | None = None
) -> None:
    """Run the built-in scenario in a database of its own, on a private Ray or on the one at an address."""
    plan = prepare(load(None, Overrides(sessions, segments * SEGMENT_BLOCKS, segment_blocks=SEGMENT_BLOCKS)))
    execute(plan, Place(server.url(database), address), watcher, lambda *_: None)  # type: ignore[arg-type]


def databases(home: Path) -> Iterator[tuple[EmbeddedServer, str]]:
    """Yield one new database after another."""
    number = 0
    while True:
        number += 1
        yield embedded.start(home / "postgres", f"live_{number}"), f"live_{number}"


def alone(sessions: int, segments: int) -> tuple[float, float]:
    """Return in µs what a session-segment takes in this process alone, and what a segment of the market does."""
    plan = prepare(load(None, Overrides(sessions, segments * SEGMENT_BLOCKS, segment_blocks=SEGMENT_BLOCKS)))
    compile_kernel(plan.scenario, plan.recording)
    market, contexts = Market(plan.scenario), [line[0] for line in plan.lines(PREFIX)]
    session, carried = AccountSession(contexts, [Owner(1)] * sessions, plan.rules), None
    making = trading = 0.0
    for _ in range(segments):
        began = time.process_time()
        _, segment, carried = market.segment(market.begin() if carried is None else carried, SEGMENT_BLOCKS)
        made = time.process_time()
        session.advance(segment, UNCHANGED)
        making, trading = making + made - began, trading + time.process_time() - made
    return MICRO * trading / segments / sessions, MICRO * making / segments


def costs(fresh: Iterator[tuple[EmbeddedServer, str]], counts: list[int], segments: int) -> None:
    """Print what session-segments cost."""
    print(f"{'sessions':>8}{'seg./s':>8}{'budget':>8}{'start s':>9}  processor time in µs per session-segment")
    meter = None
    for sessions in counts:
        server, database = next(fresh)
        meter = Meter(segments, server.folder)
        run(server, database, sessions, segments, meter)
        seconds, spent = meter.halves()
        n = sessions * (segments - segments // 2)
        parts = ", ".join(f"{kind} {MICRO * took / n:.0f}" for kind, took in sorted(spent.items()))
        print(f"{sessions:8}{n / seconds:8.0f}{BUDGET_PER_SECOND:8}{meter.started:9.1f}  {parts}")
    if meter is not None:
        print("own memory in MB: " + ", ".join(f"{kind} {mb:.0f}" for kind, mb in sorted(meter.own_mb.items())))


def recovery(fresh: Iterator[tuple[EmbeddedServer, str]]) -> None:
    """Print how soon a run is past a death."""
    server, database = next(fresh)
    striker = Striker(server.url(database))
    run(server, database, 10, 600, striker)
    print(f"{'killed':16}{'seconds':>8}{'budget':>8}")
    for kind, seconds in striker.seconds.items():
        print(f"{kind:16}{seconds:8.2f}{'' if kind == NOBODY else BUDGET_RECOVERY_SECONDS:>8}")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description="What do live sessions cost?")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--segments", type=int, default=240)
    arguments = parser.parse_args()
    quiet_ray()
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    print(heading())
    try:
        fresh = databases(home)
        for cohort in (1, 100):
            step, made = alone(cohort, 48)
            print(
                f"without Ray and Postgres, a cohort of {cohort}: {step:.0f} µs a session-segment; market {made:.0f} µs"
            )
        costs(fresh, arguments.sessions, arguments.segments)
        recovery(fresh)
    finally:
        embedded.start(home / "postgres").stop()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
