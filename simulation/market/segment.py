"""What the market hands to everybody: tokens once, then one segment after another.

A segment is a run of consecutive blocks, made once and shared read-only by all sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from simulation.state import TOKEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

NATIVE_SHIFT = 78
"""``native_price_q`` is in 2**-78 micro-USD per wei: 1 USD a coin is about 3.0e11."""

PRICE_Q_BITS = 48
"""``price_shift`` is chosen so that the first price of a token has about this many bits."""

USD_SYMBOL = "USDC"
USD_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A traded token and the pool it is traded in, as everybody outside the kernel knows it."""

    symbol: str
    name: str
    decimals: int
    fee_bp: int
    price_shift: int
    """``price_q`` counts 2**-price_shift micro-USD per base unit."""
    venue: str = "uniswap_v2"

    @property
    def address(self) -> str:
        """An address that looks real and is a function of the symbol."""
        return token_address(self.symbol)

    def price_usd(self, price_q: int) -> float:
        """Return the price of one whole token in USD."""
        return float(price_q) * 10.0 ** (self.decimals - USD_DECIMALS) / 2.0**self.price_shift


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated time: block 0 begins at ``start_at``."""

    start_at: datetime
    block_time_ms: int

    def at(self, block: int) -> datetime:
        """Return the time at which ``block`` begins."""
        return self.start_at + timedelta(milliseconds=block * self.block_time_ms)


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive blocks of the market, from ``first_block`` on."""

    first_block: int
    pools: NDArray[np.void]  # POOL, (n_blocks, n_tokens)
    gas: NDArray[np.void]  # GAS, (n_blocks,)
    signals: NDArray[np.void]  # SIGNAL, (n_blocks, n_tokens)

    @property
    def end_block(self) -> int:
        """The first block after the segment."""
        return self.first_block + len(self.gas)


def token_address(symbol: str) -> str:
    """Return the made-up contract address of ``symbol``: the last 20 bytes of its hash."""
    return "0x" + sha256(f"paperdex token {symbol}".encode()).hexdigest()[-40:]


def price_shift_for(price_usd: float, decimals: int) -> int:
    """Return the shift at which ``price_usd`` has about ``PRICE_Q_BITS`` bits; from 1 to 127."""
    micro_usd_per_unit = price_usd * 10.0 ** (USD_DECIMALS - decimals)
    exponent = int(np.frexp(micro_usd_per_unit)[1])
    return min(max(PRICE_Q_BITS - exponent, 1), 127)


def token_records(tokens: tuple[TokenInfo, ...]) -> NDArray[np.void]:
    """Return the TOKEN records of ``tokens``, shape ``(n_tokens,)``."""
    records = np.zeros(len(tokens), TOKEN)
    for record, token in zip(records, tokens, strict=True):
        record["fee_bp"] = token.fee_bp
        record["price_shift"] = token.price_shift
        record["decimals"] = token.decimals
    return records
