"""The synthetic market: every token's price and pool, and the chain, as a function of (market, seed).

What a token does depends on the seed, its symbol and its own parameters only: adding a token to a market changes
none of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from simulation import wei
from simulation.jit import compiled
from simulation.market import clock, prices, volatility
from simulation.market import gas as fee_market
from simulation.market.segment import NATIVE_SHIFT, USD_DECIMALS, TokenInfo, price_shift_for
from simulation.rng import Stream
from simulation.scenario import Regime, Token, TokenClass
from simulation.state import GAS, POOL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.scenario import Gas, SyntheticMarket

NATIVE_SYMBOL = "WETH"
"""The token whose price is that of the chain's own coin."""

NATIVE_DECIMALS = 18

NATIVE_TOKEN = Token(
    symbol=NATIVE_SYMBOL,
    name="Wrapped Ether",
    token_class=TokenClass.MAJOR,
    decimals=NATIVE_DECIMALS,
    price_usd=2500.0,
    liquidity_usd=1e8,
    fee_bp=5,
)
"""Runs beside a market that doesn't list it, to price the gas."""

MAX_NATIVE_PRICE_USD = 30_000_000.0
"""What ``native_price_q`` holds in 63 bits; gas is never charged at a higher price."""

MIN_FIRST_UNITS = 10**7
"""Base units in a pool where the market begins, so that a price always resolves a basis point."""

MAX_FIRST_UNITS = 10**31
"""Leaves room below 2**112 for the price and the liquidity to reach their bounds."""


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Where a market stands between two blocks: all that is needed to go on, and picklable."""

    noises: NDArray[np.void]  # NOISE, (1 + n_sectors + n_paths,)
    paths: NDArray[np.void]  # PATH, (n_paths,): the tokens, and the native coin where it isn't listed
    chain: NDArray[np.void]  # CHAIN, (1,)

    def copy(self) -> Carried:
        """Return a copy that shares no memory."""
        return Carried(self.noises.copy(), self.paths.copy(), self.chain.copy())


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
        for token in market.tokens:
            _check(token)
        self.tokens = tuple(_describe(token) for token in market.tokens)
        self._engine = Engine(market.tokens, gas, seed, block_time_ms, week_offset_ms, market.regime)

    def begin(self) -> Carried:
        """Return where the market stands before its first block, whichever that is."""
        return self._engine.begin()

    def advance(
        self, carried: Carried, first_block: int, n_blocks: int
    ) -> tuple[Carried, NDArray[np.void], NDArray[np.void]]:
        """Return (carried, pools POOL ``(n_blocks, n_tokens)``, gas GAS ``(n_blocks,)``) of the next blocks.

        A block is a function of the seed and the blocks before it; how they are cut into calls changes nothing.
        """
        return self._engine.advance(carried, first_block, n_blocks, len(self.tokens))

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` over the next blocks would lead; a year takes seconds and no memory."""
        return self._engine.skip(carried, first_block, n_blocks, len(self.tokens))


class Engine:
    """The processes of some tokens, the native coin and the chain, stepped together."""

    def __init__(
        self,
        tokens: tuple[Token, ...],
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
        self._fees = fee_market.fee_records(gas, block_time_ms)
        self._chain = fee_market.chain_at_start(gas)
        self._processes = np.zeros(len(self._listed), prices.PROCESS)
        sectors = sorted({_sector(token) for token in self._listed})
        self._sectors = np.array([Stream.PRICE + 2 * _key(f"sector {sector}") for sector in sectors], np.uint64)
        for record, token in zip(self._processes, self._listed, strict=True):
            _write_process(record, token, regime, block_time_ms)
            record["sector_row"] = sectors.index(_sector(token))

    def begin(self) -> Carried:
        """Return where everything stands before the first block: volatility is drawn, the rest is at its level."""
        noises = np.zeros(1 + len(self._sectors) + len(self._listed), volatility.NOISE)
        deviations = volatility.stationary_deviations()
        prices.start_prices(noises, self._processes, self._sectors, deviations, self._seed)
        return Carried(noises, np.zeros(len(self._listed), prices.PATH), self._chain.copy())

    def advance(
        self, carried: Carried, first_block: int, n_blocks: int, n_pools: int
    ) -> tuple[Carried, NDArray[np.void], NDArray[np.void]]:
        """Return (carried, pools, gas) of the next blocks, with the pools of the first ``n_pools`` tokens."""
        carried = carried.copy()
        pools, gas = np.zeros((n_blocks, n_pools), POOL), np.zeros(n_blocks, GAS)
        self._run(carried, first_block, n_blocks, pools, gas)
        return carried, pools, gas

    def skip(self, carried: Carried, first_block: int, n_blocks: int, n_pools: int) -> Carried:
        """Return where ``advance`` would lead; one row is written over and over."""
        carried = carried.copy()
        self._run(carried, first_block, n_blocks, np.zeros((1, n_pools), POOL), np.zeros(1, GAS))
        return carried

    def _run(
        self, carried: Carried, first_block: int, n_blocks: int, pools: NDArray[np.void], gas: NDArray[np.void]
    ) -> None:
        _run(
            self._seed, first_block, n_blocks, self._rates, self._week, self._sectors, self._processes, self._fees,
            self._native_row, self._first_native_q, carried.noises, carried.paths, carried.chain, pools, gas,
        )  # fmt: skip


@compiled
def _run(
    seed, first_block, n_blocks, rates, week, sectors, processes, fees, native_row, first_native_q, noises, paths,
    chain, pools, gas,
):  # fmt: skip
    for step in range(n_blocks):
        block, row = first_block + step, step % len(gas)
        prices.step_prices(paths, noises, processes, sectors, rates[0], week, seed, block)
        for i in range(pools.shape[1]):
            prices.step_pool(paths[i], processes[i], seed, block)
            prices.write_pool(pools[row, i], paths[i], processes[i])
        fee_market.step_chain(gas[row], chain[0], fees[0], seed, block)
        native_q = first_native_q * np.exp(paths[native_row].price)
        gas[row].native_price_q = np.uint64(min(native_q, _MAX_NATIVE_Q))


def _native_q(price_usd: float) -> float:
    return price_usd * 10.0 ** (USD_DECIMALS - NATIVE_DECIMALS) * 2.0**NATIVE_SHIFT


_MAX_NATIVE_Q = _native_q(MAX_NATIVE_PRICE_USD)


def _describe(token: Token) -> TokenInfo:
    shift = price_shift_for(token.price_usd, token.decimals)
    return TokenInfo(token.symbol, token.name, token.decimals, token.fee_bp, shift)


def _first_units(token: Token) -> float:
    return token.liquidity_usd / token.price_usd * 10.0**token.decimals


def _check(token: Token) -> None:
    """Refuse a token whose pool or price the kernel's integers can't hold."""
    units = _first_units(token)
    if not MIN_FIRST_UNITS <= units <= MAX_FIRST_UNITS:
        raise ValueError(
            f"token {token.symbol}: {token.liquidity_usd:g} USD at a price of {token.price_usd:g} USD make a pool of "
            f"{units:.3g} base units of {token.decimals} decimals; accepted are {MIN_FIRST_UNITS:.0e} to "
            f"{MAX_FIRST_UNITS:.0e}"
        )


def _key(name: str) -> int:
    """Return 31 bits that name a token or a sector."""
    return int.from_bytes(sha256(name.encode()).digest()[:4]) >> 1


def _sector(token: Token) -> str:
    return token.sector or token.token_class


def _write_process(record: np.void, token: Token, regime: Regime, block_time_ms: int) -> None:
    key = 2 * _key(token.symbol) + 1  # odd; a sector's is even, and the market factor's is 0
    record["price_stream"] = Stream.PRICE + key
    record["flow_stream"] = Stream.FLOW + key
    prices.write_character(record, token.token_class, regime, block_time_ms)
    record["band"] = -np.log1p(-token.fee_bp * 1e-4)
    record["first_micro_usd"] = token.liquidity_usd * 10.0**USD_DECIMALS
    record["units_per_micro_usd"] = 10.0 ** (token.decimals - USD_DECIMALS) / token.price_usd
    record["scale_hi"], record["scale_lo"] = wei.split(1 << price_shift_for(token.price_usd, token.decimals))
