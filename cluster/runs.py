"""One run from a scenario to its stored result: what is prepared, in what order, and how it ends."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cluster.connect import check_port_is_free, start_ray, stop_ray
from cluster.database import open_store
from cluster.errors import UsageError
from cluster.plan import Plan, plan_of
from cluster.recordings import RecordingError, read_recording
from cluster.warm import compile_kernel, is_compiled
from simulation.scenario import ReplayMarket
from storage.ids import new_prefix, run_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from cluster.live import LiveView
    from simulation.scenario import Scenario
    from storage.records import AccountResult
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run computes and where it is kept."""

    database_url: str | None = None
    ray_address: str | None = None
    dashboard_port: int | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a finished run came to."""

    run_id: UUID
    digest: str
    seed: int
    blocks: int
    trades: int
    decisions: int
    wall_seconds: float
    accounts: list[AccountResult]
    database_url: str

    def as_json(self) -> dict[str, Any]:
        """Return the machine-readable summary of ``paperdex run --json``."""
        return {
            "run_id": str(self.run_id),
            "digest": self.digest,
            "seed": self.seed,
            "blocks": self.blocks,
            "trades": self.trades,
            "decisions": self.decisions,
            "wall_seconds": round(self.wall_seconds, 3),
            "accounts": [
                {
                    "name": account.name,
                    "strategy": account.strategy,
                    "return_percent": float(account.return_percent),
                    "max_drawdown_percent": float(account.max_drawdown_percent),
                    "sharpe_ratio": float(account.sharpe_ratio),
                    "win_rate_percent": float(account.win_rate_percent),
                    "trades": account.trades,
                    "gas_usd": float(account.gas_usd),
                }
                for account in self.accounts
            ],
        }


def prepare(scenario: Scenario) -> Plan:
    """Return the plan of a scenario, with its recording read; raises UsageError for what cannot be run."""
    recording = None
    try:
        if isinstance(scenario.market, ReplayMarket):
            recording = read_recording(scenario.market.path, scenario.market)
        return plan_of(scenario, recording)
    except RecordingError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def execute(plan: Plan, place: Place, view: LiveView) -> RunSummary:
    """Run a plan to its end and return what it came to; nothing is written before everything is reachable."""
    started = time.monotonic()
    if place.dashboard_port is not None:
        check_port_is_free(place.dashboard_port)
    view.say("starting Postgres" if place.database_url is None else "connecting to Postgres")
    store, url = open_store(place.database_url, upgrade=True)
    view.say("starting Ray" if is_compiled() else "starting Ray and, this once, compiling the kernel")
    prefix = new_prefix()
    run_id = run_id_of(prefix)
    with _cluster(place, run_id, plan) as dashboard:
        view.say(f"starting {len(plan.scenario.accounts)} sessions; dashboard at {dashboard or 'the cluster'}")
        store.begin_run(plan.scenario, plan.tokens, plan.blocks, prefix)
        digest = _conducted(plan, prefix, run_id, store, url, view)
    counts = store.counts(run_id)
    return RunSummary(
        run_id=run_id,
        digest=digest,
        seed=plan.scenario.seed,
        blocks=plan.blocks,
        trades=counts.trades,
        decisions=counts.decisions,
        wall_seconds=time.monotonic() - started,
        accounts=store.leaderboard(run_id),
        database_url=url,
    )


@contextmanager
def _cluster(place: Place, run_id: UUID, plan: Plan) -> Iterator[str]:
    """Start Ray, which mostly waits for its processes, while the kernel is compiled or loaded beside it.

    Ray starts in the main thread: its processes end with the thread that started them. What it has to say of dead
    processes it prints on stdout, which belongs to the result.
    """
    with redirect_stdout(sys.stderr), ThreadPoolExecutor(max_workers=1) as beside:
        compiled = beside.submit(compile_kernel, plan)
        conductor = beside.submit(import_module, "cluster.conductor")
        dashboard = start_ray(place.ray_address, f"paperdex-{run_id}", place.dashboard_port)
        try:
            compiled.result()
            conductor.result()
            yield dashboard
        finally:
            stop_ray()


def _conducted(plan: Plan, prefix: int, run_id: UUID, store: Store, url: str, view: LiveView) -> str:
    """Conduct the run and close it with the status it deserves; return its digest."""
    from cluster.conductor import Conductor  # noqa: PLC0415 -- brings Ray and all actors; loaded while Ray starts

    try:
        conductor = Conductor(plan, prefix, store, url, view.show)
        conductor.run()
    except KeyboardInterrupt:
        _close_early(plan, prefix, store, "STOPPED", "Stopped by the user.")
        raise
    except BaseException as error:
        _close_early(plan, prefix, store, "ERROR", f"{type(error).__name__}: {error}")
        raise
    return store.finish_run(run_id, "COMPLETED")


def _close_early(plan: Plan, prefix: int, store: Store, status: str, why: str) -> None:
    """Close a run that did not reach its end, with the sessions taken from their actors first.

    Batches may still be on their way to the writer; without a claim they would be committed after the digest.
    """
    for context in plan.contexts(prefix):
        store.claim(context.session_id)
    store.finish_run(run_id_of(prefix), status, why)
