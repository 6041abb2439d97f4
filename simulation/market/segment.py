"""What the market hands to everybody: tokens once, then one segment after another.

A segment is a run of consecutive blocks, made once and shared read-only by all sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.choices import PoolKind
from simulation.market.concentrated import TICK_SPACINGS
from simulation.market.swap_gas import SwapKind, max_swap_gas
from simulation.settings.market import USD_SYMBOL, Venue
from simulation.state import PAIR, ROUTE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NATIVE_SHIFT = 78
"""``native_price_q`` is in 2**-78 micro-USD per wei: 1 USD a coin is about 3.0e11."""

PRICE_Q_BITS = 48
"""``price_shift`` is chosen so that the first price of a token has about this many bits."""

NEVER = 2**62
"""Stands for a block that no run reaches."""

USD_DECIMALS = 6
PIPS_PER_BP = 100


@dataclass(frozen=True, slots=True)
class PoolInfo:
    """The terms of a pool, as everybody outside the kernel knows them."""

    venue: str = str(Venue.UNISWAP_V2)
    fee_bp: int = 30
    against: str = USD_SYMBOL
    token_is_zero: bool | None = None
    """Whether the traded token is the contract's token0; None where the order of the made-up addresses decides."""

    @property
    def kind(self) -> PoolKind:
        """The curve of its venue."""
        return PoolKind.CONCENTRATED if self.venue == Venue.UNISWAP_V3 else PoolKind.CONSTANT_PRODUCT

    @property
    def swap_kind(self) -> SwapKind:
        """What a swap in it burns gas like."""
        return SwapKind[self.venue.upper()]


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A traded token and the pools it is traded in, as everybody outside the kernel knows it."""

    symbol: str
    name: str
    decimals: int
    price_shift: int
    """``price_q`` counts 2**-price_shift micro-USD per base unit."""
    pools: tuple[PoolInfo, ...] = (PoolInfo(),)
    """The first one's price is the token's mid."""

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


class Breakdown(NamedTuple):
    """How an analyst failed in the course of a run: from ``block`` on it says nothing any more."""

    analyst: str
    """As strategies name it."""
    block: int
    """The first block to which it had no answer."""
    message: str
    """The error's type and message."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        return f"Analyst {self.analyst} failed at block {self.block}: {self.message}."


class Blocks(NamedTuple):
    """What a source of a market makes: consecutive blocks, before anybody has looked at them."""

    mids: NDArray[np.void]  # MID, (n_blocks, n_tokens)
    pools: NDArray[np.void]  # POOL, (n_blocks, n_pools); the pools of each token in turn
    gas: NDArray[np.void]  # GAS, (n_blocks,)


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive blocks of the market, from ``first_block`` on."""

    first_block: int
    mids: NDArray[np.void]  # MID, (n_blocks, n_tokens)
    pools: NDArray[np.void]  # POOL, (n_blocks, n_pools)
    gas: NDArray[np.void]  # GAS, (n_blocks,)
    signals: NDArray[np.void]  # SIGNAL, (n_analysts, n_blocks, n_tokens)
    breakdowns: tuple[Breakdown | None, ...] = ()
    """How each analyst failed, if it did before the end of the segment; empty where none did."""
    past: tuple[NDArray[np.void], NDArray[np.void]] | None = None
    """MID and GAS of the ``HISTORY_BLOCKS`` before it, where whoever gets it asks analysts of its own."""

    @property
    def end_block(self) -> int:
        """The first block after the segment."""
        return self.first_block + len(self.gas)

    @property
    def stops(self) -> NDArray[np.int64]:
        """The first block of which each analyst says nothing any more, ``NEVER`` while it does: ``(n_analysts,)``."""
        failed = [self.breakdown(row) for row in range(len(self.signals))]
        return np.array([NEVER if one is None else one.block for one in failed], np.int64)

    def breakdown(self, analyst: int) -> Breakdown | None:
        """Return how the analyst of a row failed, None while it did not."""
        return self.breakdowns[analyst] if self.breakdowns else None

    def until(self, block: int) -> Segment:
        """Return what of the segment is before ``block``: nothing where it begins later, all where it ends earlier."""
        n_blocks = max(block - self.first_block, 0)
        mids, pools, gas = (records[:n_blocks] for records in (self.mids, self.pools, self.gas))
        return Segment(self.first_block, mids, pools, gas, self.signals[:, :n_blocks], self.breakdowns)


def token_address(symbol: str) -> str:
    """Return the made-up contract address of ``symbol``: the last 20 bytes of its hash."""
    return "0x" + sha256(f"paperdex token {symbol}".encode()).hexdigest()[-40:]


def price_shift_for(price_usd: float, decimals: int) -> int:
    """Return the shift at which ``price_usd`` has about ``PRICE_Q_BITS`` bits; from 1 to 127."""
    micro_usd_per_unit = price_usd * 10.0 ** (USD_DECIMALS - decimals)
    exponent = int(np.frexp(micro_usd_per_unit)[1])
    return min(max(PRICE_Q_BITS - exponent, 1), 127)


class Route(NamedTuple):
    """How a token is traded: rows of the market's pools, ``usd_pool`` -1 where the first is against USDC."""

    token: int
    pool: int
    usd_pool: int

    @property
    def n_hops(self) -> int:
        """How many pools it goes through."""
        return 1 if self.usd_pool < 0 else 2


def all_pools(tokens: Sequence[TokenInfo]) -> list[tuple[int, PoolInfo]]:
    """Return (row of the token, pool) of every pool of a market, in the order of its columns."""
    return [(row, pool) for row, token in enumerate(tokens) for pool in token.pools]


def all_routes(tokens: Sequence[TokenInfo]) -> list[Route]:
    """Return every route of a market, the tokens in turn: through one pool, or through a second one to USDC."""
    pools = all_pools(tokens)
    to_usd: dict[str, list[int]] = {}
    for at, (row, pool) in enumerate(pools):
        if pool.against == USD_SYMBOL:
            to_usd.setdefault(tokens[row].symbol, []).append(at)
    return [
        Route(row, at, usd_pool)
        for at, (row, pool) in enumerate(pools)
        for usd_pool in ([-1] if pool.against == USD_SYMBOL else to_usd[pool.against])
    ]


class Terms(NamedTuple):
    """What never changes in a market, as the kernel reads it."""

    tokens: NDArray[np.void]  # TOKEN, (n_tokens,)
    pairs: NDArray[np.void]  # PAIR, (n_pools,)
    routes: NDArray[np.void]  # ROUTE, (n_routes,)


def terms_of(tokens: Sequence[TokenInfo]) -> Terms:
    """Return the records of a market of these tokens."""
    routes, pools = all_routes(tokens), all_pools(tokens)
    records = Terms(np.zeros(len(tokens), TOKEN), np.zeros(len(pools), PAIR), np.zeros(len(routes), ROUTE))
    of_token = [route.token for route in routes]
    for row, token in enumerate(tokens):
        most = max(max_swap_gas(route.n_hops, pools[route.pool][1].swap_kind) for route in routes if route.token == row)
        records.tokens[row] = (token.price_shift, token.decimals, of_token.index(row), of_token.count(row), most)
    rows = {token.symbol: row for row, token in enumerate(tokens)}
    for record, (row, pool) in zip(records.pairs, pools, strict=True):
        record["kind"], record["swap_kind"] = pool.kind, pool.swap_kind
        record["fee_pips"] = pool.fee_bp * PIPS_PER_BP
        record["tick_spacing"] = TICK_SPACINGS.get(pool.fee_bp * PIPS_PER_BP, 1)
        by_address = tokens[row].address < token_address(pool.against)
        record["token_is_zero"] = by_address if pool.token_is_zero is None else pool.token_is_zero
        record["against"] = rows.get(pool.against, -1)
    for record, route in zip(records.routes, routes, strict=True):
        record["pool"], record["usd_pool"] = route.pool, route.usd_pool
    return records
