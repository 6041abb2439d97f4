"""Random numbers as functions of (seed, stream, counter), never of the order of calls.

Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), with the
constants and the word order of ``numpy.random.Philox``, which is its oracle in the tests. The key is
(seed, stream); the counter is whatever names the draw: a block, an ordinal, a purpose.
"""

from __future__ import annotations

import math
from enum import IntEnum
from hashlib import sha256

import numpy as np

from simulation.jit import compiled
from simulation.wei import mul64

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10
_U11 = np.uint64(11)
_TWO_MINUS_53 = 2.0**-53
_MASK16 = np.uint64(0xFFFF)
_U16, _U32, _U48 = np.uint64(16), np.uint64(32), np.uint64(48)

BELL_MAX = 2 * 0xFFFF
BELL_DEVIATION = math.sqrt((2.0**32 - 1.0) / 3.0)
"""Largest value and standard deviation of ``bell``: 3.46 deviations are the most that it strays."""


class Stream(IntEnum):
    """The high word of a stream: who draws. The low word is free (a session, a token)."""

    PRICE = 1 << 32
    GAS = 2 << 32
    SESSION = 3 << 32
    FLOW = 5 << 32
    SWEEP = 6 << 32


def key_of(name: str) -> int:
    """Return the low word of a stream that belongs to ``name``; never 0."""
    return int.from_bytes(sha256(name.encode()).digest()[:4]) | 1


@compiled
def words(seed, stream, counter_0, counter_1):
    """Return four random uint64 of one counter; all arguments are uint64."""
    c0, c1, c2, c3 = counter_0, counter_1, np.uint64(0), np.uint64(0)
    key_0, key_1 = seed, stream
    for _ in range(_ROUNDS):
        high_0, low_0 = mul64(_MULTIPLIER_0, c0)
        high_1, low_1 = mul64(_MULTIPLIER_1, c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ key_0, low_1, high_0 ^ c3 ^ key_1, low_0
        key_0 += _WEYL_0
        key_1 += _WEYL_1
    return c0, c1, c2, c3


@compiled
def uniform(word):
    """Return a float in [0, 1) from one word, with 53 random bits."""
    return np.float64(word >> _U11) * _TWO_MINUS_53


@compiled
def below(word, bound):
    """Return an integer in [0, bound) from one word; the bias is below bound / 2**64."""
    high, _ = mul64(word, np.uint64(bound))
    return np.int64(high)


@compiled
def bell(word):
    """Return a nearly normal integer of mean 0 within ``BELL_MAX``: the sum of a word's four 16-bit parts, centred."""
    high = (word >> _U48) + ((word >> _U32) & _MASK16)
    low = ((word >> _U16) & _MASK16) + (word & _MASK16)
    return np.int64(high + low) - BELL_MAX


@compiled
def normals(word_0, word_1):
    """Return two independent standard normals from two words (Box and Muller, 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(word_0)))
    angle = 2.0 * math.pi * uniform(word_1)
    return radius * math.cos(angle), radius * math.sin(angle)
