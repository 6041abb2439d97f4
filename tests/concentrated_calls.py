"""The compiled pool of concentrated liquidity, called with Python integers."""

from __future__ import annotations

import numpy as np
from twin_concentrated import Pool, Result, RevertError

from simulation import wide
from simulation.market import concentrated, sqrt_price_math, tick_math
from simulation.market.concentrated import SwapStatus

PARTIAL = (SwapStatus.OK, SwapStatus.PRICE_LIMIT)


def accepted(ok, value):
    """Return the value that the contract would return, as an integer; raise where it reverts."""
    if not ok:
        raise RevertError
    return wide.join(value) if isinstance(value, tuple) else int(value)


def get_sqrt_ratio_at_tick(tick):
    return accepted(*tick_math.get_sqrt_ratio_at_tick(tick))


def get_tick_at_sqrt_ratio(sqrt_price):
    return accepted(*tick_math.get_tick_at_sqrt_ratio(wide.split(sqrt_price, 3)))


def get_next_sqrt_price_from_input(sqrt_price, liquidity, amount, zero_for_one, limbs=4):
    function = sqrt_price_math.get_next_sqrt_price_from_input
    return accepted(*function(*_range(sqrt_price, liquidity), wide.split(amount, limbs), zero_for_one))


def get_next_sqrt_price_from_output(sqrt_price, liquidity, amount, zero_for_one, limbs=4):
    function = sqrt_price_math.get_next_sqrt_price_from_output
    return accepted(*function(*_range(sqrt_price, liquidity), wide.split(amount, limbs), zero_for_one))


def get_amount0_delta(sqrt_a, sqrt_b, liquidity, round_up):
    amount = sqrt_price_math.get_amount0_delta(wide.split(sqrt_a, 3), *_range(sqrt_b, liquidity), round_up)
    return wide.join(amount)


def get_amount1_delta(sqrt_a, sqrt_b, liquidity, round_up):
    amount = sqrt_price_math.get_amount1_delta(wide.split(sqrt_a, 3), *_range(sqrt_b, liquidity), round_up)
    return wide.join(amount)


def compute_swap_step(sqrt_price, target, liquidity, remaining, fee_pips):
    step = concentrated.compute_swap_step(
        wide.split(sqrt_price, 3), wide.split(target, 3), wide.split(liquidity, 2),
        wide.split(abs(remaining), 2), remaining >= 0, fee_pips,
    )  # fmt: skip
    if not step.fits:
        raise RevertError("OVERFLOW")
    return tuple(wide.join(number) for number in step[1:])


def swap(pool: Pool, zero_for_one, specified: int, limit: int) -> Result:
    """Call the compiled swap as the twin's is called."""
    done = concentrated.swap(
        tick_map(pool.ticks), pool_state(pool), pool.fee_pips, pool.tick_spacing, pool.fee_protocol,
        zero_for_one, specified >= 0, wide.split(abs(specified), 2), wide.split(limit, 3),
    )  # fmt: skip
    if done.status not in PARTIAL:
        assert done == concentrated.Swap(done.status, *[(0, 0)] * 4, 0, pool_state(pool))
        raise RevertError(SwapStatus(done.status).name)
    amounts = [wide.join(amount) for amount in done[1:5]]
    sqrt_price, tick, liquidity = done.state
    complete = done.status == SwapStatus.OK
    return Result(complete, *amounts, done.ticks_crossed, wide.join(sqrt_price), tick, wide.join(liquidity))


def pool_state(pool: Pool) -> concentrated.PoolState:
    return concentrated.PoolState(wide.split(pool.sqrt_price, 3), pool.tick, wide.split(pool.liquidity, 2))


def tick_map(ticks: dict[int, int]) -> np.ndarray:
    """Return a twin's ticks as compiled code takes them."""
    nets = {tick: wide.split(ticks[tick] % (1 << 128), 2) for tick in sorted(ticks)}
    return np.array([(tick, *net) for tick, net in nets.items()], concentrated.TICK)


def _range(sqrt_price, liquidity):
    return wide.split(sqrt_price, 3), wide.split(liquidity, 2)
