"""What is counted of a run or a sweep while a process conducts it, whatever is replaced or taken up again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster.latency import Latencies, Written

if TYPE_CHECKING:
    from simulation.autopilot.guardrails import Refusal


@dataclass(slots=True)
class Tally:
    """The counts. What is committed is counted by who reads it there; a sweep has no Auto Pilot and counts no rows."""

    adjustments: int = 0
    outcomes: Counter[int] = field(default_factory=Counter)
    """How many adjustments have come to each OutcomeKind."""
    refusals: Counter[Refusal] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    """How many actors have been replaced, by their class."""
    rows: int = 0
    """How many are known to be durable."""
    session_blocks: int = 0
    """How many blocks trials have traded, whatever became of them; only of sweeps."""
    latencies: Latencies = field(default_factory=Latencies)
    """Of the commits that were acknowledged."""

    def written(self, writers: int) -> Written:
        """Return what so many writers have done so far."""
        return Written(writers, self.rows, self.latencies.count, self.latencies.percentiles())
