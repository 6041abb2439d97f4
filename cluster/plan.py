"""The plan of a run: its scenario, what was read for it, and where it is cut into segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.intelligence.roster import roster_of
from simulation.market.sources import open_source
from simulation.scenario import check_tokens
from simulation.trading.rules import rules_of
from storage.context import SessionContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation.intelligence.roster import PlugIn
    from simulation.market.replay import Recording
    from simulation.market.segment import TokenInfo
    from simulation.scenario import Scenario
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

    def contexts(self, prefix: int) -> tuple[SessionContext, ...]:
        """Return what each session is told of itself in the run with this id prefix."""
        return tuple(
            SessionContext.of(self.scenario, self.tokens, prefix, ordinal, analyst)
            for ordinal, analyst in enumerate(roster_of(self.scenario.accounts).rows)
        )

    def adjusts(self) -> bool:
        """Tell whether Auto Pilot may change anything in this run."""
        enabled = any(account.strategy.autopilot_enabled for account in self.scenario.accounts)
        return self.scenario.autopilot and enabled

    def segment_lengths(self) -> Iterator[int]:
        """Yield the lengths of the segments; with Auto Pilot on, none spans a review block."""
        first = 0
        while first < self.blocks:
            end = min(first + self.scenario.segment_blocks, self.blocks)
            if self.adjusts():
                end = min(end, (first // self.scenario.review_blocks + 1) * self.scenario.review_blocks)
            yield end - first
            first = end

    def is_review(self, block: int) -> bool:
        """Tell whether Auto Pilot looks before ``block``."""
        return self.adjusts() and block % self.scenario.review_blocks == 0 and block < self.blocks


def plan_of(scenario: Scenario, recording: Recording | None) -> Plan:
    """Return the plan of a scenario; raises ValueError.

    That is when a strategy names a token without a pool, or a recording ends before the run begins.
    """
    source = open_source(scenario, recording)
    check_tokens(scenario, {token.symbol for token in source.tokens})
    start_at = scenario.start_at if recording is None else recording.start_at
    scenario = scenario.model_copy(update={"start_at": start_at})
    return Plan(
        scenario=scenario,
        recording=recording,
        tokens=source.tokens,
        blocks=_blocks(scenario, source.n_blocks),
        rules=rules_of(scenario),
    )


def _blocks(scenario: Scenario, covered: int | None) -> int:
    """Return the length of the run in a market that covers so many blocks."""
    if covered is None:
        return scenario.blocks
    if scenario.start_block >= covered:
        raise ValueError(f"start_block {scenario.start_block} is after the recording, which covers {covered} blocks")
    return min(scenario.blocks, covered - scenario.start_block)
