"""What it takes to ask whether luck explains a sweep, and to find a point by its number.

    .venv/bin/python benchmarks/luck.py

PBO is of pure noise, 960 returns of each trial in 16 blocks, all 12,870 splits; the memory is what it adds to that of
the block sums. Choosing anew from the same sums is walking forward in 15 steps, and 120 splits of combinatorial purged
cross-validation. Points are of five fields; each is the last of so many.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from heading import heading

from simulation.performance.overfitting import block_sums, joined, overfitting
from simulation.performance.reselection import Parts, path_sharpes, walk_forward
from simulation.sweeping.samplers import GridSampler, RandomSampler, SobolSampler
from simulation.sweeping.space import Listed, Space

if TYPE_CHECKING:
    from simulation.sweeping.samplers import Sampler

TRIALS = (100, 1_000, 10_000, 100_000)
ROWS, BLOCKS, TESTED, AT_ONCE = 960, 16, 2, 100
POINTS = (1_000, 1_000_000, 1_000_000_000)
SPACE = Space(tuple(Listed(f"field {place}", range(64), ordered=True) for place in range(5)))
KIB = 1024


def peak_mib() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB


def costs_of_luck(n_trials: int) -> tuple[float, float, float, float]:
    """Return (seconds, MiB added, PBO, seconds of choosing anew) of so many trials without skill."""
    generator = np.random.default_rng(n_trials)  # noqa: TID251 -- noise to measure with is no part of a run
    parts = [block_sums(generator.standard_normal((ROWS, AT_ONCE)), BLOCKS) for _ in range(n_trials // AT_ONCE)]
    sums, before = joined(parts), peak_mib()
    started = time.perf_counter()
    found = overfitting(sums)
    ended, added = time.perf_counter(), peak_mib() - before
    walk_forward(Parts(sums), BLOCKS)
    path_sharpes(Parts(sums), BLOCKS, TESTED, horizon=1, embargo=1)
    return ended - started, added, found.probability, time.perf_counter() - ended


def milliseconds_of_point(sampler: Sampler, number: int) -> float:
    """Return how long the point of a number takes, the first call aside, which compiles."""
    sampler.ask([0])
    started = time.perf_counter()
    sampler.ask([number])
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    """Print both tables."""
    print(heading())
    print(f"{'trials':>14}{'PBO s':>10}{'added MiB':>12}{'PBO':>8}{'anew s':>10}")
    for n_trials in TRIALS:
        seconds, added, probability, anew = costs_of_luck(n_trials)
        print(f"{n_trials:>14,}{seconds:>10.2f}{added:>12.1f}{probability:>8.3f}{anew:>10.3f}")
    print(f"{'points':>14}{'grid ms':>10}{'random ms':>12}{'Sobol ms':>12}")
    for n_points in POINTS:
        samplers = (GridSampler(SPACE), RandomSampler(SPACE, 1), SobolSampler(SPACE, 1))
        grid, random, sobol = (milliseconds_of_point(sampler, n_points - 1) for sampler in samplers)
        print(f"{n_points:>14,}{grid:>10.2f}{random:>12.2f}{sobol:>12.2f}")


if __name__ == "__main__":
    main()
