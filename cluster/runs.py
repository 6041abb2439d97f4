"""One run from a scenario to its stored result: what is prepared, in what order, and how it ends."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from actors.analysts import load as load_analyst
from actors.warming import compile_kernel, is_compiled
from cluster.analysts import try_analysts
from cluster.connect import check_port_is_free, start_ray
from cluster.control_service import control_service_watched
from cluster.endings import closed_if_it_fails, gracefully, ray_until_the_end, resumable, told_to_people
from cluster.errors import Stopped, UsageError
from cluster.facts import counted
from cluster.logs import log_of, note
from cluster.patience import Patience
from cluster.plan import Plan, plan_of
from cluster.start import Start, beginning, taken_up
from cluster.tally import Tally
from simulation.intelligence.roster import roster_of
from simulation.scenario import Scenario
from simulation.settings.market import ReplayMarket
from storage.beginning import scenario_hash
from storage.errors import RunHasEnded
from storage.ids import new_prefix, prefix_of, run_id_of
from storage.installed import paperdex_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from cluster.bringing import Nodes
    from cluster.conductor import Ending, Progress
    from cluster.latency import Written
    from cluster.live import LiveView
    from simulation.intelligence.roster import AnalystSpec
    from storage.records import AccountResult, SessionFailure
    from storage.store import Store


class Watcher(Protocol):
    """Who is told how a run goes."""

    def say(self, text: str) -> None:
        """Hear what the run waits for."""

    def show(self, progress: Progress) -> None:
        """See where the run is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run computes and where it is kept."""

    database_url: str | None = field(default=None, repr=False)
    """It may hold a password."""
    ray_address: str | None = None
    dashboard_port: int | None = None
    writers: int = 1
    """How many commit beside each other, each for its share of the accounts."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a finished run came to."""

    run_id: UUID
    status: str
    digest: str
    seed: int
    blocks: int
    trades: int
    decisions: int
    wall_seconds: float
    accounts: list[AccountResult]
    failures: list[SessionFailure]
    """The sessions that failed; the run is COMPLETED if any other lived."""
    database_url: str
    written: Written
    """What the writers did, by the wall clock."""

    def as_json(self) -> dict[str, Any]:
        """Return the machine-readable summary of ``paperdex run --json``."""
        return {
            "run_id": str(self.run_id),
            "status": self.status,
            "digest": self.digest,
            "seed": self.seed,
            "blocks": self.blocks,
            "trades": self.trades,
            "decisions": self.decisions,
            "wall_seconds": round(self.wall_seconds, 3),
            "writer": self.written.as_json(),
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
            "failures": [
                {
                    "account": failure.account,
                    "strategy": failure.strategy,
                    "block": failure.block,
                    "message": failure.message,
                }
                for failure in self.failures
            ],
        }


def prepare(scenario: Scenario, analysts: Sequence[AnalystSpec] = ()) -> Plan:
    """Return the plan of a scenario, with its recordings read; raises UsageError for what cannot be run.

    ``analysts`` are further ones that will be listened to in its market.
    """
    try:
        if not isinstance(scenario.market, ReplayMarket):
            return _tried(plan_of(scenario, None), analysts)
        from cluster.recordings import read_market  # noqa: PLC0415 -- polars takes its time, and few runs need it

        read = read_market(scenario.market)
        scenario = scenario.model_copy(update={"market": read.market})
        return _tried(replace(plan_of(scenario, read.recording), repairs=read.repairs), analysts)
    except ValueError as error:  # a RecordingError, a token without a pool, or an analyst that is unusable
        raise UsageError(f"{error}.") from error


def _tried(plan: Plan, analysts: Sequence[AnalystSpec]) -> Plan:
    """Return a plan whose analysts have been loaded, and its plug-ins tried."""
    for spec in roster_of(plan.scenario.accounts).analysts:
        load_analyst(spec)
    return replace(plan, plug_ins=try_analysts(plan, analysts))


def check_version(key: UUID, begun_with: str) -> None:
    """Refuse to take up what another version of paperdex has begun; raises UsageError."""
    if begun_with != paperdex_version():
        raise UsageError(
            f"--resume {key}: it was begun with paperdex {begun_with}, this is {paperdex_version()}; "
            "resume it with that one."
        )


def prepare_again(store: Store, run_id: UUID) -> Plan:
    """Return the plan of a run that was interrupted; raises UsageError where it would not be the same run."""
    stored = store.run(run_id)
    if stored.status == "COMPLETED":
        raise RunHasEnded(run=run_id)
    check_version(run_id, stored.version)
    plan = prepare(Scenario.model_validate(stored.scenario))
    if scenario_hash(plan.scenario, plan.plug_ins, store.knowledge(plan.scenario.knowledge)) != stored.scenario_hash:
        raise UsageError(
            f"--resume {run_id}: its analysts, recordings or knowledge are not what they were when it began; "
            "put those back."
        )
    return plan


def execute(
    plan: Plan,
    place: Place,
    view: LiveView,
    tell: Callable[[RunSummary, Store], None],
    interrupted: UUID | None = None,
) -> RunSummary:
    """Run a plan to its end, tell what it came to and return it; nothing is written before everything is reachable.

    ``interrupted`` is a run of this plan that is to be taken up where its sessions stand, instead of a new one.
    """
    started = time.monotonic()
    if place.dashboard_port is not None:
        check_port_is_free(place.dashboard_port)
    if place.database_url is not None:
        _opened(place.database_url)  # a database that is named may be the wrong one: say so before Ray is started
    prefix = new_prefix() if interrupted is None else prefix_of(interrupted)
    run_id = run_id_of(prefix)
    with ray_until_the_end():
        with told_to_people():
            (store, url), nodes = _ready(plan, place, run_id, view)
            plan = replace(plan, knowledge=store.knowledge(plan.scenario.knowledge))
            with store.hold(run_id), log_of({"run": run_id}, place.ray_address, view.say):
                if interrupted is None:
                    start = _begun(plan, prefix, store)
                else:
                    start = _taken_up(plan, prefix, store, is_asked=True)
                goes_on = f"paperdex run --resume {run_id}"
                with resumable(goes_on), control_service_watched(goes_on, view):
                    ending, digest, written = _conducted(
                        plan, prefix, start, place.writers, store, url, view, nodes.bring
                    )
        view.close()
        if ending == "STOPPED":
            raise Stopped(f"Run {run_id} is stopped and keeps what it has; `paperdex run --resume {run_id}` goes on.")
        summary = _summary(plan, run_id, digest, written, time.monotonic() - started, store, url)
        tell(summary, store)
    return summary


def _begun(plan: Plan, prefix: int, store: Store) -> Start:
    store.begin_run(plan.scenario, plan.tokens, plan.blocks, prefix, plan.plug_ins)
    scenario = plan.scenario
    note("run begun", scenario=scenario.name, seed=scenario.seed, accounts=len(scenario.accounts), blocks=plan.blocks)
    return beginning(plan)


def _taken_up(plan: Plan, prefix: int, store: Store, *, is_asked: bool) -> Start:
    start = taken_up(plan.lines(prefix), store.reopen_run(run_id_of(prefix), is_asked=is_asked))
    note("run taken up", block=start.block, conductor=start.conductor)
    return start


def serve(run_id: UUID, database_url: str, writers: int, view: Watcher) -> None:
    """Take a run up that goes on, and conduct it to its end; one that is over is left alone."""
    store, url = _opened(database_url)
    if store.run(run_id).status != "RUNNING":
        return
    prefix = prefix_of(run_id)
    with store.hold(run_id), log_of({"run": run_id}, "auto", view.say):
        reopened = store.reopen_run(run_id, is_asked=False)
        with closed_if_it_fails(lambda status, why: store.finish_run(run_id, status, why, reopened.conductor)):
            plan = prepare_again(store, run_id)
            compile_kernel(plan.scenario, plan.recording)
            plan = replace(plan, knowledge=store.knowledge(plan.scenario.knowledge))
            start = taken_up(plan.lines(prefix), reopened)
        note("run taken up", block=start.block, conductor=start.conductor)
        _conducted(plan, prefix, start, writers, store, url, view, lambda: False)  # it came with the job


def _summary(
    plan: Plan, run_id: UUID, digest: str, written: Written, wall_seconds: float, store: Store, url: str
) -> RunSummary:
    counts, accounts = store.counts(run_id), store.leaderboard(run_id)
    return RunSummary(
        run_id=run_id,
        status=store.run(run_id).status,
        digest=digest,
        seed=plan.scenario.seed,
        blocks=plan.blocks,
        trades=sum(account.trades for account in accounts),  # ended; a few more may have been on their way
        decisions=counts.decisions,
        wall_seconds=wall_seconds,
        accounts=accounts,
        failures=store.failures(run_id),
        database_url=url,
        written=written,
    )


def _ready(plan: Plan, place: Place, run_id: UUID, view: LiveView) -> tuple[tuple[Store, str], Nodes]:
    """Start Ray, which mostly waits for its processes; open the database and load the kernel beside it.

    Ray starts in the main thread, because its processes end with the thread that started them.
    """
    view.say(
        "starting Ray and Postgres" + ("" if is_compiled(plan.scenario) else " and, this once, compiling the kernel")
    )
    with ThreadPoolExecutor(max_workers=1) as beside:
        prepared = beside.submit(_prepared, plan, place.database_url)
        # The actors of a conductor that is thought to be dead may live on, under the names of this one's.
        namespace = f"paperdex-{run_id}-{secrets.token_hex(4)}"
        dashboard = start_ray(place.ray_address, namespace, place.dashboard_port)
        nodes = nodes_of(place.ray_address, view.say)
    opened, n_sessions = prepared.result(), len(plan.scenario.accounts)
    _make_room(n_sessions, place, view)
    nodes.bring()
    view.say(f"starting {counted(n_sessions, 'session')}; dashboard at {dashboard or 'the cluster'}")
    return opened, nodes


def nodes_of(address: str | None, say: Callable[[str], None]) -> Nodes:
    """Return the nodes of the cluster that this process is connected to."""
    from cluster.bringing import Nodes  # noqa: PLC0415 -- brings Ray

    return Nodes(address, say)


def _make_room(n_sessions: int, place: Place, view: LiveView) -> None:
    from actors.remote import SESSION  # noqa: PLC0415 -- brings Ray and all actors
    from cluster.room import make_room  # noqa: PLC0415 -- as above

    make_room(n_sessions, "sessions", SESSION, may_grow=place.ray_address is not None, say=view.say)


def _prepared(plan: Plan, database_url: str | None) -> tuple[Store, str]:
    opened = _opened(database_url)
    compile_kernel(plan.scenario, plan.recording)
    for module in ("cluster.conductor", "cluster.room", "cluster.report", "cluster.report_page"):
        import_module(module)
    return opened


def _opened(database_url: str | None) -> tuple[Store, str]:
    from cluster.database import open_store  # noqa: PLC0415 -- SQLAlchemy takes its time, which Ray's start hides

    return open_store(database_url, upgrade=True)


def _conducted(
    plan: Plan,
    prefix: int,
    start: Start,
    writers: int,
    store: Store,
    url: str,
    view: Watcher,
    bring: Callable[[], bool],
) -> tuple[str, str, Written]:
    """Conduct the run and close it with the status it deserves; return that, its digest, and what its writers did."""
    from cluster.conductor import Conductor  # noqa: PLC0415 -- brings Ray and all actors; loaded while Ray starts
    from cluster.remote_calls import through_losses  # noqa: PLC0415 -- as above
    from cluster.watching import run_watched  # noqa: PLC0415 -- as above

    patience, run_id, tally = Patience(view.say), run_id_of(prefix), Tally()

    def conduct() -> Ending:
        return Conductor(plan, prefix, start, store, url, writers, observe, tally, patience, is_interrupted).run()

    def take_up() -> None:
        nonlocal start
        start = patience(lambda: _taken_up(plan, prefix, store, is_asked=False))

    def close(status: str, why: str) -> str:
        digest = store.finish_run(run_id, status, why, start.conductor)
        note("run ended", status=status, digest=digest, why=why)
        return digest

    watched = run_watched(run_id, plan.lines(prefix), view.show)
    with closed_if_it_fails(close), gracefully("this segment") as is_interrupted, watched as observe:
        ending = through_losses(conduct, take_up, bring, view.say)
    digest = patience(lambda: close(*ending))
    return ending.status, digest, tally.written(writers)
