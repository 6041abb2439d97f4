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
from simulation.market import gas as fee_market
from simulation.market import prices
from simulation.market.segment import NATIVE_SHIFT, USD_DECIMALS, TokenInfo, price_shift_for
from simulation.rng import Stream
from simulation.scenario import Token, TokenClass
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

_MARKET_KEY = np.uint64(Stream.PRICE)


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Where a market stands between two blocks: all that is needed to go on, and picklable."""

    volatilities: NDArray[np.void]  # VOLATILITY, (1 + n_paths,)
    paths: NDArray[np.void]  # PATH, (n_paths,): the tokens, and the native coin where it isn't listed
    chain: NDArray[np.void]  # CHAIN, (1,)

    def copy(self) -> Carried:
        """Return a copy that shares no memory."""
        return Carried(self.volatilities.copy(), self.paths.copy(), self.chain.copy())


class SyntheticSource:
    """A market made from random processes; nothing in it changes after construction."""

    n_blocks: int | None = None
    """It never ends."""

    def __init__(self, market: SyntheticMarket, gas: Gas, seed: int, block_time_ms: int) -> None:
        """Prepare the constants; a pool that the integers can't hold raises ValueError."""
        for token in market.tokens:
            _check(token)
        self.tokens = tuple(_describe(token) for token in market.tokens)
        self._engine = Engine(market.tokens, gas, seed, block_time_ms)

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


class Engine:
    """The processes of some tokens, the native coin and the chain, stepped together."""

    def __init__(self, tokens: tuple[Token, ...], gas: Gas, seed: int, block_time_ms: int) -> None:
        symbols = [token.symbol for token in tokens]
        self._listed = tokens if NATIVE_SYMBOL in symbols else (*tokens, NATIVE_TOKEN)
        self._native_row = [token.symbol for token in self._listed].index(NATIVE_SYMBOL)
        self._first_native_q = _native_q(self._listed[self._native_row].price_usd)
        self._seed = np.uint64(seed)
        self._rates = prices.rate_records(block_time_ms)
        self._fees = fee_market.fee_records(gas, block_time_ms)
        self._chain = fee_market.chain_at_start(gas)
        self._processes = np.zeros(len(self._listed), prices.PROCESS)
        for record, token in zip(self._processes, self._listed, strict=True):
            _write_process(record, token, block_time_ms)

    def begin(self) -> Carried:
        """Return where everything stands before the first block: volatility is drawn, the rest is at its level."""
        volatilities = np.zeros(1 + len(self._listed), prices.VOLATILITY)
        _start(volatilities, self._processes, prices.volatility_deviations(), self._seed)
        return Carried(volatilities, np.zeros(len(self._listed), prices.PATH), self._chain.copy())

    def advance(
        self, carried: Carried, first_block: int, n_blocks: int, n_pools: int
    ) -> tuple[Carried, NDArray[np.void], NDArray[np.void]]:
        """Return (carried, pools, gas) of the next blocks, with the pools of the first ``n_pools`` tokens."""
        carried = carried.copy()
        pools, gas = np.zeros((n_blocks, n_pools), POOL), np.zeros(n_blocks, GAS)
        _run(
            self._seed, first_block, self._rates, self._processes, self._fees, self._native_row, self._first_native_q,
            carried.volatilities, carried.paths, carried.chain, pools, gas,
        )  # fmt: skip
        return carried, pools, gas


@compiled
def _start(volatilities, processes, deviations, seed):
    prices.start_volatility(volatilities[0], deviations, seed, _MARKET_KEY)
    for i in range(len(processes)):
        prices.start_volatility(volatilities[1 + i], deviations, seed, processes[i].price_stream)


@compiled
def _run(
    seed, first_block, rates, processes, fees, native_row, first_native_q, volatilities, paths, chain, pools, gas
):  # fmt: skip
    for row in range(len(gas)):
        block = first_block + row
        shock, variance = prices.step_factor(volatilities[0], rates[0], seed, _MARKET_KEY, block)
        for i in range(len(paths)):
            prices.step_price(paths[i], volatilities[1 + i], processes[i], rates[0], shock, variance, seed, block)
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


def _write_process(record: np.void, token: Token, block_time_ms: int) -> None:
    key = int.from_bytes(sha256(token.symbol.encode()).digest()[:4]) | 1  # never 0, which is the market factor's
    record["price_stream"] = Stream.PRICE + key
    record["flow_stream"] = Stream.FLOW + key
    prices.write_character(record, token.token_class, block_time_ms)
    record["band"] = -np.log1p(-token.fee_bp * 1e-4)
    record["first_micro_usd"] = token.liquidity_usd * 10.0**USD_DECIMALS
    record["units_per_micro_usd"] = 10.0 ** (token.decimals - USD_DECIMALS) / token.price_usd
    record["scale_hi"], record["scale_lo"] = wei.split(1 << price_shift_for(token.price_usd, token.decimals))
