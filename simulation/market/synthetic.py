"""The synthetic market: every token's price and pool, and the chain, as a function of (market, seed).

What a token does depends on the seed, its symbol and its own parameters only: adding a token to a market changes
none of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.market import clock, liquidity, prices, volatility
from simulation.market import gas as fee_market
from simulation.market.segment import NATIVE_SHIFT, USD_DECIMALS, Blocks, PoolInfo, TokenInfo, price_shift_for
from simulation.rng import Stream, key_of
from simulation.settings.market import Pool, Regime, Token, TokenClass
from simulation.state import GAS, MID, POOL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.settings.gas import Gas
    from simulation.settings.market import SyntheticMarket

NATIVE_SYMBOL = "WETH"
"""The token whose price is that of the chain's own coin."""

NATIVE_DECIMALS = 18

NATIVE_TOKEN = Token(
    symbol=NATIVE_SYMBOL,
    name="Wrapped Ether",
    token_class=TokenClass.MAJOR,
    decimals=NATIVE_DECIMALS,
    price_usd=2500.0,
    pools=(Pool(fee_bp=5, liquidity_usd=1e8),),
)
"""Runs beside a market that doesn't list it, to price the gas."""

MAX_NATIVE_PRICE_USD = 30_000_000.0
"""What ``native_price_q`` holds in 63 bits; gas is never charged at a higher price."""


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Where a market stands between two blocks: all that is needed to go on, and picklable."""

    noises: NDArray[np.void]  # NOISE, (1 + n_sectors + n_paths,)
    paths: NDArray[np.void]  # PATH, (n_paths,): the tokens, and the native coin where it isn't listed
    logs: NDArray[np.float64]  # (n_pools,): the log of each pool's price against the first
    chain: NDArray[np.void]  # CHAIN, (1,)

    def copy(self) -> Carried:
        """Return a copy that shares no memory."""
        return Carried(self.noises.copy(), self.paths.copy(), self.logs.copy(), self.chain.copy())


class SyntheticSource:
    """A market made from random processes; nothing in it changes after construction."""

    n_blocks: int | None = None
    """It never ends."""

    def __init__(
        self, market: SyntheticMarket, gas: Gas, seed: int, block_time_ms: int, week_offset_ms: int = 0
    ) -> None:
        """Prepare the constants; block 0 begins ``week_offset_ms`` after a Monday 00:00 UTC.

        A pool that the integers can't hold raises ValueError.
        """
        self.tokens = tuple(_describe(token) for token in market.tokens)
        self._engine = Engine(market.tokens, self.tokens, gas, seed, block_time_ms, week_offset_ms, market.regime)

    def begin(self) -> Carried:
        """Return where the market stands before its first block, whichever that is."""
        return self._engine.begin()

    def advance(self, carried: Carried, first_block: int, n_blocks: int) -> tuple[Carried, Blocks]:
        """Return where the market stands after the next blocks, and those blocks.

        A block is a function of the seed and the blocks before it; how they are cut into calls changes nothing.
        """
        return self._engine.advance(carried, first_block, n_blocks)

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` over the next blocks would lead; a year takes seconds and no memory."""
        return self._engine.skip(carried, first_block, n_blocks)

    def variances(self, carried: Carried) -> NDArray[np.float64]:
        """Return the variance of each token's log return in the block that led here, given its volatility.

        Jumps come on top of it; shape ``(n_tokens,)``.
        """
        return self._engine.variances(carried)[: len(self.tokens)]


class Engine:
    """The processes of some tokens, their pools, the native coin and the chain, stepped together."""

    def __init__(
        self,
        tokens: tuple[Token, ...],
        infos: tuple[TokenInfo, ...],
        gas: Gas,
        seed: int,
        block_time_ms: int,
        week_offset_ms: int = 0,
        regime: Regime = Regime.NORMAL,
    ) -> None:
        symbols = [token.symbol for token in tokens]
        self._listed = tokens if NATIVE_SYMBOL in symbols else (*tokens, NATIVE_TOKEN)
        self._native_row = [token.symbol for token in self._listed].index(NATIVE_SYMBOL)
        self._first_native_q = _native_q(self._listed[self._native_row].price_usd)
        self._seed = np.uint64(seed)
        self._rates = prices.rate_records(regime, seed, block_time_ms, week_offset_ms)
        self._week = clock.week()
        self._fees = fee_market.fee_records(gas, block_time_ms, regime)
        self._chain = fee_market.chain_at_start(gas)
        self._processes = np.zeros(len(self._listed), prices.PROCESS)
        sectors = sorted({_sector(token) for token in self._listed})
        self._sectors = np.array([Stream.PRICE + 2 * _key(f"sector {sector}") for sector in sectors], np.uint64)
        for record, token in zip(self._processes, self._listed, strict=True):
            _write_process(record, token, regime, block_time_ms)
            record["sector_row"] = sectors.index(_sector(token))
        self._flows = liquidity.flow_records(self._listed, infos, block_time_ms)
        self._first_prices_q = np.array(
            [_price_q(token.price_usd, info) for token, info in zip(tokens, infos, strict=True)]
        )

    def begin(self) -> Carried:
        """Return where everything stands before the first block: volatility is drawn, the rest is at its level."""
        noises = np.zeros(1 + len(self._sectors) + len(self._listed), volatility.NOISE)
        deviations = volatility.stationary_deviations()
        prices.start_prices(noises, self._processes, self._sectors, deviations, self._seed)
        paths = np.zeros(len(self._listed), prices.PATH)
        return Carried(noises, paths, np.zeros(len(self._flows)), self._chain.copy())

    def advance(self, carried: Carried, first_block: int, n_blocks: int) -> tuple[Carried, Blocks]:
        """Return where everything stands after the next blocks, and those blocks."""
        carried = carried.copy()
        blocks = self._empty(n_blocks)
        self._run(carried, first_block, n_blocks, blocks)
        return carried, blocks

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` would lead; one row is written over and over."""
        carried = carried.copy()
        self._run(carried, first_block, n_blocks, self._empty(1))
        return carried

    def variances(self, carried: Carried) -> NDArray[np.float64]:
        """Return the variance of each path's log return in the block that led here, the native coin's too."""
        return prices.variances(carried.noises, self._processes, len(self._sectors))

    def _empty(self, n_blocks: int) -> Blocks:
        mids = np.zeros((n_blocks, len(self._first_prices_q)), MID)
        return Blocks(mids, np.zeros((n_blocks, len(self._flows)), POOL), np.zeros(n_blocks, GAS))

    def _run(self, carried: Carried, first_block: int, n_blocks: int, blocks: Blocks) -> None:
        _run(
            self._seed, first_block, n_blocks, self._rates, self._week, self._sectors, self._processes, self._flows,
            self._fees, self._native_row, self._first_native_q, self._first_prices_q, carried.noises, carried.paths,
            carried.logs, carried.chain, blocks,
        )  # fmt: skip


@compiled
def _run(
    seed, first_block, n_blocks, rates, week, sectors, processes, flows, fees, native_row, first_native_q,
    first_prices_q, noises, paths, logs, chain, blocks,
):  # fmt: skip
    gas = blocks.gas
    for step in range(n_blocks):
        block, row = first_block + step, step % len(gas)
        prices.step_prices(paths, noises, processes, sectors, rates[0], week, seed, block)
        liquidity.step_pools(logs, paths, flows, seed, block)
        liquidity.write_pools(blocks.mids[row], blocks.pools[row], logs, paths, flows, first_prices_q)
        fee_market.step_chain(gas[row], chain[0], fees[0], seed, block)
        native_q = first_native_q * np.exp(paths[native_row].price)
        gas[row].native_price_q = np.uint64(min(native_q, _MAX_NATIVE_Q))


def _native_q(price_usd: float) -> float:
    return price_usd * 10.0 ** (USD_DECIMALS - NATIVE_DECIMALS) * 2.0**NATIVE_SHIFT


_MAX_NATIVE_Q = _native_q(MAX_NATIVE_PRICE_USD)


def _describe(token: Token) -> TokenInfo:
    shift = price_shift_for(token.price_usd, token.decimals)
    pools = tuple(PoolInfo(str(pool.venue), pool.fee_bp, pool.against) for pool in token.pools)
    return TokenInfo(token.symbol, token.name, token.decimals, shift, pools)


def _price_q(price_usd: float, info: TokenInfo) -> float:
    return price_usd * 10.0 ** (USD_DECIMALS - info.decimals) * 2.0**info.price_shift


def _key(name: str) -> int:
    """Return 31 bits that name a token or a sector."""
    return key_of(name) >> 1


def _sector(token: Token) -> str:
    return token.sector or token.token_class


def _write_process(record: np.void, token: Token, regime: Regime, block_time_ms: int) -> None:
    record["price_stream"] = Stream.PRICE + 2 * _key(token.symbol) + 1  # odd; a sector's is even, the market's is 0
    prices.write_character(record, token.token_class, regime, block_time_ms)
