"""The reference price of the first token in plain Python, one block after another, as slowly as it reads."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import numpy as np

from simulation.market import clock
from simulation.market.prices import ALIVE, DEAD, MAX_MOVE, RUG_FALL
from simulation.market.regimes import CRASH_VOLATILITY
from simulation.market.volatility import COMMON, COMPONENTS
from simulation.rng import Stream, normals, uniform, words

M64 = 2**64 - 1
OFFSET = 1 << 40
NOISE, BEAT, JUMP, RUG = 0, 2, 3, 4  # purposes; 1 is where a stream begins


def draw(seed, stream, block, purpose):
    return [int(w) for w in words(np.uint64(seed), np.uint64(stream), np.uint64(block + OFFSET), np.uint64(purpose))]


def unit(word):
    return float(uniform(np.uint64(word & M64)))


def added(numbers):
    """Return floats one after another, as compiled code adds them; Python's own sum carries what is lost from 3.12 on."""
    return reduce(add, numbers, 0.0)


def twin_bell(word):
    total = sum((word >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    return (total - 2.0 * 65535) * math.sqrt(3.0 / (2**32 - 1))


def thirds(word):
    numbers = (word >> 43, (word >> 22) & (2**21 - 1), (word >> 1) & (2**21 - 1))
    return [(number - (2**20 - 0.5)) * (math.sqrt(12.0) / 2**21) for number in numbers]


class Noise:
    """One source: six components, and the words of a beat."""

    def __init__(self, record):
        self.logs = [float(record[name]) for name in COMPONENTS]
        self.words = [int(record[f"word_{at}"]) for at in range(4)]
        self.factor = float(record["factor"])

    def beat(self, rates, scale, seed, stream, block, leader=None):
        word_0, word_1, *spare = draw(seed, stream, block, BEAT)
        innovations = thirds(word_0) + thirds(word_1)
        self.logs = [
            float(rates[f"{name}_keep"]) * log + float(rates[f"{name}_spread"]) * innovation
            for name, log, innovation in zip(COMPONENTS, self.logs, innovations, strict=True)
        ]
        own = added(self.logs)
        log = own if leader is None else COMMON * added(leader.logs) + math.sqrt(1 - COMMON**2) * own
        self.factor = scale * math.exp(log - added(deviation**2 for _, deviation in COMPONENTS.values()))
        self.words = draw(seed, stream, block, NOISE)
        return spare

    def shock(self, deviation):
        scaled = deviation * self.factor
        word, *self.words = self.words
        return scaled * twin_bell(word), scaled**2


def twin_log_prices(source, n_blocks, first_block):
    """Return the log price of the first token of a synthetic source at each block from its beginning on."""
    engine = source._engine
    seed, rates, process = int(engine._seed), engine._rates[0], engine._processes[0]
    row, n_sectors = int(process["sector_row"]), len(engine._sectors)
    records = engine.begin().noises
    streams = (int(Stream.PRICE), int(engine._sectors[row]), int(process["price_stream"]))
    noises = [Noise(records[at]) for at in (0, 1 + row, 1 + n_sectors)]
    deviations = [
        float(value) for value in (rates["market_deviation"], rates["unit_deviation"], process["own_deviation"])
    ]
    shares = (float(process["market_beta"]), float(process["sector_volatility"]))
    price, jumps, rugged, prices = 0.0, [], ALIVE, []
    for block in range(first_block, first_block + n_blocks):
        if rugged != ALIVE:
            rugged = DEAD
            prices.append(price)
            continue
        fall = 0.0
        if block % 4 == 0:
            scale = _scale(rates, block)
            for noise, stream, leader in zip(noises, streams, (None, noises[0], noises[0]), strict=True):
                spare = noise.beat(rates, scale, seed, stream, block, leader)
            if unit(spare[0]) < process["jump_chance"]:
                jumps = _jump(jumps, process, rates, seed, streams[2], block)
            if block >= 0 and unit(spare[1] << 21) < process["rug_chance"]:
                rugged, fall = 1, _fall(seed, streams[2], block)
        shocks = [noise.shock(deviation) for noise, deviation in zip(noises, deviations, strict=True)]
        shocks[0] = (shocks[0][0] + _regime(rates, block), shocks[0][1])
        change = shares[0] * shocks[0][0] + shares[1] * shocks[1][0] + shocks[2][0]
        change -= 0.5 * (shares[0] ** 2 * shocks[0][1] + shares[1] ** 2 * shocks[1][1] + shocks[2][1])
        change += float(process["drift"]) - float(process["pull"]) * price + fall
        change += jumps.pop() if jumps else 0.0
        price = min(max(price + change, -math.log(MAX_MOVE)), math.log(MAX_MOVE))
        prices.append(price)
    return prices


def _scale(rates, block):
    since, half_life = block - int(rates["crash_until"]), float(rates["crash_half_life"])
    crashed = (
        1.0 + (CRASH_VOLATILITY - 1.0) * 0.5 ** (max(since, 0) / half_life) if block >= rates["crash_from"] else 1.0
    )
    week_ms = (block * int(rates["block_time_ms"]) + int(rates["week_offset_ms"])) % clock.MS_PER_WEEK
    table, hour = clock.week(), week_ms // clock.MS_PER_HOUR
    part = week_ms % clock.MS_PER_HOUR / clock.MS_PER_HOUR
    return float(rates["volatility"]) * float(table[hour] + (table[hour + 1] - table[hour]) * part) * crashed


def _regime(rates, block):
    falling = rates["crash_from"] <= block < rates["crash_until"]
    return float(rates["market_drift"]) + (float(rates["crash_step"]) if falling else 0.0)


def _jump(held, process, rates, seed, stream, block):
    word_0, word_1, word_2, _ = draw(seed, stream, block, JUMP)
    size = (
        float(process["jump_mean"])
        + float(process["jump_deviation"]) * normals(np.uint64(word_0), np.uint64(word_1))[0]
    )
    length = int(rates["jump_blocks_min"]) + (word_2 * int(rates["jump_lengths"]) >> 64)
    return [(added(held) + size) / length] * length


def _fall(seed, stream, block):
    low, high = RUG_FALL
    return math.log(1.0 - (low + (high - low) * unit(draw(seed, stream, block, RUG)[1])))
