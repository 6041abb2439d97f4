"""What the writer makes of a bare COPY: the same rows into the same tables, exactly once and not.

    .venv/bin/python benchmarks/writer.py

A server of its own, durable commits on. The rows are those of a real run: sessions that trade often, stepped by the
kernel and encoded before the clock starts. Bare: each table's final rows in one COPY each, with all constraints and
indexes, a commit a segment. Writer: the batches as they come, under their sequence numbers, merged where a row
changes; then by several writers, each a process with its share of the accounts, as a run has them with ``--writers``.
Encoding, which the sessions do and not the writer, is measured apart.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import psycopg2
import yaml
from heading import heading

from actors.market import Market
from actors.session import AccountSession, Owner
from cluster.scenarios import built_in
from simulation.autopilot.records import UNCHANGED
from simulation.scenario import Scenario
from simulation.trading.rules import rules_of
from storage import embedded
from storage.committing import copy
from storage.context import SessionContext
from storage.store import Store
from storage.written import APPENDED, UPSERTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

    from storage.batch import Batch

BUDGET = 0.7
WRITERS = (1, 2, 3)
SESSIONS = 48
SEGMENTS, SEGMENT_BLOCKS = 24, 300
REPEATS = 3
PREFIX = 0xBE7C

STRATEGY = {"trading_mode": "AGGRESSIVE", "decision_interval_blocks": 20, "confidence_threshold": 20,
            "max_daily_trades": 1000, "stop_loss_percent": 1, "take_profit_percent": 1}  # fmt: skip
KEY_LENGTH = 36


def write_share(url: str, shares: list[list[Batch]], ready: Barrier) -> None:
    """Commit one writer's share of every segment, from the moment that all are ready."""
    store = Store(url)
    store.commit([])  # connected
    ready.wait()
    for batches in shares:
        store.commit(batches)
    store.close()


def beside_each_other(url: str, segments: list[list[Batch]], writers: int) -> float:
    """Return how long so many writers take, each in its process with the accounts of its shard."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(writers + 1)
    shares = [[batches[shard::writers] for batches in segments] for shard in range(writers)]
    processes = [context.Process(target=write_share, args=(url, share, ready)) for share in shares]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)
    return time.perf_counter() - began


class Work(NamedTuple):
    """A run's batches by segment, and how long their rows took to make and to encode."""

    segments: list[list[Batch]]
    seconds: float


def scenario() -> Scenario:
    """Return the built-in market with many busy sessions."""
    accounts = [{"name": f"session {number}", "strategy": STRATEGY} for number in range(SESSIONS)]
    fields = {"seed": 7, "blocks": SEGMENTS * SEGMENT_BLOCKS, "accounts": accounts}
    return Scenario.model_validate({**yaml.safe_load(built_in()), **fields})


def work(plan: Scenario) -> Work:
    """Trade the run in this process and return what would be committed."""
    market, rules = Market(plan), rules_of(plan)
    contexts = [SessionContext.of(plan, market.tokens, PREFIX, ordinal) for ordinal in range(SESSIONS)]
    session = AccountSession(contexts, [Owner(1)] * SESSIONS, rules)
    carried, segments, seconds = market.begin(), [], 0.0
    for _ in range(SEGMENTS):
        _, segment, carried = market.segment(carried, SEGMENT_BLOCKS)
        began = time.perf_counter()
        _, batches, _ = session.advance(segment, UNCHANGED)
        seconds += time.perf_counter() - began
        segments.append(batches)
    return Work(segments, seconds)


def rows_of(segments: list[list[Batch]], table: str) -> list[bytes]:
    """Return the rows of a table as they stand in the end, by the segment in which they came first."""
    latest: dict[bytes, tuple[int, bytes]] = {}
    for number, batches in enumerate(segments):
        for batch in batches:
            for line in batch.rows.get(table, b"").splitlines(keepends=True):
                first, _ = latest.get(line[:KEY_LENGTH], (number, b""))
                latest[line[:KEY_LENGTH]] = first, line
    return [b"".join(line for at, line in latest.values() if at == number) for number in range(len(segments))]


def fastest(
    server: embedded.EmbeddedServer, plan: Scenario, tokens: tuple, act: Callable[[Store], float | None]
) -> float:
    """Return the fastest of some runs of ``act``, each on a new database in which the run has begun.

    ``act`` returns how long it took, None where that is the time of the call.
    """
    times = []
    for _ in range(REPEATS):
        admin = psycopg2.connect(server.url("postgres").replace("postgresql+psycopg2", "postgresql"))
        admin.autocommit = True
        admin.cursor().execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
        admin.cursor().execute("CREATE DATABASE bench")
        admin.close()
        store = Store(server.url("bench"))
        store.upgrade()
        ids = store.begin_run(plan, tokens, plan.blocks, PREFIX)
        for session_id in ids.sessions:
            store.claim(session_id)
        began = time.perf_counter()
        measured = act(store)
        times.append(time.perf_counter() - began if measured is None else measured)
        store.close()
    return min(times)


def main() -> None:
    """Print the table."""
    plan = scenario()
    made = work(plan)
    made = work(plan)  # compiled by now
    tables = {**UPSERTED, **APPENDED}
    final = {table: rows_of(made.segments, table) for table in tables}
    n_rows = sum(part.count(b"\n") for parts in final.values() for part in parts)
    commits: list[float] = []

    def bare(store: Store) -> None:
        for number in range(SEGMENTS):
            with store._engine.begin() as connection:  # noqa: SLF001 -- the writer's own connection, without its rules
                for table, columns in tables.items():
                    copy(connection, table, columns, final[table][number])

    def exactly_once(store: Store) -> None:
        for batches in made.segments:
            began = time.perf_counter()
            store.commit(batches)
            commits.append(time.perf_counter() - began)

    home = Path(tempfile.mkdtemp(prefix="pdx"))
    home.chmod(0o755)
    server = embedded.start(home / "postgres")
    try:
        tokens = Market(plan).tokens
        bare_seconds = fastest(server, plan, tokens, bare)
        writer_seconds = fastest(server, plan, tokens, exactly_once)
        url = server.url("bench")
        shared = {
            writers: fastest(server, plan, tokens, lambda _, n=writers: beside_each_other(url, made.segments, n))
            for writers in WRITERS
        }
    finally:
        server.stop()
        shutil.rmtree(home)
    print(heading())
    print(f"{n_rows:,} rows of {SESSIONS} sessions in {SEGMENTS} segments, one connection, fastest of {REPEATS}")
    print(f"{'':<10} {'rows/s':>10} {'ratio':>7} {'budget':>7}")
    print(f"{'bare COPY':<10} {n_rows / bare_seconds:>10,.0f} {1:>7.2f}")
    print(f"{'writer':<10} {n_rows / writer_seconds:>10,.0f} {bare_seconds / writer_seconds:>7.2f} {BUDGET:>7.2f}")
    print(f"{'encoding':<10} {n_rows / made.seconds:>10,.0f}   with the kernel, in one session actor")
    print(
        f"{'writers':<10} {'rows/s':>10} {'ratio':>7}"
        f"   in processes of their own, on {os.cpu_count()} cores that the server shares"
    )
    for writers, seconds in shared.items():
        print(f"{writers:<10} {n_rows / seconds:>10,.0f} {shared[1] / seconds:>7.2f}")
    half, most = np.percentile(commits, [50, 99]) * 1_000
    print(f"a commit of one segment: {half:.0f} ms in the median, {most:.0f} ms at the 99th percentile")


if __name__ == "__main__":
    main()
