"""Paperdex on the nodes of a cluster that was named: they use what they have, or are brought what is here.

What is brought is unpacked on each node, and actors cannot use the processes that wait there for work: that takes
seconds. So nodes are asked whether they have the same, while this process has other things to prepare.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.connect import PACKAGES, paperdex_itself, start_ray, stop_ray

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_SECONDS = 60
"""A node that says nothing for so long is taken for one that does not have it."""


class Nodes:
    """The nodes of the cluster at ``address``, to which this process is connected; those of a private one have it."""

    def __init__(self, address: str | None) -> None:
        """Ask them, and do not wait for their answers."""
        self._address = address
        self._fingerprint = _fingerprint()
        self._answers: dict[str, Any] = {}
        self._ask()

    def bring(self, namespace: str, say: Callable[[str], None]) -> None:
        """See to it that all actors are made of the sources that this process is made of; it may connect anew.

        Nodes that have come since are asked too.
        """
        self._ask()
        if self._address is None or self._all_have_it():
            return
        say("bringing paperdex to the nodes, of which not all have it as it is here")
        stop_ray()
        start_ray(self._address, namespace, None, paperdex_itself())

    def _ask(self) -> None:
        if self._address is None:
            return
        asked = ray.remote(num_cpus=0, max_retries=0)(self._fingerprint)
        for node in ray.nodes():
            key = node["NodeID"]
            if node["Alive"] and key not in self._answers:
                there = NodeAffinitySchedulingStrategy(key, soft=False)
                self._answers[key] = asked.options(scheduling_strategy=there).remote()

    def _all_have_it(self) -> bool:
        answers, self._answers = [*self._answers.values()], {}
        here = self._fingerprint()
        try:
            return all(answer == here for answer in ray.get(answers, timeout=ANSWER_SECONDS))
        except ray.exceptions.RayError:
            return False


def _fingerprint() -> Callable[[], str]:
    """Return a function that hashes the sources where it is called; it goes there by value, unlike one of a module."""
    packages = PACKAGES

    def fingerprint() -> str:
        hasher = sha256()
        for package in packages:
            spec = find_spec(package)
            for home in (spec and spec.submodule_search_locations) or ():
                for file in sorted(Path(home).rglob("*.py")):
                    hasher.update(f"{package}/{file.relative_to(home)}\0".encode())
                    hasher.update(sha256(file.read_bytes()).digest())
        return hasher.hexdigest()

    return fingerprint
