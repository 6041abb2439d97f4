"""One sweep from its file to its verdict: what is prepared, in what order, and how it ends."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors.warming import compile_kernel, is_compiled
from cluster.connect import start_ray
from cluster.control_service import control_service_watched
from cluster.database import open_store
from cluster.endings import closed_if_it_fails, gracefully, ray_until_the_end, resumable, told_to_people
from cluster.errors import Stopped, UsageError
from cluster.facts import counted
from cluster.logs import log_of, note
from cluster.patience import Patience
from cluster.runs import check_version, nodes_of
from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.ranking import Ranking, rank
from cluster.tally import Tally
from simulation.scenario import Scenario
from storage.errors import SweepHasEnded
from storage.ids import Kind, derive, new_prefix, prefix_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from cluster.room import Crew
    from cluster.runs import Place
    from cluster.sweeping.live import SweepView
    from cluster.sweeping.plan import SweepPlan
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class SweepSummary:
    """What a finished sweep came to."""

    sweep_id: UUID
    name: str
    status: str
    digest: str
    n_points: int
    n_markets: int
    wall_seconds: float
    ranking: Ranking
    failure: str
    """Why the first trial failed that did; nothing where none did."""

    def as_json(self) -> dict[str, Any]:
        """Return the machine-readable summary of ``paperdex sweep --json``."""
        return {
            "sweep_id": str(self.sweep_id),
            "name": self.name,
            "status": self.status,
            "digest": self.digest,
            "points": self.n_points,
            "markets": self.n_markets,
            "wall_seconds": round(self.wall_seconds, 3),
            **self.ranking.as_json(),
        }


def plan_again(store: Store, sweep_id: UUID) -> SweepPlan:
    """Return the plan of a sweep that was interrupted; raises UsageError where it would not be the same sweep."""
    stored = store.sweep(sweep_id)
    if stored.status == "COMPLETED":
        raise SweepHasEnded(sweep=sweep_id)
    check_version(sweep_id, stored.version)
    plan = sweep_plan(sweep_of(stored.spec, "the stored sweep"), Scenario.model_validate(stored.spec["scenario"]))
    plan = plan.with_knowledge(store.knowledge(plan.knowledge_version))
    if plan.spec_hash != stored.spec_hash:
        raise UsageError(
            f"--resume {sweep_id}: its recordings, analyst or knowledge are not what they were when it began; "
            "put those back."
        )
    return plan


def execute(
    plan: SweepPlan, place: Place, workers: int | None, view: SweepView, interrupted: UUID | None = None
) -> SweepSummary:
    """Run a sweep to its end and return what it came to; nothing is written before everything is reachable.

    ``interrupted`` is a sweep of this plan that is to be taken up, instead of a new one. Raises Stopped.
    """
    started = time.monotonic()
    prefix = new_prefix() if interrupted is None else prefix_of(interrupted)
    sweep_id = derive(prefix, Kind.SWEEP, 0, 0)
    with ray_until_the_end():
        with told_to_people():
            store, url = open_store(place.database_url, upgrade=True)
            plan = plan.with_knowledge(store.knowledge(plan.knowledge_version))
            market = plan.markets[0]
            view.say("starting Ray" + ("" if is_compiled(market.scenario) else " and, this once, compiling the kernel"))
            namespace = f"paperdex-{sweep_id}-{secrets.token_hex(4)}"
            start_ray(place.ray_address, namespace, place.dashboard_port)
            nodes = nodes_of(place.ray_address, view.say)
            compile_kernel(market.scenario, market.recording)
            crew = _crew(workers, place, view)
            nodes.bring()
            with store.hold(sweep_id), log_of({"sweep": sweep_id}, place.ray_address, view.say):
                conductor = _begun(plan, sweep_id, store) if interrupted is None else store.reopen_sweep(sweep_id)
                note(
                    "sweep begun" if interrupted is None else "sweep taken up",
                    name=plan.sweep.name,
                    conductor=conductor,
                )
                goes_on = f"paperdex sweep --resume {sweep_id}"
                with resumable(goes_on), control_service_watched(goes_on, view):
                    judged = _conducted(plan, sweep_id, prefix, conductor, store, url, crew, view, nodes.bring)
        view.close()
    if judged is None:
        raise Stopped(f"Sweep {sweep_id} is stopped and keeps what it has; `{goes_on}` goes on.")
    sweep, (digest, ranking) = plan.sweep, judged
    return SweepSummary(
        sweep_id,
        sweep.name,
        "COMPLETED",
        digest,
        sweep.n_points,
        len(plan.markets),
        time.monotonic() - started,
        ranking,
        store.failure_of_trials(sweep_id) if ranking.failed else "",
    )


def _crew(workers: int | None, place: Place, view: SweepView) -> Crew:
    """Return the workers of the sweep, for which there is room; raises UsageError where there is none."""
    from cluster.room import crew_of, make_room, nodes  # noqa: PLC0415 -- brings Ray

    crew = crew_of(workers, nodes())
    make_room(crew.count, "workers", crew.share, may_grow=place.ray_address is not None, say=view.say)
    return crew


def _begun(plan: SweepPlan, sweep_id: UUID, store: Store) -> int:
    markets = [market.scenario.model_dump(mode="json") for market in plan.markets]
    store.begin_sweep(sweep_id, plan.sweep.name, plan.spec, plan.spec_hash, markets, plan.sweep.n_points)
    return 1


def _conducted(
    plan: SweepPlan,
    sweep_id: UUID,
    prefix: int,
    conductor: int,
    store: Store,
    url: str,
    crew: Crew,
    view: SweepView,
    bring: Callable[[], bool],
) -> tuple[str, Ranking] | None:
    """Trade all trials, judge them and close the sweep; return its digest and the ranking, None if it was stopped."""
    from cluster.conductor import STOPPED  # noqa: PLC0415 -- brings Ray and all actors
    from cluster.remote_calls import through_losses  # noqa: PLC0415 -- as above
    from cluster.sweeping.conductor import SweepConductor  # noqa: PLC0415 -- as above
    from cluster.watching import sweep_watched  # noqa: PLC0415 -- as above

    patience, tally = Patience(view.say, "sweep"), Tally()

    def conduct() -> bool:
        identity = plan, sweep_id, prefix, conductor, store, url, crew
        return SweepConductor(*identity, observe, tally, patience, is_interrupted).run()

    def take_up() -> None:
        nonlocal conductor
        conductor = patience(lambda: store.reopen_sweep(sweep_id, is_asked=False))

    def close(status: str, why: str, verdict: dict[str, Any] | None = None) -> str:
        digest = store.finish_sweep(sweep_id, conductor, status, why, verdict)
        note("sweep ended", status=status, digest=digest, why=why)
        return digest

    with closed_if_it_fails(close):
        view.say(f"starting {counted(crew.count, 'worker')}")
        with gracefully("the cohorts in hand") as is_interrupted, sweep_watched(sweep_id, view.show) as observe:
            is_whole = through_losses(conduct, take_up, bring, view.say)
        if not is_whole:
            patience(lambda: close(*STOPPED))
            return None
        ranking = patience(lambda: rank(store, sweep_id, plan.sweep, plan.terms()[0], plan.n_paths))
        digest = patience(lambda: close("COMPLETED", "", ranking.as_json()))
    return digest, ranking
