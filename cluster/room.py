"""Room for actors: how many the nodes of a cluster take, and what is to be added where that is too few."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import TYPE_CHECKING

import ray
from ray.autoscaler.sdk import request_resources
from ray.autoscaler.v2.sdk import get_cluster_status
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from actors.remote import ROLE, WORKER
from cluster.errors import UsageError
from cluster.facts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.remote import Share

NODES_SECONDS_MAX = 600
"""So long a run waits for nodes: an autoscaler needs minutes to bring them."""

LOOK_SECONDS = 2
RAY_CPU_UNITS = 10_000
"""Ray counts in ten-thousandths of a core."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Node:
    """What is free on a node, and what there would be if it stood empty."""

    role: str
    cpus: float
    memory_bytes: float
    cpus_in_all: float
    memory_bytes_in_all: float

    def takes(self, share: Share) -> int:
        """Return how many actors of this share fit beside what is there."""
        return 0 if self.role == share.kept_off else _times(share, self.cpus, self.memory_bytes)

    def would_take(self, share: Share) -> int:
        """Return how many fit on an empty node of this kind."""
        return 0 if self.role == share.kept_off else _times(share, self.cpus_in_all, self.memory_bytes_in_all)


def nodes() -> list[Node]:
    """Return the nodes of the cluster that this process is connected to."""
    status = get_cluster_status(ray.get_runtime_context().gcs_address)
    found = []
    for one in (*status.active_nodes, *status.idle_nodes):
        resources = {used.resource_name: used for used in one.resource_usage.usage}
        cpu, memory = resources.get("CPU"), resources.get("memory")
        found.append(
            Node(
                role=one.labels.get(ROLE, ""),
                cpus=cpu.total - cpu.used if cpu else 0,
                memory_bytes=memory.total - memory.used if memory else 0,
                cpus_in_all=cpu.total if cpu else 0,
                memory_bytes_in_all=memory.total if memory else 0,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers of a sweep: how many, and what each asks for."""

    count: int
    share: Share


def crew_of(wanted: int | None, found: Sequence[Node]) -> Crew:
    """Return as many workers as are wanted, or as there are cores; more of them have less of a core each."""
    cores = sum(node.cpus_in_all for node in found if node.role != WORKER.kept_off)
    count = wanted or max(1, int(cores))
    cpus = min(WORKER.cpus, WORKER.cpus * cores / count) if cores else WORKER.cpus
    return Crew(count, replace(WORKER, cpus=floor(cpus * RAY_CPU_UNITS) / RAY_CPU_UNITS))


def make_room(count: int, what: str, share: Share, *, may_grow: bool, say: Callable[[str], None]) -> None:
    """Return when so many actors fit; raises UsageError, which tells how many do and what to add.

    That is at once where the cluster cannot grow, else after waiting for nodes, an autoscaler being asked for them.
    """
    lacking = what_lacks(count, what, share, nodes())
    if not lacking:
        return
    if not may_grow:
        raise UsageError(f"{lacking}.")
    say(f"{lacking}; the run waits for it.")
    options = share.options()
    bundle = {"CPU": share.cpus, "memory": share.memory_bytes}
    request_resources(bundles=[bundle] * count, bundle_label_selectors=[options["label_selector"]] * count)
    looking = Retrying(
        retry=retry_if_result(bool), wait=wait_fixed(LOOK_SECONDS), stop=stop_after_delay(NODES_SECONDS_MAX)
    )
    try:
        looking(lambda: what_lacks(count, what, share, nodes()))
    except RetryError as error:
        raise UsageError(f"{error.last_attempt.result()}.") from error
    finally:
        request_resources(bundles=[])


def what_lacks(count: int, what: str, share: Share, found: Sequence[Node]) -> str:
    """Return how many of so many actors fit, and what is to be added for the rest; nothing where all fit."""
    fit = sum(node.takes(share) for node in found)
    if fit >= count:
        return ""
    rest = count - fit
    per_node = max((node.would_take(share) for node in found), default=0)
    like = f", which is {counted(ceil(rest / per_node), 'node')} like its largest" if per_node else ""
    return (
        f"There is room for {fit:,} of {count:,} {what}, which ask for {share.cpus:g} CPUs and "
        f"{share.memory_bytes / 2**20:.0f} MiB each; add {rest * share.cpus:.1f} CPUs and "
        f"{rest * share.memory_bytes / GIB:.1f} GiB on nodes without the label {ROLE}={share.kept_off}{like}, "
        "or run fewer"
    )


def _times(share: Share, cpus: float, memory_bytes: float) -> int:
    # A share is a decimal fraction that no float holds: ten tenths of a core are a core.
    return max(0, min(int(cpus / share.cpus + 1e-6), int(memory_bytes / share.memory_bytes)))
