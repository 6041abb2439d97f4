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

_PAIRS = np.uint64(0x0000FFFF0000FFFF)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SHIFT_QUARTER = np.uint64(16)
_SHIFT_HALF = np.uint64(32)
_BELL_CENTER = 2.0 * (2**16 - 1)
_BELL_SCALE = math.sqrt(3.0 / (2**32 - 1))


@compiled
def draw(seed, stream, block):
    """Return the four random words of ``stream`` at ``block``, which may be negative."""
    return words(seed, stream, np.uint64(block + _BLOCK_OFFSET), _STEP)


@compiled
def draw_for(seed, stream, block, purpose):
    """Return four more random words of ``stream`` at ``block``; purposes are uint64 from 2 on."""
    return words(seed, stream, np.uint64(block + _BLOCK_OFFSET), purpose)


@compiled
def draw_start(seed, stream, part):
    """Return four random words with which ``stream`` begins; ``part`` numbers the calls."""
    return words(seed, stream, np.uint64(part), _START)


@compiled
def bell(word):
    """Return a number of mean 0 and variance 1 from one word: the sum of four uniform numbers of 16 bits.

    Its excess kurtosis is -0.3, which nobody sees beside the 15 and more that moving volatility gives, and it costs
    neither logarithm nor cosine.
    """
    pairs = (word & _PAIRS) + ((word >> _SHIFT_QUARTER) & _PAIRS)
    total = (pairs & _LOW_HALF) + (pairs >> _SHIFT_HALF)
    return (np.float64(total) - _BELL_CENTER) * _BELL_SCALE


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


def reversion(half_life_days: float, deviation: float, step_ms: int) -> tuple[float, float]:
    """Return (keep, spread) of a mean-reverting process: each step x becomes keep * x + spread * innovation.

    ``deviation`` is the stationary standard deviation. The law is the same whatever the length of a step.
    """
    keep = 0.5 ** (step_ms / (half_life_days * MS_PER_DAY))
    return keep, deviation * math.sqrt(1.0 - keep * keep)
