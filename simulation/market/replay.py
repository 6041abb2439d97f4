"""A recorded market, block by block.

A block shows what was known at its time: of each pool the last recorded state at or before it. Nothing is interpolated,
because a price between two bars would tell of the second before it happened. Blocks before 0, the warm-up, show what
was recorded then, or else the first state.

``speed`` plays a recording faster than it happened. ``repeat`` plays it several times end to end, each pass with the
prices of all pools multiplied so that every token begins where it ended the pass before; liquidity and the USD side of
constant product pools stay as recorded.

What is unrealistic: the price stands still between two records, a paper order leaves no trace in what was recorded,
and a recording played again is as if traders learned nothing from the first time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from simulation import wei
from simulation.choices import PoolKind
from simulation.market.segment import NATIVE_SHIFT, USD_DECIMALS, Blocks, PoolInfo, TokenInfo
from simulation.market.synthetic import MAX_NATIVE_PRICE_USD, NATIVE_DECIMALS, NATIVE_SYMBOL, Carried, Engine
from simulation.settings.market import USD_SYMBOL
from simulation.state import MID, POOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.settings.gas import Gas

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMB = (1 << 64) - 1
_ONE = 1 << 96
"""Of the fixed point in which prices of a repeated recording are multiplied."""

_MAX_NATIVE_Q = MAX_NATIVE_PRICE_USD * 10.0 ** (USD_DECIMALS - NATIVE_DECIMALS) * 2.0**NATIVE_SHIFT


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPool:
    """A pool from one recorded moment to the next; the arrays have shape ``(n_states,)``."""

    terms: PoolInfo
    since_ms: NDArray[np.int64]
    """Unix milliseconds from which on each state is known; never falling, and of equal ones the last holds."""
    states: NDArray[np.void]  # POOL

    def at(self, unix_ms: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the rows of the states that are known at these times."""
        return np.maximum(np.searchsorted(self.since_ms, unix_ms, side="right") - 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedToken:
    """A token and the pools in which it was recorded, the first of which has its mid."""

    symbol: str
    name: str
    decimals: int
    price_shift: int
    pools: tuple[RecordedPool, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFees:
    """The chain's base fee from one recorded moment to the next; the arrays have shape ``(n,)``."""

    since_ms: NDArray[np.int64]
    base_fee_wei: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Some tokens over a time in which all of them were recorded; a token's hub has a pool against USDC."""

    tokens: tuple[RecordedToken, ...]
    start_ms: int
    """Unix milliseconds at which block 0 begins."""
    end_ms: int
    """Up to which all pools were recorded."""
    fees: RecordedFees | None = None
    speed: float = 1.0
    repeat: int = 1

    @property
    def start_at(self) -> datetime:
        """Time of block 0, in UTC."""
        return _EPOCH + timedelta(milliseconds=self.start_ms)

    @property
    def span_ms(self) -> int:
        """Recorded time of one pass, at least a millisecond."""
        return max(self.end_ms - self.start_ms, 1)

    def growth_q96(self) -> tuple[int, ...]:
        """Return by what each token's USD price is multiplied in one pass, as multiples of 2**-96."""
        ends = np.array([self.start_ms, self.end_ms], np.int64)
        own = [_growth(token.pools[0], *token.pools[0].at(ends)) for token in self.tokens]
        hubs = hub_pools(self.tokens)
        against = [hubs.get(token.pools[0].terms.against) for token in self.tokens]
        return tuple(
            growth if hub is None else growth * _growth(hub, *hub.at(ends)) // _ONE
            for growth, hub in zip(own, against, strict=True)
        )


class ReplaySource:
    """A market read from a recording; nothing in it changes after construction."""

    def __init__(self, recording: Recording, gas: Gas, seed: int, block_time_ms: int, week_offset_ms: int = 0) -> None:
        """Prepare the tokens; the seed drives what isn't recorded: tips, base fees, the price of the native coin."""
        self.tokens = tuple(
            TokenInfo(token.symbol, token.name, token.decimals, token.price_shift, _terms(token))
            for token in recording.tokens
        )
        self._speed_thousandths = round(recording.speed * 1_000)  # whole numbers, so that no block is a moment early
        played_ms = recording.span_ms * recording.repeat * 1_000 // self._speed_thousandths
        self.n_blocks: int | None = played_ms // block_time_ms + 1
        """Blocks that the recording covers, from block 0 on."""
        self._recording = recording
        self._block_time_ms = block_time_ms
        self._engine = Engine((), (), gas, seed, block_time_ms, week_offset_ms)
        self._factors_q96 = _factors(recording)

    def begin(self) -> Carried:
        """Return where the gas market stands before its first block, whichever that is."""
        return self._engine.begin()

    def advance(self, carried: Carried, first_block: int, n_blocks: int) -> tuple[Carried, Blocks]:
        """Return where the gas market stands after the next blocks, and those blocks."""
        carried, (_, _, gas) = self._engine.advance(carried, first_block, n_blocks)
        passes, unix_ms = self._moments(first_block, n_blocks)
        pools = self._pools(passes, unix_ms)
        mids, native_q = self._mids(pools)
        if native_q is not None:
            gas["native_price_q"] = native_q
        fees = self._recording.fees
        if fees is not None:
            rows = np.searchsorted(fees.since_ms, unix_ms, side="right") - 1
            gas["base_fee_wei"] = fees.base_fee_wei[np.maximum(rows, 0)]
        return carried, Blocks(mids, pools, gas)

    def skip(self, carried: Carried, first_block: int, n_blocks: int) -> Carried:
        """Return where ``advance`` over the next blocks would lead."""
        return self._engine.skip(carried, first_block, n_blocks)

    def _moments(self, first_block: int, n_blocks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the pass of each block and the recorded time in Unix milliseconds that it shows."""
        blocks = np.arange(first_block, first_block + n_blocks, dtype=np.int64)
        played_ms = blocks * self._block_time_ms * self._speed_thousandths // 1_000
        passes = np.clip(played_ms // self._recording.span_ms, 0, self._recording.repeat - 1)
        return passes, self._recording.start_ms + played_ms - passes * self._recording.span_ms

    def _pools(self, passes: NDArray[np.int64], unix_ms: NDArray[np.int64]) -> NDArray[np.void]:
        """Return the POOL records of the blocks, shape ``(n_blocks, n_pools)``."""
        recorded = [(row, pool) for row, token in enumerate(self._recording.tokens) for pool in token.pools]
        symbols = [token.symbol for token in self._recording.tokens]
        pools = np.empty((len(passes), len(recorded)), POOL)
        for column, (row, pool) in enumerate(recorded):
            rows = pool.at(unix_ms)
            pools[:, column] = pool.states[rows]
            hub = symbols.index(pool.terms.against) if pool.terms.against != USD_SYMBOL else None
            for number in np.unique(passes[passes > 0]).tolist():
                factor = self._factors_q96[number][row]
                if hub is not None:
                    factor = factor * _ONE // self._factors_q96[number][hub]
                shown = passes == number
                pools[shown, column] = _multiplied(pool, rows[shown], factor)
        return pools

    def _mids(self, pools: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.uint64] | None]:
        """Return the MID records of the blocks, and ``native_price_q`` where the native coin is recorded."""
        mids = np.zeros((len(pools), len(self.tokens)), MID)
        terms = [pool for token in self.tokens for pool in token.pools]
        ratios = [ratio(pools[:, column], pool) for column, pool in enumerate(terms)]
        usd = self._usd_per_unit(ratios)
        native_q, column = None, 0
        for row, token in enumerate(self.tokens):
            price = ratios[column] * usd[token.pools[0].against]
            mids["price_q"][:, row] = price * 2.0**token.price_shift
            if token.symbol == NATIVE_SYMBOL:
                per_wei = price * 10.0 ** (token.decimals - NATIVE_DECIMALS)
                native_q = np.minimum(per_wei * 2.0**NATIVE_SHIFT, _MAX_NATIVE_Q).astype(np.uint64)
            depth = np.zeros(len(pools))
            for pool in token.pools:
                depth += _joined(pools["other_hi"][:, column], pools["other_lo"][:, column]) * usd[pool.against]
                column += 1
            mids["depth_micro_usd"][:, row] = depth
        return mids, native_q

    def _usd_per_unit(self, ratios: Sequence[NDArray[np.float64]]) -> dict[str, NDArray[np.float64] | float]:
        """Return micro-USD per base unit of USDC and of every token with a pool against it, the first one counting."""
        prices: dict[str, NDArray[np.float64] | float] = {USD_SYMBOL: 1.0}
        listed = [(token.symbol, pool) for token in self.tokens for pool in token.pools]
        for (symbol, pool), price in zip(listed, ratios, strict=True):
            if pool.against == USD_SYMBOL:
                prices.setdefault(symbol, price)
        return prices


def hub_pools(tokens: Sequence[RecordedToken]) -> dict[str, RecordedPool]:
    """Return the first pool against USDC of every token that has one."""
    found: dict[str, RecordedPool] = {}
    for token in tokens:
        for pool in token.pools:
            if pool.terms.against == USD_SYMBOL:
                found.setdefault(token.symbol, pool)
    return found


def concentrated(sqrt_price_x96: int, liquidity: int, *, token_is_zero: bool) -> tuple[int, ...]:
    """Return the fields of a POOL record of a concentrated pool, in their order.

    The virtual reserves are ``L / s`` of token 0 and ``L * s`` of token 1, floored, with s the square root price
    (Uniswap v3 core whitepaper, 6.2).
    """
    zero, one = (liquidity << 96) // sqrt_price_x96, liquidity * sqrt_price_x96 >> 96
    reserve, other = (zero, one) if token_is_zero else (one, zero)
    sqrt = (sqrt_price_x96 >> 128, sqrt_price_x96 >> 64 & _LIMB, sqrt_price_x96 & _LIMB)
    return (*wei.split(other), *wei.split(reserve), *sqrt, *wei.split(liquidity))


def ratio(states: NDArray[np.void], terms: PoolInfo) -> NDArray[np.float64]:
    """Return base units of the other side per base unit of the token, of POOL records of one pool."""
    if terms.kind == PoolKind.CONSTANT_PRODUCT:
        other = _joined(states["other_hi"], states["other_lo"])
        return np.asarray(other / _joined(states["reserve_hi"], states["reserve_lo"]))
    root = (states["sqrt_2"] * 2.0**128 + _joined(states["sqrt_1"], states["sqrt_0"])) / 2.0**96
    return np.asarray(root * root if terms.token_is_zero else 1.0 / (root * root))


def _joined(hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.float64]:
    return np.asarray(hi * 2.0**64 + lo)


def _terms(token: RecordedToken) -> tuple[PoolInfo, ...]:
    return tuple(pool.terms for pool in token.pools)


def _growth(pool: RecordedPool, first: int, last: int) -> int:
    """Return the price at row ``last`` over that at row ``first``, as a multiple of 2**-96, floored."""
    before, after = pool.states[first], pool.states[last]
    if pool.terms.kind == PoolKind.CONSTANT_PRODUCT:
        return (_other(after) * _reserve(before) << 96) // (_other(before) * _reserve(after))
    if not pool.terms.token_is_zero:
        before, after = after, before
    return (_sqrt(after) ** 2 << 96) // _sqrt(before) ** 2


def _factors(recording: Recording) -> list[tuple[int, ...]]:
    """Return, of each pass, by what the tokens' prices are multiplied, as multiples of 2**-96."""
    factors = [(_ONE,) * len(recording.tokens)]
    growth = recording.growth_q96() if recording.repeat > 1 else ()
    for _ in range(recording.repeat - 1):
        factors.append(tuple(before * more // _ONE for before, more in zip(factors[-1], growth, strict=True)))
    return factors


def _multiplied(pool: RecordedPool, rows: NDArray[np.intp], factor_q96: int) -> NDArray[np.void]:
    """Return the states of these rows at a price multiplied by a factor."""
    distinct, where = np.unique(rows, return_inverse=True)
    states = np.empty(len(distinct), POOL)
    root = math.isqrt(factor_q96 << 96)
    for at, row in enumerate(distinct.tolist()):
        state = pool.states[row]
        if pool.terms.kind == PoolKind.CONSTANT_PRODUCT:
            states[at] = state
            states[at]["reserve_hi"], states[at]["reserve_lo"] = wei.split((_reserve(state) << 96) // factor_q96)
        else:
            is_zero = bool(pool.terms.token_is_zero)
            sqrt = _sqrt(state) * root >> 96 if is_zero else (_sqrt(state) << 96) // root
            states[at] = concentrated(sqrt, _liquidity(state), token_is_zero=is_zero)
    return states[where]


def _other(state: np.void) -> int:
    return wei.join(state["other_hi"], state["other_lo"])


def _reserve(state: np.void) -> int:
    return wei.join(state["reserve_hi"], state["reserve_lo"])


def _liquidity(state: np.void) -> int:
    return wei.join(state["liquidity_hi"], state["liquidity_lo"])


def _sqrt(state: np.void) -> int:
    return int(state["sqrt_2"]) << 128 | wei.join(state["sqrt_1"], state["sqrt_0"])
