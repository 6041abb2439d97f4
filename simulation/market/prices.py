"""Reference prices: one compiled step a block and token.

A token's log return is its class's share of a common market factor and of its sector's, plus noise of its own, plus
rare jumps that are let out over 12 to 20 blocks, so that no single block holds them. Volatility moves (``volatility``),
and follows the hour (``clock``) and the regime (``regimes``). In the regimes normal and calm prices are martingales:
holding a token earns nothing on average, but for rug pulls, which nobody pays for. docs/market/prices.md is the model
in a page.

A price stays within a factor of ``MAX_MOVE`` of where it
began, so that integers hold it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.market import clock, volatility
from simulation.market.noise import MS_PER_DAY, draw_for, innovations, reversion
from simulation.market.regimes import CRASH_CALMS_DAYS, CRASH_VOLATILITY, WEATHER, crash_of
from simulation.rng import Stream, below, normals, uniform
from simulation.settings.market import Regime, TokenClass

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
_JUMP = np.uint64(3)
_RUG = np.uint64(4)
_MARKET_KEY = np.uint64(Stream.PRICE)


@dataclass(frozen=True, slots=True)
class Character:
    """How the tokens of a class move and how they are traded; volatility is per square root of a day."""

    market_beta: float
    sector_volatility: float
    own_volatility: float
    """Of what neither the market nor the sector explains, jumps included."""
    jumps_per_day: float
    jump_mean: float
    jump_deviation: float
    swaps_per_day: float
    swap_move_bp: float
    """How far the median swap moves the pool's price."""
    return_days: float | None = None
    """Half-life with which the price goes back to where it began; None: never."""
    rugs_per_day: float = 0.0


MARKET_VOLATILITY = 0.038
"""Of the common factor, per square root of a day."""

CHARACTERS = {
    TokenClass.MAJOR: Character(1.0, 0.0095, 0.0152, 0.08, -0.005, 0.0245, 3000.0, 0.1),
    TokenClass.MID: Character(1.25, 0.0120, 0.0271, 0.15, -0.005, 0.0500, 1440.0, 0.8),
    TokenClass.MEME: Character(1.2, 0.0413, 0.0615, 0.30, 0.020, 0.0770, 480.0, 4.0),
    TokenClass.STABLE: Character(0.0, 0.0, 0.00187, 0.01, -0.010, 0.0150, 1440.0, 0.05, return_days=0.25),
    TokenClass.NEW_MEME: Character(1.2, 0.0700, 0.2340, 0.50, 0.040, 0.1500, 960.0, 20.0, rugs_per_day=0.2),
}
"""Together these give 4.2 %, 5.6 %, 8.7 %, 0.05 % (without depegs) and 25 % a day. Sources: docs/market/prices.md."""

JUMP_BLOCKS = (12, 20)
JUMP_MS = (144_000, 240_000)
"""A jump is let out over this long, drawn for each, and never over fewer blocks."""

RUG_LIQUIDITY = (0.90, 0.99)
"""What an owner burns of a pool's liquidity at a rug pull."""
RUG_FALL = (0.95, 0.99)
"""What the price loses in the same block."""

ALIVE, RUGGING, DEAD = 0, 1, 2
"""Of ``rugged`` in PATH: RUGGING throughout the block of the rug pull, DEAD in all later ones."""

_DEPTH = (10.0, 0.25)
"""Half-life in days and stationary deviation in log units."""

PATH = np.dtype(
    [
        ("price", np.float64),  # log of the reference price against the first
        ("jump_step", np.float64),  # log return that a jump still lets out in each
        ("jump_blocks", np.int64),  # of so many blocks
        ("depth", np.float64),  # log of the liquidity against the first
        ("rugged", np.int64),  # ALIVE, RUGGING or DEAD
        ("rug_depth", np.float64),  # what the rug pull added to depth, and to price, in its one block
        ("rug_price", np.float64),
    ],
    align=True,
)
"""What a token carries from block to block; shape ``(n_tokens,)``."""

RATES = np.dtype(
    [
        ("market_deviation", np.float64),  # of the factor's return a block
        ("market_drift", np.float64),  # its mean a block
        ("unit_deviation", np.float64),  # a block, of a sector whose volatility is 1 a day
        ("volatility", np.float64),  # the regime's factor
        *volatility.MEMORY,
        ("depth_keep", np.float64),  # a beat
        ("depth_spread", np.float64),
        ("jump_blocks_min", np.int64),
        ("jump_lengths", np.int64),  # how many lengths a jump may have, from the least on
        ("crash_from", np.int64),
        ("crash_until", np.int64),
        ("crash_step", np.float64),  # the market factor's return in each of these blocks
        ("crash_half_life", np.float64),  # in blocks, of the volatility that it leaves
        ("block_time_ms", np.int64),
        ("week_offset_ms", np.int64),  # block 0 after a Monday 00:00 UTC
    ],
    align=True,
)
"""The constants that all tokens share; shape ``(1,)``."""

PROCESS = np.dtype(
    [
        ("price_stream", np.uint64),
        ("sector_row", np.int64),
        ("market_beta", np.float64),
        ("sector_volatility", np.float64),
        ("own_deviation", np.float64),  # of the return a block, without jumps
        ("jump_chance", np.float64),  # a beat
        ("jump_mean", np.float64),
        ("jump_deviation", np.float64),
        ("drift", np.float64),  # takes back what jumps earn on average
        ("pull", np.float64),  # what a block takes of the log price
        ("rug_chance", np.float64),  # a beat
    ],
    align=True,
)
"""The constants of a token; shape ``(n_tokens,)``."""


@compiled
def start_prices(noises, processes, sectors, deviations, seed):
    """Draw where the volatility of the market factor, the sectors and the tokens begins."""
    volatility.start(noises[0], deviations, seed, _MARKET_KEY)
    for i in range(len(sectors)):
        volatility.start(noises[1 + i], deviations, seed, sectors[i])
    for i in range(len(processes)):
        volatility.start(noises[1 + len(sectors) + i], deviations, seed, processes[i].price_stream)


@compiled
def step_prices(paths, noises, processes, sectors, rates, week, seed, block):
    """Carry the market factor, the sectors and every token's reference price and liquidity on to ``block``.

    ``noises`` holds the market factor's NOISE, the sectors', then the tokens'.
    """
    scale = _scale(rates, week, block) if volatility.is_beat(block) else 1.0
    market = noises[0]
    _step_market(market, rates, scale, seed, block)
    for i in range(len(sectors)):
        _step_sector(noises[1 + i], market, rates, scale, seed, sectors[i], block)
    for i in range(len(paths)):
        sector = noises[1 + processes[i].sector_row]
        _step_price(paths[i], noises[1 + len(sectors) + i], market, sector, processes[i], rates, scale, seed, block)


@compiled
def _step_market(market, rates, scale, seed, block):
    """Write the shock of the market factor at ``block``: its noise, the regime's drift and the crash."""
    if volatility.is_beat(block):
        volatility.lead(market, rates, scale, seed, _MARKET_KEY, block)
    volatility.shake(market, rates.market_deviation)
    market.shock += rates.market_drift
    if rates.crash_from <= block < rates.crash_until:
        market.shock += rates.crash_step


@compiled
def _step_sector(noise, market, rates, scale, seed, stream, block):
    """Write the shock of a sector at ``block``, for a volatility of 1 a day."""
    if volatility.is_beat(block):
        volatility.follow(noise, market, rates, scale, seed, stream, block)
    volatility.shake(noise, rates.unit_deviation)


@compiled
def _step_price(path, noise, market, sector, process, rates, scale, seed, block):
    """Carry a token's reference price and liquidity on, given the shocks of the market and of its sector.

    With shocks e of variance v, the log return is sum(share * e - share**2 * v / 2) + jumps + drift - pull * log price:
    without the pull, the price is a martingale.
    """
    if path.rugged != ALIVE:
        path.rugged = DEAD
        return
    if volatility.is_beat(block):
        word_0, word_1 = volatility.follow(noise, market, rates, scale, seed, process.price_stream, block)
        _begin_beat(path, process, rates, word_0, word_1, seed, block)
    volatility.shake(noise, process.own_deviation)
    beta, share = process.market_beta, process.sector_volatility
    change = beta * market.shock + share * sector.shock + noise.shock
    change -= 0.5 * (beta * beta * market.variance + share * share * sector.variance + noise.variance)
    change += process.drift - process.pull * path.price + path.rug_price
    if path.jump_blocks > 0:
        path.jump_blocks -= 1
        change += path.jump_step
    path.price = min(max(path.price + change, -_MAX_LOG_MOVE), _MAX_LOG_MOVE)


@compiled
def _scale(rates, week, block):
    """Return the factor on all volatility: the regime's, the hour's, and what a crash leaves."""
    scale = rates.volatility * clock.at_time(week, block * rates.block_time_ms + rates.week_offset_ms)
    if block < rates.crash_from:
        return scale
    calmed = 0.5 ** (max(block - rates.crash_until, 0) / rates.crash_half_life)
    return scale * (1.0 + (CRASH_VOLATILITY - 1.0) * calmed)


@compiled
def _begin_beat(path, process, rates, word_0, word_1, seed, block):
    """Let liquidity wander, and see whether a jump or a rug pull comes."""
    innovation, _, _ = innovations(word_1)
    depth = rates.depth_keep * path.depth + rates.depth_spread * innovation
    path.depth = min(max(depth, -_MAX_LOG_DEPTH), _MAX_LOG_DEPTH)
    if uniform(word_0) < process.jump_chance:
        _begin_jump(path, process, rates, seed, block)
    if uniform(word_1 << _AFTER_INNOVATION) < process.rug_chance and block >= 0:
        _pull_rug(path, process, seed, block)


@compiled
def _begin_jump(path, process, rates, seed, block):
    """Draw a jump and its length; what an earlier one still holds is let out with it."""
    word_0, word_1, word_2, _ = draw_for(seed, process.price_stream, block, _JUMP)
    size, _ = normals(word_0, word_1)
    held = path.jump_step * path.jump_blocks + process.jump_mean + process.jump_deviation * size
    path.jump_blocks = rates.jump_blocks_min + below(word_2, rates.jump_lengths)
    path.jump_step = held / path.jump_blocks


@compiled
def _pull_rug(path, process, seed, block):
    """Burn nearly all of the liquidity; the price follows in the same block, and stands still for ever after."""
    word_0, word_1, _, _ = draw_for(seed, process.price_stream, block, _RUG)
    low, high = RUG_LIQUIDITY
    path.rug_depth = math.log(1.0 - (low + (high - low) * uniform(word_0)))
    low, high = RUG_FALL
    path.rug_price = math.log(1.0 - (low + (high - low) * uniform(word_1)))
    path.depth += path.rug_depth
    path.rugged = RUGGING


def variances(noises: NDArray[np.void], processes: NDArray[np.void], n_sectors: int) -> NDArray[np.float64]:
    """Return the variance that the latest block's volatility gave to each token's log return, jumps aside."""
    variance = noises["variance"]
    sectors = variance[1 + processes["sector_row"]]
    own = variance[1 + n_sectors :]
    return np.asarray(processes["market_beta"] ** 2 * variance[0] + processes["sector_volatility"] ** 2 * sectors + own)


def rate_records(regime: Regime, seed: int, block_time_ms: int, week_offset_ms: int) -> NDArray[np.void]:
    """Return the RATES record of a market, shape ``(1,)``."""
    days = block_time_ms / MS_PER_DAY
    weather = WEATHER[regime]
    records = np.zeros(1, RATES)
    record = records[0]
    record["market_deviation"] = MARKET_VOLATILITY * math.sqrt(days)
    record["market_drift"] = weather.drift_per_day * days
    record["unit_deviation"] = math.sqrt(days)
    record["volatility"] = weather.volatility
    volatility.write_memory(record, block_time_ms)
    record["depth_keep"], record["depth_spread"] = reversion(*_DEPTH, volatility.BEAT_BLOCKS * block_time_ms)
    shortest, longest = (max(n, round(ms / block_time_ms)) for n, ms in zip(JUMP_BLOCKS, JUMP_MS, strict=True))
    record["jump_blocks_min"], record["jump_lengths"] = shortest, longest - shortest + 1
    record["crash_from"], record["crash_until"], record["crash_step"] = crash_of(regime, seed, block_time_ms)
    record["crash_half_life"] = CRASH_CALMS_DAYS / days
    record["block_time_ms"], record["week_offset_ms"] = block_time_ms, week_offset_ms
    return records


def write_character(record: np.void, token_class: TokenClass, regime: Regime, block_time_ms: int) -> None:
    """Write how the tokens of a class move in a regime into a PROCESS record."""
    character, weather = CHARACTERS[token_class], WEATHER[regime]
    days = block_time_ms / MS_PER_DAY
    jump_variance = character.jumps_per_day * (character.jump_mean**2 + character.jump_deviation**2)
    jump_gain = math.exp(character.jump_mean + 0.5 * character.jump_deviation**2) - 1.0
    jumps = character.jumps_per_day * weather.jumps * days
    record["market_beta"] = character.market_beta
    record["sector_volatility"] = character.sector_volatility
    record["own_deviation"] = math.sqrt((character.own_volatility**2 - jump_variance) * days)
    record["jump_chance"] = jumps * volatility.BEAT_BLOCKS
    record["jump_mean"] = character.jump_mean
    record["jump_deviation"] = character.jump_deviation
    record["drift"] = -jumps * jump_gain
    return_days = min(character.return_days or math.inf, weather.return_days or math.inf)
    record["pull"] = 1.0 - 0.5 ** (days / return_days)
    record["rug_chance"] = character.rugs_per_day * days * volatility.BEAT_BLOCKS
