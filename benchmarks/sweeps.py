"""What a sweep costs beside the bare kernel: settings, figures and rows of ten thousand trials, and its workers.

    .venv/bin/python benchmarks/sweeps.py

An account trades for three days, or for a month. The cheapest trial that there is has one token and trades seldom, so
that whatever a sweep adds weighs most; an ordinary one decides every five minutes, with two tokens. Bare: the kernel
over cohorts that were begun before the clock starts. Worker: the call that a sweep makes of its workers, from the
numbers of the points to the rows as COPY text. Both alternate in one process, and the fastest of some repeats counts.
Then whole sweeps, with one worker and with two, on a private Ray and a Postgres of their own, from the first cohort to
the last row.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from actors.market import Market
from actors.trials import Task, TrialWorker
from cluster.connect import quiet_ray
from cluster.runs import Place
from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.runs import execute
from simulation.market.segment import terms_of
from simulation.scenario import Scenario
from simulation.sweeping.samplers import unlearning_of
from simulation.trials import Setter, advance
from storage import embedded
from storage.ids import Kind, derive

if TYPE_CHECKING:
    from cluster.sweeping.conductor import SweepProgress
    from cluster.sweeping.plan import SweepPlan

OVERHEAD_BUDGET = 0.10
SCALING_BUDGET = 1.9
TRIALS = 10_000
"""Of each whole sweep."""
COHORT = 1_024
"""Timed alone, as large as a sweep makes it at most."""
THREE_DAYS, A_MONTH = 21_600, 216_000
"""Blocks."""
REPEATS = 12
"""The first compiles."""

WETH = {"symbol": "WETH", "name": "Wrapped Ether", "token_class": "major", "price_usd": 3000,
        "pools": [{"fee_bp": 5, "liquidity_usd": 2e8}]}  # fmt: skip
PEPE = {"symbol": "PEPE", "name": "Pepe", "token_class": "meme", "price_usd": 1e-5,
        "pools": [{"venue": "uniswap_v2", "liquidity_usd": 5e6}]}  # fmt: skip


class Workload(NamedTuple):
    """Trials of an account."""

    tokens: list[dict[str, Any]]
    strategy: dict[str, Any]
    """What it has beside its defaults."""
    blocks: int


ORDINARY = Workload([WETH, PEPE], {"decision_interval_blocks": 25, "max_daily_trades": 200}, THREE_DAYS)
WORKLOADS = {
    "the cheapest": Workload([WETH], {"max_daily_trades": 4}, THREE_DAYS),
    "ordinary": ORDINARY,
    "ordinary, a month": ORDINARY._replace(blocks=A_MONTH),
}
SWEEP = {
    "name": "measured",
    "scenario": {"made": "below"},
    "vary": {
        "strategy.stop_loss_percent": {"uniform": [1, 10]},
        "strategy.take_profit_percent": {"uniform": [1, 20]},
        "strategy.confidence_threshold": {"uniform": [60, 80], "step": 1},
    },
    "sampler": {"kind": "random"},
    "trials": TRIALS,
}


class Clock:
    """Watches a sweep, and takes the time from its first cohort to its last."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None
        self.last: tuple[float, int] = 0.0, 0

    def say(self, text: str) -> None:
        """Hear what is being prepared."""

    def show(self, progress: SweepProgress) -> None:
        """Note how many trials are done, and when."""
        self.last = time.perf_counter(), progress.trials
        self.first = self.first or self.last

    def close(self) -> None:
        """Make room for the result."""

    @property
    def trials_per_second(self) -> float:
        """Of all cohorts but the first, which waits for the processes to start."""
        assert self.first is not None, "a sweep has cohorts"
        return (self.last[1] - self.first[1]) / (self.last[0] - self.first[0])


def plan_of(work: Workload) -> SweepPlan:
    """Return the plan of the sweep of such an account."""
    account = {"name": "searched", "strategy": {"trading_mode": "CUSTOM", **work.strategy}}
    market = {"source": "synthetic", "tokens": work.tokens}
    base = Scenario.model_validate({"seed": 7, "blocks": work.blocks, "market": market, "accounts": [account]})
    return sweep_plan(sweep_of(SWEEP, "the sweep"), base)


def overhead(plan: SweepPlan) -> tuple[float, float]:
    """Return the microseconds a trial of the bare kernel and of a worker."""
    (market,) = plan.markets
    made = Market(market.scenario)
    carried, segments = made.begin(), []
    for length in market.segment_lengths():
        _, segment, carried = made.segment(carried, length)
        segments.append(segment)
    terms, sweep_id = terms_of(market.tokens), derive(0, Kind.SWEEP, 0, 0)
    worker = TrialWorker(plan.sweep, plan.terms(), sweep_id, 0, 1, 0)
    setter, sampler = Setter(market.scenario.accounts[0], market.tokens, market.rules), unlearning_of(plan.sweep)
    bare, whole = [], []
    for _ in range(REPEATS):
        cohort, _ = setter.cohort(sampler.columns(np.arange(COHORT)))
        began = time.perf_counter()
        advance(cohort, segments, terms, market.rules)
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        worker.trade(Task(0, 0, COHORT), None, *segments)
        whole.append(time.perf_counter() - began)
    return 1e6 * min(bare) / COHORT, 1e6 * min(whole) / COHORT


def whole_sweeps(plan: SweepPlan, url: str) -> dict[int, float]:
    """Return the trials a second of sweeps by their number of workers."""
    rates = {}
    for workers in (1, 2):
        clock: Any = Clock()
        execute(plan, Place(url), workers, clock)
        rates[workers] = clock.trials_per_second
    return rates


def report(name: str, work: Workload, url: str) -> None:
    """Print the figures of a workload."""
    plan = plan_of(work)
    bare, worked = overhead(plan)
    print(f"\n{name}: trials of {work.blocks:,} blocks\n")
    print("| | microseconds a trial | million session-blocks/s |\n|---|---:|---:|")
    for what, microseconds in (("bare kernel", bare), ("worker of a sweep", worked)):
        print(f"| {what} | {microseconds:.1f} | {work.blocks / microseconds:.0f} |")
    print(f"\noverhead: {100 * (worked / bare - 1.0):.1f} % (budget {100 * OVERHEAD_BUDGET:.0f} %)\n")
    rates = whole_sweeps(plan, url)
    print(f"| workers | trials/s, of {TRIALS:,} |\n|---:|---:|")
    for workers, rate in rates.items():
        print(f"| {workers} | {rate:,.0f} |")
    print(
        f"\ntwo against one: {rates[2] / rates[1]:.2f} (budget {SCALING_BUDGET}), on {os.cpu_count()} cores", flush=True
    )


def main() -> None:
    """Print the tables."""
    print(heading())
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    server = embedded.start(home / "postgres")
    try:
        for name, work in WORKLOADS.items():
            report(name, work, server.url())
    finally:
        server.stop()
        shutil.rmtree(home)


if __name__ == "__main__":
    quiet_ray()
    main()
