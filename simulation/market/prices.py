"""Reference prices: one compiled step a block and token.

A token's log return is its class's share of a common market factor, plus noise of its own, plus rare jumps that are
let out over some minutes, so that no single block holds them. Both kinds of noise have stochastic volatility: the
exponential of three mean-reverting components with half-lives of a week, three hours and six minutes. Prices are
martingales: holding a token earns nothing on average.

What is unrealistic: volatility ignores the hour of the day. A price stays within a factor of ``MAX_MOVE`` of where it
began, so that integers hold it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.market.noise import MS_PER_DAY, draw, draw_start, innovations, reversion
from simulation.rng import normals, uniform
from simulation.scenario import TokenClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_MOVE = 10_000.0
"""A price stays within this factor of where it began: 48 bits become at most 62."""

MAX_DEPTH_CHANGE = 4.0
"""Liquidity stays within this factor of where it began."""

MAX_RESERVE_MICRO_USD = 2.0**62

_MAX_LOG_MOVE = math.log(MAX_MOVE)
_MAX_LOG_DEPTH = math.log(MAX_DEPTH_CHANGE)
_AFTER_INNOVATION = np.uint64(21)


@dataclass(frozen=True, slots=True)
class Character:
    """How the tokens of a class move and how they are traded; volatility is per square root of a day."""

    market_beta: float
    own_volatility: float
    """Of what the market factor does not explain, jumps included."""
    jumps_per_day: float
    jump_mean: float
    jump_deviation: float
    swaps_per_day: float
    swap_move_bp: float
    """How far the median swap moves the pool's price."""


MARKET_VOLATILITY = 0.039
"""Of the common factor, per square root of a day."""

CHARACTERS = {
    TokenClass.MAJOR: Character(1.0, 0.0156, 0.08, -0.005, 0.0245, 6120.0, 0.2),
    TokenClass.MID: Character(1.2, 0.0308, 0.15, -0.005, 0.0500, 1440.0, 0.8),
    TokenClass.MEME: Character(1.15, 0.0746, 0.30, 0.020, 0.0770, 480.0, 4.0),
}
"""Together with the market factor these give 4.2 %, 5.6 % and 8.7 % a day."""

_VOLATILITY_COMPONENTS = {"slow": (7.0, 0.45), "mid": (0.125, 0.40), "fast": (0.004, 0.30)}
_DEPTH = (10.0, 0.25)
"""Half-life in days and stationary deviation in log units."""

_JUMP_HALF_LIFE_DAYS = 2 / 1440
_LOG_VOLATILITY_MEAN = -sum(deviation**2 for _, deviation in _VOLATILITY_COMPONENTS.values())
"""Makes the mean variance, not the mean volatility, that of the class."""

VOLATILITY = np.dtype([("slow", np.float64), ("mid", np.float64), ("fast", np.float64)], align=True)
"""The log volatility of the market factor, then of each token's own noise; shape ``(1 + n_tokens,)``."""

PATH = np.dtype(
    [
        ("price", np.float64),  # log of the reference price against the first
        ("jump", np.float64),  # log return still to be let out
        ("depth", np.float64),  # log of the liquidity against the first
    ],
    align=True,
)
"""What a token carries from block to block; shape ``(n_tokens,)``."""

RATES = np.dtype(
    [
        ("market_deviation", np.float64),  # of the factor's return a block
        ("slow_keep", np.float64),
        ("slow_spread", np.float64),
        ("mid_keep", np.float64),
        ("mid_spread", np.float64),
        ("fast_keep", np.float64),
        ("fast_spread", np.float64),
        ("depth_keep", np.float64),
        ("depth_spread", np.float64),
        ("jump_keep", np.float64),
    ],
    align=True,
)
"""The constants that all tokens share; shape ``(1,)``."""

PROCESS = np.dtype(
    [
        ("price_stream", np.uint64),
        ("market_beta", np.float64),
        ("own_deviation", np.float64),  # of the return a block, without jumps
        ("jump_chance", np.float64),
        ("jump_mean", np.float64),
        ("jump_deviation", np.float64),
        ("drift", np.float64),  # takes back what jumps earn on average
    ],
    align=True,
)
"""The constants of a token; shape ``(n_tokens,)``."""


@compiled
def start_volatility(volatility, deviations, seed, stream):
    """Draw the three components from their stationary distribution."""
    word_0, word_1, word_2, word_3 = draw_start(seed, stream)
    slow, mid = normals(word_0, word_1)
    fast, _ = normals(word_2, word_3)
    volatility.slow = slow * deviations[0]
    volatility.mid = mid * deviations[1]
    volatility.fast = fast * deviations[2]


@compiled
def _step_volatility(volatility, rates, word):
    """Carry the components on and return the factor by which a block's deviation is scaled."""
    slow, mid, fast = innovations(word)
    volatility.slow = rates.slow_keep * volatility.slow + rates.slow_spread * slow
    volatility.mid = rates.mid_keep * volatility.mid + rates.mid_spread * mid
    volatility.fast = rates.fast_keep * volatility.fast + rates.fast_spread * fast
    return math.exp(volatility.slow + volatility.mid + volatility.fast + _LOG_VOLATILITY_MEAN)


@compiled
def step_factor(volatility, rates, seed, stream, block):
    """Carry the market factor on and return its (return, variance) of ``block``."""
    word_0, word_1, word_2, _ = draw(seed, stream, block)
    noise, _ = normals(word_0, word_1)
    deviation = rates.market_deviation * _step_volatility(volatility, rates, word_2)
    return deviation * noise, deviation * deviation


@compiled
def step_price(path, volatility, process, rates, shock, variance, seed, block):
    """Carry a token's reference price and liquidity on, given the market's (return, variance) of ``block``."""
    word_0, word_1, word_2, word_3 = draw(seed, process.price_stream, block)
    noise, size = normals(word_0, word_1)
    deviation = process.own_deviation * _step_volatility(volatility, rates, word_2)
    if uniform(word_3 << _AFTER_INNOVATION) < process.jump_chance:
        path.jump += process.jump_mean + process.jump_deviation * size
    let_out = path.jump * (1.0 - rates.jump_keep)
    path.jump -= let_out
    total_variance = process.market_beta * process.market_beta * variance + deviation * deviation
    change = process.market_beta * shock + deviation * noise - 0.5 * total_variance + let_out + process.drift
    path.price = min(max(path.price + change, -_MAX_LOG_MOVE), _MAX_LOG_MOVE)
    innovation, _, _ = innovations(word_3)
    depth = rates.depth_keep * path.depth + rates.depth_spread * innovation
    path.depth = min(max(depth, -_MAX_LOG_DEPTH), _MAX_LOG_DEPTH)


def rate_records(block_time_ms: int) -> NDArray[np.void]:
    """Return the RATES record of a block time, shape ``(1,)``."""
    records = np.zeros(1, RATES)
    record = records[0]
    record["market_deviation"] = MARKET_VOLATILITY * math.sqrt(block_time_ms / MS_PER_DAY)
    for name, (half_life_days, deviation) in (*_VOLATILITY_COMPONENTS.items(), ("depth", _DEPTH)):
        record[f"{name}_keep"], record[f"{name}_spread"] = reversion(half_life_days, deviation, block_time_ms)
    record["jump_keep"], _ = reversion(_JUMP_HALF_LIFE_DAYS, 0.0, block_time_ms)
    return records


def volatility_deviations() -> NDArray[np.float64]:
    """Return the stationary deviations of the volatility components, shape ``(3,)``."""
    return np.array([deviation for _, deviation in _VOLATILITY_COMPONENTS.values()])


def write_character(record: np.void, token_class: TokenClass, block_time_ms: int) -> None:
    """Write how the tokens of a class move into a PROCESS record."""
    character = CHARACTERS[token_class]
    days = block_time_ms / MS_PER_DAY
    jump_variance = character.jumps_per_day * (character.jump_mean**2 + character.jump_deviation**2)
    jump_gain = math.exp(character.jump_mean + 0.5 * character.jump_deviation**2) - 1.0
    record["market_beta"] = character.market_beta
    record["own_deviation"] = math.sqrt((character.own_volatility**2 - jump_variance) * days)
    record["jump_chance"] = character.jumps_per_day * days
    record["jump_mean"] = character.jump_mean
    record["jump_deviation"] = character.jump_deviation
    record["drift"] = -character.jumps_per_day * days * jump_gain
