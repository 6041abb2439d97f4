"""The fee market: EIP-1559's integer rule, and the random demand that drives it.

Utilisation of a block is (1 / elasticity) * exp(-ETA * (ln base fee - willingness) + noise), at most 1; willingness
to pay is the log of the base fee where the market begins plus three mean-reverting components. Fitted to mainnet
after the Merge: utilisation 0.50 with deviation 0.15, log base fee moving 0.037 a block.

What is unrealistic: no slot is missed, the gas limit never changes, and paper orders fill no block.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled
from simulation.market.noise import draw, innovations, reversion
from simulation.rng import Stream, normals
from simulation.wei import U0, mul_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.scenario import Gas

WEI_PER_GWEI = 1_000_000_000

CHAIN = np.dtype(
    [
        ("base_fee_wei", np.int64),  # of the next block
        ("tide", np.float64),  # log demand that wanders over days
        ("slow", np.float64),  # over hours
        ("fast", np.float64),  # over minutes
        ("tip", np.float64),  # log of the priority fee against its level
    ],
    align=True,
)
"""What the fee market carries from block to block; shape ``(1,)``."""

FEES = np.dtype(
    [
        ("gas_limit", np.int64),
        ("elasticity", np.int64),
        ("denominator", np.int64),
        ("log_base_fee", np.float64),
        ("priority_fee_wei", np.float64),
        ("tide_keep", np.float64),
        ("tide_spread", np.float64),
        ("slow_keep", np.float64),
        ("slow_spread", np.float64),
        ("fast_keep", np.float64),
        ("fast_spread", np.float64),
        ("tip_keep", np.float64),
        ("tip_spread", np.float64),
    ],
    align=True,
)
"""The constants of a fee market; shape ``(1,)``."""

_ETA = 3.0
"""How strongly demand answers a base fee above what it is willing to pay."""

_BLOCK_NOISE = 0.27
"""Standard deviation of a block's log demand."""

_TIP_PRESSURE = 0.8
"""How much a full block raises the log of the priority fee above an empty one's, by utilisation."""

_COMPONENTS = {"tide": (4.0, 0.35), "slow": (1 / 6, 0.20), "fast": (1 / 48, 0.09), "tip": (1 / 144, 0.40)}
"""Half-life in days and stationary deviation in log units of each component."""

_GAS_STREAM = np.uint64(Stream.GAS)


@compiled
def next_base_fee_for_target(base_fee_wei, gas_used, gas_target, denominator):
    """Return the base fee after a block that used ``gas_used`` of a target; exact, EIP-1559."""
    if gas_used == gas_target:
        return np.int64(base_fee_wei)
    distance = abs(gas_used - gas_target)
    _, scaled = mul_div(U0, np.uint64(base_fee_wei), U0, np.uint64(distance), U0, np.uint64(gas_target))
    step = np.int64(scaled) // denominator
    if gas_used > gas_target:
        return np.int64(base_fee_wei + max(step, 1))
    return np.int64(base_fee_wei - step)


@compiled
def next_base_fee(base_fee_wei, gas_used, gas_limit, elasticity, denominator):
    """Return the base fee in wei of the block after one that used ``gas_used`` of ``gas_limit``."""
    return next_base_fee_for_target(base_fee_wei, gas_used, gas_limit // elasticity, denominator)


@compiled
def gas_used_by_demand(base_fee_wei, willingness, noise, gas_limit, elasticity):
    """Return the gas that a block uses when demand is willing to pay ``exp(willingness)`` wei."""
    excess = -_ETA * (math.log(np.float64(max(base_fee_wei, 1))) - willingness) + _BLOCK_NOISE * noise
    utilisation = math.exp(excess) / elasticity
    return np.int64(min(utilisation, 1.0) * gas_limit)


@compiled
def step_chain(block_gas, chain, fees, seed, block):
    """Write the fees of ``block`` to ``block_gas`` and carry the chain to the next block."""
    word_0, word_1, word_2, word_3 = draw(seed, _GAS_STREAM, block)
    noise, _ = normals(word_0, word_1)
    tide, slow, fast = innovations(word_2)
    tip, _, _ = innovations(word_3)
    chain.tide = fees.tide_keep * chain.tide + fees.tide_spread * tide
    chain.slow = fees.slow_keep * chain.slow + fees.slow_spread * slow
    chain.fast = fees.fast_keep * chain.fast + fees.fast_spread * fast
    chain.tip = fees.tip_keep * chain.tip + fees.tip_spread * tip
    willingness = fees.log_base_fee + chain.tide + chain.slow + chain.fast
    used = gas_used_by_demand(chain.base_fee_wei, willingness, noise, fees.gas_limit, fees.elasticity)
    pressure = _TIP_PRESSURE * (used / fees.gas_limit * fees.elasticity - 1.0)
    block_gas.base_fee_wei = chain.base_fee_wei
    block_gas.priority_fee_wei = np.int64(fees.priority_fee_wei * math.exp(chain.tip + pressure))
    chain.base_fee_wei = next_base_fee(chain.base_fee_wei, used, fees.gas_limit, fees.elasticity, fees.denominator)


def fee_records(gas: Gas, block_time_ms: int) -> NDArray[np.void]:
    """Return the FEES record of ``gas``, shape ``(1,)``."""
    records = np.zeros(1, FEES)
    record = records[0]
    record["gas_limit"] = gas.gas_limit
    record["elasticity"] = gas.elasticity
    record["denominator"] = gas.denominator
    record["log_base_fee"] = math.log(gas.base_fee_gwei * WEI_PER_GWEI)
    record["priority_fee_wei"] = gas.priority_fee_gwei * WEI_PER_GWEI
    for name, (half_life_days, deviation) in _COMPONENTS.items():
        record[f"{name}_keep"], record[f"{name}_spread"] = reversion(half_life_days, deviation, block_time_ms)
    return records


def chain_at_start(gas: Gas) -> NDArray[np.void]:
    """Return the CHAIN record with which a market begins, shape ``(1,)``."""
    records = np.zeros(1, CHAIN)
    records[0]["base_fee_wei"] = round(gas.base_fee_gwei * WEI_PER_GWEI)
    return records
