"""Peak memory of a sweep's driver and workers from a thousand trials to a million.

    .venv/bin/python benchmarks/sweep_memory.py [TRIALS ...]

Each sweep is a process of its own, with two workers on a private Ray, against one Postgres; trials are of two hours, of
the cheapest account of ``benchmarks/sweeps.py``. The driver's peak is the one that the system has counted in the end,
ranking and verdict included; a worker's is the largest that was seen, cohort after cohort, without the pages of the
object store that it has looked at: these are there once for all processes, and as many as the store has room for.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil
from heading import heading
from sweeps import SWEEP, WETH

from cluster.connect import quiet_ray
from cluster.runs import Place
from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.runs import execute
from simulation.scenario import Scenario
from storage import embedded

if TYPE_CHECKING:
    from cluster.sweeping.conductor import SweepProgress

TRIALS = 1_000, 10_000, 100_000, 1_000_000
FEW_TRIALS = 10
BLOCKS = 600
BUDGET = 0.05
MB = 1e6
FEW_SECONDS = 2.0


class Scales:
    """Weighs the workers of a sweep while it goes on."""

    def __init__(self) -> None:
        self.heaviest = 0
        self._next = 0.0

    def say(self, text: str) -> None:
        """Hear what is being prepared."""

    def show(self, _progress: SweepProgress) -> None:
        """Weigh, now and then."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + FEW_SECONDS
        for child in psutil.Process().children(recursive=True):
            if "ray::TrialWorker" in child.name():
                self.heaviest = max(self.heaviest, own_bytes(child))

    def close(self) -> None:
        """Make room for the result."""


def own_bytes(process: psutil.Process) -> int:
    """Return what a process has in memory, but for what it shares with others by name."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssFile:")))


def one(trials: int, url: str) -> None:
    """Run a sweep of so many trials and print what it weighed."""
    account = {"name": "searched", "strategy": {"trading_mode": "CUSTOM", "max_daily_trades": 4}}
    market = {"source": "synthetic", "tokens": [WETH]}
    base = Scenario.model_validate({"seed": 7, "blocks": BLOCKS, "market": market, "accounts": [account]})
    scales = Scales()
    began = time.monotonic()
    execute(sweep_plan(sweep_of({**SWEEP, "trials": trials}, "the sweep"), base), Place(url), 2, scales)  # type: ignore[arg-type]
    seconds = time.monotonic() - began
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"driver": driver, "worker": scales.heaviest, "seconds": seconds}))


def apart(trials: int, url: str) -> dict[str, float]:
    """Return what a sweep in a process of its own told."""
    command = [sys.executable, __file__, "--one", str(trials), url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures: dict[str, float] = json.loads(told.splitlines()[-1])
    return figures


def main(sizes: list[int]) -> None:
    """Print the table."""
    print(heading())
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    server = embedded.start(home / "postgres")
    print("| trials | driver MB | worker MB | seconds |\n|---:|---:|---:|---:|")
    found = []
    try:
        apart(FEW_TRIALS, server.url())  # where the kernel has to be compiled, that is not a sweep's weight
        for trials in sizes:
            found.append(apart(trials, server.url()))
            weights = (found[-1][name] / MB for name in ("driver", "worker"))
            driver, worker = weights
            print(f"| {trials:,} | {driver:.0f} | {worker:.0f} | {found[-1]['seconds']:.0f} |", flush=True)
    finally:
        server.stop()
        shutil.rmtree(home)
    for name in ("driver", "worker"):
        growth = found[-1][name] / found[0][name] - 1.0
        print(f"{name}: {100 * growth:+.1f} % from the fewest to the most trials (budget {100 * BUDGET:.0f} %)")


if __name__ == "__main__":
    quiet_ray()
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]), sys.argv[3])
    else:
        main([int(size) for size in sys.argv[1:]] or list(TRIALS))
