"""How an actor's process makes ready. The kernel is compiled once on each node, before several would do so at a time.

The conductor does it on its own node, for its plan; a session or a worker of a sweep wherever it comes to a node on
which nobody has. There they wait for the first of them. ``python -m actors.warming`` does it ahead, for an image say.
"""

from __future__ import annotations

import gc
import shutil
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from filelock import FileLock

from actors.market import Market
from simulation import cohort
from simulation.autopilot.carrying import piloted
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import Calendar, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.policy import Policy
from simulation.jit import cache_folder
from simulation.market.segment import terms_of
from simulation.scenario import Scenario
from simulation.succession import withdraw_orders
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulation.market.replay import Recording

CACHES_KEPT = 8
"""Of other versions of the sources: another checkout may be running on this machine."""


SMALLEST = {
    "blocks": 1,
    "market": {
        "source": "synthetic",
        "tokens": [
            {
                "symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
                "pools": [{"fee_bp": 5, "liquidity_usd": 1e8}],
            }
        ],
    },
    "accounts": [{"name": "first", "strategy": {"name": "first"}}],
}  # fmt: skip
"""A scenario of which a session's code is compiled: it is the same for all."""


def is_compiled(scenario: Scenario) -> bool:
    """Tell whether all that a run of these sources needs is in the cache."""
    return _marker(scenario).exists()


def compile_kernel(scenario: Scenario, recording: Recording | None = None) -> None:
    """Trade one block of a scenario, which compiles all that a run of it needs, unless the cache has it."""
    with compiling_alone():
        if is_compiled(scenario):
            return
        market = Market(scenario, recording)
        rules, tokens = rules_of(scenario), market.tokens
        _, segment, _ = market.segment(market.begin(), 1)
        start = cohort.begin(scenario.accounts[:1], [0], tokens, rules)
        traded, outcome = cohort.advance(start, segment, terms_of(tokens), rules)
        policies = policies_of([scenario.accounts[0].strategy], [scenario.accounts[0].trading])
        calendar = Calendar(rules.block_time_ms, rules.day_offset_ms)
        piloted(traded, Policy(policies, calendar, IGNORANT), market_conditions(segment))
        cohort.set_field(traded, 0, "paused", 0)  # as Auto Pilot would
        withdraw_orders(traded, 0, outcome, rules)  # as at the end of a session
        _marker(scenario).touch()


@cache
def compile_sessions() -> None:
    """Compile what a session needs, unless this node, which may be new, has it of a run with any kind of market."""
    if not any(cache_folder().glob("*.compiled")):
        compile_kernel(Scenario.model_validate(SMALLEST))


@cache
def settle() -> None:
    """Let the garbage collector pass over all that this process has loaded, which stays; done once."""
    gc.freeze()


@contextmanager
def compiling_alone() -> Iterator[None]:
    """Keep other processes from compiling into the cache at the same time, which has crashed both."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    _forget_old(folder)
    with FileLock(folder / "compiling.lock"):
        yield


def _marker(scenario: Scenario) -> Path:
    """Return the file that says that a run with this kind of market has been compiled to its end."""
    return cache_folder() / f"{scenario.market.source}.compiled"


def _forget_old(current: Path) -> None:
    """Remove all but the newest caches of other versions of the sources."""
    others = [folder for folder in current.parent.iterdir() if folder.is_dir() and folder != current]
    for folder in sorted(others, key=_changed_at, reverse=True)[CACHES_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _changed_at(folder: Path) -> float:
    """Return when a cache was last changed; long ago where another version's process has just removed it."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


if __name__ == "__main__":
    compile_sessions()
