"""Where a market comes from: one interface, whatever is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simulation.market.clock import week_offset_ms
from simulation.market.replay import ReplaySource
from simulation.market.synthetic import Carried, SyntheticSource
from simulation.settings.market import SyntheticMarket

if TYPE_CHECKING:
    from simulation.market.replay import Recording
    from simulation.market.segment import Blocks, TokenInfo
    from simulation.scenario import Scenario


class MarketSource(Protocol):
    """A market that is made block after block, and is a function of what it was made from."""

    tokens: tuple[TokenInfo, ...]
    n_blocks: int | None
    """Blocks it can make from block 0 on; None where it never ends."""

    def begin(self) -> Carried:
        """Return where the market stands before its first block, whichever that is."""

    def advance(self, carried: Carried, first_block: int, n_blocks: int) -> tuple[Carried, Blocks]:
        """Return where the market stands after the next blocks, and those blocks."""

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` over the next blocks would lead, without making them."""


def open_source(scenario: Scenario, recording: Recording | None) -> SyntheticSource | ReplaySource:
    """Return the market of a scenario; one that replays needs its recording, and ValueError says so."""
    if isinstance(scenario.market, SyntheticMarket):
        offset_ms = week_offset_ms(scenario.start_at)
        return SyntheticSource(scenario.market, scenario.gas, scenario.seed, scenario.block_time_ms, offset_ms)
    if recording is None:
        raise ValueError(f"market.recordings: {scenario.market.recordings[0].path} has not been read")
    offset_ms = week_offset_ms(recording.start_at)
    return ReplaySource(recording, scenario.gas, scenario.seed, scenario.block_time_ms, offset_ms)
