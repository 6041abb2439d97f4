"""Pools that follow the reference prices: strangers' swaps, arbitrage, and the integers that the kernel trades with.

A pool is moved by the swaps of strangers and held by arbitrage inside ``[gamma * P, P / gamma]`` around the reference
price P, where gamma is one minus its fee. A pool against another token follows the ratio of the two. Its (virtual)
reserves are ``L * sqrt(p)`` of the other side and ``L / sqrt(p)`` tokens, with the liquidity L of its token's path;
a concentrated pool holds the same L around its price.

What is unrealistic: arbitrage costs no gas and never waits, all pools of a token deepen and thin out together, and
liquidity moves with the price instead of staying where providers put it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation import wei
from simulation.choices import PoolKind
from simulation.jit import compiled
from simulation.market.noise import draw
from simulation.market.prices import CHARACTERS
from simulation.market.segment import USD_DECIMALS, PoolInfo, TokenInfo, all_pools, token_address
from simulation.rng import Stream, key_of, uniform
from simulation.settings.market import USD_SYMBOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.settings.market import Pool, Token

MIN_FIRST_UNITS = 10**7
"""Base units on each side of a pool where the market begins, so that a price always resolves a basis point."""

MAX_FIRST_UNITS = 10**31
"""Leaves room below 2**112 for the price and the liquidity to reach their bounds."""

MIN_FIRST_SQRT, MAX_FIRST_SQRT = 4_295_128_739 * 100.0, 1.46e48 / 100.0
"""Square root prices that stay within those of Uniswap V3 when the price moves by a factor of 10,000."""

Q96 = 2.0**96

FLOW = np.dtype(
    [
        ("stream", np.uint64),
        ("token", np.int64),  # row of the traded token's path
        ("against", np.int64),  # row of the other side's path, -1 for USDC
        ("is_first", np.int64),  # whether its price is the token's mid
        ("kind", np.int64),  # PoolKind
        ("swap_chance", np.float64),
        ("swap_move", np.float64),
        ("band", np.float64),  # -ln(1 - fee)
        ("first_other", np.float64),  # base units of each side where the market begins
        ("first_reserve", np.float64),
        ("first_micro_usd", np.float64),
        ("first_sqrt", np.float64),  # sqrtPriceX96
        ("first_liquidity", np.float64),
        ("sqrt_sign", np.float64),  # how the square root price answers the token's: 0.5 or -0.5
    ],
    align=True,
)
"""The constants of a pool; shape ``(n_pools,)``. Its state is the log of its price against the first, a float."""


@compiled
def step_pools(logs, paths, flows, seed, block):
    """Move every pool's log price by the swaps of strangers and then, where it pays, by arbitrage.

    The size of a swap is log-logistic: the median times u / (1 - u), which spans the decades that are observed.
    """
    for i in range(len(flows)):
        flow = flows[i]
        word_0, word_1, word_2, _ = draw(seed, flow.stream, block)
        price = paths[flow.token].price
        if flow.against >= 0:
            price -= paths[flow.against].price
        if uniform(word_0) < flow.swap_chance:
            rank = uniform(word_1)
            move = flow.swap_move * rank / (1.0 - rank)
            logs[i] += move if uniform(word_2) < 0.5 else -move
        logs[i] = min(max(logs[i], price - flow.band), price + flow.band)


@compiled
def write_pools(mids, pools, logs, paths, flows, first_prices_q):
    """Write one block: the records of its pools, and of each token the mid and the depth.

    ``first_prices_q`` are the tokens' first prices, as floats.
    """
    for i in range(len(flows)):
        flow = flows[i]
        against = paths[flow.against].price if flow.against >= 0 else 0.0
        root, deep = math.exp(0.5 * logs[i]), math.exp(paths[flow.token].depth)
        _write_pool(pools[i], flow, root, deep)
        mid = mids[flow.token]
        usd = math.exp(against)
        if flow.is_first != 0:
            mid.price_q = np.uint64(first_prices_q[flow.token] * root * root * usd)
            mid.depth_micro_usd = 0
        mid.depth_micro_usd += np.uint64(flow.first_micro_usd * deep * root * usd)


@compiled
def _write_pool(pool, flow, root, deep):
    pool.other_hi, pool.other_lo = wei.from_float(flow.first_other * deep * root)
    pool.reserve_hi, pool.reserve_lo = wei.from_float(flow.first_reserve * deep / root)
    if flow.kind == _CONCENTRATED:
        sqrt = flow.first_sqrt * (root if flow.sqrt_sign > 0 else 1.0 / root)
        pool.sqrt_2, pool.sqrt_1, pool.sqrt_0 = wei.from_float_3(sqrt)
        pool.liquidity_hi, pool.liquidity_lo = wei.from_float(flow.first_liquidity * deep)


_CONCENTRATED = int(PoolKind.CONCENTRATED)


def flow_records(listed: Sequence[Token], infos: Sequence[TokenInfo], block_time_ms: int) -> NDArray[np.void]:
    """Return the FLOW records of the pools of ``infos``, which are the first of the ``listed`` tokens.

    Raises ValueError for a pool that the integers can't hold.
    """
    rows = {token.symbol: row for row, token in enumerate(listed)}
    records = np.zeros(len(all_pools(infos)), FLOW)
    pools = [(token, pool) for token in listed[: len(infos)] for pool in token.pools]
    for record, (token, pool) in zip(records, pools, strict=True):
        other = listed[rows[pool.against]] if pool.against != USD_SYMBOL else None
        _write_place(record, token, pool, rows)
        _write_amounts(record, token, pool, other)
        character, days = CHARACTERS[token.token_class], block_time_ms / 86_400_000
        record["swap_chance"] = 1.0 - math.exp(-character.swaps_per_day * days)
        record["swap_move"] = character.swap_move_bp * 1e-4
    return records


def _write_place(record: np.void, token: Token, pool: Pool, rows: dict[str, int]) -> None:
    record["stream"] = Stream.FLOW + key_of(f"{token.symbol} {pool.against} {pool.venue} {pool.fee_bp}")
    record["token"], record["against"] = rows[token.symbol], rows.get(pool.against, -1)
    record["is_first"] = pool is token.pools[0]
    record["kind"] = PoolInfo(str(pool.venue)).kind
    record["band"] = -np.log1p(-pool.fee_bp * 1e-4)


def _write_amounts(record: np.void, token: Token, pool: Pool, other: Token | None) -> None:
    other_price_usd, other_decimals = (1.0, USD_DECIMALS) if other is None else (other.price_usd, other.decimals)
    reserve = pool.liquidity_usd / token.price_usd * 10.0**token.decimals
    against = pool.liquidity_usd / other_price_usd * 10.0**other_decimals
    for side, units, decimals in ((token.symbol, reserve, token.decimals), (pool.against, against, other_decimals)):
        if not MIN_FIRST_UNITS <= units <= MAX_FIRST_UNITS:
            raise ValueError(
                f"token {token.symbol}: a pool of {pool.liquidity_usd:g} USD a side holds {units:.3g} base units of "
                f"{side}, which has {decimals} decimals; accepted are {MIN_FIRST_UNITS:.0e} to {MAX_FIRST_UNITS:.0e}"
            )
    is_zero = token_address(token.symbol) < token_address(pool.against)
    sqrt = math.sqrt(against / reserve if is_zero else reserve / against) * Q96
    if not MIN_FIRST_SQRT <= sqrt <= MAX_FIRST_SQRT:
        raise ValueError(
            f"token {token.symbol}: its price against {pool.against} is beyond the ticks of uniswap_v3; "
            "use another venue"
        )
    record["first_other"], record["first_reserve"] = against, reserve
    record["first_micro_usd"] = pool.liquidity_usd * 10.0**USD_DECIMALS
    record["first_sqrt"], record["sqrt_sign"] = sqrt, 0.5 if is_zero else -0.5
    record["first_liquidity"] = math.sqrt(against) * math.sqrt(reserve)
