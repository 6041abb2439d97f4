"""The one place where the plain classes become Ray actors: their names, resources and concurrency.

Restarts are the conductor's: it knows the checkpoint to go on from, Ray does not.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession, Owner
from actors.trials import TrialWorker
from actors.writer import TrialWriter, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from actors.trials import Terms
    from simulation.autopilot.knowledge import Knowledge
    from simulation.market.replay import Recording
    from simulation.scenario import Scenario
    from simulation.settings.strategy import Strategy, TradingConfig
    from simulation.sweeping.settings import Sweep
    from simulation.trading.rules import Rules
    from storage.context import SessionContext

SESSION_CPUS = 0.01
"""A session computes for milliseconds an hour of simulated time; a hundred share a core."""


def spawn_market(scenario: Scenario, recording: Recording | None, number: int = 0) -> Any:
    """Start the market actor of a run, which looks for plug-ins where the user stands, not where its process does.

    A sweep may have several, which are numbered.
    """
    name = f"Market {number + 1}" if number else "Market"
    return _spawn(Market, name, 0, scenario, recording, os.getcwd())  # noqa: PTH109 -- sys.path holds text


def spawn_autopilot(
    strategies: Sequence[Sequence[Strategy]], rules: Rules, tradings: Sequence[TradingConfig], knowledge: Knowledge
) -> Any:
    """Start the Auto Pilot of a run."""
    return _spawn(AutoPilot, "AutoPilot", 0, tuple(strategies), rules, tuple(tradings), knowledge)


def spawn_writer(database_url: str, shard: int = 0) -> Any:
    """Start the writer of a shard of the run's accounts on this node, where an embedded database can be reached."""
    name = f"Writer {shard + 1}" if shard else "Writer"
    return _spawn(Writer, name, 0, database_url, here=True)


def spawn_trial_writer(database_url: str) -> Any:
    """Start the writer of a sweep on this node."""
    return _spawn(TrialWriter, "TrialWriter", 0, database_url, here=True)


def spawn_trial_worker(
    cpus: float, sweep: Sweep, markets: Sequence[Terms], sweep_id: UUID, prefix: int, conductor: int, number: int
) -> Any:
    """Start a worker of a sweep, which has a share of a core."""
    name = f"TrialWorker {number}"
    return _spawn(TrialWorker, name, cpus, sweep, tuple(markets), sweep_id, prefix, conductor, number)


def spawn_conductor(plain: type, name: str, *arguments: Any) -> Any:
    """Start the conductor of a run on this node, to outlive this process and to be started again whenever it dies."""
    return _spawn(plain, name, 0, *arguments, here=True, lifetime="detached", max_restarts=-1)


def find_session(context: SessionContext) -> Any | None:
    """Return the actor of a session that outlived its conductor; None where there is none."""
    named = re.compile(rf"{re.escape(_session_name(context))}(\(\d+\))? {re.escape(context.account.name)}")
    for name in ray.util.list_named_actors() if _is_in_an_actor() else ():
        if named.fullmatch(name):
            with suppress(ValueError):  # it has died since
                return ray.get_actor(name)
    return None


def names_in(namespace: str) -> list[str]:
    """Return the names of the actors of a namespace."""
    named = ray.util.list_named_actors(all_namespaces=True)
    return sorted(actor["name"] for actor in named if actor["namespace"] == namespace)


def end_all(namespace: str, last: str = "") -> None:
    """End every actor of a namespace; the one who asks may be the last."""
    for name in sorted(names_in(namespace), key=lambda name: name == last):
        with suppress(ValueError):  # it has ended since
            ray.kill(ray.get_actor(name, namespace), no_restart=True)


def spawn_session(contexts: Sequence[SessionContext], owners: Sequence[Owner], rules: Rules) -> Any:
    """Start the actor of a cohort, named after its account, its place among the account's sessions and incarnation."""
    # Behind the class, so that no account's own name can look like another's later incarnation.
    later = f"({owners[0].incarnation})" if owners[0].incarnation > 1 else ""
    name = f"{_session_name(contexts[0])}{later} {contexts[0].account.name}"
    return _spawn(AccountSession, name, SESSION_CPUS, tuple(contexts), tuple(owners), rules)


def _session_name(context: SessionContext) -> str:
    return f"AccountSession#{context.number + 1}" if context.number else "AccountSession"


def _is_in_an_actor() -> bool:
    """Tell whether the conductor is an actor: its own actors then outlive it, and the next one finds them."""
    return ray.get_runtime_context().get_actor_id() is not None


def _spawn(plain: type, name: str, cpus: float, *arguments: Any, here: bool = False, **more: Any) -> Any:
    options: dict[str, Any] = {"name": name, "num_cpus": cpus, "max_restarts": 0, "max_task_retries": 0, **more}
    if _is_in_an_actor():
        options |= {"lifetime": "detached", "get_if_exists": True}
    if here:
        node_id = ray.get_runtime_context().get_node_id()
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(plain).options(**options).remote(*arguments)
