"""What outcomes have taught: counts for each type of adjustment and market regime, frozen within a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.outcomes import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

TYPES = 14
REGIMES = 12
"""Volatility (calm, wild) x trend (neutral, bullish, bearish) x gas (cheap, dear)."""

LEARNED_FROM = (OutcomeKind.POSITIVE, OutcomeKind.NEUTRAL, OutcomeKind.NEGATIVE)
TAUGHT_AFTER = 5
TAUGHT_BELOW = 0.25
"""A type is no longer proposed in a regime where, of 5 or more that mattered, the posterior mean is below this."""


@dataclass(frozen=True)
class Knowledge:
    """Outcomes counted; version 0 knows nothing."""

    version: int
    counts: tuple[int, ...]  # (TYPES, REGIMES, 3) in C order, the last by LEARNED_FROM

    @property
    def hash(self) -> str:
        """SHA-256 of version and counts: part of the identity of a run."""
        return sha256(repr((self.version, self.counts)).encode()).hexdigest()

    def table(self) -> NDArray[np.int64]:
        """Return the counts, shape ``(TYPES, REGIMES, 3)``."""
        return np.array(self.counts, np.int64).reshape(TYPES, REGIMES, len(LEARNED_FROM))

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """The posterior mean of a good outcome, shape ``(TYPES, REGIMES)``.

        The share of POSITIVE among those that are not NEUTRAL has the prior Beta(1, 1), so the mean is
        (1 + positive) / (2 + positive + negative) (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.4).
        """
        table = self.table()
        positive, negative = table[:, :, 0], table[:, :, 2]
        mean: NDArray[np.float64] = (1.0 + positive) / (2.0 + positive + negative)
        mean.flags.writeable = False
        return mean

    @cached_property
    def speaks_against(self) -> NDArray[np.int64]:
        """1 where a type has been shown not to work, shape ``(TYPES, REGIMES)``."""
        table = self.table()
        is_known = table[:, :, 0] + table[:, :, 2] >= TAUGHT_AFTER
        against = (is_known & (self.confidence < TAUGHT_BELOW)).astype(np.int64)
        against.flags.writeable = False
        return against


IGNORANT = Knowledge(0, (0,) * (TYPES * REGIMES * len(LEARNED_FROM)))


def learned(knowledge: Knowledge, outcomes: Iterable[tuple[int, int, OutcomeKind]]) -> Knowledge:
    """Return the next version: with the outcomes (type, regime, kind) of a run; PENDING and UNKNOWN teach nothing."""
    table = knowledge.table()
    for kind, regime, outcome in outcomes:
        if outcome in LEARNED_FROM:
            table[kind, regime, LEARNED_FROM.index(outcome)] += 1
    return Knowledge(knowledge.version + 1, tuple(table.ravel().tolist()))
