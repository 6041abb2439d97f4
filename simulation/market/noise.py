"""How the market's random processes draw: one counter a block, and what is made of a random word.

Every process here is stepped block by block with scalars only, so a stretch of blocks gives the same bits however it
is cut.
"""

from __future__ import annotations

import math

import numpy as np

from simulation.jit import compiled
from simulation.rng import words

MS_PER_DAY = 86_400_000

_BLOCK_OFFSET = 1 << 40
"""Counters are unsigned, and the warm-up has negative blocks."""

_STEP = np.uint64(0)
_START = np.uint64(1)
_MASK = np.uint64((1 << 21) - 1)
_SHIFT_HIGH = np.uint64(43)
_SHIFT_MIDDLE = np.uint64(22)
_SHIFT_LOW = np.uint64(1)
_CENTER = (1 << 20) - 0.5
_SCALE = math.sqrt(12.0) / (1 << 21)


@compiled
def draw(seed, stream, block):
    """Return the four random words of ``stream`` at ``block``, which may be negative."""
    return words(seed, stream, np.uint64(block + _BLOCK_OFFSET), _STEP)


@compiled
def draw_start(seed, stream):
    """Return the four random words with which ``stream`` begins."""
    return words(seed, stream, np.uint64(0), _START)


@compiled
def innovations(word):
    """Return three independent uniform numbers of mean 0 and variance 1, of 21 bits each.

    Processes that sum over many blocks are Gaussian whatever their steps are, and these cost no logarithm.
    """
    return (
        (np.float64(word >> _SHIFT_HIGH) - _CENTER) * _SCALE,
        (np.float64((word >> _SHIFT_MIDDLE) & _MASK) - _CENTER) * _SCALE,
        (np.float64((word >> _SHIFT_LOW) & _MASK) - _CENTER) * _SCALE,
    )


def reversion(half_life_days: float, deviation: float, block_time_ms: int) -> tuple[float, float]:
    """Return (keep, spread) of a mean-reverting process: each block x becomes keep * x + spread * innovation.

    ``deviation`` is the stationary standard deviation.
    """
    keep = 0.5 ** (block_time_ms / (half_life_days * MS_PER_DAY))
    return keep, deviation * math.sqrt(1.0 - keep * keep)
