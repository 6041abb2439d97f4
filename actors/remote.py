"""The one place where the plain classes become Ray actors: their names, resources and concurrency.

Restarts are the conductor's: it knows the checkpoint to go on from, Ray does not.
"""

from __future__ import annotations

import os
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


def spawn_session(contexts: Sequence[SessionContext], owners: Sequence[Owner], rules: Rules) -> Any:
    """Start the actor of a cohort, named after its account, its place among the account's sessions and incarnation."""
    # Behind the class, so that no account's own name can look like another's later incarnation.
    later = f"#{contexts[0].number + 1}" if contexts[0].number else ""
    later += f"({owners[0].incarnation})" if owners[0].incarnation > 1 else ""
    name = f"AccountSession{later} {contexts[0].account.name}"
    return _spawn(AccountSession, name, SESSION_CPUS, tuple(contexts), tuple(owners), rules)


def _spawn(plain: type, name: str, cpus: float, *arguments: Any, here: bool = False) -> Any:
    options: dict[str, Any] = {"name": name, "num_cpus": cpus, "max_restarts": 0, "max_task_retries": 0}
    if here:
        node_id = ray.get_runtime_context().get_node_id()
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(plain).options(**options).remote(*arguments)
