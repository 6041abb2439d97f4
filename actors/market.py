"""The market of a run: makes one segment after another from the scenario, the recording and a carried state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actors.analysts import load
from actors.listening import listen_to_all
from simulation.intelligence.analysts import ANALYSTS, HISTORY_BLOCKS
from simulation.intelligence.roster import roster_of
from simulation.market.segment import Segment
from simulation.market.sources import open_source

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from simulation.market.replay import Recording
    from simulation.market.segment import Blocks, Breakdown, TokenInfo
    from simulation.scenario import Scenario


HEARD_BLOCKS = 7_200
"""So many blocks at once are made again for a plug-in that is to be heard about all blocks so far."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What the next segment needs of all earlier ones: the source's state, the past that signals see, who failed."""

    next_block: int
    source: Any
    mids: NDArray[np.void]  # MID, (HISTORY_BLOCKS, n_tokens)
    gas: NDArray[np.void]  # GAS, (HISTORY_BLOCKS,)
    breakdowns: tuple[Breakdown | None, ...]
    """How each analyst failed before ``next_block``; it is not asked again."""


class Market:
    """Turns (carried state, number of blocks) into a segment; a function, so that it may die at any time.

    ``folder`` is where the modules of plug-ins are looked for first; the current one where it is None. Segments have
    their past with them where it ``keeps_past``.
    """

    def __init__(
        self,
        scenario: Scenario,
        recording: Recording | None = None,
        folder: str | None = None,
        *,
        keeps_past: bool = False,
    ) -> None:
        self._keeps_past = keeps_past
        self._source = open_source(scenario, recording)
        self._name = scenario.market.source
        self._start_block = scenario.start_block
        specs = roster_of(scenario.accounts).analysts
        self._analysts = tuple((spec.name, load(spec, folder)) for spec in specs)
        self._may_fail = any(spec.name not in ANALYSTS for spec in specs)

    def __repr__(self) -> str:
        return f"Market({self._name})"

    @property
    def tokens(self) -> tuple[TokenInfo, ...]:
        """The tokens of the market, in the order of every segment's columns."""
        return self._source.tokens

    def begin(self, block: int = 0) -> Carried:
        """Return the state before a block of the run, with the past that the next signals look back at.

        Block 0 is the market's ``start_block``; the market itself begins as long before its own block 0 as signals
        look. Plug-ins are asked about all blocks before: whether one has failed is known in no other way.
        """
        if block and self._may_fail:
            return self._heard(block)
        first = self._start_block + block
        skipped = self._source.skip(self._source.begin(), -HISTORY_BLOCKS, first)
        source, past = self._source.advance(skipped, first - HISTORY_BLOCKS, HISTORY_BLOCKS)
        return Carried(block, source, past.mids, past.gas, (None,) * len(self._analysts))

    def _heard(self, block: int) -> Carried:
        """Return the state before a block from all blocks before it."""
        carried = self.begin()
        while carried.next_block < block:
            _, _, carried = self.segment(carried, min(HEARD_BLOCKS, block - carried.next_block))
        return carried

    def records(self, carried: Carried, n_blocks: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the MID and GAS records that analysts look at for the next ``n_blocks``, with the past."""
        _, made = self._source.advance(carried.source, self._start_block + carried.next_block, n_blocks)
        return _seen(carried, made)

    def segment(self, carried: Carried, n_blocks: int) -> tuple[int, Segment, Carried]:
        """Return the block after the next ``n_blocks``, those blocks, and the state after them.

        An analyst that fails is silent from that block on, for the rest of the run, and the segment says so.
        """
        first_block = carried.next_block
        source, made = self._source.advance(carried.source, self._start_block + first_block, n_blocks)
        mids, gas = _seen(carried, made)
        signals, breakdowns = listen_to_all(self._analysts, carried.breakdowns, first_block, mids, gas, self.tokens)
        past_of_it = (carried.mids, carried.gas) if self._keeps_past else None
        segment = Segment(first_block, *made, signals, breakdowns, past_of_it)
        past = mids[-HISTORY_BLOCKS:].copy(), gas[-HISTORY_BLOCKS:].copy()
        after = Carried(first_block + n_blocks, source, *past, breakdowns)
        return after.next_block, segment, after


def _seen(carried: Carried, made: Blocks) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the records of the past and of the blocks after it in one piece."""
    return np.concatenate([carried.mids, made.mids]), np.concatenate([carried.gas, made.gas])
