"""Paperdex on the nodes of a cluster that was named: they use what they have, or are brought what is here.

What is brought is unpacked on each node, and actors cannot use the processes that wait there for work: that takes
seconds. So nodes are asked whether they have the same, while this process has other things to prepare. To be asked
costs a node a process: that one has it is kept with the cluster, so that it is asked once for all runs of the sources.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.experimental.internal_kv import _internal_kv_list, _internal_kv_put
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.connect import PACKAGES, paperdex_itself, start_ray, stop_ray

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_SECONDS = 60
"""A node that says nothing for so long is taken for one that does not have it."""


class Nodes:
    """The nodes of the cluster at ``address``, to which this process is connected.

    Those of a private one have it, and to those of a job it has come with the job.
    """

    def __init__(self, address: str | None, say: Callable[[str], None]) -> None:
        """Ask them, and do not wait for their answers."""
        self._address, self._say = address, say
        self._fingerprint = _fingerprint()
        self._answers: dict[str, Any] = {}
        self._is_brought = address is None or "py_modules" in ray.get_runtime_context().runtime_env
        if not self._is_brought:
            self._here = self._fingerprint()
            self._ask()

    def bring(self) -> bool:
        """See to it that all actors are made of the sources that this process is made of; tell if they were not before.

        Then it has connected anew, and actors that were there have ended. Nodes that have come since are asked too.
        """
        if self._is_brought:
            return False
        self._ask()
        if self._all_have_it():
            return False
        self._say("bringing paperdex to the nodes, of which not all have it as it is here")
        namespace = f"{ray.get_runtime_context().namespace}-brought"
        stop_ray()
        start_ray(self._address, namespace, None, paperdex_itself())
        self._is_brought = True
        return True

    def _ask(self) -> None:
        asked = ray.remote(num_cpus=0, max_retries=0)(self._fingerprint)
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        known = {key.decode().rpartition(" ")[2] for key in _internal_kv_list(self._key(""))}
        for key in alive - known - self._answers.keys():
            there = NodeAffinitySchedulingStrategy(key, soft=False)
            self._answers[key] = asked.options(scheduling_strategy=there).remote()

    def _all_have_it(self) -> bool:
        asked, self._answers = self._answers, {}
        try:
            answers = dict(zip(asked, ray.get([*asked.values()], timeout=ANSWER_SECONDS), strict=True))
        except ray.exceptions.RayError:
            return False
        having = [node for node, answer in answers.items() if answer == self._here]
        for node in having:
            _internal_kv_put(self._key(node), b"")
        return len(having) == len(asked)

    def _key(self, node: str) -> str:
        """Return where it is kept that a node has it; it may have it from the current folder, by Ray's doing."""
        where = sha256(f"{self._here} {Path.cwd()}".encode()).hexdigest()
        return f"paperdex {where} {node}"


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
