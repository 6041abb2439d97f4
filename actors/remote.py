"""The one place where the plain classes become Ray actors: their names, resources and concurrency.

Restarts are the conductor's: it knows the checkpoint to go on from, Ray does not.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import ActorAlreadyExistsError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession
from actors.trials import TrialWorker
from actors.writer import TrialWriter, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from actors.session import Owner
    from actors.trials import Terms
    from simulation.autopilot.knowledge import Knowledge
    from simulation.market.replay import Recording
    from simulation.scenario import Scenario
    from simulation.settings.strategy import Strategy, TradingConfig
    from simulation.sweeping.settings import Sweep
    from simulation.trading.rules import Rules
    from storage.context import SessionContext

ROLE = "paperdex"
"""The label of a node by which its role is told; a node without one takes everything."""

NAME_SECONDS, NAME_WAIT_SECONDS = 60, 0.25
"""So long an actor's name may still be that of the one before: of a node that died together with Ray's control service.

That has to come back first, and to miss the node.
"""

HEAD, SESSIONS, SWEEPS = "head", "sessions", "sweeps"


@dataclass(frozen=True, slots=True)
class Share:
    """What an actor of a class asks of the node that takes it."""

    cpus: float
    memory_bytes: int
    kept_off: str
    """The role of the nodes that do not take it."""

    def options(self) -> dict[str, Any]:
        """Return it in Ray's words."""
        return {"num_cpus": self.cpus, "memory": self.memory_bytes, "label_selector": {ROLE: f"!{self.kept_off}"}}


SESSION = Share(0.01, 128 * 2**20, SWEEPS)
"""A session computes for milliseconds an hour of simulated time, in a process of 118 MB that it has for itself."""

WORKER = Share(0.9, 384 * 2**20, SESSIONS)
"""A worker of a sweep keeps a core busy; a tenth of each is left, for the sessions of runs beside it."""


@dataclass(frozen=True, slots=True)
class Home:
    """The node on which the light actors sit together: market, Auto Pilot and writer."""

    is_here: bool
    """Whether it must be this one, since no other reaches the database."""

    def node_id(self) -> str:
        """Return the node that is labelled as a head, or this one, if it is one or there is none."""
        here = str(ray.get_runtime_context().get_node_id())
        heads = sorted(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Labels"].get(ROLE) == HEAD)
        return here if self.is_here or here in heads or not heads else heads[0]


def spawn_market(
    home: Home, scenario: Scenario, recording: Recording | None, number: int = 0, *, keeps_past: bool = False
) -> Any:
    """Start the market actor of a run, which looks for plug-ins where the user stands, not where its process does.

    A sweep may have several, which are numbered.
    """
    name = f"Market {number + 1}" if number else "Market"
    return _light(home, Market, name, scenario, recording, _folder(), keeps_past=keeps_past)


def spawn_autopilot(
    home: Home,
    strategies: Sequence[Sequence[Strategy]],
    rules: Rules,
    tradings: Sequence[TradingConfig],
    knowledge: Knowledge,
) -> Any:
    """Start the Auto Pilot of a run."""
    return _light(home, AutoPilot, "AutoPilot", tuple(strategies), rules, tuple(tradings), knowledge)


def spawn_writer(home: Home, database_url: str, shard: int = 0) -> Any:
    """Start the writer of a shard of the run's accounts."""
    name = f"Writer {shard + 1}" if shard else "Writer"
    return _light(home, Writer, name, database_url)


def spawn_trial_writer(home: Home, database_url: str) -> Any:
    """Start the writer of a sweep."""
    return _light(home, TrialWriter, "TrialWriter", database_url)


def spawn_trial_worker(
    share: Share, sweep: Sweep, terms: Sequence[Terms], sweep_id: UUID, prefix: int, conductor: int, number: int
) -> Any:
    """Start a worker of a sweep."""
    arguments = (sweep, tuple(terms), sweep_id, prefix, conductor, number, _folder())
    return _spawn(TrialWorker, f"TrialWorker {number}", share.options(), *arguments)


def spawn_conductor(plain: type, name: str, *arguments: Any) -> Any:
    """Start the conductor of a run on this node, to outlive this process and to be started again whenever it dies."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "scheduling_strategy": here, "lifetime": "detached", "max_restarts": -1}
    return _spawn(plain, name, options, *arguments)


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
    return _spawn(AccountSession, name, SESSION.options(), tuple(contexts), tuple(owners), rules)


def _session_name(context: SessionContext) -> str:
    return f"AccountSession#{context.number + 1}" if context.number else "AccountSession"


def _is_in_an_actor() -> bool:
    """Tell whether the conductor is an actor: its own actors then outlive it, and the next one finds them."""
    return ray.get_runtime_context().get_actor_id() is not None


def _folder() -> str:
    """Return where the user stands, whose modules plug-ins are looked for in."""
    return os.getcwd()  # noqa: PTH109 -- sys.path holds text


def _light(home: Home, plain: type, name: str, *arguments: Any, **settings: Any) -> Any:
    at_home = NodeAffinitySchedulingStrategy(home.node_id(), soft=False)
    return _spawn(plain, name, {"num_cpus": 0, "scheduling_strategy": at_home}, *arguments, **settings)


def _spawn(plain: type, name: str, share: dict[str, Any], *arguments: Any, **settings: Any) -> Any:
    options = {"name": name, "max_restarts": 0, "max_task_retries": 0, **share}
    if _is_in_an_actor():
        options |= {"lifetime": "detached", "get_if_exists": True}
    once_free = Retrying(
        retry=retry_if_exception_type(ActorAlreadyExistsError),
        stop=stop_after_delay(NAME_SECONDS),
        wait=wait_fixed(NAME_WAIT_SECONDS),
        reraise=True,
    )
    return once_free(_wrapped(plain).options(**options).remote, *arguments, **settings)


@cache
def _wrapped(plain: type) -> Any:
    """Return the class in Ray's wrapping, which is sent to a cluster once for each."""
    return ray.remote(plain)
