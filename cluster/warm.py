"""Compile the kernel once on this node, before several processes would do so at the same time."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock

from actors.market import Market
from simulation import cohort
from simulation.jit import cache_folder
from simulation.market.segment import terms_of
from simulation.succession import withdraw_orders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.plan import Plan

CACHES_KEPT = 8
"""Of other versions of the sources: another checkout may be running on this machine."""


def is_compiled(plan: Plan) -> bool:
    """Tell whether all that a plan needs of these sources is in the cache."""
    return _marker(plan).exists()


def compile_kernel(plan: Plan) -> None:
    """Trade one block of the plan, which compiles all that a run needs, unless the cache has it."""
    with compiling_alone():
        if is_compiled(plan):
            return
        market = Market(plan.scenario, plan.recording)
        _, segment, _ = market.segment(market.begin(), 1)
        start = cohort.begin(plan.scenario.accounts[:1], [0], plan.tokens, plan.rules)
        traded, outcome = cohort.advance(start, segment, terms_of(plan.tokens), plan.rules)
        cohort.set_field(traded, 0, "paused", 0)  # as Auto Pilot would
        withdraw_orders(traded, 0, outcome, plan.rules)  # as at the end of a session
        _marker(plan).touch()


@contextmanager
def compiling_alone() -> Iterator[None]:
    """Keep other processes from compiling into the cache at the same time, which has crashed both."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    _forget_old(folder)
    with FileLock(folder / "compiling.lock"):
        yield


def _marker(plan: Plan) -> Path:
    """Return the file that says that a plan with this kind of market has been compiled to its end."""
    return cache_folder() / f"{plan.scenario.market.source}.compiled"


def _forget_old(current: Path) -> None:
    """Remove all but the newest caches of other versions of the sources."""
    others = [folder for folder in current.parent.iterdir() if folder.is_dir() and folder != current]
    newest_first = sorted(others, key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in newest_first[CACHES_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
