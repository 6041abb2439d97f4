"""The conductor's loop on paper: where a fleet of any size has its first bottleneck.

    .venv/bin/python benchmarks/scale.py

A segment is made by the market, a little ahead; the conductor asks one actor after another to trade it, each on a core
of its own or waiting for one; it takes the receipts in the same order, hands the batches to the writers, and waits
while eight segments are on their way to one. That is what ``cluster/conductor.py`` does, with the costs that
``benchmarks/live.py`` has measured in place of the work. Who is busy nearly all of the time is the bottleneck. Cores
are those of the sessions; conductors, markets and writers have cores of their own.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

from heading import heading

AHEAD_SEGMENTS, IN_FLIGHT_SEGMENTS = 3, 8
SEGMENTS, WARM_UP = 60, 20
MICRO = 1e-6


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor time in µs, measured by ``benchmarks/live.py`` on one x86_64 core."""

    call: float
    """The conductor's, of an actor's call and its receipt."""
    serve: float
    """An actor's, of a call, whatever it is about."""
    step: float
    """An actor's, of one session in one segment: the kernel, and rows as text."""
    market: float
    """The market's, of a segment."""
    write: float
    """A writer's and its server's, of one session in one segment."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many sessions, in cohorts, conducted and written by so many, on so many cores."""

    sessions: int
    cohort: int
    conductors: int
    writers: int
    cores: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    per_second: float
    """Session-segments."""
    busy: dict[str, float]
    """Share of the time in which each kind of process worked, over all of its kind."""

    @property
    def bottleneck(self) -> str:
        """Who was busiest."""
        return max(self.busy, key=lambda kind: self.busy[kind])


def simulate(fleet: Fleet, costs: Costs) -> Outcome:
    """Follow one conductor, with its share of the actors, cores and writers, through some segments."""
    actors = max(1, fleet.sessions // fleet.cohort // fleet.conductors)
    writers = max(1, fleet.writers // fleet.conductors)
    cores = [0.0] * max(1, fleet.cores // fleet.conductors)
    sessions = actors * fleet.cohort
    trade = (costs.serve + costs.step * fleet.cohort) * MICRO
    commit = costs.write * sessions / writers * MICRO
    clock = market_free = writers_free = 0.0
    taken: deque[float] = deque(maxlen=AHEAD_SEGMENTS)
    commits: deque[float] = deque(maxlen=IN_FLIGHT_SEGMENTS)
    began = 0.0
    for segment in range(WARM_UP + SEGMENTS):
        if segment == WARM_UP:
            began = clock
        market_free = max(market_free, taken[0] if len(taken) == AHEAD_SEGMENTS else 0.0) + costs.market * MICRO
        clock = max(clock, market_free)
        ends = []
        for _ in range(actors):
            clock += costs.call / 2 * MICRO
            end = max(clock, cores[0]) + trade
            heapq.heapreplace(cores, end)
            ends.append(end)
        for end in ends:
            clock = max(clock, end) + costs.call / 2 * MICRO
        taken.append(clock)
        clock = max(clock, commits[0] if len(commits) == IN_FLIGHT_SEGMENTS else 0.0)
        writers_free = max(clock, writers_free) + commit
        commits.append(writers_free)
    seconds = (clock - began) / SEGMENTS
    busy = {
        "conductor": costs.call * actors * MICRO / seconds,
        "sessions": trade * actors / len(cores) / seconds,
        "market": costs.market * MICRO / seconds,
        "writer": commit / seconds,
    }
    return Outcome(sessions * fleet.conductors / seconds, busy)


MEASURED = Costs(call=1_790, serve=9_190, step=1_340, market=9_350, write=2_600)
SESSION_GB, SESSION_RECORD_GB = 0.118, 5e-6
"""A process with one session, and what each further one of its cohort adds."""

FLEETS = (
    Fleet(sessions=1_000, cohort=1, conductors=1, writers=1, cores=64),
    Fleet(sessions=1_000, cohort=1, conductors=1, writers=4, cores=64),
    Fleet(sessions=100_000, cohort=1, conductors=1, writers=4, cores=1_024),
    Fleet(sessions=100_000, cohort=100, conductors=1, writers=4, cores=64),
    Fleet(sessions=100_000, cohort=1_000, conductors=1, writers=32, cores=64),
    Fleet(sessions=10_000_000, cohort=1_000, conductors=1, writers=32, cores=1_024),
    Fleet(sessions=10_000_000, cohort=10_000, conductors=8, writers=512, cores=1_024),
)


def memory_gb(fleet: Fleet) -> float:
    """Return what all processes of the sessions take."""
    return fleet.sessions / fleet.cohort * SESSION_GB + fleet.sessions * SESSION_RECORD_GB


def main() -> None:
    """Print the table."""
    print(heading())
    columns = "sessions", "cohort", "conductors", "writers", "cores", "GB", "seg./s", "a day in s", "first bottleneck"
    print("".join(f"{column:>18}" if column == columns[-1] else f"{column:>12}" for column in columns))
    for fleet in FLEETS:
        outcome = simulate(fleet, MEASURED)
        busy = f"{outcome.bottleneck} {100 * outcome.busy[outcome.bottleneck]:.0f} %"
        day = 24 * fleet.sessions / outcome.per_second
        counts = fleet.sessions, fleet.cohort, fleet.conductors, fleet.writers, fleet.cores
        print("".join(f"{count:12,}" for count in counts), end="")
        print(f"{memory_gb(fleet):12,.0f}{outcome.per_second:12,.0f}{day:12,.1f}{busy:>18}")


if __name__ == "__main__":
    main()
