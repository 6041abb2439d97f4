"""The plan of a run: its scenario, what was read for it, and where it is cut into segments."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.autopilot.knowledge import IGNORANT
from simulation.intelligence.roster import roster_of
from simulation.market.sources import open_source
from simulation.scenario import check_tokens, check_turns
from simulation.trading.rules import rules_of
from storage.context import SessionContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulation.autopilot.knowledge import Knowledge
    from simulation.intelligence.roster import PlugIn
    from simulation.market.replay import Recording
    from simulation.market.segment import TokenInfo
    from simulation.scenario import Scenario
    from simulation.settings.strategy import Strategy
    from simulation.trading.rules import Rules


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is known of a run before it begins."""

    scenario: Scenario
    recording: Recording | None
    tokens: tuple[TokenInfo, ...]
    blocks: int
    rules: Rules
    repairs: tuple[str, ...] = ()
    """What was done about gaps and disorder in recordings, in clauses."""
    plug_ins: tuple[PlugIn, ...] = ()
    """The analysts that are not built in, as they were tried."""
    knowledge: Knowledge = IGNORANT
    """What Auto Pilot knows, of the version that the scenario names; read when the database is open."""

    def lines(self, prefix: int) -> tuple[tuple[SessionContext, ...], ...]:
        """Return for each account what its sessions, one after another, are told of themselves."""
        return tuple(
            tuple(
                SessionContext.of(self.scenario, self.tokens, prefix, ordinal, analyst, number)
                for number, analyst in enumerate(analysts)
            )
            for ordinal, analysts in enumerate(roster_of(self.scenario.accounts).rows)
        )

    def strategies(self) -> tuple[tuple[Strategy, ...], ...]:
        """Return for each account the strategies of its sessions."""
        return tuple(tuple(turn.strategy for turn in account.in_turn) for account in self.scenario.accounts)

    def adjusts(self) -> bool:
        """Tell whether Auto Pilot may change anything in this run."""
        enabled = any(strategy.autopilot_enabled for line in self.strategies() for strategy in line)
        return self.scenario.autopilot and enabled

    def segment_lengths(self, first: int = 0, cuts: Iterable[int] = ()) -> Iterator[int]:
        """Yield the lengths of the segments from a block on.

        None spans a change of sessions, one of the ``cuts``, nor a review with Auto Pilot on.
        """
        changes = sorted({start for account in self.scenario.accounts for start in account.starts} | set(cuts))
        while first < self.blocks:
            later = bisect_right(changes, first)
            end = min(first + self.scenario.segment_blocks, self.blocks, *changes[later : later + 1])
            if self.adjusts():
                end = min(end, (first // self.scenario.review_blocks + 1) * self.scenario.review_blocks)
            yield end - first
            first = end

    def is_review(self, block: int) -> bool:
        """Tell whether Auto Pilot looks before ``block``."""
        return self.adjusts() and block % self.scenario.review_blocks == 0 and block < self.blocks


def plan_of(scenario: Scenario, recording: Recording | None) -> Plan:
    """Return the plan of a scenario; raises ValueError.

    That is when a strategy names a token without a pool, or a recording ends before the run or a session begins.
    """
    source = open_source(scenario, recording)
    check_tokens(scenario, {token.symbol for token in source.tokens})
    start_at = scenario.start_at if recording is None else recording.start_at
    scenario = scenario.model_copy(update={"start_at": start_at})
    blocks = _blocks(scenario, source.n_blocks)
    for account in scenario.accounts:
        check_turns(account, blocks, scenario.review_blocks)
    return Plan(
        scenario=scenario,
        recording=recording,
        tokens=source.tokens,
        blocks=blocks,
        rules=rules_of(scenario),
    )


def _blocks(scenario: Scenario, covered: int | None) -> int:
    """Return the length of the run in a market that covers so many blocks."""
    if covered is None:
        return scenario.blocks
    if scenario.start_block >= covered:
        raise ValueError(f"start_block {scenario.start_block} is after the recording, which covers {covered} blocks")
    return min(scenario.blocks, covered - scenario.start_block)
