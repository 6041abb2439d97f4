"""A recorded market, block by block.

A block shows the state at the end of the last bar that ended at or before the block's time. Nothing is interpolated,
because a price between two bars would tell of the second before it happened. Blocks before 0, the warm-up, show the
first bar.

What is unrealistic: the price stands still inside a bar, and gas comes from the model, not from the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.market.segment import NATIVE_SHIFT, Blocks, PoolInfo, TokenInfo
from simulation.market.synthetic import NATIVE_SYMBOL, Carried, Engine
from simulation.state import MID, POOL

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from simulation.settings.gas import Gas


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The pool of one token at the end of each of a row of bars; all arrays have shape ``(n_bars,)``."""

    symbol: str
    name: str
    decimals: int
    fee_bp: int
    start_at: datetime
    """End of the first bar, in UTC."""
    close_ms: NDArray[np.int64]
    """End of each bar after ``start_at``: 0, then rising."""
    reserve_micro_usd: NDArray[np.uint64]
    reserve_hi: NDArray[np.uint64]
    reserve_lo: NDArray[np.uint64]
    price_shift: int

    def pools(self) -> NDArray[np.void]:
        """Return the POOL records of the bars, shape ``(n_bars,)``."""
        pools = np.zeros(len(self.close_ms), POOL)
        pools["other_lo"] = self.reserve_micro_usd
        pools["reserve_hi"], pools["reserve_lo"] = self.reserve_hi, self.reserve_lo
        return pools

    def mids(self) -> NDArray[np.void]:
        """Return the MID records of the bars, shape ``(n_bars,)``."""
        mids = np.zeros(len(self.close_ms), MID)
        mids["price_q"] = self._prices(self.price_shift)
        mids["depth_micro_usd"] = self.reserve_micro_usd
        return mids

    def native_prices(self) -> NDArray[np.uint64]:
        """Return ``native_price_q`` of the bars of a recording of the chain's own coin, shape ``(n_bars,)``."""
        return self._prices(NATIVE_SHIFT)

    def _prices(self, shift: int) -> NDArray[np.uint64]:
        scale_hi, scale_lo = (np.uint64(limb) for limb in wei.split(1 << shift))
        prices = np.zeros(len(self.close_ms), np.uint64)
        _divide_reserves(self.reserve_micro_usd, scale_hi, scale_lo, self.reserve_hi, self.reserve_lo, prices)
        return prices


class ReplaySource:
    """A market read from a recording; nothing in it changes after construction."""

    def __init__(self, recording: Recording, gas: Gas, seed: int, block_time_ms: int, week_offset_ms: int = 0) -> None:
        """Prepare the bars; the seed drives gas, and the price of the native coin where it isn't the one recorded."""
        pool = PoolInfo(fee_bp=recording.fee_bp)
        self.tokens = (TokenInfo(recording.symbol, recording.name, recording.decimals, recording.price_shift, (pool,)),)
        self.n_blocks: int | None = int(recording.close_ms[-1]) // block_time_ms + 1
        """Blocks that the recording covers, from block 0 on."""
        self._block_time_ms = block_time_ms
        self._close_ms = recording.close_ms
        self._mids, self._pools = recording.mids(), recording.pools()
        self._native_prices = recording.native_prices() if recording.symbol == NATIVE_SYMBOL else None
        self._engine = Engine((), (), gas, seed, block_time_ms, week_offset_ms)

    def begin(self) -> Carried:
        """Return where the gas market stands before its first block, whichever that is."""
        return self._engine.begin()

    def advance(self, carried: Carried, first_block: int, n_blocks: int) -> tuple[Carried, Blocks]:
        """Return where the gas market stands after the next blocks, and those blocks."""
        carried, (_, _, gas) = self._engine.advance(carried, first_block, n_blocks)
        bars = self._bars(first_block, n_blocks)
        if self._native_prices is not None:
            gas["native_price_q"] = self._native_prices[bars]
        return carried, Blocks(self._mids[bars][:, np.newaxis], self._pools[bars][:, np.newaxis], gas)

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` over the next blocks would lead."""
        return self._engine.skip(carried, first_block, n_blocks)

    def _bars(self, first_block: int, n_blocks: int) -> NDArray[np.intp]:
        """Return the bar that each block shows."""
        block_ms = np.arange(first_block, first_block + n_blocks, dtype=np.int64) * self._block_time_ms
        ended = np.searchsorted(self._close_ms, block_ms, side="right")
        return np.maximum(ended - 1, 0)


@compiled
def _divide_reserves(reserve_micro_usd, scale_hi, scale_lo, reserve_hi, reserve_lo, prices):
    for i in range(len(prices)):
        _, prices[i] = wei.mul_div(wei.U0, reserve_micro_usd[i], scale_hi, scale_lo, reserve_hi[i], reserve_lo[i])
