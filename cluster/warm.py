"""Compile the kernel once on this node, before several processes would do so at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock

from actors.market import Market
from simulation import cohort
from simulation.jit import cache_folder
from simulation.market.segment import token_records

if TYPE_CHECKING:
    from cluster.plan import Plan


def is_compiled() -> bool:
    """Tell whether the kernel of these sources is in the cache."""
    return any(cache_folder().rglob("kernel.advance*.nbi"))


def compile_kernel(plan: Plan) -> None:
    """Trade one block of the plan, which compiles all that a run needs, or loads it from the cache."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "compiling.lock"):
        market = Market(plan.scenario, plan.recording)
        _, segment, _ = market.segment(market.begin(), 1)
        start = cohort.begin(plan.scenario.accounts[:1], [0], plan.tokens, plan.rules)
        cohort.advance(start, segment, token_records(plan.tokens), plan.rules)
