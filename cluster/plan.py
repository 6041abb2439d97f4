"""The plan of a run: its scenario, what was read for it, and where it is cut into segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.market.sources import open_source
from simulation.scenario import check_tokens
from simulation.trading.rules import rules_of
from storage.context import SessionContext

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def contexts(self, prefix: int) -> tuple[SessionContext, ...]:
        """Return what each session is told of itself in the run with this id prefix."""
        return tuple(
            SessionContext.of(self.scenario, self.tokens, prefix, ordinal)
            for ordinal in range(len(self.scenario.accounts))
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
    """Return the plan of a scenario; raises ValueError when a strategy names a token without a pool."""
    source = open_source(scenario, recording)
    check_tokens(scenario, {token.symbol for token in source.tokens})
    start_at = scenario.start_at if recording is None else recording.start_at
    covered = getattr(source, "n_blocks", None)
    scenario = scenario.model_copy(update={"start_at": start_at})
    return Plan(
        scenario=scenario,
        recording=recording,
        tokens=source.tokens,
        blocks=scenario.blocks if covered is None else min(scenario.blocks, covered),
        rules=rules_of(scenario),
    )
