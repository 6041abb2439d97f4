"""The weather of a market: what a regime changes about its prices.

Bull and bear drift as ether did in its steep months: 0.8 % a day, up from August 2020 to May 2021 and down in the first
half of 2022. A crash is that of 2020-03-12 or 2021-05-19: a quarter to two fifths of the whole market within hours, in
volatility that takes days to calm down. docs/market/prices.md has the sources.

What is unrealistic: a regime lasts as long as the run, and nothing that happens in the market ends it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.market.noise import MS_PER_DAY, draw_start
from simulation.rng import Stream, uniform
from simulation.settings.market import Regime

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Weather:
    """How a regime differs from the normal one."""

    volatility: float = 1.0
    """Factor on the volatility of everything."""
    drift_per_day: float = 0.0
    """Log return of the market factor; a token has its beta of it."""
    jumps: float = 1.0
    """Factor on how often a token jumps."""
    return_days: float | None = None
    """Half-life with which a price goes back to where it began; None: never."""
    crashes: bool = False


WEATHER = {
    Regime.NORMAL: Weather(),
    Regime.CALM: Weather(volatility=0.6, jumps=0.5),
    Regime.BULL: Weather(drift_per_day=0.008),
    Regime.BEAR: Weather(volatility=1.2, drift_per_day=-0.008, jumps=1.2),
    Regime.CRASH: Weather(volatility=1.2, jumps=1.5, crashes=True),
    Regime.CHOP: Weather(jumps=0.5, return_days=0.5),
    Regime.CONGESTED: Weather(volatility=1.3, jumps=1.3),
}

CRASH_BEGINS_DAYS = (0.25, 2.5)
"""After block 0, so that a run of three days has it."""
CRASH_LASTS_DAYS = (2 / 24, 12 / 24)
CRASH_LOSS = (0.25, 0.40)

CRASH_VOLATILITY = 3.0
"""Factor while prices fall; what is above 1 halves each day after."""
CRASH_CALMS_DAYS = 1.0

NEVER = np.iinfo(np.int64).max

_CRASH_PART = 3
"""After the three draws with which a factor's noise begins."""


class Crash(NamedTuple):
    """When the market falls, and by how much a block."""

    from_block: int
    until_block: int
    step: float  # log return of the market factor


def crash_of(regime: Regime, seed: int, block_time_ms: int) -> Crash:
    """Return the crash of a market; one that never comes where the regime has none."""
    if not WEATHER[regime].crashes:
        return Crash(NEVER, NEVER, 0.0)
    begins_days, lasts_days, loss = _between(seed, (CRASH_BEGINS_DAYS, CRASH_LASTS_DAYS, CRASH_LOSS))
    from_block = math.ceil(begins_days * MS_PER_DAY / block_time_ms)
    n_blocks = math.ceil(lasts_days * MS_PER_DAY / block_time_ms)
    return Crash(from_block, from_block + n_blocks, math.log1p(-loss) / n_blocks)


def _between(seed: int, bounds: Iterable[tuple[float, float]]) -> list[float]:
    words = draw_start(np.uint64(seed), np.uint64(Stream.PRICE), _CRASH_PART)
    return [low + (high - low) * uniform(np.uint64(word)) for (low, high), word in zip(bounds, words, strict=False)]
