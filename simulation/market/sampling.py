"""Series of a synthetic market, by the names under which recordings offer theirs.

Two markets of one seed are walked through. One has blocks of a minute, which makes years affordable and moves prices
over an hour as short blocks do; hours and days are measured on it. The other has Ethereum's blocks, for minutes,
pools and base fees; orders are sent through its first day. Of both only samples are kept, so memory does not grow
with the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.market import statistics as st
from simulation.market.arbitrage_loss import block_losses
from simulation.market.order_trials import orders_of
from simulation.market.synthetic import SyntheticSource
from simulation.settings.market import USD_SYMBOL, SyntheticMarket, TokenClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.settings.gas import Gas
    from simulation.settings.market import Token

    Array = NDArray[np.float64]
    Series = NDArray[Any]

COARSE_BLOCK_TIME_MS = 60_000
BLOCK_TIME_MS = 12_000
BLOCKS_PER_MINUTE = 5
MINUTES_PER_HOUR, HOURS_PER_DAY, MINUTES_PER_DAY = 60, 24, 1440

WATCHED_BLOCKS = 43_200
"""Blocks in which prices are looked at one by one: six days, because rare large moves decide what arbitrage costs."""

TRACKED_BLOCKS = 7_200
"""Of these, the blocks in which pools are compared with a recorded day and orders are sent."""

FEE_BLOCKS = 14_651
"""As many as in the recorded stretch of May 2023 that acfs are compared with: they depend on the length."""

MINUTE_DAYS = 60
"""Days of minutes."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Samples of a market at the end of every some blocks, and the base fee of each block."""

    reference: Array
    """Log price against the first, ``(n_samples, n_tokens)``."""
    pool: Array
    """The same of the pools."""
    variance: Array
    """Of the references' returns in the block that ends there; NaN in one in which a jump is let out."""
    base_fee_wei: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cast:
    """Which tokens of a market stand for their classes, by column."""

    majors: tuple[int, int]
    mid: int
    memes: tuple[int, int]


def cast(market: SyntheticMarket) -> tuple[SyntheticMarket, Cast]:
    """Return the market with the first two majors, mid and two memes only, and which is which.

    Raises ValueError for a market that lacks one of them.
    """
    wanted = ((TokenClass.MAJOR, 2), (TokenClass.MID, 1), (TokenClass.MEME, 2))
    tokens: list[Token] = []
    for token_class, count in wanted:
        found = [token for token in market.tokens if token.token_class == token_class][:count]
        if len(found) < count:
            raise ValueError(f"a market is checked on {count} of class {token_class}; this one has {len(found)}")
        tokens += found
    return market.model_copy(update={"tokens": tuple(_against_usd(token) for token in tokens)}), Cast((0, 1), 2, (3, 4))


def _against_usd(token: Token) -> Token:
    """Return a token with its first pool alone, against USDC: there the reference is the token's own."""
    return token.model_copy(update={"pools": (token.pools[0].model_copy(update={"against": USD_SYMBOL}),)})


def series_of(market: SyntheticMarket, gas: Gas, seed: int, days: int) -> dict[str, Series]:
    """Return the series of one seed by name, hours and days over ``days``."""
    market, cast_ = cast(market)
    coarse = SyntheticSource(market, gas, seed, COARSE_BLOCK_TIME_MS)
    hours = walk(coarse, ((days * HOURS_PER_DAY, MINUTES_PER_HOUR),)).reference
    fine = SyntheticSource(market, gas, seed, BLOCK_TIME_MS)
    n_minutes = MINUTE_DAYS * MINUTES_PER_DAY - WATCHED_BLOCKS // BLOCKS_PER_MINUTE
    blocks = walk(fine, ((WATCHED_BLOCKS, 1), (n_minutes, BLOCKS_PER_MINUTE)))
    _, first_day = fine.advance(fine.begin(), 0, TRACKED_BLOCKS)
    return {
        **_hour_series(hours, cast_),
        **_minute_series(blocks, cast_),
        **_block_series(blocks, cast_, fine),
        **_loss_series(blocks, cast_, fine),
        **_fee_series(blocks.base_fee_wei[:FEE_BLOCKS], gas),
        "orders": orders_of(fine.tokens, first_day, seed, BLOCK_TIME_MS),
    }


def walk(source: SyntheticSource, legs: tuple[tuple[int, int], ...]) -> Walk:
    """Go through a market from its beginning in legs of (samples, blocks from one to the next)."""
    n_samples = sum(count for count, _ in legs)
    n_tokens = len(source.tokens)
    reference, pool, variance = (np.empty((n_samples, n_tokens)) for _ in range(3))
    fees = np.empty(sum(count * step for count, step in legs), np.int64)
    carried, row, block = source.begin(), 0, 0
    for count, step in legs:
        for _ in range(count):
            was_jumping = carried.paths["jump_blocks"] > 0
            carried, blocks = source.advance(carried, block, step)
            is_jumping = was_jumping | (carried.paths["jump_blocks"] > 0)
            reference[row] = carried.paths["price"][:n_tokens]
            pool[row] = carried.logs
            variance[row] = np.where(is_jumping[:n_tokens], np.nan, source.variances(carried))
            fees[block : block + step] = blocks.gas["base_fee_wei"]
            row, block = row + 1, block + step
    return Walk(reference, pool, variance, fees)


def _hour_series(hours: Array, cast_: Cast) -> dict[str, Array]:
    first, second = cast_.majors
    meme, other_meme = cast_.memes
    return {
        "major 1 h": hours[:, first],
        "mid 1 h": hours[:, cast_.mid],
        "meme 1 h": hours[:, meme],
        "major 1 d": hours[::HOURS_PER_DAY, first],
        "mid 1 d": hours[::HOURS_PER_DAY, cast_.mid],
        "major, major 1 d": hours[::HOURS_PER_DAY, [first, second]],
        "major, mid 1 h": hours[:, [first, cast_.mid]],
        "major, meme 1 h": hours[:, [first, meme]],
        "meme, meme 1 h": hours[:, [meme, other_meme]],
    }


def _minute_series(blocks: Walk, cast_: Cast) -> dict[str, Array]:
    ends = slice(BLOCKS_PER_MINUTE - 1, WATCHED_BLOCKS, BLOCKS_PER_MINUTE)
    reference = np.concatenate([blocks.reference[ends], blocks.reference[WATCHED_BLOCKS:]])
    pool = np.concatenate([blocks.pool[ends], blocks.pool[WATCHED_BLOCKS:]])
    return {
        "major 1 min": reference[:, cast_.majors[0]],
        "mid 1 min": reference[:, cast_.mid],
        "meme 1 min": reference[:, cast_.memes[0]],
        "pool 1 min": st.ticks(pool[:, cast_.majors[0]]),
    }


def _block_series(blocks: Walk, cast_: Cast, source: SyntheticSource) -> dict[str, Array]:
    """Return the series of tracked blocks; distances and tracks are in bands of the pool's fee."""
    bands = _bands(source)
    pool, reference = blocks.pool[:TRACKED_BLOCKS] / bands, blocks.reference[:TRACKED_BLOCKS] / bands
    tracks = np.stack([pool, reference], axis=2)
    return {
        "pool 1 block": blocks.pool[:TRACKED_BLOCKS, cast_.majors[0]],
        "pool days": blocks.pool[:WATCHED_BLOCKS, cast_.majors[0]],
        "distances": (pool - reference).ravel(),
        "major track": tracks[:, cast_.majors[0]],
        "mid track": tracks[:, cast_.mid],
    }


def _bands(source: SyntheticSource) -> Array:
    return np.array([-np.log1p(-token.pools[0].fee_bp * 1e-4) for token in source.tokens])


def _loss_series(blocks: Walk, cast_: Cast, source: SyntheticSource) -> dict[str, Array]:
    watched, bands = slice(WATCHED_BLOCKS), _bands(source)
    columns = {"major": cast_.majors[0], "mid": cast_.mid}
    return {
        f"{name} losses": block_losses(
            blocks.pool[watched, at], blocks.reference[watched, at], blocks.variance[watched, at], float(bands[at])
        )
        for name, at in columns.items()
    }


def _fee_series(base_fee_wei: NDArray[np.int64], gas: Gas) -> dict[str, Array]:
    fees = base_fee_wei.astype(np.float64)
    lawful = st.lawful_steps(base_fee_wei, gas.gas_limit, gas.elasticity, gas.denominator)
    return {
        "base fee": fees,
        "utilisation": st.utilisation(fees, gas.elasticity, gas.denominator),
        "lawful steps": lawful.astype(np.float64),
    }
