"""Noise whose volatility remembers: what the market, each sector and each token are moved by.

The log of the volatility is a sum of six mean-reverting components, from minutes to a season (market model, section
5.2). A single component gives either the clusters of an hour or those of a quarter; six, each three to ten times slower
than the next, give the slow decay that absolute returns show in all markets.

Volatility moves once in a beat of four blocks, and one draw serves the noise of the four: at 12 seconds a block, a beat
is an eighth of the shortest half-life. Beats lie at absolute blocks, so cutting a market inside one changes nothing.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.market.noise import bell, draw, draw_for, draw_start, innovations, reversion
from simulation.rng import normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEAT_BLOCKS = 4

COMMON = 0.8
"""Correlation of each source's log volatility with the market factor's: when the market is nervous, all are."""

_OWN = math.sqrt(1.0 - COMMON * COMMON)

COMPONENTS = {
    "season": (60.0, 0.42),
    "week": (7.0, 0.25),
    "day": (1.0, 0.28),
    "hours": (0.125, 0.30),
    "hour": (0.04, 0.36),
    "minutes": (0.004, 0.30),
}
"""Half-life in days and stationary deviation in log units, fitted to ether's hours of 2019 to 2025."""

_LOG_MEAN = -reduce(add, (deviation**2 for _, deviation in COMPONENTS.values()))
"""Makes the mean variance, not the mean volatility, 1. Python's own ``sum`` has another last digit from 3.12 on."""

MEMORY = [(f"{name}_{part}", np.float64) for name in COMPONENTS for part in ("keep", "spread")]
"""Fields of a record of constants, which ``write_memory`` fills."""

NOISE = np.dtype(
    [
        *((name, np.float64) for name in COMPONENTS),
        ("log", np.float64),  # the sum of the components
        ("factor", np.float64),  # on the deviation, throughout the beat
        ("word_0", np.uint64),  # of the next block
        ("word_1", np.uint64),
        ("word_2", np.uint64),
        ("word_3", np.uint64),
        ("shock", np.float64),  # of this block: what it moves a log price by
        ("variance", np.float64),  # of the shock, given the volatility
    ],
    align=True,
)
"""What a source of noise carries from block to block."""

_BEAT = np.uint64(2)


@compiled
def is_beat(block):
    """Tell whether a beat begins with ``block``."""
    return block & (BEAT_BLOCKS - 1) == 0


@compiled
def start(noise, deviations, seed, stream):
    """Draw the components from their stationary distribution, and the noise up to the first beat."""
    word_0, word_1, word_2, word_3 = draw_start(seed, stream, 0)
    season, week = normals(word_0, word_1)
    day, hours = normals(word_2, word_3)
    word_0, word_1, _, _ = draw_start(seed, stream, 1)
    hour, minutes = normals(word_0, word_1)
    noise.season, noise.week = season * deviations[0], week * deviations[1]
    noise.day, noise.hours = day * deviations[2], hours * deviations[3]
    noise.hour, noise.minutes = hour * deviations[4], minutes * deviations[5]
    noise.log = noise.season + noise.week + noise.day + noise.hours + noise.hour + noise.minutes
    noise.factor = math.exp(noise.log + _LOG_MEAN)
    noise.word_0, noise.word_1, noise.word_2, noise.word_3 = draw_start(seed, stream, 2)


@compiled
def lead(noise, memory, scale, seed, stream, block):
    """Begin a beat of the market factor, whose volatility is its own; ``scale`` is the hour's and the regime's."""
    _renew(noise, memory, seed, stream, block)
    noise.factor = scale * math.exp(noise.log + _LOG_MEAN)


@compiled
def follow(noise, leader, memory, scale, seed, stream, block):
    """Begin a beat of noise whose volatility partly follows the leader's; return two words that nobody has used."""
    spare_0, spare_1 = _renew(noise, memory, seed, stream, block)
    noise.factor = scale * math.exp(COMMON * leader.log + _OWN * noise.log + _LOG_MEAN)
    return spare_0, spare_1


@compiled
def shake(noise, deviation):
    """Write the shock of the next block, whose mean deviation a block is ``deviation``, and its variance."""
    scaled = deviation * noise.factor
    noise.shock = scaled * bell(noise.word_0)
    noise.variance = scaled * scaled
    noise.word_0, noise.word_1, noise.word_2 = noise.word_1, noise.word_2, noise.word_3


@compiled
def _renew(noise, memory, seed, stream, block):
    """Move the components, and draw the words of the beat's blocks and two more, which are returned."""
    word_0, word_1, spare_0, spare_1 = draw_for(seed, stream, block, _BEAT)
    season, week, day = innovations(word_0)
    hours, hour, minutes = innovations(word_1)
    noise.season = memory.season_keep * noise.season + memory.season_spread * season
    noise.week = memory.week_keep * noise.week + memory.week_spread * week
    noise.day = memory.day_keep * noise.day + memory.day_spread * day
    noise.hours = memory.hours_keep * noise.hours + memory.hours_spread * hours
    noise.hour = memory.hour_keep * noise.hour + memory.hour_spread * hour
    noise.minutes = memory.minutes_keep * noise.minutes + memory.minutes_spread * minutes
    noise.log = noise.season + noise.week + noise.day + noise.hours + noise.hour + noise.minutes
    noise.word_0, noise.word_1, noise.word_2, noise.word_3 = draw(seed, stream, block)
    return spare_0, spare_1


def write_memory(record: np.void, block_time_ms: int) -> None:
    """Write how the components keep and spread in a beat into a record with the fields MEMORY."""
    for name, (half_life_days, deviation) in COMPONENTS.items():
        keep, spread = reversion(half_life_days, deviation, BEAT_BLOCKS * block_time_ms)
        record[f"{name}_keep"], record[f"{name}_spread"] = keep, spread


def stationary_deviations() -> NDArray[np.float64]:
    """Return the stationary deviations of the components, shape ``(6,)``."""
    return np.array([deviation for _, deviation in COMPONENTS.values()])
