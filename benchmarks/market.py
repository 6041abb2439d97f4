"""Blocks per second of the synthetic market on one core: prices, pools and gas, without signals.

    .venv/bin/python benchmarks/market.py

`made` is `SyntheticSource.advance` over a day at a time; `skipped` is `skip` over a year, with which a run begins at a
late block; the last column is how much a year in segments of 300 blocks adds to the memory that its first day took.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from heading import heading

from simulation.market.synthetic import SyntheticSource
from simulation.settings.gas import Gas
from simulation.settings.market import Pool, SyntheticMarket, Token

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGETS_MILLIONS = {1: 2.0, 6: 0.5}
BLOCK_TIME_MS = 12_000
SEGMENT, DAY, YEAR = 300, 7_200, 365 * 7_200
REPEATS = 20
KIB = 1024

TOKENS = tuple(
    Token(symbol=symbol, name=symbol, token_class=token_class, price_usd=price_usd, pools=(Pool(liquidity_usd=1e8),))
    for symbol, token_class, price_usd in (
        ("WETH", "major", 3000.0), ("WBTC", "major", 60_000.0), ("LINK", "mid", 15.0), ("UNI", "mid", 8.0),
        ("PEPE", "meme", 1e-5), ("SHIB", "meme", 2e-5),
    )
)  # fmt: skip


class Measured(NamedTuple):
    """What a market of some tokens came to."""

    millions: float  # blocks a second
    skip_seconds: float  # a year
    year_seconds: float  # in segments
    added_mib: float  # peak memory of the year above that of the first day


def measure(n_tokens: int) -> Measured:
    """Time one core making the market of the first ``n_tokens``."""
    source = SyntheticSource(SyntheticMarket(tokens=TOKENS[:n_tokens]), Gas(), 7, BLOCK_TIME_MS)
    start = source.begin()
    source.advance(start, 0, 1)
    fastest = min(seconds(lambda: source.advance(start, 0, DAY)) for _ in range(REPEATS))
    skip_seconds = seconds(lambda: source.skip(start, 0, YEAR))
    make_segments(source, DAY)
    before = peak_mib()
    year_seconds = seconds(lambda: make_segments(source, YEAR))
    return Measured(DAY / fastest / 1e6, skip_seconds, year_seconds, peak_mib() - before)


def make_segments(source: SyntheticSource, n_blocks: int) -> None:
    """Make the market's first blocks, one segment after another, and keep none."""
    carried = source.begin()
    for first in range(0, n_blocks, SEGMENT):
        carried, _ = source.advance(carried, first, SEGMENT)


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak_mib() -> float:
    """Return the most memory that this process ever held; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB


def main() -> None:
    """Print the table."""
    print(heading())
    print(f"{YEAR:,} blocks a year, one core; made: {DAY:,} blocks, fastest of {REPEATS}")
    print(f"{'tokens':<8} {'made, million blocks/s':>24} {'budget':>8} {'a year skipped, s':>19} "
          f"{'a year in segments, s':>23} {'added memory, MiB':>19}")  # fmt: skip
    for n_tokens, budget in BUDGETS_MILLIONS.items():
        result = measure(n_tokens)
        print(f"{n_tokens:<8} {result.millions:>24.2f} {budget:>8.1f} {result.skip_seconds:>19.2f} "
              f"{result.year_seconds:>23.2f} {result.added_mib:>19.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
